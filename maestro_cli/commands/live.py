"""A view that stays: shown again whenever something has changed it, until it is interrupted or nobody reads it."""

import time
from collections.abc import Sequence
from threading import Event, Thread

from maestro_cli import output, shapes, texts
from maestro_cli.call import Call
from maestro_cli.commands.watch import frames, seq_of
from maestro_cli.failures import note
from maestro_cli.request import build
from maestrod.client.errors import ClientError, Refused

CALM_S = 0.25
"""What happens within this time is shown at once."""
LOOK_S = 1.0
"""How often it is seen whether somebody still reads, and whether the daemon is back."""
AGES_S = 15.0
"""How old told ages may be."""
ONCE = ("STARTING", "SHUTTING_DOWN", "RATE_LIMITED", "TIMEOUT", "DAEMON_UNREACHABLE")
"""Refusals that pass."""
AWAY = "the daemon is away; waiting for it"


def live(call: Call) -> int:
    """Show what the verb shows, and again whenever it is another."""
    view = View(call)
    stirred = Stirred(call)
    view.look()
    call.client.start = None
    call.client.patience = 0.0
    looked = time.monotonic()
    while output.is_read():
        if stirred.wait() or view.away or time.monotonic() - looked > AGES_S:
            view.look_again()
            looked = time.monotonic()
    return 0


class Stirred:
    """Hears in a thread of its own whether anything happened."""

    def __init__(self, call: Call) -> None:
        self._happened = Event()
        self._error: ClientError | None = None
        Thread(target=self._listen, args=(call, seq_of(call.client)), daemon=True).start()

    def wait(self) -> bool:
        """Whether anything happened within a second, or was heard before.

        Raises:
            ClientError: the daemon tells us nothing more.
        """
        if not self._happened.wait(LOOK_S):
            return False
        time.sleep(CALM_S)
        self._happened.clear()
        if self._error is not None:
            raise self._error
        return True

    def _listen(self, call: Call, seq: int) -> None:
        try:
            for _ in frames(call.client, seq, away=self._happened.set):
                self._happened.set()
        except ClientError as error:
            self._error = error
            self._happened.set()


class View:
    """What was shown last; drawn over in a terminal, one after the other elsewhere."""

    def __init__(self, call: Call) -> None:
        self.away = False
        self._call = call
        self._request = build(call.row, call.values, project=call.context.project)
        self._where = {} if self._request.anywhere else call.context.where()
        self._known: object = None
        self._lines: Sequence[str] = ()
        self._drawn = 0
        self._size = (0, 0)

    def look(self) -> None:
        """Ask, and show it if it is another."""
        request = self._request
        body = self._call.client.call("GET", request.path, query=request.query, headers=self._where).body
        self.away = False
        if self._call.output.json:
            self._tell(body)
        else:
            self._call.output.width = output.WIDE
            self._show(shapes.shown(self._call, body)[1])

    def look_again(self) -> None:
        """The same, while the daemon may be away.

        Raises:
            ClientError: it is there and refuses.
        """
        try:
            self.look()
        except ClientError as error:
            if isinstance(error, Refused) and error.code not in ONCE:
                raise
            self._miss()

    def _miss(self) -> None:
        if self.away:
            return
        self.away = True
        if output.steers() and not self._call.output.json:
            self._draw([*self._lines, "", AWAY])
        else:
            note(AWAY)

    def _tell(self, body: object) -> None:
        """The document, a line; where nothing but the number of commits grew, it is the same."""
        said = {name: value for name, value in body.items() if name != "seq"} if isinstance(body, dict) else body
        if said != self._known:
            self._known = said
            self._call.output.item(body, "")

    def _show(self, lines: Sequence[str]) -> None:
        if output.steers():
            self._draw(lines)
        elif lines != self._lines:
            self._call.output.result(None, [*([""] if self._lines else []), *lines])
        self._lines = lines

    def _draw(self, lines: Sequence[str]) -> None:
        """Over what was drawn before; from an empty screen when the terminal has another size."""
        size = output.size()
        fitting = fitted(lines, *size)
        start = f"\x1b[{self._drawn}A\r" if self._drawn else "\r"
        if self._size not in ((0, 0), size):
            start = "\x1b[H\x1b[2J"
        elif fitting == self._known:
            return
        body = "".join(f"{line}\x1b[K\r\n" for line in fitting)
        self._call.output.drawn(f"{start}{body}\x1b[J")
        self._known, self._drawn, self._size = fitting, len(fitting), size


def fitted(lines: Sequence[str], columns: int, rows: int) -> list[str]:
    """The lines as a terminal of this size holds them: folded, and at its foot how many are left out."""
    folded = [part for line in lines for part in texts.wrapped(line, columns) or [""]]
    most = max(1, rows - 1)
    return folded if len(folded) <= most else [*folded[: most - 1], f"… {len(folded) - most + 1} more lines"[:columns]]
