"""Which dialog is meant, and which of its choices."""

import pytest
from msgspec import structs

from maestrod.watch.dialogs import Dialog, dialog_of, is_expected, meant, offered, steps
from maestrod.watch.evidence import Doing
from maestrod.watch.screens import Choice, Reading


def asked(text: str = "Do you want to proceed?", *, chosen: int = 0, numbered: bool = True) -> Dialog:
    """A permission dialog."""
    labels = ("Yes", "Yes, and don't ask again", "No")
    choices = tuple(
        Choice(label=label, number=at + 1 if numbered else None, chosen=at == chosen) for at, label in enumerate(labels)
    )
    reading = Reading(doing=Doing.NEEDS_INPUT, kind="permission", text=text, choices=choices)
    found = dialog_of(reading)
    assert found is not None
    return found


@pytest.mark.parametrize("doing", [each for each in Doing if each is not Doing.NEEDS_INPUT])
def test_only_what_needs_input_is_a_dialog(doing: Doing) -> None:
    assert dialog_of(Reading(doing=doing, text="Do you want to proceed?")) is None


def test_the_digest_is_that_of_what_is_asked_not_of_where_the_mark_stands() -> None:
    assert asked(chosen=0).digest == asked(chosen=2).digest
    assert asked("rm -rf build").digest != asked("rm -rf /").digest


def test_the_digest_is_also_that_of_the_heading_above_the_question() -> None:
    def headed(heading: str, text: str) -> Dialog | None:
        return dialog_of(Reading(doing=Doing.NEEDS_INPUT, kind="question", heading=heading, text=text))

    found, other = headed("☐ Pick", "Go on?"), headed("☐ Deploy", "Go on?")
    assert found is not None
    assert other is not None
    assert found.text == other.text == "Go on?"
    assert found.digest != other.digest
    assert headed("", "☐ Pick Go on?") == structs.replace(found, text="☐ Pick Go on?")


def test_a_dialog_is_expected_by_its_digest_or_its_words() -> None:
    dialog = asked("Run  this?")
    assert is_expected(dialog, dialog.digest)
    assert is_expected(dialog, "Run this?")
    assert not is_expected(dialog, "Run that?")
    assert not is_expected(dialog, "")


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        ("1", 0),
        ("3", 2),
        ("yes", 0),
        ("Yes, and", 1),
        (" no ", 2),
        ("4", None),
        ("y", None),
        ("", None),
        ("maybe", None),
    ],
)
def test_a_choice_is_meant_by_number_label_or_a_beginning_that_only_it_has(answer: str, place: int | None) -> None:
    assert meant(asked(), answer) == place


def test_the_mark_is_moved_to_the_choice() -> None:
    assert steps(asked(chosen=2, numbered=False), 0) == ("Up", "Up")
    assert steps(asked(chosen=0, numbered=False), 1) == ("Down",)
    assert steps(asked(chosen=1), 1) == ()
    assert steps(asked(chosen=7), 1) is None
    assert offered(asked()) == "1. Yes · 2. Yes, and don't ask again · 3. No"
