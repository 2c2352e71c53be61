"""Searching everything by what a person remembers of it: words, initials, or letters in their order."""

from collections.abc import Iterable, Iterator
from heapq import nlargest
from itertools import islice

import msgspec

from maestro_tui.cells import plain
from maestro_tui.post import Post, text_of
from maestro_tui.view.board import projects
from maestro_tui.view.mail import receiver, sender
from maestro_tui.view.words import is_id, wanted
from maestrod.domain.model import Noun, Session, Task, TaskStatus
from maestrod.domain.state import State

SHOWN = 40
"""Things of a kind that are found."""
TURN = 500
"""Things that are looked at between two turns of the loop."""
CLOSE = 0.5
"""How much of the text between the first letter and the last must be letters that were asked for."""
OVER = frozenset({TaskStatus.COMPLETED, TaskStatus.CANCELLED, TaskStatus.ARCHIVED})


class Sought:
    """What is looked for."""

    def __init__(self, query: str) -> None:
        self._words = wanted(query)
        self._letters = "".join(self._words)

    def score(self, text: str, more: str = "", id_: str = "") -> float:
        """How well it fits, up to 1; 0 when it does not. In ``more`` only whole words are looked for."""
        if not self._words:
            return 0
        folded = text.casefold()
        whole = f"{folded}\n{more.casefold()}" if more else folded
        for word in self._words:
            if word not in whole and not is_id(id_, word):
                return self._alike(folded)
        begun = sum(folded.startswith(word) or f" {word}" in folded for word in self._words)
        first = 0.1 * folded.startswith(self._words[0]) + 0.1 * (folded == " ".join(self._words))
        return 0.6 + 0.2 * begun / len(self._words) + first

    def _alike(self, text: str) -> float:
        letters = self._letters
        if len(letters) < 2:
            return 0
        end = -1
        for letter in letters:
            end = text.find(letter, end + 1)
            if end < 0:
                return 0
        start = end
        for letter in reversed(letters[:-1]):
            start = text.rfind(letter, 0, start)
        close = len(letters) / (end - start + 1)
        if close >= CLOSE:
            return 0.5 * close
        return 0.4 if letters in "".join(word[0] for word in text.split()) else 0


class Thing(msgspec.Struct, frozen=True):
    """Something that can be found and gone to: what it is called, and what else is known by its words."""

    noun: Noun
    id: str
    name: str
    words: str = ""
    worth: float = 0
    """How much sooner it comes than what fits as well."""


class Found(msgspec.Struct, frozen=True):
    """A thing with how well it fits."""

    thing: Thing
    score: float


def projects_in(state: State) -> Iterator[Thing]:
    """Those that are not archived."""
    return (Thing(Noun.PROJECT, each.id, each.name, each.working_dir) for each in projects(state))


def sessions_in(state: State) -> Iterator[Thing]:
    """The newest first."""
    known = [s for s in state.table(Noun.SESSION).values() if isinstance(s, Session)]
    return (Thing(Noun.SESSION, s.id, s.name, s.provider) for s in reversed(known))


def tasks_in(state: State) -> Iterator[Thing]:
    """Of what fits as well, open ones come first."""
    known = [task for task in state.table(Noun.TASK).values() if isinstance(task, Task)]
    return (Thing(Noun.TASK, t.id, t.title, "", 0 if t.status in OVER else 0.02) for t in known)


def mail_in(state: State, post: Post) -> Iterator[Thing]:
    """The newest first; by who wrote it to whom, and by its text."""
    for mail in reversed(list(post.letters.values())):
        words = f"{sender(state, mail)} {receiver(state, post, mail)} {text_of(mail)}"
        yield Thing(Noun.MAIL, mail.id, mail.subject, words)


def best(sought: Sought, kind: Iterable[Thing], most: int = SHOWN) -> Iterator[list[Found]]:
    """The best so far, after every turn; the last is the answer."""
    rest, kept = iter(kind), list[Found]()
    while turn := list(islice(rest, TURN)):
        fits = [(thing, sought.score(thing.name, thing.words, thing.id)) for thing in turn]
        found = [Found(thing, score + thing.worth) for thing, score in fits if score]
        kept = nlargest(most, [*kept, *found], key=lambda each: each.score) if found else kept
        yield kept


def about(state: State, post: Post, thing: Thing) -> str:
    """What stands beside the name of what was found."""
    match thing.noun:
        case Noun.SESSION:
            session = state.table(Noun.SESSION).get(thing.id)
            return f"{plain(session.provider)} · {session.status}" if isinstance(session, Session) else ""
        case Noun.TASK:
            task = state.table(Noun.TASK).get(thing.id)
            return task.status.replace("_", " ") if isinstance(task, Task) else ""
        case Noun.MAIL:
            mail = post.letters.get(thing.id)
            return f"{sender(state, mail)} → {receiver(state, post, mail)}" if mail is not None else ""
        case _:
            return plain(thing.words)
