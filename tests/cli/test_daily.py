"""The everyday verbs, as processes against a real daemon."""

import json
import re
import threading
from pathlib import Path

import pytest

from tests.cli.program import ARGV, Maestro, Said
from tests.support.daemon import Daemon
from tests.support.terminal import Terminal


def session_of(maestro: Maestro, *tasks: str, strategy: str = "simple") -> tuple[str, dict[str, str]]:
    """A session that waits to be launched, and what its pane's environment would say of it."""
    words = [word for task in tasks for word in ("--task", task)]
    data = maestro.ok("session", "spawn", *words, "--strategy", strategy, "--no-launch")
    assert isinstance(data, dict)
    session = data["session"]["id"]
    return session, {"MAESTRO_SESSION_ID": session, "MAESTRO_TASK_IDS": ",".join(tasks)}


def status_of(maestro: Maestro, task: str) -> str:
    data = maestro.ok("task", "get", task)
    assert isinstance(data, dict)
    return str(data["status"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("task", "list"), "no tasks"),
        (("session", "list"), "no sessions"),
        (("key", "list"), "no keys"),
    ],
)
def test_an_empty_list_says_so_to_a_person_and_has_no_lines_for_a_script(
    maestro: Maestro, words: tuple[str, ...], said: str
) -> None:
    assert maestro(*words).out == ""
    with Terminal([*ARGV, *words], env=maestro.env | {"TERM": "xterm"}, cwd=maestro.cwd) as terminal:
        assert terminal.ended() == 0
        assert terminal.text == f"{said}\n"


def test_a_task_is_made_shown_and_done_in_the_project_of_the_directory(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "Fix the flaky login test", "--priority", "high", "--label", "a,b")
    listed = maestro("task", "list")
    assert listed.code == 0
    assert listed.out.split("\n")[1].split()[1:] == ["todo", "high", "Fix", "the", "flaky", "login", "test"]
    shown = maestro("task", "get", "fix-the-flaky")
    assert "labels" in shown.out
    done = maestro("task", "complete", task[-5:], "--note", "done")
    assert done.out == f"completed {task}  Fix the flaky login test\n"
    assert status_of(maestro, task) == "completed"
    assert done.err == ""


def test_a_directory_beneath_belongs_to_the_project_too(maestro: Maestro, tmp_path: Path) -> None:
    maestro.ok("task", "create", "Here")
    below = tmp_path / "a" / "ü b"
    below.mkdir(parents=True)
    assert len(maestro.ok("task", "list", cwd=below)) == 1  # type: ignore[arg-type]
    elsewhere = maestro("task", "create", "Nowhere", "--json", cwd=Path("/"))
    assert (elsewhere.code, elsewhere.error) == (2, "validation_error")
    assert "maestro init" in str(elsewhere.document["suggestion"])


def test_lists_are_narrowed_as_asked(maestro: Maestro) -> None:
    first = maestro.id("task", "create", "First", "--priority", "low")
    second = maestro.id("task", "create", "Second", "--depends-on", first)
    maestro.ok("task", "block", first, "--reason", "no key")

    def found(*words: str) -> list[str]:
        rows = maestro.ok("task", "list", *words)
        assert isinstance(rows, list)
        return [row["id"] for row in rows]

    assert found() == [first, second]
    assert found("--status", "blocked,done") == [first]
    assert found("--status", "blocked", "--status", "todo") == [first, second]
    assert found("--ready") == []
    assert found("--priority", "low") == [first]
    assert found("-q", "SECOND") == [second]
    assert found("--project", maestro.cwd.name.replace("_", "-")) == [first, second]
    page = maestro.ok("task", "list", "--limit", "1")
    assert isinstance(page, dict)
    assert [row["id"] for row in page["data"]] == [first]
    assert maestro("task", "list", "--limit", "1").out.endswith(f"… more: --cursor {first}\n")
    assert set(found("--all")) >= {first, second}


@pytest.mark.parametrize(
    ("verb", "words", "status"),
    [
        ("start", (), "in_progress"),
        ("review", ("--note", "look"), "in_review"),
        ("block", ("--reason", "why"), "blocked"),
        ("cancel", (), "cancelled"),
        ("complete", (), "completed"),
    ],
)
def test_a_task_moves_by_its_verbs_and_back(maestro: Maestro, verb: str, words: tuple[str, ...], status: str) -> None:
    task = maestro.id("task", "create", "Move me")
    assert maestro("task", verb, task, *words).code == 0
    assert status_of(maestro, task) == status
    assert maestro("task", verb, task, *words).code == 0
    back = "unblock" if verb == "block" else "reopen"
    assert maestro("task", back, task).code == 0


def test_a_task_is_edited_field_by_field(maestro: Maestro) -> None:
    other = maestro.id("task", "create", "Other")
    task = maestro.id("task", "create", "Before", "--depends-on", other, "--criterion", "a, b", "--pin")
    maestro.ok("task", "edit", task, "--title", "After", "--depends-on", "", "--unpin", "--due", "2d")
    data = maestro.ok("task", "get", task)
    assert isinstance(data, dict)
    assert (data["title"], data["dependencies"], data["pinned"]) == ("After", [], False)
    assert data["acceptanceCriteria"] == ["a, b"]
    assert data["dueAt"] > data["createdAt"]
    maestro.ok("task", "edit", task, "--due", "", "--description", "-", stdin=b"of\nlines")
    data = maestro.ok("task", "get", task)
    assert isinstance(data, dict)
    assert (data["dueAt"], data["description"]) == (None, "of\nlines")


def test_an_edit_of_what_has_changed_meanwhile_is_a_conflict(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "Versioned")
    maestro.ok("task", "edit", task, "--title", "Two", "--if-version", "1")
    stale = maestro("task", "edit", task, "--title", "Three", "--if-version", "1", "--json")
    assert (stale.code, stale.error) == (6, "version_mismatch")


def test_a_tree_is_drawn(maestro: Maestro) -> None:
    root = maestro.id("task", "create", "Root")
    child = maestro.id("task", "create", "Child", "--parent", root)
    maestro.ok("task", "create", "Leaf", "--parent", child)
    maestro.ok("task", "create", "Second", "--parent", root)
    shapes = [re.split(r"[a-z0-9]{5}", line)[0] for line in maestro("task", "tree").out.splitlines()]
    assert shapes == ["", "├─ ", "│  └─ ", "└─ "]
    assert maestro("task", "tree", root).out == maestro("task", "tree").out
    children = maestro.ok("task", "children", root)
    assert isinstance(children, list)
    assert [row["title"] for row in children] == ["Child", "Second"]
    assert len(maestro.ok("task", "children", root, "-r")) == 3  # type: ignore[arg-type]


def test_deleting_counts_what_went_with_it(maestro: Maestro) -> None:
    root = maestro.id("task", "create", "Root")
    maestro.ok("task", "create", "Child", "--parent", root)
    maestro.ok("subtask", "create", root, "step")
    gone = maestro("task", "delete", root)
    assert gone.out.startswith(f"deleted {root}  (with ")
    assert maestro("task", "get", root).code == 3


def test_a_checklist_is_kept(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "With steps")
    step = maestro.id("subtask", "create", task, "write it")
    maestro.ok("subtask", "complete", step, "--task", task)
    assert "[x]   write it" in maestro("subtask", "list", task).out
    maestro.ok("subtask", "reopen", step, "--task", task)
    maestro.ok("subtask", "edit", step, "--title", "write both", "--task", task)
    assert "[ ]   write both" in maestro("subtask", "list", task).out
    maestro.ok("subtask", "delete", step, "--task", task)
    assert maestro("subtask", "list", task).out == ""


def test_an_item_of_a_checklist_is_known_without_its_task(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "With steps")
    step = maestro.id("subtask", "create", task, "write it")
    done = maestro.ok("subtask", "complete", step)
    assert isinstance(done, dict)
    assert done["completed"] is True


def test_documents_are_left_with_a_task(maestro: Maestro, tmp_path: Path) -> None:
    task = maestro.id("task", "create", "Documented")
    plan = maestro.ok("task", "docs", "add", task, "Plan", "--content", "-", "--kind", "plan", stdin=b"1. think")
    assert isinstance(plan, dict)
    maestro.ok("task", "docs", "add", task, "Notes", "--file", "notes.md")
    rows = maestro.ok("task", "docs", "list", task)
    assert isinstance(rows, list)
    assert [(row["title"], row["size"], row["filePath"], "content" in row) for row in rows] == [
        ("Plan", 8, None, False),
        ("Notes", 0, str(tmp_path / "notes.md"), False),
    ]
    shown = maestro("doc", "get", plan["id"][-6:]).out
    assert shown.startswith("Plan\n")
    assert "\n  1. think\n" in shown
    assert maestro("doc", "delete", plan["id"]).code == 0
    assert (gone := maestro("doc", "get", plan["id"], "--json")).code == 3, gone
    assert gone.error == "doc_not_found"


def test_a_session_leaves_documents_and_takes_them_back(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "Shared")
    session, pane = session_of(maestro, task)
    own = maestro.id("session", "docs", "add", "Findings", "--content", "it is the cache", env=pane)
    rows = maestro.ok("session", "docs", "list", session)
    assert isinstance(rows, list)
    assert [(row["id"], row["sessionId"]) for row in rows] == [(own, session)]
    assert maestro("doc", "delete", own, env=pane).code == 0
    assert maestro.ok("session", "docs", "list", env=pane) == []


def test_a_report_is_about_the_task_at_hand(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "At hand")
    session, pane = session_of(maestro, task)
    entry = maestro.ok("report", "progress", "half way", env=pane)
    assert isinstance(entry, dict)
    assert (entry["taskId"], entry["sessionId"], entry["type"]) == (task, session, "progress")
    assert "half way" in maestro("task", "timeline", task).out


def test_with_several_tasks_at_hand_one_must_be_named(maestro: Maestro) -> None:
    first, second = maestro.id("task", "create", "One"), maestro.id("task", "create", "Two")
    _, pane = session_of(maestro, first, second)
    refused = maestro("report", "progress", "which?", "--json", env=pane)
    assert (refused.code, refused.error) == (2, "usage")
    assert first in str(refused.document["message"])
    entry = maestro.ok("report", "progress", "this", "--task", second, env=pane)
    assert isinstance(entry, dict)
    assert entry["taskId"] == second


def test_of_several_tasks_at_hand_the_one_under_way_is_meant(maestro: Maestro) -> None:
    first, second, third = (maestro.id("task", "create", name) for name in ("One", "Two", "Three"))
    session, pane = session_of(maestro, first, second, third)
    assert maestro("task", "start", second, env=pane).code == 0
    assert maestro("task", "start", third).code == 0  # a person's doing is nobody's hand
    entry = maestro.ok("report", "progress", "half way", env=pane)
    assert isinstance(entry, dict)
    assert (entry["taskId"], entry["sessionId"]) == (second, session)
    assert maestro("task", "complete", "--note", "done", env=pane).code == 0
    assert maestro("task", "complete", "--note", "which?", env=pane).code == 2
    for task in (first, third):
        assert maestro("task", "start", task, env=pane).code == 0
    assert maestro("report", "progress", "which?", env=pane).code == 2


@pytest.mark.parametrize(
    ("kind", "type_", "outcome"),
    [
        ("progress", "progress", "queued"),
        ("error", "error", "queued"),
        ("complete", "task_completed", "completed"),
        ("blocked", "task_blocked", "blocked"),
    ],
)
def test_a_report_moves_the_own_attempt_and_not_the_task(maestro: Maestro, kind: str, type_: str, outcome: str) -> None:
    task = maestro.id("task", "create", "Reported")
    session, pane = session_of(maestro, task)
    for words in (("report", kind, "so it is"), ("task", "report", kind, task, "so it is")):
        entry = maestro.ok(*words, env=pane)
        assert isinstance(entry, dict)
        assert entry["type"] == type_
    data = maestro.ok("task", "get", task)
    assert isinstance(data, dict)
    assert data["taskSessionStatuses"] == {session: outcome}
    assert data["status"] == "todo"


def test_the_task_at_hand_needs_no_id(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "At hand")
    _, pane = session_of(maestro, task)
    for words in (("task", "get"), ("task", "start"), ("task", "complete", "--note", "done")):
        data = maestro.ok(*words, env=pane)
        assert isinstance(data, dict)
        assert data["id"] == task
    lost = maestro("task", "start", "--json")
    assert (lost.code, lost.error) == (2, "usage")


def test_a_task_that_another_holds_names_the_holder(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "Wanted")
    holder, pane = session_of(maestro, task)
    other = maestro.id("task", "create", "Other")
    _, others = session_of(maestro, other)
    maestro.ok("task", "start", task, env=pane)
    lost = maestro("task", "start", task, "--json", env=others)
    assert (lost.code, lost.error) == (6, "already_claimed")
    assert holder in lost.out


def test_a_queue_is_worked_off(maestro: Maestro) -> None:
    tasks = [maestro.id("task", "create", f"Number {n}") for n in range(3)]
    _, pane = session_of(maestro, *tasks[:2], strategy="queue")

    def item(*words: str) -> dict[str, object]:
        data = maestro.ok("queue", *words, env=pane)
        assert isinstance(data, dict)
        return data

    assert item("top")["task"]["id"] == tasks[0]  # type: ignore[index]
    assert item("start")["item"]["status"] == "processing"  # type: ignore[index]
    assert item("complete", "--note", "done")["next"]["taskId"] == tasks[1]  # type: ignore[index]
    assert "Number 1" in maestro("queue", "start", env=pane).out
    assert item("fail", "--reason", "broken")["item"]["status"] == "failed"  # type: ignore[index]
    empty = maestro("queue", "start", env=pane)
    assert (empty.code, empty.out) == (0, "nothing to do: the queue is empty\n")
    assert maestro("queue", "start", "--fail-empty", env=pane).code == 9
    assert maestro("queue", "start", "--fail-empty", "--json", env=pane).document["success"] is True
    pushed = item("push", tasks[2], "--priority", "high")["item"]["id"]  # type: ignore[index]
    assert maestro("queue", "pause", env=pane).out.startswith("queue queue_")
    assert maestro("queue", "start", env=pane).code in (0, 6)
    assert "open" in maestro("queue", "resume", env=pane).out
    item("move", str(pushed), "0")
    assert item("skip", str(pushed), "--reason", "no")["item"]["status"] == "skipped"  # type: ignore[index]
    assert maestro("queue", "list", env=pane).out.count("\n") == 4
    assert maestro("queue", "status", env=pane).out.startswith("queue queue_")


def test_outside_of_a_session_the_queue_must_be_named(maestro: Maestro) -> None:
    refused = maestro("queue", "start")
    assert refused.code == 2
    assert "--session" in refused.err


def test_sessions_are_shown_renamed_and_stopped(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "Worked on")
    session, pane = session_of(maestro, task)
    assert "Worked on" in maestro("session", "list", "--active").out
    assert f"id           {session}" in maestro("session", "info", env=pane).out
    maestro.ok("session", "rename", session, "login")
    maestro.ok("session", "needs-input", "Which API?", env=pane)
    status = maestro("status").out
    assert "needs you:\n  login  now  Which API?" in status
    maestro.ok("session", "needs-input", "--clear", env=pane)
    stopped = maestro("session", "stop", session, "--reason", "enough")
    assert stopped.out == f"stopped {session}  login\n"
    assert maestro("session", "list", "--active").out == ""
    assert maestro("session", "delete", session).out.startswith(f"deleted {session}")


def test_a_wait_ends_with_what_was_waited_for(maestro: Maestro) -> None:
    session, _ = session_of(maestro, maestro.id("task", "create", "Waited for"))
    assert maestro("session", "wait", session, "--until", "spawning").code == 0
    late = maestro("session", "wait", session, "--timeout", "1s", "--json")
    assert (late.code, late.error) == (8, "timeout")
    with maestro.started("session", "wait", session, "--timeout", "40") as waiting:
        maestro.ok("session", "stop", session)
        out, _ = waiting.communicate(timeout=30)
    assert waiting.returncode == 0
    assert out.startswith(b"stopped")


def test_a_hook_of_a_session_is_heard(maestro: Maestro, served: Daemon) -> None:
    session, pane = session_of(maestro, maestro.id("task", "create", "Hooked"))
    said = maestro("hook", "claude", stdin=b'{"hook_event_name":"Notification","message":"waiting"}', env=pane)
    assert (said.code, said.out, said.err) == (0, "", "")
    assert not (served.home / "run" / "spool").exists(), session


def test_whoami_tells_all_that_is_known(maestro: Maestro, served: Daemon) -> None:
    task = maestro.id("task", "create", "Mine")
    session, pane = session_of(maestro, task)
    data = maestro.ok("whoami", env=pane)
    assert isinstance(data, dict)
    assert data["actor"]["kind"] == "user"
    assert (data["sessionId"], data["taskIds"], data["home"]) == (session, [task], str(served.home))
    told = maestro("whoami", env=pane).out
    assert session in told
    assert f"unix:{served.socket}" in told


def test_a_session_with_its_credential_is_held_to_its_role(maestro: Maestro, served: Daemon) -> None:
    task = maestro.id("task", "create", "Mine")
    session, pane = session_of(maestro, task)
    served.ok("POST", f"/sessions/{session}/launch", {"holder": "a test"})
    pane["MAESTRO_CREDENTIAL_FILE"] = str(served.home / "run" / "sessions" / session / "cred")
    data = maestro.ok("whoami", env=pane)
    assert isinstance(data, dict)
    assert (data["actor"]["kind"], data["actor"]["id"]) == ("session", session)
    refused = maestro("task", "delete", task, "--json", env=pane)
    assert (refused.code, refused.error) == (4, "forbidden")
    assert "orchestrator" in str(refused.document["suggestion"])


def test_a_session_without_its_credential_is_told_so(maestro: Maestro) -> None:
    lost = maestro("status", "--json", env={"MAESTRO_CREDENTIAL_FILE": "/nowhere/cred"})
    assert (lost.code, lost.error) == (4, "unauthorized")


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("task", "get", "nothing-like-it"), 3, "task_not_found"),
        (("task", "list", "--project", "nothing-like-it"), 3, "project_not_found"),
        (("task", "create", "x" * 300), 2, "validation_error"),
        (("task", "create", "x", "--parent", "task_1_nothing"), 3, "task_not_found"),
        (("task", "create", ""), 2, "validation_error"),
        (("task", "create", "x", "--due", "whenever"), 2, "usage"),
        (("task", "lst"), 2, "usage"),
        (("task", "archive", "to-do-it"), 6, "invalid_transition"),
        (("task", "list", "--limit", "0"), 2, "validation_error"),
    ],
)
def test_a_failure_is_one_document_with_what_to_do(
    maestro: Maestro, words: tuple[str, ...], code: int, error: str
) -> None:
    maestro.ok("task", "create", "To do it")
    failed = maestro(*words, "--json")
    assert (failed.code, failed.error) == (code, error)
    assert failed.err == ""
    assert set(failed.document) == {"success", "error", "message", "details", "suggestion", "retryable"}
    told = maestro(*words)
    assert told.code == code
    assert told.out == ""
    assert told.err.startswith("error: ")


def test_a_short_name_that_fits_several_lists_them(maestro: Maestro) -> None:
    for title in ("Same start one", "Same start two"):
        maestro.ok("task", "create", title)
    failed = maestro("task", "get", "same-start", "--json")
    assert failed.code == 2
    assert len(failed.document["details"]) == 2  # type: ignore[arg-type]


def test_text_in_any_script_and_any_bytes_survive_or_are_refused(maestro: Maestro) -> None:
    title = "Ünïcödé 日本 👩‍💻 \u202e"
    task = maestro.id("task", "create", title)
    data = maestro.ok("task", "get", task)
    assert isinstance(data, dict)
    assert data["title"] == title
    assert "\u202e" not in maestro("task", "list").out
    broken = maestro("task", "create", "bad \udcff bytes", "--json")
    assert (broken.code, broken.error) == (2, "usage")


def test_fifty_at_once_all_succeed(maestro: Maestro) -> None:
    said: list[Said] = []
    threads = [threading.Thread(target=lambda n=n: said.append(maestro("task", "create", f"T{n}"))) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [s for s in said if s.code != 0] == []
    assert len(maestro.ok("task", "list")) == 50  # type: ignore[arg-type]


def test_a_json_answer_is_what_the_daemon_said(maestro: Maestro, served: Daemon) -> None:
    task = maestro.id("task", "create", "Exactly")
    assert maestro.ok("task", "get", task) == served.ok("GET", f"/tasks/{task}")


def test_quiet_says_nothing_and_json_still_does(maestro: Maestro) -> None:
    assert maestro("task", "create", "Quiet", "--quiet").out == ""
    assert json.loads(maestro("task", "list", "--quiet", "--json").out)["success"] is True


def test_an_ended_session_comes_back(maestro: Maestro) -> None:
    session, _ = session_of(maestro, maestro.id("task", "create", "Again"))
    maestro.ok("session", "stop", session)
    back = maestro("session", "resume", session, "--no-launch")
    assert back.out == f"resumed {session}  Again  (spawning)\n"


def test_the_screen_needs_a_terminal(alone: Maestro) -> None:
    refused = alone("tui", "--json")
    assert (refused.code, refused.error) == (2, "usage")
    assert "maestro status" in str(refused.document["suggestion"])


def test_a_text_that_must_be_given_is_read_from_stdin_too(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "Wet")
    blocked = maestro.ok("task", "block", task, "--reason", "-", stdin=b"it rains")
    assert isinstance(blocked, dict)
    assert blocked["blockedReason"] == "it rains"
