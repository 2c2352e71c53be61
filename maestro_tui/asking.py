"""The open questions: what their dialogs offer, as last read, and which are being answered; pure."""

from collections.abc import Iterator

import msgspec

from maestro_tui.mirror import Mirror
from maestrod.domain.model import Session
from maestrod.protocol.dialogs import Choice, Dialog

TRIES = 5
"""So often a screen on which no dialog is seen is read again: it is drawn a moment after it was told."""

YES = ("yes", "allow", "approve", "accept", "proceed", "trust", "continue")
NO = ("no", "deny", "reject", "don't", "do not", "cancel", "exit", "decline")
FURTHER = ("always", "don't ask", "do not ask", "session", "all edits", "permanently", "every")
"""In a choice that goes beyond this once."""


class _Read(msgspec.Struct):
    """For which question a screen was read, and how often."""

    question: tuple[object, ...]
    tries: int = 0
    due: bool = True


class Asking:
    """Dialogs by session id. Those who ask are read until their dialog is known."""

    def __init__(self) -> None:
        self.dialogs: dict[str, Dialog] = {}
        self.busy: set[str] = set()
        self._reads: dict[str, _Read] = {}

    def follow(self, mirror: Mirror) -> None:
        """Take note of who asks what now."""
        asking = {session.id: session for session in _askers(mirror)}
        for gone in self._reads.keys() - asking.keys():
            del self._reads[gone]
            self.dialogs.pop(gone, None)
        for session in asking.values():
            known = self._reads.get(session.id)
            if known is None or known.question != _question(session):
                self._reads[session.id] = _Read(_question(session))

    def unread(self) -> list[str]:
        """The sessions whose screens are to be read."""
        return [id_ for id_, read in self._reads.items() if read.due]

    def tell(self, session_id: str, dialog: Dialog | None) -> None:
        """This is what was read."""
        read = self._reads.get(session_id)
        if read is None:
            return
        read.due = False
        read.tries += 1
        if dialog is None:
            self.dialogs.pop(session_id, None)
        else:
            self.dialogs[session_id] = dialog

    def again(self) -> None:
        """Look once more for the dialogs that were not seen yet."""
        for id_, read in self._reads.items():
            read.due = read.due or (id_ not in self.dialogs and read.tries < TRIES and id_ not in self.busy)

    def answered(self, session_id: str) -> None:
        """Its dialog has its answer; it is not answered twice."""
        self.dialogs.pop(session_id, None)
        if (read := self._reads.get(session_id)) is not None:
            read.tries = TRIES


def picked(dialog: Dialog, pressed: str) -> Choice | None:
    """The choice that a digit means: of its number, or in its place where there are no numbers."""
    if any(choice.number is not None for choice in dialog.choices):
        return next((choice for choice in dialog.choices if str(choice.number) == pressed), None)
    at = int(pressed) - 1 if pressed.isdecimal() else -1
    return dialog.choices[at] if 0 <= at < len(dialog.choices) else None


def meant(dialog: Dialog, word: str) -> Choice | None:
    """The choice that says ``yes`` or ``no``, and this once rather than for good."""
    found = [c for c in dialog.choices if _begins(c.label, YES if word == "yes" else NO)]
    once = [c for c in found if not goes_beyond(c)]
    return next(iter(once or found), None)


def goes_beyond(choice: Choice) -> bool:
    """Whether it grants more than this once: that is asked for twice."""
    return any(more in choice.label.casefold() for more in FURTHER)


def numbered(dialog: Dialog) -> list[tuple[str, Choice]]:
    """The choices with the digits that give them."""
    return [(str(choice.number or at), choice) for at, choice in enumerate(dialog.choices, start=1)]


def _begins(label: str, words: tuple[str, ...]) -> bool:
    folded = label.casefold().lstrip()
    return any(folded == word or (folded.startswith(word) and not folded[len(word)].isalnum()) for word in words)


def _askers(mirror: Mirror) -> Iterator[Session]:
    return (s for s in mirror.state.live_sessions() if s.needs_input.active and s.pane is not None)


def _question(session: Session) -> tuple[object, ...]:
    asked = session.needs_input
    return (asked.since, asked.message, session.turn.kind, session.turn.text)
