"""Older and other words on input."""

import msgspec
import pytest

from maestrod.domain.registry import RULES
from maestrod.protocol import aliases


@pytest.mark.parametrize(
    ("kind", "sent", "meant"),
    [
        ("SpawnSession", {"agentTool": "claude-code"}, {"provider": "claude"}),
        ("SpawnSession", {"mode": "execute"}, {"role": "worker"}),
        ("SpawnSession", {"mode": "coordinate"}, {"role": "orchestrator"}),
        ("SpawnSession", {"role": "execute"}, {"role": "worker"}),
        ("SpawnSession", {"sessionName": "Eve", "skills": ["a"]}, {"name": "Eve", "skillIds": ["a"]}),
        ("SpawnSession", {"taskId": "task_1_a"}, {"taskIds": ["task_1_a"]}),
        ("SpawnSession", {"taskIds": "task_1_a"}, {"taskIds": ["task_1_a"]}),
        ("SpawnSession", {"name": "Eve", "sessionName": "Old"}, {"name": "Eve"}),
        ("SpawnSession", {"sessionName": "Old", "name": "Eve"}, {"name": "Eve"}),
        ("CreateTask", {"dependsOn": ["a"], "parent": "b"}, {"dependencies": ["a"], "parentId": "b"}),
        ("SpawnSession", {"sessionId": "sess_1_a"}, {"parentSessionId": "sess_1_a"}),
        ("EditTask", {"agentTool": "claude-code"}, {"provider": "claude"}),
        ("CreateTask", {"title": "pending"}, {"title": "pending"}),
        ("AddDoc", {"kind": "plan"}, {"docKind": "plan"}),
        ("Report", {"text": "hello"}, {"message": "hello"}),
        ("StopSession", {"mode": "execute", "x": 7}, {"mode": "execute", "x": 7}),
        ("NoSuchCommand", {}, {}),
    ],
)
def test_another_word_is_taken_for_the_one_of_today(
    kind: str, sent: dict[str, object], meant: dict[str, object]
) -> None:
    before = dict(sent)
    assert aliases.apply(kind, sent) == meant
    assert sent == before


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("status", "pending", "todo"),
        ("status", "done", "completed"),
        ("status", "in-progress", "in_progress"),
        ("status", "in-review", "in_review"),
        ("status", "todo", "todo"),
        ("priority", "pending", "pending"),
    ],
)
def test_another_word_for_a_value(field: str, value: str, word: str) -> None:
    assert aliases.word(field, value) == word


def test_every_alias_leads_to_a_field_and_hides_none() -> None:
    for kind, renamed in aliases.FIELDS.items():
        fields = {f.encode_name for f in msgspec.structs.fields(RULES[kind].command)}
        assert set(renamed.values()) <= fields
        assert not fields & renamed.keys()


def test_a_task_edited_by_a_session_in_the_older_form_means_its_attempt() -> None:
    sent: dict[str, object] = {"taskId": "t", "updateSource": "session", "sessionStatus": "working", "title": "dropped"}
    assert aliases.meant("EditTask", sent) == ("MoveAttempt", {"taskId": "t", "sessionStatus": "working"})
    assert aliases.meant("EditTask", {"updateSource": "user", "parent": "p"}) == ("EditTask", {"parentId": "p"})
    assert aliases.meant("EditTask", {"updateSource": "moon"}) == ("EditTask", {"updateSource": "moon"})
    assert aliases.meant("CreateTask", {"updateSource": "session"}) == ("CreateTask", {"updateSource": "session"})


def test_every_word_for_a_deed_of_a_batch_is_a_command() -> None:
    assert set(aliases.DEEDS.values()) <= RULES.keys()


@pytest.mark.parametrize(
    ("sent", "kind", "document"),
    [
        ({"status": "completed"}, "CompleteSession", {}),
        ({"status": "stopped"}, "StopSession", {}),
        ({"needsInput": {"active": True, "message": "?", "since": 7}}, "NeedInput", {"active": True, "message": "?"}),
        ({"needsInput": {}}, "NeedInput", {"active": False}),
        ({"needsInput": {"active": True, "colour": 1}}, "NeedInput", {"active": True, "colour": 1}),
        ({"status": "working"}, "EditSession", {"status": "working"}),
        ({"status": ["stopped"]}, "EditSession", {"status": ["stopped"]}),
        ({"needsInput": True}, "EditSession", {"needsInput": True}),
        ({"status": "stopped", "name": "Eve"}, "EditSession", {"status": "stopped", "name": "Eve"}),
        ({"name": "Eve"}, "EditSession", {"name": "Eve"}),
    ],
)
def test_a_session_edited_in_its_end_or_its_need_means_the_deed(
    sent: dict[str, object], kind: str, document: dict[str, object]
) -> None:
    assert aliases.meant("EditSession", sent) == (kind, document)
