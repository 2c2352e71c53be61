"""Short names for things: endings of ids, slugs of titles."""

import re

from maestrod.domain.errors import Ambiguous, NotFound
from maestrod.domain.labels import SHORT, slug
from maestrod.domain.model import Key, Noun, Project, Session, Task, Template
from maestrod.domain.state import State
from maestrod.domain.templates import SHIPPED

_ID = re.compile(r"[a-z]+_\d+_[0-9a-z]+\Z")
_CANDIDATES = 8


def resolve(state: State, noun: Noun, name: str, *, project_id: str | None = None) -> str:
    """The whole id for an id, an unambiguous ending of one, or the beginning of a title's slug.

    An id wins over an ending, an ending over a slug. ``project_id`` is where slugs are looked up first.

    Raises:
        NotFound: nothing fits.
        Ambiguous: several fit; the candidates are named.
    """
    if name in state.table(noun) or (noun is Noun.TEMPLATE and name in SHIPPED):
        return name
    if not name or _ID.match(name):
        raise NotFound(noun, name)
    found = _by_ending(state, noun, name) or _by_slug(state, noun, name, project_id)
    if not found:
        raise NotFound(noun, name)
    if len(found) > 1:
        raise Ambiguous(noun, name, [(id_, title(state, noun, id_)) for id_ in found])
    return found[0]


def _by_ending(state: State, noun: Noun, name: str) -> list[str]:
    if noun not in SHORT:
        return []
    found = [e[::-1] for e in state.labels.endings(noun).starting_with(name[::-1], limit=_CANDIDATES)]
    if noun is Noun.TEMPLATE:
        found += [id_ for id_ in SHIPPED if id_.endswith(name) and id_ not in found]
    return found


def _by_slug(state: State, noun: Noun, name: str, project_id: str | None) -> list[str]:
    wanted = slug(name)
    if not wanted:
        return []
    scopes = [project_id, ""] if project_id else [""]
    for scope in scopes:
        found = [
            key.partition("\0") for key in state.labels.slugs(noun, scope).starting_with(wanted, limit=_CANDIDATES)
        ]
        if found:
            exact = [id_ for words, _, id_ in found if words == wanted]
            return exact or [id_ for _, _, id_ in found]
    return []


def title(state: State, noun: Noun, id_: str) -> str:
    """What people call it; empty where it has no name."""
    entity = state.table(noun).get(id_)
    match entity:
        case Task():
            return entity.title
        case Project() | Session() | Template() | Key():
            return entity.name
        case _:
            return ""
