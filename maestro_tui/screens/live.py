"""The pane in the middle of Mission: it is followed while somebody looks, and a person can type in it."""

import asyncio
from contextlib import aclosing
from functools import partial

from textual.actions import SkipAction

from maestro_tui.bindings import KEYS, Panel
from maestro_tui.desk import Desk
from maestro_tui.frame import Broken
from maestro_tui.keyboard import ESCAPE
from maestro_tui.lines import Hint, Line
from maestro_tui.live_mode import Typing
from maestro_tui.screens.framed import Framed
from maestro_tui.spotlight import Subject
from maestro_tui.view.live import typing_ended, typing_line
from maestro_tui.view.sessions import pane_words
from maestro_tui.widgets.centre import Centre
from maestrod.domain.model import LIVE_SESSION, Noun, Session

SETTLE_S = 0.06
"""How long the cursor stands still before what it is on is read."""
FPS, TYPING_FPS = 10, 30
"""How often a second the pane is drawn, and while a person types in it."""
LEAVE = next(key for key in KEYS if key.name == "leave-live-mode")


class Live(Framed):
    """A screen with the live pane of what is looked at."""

    def __init__(self, desk: Desk, panel: Panel) -> None:
        super().__init__(desk, panel)
        self.centre = Centre(id="centre", classes="panel")
        self._attended: object = None
        self._typing: Typing | None = None

    # -- following -------------------------------------------------------------------------------

    def attend(self) -> None:
        """Follow the pane of what is looked at now, if it is another one than before."""
        session = self.spot.session
        attended = (self.spot.subject, session and session.pane, session and session.status in LIVE_SESSION)
        if attended != self._attended:
            self._attended = attended
            self.begin(self._attend, group="subject", alone=True)

    def entered(self, subject: Subject | None = None) -> None:
        """The pane is followed again."""
        super().entered(subject)
        self._attended = None

    def left(self) -> None:
        """Nobody looks: the pane is not followed."""
        self._stop_typing()
        self._attended = None
        self.workers.cancel_group(self, "subject")

    async def _attend(self) -> None:
        """Read what belongs to the subject, and follow its pane; of an ended session that is its last screen."""
        subject, session = self.spot.subject, self.spot.session
        self.centre.live.say(pane_words(session) if session is not None else "")
        await asyncio.sleep(SETTLE_S)
        if subject is None:
            return
        await self.desk.fetch(subject)
        if session is not None and session.pane is not None:
            await self._follow_pane(session.id)

    async def _follow_pane(self, session_id: str) -> None:
        fps = TYPING_FPS if self.typing else FPS
        async with aclosing(self.desk.screens(session_id, fps=fps)) as screens:
            async for screen in screens:
                if isinstance(screen, str):
                    self.centre.live.say(screen)
                else:
                    cursor = (screen.cursor_x, screen.cursor_y)
                    self.centre.live.draw(screen.text, width=screen.width, cursor=cursor)

    # -- typing ----------------------------------------------------------------------------------

    @property
    def typing(self) -> bool:
        """Whether every key goes to the agent."""
        return self._typing is not None

    @property
    def takes_keys(self) -> Session | None:
        """The session in whose pane one can type."""
        session = self.spot.session
        return session if session is not None and session.pane is not None and session.status in LIVE_SESSION else None

    def action_type(self) -> None:
        """Every key goes to the agent from now on."""
        session = self.takes_keys
        if session is None:
            raise SkipAction
        if isinstance(self.desk.link, Broken):
            self.notify("The daemon cannot be reached, so nothing can be typed.", severity="warning")
            return
        leave = self.desk.keymap.changed.get(LEAVE.name, ESCAPE).split(",")
        self._typing = Typing(session.id, session.name, partial(self.desk.press, session.id), leave=leave)
        self.centre.live.typing = self._typing
        self.centre.live.action_follow()
        self.begin(partial(self._type, self._typing), group="typing")
        self._typing_changed(session.id)

    def action_stop_typing(self) -> None:
        """The keys are this screen's again."""
        if not self.typing:
            raise SkipAction
        self._stop_typing()

    def _stop_typing(self) -> None:
        typing, self._typing, self.centre.live.typing = self._typing, None, None
        if typing is not None:
            typing.end()
            self._typing_changed(typing.session_id)

    def _typing_changed(self, session_id: str) -> None:
        self.centre.mark_typing(self.desk.keymap.shown(LEAVE) if self.typing else "")
        self.age()
        self.draw_frame()
        if self.takes_keys is not None and self.takes_keys.id == session_id:
            self.begin(partial(self._follow_pane, session_id), group="subject", alone=True)

    async def _type(self, typing: Typing) -> None:
        """Deliver to the end. When nobody asked for that end, no key is a command before a person has read of it."""
        from maestro_tui.screens.typing_ended import TypingEnded

        ended = await typing.run()
        if ended.reason:
            self.doer.open(TypingEnded(typing_ended(typing.name, ended)))
        if self._typing is typing:
            self._stop_typing()

    def check_typing(self) -> None:
        """End it when the agent cannot hear it any more, or another one is looked at."""
        if self._typing is None:
            return
        session = self.desk.mirror.state.table(Noun.SESSION).get(self._typing.session_id)
        if isinstance(self.desk.link, Broken):
            self._typing.end("the connection to the daemon is lost")
        elif not isinstance(session, Session) or session.status not in LIVE_SESSION:
            self._typing.end("the session has ended")
        elif self.spot.subject != (Noun.SESSION, session.id):
            self._stop_typing()

    def foot(self, cells: int) -> tuple[Line, tuple[Hint, ...]]:
        """While one types, the key that leaves."""
        if self._typing is None:
            return super().foot(cells)
        return typing_line(self._typing.name, self.desk.keymap.shown(LEAVE), cells)
