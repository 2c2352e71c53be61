"""What systemd hands to a daemon and hears from it: sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3).

Where nothing was handed over, or what was makes no sense, all of it is silent.
"""

import contextlib
import os
import socket
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Self

FIRST = 3
"""The first descriptor that is passed."""
MOST = 16
"""More passed descriptors than this are none."""
NAMES = (
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
)
OFTEN_S, SELDOM_S = 0.05, 3600.0
SEND_S = 0.5
_DIGITS = 15


class Systemd:
    """One daemon's side of it.

    ``sockets`` are the Unix sockets that were passed: they listen, and stay systemd's when the daemon ends.
    ``watchdog_s`` is how often the watchdog is to be told that all is well, half of its patience; None without one.
    """

    def __init__(
        self, *, sockets: Sequence[socket.socket] = (), address: str = "", watchdog_s: float | None = None
    ) -> None:
        self.sockets = tuple(sockets)
        self.watchdog_s = watchdog_s
        self._address = address

    @classmethod
    def taken(cls, environ: MutableMapping[str, str]) -> Self:
        """What the environment tells, taken out of it: no child may think that it was meant.

        To be called before anything is opened: the numbers of passed descriptors are believed.
        """
        told = {name: environ.pop(name, "") for name in NAMES}
        own = str(os.getpid())
        count = _number(told["LISTEN_FDS"]) if told["LISTEN_PID"] == own else 0
        passed = range(FIRST, FIRST + count) if count <= MOST else ()
        usec = _number(told["WATCHDOG_USEC"]) if told["WATCHDOG_PID"] in ("", own) else 0
        return cls(
            sockets=[found for found in map(_socket, passed) if found is not None],
            address=told["NOTIFY_SOCKET"],
            watchdog_s=min(max(usec / 2e6, OFTEN_S), SELDOM_S) if usec else None,
        )

    def tell(self, **said: object) -> None:
        """Tell systemd how the daemon is, as in ``READY=1``; not heard is no harm."""
        if not self._address.startswith(("/", "@")):
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        lines = (f"{name.upper()}={' '.join(str(value).split())}" for name, value in said.items())
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.settimeout(SEND_S)
            door.sendto("\n".join(lines).encode("utf-8", "replace"), address)


def path_of(passed: socket.socket) -> Path:
    """Where a passed socket is found."""
    return Path(passed.getsockname())


def _number(text: str) -> int:
    """The number that the text is; 0 when it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else 0


def _socket(descriptor: int) -> socket.socket | None:
    """A Unix socket that listens at a path; anything else is left as it is, but for no child to inherit."""
    try:
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - the library's signature
        found = socket.socket(fileno=descriptor)
    except OSError:
        return None
    if _listens(found):
        found.settimeout(0)
        return found
    found.detach()
    return None


def _listens(found: socket.socket) -> bool:
    if (found.family, found.type) != (socket.AF_UNIX, socket.SOCK_STREAM):
        return False
    name = found.getsockname()
    listens = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    return bool(listens) and isinstance(name, str) and os.path.isabs(name)  # noqa: PTH117 - no path yet
