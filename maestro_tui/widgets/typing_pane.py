"""The live pane that a person can type in."""

from typing import ClassVar

from textual import events
from textual.binding import BindingType

from maestro_tui.bindings import Place
from maestro_tui.live_mode import Typing
from maestro_tui.messages import Asked
from maestro_tui.widgets.line_list import bound
from maestro_tui.widgets.live_pane import LivePane


class TypingPane(LivePane):
    """Shows an agent's pane; while there is somebody ``typing``, every key and every paste is the agent's."""

    BINDINGS: ClassVar[list[BindingType]] = bound(Place.TYPING)

    typing: Typing | None = None

    def on_key(self, event: events.Key) -> None:
        """Hand it on, before it is anybody's binding."""
        if self.typing is not None:
            event.stop()
            event.prevent_default()
            if self.typing.press(event.key, event.character):
                self.typing = None
                self.post_message(Asked("stop_typing"))

    def on_blur(self) -> None:
        """Whoever points elsewhere types elsewhere; another window in front of this one changes nothing."""
        if self.app.app_focus and self.screen.focused is not self:
            self.post_message(Asked("stop_typing"))

    def on_paste(self, event: events.Paste) -> None:
        """Hand it on whole."""
        if self.typing is not None:
            event.stop()
            event.prevent_default()
            if not self.typing.paste(event.text):
                self.notify("That is too long to be pasted; nothing of it was.", severity="warning", markup=False)
