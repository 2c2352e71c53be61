"""What hooks make of a session, over the real socket; and waiting for it."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.daemon.scene import Json, Scene
from tests.support.daemon import daemon
from tests.support.eventually import eventually

pytestmark = pytest.mark.xdist_group("daemon-observing")

ASKED = {"tool_name": "Bash", "tool_input": {"command": "rm x", "description": "Clean"}}


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with daemon(env={"MAESTRO_IDLE_END_S": "0.3"}) as running:
        yield Scene(running)


def status(scene: Scene, session: Json) -> str:
    return str(scene.read(session)["status"])


def explained(scene: Scene, session: Json) -> Json:
    found: Json = scene.ok("GET", f"/sessions/{session['id']}/explain")
    return found


def now_ms() -> int:
    return time.time_ns() // 1_000_000


# -- turns ----------------------------------------------------------------------------------------


def test_a_session_follows_the_turns_of_its_agent(scene: Scene) -> None:
    session = scene.session()
    assert status(scene, session) == "spawning"
    seen = []
    for event in ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "UserPromptSubmit"):
        scene.hook(session, event, {"tool_name": "Bash"})
        seen.append(status(scene, session))
    assert seen == ["idle", "working", "working", "working", "idle", "working"]
    shown = scene.read(session)
    assert shown["turn"]["state"] == shown["live"]["state"] == "working"
    assert shown["turn"]["source"] == "hook"


def test_signs_of_the_same_turn_are_one_commit(scene: Scene) -> None:
    session = scene.session()
    scene.hook(session, "UserPromptSubmit")
    before = scene.ok("GET", "/hello")["seq"]
    for _ in range(10):
        scene.hook(session, "PreToolUse", {"tool_name": "Read"})
        scene.hook(session, "PostToolUse", {"tool_name": "Read"})
    assert scene.ok("GET", "/hello")["seq"] == before
    assert scene.read(session)["live"]["tool"] == "Read"


def test_an_open_dialog_needs_a_person_and_the_next_sign_of_work_answers_it(scene: Scene) -> None:
    session = scene.session()
    scene.hook(session, "PreToolUse", {"tool_name": "Bash"})
    scene.hook(session, "PermissionRequest", ASKED)
    asked = scene.read(session)
    assert asked["status"] == "working"
    assert asked["needsInput"]["active"] is True
    assert asked["needsInput"]["message"] == "Bash: rm x (Clean)"
    scene.hook(session, "Notification", {"notification_type": "permission_prompt", "message": "needs your permission"})
    assert scene.read(session)["needsInput"] == asked["needsInput"]
    scene.hook(session, "PostToolUse", {"tool_name": "Bash"})
    assert scene.read(session)["needsInput"] == {"active": False, "message": "", "since": None}


def test_a_dialog_that_was_refused_is_over_at_the_end_of_the_turn(scene: Scene) -> None:
    session = scene.session()
    scene.hook(session, "PermissionRequest", ASKED)
    scene.hook(session, "Stop")
    shown = scene.read(session)
    assert (shown["status"], shown["needsInput"]["active"]) == ("idle", False)


def test_what_the_agent_asked_itself_stands_until_the_next_prompt(scene: Scene) -> None:
    """It asks by a tool call, whose own end is no answer."""
    session, me = scene.worker()
    path = f"/sessions/{session['id']}/needs-input"
    scene.hook(session, "PreToolUse", {"tool_name": "Bash"})
    scene.ok("POST", path, {"message": "red or blue?"}, headers=me)
    for event in ("PostToolUse", "PostToolBatch", "Stop"):
        scene.hook(session, event)
        assert scene.read(session)["needsInput"]["message"] == "red or blue?", event
    scene.hook(session, "UserPromptSubmit")
    assert scene.read(session)["needsInput"]["active"] is False


def test_a_question_may_be_taken_back(scene: Scene) -> None:
    session, me = scene.worker()
    path = f"/sessions/{session['id']}/needs-input"
    scene.ok("POST", path, {"message": "?"}, headers=me)
    assert scene.ok("POST", path, {"active": False}, headers=me)["needsInput"]["active"] is False


def test_an_error_needs_a_person_until_work_goes_on(scene: Scene) -> None:
    session = scene.session()
    scene.hook(session, "UserPromptSubmit")
    scene.hook(session, "StopFailure", {"error": "rate_limit", "last_assistant_message": "limit reached"})
    failed = scene.read(session)
    assert failed["status"] == "idle"
    assert failed["needsInput"]["message"] == "error: limit reached"
    scene.hook(session, "UserPromptSubmit")
    assert scene.read(session)["needsInput"]["active"] is False


def test_hooks_count_by_their_own_time_however_late_they_come(scene: Scene) -> None:
    session = scene.session()
    now = now_ms()
    scene.hook(session, "Stop", at=now)
    scene.hook(session, "PreToolUse", at=now - 2_000)
    assert status(scene, session) == "idle"
    assert explained(scene, session)["verdict"]["since"] == now


@pytest.mark.parametrize("shift", [-3_600_000, 3_600_000, -(2**52), 2**60])
def test_a_time_that_cannot_be_is_not_believed(scene: Scene, shift: int) -> None:
    session = scene.session()
    scene.hook(session, "SessionStart")
    scene.hook(session, "UserPromptSubmit", at=now_ms() + shift)
    assert status(scene, session) == "working"
    assert abs(explained(scene, session)["verdict"]["since"] - now_ms()) < 60_000


def test_a_hook_counts_once(scene: Scene) -> None:
    session, other = scene.session(), scene.session()
    for _ in range(3):
        scene.hook(session, "UserPromptSubmit", hookId="same")
        scene.hook(other, "UserPromptSubmit", hookId="same")
        scene.hook(session, "Stop", hookId="another")
    assert [len(explained(scene, each)["evidence"]) for each in (session, other)] == [2, 1]
    assert status(scene, session) == "idle"


def test_what_a_hook_knows_of_the_conversation_is_kept(scene: Scene) -> None:
    session = scene.session()
    facts = {"session_id": "7d3c-11", "transcript_path": "/home/user/a  b.jsonl"}
    scene.hook(session, "SessionEnd", facts)
    shown = scene.read(session)
    assert (shown["conversationId"], shown["transcriptPath"]) == ("7d3c-11", "/home/user/a  b.jsonl")
    scene.hook(session, "Stop", {"session_id": "x" * 5000, "transcript_path": 17})
    shown = scene.read(session)
    assert (shown["status"], shown["conversationId"]) == ("idle", "7d3c-11")


def test_an_unknown_hook_says_nothing_of_the_turn(scene: Scene) -> None:
    session = scene.session()
    scene.hook(session, "TeleportComplete")
    assert status(scene, session) == "spawning"
    assert scene.read(session)["live"]["activity"] > 0


def test_a_hook_never_moves_a_task(scene: Scene) -> None:
    session = scene.session(tasks=1)
    for event in ("UserPromptSubmit", "PreToolUse", "Stop", "SessionEnd"):
        scene.hook(session, event)
    assert scene.ok("GET", f"/tasks/{session['taskIds'][0]}")["status"] == "todo"


def test_a_session_may_tell_its_own_hooks(scene: Scene) -> None:
    session, me = scene.worker()
    body = {"provider": "claude", "event": "UserPromptSubmit"}
    assert scene.ok("POST", f"/sessions/{session['id']}/hook", body, headers=me) == {}
    assert status(scene, session) == "working"


WRONG_HOOKS: dict[str, tuple[Any, str]] = {
    "no provider": ({"event": "Stop"}, "provider"),
    "no event": ({"provider": "claude"}, "event"),
    "a provider that is no word": ({"provider": "", "event": "Stop"}, "provider"),
    "an event that is no word": ({"provider": "claude", "event": "a\nb"}, "event"),
    "an endless event": ({"provider": "claude", "event": "x" * 1000}, "event"),
    "an unknown field": ({"provider": "claude", "event": "Stop", "mood": 1}, "mood"),
    "a payload that is no object": ({"provider": "claude", "event": "Stop", "payload": []}, "payload"),
    "a time that is no number": ({"provider": "claude", "event": "Stop", "at": "now"}, "at"),
}


@pytest.mark.parametrize(("body", "field"), WRONG_HOOKS.values(), ids=WRONG_HOOKS)
def test_what_is_no_hook_is_refused(scene: Scene, body: Any, field: str) -> None:
    answer = scene.call("POST", f"/sessions/{scene.session()['id']}/hook", body)
    assert (answer.status, answer.json["details"][0]["path"]) == (400, field)


def test_a_payload_has_its_limit(scene: Scene) -> None:
    session = scene.session()
    scene.hook(session, "PostToolUse", {"tool_response": "é" * 60_000})
    assert status(scene, session) == "working"
    large = {"provider": "claude", "event": "Stop", "payload": {"x": "y" * 600_000}}
    assert scene.call("POST", f"/sessions/{session['id']}/hook", large).status == 413
    assert status(scene, session) == "working"


# -- ends -----------------------------------------------------------------------------------------


def test_late_hooks_revive_nothing(scene: Scene) -> None:
    session = scene.session()
    scene.hook(session, "UserPromptSubmit")
    scene.ok("POST", f"/sessions/{session['id']}/stop")
    version = scene.read(session)["version"]
    for event in ("PostToolUse", "UserPromptSubmit", "PermissionRequest", "SessionStart"):
        scene.hook(session, event, ASKED)
    shown = scene.read(session)
    assert (shown["status"], shown["version"]) == ("stopped", version)
    assert shown["live"] is None


def test_a_resumed_session_begins_without_evidence(scene: Scene) -> None:
    session = scene.session()
    scene.hook(session, "UserPromptSubmit")
    scene.ok("POST", f"/sessions/{session['id']}/stop")
    scene.hook(session, "PostToolUse")
    scene.ok("POST", f"/sessions/{session['id']}/resume")
    assert explained(scene, session)["evidence"] == []
    assert status(scene, session) == "spawning"
    scene.hook(session, "SessionStart", {"source": "resume"})
    assert status(scene, session) == "idle"


def test_a_deleted_session_leaves_nothing_behind(scene: Scene) -> None:
    session, me = scene.worker()
    scene.hook(session, "UserPromptSubmit")
    scene.ok("POST", f"/sessions/{session['id']}/stop")
    scene.ok("DELETE", f"/sessions/{session['id']}")
    body = {"provider": "claude", "event": "Stop"}
    assert scene.call("POST", f"/sessions/{session['id']}/hook", body).status == 404
    assert scene.call("POST", f"/sessions/{session['id']}/hook", body, headers=me).status == 401


def reported(scene: Scene, **fields: Any) -> Json:
    """A session that has completed its only task."""
    session = scene.session(tasks=1, **fields)
    scene.hook(session, "UserPromptSubmit")
    for deed in ("start", "complete"):
        scene.ok("POST", f"/tasks/{session['taskIds'][0]}/{deed}", {"sessionId": session["id"]})
    return session


def test_a_session_that_reported_everything_and_rests_is_completed(scene: Scene) -> None:
    session = reported(scene)
    assert status(scene, session) == "working"
    scene.hook(session, "Stop")
    answer = scene.ok("GET", f"/sessions/{session['id']}/wait?until=completed&timeout=10")
    assert answer["status"] == "completed"


def test_no_other_rest_ends_a_session(scene: Scene) -> None:
    """Kept open, with background tasks, with a question, unreported, without any task: each goes on."""
    kept_open = reported(scene, keepOpen=True)
    in_background = reported(scene)
    asking = reported(scene)
    unreported = scene.session(tasks=1)
    without = scene.session()
    control = reported(scene)
    scene.hook(in_background, "Stop", {"background_tasks": [{"id": "b1"}]})
    scene.ok("POST", f"/sessions/{asking['id']}/needs-input", {"message": "?"})
    for session in (kept_open, asking, unreported, without, control):
        scene.hook(session, "Stop")
    eventually(lambda: status(scene, control) == "completed")
    for session in (kept_open, in_background, asking, unreported, without):
        assert status(scene, session) == "idle"


def test_a_session_at_rest_ends_when_what_kept_it_is_over(scene: Scene) -> None:
    """Nothing more is heard of the agents: it is people who let them go."""
    kept_open, asking, unreported = reported(scene, keepOpen=True), reported(scene), scene.session(tasks=1)
    control = reported(scene)
    scene.ok("POST", f"/sessions/{asking['id']}/needs-input", {"message": "?"})
    task = f"/tasks/{unreported['taskIds'][0]}"
    scene.ok("POST", f"{task}/start", {"sessionId": unreported["id"]})
    for session in (kept_open, asking, unreported, control):
        scene.hook(session, "Stop")
    eventually(lambda: status(scene, control) == "completed")
    scene.ok("PATCH", f"/sessions/{kept_open['id']}", {"keepOpen": False})
    scene.ok("POST", f"/sessions/{asking['id']}/needs-input", {"active": False})
    scene.ok("POST", f"{task}/complete", {"sessionId": unreported["id"]})
    eventually(lambda: {status(scene, session) for session in (kept_open, asking, unreported)} == {"completed"})


def test_an_explanation_shows_the_verdict_and_all_it_was_made_from(scene: Scene) -> None:
    session = scene.session()
    assert explained(scene, session)["verdict"]["doing"] == "unknown"
    scene.hook(session, "SessionStart")
    scene.hook(session, "PreToolUse", {"tool_name": "Bash"})
    told = explained(scene, session)
    assert told["sessionId"] == session["id"]
    assert told["verdict"]["rule"] == "claude hook PreToolUse"
    assert told["verdict"]["tool"] == "Bash"
    assert [e["rule"] for e in told["evidence"]] == ["claude hook SessionStart", "claude hook PreToolUse"]
    for number in range(50):
        scene.hook(session, "PreToolUse", {"tool_name": f"t{number}"})
    assert len(explained(scene, session)["evidence"]) == 20


# -- waiting --------------------------------------------------------------------------------------


def wait(scene: Scene, session: Json, query: str) -> Any:
    return scene.call("GET", f"/sessions/{session['id']}/wait?{query}")


@pytest.mark.parametrize("until", ["idle", "ended,idle", "completed,failed,idle", " idle "])
def test_what_is_so_already_is_answered_at_once(scene: Scene, until: str) -> None:
    session = scene.session()
    scene.hook(session, "SessionStart")
    answer = wait(scene, session, f"until={until.replace(' ', '%20')}&timeout=0")
    assert (answer.status, answer.json["status"]) == (200, "idle")


def test_waiting_ends_with_the_change(scene: Scene) -> None:
    session = scene.session()
    with ThreadPoolExecutor(4) as threads:
        waits = {
            until: threads.submit(wait, scene, session, f"until={until}&timeout=20")
            for until in ("working", "needs-input", "ended", "stopped,completed")
        }
        time_out = wait(scene, session, "until=ended&timeout=0.05")
        assert (time_out.status, time_out.json["code"]) == (408, "TIMEOUT")
        scene.hook(session, "UserPromptSubmit")
        assert waits["working"].result().json["status"] == "working"
        assert not waits["ended"].done()
        scene.hook(session, "PermissionRequest", ASKED)
        assert waits["needs-input"].result().json["needsInput"]["active"] is True
        scene.ok("POST", f"/sessions/{session['id']}/stop")
        assert waits["ended"].result().json["status"] == "stopped"
        assert waits["stopped,completed"].result().status == 200


def test_waiting_for_a_session_that_is_deleted_ends_with_not_found(scene: Scene) -> None:
    session = scene.session()
    scene.ok("POST", f"/sessions/{session['id']}/stop")
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait, scene, session, "until=working&timeout=20")
        scene.ok("DELETE", f"/sessions/{session['id']}")
        assert waiting.result().status == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("until=dead", "until"),
        ("until=", "until"),
        ("until=idle,,", "until"),
        ("timeout=soon", "timeout"),
        ("timeout=-1", "timeout"),
        ("timeout=nan", "timeout"),
        ("timeout=inf", "timeout"),
        ("timeout=99999", "timeout"),
    ],
)
def test_a_wrong_wait_is_refused(scene: Scene, query: str, field: str) -> None:
    answer = wait(scene, scene.session(), query)
    assert (answer.status, answer.json["details"][0]["path"]) == (400, field)


def test_nothing_of_all_this_was_a_failure_of_the_daemon(scene: Scene) -> None:
    levels = [json.loads(line)["level"] for line in scene.daemon.log().splitlines()]
    assert set(levels) <= {"info", "debug"}
