"""The least that Textual can show: what every screen of it has to pay."""

from textual.app import App, ComposeResult
from textual.widgets import Static

MARK = "nothing to see here"


class Empty(App[None]):
    """One line."""

    def compose(self) -> ComposeResult:
        """The line."""
        yield Static(MARK)


if __name__ == "__main__":
    Empty().run()
