"""Commits as bytes and back: what the journal keeps must load for ever."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestrod.domain.changes import (
    DAEMON,
    USER,
    Actor,
    Commit,
    Delete,
    Event,
    Idempotency,
    Put,
    RecordCodec,
    Unreadable,
)
from maestrod.domain.model import TYPES, Noun, Task
from maestrod.domain.registry import RULES, decide
from maestrod.domain.state import State
from maestrod.domain.tasks import CreateTask
from tests.domain.world import World

GOLDEN = (
    b'{"seq":7,"at":1700000000000,"actor":"session:sess_1_a","requestId":"r1",'
    b'"command":{"kind":"CreateTask","title":"Build","projectId":null,"parentId":null,"description":"",'
    b'"priority":"medium","dependencies":[],"acceptanceCriteria":[],"checks":[],"initialPrompt":"",'
    b'"skillIds":[],"referenceTaskIds":[],"labels":[],"provider":null,"model":null,"pinned":false,'
    b'"position":null,"dueAt":null,"metadata":null},'
    b'"changes":[{"op":"put","noun":"task","entity":{"id":"task_1_a","version":1,"createdAt":5,"updatedAt":5,'
    b'"projectId":"proj_1_a","title":"Build","parentId":null,"description":"","status":"todo","priority":"medium",'
    b'"dependencies":[],"acceptanceCriteria":[],"checks":[],"initialPrompt":"","skillIds":[],'
    b'"referenceTaskIds":[],"labels":[],"provider":null,"model":null,"pinned":false,"position":null,'
    b'"dueAt":null,"startedAt":null,"completedAt":null,"blockedReason":null,"metadata":null}},'
    b'{"op":"delete","noun":"queueItem","id":"item_1_a"}],'
    b'"events":[["task:created","task","task_1_a"],["queue:item_deleted","queueItem","item_1_a"]],'
    b'"idem":{"key":"k","bodyHash":"h"}}'
)


LEAN = (
    b'{"seq":7,"at":1700000000000,"actor":"session:sess_1_a","requestId":"r1",'
    b'"command":{"kind":"CreateTask","title":"Build"},'
    b'"changes":[{"op":"put","noun":"task","entity":{"id":"task_1_a","createdAt":5,"updatedAt":5,'
    b'"projectId":"proj_1_a","title":"Build"}},{"op":"delete","noun":"queueItem","id":"item_1_a"}],'
    b'"events":[["task:created","task","task_1_a"],["queue:item_deleted","queueItem","item_1_a"]],'
    b'"idem":{"key":"k","bodyHash":"h"}}'
)
"""The same without what is at its default."""


def golden() -> Commit:
    task = Task(id="task_1_a", created_at=5, updated_at=5, project_id="proj_1_a", title="Build")
    return Commit(
        seq=7,
        at=1_700_000_000_000,
        actor=str(Actor("session", "sess_1_a")),
        request_id="r1",
        command=CreateTask(title="Build"),
        changes=(Put(Noun.TASK, task), Delete(Noun.ITEM, "item_1_a")),
        events=(Event("task:created", Noun.TASK, "task_1_a"), Event("queue:item_deleted", Noun.ITEM, "item_1_a")),
        idem=Idempotency(key="k", body_hash="h"),
    )


def test_a_commit_is_written_without_what_is_at_its_default() -> None:
    assert RecordCodec().encode(golden()) == LEAN


@pytest.mark.parametrize("written", [GOLDEN, LEAN], ids=["whole", "lean"])
def test_a_commit_that_was_written_is_read_again(written: bytes) -> None:
    commit, record = golden(), RecordCodec().decode(written)
    assert (record.seq, record.at, record.actor, record.request_id) == (7, commit.at, commit.actor, "r1")
    assert (record.changes, record.events, record.idem) == (commit.changes, commit.events, commit.idem)
    assert msgspec.json.decode(record.command)["kind"] == "CreateTask"
    assert (record.batch, record.prev) == (0, "")


def test_the_journal_s_own_fields_are_read() -> None:
    record = RecordCodec().decode(GOLDEN[:-1] + b',"batch":6,"prev":"abc"}')
    assert (record.batch, record.prev) == (6, "abc")


def test_a_command_of_another_age_does_not_hinder_reading() -> None:
    line = b'{"seq":1,"at":2,"actor":"user","requestId":"","command":{"kind":"BakeBread","loaves":3},"changes":[]}'
    assert msgspec.json.decode(RecordCodec().decode(line).command) == {"kind": "BakeBread", "loaves": 3}


def test_fields_of_another_age_are_defaulted_or_left_out() -> None:
    line = (
        b'{"seq":1,"at":2,"actor":"user","requestId":"","command":{},"extra":1,"changes":'
        b'[{"op":"put","noun":"task","entity":{"id":"t","projectId":"p","title":"Old","colour":"red"}}]}'
    )
    (change,) = RecordCodec().decode(line).changes
    assert change == Put(Noun.TASK, Task(id="t", project_id="p", title="Old"))


HEAD = b'{"seq":1,"at":2,"actor":"user","requestId":"","command":{},"changes":['


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        GOLDEN[:-1],
        GOLDEN[:200],
        GOLDEN + b"{}",
        GOLDEN.replace(b'"seq":7', b'"seq":"7"'),
        GOLDEN.replace(b"Build", b"\xff\xfe"),
        GOLDEN.replace(b"Build", b"\\ud800"),
        HEAD + b'{"op":"put","noun":"bread","entity":{}}]}',
        HEAD + b'{"op":"move","noun":"task","id":"t"}]}',
        HEAD + b'{"noun":"task","id":"t"}]}',
        HEAD + b'{"op":"delete","noun":"task"}]}',
        HEAD + b'{"op":"put","noun":"task"}]}',
        HEAD + b'{"op":"put","noun":"task","entity":null}]}',
        HEAD + b'{"op":"put","noun":"task","entity":{"id":"t"}}]}',
        HEAD + b'{"op":"put","noun":"task","entity":{"id":"t","projectId":"p","title":"T","status":"lost"}}]}',
        HEAD + b'{"op":"put","noun":"task","entity":{"id":"t","projectId":"p","title":"\xff"}}]}',
        HEAD.replace(b'"command":{}', b'"command":' + b"[" * 100_000 + b"]" * 100_000) + b"]}",
    ],
)
def test_a_line_that_is_no_commit_is_unreadable_and_nothing_worse(line: bytes) -> None:
    with pytest.raises(Unreadable, match="unreadable record"):
        RecordCodec().decode(line)


@given(st.binary() | st.integers(0, len(GOLDEN)).map(lambda n: GOLDEN[:n] + b"\x00" + GOLDEN[n + 1 :]))
def test_damaged_lines_are_read_or_unreadable(line: bytes) -> None:
    codec = RecordCodec()
    try:
        codec.decode(line)
    except Unreadable as error:
        assert error.code == "INTERNAL_ERROR"  # noqa: PT017 - either outcome is right


def test_every_noun_has_a_type_that_defaults_what_older_journals_lack() -> None:
    assert TYPES.keys() == set(Noun)
    for type_ in TYPES.values():
        needed = [f.name for f in msgspec.structs.fields(type_) if f.required]
        assert "version" not in needed
        assert "id" in needed


def test_a_command_s_kind_is_its_name() -> None:
    for kind, rule in RULES.items():
        assert rule.command.__name__ == kind
        assert rule.command.__struct_config__.tag == kind
        assert rule.command.__struct_config__.forbid_unknown_fields


def test_a_command_of_no_known_kind_is_a_fault_of_ours() -> None:
    rule = RULES["CreateTask"]
    with pytest.raises(TypeError):
        rule.decide(State(), RULES["StopSession"].command(session_id="s"), None)  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        decide(State(), object(), None)  # type: ignore[arg-type]


def test_actors_are_written_with_their_ids() -> None:
    assert [str(a) for a in (USER, DAEMON, Actor("key", "k1"))] == ["user", "daemon", "key:k1"]
    assert (Actor("session", "s1").session_id, Actor("key", "k1").session_id) == ("s1", None)


def test_putting_and_deleting_twice_is_harmless() -> None:
    world = World()
    task = world.state.task(world.task(world.project()))
    for change in (Put(Noun.TASK, task), Delete(Noun.TASK, "task_1_none")):
        assert change.id in {task.id, "task_1_none"}
        world.state.apply(change)
    world.state.apply_all([Delete(Noun.TASK, task.id), Delete(Noun.TASK, task.id)])
    assert task.id not in world.state.table(Noun.TASK)
