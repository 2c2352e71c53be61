"""What a person is waiting to see, for as long as it can be news of what they did."""

from time import monotonic

WITHIN_S = 5.0
"""How long a change may take after the deed; what comes later is somebody else's."""


class Awaited:
    """The id of a thing that is to get the cursor when its change comes; forgotten once it is late."""

    def __init__(self) -> None:
        self._id = ""
        self._until = 0.0

    @property
    def id(self) -> str:
        """What is awaited; empty when nothing is, or no more."""
        return self._id if monotonic() <= self._until else ""

    def expect(self, id_: str) -> None:
        """Await this; nothing when it is empty."""
        self._id, self._until = id_, monotonic() + WITHIN_S
