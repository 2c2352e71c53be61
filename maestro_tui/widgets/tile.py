"""A preview of a session: its pane as it is drawn, in a frame that names it."""

import asyncio
from contextlib import aclosing

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from maestro_tui.bindings import Panel
from maestro_tui.cells import cut, plain
from maestro_tui.desk import Desk
from maestro_tui.messages import Chosen
from maestro_tui.widgets.guarded import Guarded
from maestro_tui.widgets.kept import Kept
from maestro_tui.widgets.live_pane import LivePane
from maestrod.domain.model import Session

LONGEST = 120
"""Cells of a name that are handed to the border, which cuts it to the width there is."""
NEAR, FAR = 10, 1
"""How often a second the preview under the cursor is drawn, and the others."""
SETTLE_S = 0.06
"""How long the cursor stands still before a preview is drawn faster or slower."""


class Tile(Kept, Guarded, Vertical):
    """Follows the pane of one session, slower while the cursor is elsewhere; the pane itself is never resized."""

    def __init__(self, desk: Desk, at: int) -> None:
        super().__init__(id=f"tile-{at}", classes="panel tile")
        self._desk = desk
        self._pane = LivePane(id=f"tile-pane-{at}")
        self._pane.can_focus = False
        self._followed: tuple[object, ...] = ()
        self.session_id = ""

    def compose(self) -> ComposeResult:
        """The pane."""
        yield self._pane

    def show(self, session: Session, title: str, words: str, *, chosen: bool) -> None:
        """Show this session."""
        self.border_title = Content(cut(plain(title), LONGEST))
        self.mark("-chosen", on=chosen)
        followed = (session.id, session.pane, session.status, chosen)
        if followed == self._followed:
            return
        settle = SETTLE_S if session.id == self.session_id else 0
        if not settle:
            self._pane.say(words)
        self.session_id, self._followed = session.id, followed
        if session.pane is None:
            self._pane.say(words)
            self.workers.cancel_node(self)
            return
        fps = NEAR if chosen else FAR

        async def follow() -> None:
            await asyncio.sleep(settle)
            await self._follow(session.id, fps, words)

        self.begin(follow, group="pane", alone=True)

    def mark(self, name: str, *, on: bool) -> None:
        """Set a class that says how its frame looks: that of the pane in it needs no new styles."""
        if on != self.has_class(name):
            self.set_class(on, name, update=False)
            self.app.stylesheet.apply(self)

    async def _follow(self, session_id: str, fps: int, words: str) -> None:
        async with aclosing(self._desk.screens(session_id, fps=fps)) as screens:
            async for screen in screens:
                if isinstance(screen, str):
                    self._pane.say(words or screen)
                else:
                    self._pane.draw(screen.text, width=screen.width, cursor=(screen.cursor_x, screen.cursor_y))

    def rest(self) -> None:
        """Nobody looks: nothing is followed."""
        self._followed = ()
        self.workers.cancel_node(self)

    def on_click(self, event: events.Click) -> None:
        """Point at it; open it at the second click."""
        self.post_message(Chosen(Panel.TILE, self.session_id))
        if event.chain > 1:
            self.post_message(Chosen(Panel.CREW, self.session_id))
