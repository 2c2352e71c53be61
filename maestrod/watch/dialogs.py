"""PURE: open dialogs as callers name them, and which choice of theirs is meant."""

import hashlib

from maestrod.protocol.dialogs import Dialog as Dialog
from maestrod.watch.evidence import Doing
from maestrod.watch.screens import Reading


def dialog_of(reading: Reading) -> Dialog | None:
    """The dialog on a screen; ``None`` when none is open."""
    if reading.doing is not Doing.NEEDS_INPUT:
        return None
    asked = f"{reading.heading} {reading.text}".strip()
    words = [reading.kind, asked, *(f"{choice.number} {choice.label}" for choice in reading.choices)]
    digest = hashlib.sha256("\0".join(words).encode("utf-8", "replace")).hexdigest()[:12]
    return Dialog(kind=reading.kind, text=reading.text, choices=reading.choices, digest=digest)


def is_expected(dialog: Dialog, expect: str) -> bool:
    """Whether it is the one that the caller saw: by its digest, or by what it asks."""
    return expect == dialog.digest or " ".join(expect.split()) == " ".join(dialog.text.split())


def meant(dialog: Dialog, answer: str) -> int | None:
    """The place of the choice with this number or label, or the only one whose label begins so."""
    word = " ".join(answer.split()).casefold()
    labels = [" ".join(choice.label.split()).casefold() for choice in dialog.choices]
    numbered = [at for at, choice in enumerate(dialog.choices) if str(choice.number) == word]
    same = [at for at, label in enumerate(labels) if label == word]
    beginning = [at for at, label in enumerate(labels) if word and label.startswith(word)]
    return next((found[0] for found in (numbered, same, beginning) if len(found) == 1), None)


def offered(dialog: Dialog) -> str:
    """Its choices in one line."""
    return " · ".join(
        f"{choice.number}. {choice.label}" if choice.number else choice.label for choice in dialog.choices
    )


def steps(dialog: Dialog, place: int) -> tuple[str, ...] | None:
    """The keys that bring the mark to the choice; ``None`` when no choice is marked."""
    now = next((at for at, choice in enumerate(dialog.choices) if choice.chosen), None)
    if now is None:
        return None
    return ("Down",) * (place - now) if place >= now else ("Up",) * (now - place)
