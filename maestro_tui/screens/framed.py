"""What all screens share: the header, the banner, the footer, and what is looked at."""

from typing import TYPE_CHECKING, ClassVar, Protocol, cast

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import MouseDown, MouseMove, MouseUp, Resize
from textual.screen import Screen

from maestro_tui import frame
from maestro_tui.bindings import FIRST, Mode, Panel, Place, mode
from maestro_tui.deeds import Deed
from maestro_tui.desk import Desk
from maestro_tui.lines import Hint, Line
from maestro_tui.messages import Asked, Picked
from maestro_tui.mirror import ALL_MOVED, Moved
from maestro_tui.screens.seams import Seam, Seams
from maestro_tui.spotlight import Spotlight, Subject
from maestro_tui.view.sessions import counts
from maestro_tui.widgets.bar import Bar
from maestro_tui.widgets.guarded import Guarded
from maestro_tui.widgets.kept import Kept
from maestro_tui.widgets.line_list import bound
from maestrod.domain.model import Noun, Session

if TYPE_CHECKING:
    from maestro_tui.screens.dialog import Dialog


class Doer(Protocol):
    """What a screen needs of the app."""

    def action_show(self, name: str) -> None:
        """Show the screen of this name."""

    def go_back(self) -> None:
        """Show the screen where one came from."""

    def show_on_mission(self, noun: Noun, id_: str) -> None:
        """Show a thing on Mission."""

    def show_details(self, noun: Noun, id_: str) -> None:
        """Show all there is about a thing."""

    def ask(self, deed: Deed) -> None:
        """Ask the daemon for a deed, and tell what came of it."""

    def open(self, dialog: "Dialog") -> None:
        """Show a dialog, and tell what came of it."""

    async def edit(self, text: str, name: str) -> str | None:
        """Change a text in one's editor; nothing when that could not be done."""

    def answer(self, session_id: str, pressed: str) -> None:
        """Answer a session's question."""


class Framed(Kept, Guarded, Screen[None]):
    """One of the screens that are reached by a number.

    A subclass names its mode, gives its ``body``, and draws it in ``draw`` and ``age``; what the keys act on is in
    ``spot``, and ``panel`` says which keys the footer offers. It stays as it was left until it is entered again.
    """

    AUTO_FOCUS = ""  # a screen says itself what listens at first
    name_of_mode: ClassVar[str]
    BINDINGS: ClassVar[list[BindingType]] = bound(Place.EVERYWHERE)

    def __init__(self, desk: Desk, panel: Panel) -> None:
        super().__init__()
        self.desk = desk
        self.spot = Spotlight(desk.mirror)
        self.panel = panel
        self._seams = Seams(desk.panels)
        self._seq = 0
        self._bars = {name: Bar(id=name) for name in ("header", "banner", "footer")}

    @property
    def mode(self) -> Mode:
        """Its row in the table of screens."""
        return mode(self.name_of_mode)

    @property
    def doer(self) -> Doer:
        """The app, which does what keys ask for."""
        return cast(Doer, self.app)

    # -- for a subclass --------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        """What stands between banner and footer."""
        yield from ()

    def draw(self, moved: Moved) -> None:
        """Draw anew what has moved."""

    def age(self) -> None:
        """A second has passed."""

    def seams(self) -> tuple[Seam, ...]:
        """The lines between its panels that can be moved, at the size that it has now."""
        return ()

    def arranged(self) -> None:
        """Its panels have other sizes now."""

    def home(self) -> None:
        """Its key was pressed while it is shown."""

    def left(self) -> None:
        """Another screen is shown now."""

    def go_to(self, noun: Noun, id_: str) -> bool:
        """Show it with the cursor on it; whether this screen can."""
        return False

    @property
    def typing(self) -> bool:
        """Whether every key goes to an agent."""
        return False

    @property
    def session(self) -> Session | None:
        """The session that keys act on."""
        return self.spot.session_about

    @property
    def takes_keys(self) -> Session | None:
        """The session in whose pane one can type; on most screens there is none."""
        return None

    # -- drawing ---------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """The frame, with the body in it."""
        yield self._bars["header"]
        yield self._bars["banner"]
        yield from self.body()
        yield self._bars["footer"]

    def on_mount(self) -> None:
        """Draw what is there, which at the very first is nothing."""
        self.redraw()

    def entered(self, subject: Subject | None = None) -> None:
        """It is shown again, much may have moved meanwhile; ``subject`` is what one comes with."""
        if self.is_mounted:
            self.redraw()

    def redraw(self, moved: Moved = ALL_MOVED) -> None:
        """Draw anew what has moved; everything without it."""
        self.draw(moved)
        self.draw_frame()

    def tick(self) -> None:
        """A second has passed: ages move, and dialogs that were not drawn yet may be by now."""
        if not self._bars["footer"].is_attached:
            return  # it is being put together
        self._seq = 0
        self.age()
        self.draw_frame()
        self.desk.look_again()

    def draw_frame(self) -> None:
        """Header, banner and footer."""
        link, now = self._calm(self.desk.link), self.desk.moment().now
        counted = counts(self.desk.mirror, now)
        title = self.mode.title if self.mode.name != FIRST else ""
        project = self.spot.project_name
        self._bars["header"].show(lambda cells: (frame.header(title, counted, link, project, cells), ()))
        self._bars["banner"].set_class(isinstance(link, frame.Broken), "-shown")
        self._bars["banner"].show(lambda cells: frame.banner(link, now, cells))
        self._bars["footer"].show(self.foot)

    def _calm(self, link: frame.Link) -> frame.Link:
        """The link with the number that its last commit had a second ago: ten a second are nothing to look at."""
        if isinstance(link, frame.Connected):
            self._seq = self._seq or link.seq
            return msgspec.structs.replace(link, seq=self._seq)
        return link

    def foot(self, cells: int) -> tuple[Line, tuple[Hint, ...]]:
        """The keys that matter now."""
        asked = any(session.needs_input.active for session in self.desk.mirror.state.live_sessions())
        typed = self.panel is Panel.PANE and self.takes_keys is not None
        moot = frame.moot(self.session, shown=self.spot.entity is not None, asked=asked, typed=typed)
        return frame.footer(self.mode, self.panel, self.desk.keymap, cells, moot)

    # -- the room of panels ----------------------------------------------------------------------

    def on_resize(self, event: Resize) -> None:
        """The lines between panels stand where they were left, as far as that fits."""
        self._seams.arrange(self.seams(), event.size)

    def action_resize(self, step: int, wide: bool) -> None:  # noqa: FBT001 - said by a key
        """Give the panel that has the keys more room, or less."""
        if self._seams.resize(self.panel, step, wide=wide):
            self.desk.remember()
            self.call_after_refresh(self.arranged)
        else:
            self.notify("Nothing can be moved here: the panels share the room evenly.")

    def action_even_out(self) -> None:
        """All panels of the screen as they are shipped."""
        self._seams.forget()
        self.desk.remember()
        self.call_after_refresh(self.arranged)

    def on_mouse_down(self, event: MouseDown) -> None:
        """Take hold of a line between panels."""
        self._seams.grab(event.screen_x, event.screen_y)

    def on_mouse_move(self, event: MouseMove) -> None:
        """It follows the mouse."""
        if self._seams.drag(event.screen_x, event.screen_y):
            self.clear_selection()

    def on_mouse_up(self, event: MouseUp) -> None:
        """It stays there."""
        if self._seams.drop():
            self.desk.remember()
            self.call_after_refresh(self.arranged)

    def come_to(self, noun: Noun, id_: str) -> None:
        """What a person has made, or got back: where it is listed, the cursor is to stand on it."""

    # -- what keys ask for -----------------------------------------------------------------------

    @on(Asked)
    async def _asked(self, message: Asked) -> None:
        await self.run_action(message.action)

    @on(Picked)
    def _picked(self, message: Picked) -> None:
        self.doer.answer(message.session_id, message.answer)

    def action_back(self) -> None:
        """Go to the screen where one came from."""
        self.doer.go_back()

    def action_next_panel(self) -> None:
        """The next panel."""
        self.focus_next()

    def action_previous_panel(self) -> None:
        """The panel before."""
        self.focus_previous()

    def action_next_needing(self) -> None:
        """The next session that waits for a person."""
        self.doer.action_show("inbox")

    def action_reconnect(self) -> None:
        """Try the daemon again now."""
        self.desk.reconnect()
