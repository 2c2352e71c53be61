"""What of the event stream a key that is tied to projects may hear."""

from collections.abc import Callable

from maestrod.domain.changes import Actor
from maestrod.domain.model import Noun
from maestrod.domain.permissions import home_of, reach_of
from maestrod.domain.state import State
from maestrod.protocol.frames import Frame

NAMELESS = frozenset({"template", "key"})
"""What belongs to no project, and is told to nobody who is tied to some."""


def permits_of(state: Callable[[], State], actor: Actor) -> Callable[[Frame], bool] | None:
    """Whether an actor may have a frame; None for who hears everything.

    A deletion tells an id and no more, also not of which project it was: it passes.
    """
    if reach_of(state(), actor) is None:
        return None

    def permits(frame: Frame) -> bool:
        now = state()
        return (home_of_frame(now, frame) in (reach_of(now, actor) or ())) or is_deletion(frame)

    return permits


def home_of_frame(state: State, frame: Frame) -> str | None:
    """The project that a frame is about."""
    if frame.project_id is not None:
        return frame.project_id
    for noun, id_ in ((Noun.TASK, frame.task_id), (Noun.SESSION, frame.session_id)):
        entity = state.table(noun).get(id_) if id_ is not None else None
        if entity is not None:
            return home_of(state, entity)
    return None


def is_deletion(frame: Frame) -> bool:
    """Whether something is told to be gone that may have been of any project."""
    noun, _, deed = frame.event.partition(":")
    return deed == "deleted" and frame.project_id is None and noun not in NAMELESS
