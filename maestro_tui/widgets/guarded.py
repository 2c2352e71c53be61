"""The rim of the screen: a handler that fails is told, and its widget goes on listening."""

from collections.abc import Callable, Coroutine
from typing import Any, cast

from textual.dom import DOMNode
from textual.message import Message
from textual.message_pump import MessagePump

from maestro_tui.widgets.titles import Title


class Guarded(MessagePump):
    """A failing handler would end the widget's message loop; here it is told to the app instead.

    No ``DOMNode`` itself: Textual takes a widget's styles from the first base that is one.
    """

    border_title: Any = Title()
    border_subtitle: Any = Title()

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:  # noqa: BLE001 - the rim
            self.app._handle_exception(error)  # noqa: SLF001 - Textual has no public name for it

    def begin(self, job: Callable[[], Coroutine[Any, Any, None]], *, group: str = "", alone: bool = False) -> None:
        """Run a job beside the messages, owned by this node; ``alone`` ends the others of its group."""
        # A function and not its coroutine: one that is cancelled before it began would never be awaited.
        cast(DOMNode, self).run_worker(cast(Callable[[], object], job), group=group, exclusive=alone)
