"""Searching by words."""

from collections.abc import Sequence

FOUND = 500
"""What a search shows at most."""
OF_ID = 4
"""Letters from which on a word can be of an id; shorter ones are in too many of them."""


def wanted(words: str) -> list[str]:
    """What is looked for, fit to be compared."""
    return words.casefold().split()


def has_all(text: str, words: Sequence[str]) -> bool:
    """Whether the text has every wanted word, in any order."""
    folded = text.casefold()
    return all(word in folded for word in words)


def is_id(id_: str, word: str) -> bool:
    """Whether a wanted word means this id: its end, or all of it from its noun on; nobody means the time in it.

    Endings are what the command line shows; while one is typed it is a part of the end.
    """
    if "_" in word:
        return id_.startswith(word)
    return len(word) >= OF_ID and id_.find(word, id_.rfind("_") + 1) >= 0


def fits(text: str, ids: Sequence[str], words: Sequence[str]) -> bool:
    """Whether every wanted word is in the text, or means one of the ids."""
    folded = text.casefold()
    return all(word in folded or any(is_id(id_, word) for id_ in ids) for word in words)


def narrows(words: str, before: str) -> bool:
    """Whether all that fits ``words`` fitted ``before``, which was typed before: no word can be an id only now."""
    if not before or not words.startswith(before):
        return False
    now, then = ([(len(word) >= OF_ID, "_" in word) for word in wanted(each)] for each in (words, before))
    return now == then
