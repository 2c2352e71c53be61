"""What widgets say to the screen."""

from textual.message import Message

from maestro_tui.bindings import Panel


class Chosen(Message):
    """A row was opened."""

    def __init__(self, panel: Panel, key: str) -> None:
        super().__init__()
        self.panel = panel
        self.key = key


class Picked(Message):
    """A question is answered by a digit, or by ``yes`` or ``no``."""

    def __init__(self, session_id: str, answer: str) -> None:
        super().__init__()
        self.session_id = session_id
        self.answer = answer


class Asked(Message):
    """An action was clicked at."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action


class Folded(Message):
    """A branch of the tree is to be shown or hidden."""

    def __init__(self, key: str, *, show: bool) -> None:
        super().__init__()
        self.key = key
        self.show = show


class Sized(Message):
    """A panel has another width, so what was folded to it must be made anew."""

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self.panel = panel
