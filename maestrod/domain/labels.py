"""By what people and agents name things: endings of ids, and slugs of titles.

The index of a noun is made when it is first asked for, from all that there is, and follows from then on: a start of
a large house need not wait for it, nor a house in which nobody shortens anything.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import chain

from maestrod.domain.indexes import Groups, Key, Ordered
from maestrod.domain.model import Entity, Noun, Project, Session, Task, Template
from maestrod.domain.model import Key as AccessKey

SHORT = frozenset(
    {
        *(Noun.PROJECT, Noun.TASK, Noun.SESSION, Noun.SUBTASK, Noun.ITEM, Noun.DOC, Noun.MAIL),
        *(Noun.TEMPLATE, Noun.KEY),
    }
)
"""The nouns that commands name, and whose ids may therefore be shortened."""

_ARTICLES = frozenset({"a", "an", "the"})
_WORD = re.compile(r"[^\W_]+")
_LETTERS = bytes(code if chr(code).isalnum() and code < 128 else 0x20 for code in range(256))


def slug(title: str) -> str:
    """A title as lower-case words joined by hyphens, articles left out: ``Fix the login`` becomes ``fix-login``."""
    words = _words(title.lower())
    if _ARTICLES.isdisjoint(words):
        return "-".join(words)
    return "-".join([word for word in words if word not in _ARTICLES] or words)


def _words(text: str) -> list[str]:
    if text.isascii():
        return text.encode().translate(_LETTERS).decode().split()  # half the time of the pattern
    return _WORD.findall(text)


class Labels:
    """``endings`` are reversed ids; ``slugs`` are ``slug NUL id`` of a project, and with "" of all projects."""

    def __init__(self, tables: Mapping[Noun, Mapping[str, Entity]]) -> None:
        self._tables = tables
        self._endings: dict[Noun, Ordered] = {}
        self._slugs = Groups()

    def endings(self, noun: Noun) -> Ordered:
        """The reversed ids of a noun."""
        self._make(noun)
        return self._endings[noun]

    def slugs(self, noun: Noun, project_id: str) -> Ordered:
        """The slugs of a noun in a project."""
        self._make(noun)
        return self._slugs[noun, project_id]

    def follow(self, noun: Noun, id_: str, old: Entity | None, new: Entity | None) -> None:
        """An entity came, changed or went."""
        endings = self._endings.get(noun)
        if endings is None:
            return
        if old is None:
            endings.add(id_[::-1])
        elif new is None:
            endings.discard(id_[::-1])
        before, after = _label(old), _label(new)
        if before == after:
            return
        if before is not None:
            _name(noun, before, id_, self._slugs.discard)
        if after is not None:
            _name(noun, after, id_, self._slugs.add)

    def filled(self, noun: Noun) -> None:
        """The table of a noun, empty until now, was put in as a whole."""
        self._endings.pop(noun, None)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Labels):
            return False
        for noun in SHORT:
            self._make(noun)
            other._make(noun)
        return self._endings == other._endings and self._slugs == other._slugs

    def _make(self, noun: Noun) -> None:
        if noun in self._endings:
            return
        rows = self._tables[noun].values()
        self._endings[noun] = Ordered.of(sorted([entity.id[::-1] for entity in rows]))
        self._slugs.fill(_slugs_of(noun, rows))


def _slugs_of(noun: Noun, rows: Iterable[Entity]) -> dict[Key, list[str]]:
    scopes: defaultdict[str, list[str]] = defaultdict(list)
    for entity in rows:
        label = _label(entity)
        if label is not None:
            scopes[label[0]].append(f"{slug(label[1])}\0{entity.id}")
    scopes[""] = list(chain.from_iterable(scopes.values()))
    return {(noun, scope): sorted(items) for scope, items in scopes.items() if items}


def _name(noun: Noun, label: tuple[str, str], id_: str, change: Callable[[Key, str], None]) -> None:
    scope, text = label
    item = f"{slug(text)}\0{id_}"
    change((noun, ""), item)
    if scope:
        change((noun, scope), item)


def _label(entity: Entity | None) -> tuple[str, str] | None:
    """The project under which a slug is looked up, and the words it is made of."""
    match entity:
        case Task(title=text, project_id=project_id) | Session(name=text, project_id=project_id):
            return project_id, text
        case Project(name=text) | Template(name=text) | AccessKey(name=text):
            return "", text
        case _:
            return None
