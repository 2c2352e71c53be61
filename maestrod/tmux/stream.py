"""PURE: the control stream of tmux, cut into answers and notices."""

import re

from msgspec import Struct

_LIMIT = 16 * 1024 * 1024
_GUARD = re.compile(rb"[0-9]{1,20} [0-9]{1,20} ([0-9]{1,20})")


class Reply(Struct, frozen=True):
    """What stood between ``%begin`` and ``%end`` or ``%error``."""

    ok: bool
    own: bool
    """It answers a command that came over this connection; otherwise tmux did something by itself."""
    text: str


class Notice(Struct, frozen=True):
    """A line that tmux sent unasked, such as ``%window-add @3``."""

    kind: str
    rest: str


class Stray(Struct, frozen=True):
    """What has no place in the stream: from here on answers may belong to other questions."""

    text: str


Message = Reply | Notice | Stray


class ControlStream:
    """Takes the bytes in any pieces and gives the messages in order; memory is bounded by ``limit`` bytes."""

    def __init__(self, *, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._rest = b""
        self._guard: bytes | None = None
        self._body: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[Message]:
        """Take the next bytes; answer the messages that they complete."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        messages = [message for line in lines if (message := self._line(line)) is not None]
        if self._size + len(self._rest) > self._limit:
            messages.append(self._overflow())
        return messages

    def _line(self, line: bytes) -> Message | None:
        if self._guard is not None:
            return self._inside(line, self._guard)
        if line.startswith(b"%begin "):
            return self._begin(line)
        if line.startswith(b"%"):
            kind, _, rest = _text(line[1:]).partition(" ")
            return Notice(kind=kind, rest=rest)
        return Stray(text=_text(line[:200])) if line else None

    def _begin(self, line: bytes) -> Message | None:
        guard = line.removeprefix(b"%begin ")
        if not _GUARD.fullmatch(guard):
            return Stray(text=_text(line[:200]))
        self._guard = guard
        return None

    def _inside(self, line: bytes, guard: bytes) -> Message | None:
        """Only the very guard ends the block: a pane may show lines that look like the end of one."""
        if line not in (b"%end " + guard, b"%error " + guard):
            self._body.append(line)
            self._size += len(line) + 1
            return None
        reply = Reply(ok=line.startswith(b"%end "), own=not guard.endswith(b" 0"), text=_text(b"\n".join(self._body)))
        self._reset()
        return reply

    def _overflow(self) -> Stray:
        self._reset()
        self._rest = b""
        return Stray(text=f"more than {self._limit} bytes in one message")

    def _reset(self) -> None:
        self._guard, self._body, self._size = None, [], 0


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
