"""Tells a person what happened: on the screen, by the bell, by the terminal, and by a program of theirs."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Literal, Protocol

from maestro_tui import programs
from maestro_tui.cells import cut
from maestro_tui.deeds import Refused
from maestro_tui.desk import Desk
from maestro_tui.lines import Tone
from maestro_tui.moment import age
from maestro_tui.outside import BEL, announcement
from maestro_tui.view.notices import (
    KINDS,
    Kind,
    Looked,
    Note,
    Presence,
    Rules,
    Said,
    Way,
    digest,
    note_of,
    said,
    summed,
    worth,
)
from maestro_tui.view.notices import ways as ways_now

GATHER_S = 0.3
"""How long is waited for more before something is told."""
PAUSE_S = 4.0
"""How long nothing is told after that: what happens meanwhile is told in one."""
LOG = 500
"""Notes that are kept."""
TEXT = 240
"""Cells of a toast."""
DIGEST_S = 60.0
"""How long a digest stays."""

Severity = Literal["information", "warning", "error"]
SEVERITIES: dict[Tone, Severity] = {Tone.BAD: "error", Tone.WARN: "warning"}


class Loud(Protocol):
    """What telling needs of the app."""

    given_away: bool

    @property
    def looked(self) -> Looked:
        """What is on the screen, large."""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: Severity = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show words for a while."""

    def outside(self, sequence: str) -> None:
        """Say something to the terminal itself."""

    def begin(self, job: Callable[[], Coroutine[Any, Any, None]], *, group: str = "", alone: bool = False) -> None:
        """Do something beside the rest."""


class Teller:
    """Knows whether somebody looks, and what happened lately."""

    def __init__(self, desk: Desk, app: Loud) -> None:
        self._desk = desk
        self._app = app
        self.presence = Presence()
        self.log: deque[Note] = deque(maxlen=LOG)
        self._complained = False

    @property
    def _rules(self) -> Rules:
        return self._desk.preferences.notify

    @property
    def _now(self) -> int:
        return self._desk.moment().now

    # -- who looks -------------------------------------------------------------------------------

    def touched(self) -> None:
        """A key was pressed."""
        self._digest()
        self.presence = self.presence.press(self._now)

    def gained(self) -> None:
        """The terminal has the focus."""
        self._digest()
        self.presence = self.presence.gain(self._now)

    def lost(self) -> None:
        """The terminal has it no more."""
        self.presence = self.presence.lose(self._now)

    def _digest(self) -> None:
        now, left = self._now, self.presence.left
        gone = self.presence.away(now, self._rules)
        if not gone or left is None:
            return
        wanted = [note for note in self.log if note.kind in self._rules.kinds]
        if lines := digest(wanted, self._desk.mirror, left):
            words = "\n".join(cut(line, TEXT) for line in lines)
            title = f"While you were away ({age(gone)})"
            self._app.notify(words, title=title, timeout=DIGEST_S, markup=False)

    # -- telling ---------------------------------------------------------------------------------

    async def tell(self) -> None:
        """Tell what happens, for ever."""
        while True:
            await self._desk.noticed.wait()
            await asyncio.sleep(GATHER_S)
            if self._tell(self._taken()):
                await asyncio.sleep(PAUSE_S)

    def _taken(self) -> list[Note]:
        mirror = self._desk.mirror
        found = [note_of(mirror, each.event, each.id, each.at) for each in self._desk.take_notices()]
        return [note for note in found if note is not None]

    def _tell(self, notes: Sequence[Note]) -> bool:
        """Tell them by the ways of this moment; whether there was anything to tell.

        Reports that nobody wants to be told are not kept either: they are so many that they would push out the rest.
        """
        rules, moment = self._rules, self._desk.moment()
        self.log.extend(note for note in notes if note.kind is not Kind.PROGRESS or note.kind in rules.kinds)
        here = self.presence.is_here(moment.now, rules)
        told = said(worth(notes, rules, self._app.looked, here=here))
        if not told:
            return False
        ways = ways_now(rules, moment, here=here and not self._app.given_away)
        if Way.TOAST in ways:
            for each in told:
                self._toast(each)
        if Way.BELL in ways:
            self._app.outside(BEL)
        title, text = summed(told)
        if Way.TERMINAL in ways:
            self._app.outside(announcement(rules.terminal, self._desk.environ, title, text))
        if Way.COMMAND in ways and rules.command:
            self._app.begin(partial(self._announce, title, text))
        return True

    def _toast(self, told: Said) -> None:
        severity = SEVERITIES.get(KINDS[told.kind].tone, "information")
        words, title = (told.text, told.title) if told.text else (told.title, "")
        self._app.notify(cut(words, TEXT), title=cut(title, TEXT), severity=severity, markup=False)

    async def _announce(self, title: str, text: str) -> None:
        """Once is enough to complain of a program that fails."""
        outcome = await programs.announce(self._rules.command, title, text, self._desk.environ)
        if isinstance(outcome, Refused) and not self._complained:
            self._complained = True
            self._app.notify(outcome.words, severity="warning", markup=False)
