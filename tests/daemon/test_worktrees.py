"""Worktrees in a real daemon: whatever is done to sessions, tasks and projects, no work is lost."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.daemon.scene import UNHURRIED, Json, Scene, bearer, keyed
from tests.daemon.yard import Yard
from tests.git.ways import WAYS, changed, committed, untracked
from tests.support.daemon import Answer, daemon
from tests.support.eventually import eventually
from tests.support.repository import ENVIRON, commit, git, repository, tree

pytestmark = pytest.mark.xdist_group("daemon-worktrees")


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """A daemon that merges as somebody."""
    with daemon(env=UNHURRIED | ENVIRON) as running:
        yield Scene(running)


@pytest.fixture
def yard(scene: Scene, tmp_path: Path) -> Yard:
    return Yard(scene, tmp_path, copyFiles=[".env"])


# -- nothing is lost ----------------------------------------------------------------------------------


def changed_copy(path: Path) -> None:
    (path / ".env").write_text("SECRET=mine\n")


def elsewhere(path: Path) -> None:
    commit(path, "new.txt", "x")
    git(path, "checkout", "-q", "-b", "another")
    git(path, "worktree", "add", "-q", str(path.parent.parent / f"{path.name}-elsewhere"), f"maestro/{path.name}")
    commit(path, "more.txt", "y")
    git(path, "checkout", "-q", "--detach")
    git(path, "branch", "-qD", "another")


EVERY_WAY = [*WAYS, changed_copy, elsewhere]


def deletions(yard: Yard, session: Json, task: str) -> Iterator[tuple[str, Answer]]:
    """Everything that could take a worktree away, without a word about force."""
    call, id_ = yard.scene.call, session["id"]
    yield "stop", call("POST", f"/sessions/{id_}/stop", {})
    yield "remove", yard.remove(session)
    yield "delete session", call("DELETE", f"/sessions/{id_}")
    yield "delete project", call("DELETE", f"/projects/{yard.project['id']}?cascade=true")
    yield "merge", yard.merge(session)
    yield "delete task", call("DELETE", f"/tasks/{task}")


@pytest.mark.parametrize("way", EVERY_WAY)
def test_no_deed_loses_work_and_force_keeps_it_in_the_trash(yard: Yard, way: Callable[[Path], None]) -> None:
    (yard.repository / ".env").write_text("SECRET=theirs\n")
    task = yard.scene.task(yard.project)["id"]
    session, path = yard.session(taskIds=[task])
    way(path)
    files = tree(path)

    for deed, answer in deletions(yard, session, task):
        merges = deed == "merge" and way in {committed, changed_copy}
        assert (answer.status == 200) == (deed in {"stop", "delete task"} or merges), (deed, answer.json)
        assert tree(path) == files, deed
        assert yard.scene.read(session)["worktree"]["path"] == str(path), deed

    removed = yard.remove(session, force=True)
    assert removed.status == 200, removed.json
    assert not path.exists()
    assert yard.scene.read(session)["worktree"] is None
    if way is committed:  # it was merged
        assert removed.json["kept"] is None
        return
    [kept] = yard.trash()
    assert (kept["name"], kept["sessionId"]) == (removed.json["kept"], session["id"])
    assert kept["until"] - kept["at"] == 30 * 86_400_000
    if way is elsewhere:
        assert removed.json["branchLeft"] == session["worktree"]["branch"]
        git(yard.repository, "worktree", "remove", f"{path.parent.parent}/{path.name}-elsewhere")
        git(yard.repository, "branch", "-qD", session["worktree"]["branch"])

    restored = yard.restore(kept["name"])
    assert restored.status == 200, restored.json
    assert tree(path) == files
    assert yard.trash() == []
    assert yard.scene.read(session)["worktree"]["madeAt"]


def test_a_folder_deleted_by_hand_leaves_what_was_committed(yard: Yard) -> None:
    session, path = yard.session()
    committed(path)
    shutil.rmtree(path)
    assert yard.look(session)["state"] == "gone"
    assert yard.remove(session).json["details"][0]["kind"] == "commit"
    kept = yard.remove(session, force=True).json["kept"]
    assert yard.branches() == []
    assert yard.restore(kept).status == 200
    assert (path / "new.txt").read_text() == "x"


def test_a_branch_deleted_by_hand_leaves_what_is_checked_out(yard: Yard) -> None:
    session, path = yard.session()
    committed(path)
    git(yard.repository, "update-ref", "-d", f"refs/heads/{session['worktree']['branch']}")
    assert yard.merge(session).status == 409
    assert yard.remove(session).status == 409
    kept = yard.remove(session, force=True).json["kept"]
    assert yard.restore(kept).status == 200
    assert (path / "new.txt").read_text() == "x"


def test_with_folder_and_branch_gone_there_is_nothing_to_lose(yard: Yard) -> None:
    session, path = yard.session()
    shutil.rmtree(path)
    git(yard.repository, "worktree", "prune")
    git(yard.repository, "branch", "-qD", session["worktree"]["branch"])
    assert yard.remove(session).json["kept"] is None


def test_what_is_not_our_worktree_any_more_is_left_alone_even_by_force(yard: Yard) -> None:
    session, path = yard.session()
    shutil.rmtree(path)
    repository(path)
    for force in (False, True):
        answer = yard.remove(session, force=force)
        assert answer.status == 409
        assert "does not take" in answer.json["message"]
    assert (path / "main.txt").exists()


@pytest.mark.parametrize("what", ["submodule", "cloned"])
def test_repositories_within_it_stop_a_removal_even_by_force(yard: Yard, tmp_path: Path, what: str) -> None:
    lib = repository(tmp_path / "lib")
    git(yard.repository, "submodule", "--quiet", "add", str(lib), "submodule")
    git(yard.repository, "commit", "-qm", "lib")
    session, path = yard.session()
    if what == "cloned":
        repository(path / "cloned")
    else:
        git(path, "submodule", "--quiet", "update", "--init")
        commit(path / "submodule", "mine.txt", "x")
    for force in (False, True):
        answer = yard.remove(session, force=force)
        assert answer.status == 409, answer.json
        assert yard.scene.read(session)["worktree"]["deed"] is None
    assert (path / what).is_dir()
    shutil.rmtree(path / what)
    (path / what).mkdir()
    assert yard.remove(session, force=True).status == 200


def test_a_worktree_whose_repository_is_gone_is_not_judged(yard: Yard) -> None:
    session, path = yard.session()
    untracked(path)
    yard.repository.rename(yard.repository.with_name("moved"))
    assert yard.look(session)["state"] == "unknown"
    assert yard.remove(session, force=True).status == 409
    shutil.rmtree(path)
    assert yard.remove(session).status == 409
    assert yard.remove(session, force=True).status == 200


# -- who may, when ------------------------------------------------------------------------------------


def test_agents_look_and_change_nothing(yard: Yard) -> None:
    session, path = yard.session()
    committed(path)
    boss = yard.scene.launch(yard.scene.session(yard.project, role="orchestrator"))
    route = f"/sessions/{session['id']}/worktree"
    assert yard.scene.call("GET", f"{route}/diff", headers=boss).json["files"][0]["path"] == "new.txt"
    for method, place in (("POST", f"{route}/merge"), ("DELETE", route), ("DELETE", f"{route}?force=true")):
        assert yard.scene.call(method, place, headers=boss).status == 403
    yard.remove(session, force=True)
    [kept] = yard.trash()
    restore = f"/projects/{yard.project['id']}/trash/{kept['name']}/restore"
    assert yard.scene.call("POST", restore, headers=boss).status == 403
    assert yard.scene.call("POST", restore, headers=bearer("nobody")).status == 401


def test_the_ground_stays_under_the_feet_of_who_lives(yard: Yard) -> None:
    session, path = yard.session(live=True)
    for force in (False, True):
        assert "works in it" in yard.remove(session, force=force).json["message"]
    assert path.exists()
    answer = yard.merge(session)
    assert (answer.status, "not done" in answer.json["message"]) == (409, True)


def test_deeds_are_safe_to_repeat(yard: Yard) -> None:
    session, path = yard.session()
    committed(path)
    route = f"/sessions/{session['id']}/worktree"
    merges = [yard.scene.call("POST", f"{route}/merge", {}, headers=keyed(f"m-{route}")) for _ in range(2)]
    assert [(m.status, m.json["changed"]) for m in merges] == [(200, True), (200, False)]
    assert yard.merge(session).json["changed"] is False
    removals = [yard.remove(session, headers=keyed(f"r-{route}")) for _ in range(2)]
    assert [r.status for r in removals] == [200, 200]
    assert yard.remove(session).status == 409
    assert git(yard.repository, "log", "--format=%s", "-1") == "more"


def test_what_was_done_stands_on_the_timeline(yard: Yard) -> None:
    session, path = yard.session()
    committed(path)
    yard.merge(session)
    changed(path)
    yard.remove(session, force=True)
    told = [entry["message"] for entry in yard.scene.ok("GET", f"/sessions/{session['id']}/timeline")]
    branch = session["worktree"]["branch"]
    assert told[-2:] == [
        f"merged {branch} into main",
        f"removed the worktree of {branch}; what was only there is in the trash as {branch.removeprefix('maestro/')}",
    ]


def test_a_daemon_that_died_in_the_middle_leaves_nothing_half_done(tmp_path: Path) -> None:
    with daemon(env=UNHURRIED | ENVIRON) as running:
        yard = Yard(Scene(running), tmp_path)
        (merging, merge_path), (removing, remove_path) = yard.session(), yard.session()
        committed(merge_path)
        untracked(remove_path)
        gate = tmp_path / "bin"
        gate.mkdir()
        running.stop()
        (gate / "git").write_text(
            f'#!/bin/sh\ncase "$*" in *" merge --no-edit"*|*"worktree remove"*) touch {tmp_path}/in; sleep 60;; esac\n'
            f'exec {shutil.which("git")} "$@"\n'
        )
        (gate / "git").chmod(0o755)
        usual = running.env["PATH"]
        running.env["PATH"] = f"{gate}:{usual}"
        running.start()
        for route in (f"/sessions/{merging['id']}/worktree/merge", f"/sessions/{removing['id']}/worktree?force=true"):
            method = "POST" if route.endswith("merge") else "DELETE"
            sent = f"{method} /api/v1{route} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
            with running.connect() as connection:
                connection.sendall(sent.encode())
                eventually((tmp_path / "in").exists, what="git is under way")
            running.kill()
            (tmp_path / "in").unlink()
            running.start()
            eventually(
                lambda: [s for s in (merging, removing) if yard.scene.read(s)["worktree"]["deed"]] == [],
                what="the deed is settled",
            )
        running.stop()
        running.env["PATH"] = usual
        running.start()
        assert (remove_path / "notes").is_dir()
        assert yard.merge(merging).json["changed"] is True
        assert yard.remove(removing, force=True).status == 200


# -- merging ------------------------------------------------------------------------------------------


def test_a_conflict_is_aborted_and_names_its_files(yard: Yard) -> None:
    session, path = yard.session()
    commit(path, "main.txt", "theirs\n")
    commit(yard.repository, "main.txt", "ours\n")
    answer = yard.merge(session)
    assert (answer.status, answer.json["details"]) == (409, [{"path": "main.txt"}])
    assert git(yard.repository, "status", "--porcelain") == ""
    assert (yard.repository / "main.txt").read_text() == "ours\n"
    assert yard.scene.read(session)["worktree"]["deed"] is None


def test_what_an_agent_left_is_committed_first_when_that_is_said(scene: Scene, tmp_path: Path) -> None:
    yard = Yard(scene, tmp_path, copyFiles=["local.txt", "keys/one"])
    (yard.repository / "local.txt").write_text("not ignored")
    (yard.repository / "keys").mkdir()
    (yard.repository / "keys" / "one").write_text("secret")
    git(yard.repository, "config", "core.excludesFile", "/dev/null")
    session, path = yard.session()
    untracked(path)
    (path / "main.txt").unlink()
    (path / ":(top)x").write_text("odd")
    (path / "keys" / "list").write_text("new")
    assert yard.merge(session).status == 409
    assert yard.merge(session, commit="x" * 10_001).status == 400
    answer = yard.merge(session, commit="what was left")
    assert (answer.status, answer.json.get("changed")) == (200, True), answer.json
    assert git(yard.repository, "log", "-1", "--format=%s") == "what was left"
    assert set(git(yard.repository, "ls-files", "-z").split("\0")) == {
        *(".gitignore", ":(top)x", "notes/-rf *\n.txt", "keys/list", ""),
    }


def test_what_is_on_another_branch_is_not_committed_on_this_one(yard: Yard) -> None:
    session, path = yard.session()
    git(path, "checkout", "-q", "-b", f"other-{path.name}")
    changed(path)
    answer = yard.merge(session, commit="x")
    assert (answer.status, "is not on" in answer.json["message"]) == (409, True)
    assert git(path, "status", "--porcelain") == " M main.txt"


def test_a_dirty_target_another_branch_or_none_refuse_a_merge(yard: Yard) -> None:
    session, path = yard.session()
    committed(path)
    (yard.repository / "main.txt").write_text("mine\n")
    assert "main.txt" in yard.merge(session).json["message"]
    git(yard.repository, "checkout", "-q", "main.txt")
    git(yard.repository, "checkout", "-q", "-b", "release")
    answer = yard.merge(session)
    assert (answer.status, "--into release" in answer.json["hint"]) == (409, True)
    assert yard.merge(session, into="nosuch").status == 409
    assert yard.merge(session, into="release").json["into"] == "release"
    assert yard.scene.call("POST", f"/sessions/{session['id']}/worktree/merge", {"onto": "x"}).status == 400


def test_without_a_name_for_the_commit_a_merge_says_so(tmp_path: Path) -> None:
    nameless = {name: value for name, value in ENVIRON.items() if "AUTHOR" not in name and "COMMITTER" not in name}
    with daemon(env=UNHURRIED | nameless | {"EMAIL": ""}) as running:
        yard = Yard(Scene(running), tmp_path)
        git(yard.repository, "config", "user.useConfigOnly", "true")
        session, path = yard.session()
        committed(path)
        commit(yard.repository, "other.txt", "x")
        answer = yard.merge(session)
        assert answer.status == 409, answer.json
        assert git(yard.repository, "status", "--porcelain") == ""


# -- where it is --------------------------------------------------------------------------------------


def test_a_project_in_a_subdirectory_and_what_is_where(scene: Scene, tmp_path: Path) -> None:
    yard = Yard(scene, tmp_path, inside="api", copyFiles=["local.env"])
    commit(yard.repository, "api/a.txt", "x")
    (yard.directory / "local.env").write_text("A=1")
    session, path = yard.session()
    assert session["worktree"]["directory"] == "api"
    assert (path / "api" / "local.env").exists()
    assert yard.look(session)["state"] == "unchanged"
    found = scene.ok("GET", f"/projects?workingDir={path}/api")
    assert [project["id"] for project in found] == [yard.project["id"]]


def test_checks_run_where_the_session_works(yard: Yard) -> None:
    task = yard.scene.task(yard.project, checks=["grep -q better main.txt", "pwd"])["id"]
    session, path = yard.session(live=True, taskIds=[task])
    yard.scene.ok("POST", f"/tasks/{task}/checks/run", {"sessionId": session["id"]})
    found = yard.scene.ok("GET", f"/tasks/{task}/checks?wait=30")
    assert [(c["status"], c["directory"]) for c in found["checks"]] == [("failed", str(path)), ("passed", str(path))]
    changed(path)
    yard.scene.ok("POST", f"/tasks/{task}/checks/run", {"sessionId": session["id"]})
    assert yard.scene.ok("GET", f"/tasks/{task}/checks?wait=30")["passed"] is True
    (path / "main.txt").write_text("better still\n")
    done = yard.scene.ok("POST", f"/tasks/{task}/complete", {"sessionId": session["id"]})
    assert done["status"] == "in_review"
    changed(path)
    done = yard.scene.ok("POST", f"/tasks/{task}/complete", {"sessionId": session["id"]})
    assert done["status"] == "completed"


def test_what_an_import_or_a_hand_wrote_leads_to_no_other_folder(yard: Yard) -> None:
    session, _ = yard.session()
    body = {"baseCommit": "a" * 40, "folder": "/etc"}
    assert yard.scene.call("POST", f"/sessions/{session['id']}/worktree", body).status == 400
    for body in ({"baseCommit": "-x"}, {"baseCommit": "a" * 40, "directory": "../.."}, {}):
        fresh = yard.scene.session(yard.project, worktree=True)
        assert yard.scene.call("POST", f"/sessions/{fresh['id']}/worktree", body).status == 400


def test_what_does_not_exist_is_said(yard: Yard) -> None:
    shared = yard.scene.session(yard.project, worktree=False)
    route = f"/sessions/{shared['id']}/worktree"
    assert [yard.scene.call("GET", place).status for place in (route, f"{route}/diff")] == [409, 409]
    assert (yard.remove(shared).status, yard.merge(shared).status) == (409, 409)
    answer = yard.restore("nosuch")
    assert (answer.status, answer.json["code"]) == (404, "TRASH_NOT_FOUND")
    plain = yard.scene.project(workingDir=str(yard.repository.parent))
    assert yard.scene.call("GET", f"/projects/{plain['id']}/trash").status == 409
    assert yard.scene.ok("GET", f"/projects/{plain['id']}/worktrees") == []


def test_what_was_kept_of_a_forgotten_session_comes_back_as_a_branch(yard: Yard) -> None:
    session, path = yard.session()
    untracked(path)
    kept = yard.remove(session, force=True).json["kept"]
    yard.scene.ok("DELETE", f"/sessions/{session['id']}")
    assert yard.trash()[0]["sessionName"] is None
    restored = yard.restore(kept).json
    assert (restored["sessionId"], restored["branch"]) == (None, session["worktree"]["branch"])
    assert "notes/" in git(yard.repository, "ls-tree", "-r", "-z", "--name-only", restored["branch"])
    assert yard.trash() == []
