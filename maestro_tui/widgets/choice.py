"""A choice that letters open."""

from textual.events import Key
from textual.widgets import OptionList, Select


class Choice(Select[str]):
    """One of several; while it is closed a letter opens it, and is searched for like those behind it."""

    def on_key(self, event: Key) -> None:
        """Space opens it too, by a binding."""
        if event.is_printable and event.key != "space":
            event.stop()
            if not self.expanded:
                self.action_show_overlay()
            _ = self.query_one(OptionList).post_message(Key(event.key, event.character))
