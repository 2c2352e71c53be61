"""The hash of a state: its content, whatever its times and versions."""

from msgspec.structs import replace

from maestrod.domain.changes import Put
from maestrod.domain.fingerprint import fingerprint, lines, timeless
from maestrod.domain.model import Delivery, DeliveryState, Exit, NeedsInput, Noun, Session, Step, Task
from maestrod.domain.state import State

TASK = Task(id="task_1", project_id="proj_1", title="Build", metadata={"b": 1, "a": 2})
SESSION = Session(id="sess_1", project_id="proj_1", name="s", needs_input=NeedsInput(active=True, message="?", since=5))


def state(*entities: Task | Session) -> State:
    made = State()
    made.apply_all(Put(Noun.TASK if isinstance(e, Task) else Noun.SESSION, e) for e in entities)
    return made


def test_order_versions_and_times_do_not_count() -> None:
    other = replace(TASK, version=7, created_at=1, updated_at=2, metadata={"a": 2, "b": 1})
    asked = replace(SESSION, needs_input=replace(SESSION.needs_input, since=9))
    assert fingerprint(state(TASK, SESSION)) == fingerprint(state(asked, other))


def test_whether_something_happened_counts_but_not_when() -> None:
    once, again = replace(TASK, completed_at=5), replace(TASK, completed_at=6)
    assert fingerprint(state(once)) == fingerprint(state(again)) != fingerprint(state(TASK))
    killed = replace(SESSION, exit=Exit(signal=9, at=5))
    assert fingerprint(state(killed)) == fingerprint(state(replace(SESSION, exit=Exit(signal=9, at=6))))
    assert fingerprint(state(killed)) != fingerprint(state(replace(SESSION, exit=Exit(signal=15, at=5))))


def test_the_times_of_steps_do_not_count() -> None:
    made = Delivery(id="dlv_1", mail_id="mail_1", session_id="sess_1", project_id="proj_1", at=5)
    once, again = (
        replace(made, at=at, steps=(Step(state=DeliveryState.QUEUED, at=at, channel="api"),)) for at in (5, 6)
    )
    assert timeless(once) == timeless(again) != timeless(made)


def test_what_people_set_counts() -> None:
    assert fingerprint(state(replace(TASK, due_at=5))) != fingerprint(state(replace(TASK, due_at=6)))
    assert fingerprint(state(TASK)) != fingerprint(state(replace(TASK, title="Rebuild")))
    assert fingerprint(state(TASK)) != fingerprint(state(replace(TASK, id="task_2")))
    assert fingerprint(State()) != fingerprint(state(TASK))


def test_a_line_per_entity_under_a_heading_per_noun() -> None:
    found = list(lines(state(TASK, SESSION)))
    assert [line.split(b" ")[0] for line in (found[0], found[2])] == [b"session", b"task"]
    assert b'"metadata":{"a":2,"b":1}' in found[3]
