"""The app: wiring, the clock, and what is told without being asked."""

import asyncio
import importlib
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from rich.cells import cached_cell_len
from textual.binding import BindingType
from textual.command import Provider
from textual.widget import Widget

from maestro_tui.actions import Actions
from maestro_tui.bindings import FIRST, MODES, Mode
from maestro_tui.desk import Desk
from maestro_tui.screens.framed import Framed
from maestro_tui.screens.mission import Mission
from maestro_tui.themes import THEMES

if TYPE_CHECKING:
    from textual.screen import Screen

log = logging.getLogger(__name__)

FRAME_S = 1 / 30
"""The shortest time between two drawings of what the daemon says."""
FORGET_S = 60.0
"""How long Rich knows again how wide a text is. By itself it keeps 4,096 texts; among agents at work most of them are
never seen again, and for half an hour the memory would grow by that."""
FAILURES = 20
"""After so many failures of our own the app ends after all."""


def _palette() -> type[Provider]:
    from maestro_tui.palette import Palette

    return Palette


class MaestroApp(Actions):
    """The screens, their dialogs, and one conversation with the daemon."""

    TITLE = "maestro"
    CSS_PATH = "maestro.tcss"
    DEFAULT_MODE = FIRST
    BINDINGS: ClassVar[list[BindingType]] = []
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_palette}

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.mission = Mission(desk)
        self.failures: list[BaseException] = []
        self._toasts: set[Widget] = set()
        for mode in MODES:
            self.add_mode(mode.name, partial(self._made, mode))
        for each in THEMES.values():
            self.register_theme(each)
        self.theme = THEMES[desk.theme].name
        self.set_keymap(desk.keymap.changed)
        if desk.preferences.reduced_motion:
            self.animation_level = "none"

    def _made(self, mode: Mode) -> "Screen[None]":
        if mode.name == FIRST:
            return self.mission
        module, _, name = mode.screen.partition(":")
        kind = cast(Callable[[Desk], Framed], getattr(importlib.import_module(module), name))
        return kind(self.desk)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a person types to an agent no key is the app's own, not even those that Textual hears first."""
        typing = bool(self.screen_stack) and self.screen is self.here and self.here.typing
        return False if typing else super().check_action(action, parameters)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What a theme that is not ours lacks."""
        return THEMES["dark"].variables

    def on_mount(self) -> None:
        """What the daemon says comes after the first paint."""
        self.set_interval(1.0, self._tick)
        self.set_interval(FORGET_S, self._forget_widths)
        self.call_after_refresh(self._begin)
        for trouble in filter(None, [self.desk.preferences.trouble, self.desk.trouble, *self.desk.keymap.troubles]):
            self.notify(trouble, severity="warning", markup=False)

    def on_unmount(self) -> None:
        """What was seen is known the next time."""
        self.desk.remember()

    def _begin(self) -> None:
        self.begin(self._live)

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.desk.follow())
            group.create_task(self.desk.read_questions())
            group.create_task(self._draw())
            group.create_task(self.teller.tell())

    async def _draw(self) -> None:
        while True:
            await self.desk.changed.wait()
            if self.screen_stack:
                self.here.redraw(self.desk.take_moved())
            await asyncio.sleep(FRAME_S)

    def _tick(self) -> None:
        if self.screen_stack and self.here.is_mounted:  # while the app is closed there is none
            self.here.tick()
            self._clear_away_toasts()

    def _forget_widths(self) -> None:
        cached_cell_len.cache_clear()

    def _clear_away_toasts(self) -> None:
        """What Textual 8.2 leaves behind of toasts.

        One that comes to a screen with next to no time left is forgotten: its timer is over before it begins. One that
        was moved by others before it went stays on the terminal: a layout compares itself with the layout before, not
        with what was scrolled since.
        """
        toasts = set(self.screen.query("Toast"))
        if self._toasts - toasts:
            self.screen.refresh()
        if toasts:
            self._refresh_notifications()
        self._toasts = toasts

    def _handle_exception(self, error: Exception) -> None:
        """A failure of our own is told in a panel; the screen and the agents go on."""
        self.failures.append(error)
        log.error("the screen failed", exc_info=error)
        if not self.mission.is_mounted or not self.screen_stack or len(self.failures) > FAILURES:
            super()._handle_exception(error)
            return
        from maestro_tui.screens.small import Failure
        from maestrod.locations import locate

        if not isinstance(self.screen, Failure):
            self.open(Failure(error, str(locate(self.desk.environ).logs / "tui.log")))
