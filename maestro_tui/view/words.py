"""Searching by words."""

from collections.abc import Sequence

FOUND = 500
"""What a search shows at most."""


def wanted(words: str) -> list[str]:
    """What is looked for, fit to be compared."""
    return words.casefold().split()


def has_all(text: str, words: Sequence[str]) -> bool:
    """Whether the text has every wanted word, in any order."""
    folded = text.casefold()
    return all(word in folded for word in words)
