"""The least that Textual can show: what every screen of it has to pay."""

from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Static

MARK, PRESSED = "nothing to see here", "keys pressed"


class Empty(App[None]):
    """One line, and after a key how many were pressed."""

    pressed = 0

    def compose(self) -> ComposeResult:
        """The line."""
        yield Static(MARK)

    def on_key(self, event: events.Key) -> None:
        """One more."""
        self.pressed += 1
        self.query_one(Static).update(f"{self.pressed} {PRESSED}")


if __name__ == "__main__":
    Empty().run()
