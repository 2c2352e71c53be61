"""Agents in worktrees of their own: real git, real windows, scripted agents that commit."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_failed_starts import tools
from tests.e2e.workshop import MAESTRO, Said, Workshop, ended
from tests.support.eventually import eventually
from tests.support.repository import commit, git, repository

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

WORK = "RUN: echo done > result.txt && git add . && git -c user.name=a -c user.email=a@b.c commit -qm 'the work'"
COMPLETE = "RUN: maestro task complete"


@pytest.fixture
def yard(bare: Workshop) -> Workshop:
    """A workshop whose project is a git repository."""
    repository(bare.project)
    (bare.folder / ".gitconfig").write_text("[user]\n\tname = a\n\temail = a@b.c\n[init]\n\tdefaultBranch = main\n")
    bare.begin()
    return bare


def start(yard: Workshop, *more: str, provider: str = "claude", title: str = "Fix it") -> dict[str, Any]:
    """A session in a worktree, its agent started; the session."""
    id_ = yard.spawn(provider, yard.task(title), more=["--worktree", *more])
    return yard.session(id_)


def refused(yard: Workshop, said: Said) -> dict[str, Any]:
    """The session of a spawn that failed with exit 7, and left nothing behind."""
    assert said.code == 7, said
    session: dict[str, Any] = yard.session(said.json["details"][0]["sessionId"])
    assert (session["status"], session["worktree"]) == ("failed", None)
    folder = yard.home / "worktrees"
    assert not folder.exists() or list(folder.iterdir()) == []
    assert git(yard.project, "branch", "--list", "maestro/*") == ""
    assert git(yard.project, "worktree", "list").count("\n") == 0
    causes = yard.ok("why", "--session", session["id"])["causes"]
    assert said.json["details"][0]["reason"].split("\n")[0] in causes[0]["text"]
    return session


def test_an_agent_works_on_a_branch_of_its_own_and_its_work_is_merged(yard: Workshop) -> None:
    yard.script("claude", WORK, COMPLETE)
    session = start(yard)
    worktree = session["worktree"]
    assert worktree["branch"] == f"maestro/fix-it-{session['id'][-4:]}"
    assert worktree["baseCommit"] == git(yard.project, "rev-parse", "HEAD")
    yard.becomes(session["id"], "completed")
    assert not (yard.project / "result.txt").exists()
    [row] = yard.ok("worktree", "list")
    assert (row["state"], row["ahead"], row["uncommitted"]) == ("unmerged", 1, 0)
    assert "+done" in yard.maestro("worktree", "diff", session["id"]).out

    said = yard.maestro("session", "delete", session["id"], "--json")
    assert (said.code, said.json["error"]) == (6, "conflict")
    said = yard.maestro("worktree", "remove", session["id"], "--json")
    assert (said.code, said.json["details"][0]["kind"]) == (6, "commit")

    assert yard.ok("worktree", "merge", session["id"])["into"] == "main"
    assert (yard.project / "result.txt").read_text() == "done\n"
    assert yard.ok("worktree", "remove", session["id"])["kept"] is None
    assert not Path(worktree["path"]).exists()
    assert git(yard.project, "branch", "--list", "maestro/*") == ""
    yard.ok("session", "delete", session["id"])


def test_the_branch_is_told_where_agents_are_started_and_seen(yard: Workshop) -> None:
    yard.script("claude", "RUN: maestro task start", "SLEEP: 60")
    task = yard.task("Fix it")
    said = yard.maestro("session", "spawn", "--task", task, "--provider", "claude", "--worktree")
    [session] = yard.get("/sessions")
    branch = session["worktree"]["branch"]
    assert f"on branch {branch}" in said.out
    assert branch in yard.maestro("plan").out
    assert branch in yard.maestro("session", "info", session["id"]).out
    document = (yard.home / "data" / "sessions" / session["id"] / "launch.json").read_text()
    assert f'"MAESTRO_WORKTREE_BRANCH": "{branch}"' in document
    told = (yard.home / "data" / "sessions" / session["id"] / "system.md").read_text()
    assert branch in told
    assert session["worktree"]["path"] in told


def test_a_project_in_a_subdirectory_has_its_agent_in_the_same_one(shop: Workshop) -> None:
    top = repository(shop.folder / "mono repo -ü")
    api = top / "api"
    commit(top, "api/a.txt", "x")
    shop.ok("init", str(api), "--name", "api")
    shop.script("claude", "RUN: pwd > here.txt", COMPLETE)
    task = shop.ok("task", "create", "Fix it", "--project", "api")["id"]
    id_ = shop.spawn("claude", task, more=["--worktree", "--project", "api"])
    path = Path(shop.session(id_)["worktree"]["path"])
    shop.becomes(id_, "completed")
    assert (path / "api" / "here.txt").read_text() == f"{path}/api\n"


def test_the_setup_command_and_copied_files_prepare_it(yard: Workshop) -> None:
    (yard.project / ".env").write_text("A=1")
    setup = 'cat .env > made.log; echo "$MAESTRO_PROJECT_DIR $MAESTRO_WORKTREE_BRANCH" >> made.log'
    yard.ok("project", "edit", "work", "--setup", setup, "--copy", ".env")
    yard.script("claude", COMPLETE)
    session = start(yard)
    made = (Path(session["worktree"]["path"]) / "made.log").read_text()
    assert made == f"A=1{yard.project} {session['worktree']['branch']}\n"
    yard.becomes(session["id"], "completed")
    yard.ok("worktree", "remove", session["id"])


def test_a_setup_command_that_fails_leaves_nothing_and_can_be_mended(yard: Workshop) -> None:
    yard.ok("project", "edit", "work", "--setup", "echo no such package; exit 3")
    task = yard.task()
    said = yard.maestro("session", "spawn", "--task", task, "--provider", "claude", "--worktree", "--json")
    session = refused(yard, said)
    assert "exit code 3\nno such package" in said.json["message"]
    yard.ok("project", "edit", "work", "--setup", "true")
    yard.script("claude", COMPLETE)
    yard.ok("session", "resume", session["id"])
    assert yard.becomes(session["id"], "completed")["worktree"]["madeAt"]


def stub(yard: Workshop, text: str) -> dict[str, str]:
    """An environment with another git first on PATH; ``$GIT`` is the real one."""
    folder = yard.folder / "stubs"
    folder.mkdir(exist_ok=True)
    (folder / "git").write_text(f"#!/bin/sh\nGIT={shutil.which('git')}\n{text}\n")
    (folder / "git").chmod(0o755)
    return {**yard.env, "PATH": f"{folder}:{yard.env['PATH']}"}


def spawned(yard: Workshop, *more: str, env: dict[str, str] | None = None) -> Said:
    words = ("session", "spawn", "--task", yard.task(), "--provider", "claude", "--worktree", "--json")
    return yard.maestro(*words, *more, env=env)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("echo git version 2.17.0", "too old"),
        ('case "$*" in *"worktree add"*) echo "fatal: boom" >&2; exit 128;; esac; exec $GIT "$@"', "boom"),
        ('case "$*" in *"worktree add"*) $GIT "$@"; exit 1;; esac; exec $GIT "$@"', "exit code 1"),
    ],
)
def test_a_git_that_fails_is_a_clear_error_and_leaves_nothing(yard: Workshop, text: str, told: str) -> None:
    said = spawned(yard, env=stub(yard, text))
    refused(yard, said)
    assert told in said.json["message"]


def test_without_git_a_worktree_that_is_wanted_is_refused(yard: Workshop) -> None:
    path = os.pathsep.join([str(yard.bin), tools(yard, without="git"), str(Path(MAESTRO).parent)])
    said = spawned(yard, env={**yard.env, "PATH": path})
    refused(yard, said)
    assert "git is not on PATH" in said.json["message"]


def test_a_hook_that_fails_and_a_home_that_cannot_be_written(yard: Workshop) -> None:
    hook = yard.project / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no checkout today >&2\nexit 1\n")
    hook.chmod(0o755)
    said = spawned(yard)
    refused(yard, said)
    assert "no checkout today" in said.json["message"]
    hook.unlink()
    folder = yard.home / "worktrees"
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("in the way")
    said = spawned(yard)
    assert (said.code, "no worktree" in said.json["message"]) == (7, True)
    assert yard.session(said.json["details"][0]["sessionId"])["worktree"] is None
    assert git(yard.project, "branch", "--list", "maestro/*") == ""


def test_what_is_no_repository_is_refused_when_a_worktree_is_wanted(shop: Workshop) -> None:
    for make, told in ((None, "in no git repository"), ("", "no commits yet")):
        if make is not None:
            git(shop.project, "init", "-q")
        said = spawned(shop)
        assert (said.code, told in said.json["message"]) == (7, True), said
        assert shop.session(said.json["details"][0]["sessionId"])["worktree"] is None


def test_a_launcher_that_was_killed_leaves_what_the_next_one_mends(yard: Workshop) -> None:
    yard.ok(
        "project", "edit", "work", "--setup", f"test -e {yard.folder}/go || {{ touch {yard.folder}/in; sleep 60; }}"
    )
    yard.script("claude", COMPLETE)
    id_ = yard.ok("session", "spawn", "--task", yard.task(), "--provider", "claude", "--worktree", "--no-launch")[
        "session"
    ]["id"]
    begun = yard.start("session", "launch", id_)
    eventually((yard.folder / "in").exists, what="the setup runs")
    begun.kill()
    begun.communicate()
    assert yard.session(id_)["worktree"]["madeAt"] is None
    (yard.folder / "go").touch()
    yard.post(f"/sessions/{id_}/exit", {"reason": "its launcher was killed"})
    yard.ok("session", "resume", id_)
    assert yard.becomes(id_, "completed")["worktree"]["madeAt"]


def test_the_second_worker_in_a_directory_gets_a_worktree_and_says_no_more_than_that(yard: Workshop) -> None:
    yard.script("claude", "SLEEP: 60")
    first, second = yard.spawn("claude", yard.task("One")), yard.spawn("claude", yard.task("Two"))
    third = yard.spawn("claude", yard.task("Three"), more=["--no-worktree"])
    found = [yard.session(id_)["worktree"] for id_ in (first, second, third)]
    assert [worktree is not None for worktree in found] == [False, True, False]


def test_without_a_repository_the_second_worker_works_beside_the_first_and_it_is_said(shop: Workshop) -> None:
    shop.script("claude", "SLEEP: 60")
    shop.spawn("claude", shop.task("One"))
    said = shop.maestro("session", "spawn", "--task", shop.task("Two"), "--provider", "claude")
    assert said.code == 0, said
    assert "no worktree" in said.err


def test_a_session_resumes_in_its_worktree_also_when_the_folder_was_deleted(yard: Workshop) -> None:
    yard.script("claude", WORK, COMPLETE)
    session = start(yard)
    yard.becomes(session["id"], "completed")
    shutil.rmtree(session["worktree"]["path"])
    yard.script("claude", "RUN: cat result.txt > seen.log", "EXIT: 0")
    yard.maestro("session", "resume", session["id"])
    seen = Path(session["worktree"]["path"]) / "seen.log"
    eventually(seen.exists, what="the agent is there again")
    assert seen.read_text() == "done\n"


# -- dependencies -------------------------------------------------------------------------------------


def done(yard: Workshop, title: str, name: str, text: str) -> str:
    """A task completed in a worktree, with a file committed there; not merged."""
    who = "git -c user.name=a -c user.email=a@b.c"
    yard.script("claude", f"RUN: echo {text} > {name} && git add . && {who} commit -qm {name}", COMPLETE)
    task = yard.task(title)
    yard.becomes(yard.spawn("claude", task, more=["--worktree"]), "completed")
    return task


def after(yard: Workshop, *tasks: str) -> Said:
    """A task that depends on these, spawned in a worktree."""
    waits = [word for task in tasks for word in ("--depends-on", task)]
    task = yard.ok("task", "create", "Then", *waits)["id"]
    yard.script("claude", COMPLETE)
    return yard.maestro("session", "spawn", "--task", task, "--provider", "claude", "--worktree", "--json")


def test_a_dependency_that_is_not_merged_is_where_the_next_one_begins(yard: Workshop) -> None:
    first = done(yard, "First", "first.txt", "1")
    session = after(yard, first).json["data"]["session"]
    path = Path(session["worktree"]["path"])
    assert (path / "first.txt").exists()
    assert session["worktree"]["baseCommit"] == git(path, "rev-parse", "HEAD")
    assert session["worktree"]["baseBranch"] == "main"
    yard.becomes(session["id"], "completed")
    assert yard.get(f"/sessions/{session['id']}/worktree/diff")["files"] == []


def test_two_dependencies_are_put_together_or_it_is_said_that_they_cannot_be(yard: Workshop) -> None:
    one, two, three = (
        done(yard, "One", "one.txt", "1"),
        done(yard, "Two", "two.txt", "2"),
        done(yard, "Three", "one.txt", "3"),
    )
    session = after(yard, one, two).json["data"]["session"]
    path = Path(session["worktree"]["path"])
    assert (path / "one.txt").exists()
    assert (path / "two.txt").exists()
    yard.becomes(session["id"], "completed")
    said = after(yard, one, three)
    assert said.code == 7, said
    assert "does not fit together" in said.json["message"]
    assert "one.txt" in said.json["message"]
    failed = yard.session(said.json["details"][0]["sessionId"])
    assert (failed["status"], failed["worktree"]) == ("failed", None)
    assert len(list((yard.home / "worktrees").iterdir())) == 4


@pytest.mark.slow
def test_twenty_at_once_on_one_repository(yard: Workshop) -> None:
    yard.script("claude", WORK, COMPLETE)
    tasks = [yard.task(f"Task {number}") for number in range(20)]
    calls = [
        yard.start("session", "spawn", "--task", task, "--provider", "claude", "--worktree", "--json") for task in tasks
    ]
    said = [ended(call, timeout=300) for call in calls]
    assert [each.code for each in said] == [0] * 20, [each for each in said if each.code]
    sessions = yard.get("/sessions")
    assert len({session["worktree"]["branch"] for session in sessions}) == 20
    for session in sessions:
        yard.becomes(session["id"], "completed", timeout=120)
        assert git(Path(session["worktree"]["path"]), "log", "--format=%s", "-1") == "the work"
