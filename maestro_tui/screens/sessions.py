"""Sessions: all of them in a list, and live previews of as many as there is room for."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize

from maestro_tui.bindings import Panel, Place
from maestro_tui.desk import Desk
from maestro_tui.lines import Tone
from maestro_tui.messages import Chosen
from maestro_tui.mirror import Moved
from maestro_tui.screens.framed import Framed
from maestro_tui.screens.seams import SINGLE, Seam, between
from maestro_tui.spotlight import Subject
from maestro_tui.view.grid import MOST, CrewRows, by_attention, by_parents, page, shape, tile_title
from maestro_tui.view.sessions import inbox, pane_words
from maestro_tui.widgets.kept import Box, Row
from maestro_tui.widgets.line_list import LineList, bound
from maestro_tui.widgets.tile import Tile
from maestrod.domain.model import LIVE_SESSION, Noun


class Sessions(Framed):
    """The list on the left, the grid of previews on the right; under 80 columns one preview below."""

    name_of_mode = "sessions"
    CSS_PATH = "sessions.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bound(Place.SESSIONS)
    HORIZONTAL_BREAKPOINTS = [(0, "-stacked"), (80, "-two")]  # noqa: RUF012 - as Screen has it

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, Panel.CREW)
        self._crew = LineList(Panel.CREW, id="crew", classes="panel")
        self._crew.border_title = "Sessions"
        self._crew.steady = True
        self._crew.follow = self._pointed
        self._tree = False
        self._tiles = [Tile(desk, at) for at in range(MOST)]
        self._grid = Box(*self._tiles, id="grid")
        self._asleep = False

    def body(self) -> ComposeResult:
        """The list and the grid."""
        with Row(id="crew-body"):
            yield self._crew
            yield self._grid

    def on_mount(self) -> None:
        """The list has the keys."""
        self.set_focus(self._crew)

    # -- drawing ---------------------------------------------------------------------------------

    def seams(self) -> tuple[Seam, ...]:
        """Between the list and the previews."""
        return between(self.name_of_mode, self._crew, self.app.size.width, Panel.CREW)

    def arranged(self) -> None:
        """More or fewer previews have room."""
        self._draw_tiles()

    def draw(self, moved: Moved) -> None:
        """The list and the previews, when a session is not as it was."""
        if moved.everything or Noun.SESSION in moved.nouns:
            self._draw_crew()
            self._draw_tiles()

    def age(self) -> None:
        """Ages move."""
        self._draw_crew()
        self._draw_tiles()

    def _draw_crew(self) -> None:
        mirror = self.desk.mirror
        order = by_parents(mirror) if self._tree else by_attention(mirror)
        words = "no sessions yet: s starts one" if mirror.whole else ""
        self.set_class(not order or self.app.size.width < SINGLE, "-alone")
        self._crew.show(CrewRows(mirror, order, self.desk.moment()), words)
        self._crew.border_subtitle = "by parents" if self._tree else "by attention"
        self.spot.subject = (Noun.SESSION, self._crew.key) if self._crew.key else None

    def _draw_tiles(self) -> None:
        mirror, now, chosen = self.desk.mirror, self.desk.moment().now, self._crew.key
        order = by_parents(mirror) if self._tree else by_attention(mirror)
        seen = [id_ for id_, _ in order if mirror.state.session(id_).status in LIVE_SESSION or id_ == chosen]
        columns, rows = shape(self._grid.size.width, self._grid.size.height, max(1, len(seen)))
        shown = page(seen, chosen, columns * rows)
        self._grid.styles.grid_size_columns = columns
        self._grid.styles.grid_size_rows = rows
        last = columns - (len(shown) - 1) % columns
        for at, tile in enumerate(self._tiles):
            tile.styles.column_span = last if at == len(shown) - 1 else 1
        for tile, id_ in zip(self._tiles, [*shown, *[""] * MOST], strict=False):
            tile.set_class(not id_, "-hidden")
            if not id_ or self._asleep:
                tile.rest()
                continue
            session = mirror.state.session(id_)
            title, tone = tile_title(mirror, session, now)
            tile.show(session, title, pane_words(session), chosen=id_ == chosen)
            tile.mark("-asking", on=tone is Tone.WARN)

    def on_resize(self, event: Resize) -> None:
        """More or fewer previews have room."""
        self._draw_crew()
        self.call_after_refresh(self._draw_tiles)

    # -- moving ----------------------------------------------------------------------------------

    def _pointed(self, _panel: Panel, key: str) -> None:
        self.spot.subject = (Noun.SESSION, key) if key else None
        self._draw_tiles()
        self.draw_frame()

    @on(Chosen)
    def _chosen(self, message: Chosen) -> None:
        if message.panel is Panel.TILE:
            self._crew.point(message.key)
        else:
            self.doer.show_details(Noun.SESSION, message.key)

    def go_to(self, noun: Noun, id_: str) -> bool:
        """Any session that is listed."""
        return noun is Noun.SESSION and self._crew.point(id_)

    def action_order(self) -> None:
        """By attention, or by who started whom."""
        self._tree = not self._tree
        self._draw_crew()
        self._draw_tiles()

    def action_next_needing(self) -> None:
        """The next who waits; after the last the first."""
        waiting = inbox(self.desk.mirror)
        if not waiting:
            self.notify("Nobody waits for you.")
            return
        at = waiting.index(self._crew.key) + 1 if self._crew.key in waiting else 0
        self._crew.point(waiting[at % len(waiting)])

    def entered(self, subject: Subject | None = None) -> None:
        """The previews are followed again."""
        self._asleep = False
        super().entered(subject)

    def left(self) -> None:
        """Nobody looks: nothing is followed."""
        self._asleep = True
        for tile in self._tiles:
            tile.rest()

    def home(self) -> None:
        """The one that needs attention most."""
        self._crew.action_first()
