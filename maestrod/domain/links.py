"""Which ids an entity names: nothing may name what is not there."""

from collections.abc import Iterator
from typing import NamedTuple

from maestrod.domain import orderings
from maestrod.domain.model import (
    Assignment,
    Check,
    Delivery,
    Doc,
    Entity,
    Key,
    Mail,
    Noun,
    Ordering,
    Project,
    Queue,
    QueueItem,
    Session,
    Subtask,
    Task,
    Template,
    TimelineEntry,
)
from maestrod.domain.templates import SHIPPED


class Link(NamedTuple):
    """A field of an entity and what it names."""

    field: str
    noun: Noun
    id: str


def links(entity: Entity) -> Iterator[Link]:
    """Every id that the entity names; fields that name nothing are left out, but not what is empty in a list."""
    for field, noun in _FIELDS.get(type(entity), ()):
        named = getattr(entity, field)
        for id_ in named if isinstance(named, tuple) else (named,) if named else ():
            yield Link(field, noun, id_)
    if isinstance(entity, Session) and entity.template_id and entity.template_id not in SHIPPED:
        yield Link("template_id", Noun.TEMPLATE, entity.template_id)
    if isinstance(entity, Ordering):
        yield from (Link("ordered_ids", orderings.NOUNS[entity.entity_type], id_) for id_ in entity.ordered_ids)


_REPORTED = (("project_id", Noun.PROJECT), ("session_id", Noun.SESSION), ("task_id", Noun.TASK))

_FIELDS: dict[type[Entity], tuple[tuple[str, Noun], ...]] = {
    Project: (),
    Task: (
        ("project_id", Noun.PROJECT),
        ("parent_id", Noun.TASK),
        ("dependencies", Noun.TASK),
        ("reference_task_ids", Noun.TASK),
    ),
    Subtask: (("task_id", Noun.TASK),),
    Assignment: (("task_id", Noun.TASK), ("session_id", Noun.SESSION)),
    Session: (
        ("project_id", Noun.PROJECT),
        ("parent_session_id", Noun.SESSION),
        ("root_session_id", Noun.SESSION),
    ),
    Queue: (("session_id", Noun.SESSION),),
    QueueItem: (("queue_id", Noun.QUEUE), ("session_id", Noun.SESSION), ("task_id", Noun.TASK)),
    TimelineEntry: _REPORTED,
    Doc: _REPORTED,
    Ordering: (("project_id", Noun.PROJECT),),
    Check: (("task_id", Noun.TASK), ("session_id", Noun.SESSION)),
    Mail: (
        ("project_id", Noun.PROJECT),
        ("from_session_id", Noun.SESSION),
        ("to_session_id", Noun.SESSION),
        ("reply_to_mail_id", Noun.MAIL),
    ),
    Template: (),
    Key: (("project_ids", Noun.PROJECT),),
    Delivery: (("mail_id", Noun.MAIL), ("session_id", Noun.SESSION), ("project_id", Noun.PROJECT)),
}
