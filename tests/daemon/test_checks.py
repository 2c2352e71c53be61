"""Checks in a real daemon: real commands in real directories, and what they prove."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.daemon.scene import Json, Scene
from tests.support.daemon import daemon
from tests.support.eventually import eventually

pytestmark = pytest.mark.xdist_group("daemon-checks")

GIT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(folder: Path, *words: str) -> str:
    ran = subprocess.run(["git", *words], cwd=folder, env=GIT, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A directory under git with a file that is known and one that is ignored."""
    git(tmp_path, "init", "-q")
    (tmp_path / "main.txt").write_text("good\n")
    (tmp_path / ".gitignore").write_text("*.log\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


class Bench:
    """A worker at a task with checks in a directory."""

    def __init__(self, scene: Scene, folder: Path, *commands: str) -> None:
        self.scene = scene
        self.folder = folder
        self.project = scene.project(workingDir=str(folder))
        self.task = str(scene.task(self.project, checks=list(commands))["id"])
        self.session = scene.session(self.project)
        scene.ok("POST", f"/sessions/{self.session['id']}/tasks/{self.task}")
        self.headers = scene.launch(self.session)
        scene.ok("POST", f"/tasks/{self.task}/start", {}, headers=self.headers)

    def run(self) -> Json:
        """Run the checks to their end, and look."""
        self.scene.ok("POST", f"/tasks/{self.task}/checks/run", {}, headers=self.headers)
        return self.look(wait=60)

    def look(self, *, wait: int = 0) -> Json:
        return self.scene.made("GET", f"/tasks/{self.task}/checks?wait={wait}")

    def complete(self, **body: object) -> str:
        """The worker says that it is done; how the task stands then."""
        answer: Json = self.scene.ok("POST", f"/tasks/{self.task}/complete", body, headers=self.headers)
        return str(answer["status"])

    def status_after(self, check: str) -> str:
        return next(str(c["status"]) for c in self.look()["checks"] if c["command"] == check)


def test_a_check_runs_in_the_project_s_directory_and_is_recorded(scene: Scene, repository: Path) -> None:
    bench = Bench(scene, repository, "cat main.txt; pwd; echo oops >&2")
    found = bench.run()
    [check] = found["checks"]
    assert (check["status"], check["exitCode"], check["stands"]) == ("passed", 0, True)
    assert check["output"] == f"good\n{repository}\noops\n"
    assert check["commit"] == git(repository, "rev-parse", "HEAD")
    assert check["startedAt"] <= check["endedAt"]
    assert (found["passed"], found["missing"], found["running"]) == (True, [], False)
    assert bench.complete() == "completed"


def test_an_agent_cannot_complete_a_task_whose_check_fails(scene: Scene, repository: Path) -> None:
    bench = Bench(scene, repository, "true", "grep -q better main.txt")
    found = bench.run()
    assert [c["status"] for c in found["checks"]] == ["passed", "failed"]
    assert found["missing"] == [{"command": "grep -q better main.txt", "reason": "failed with exit code 1"}]
    assert bench.complete() == "in_review"
    (repository / "main.txt").write_text("better\n")
    assert bench.complete() == "in_review"
    assert bench.run()["passed"] is True
    assert bench.complete() == "completed"


def test_a_pass_does_not_outlive_a_change_of_the_work(scene: Scene, repository: Path) -> None:
    bench = Bench(scene, repository, "true")
    for change in (
        lambda: (repository / "main.txt").write_text("changed\n"),
        lambda: (repository / "new.txt").write_text("new\n"),
        lambda: (repository / "main.txt").unlink(),
    ):
        assert bench.run()["passed"] is True
        change()
        assert bench.look()["missing"] == [{"command": "true", "reason": "passed before the work changed"}]
        assert bench.complete() == "in_review"


def test_committing_what_was_proven_and_writing_ignored_files_change_nothing(scene: Scene, repository: Path) -> None:
    bench = Bench(scene, repository, "echo run >> made.log; echo x > made-by-the-check.txt")
    (repository / "main.txt").write_text("better\n")
    (repository / "new.txt").write_text("new\n")
    index = (repository / ".git" / "index").read_bytes()
    assert bench.run()["passed"] is True
    assert (repository / ".git" / "index").read_bytes() == index
    (repository / "other.log").write_text("noise")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "second")
    assert bench.look()["passed"] is True
    assert bench.complete() == "completed"


def test_a_check_that_changes_what_is_known_proves_nothing(scene: Scene, repository: Path) -> None:
    bench = Bench(scene, repository, "echo changed > main.txt")
    assert bench.run()["missing"][0]["reason"] == "passed while the work was changing"
    assert bench.run()["passed"] is True


def test_without_git_names_sizes_and_times_decide(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "main.txt").write_text("good\n")
    bench = Bench(scene, tmp_path, "echo made > made.txt")
    assert bench.run()["passed"] is True
    (tmp_path / ".hidden").write_text("x")
    assert bench.look()["passed"] is True
    (tmp_path / "main.txt").write_text("longer than before\n")
    assert bench.look()["missing"][0]["reason"] == "passed before the work changed"


def test_a_directory_that_is_not_there_fails_the_check(scene: Scene, tmp_path: Path) -> None:
    bench = Bench(scene, tmp_path / "gone", "true")
    [check] = bench.run()["checks"]
    assert (check["status"], check["exitCode"]) == ("failed", None)
    assert check["output"].startswith("it could not be started:")


def test_only_the_end_of_a_long_output_is_kept_and_odd_bytes_do_no_harm(scene: Scene, tmp_path: Path) -> None:
    bench = Bench(scene, tmp_path, "head -c 300000 /dev/zero | tr '\\0' x; printf '\\377\\033[31mend'")
    [check] = bench.run()["checks"]
    assert len(check["output"].encode()) <= 4_200
    assert check["output"].endswith("x\ufffd\x1b[31mend")


def test_what_a_check_leaves_running_is_ended_with_it(scene: Scene, tmp_path: Path) -> None:
    bench = Bench(scene, tmp_path, "sleep 600 & echo $! > pid.txt; echo done")
    [check] = bench.run()["checks"]
    assert (check["status"], check["output"]) == ("passed", "done\n")
    eventually(lambda: not alive(int((tmp_path / "pid.txt").read_text())), what="nothing of it runs")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_check_knows_the_session_for_which_it_runs(scene: Scene, tmp_path: Path) -> None:
    bench = Bench(scene, tmp_path, 'echo "$MAESTRO_SESSION_ID $MAESTRO_TASK_IDS"; test -r "$MAESTRO_CREDENTIAL_FILE"')
    [check] = bench.run()["checks"]
    assert check["output"] == f"{bench.session['id']} {bench.task}\n"
    assert (check["status"], check["sessionId"]) == ("passed", bench.session["id"])


def test_a_task_whose_checks_run_says_so_and_a_run_is_asked_for_once(scene: Scene, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    bench = Bench(scene, tmp_path, "cat gate", "true")
    answer = scene.call("POST", f"/tasks/{bench.task}/checks/run", {}, headers=bench.headers)
    assert (answer.status, answer.json["checkProgress"]) == (202, {"passed": 0, "running": 2, "total": 2})
    assert scene.call("POST", f"/tasks/{bench.task}/checks/run", {}, headers=bench.headers).status == 200
    assert bench.look()["running"] is True
    assert bench.complete() == "in_review"
    (tmp_path / "gate").write_text("open\n")
    assert bench.look(wait=60)["passed"] is True
    assert scene.made("GET", f"/tasks/{bench.task}")["checkProgress"] == {"passed": 2, "running": 0, "total": 2}


def test_a_check_that_is_taken_out_while_it_runs_is_killed(scene: Scene, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    bench = Bench(scene, tmp_path, "echo $$ > pid.txt; cat gate; true")
    scene.ok("POST", f"/tasks/{bench.task}/checks/run")
    eventually(lambda: (tmp_path / "pid.txt").exists() and (tmp_path / "pid.txt").read_text(), what="it runs")
    scene.ok("PATCH", f"/tasks/{bench.task}", {"checks": ["true"]})
    eventually(lambda: not alive(int((tmp_path / "pid.txt").read_text())), what="it is gone")
    assert bench.run()["passed"] is True


def test_an_item_of_a_queue_waits_for_its_checks(scene: Scene, tmp_path: Path) -> None:
    project = scene.project(workingDir=str(tmp_path))
    task = scene.task(project, checks=["test -f done"])["id"]
    session = scene.made("POST", "/sessions", {"projectId": project["id"], "taskIds": [task], "strategy": "queue"})
    headers = scene.launch(session)
    queue = f"/sessions/{session['id']}/queue"
    scene.ok("POST", f"{queue}/start", {}, headers=headers)
    answer = scene.ok("POST", f"{queue}/complete", {}, headers=headers)
    assert (answer["task"]["status"], answer["item"]["status"]) == ("in_review", "processing")
    assert "has not been run" in answer["task"]["reviewReason"]
    (tmp_path / "done").write_text("")
    scene.ok("POST", f"/tasks/{task}/checks/run", {}, headers=headers)
    assert scene.ok("GET", f"/tasks/{task}/checks?wait=60")["passed"] is True
    answer = scene.ok("POST", f"{queue}/complete", {}, headers=headers)
    assert (answer["task"]["status"], answer["item"]["status"]) == ("completed", "completed")


def test_a_person_overrides_and_an_agent_may_not(scene: Scene, tmp_path: Path) -> None:
    bench = Bench(scene, tmp_path, "false")
    refused = scene.call("POST", f"/tasks/{bench.task}/complete", {"override": True}, headers=bench.headers)
    assert (refused.status, refused.json["code"]) == (403, "FORBIDDEN")
    assert scene.ok("POST", f"/tasks/{bench.task}/complete", {"override": True})["status"] == "completed"
    entry = scene.ok("GET", f"/tasks/{bench.task}/timeline")[-1]
    assert entry["metadata"] == {"overridden": [{"command": "false", "reason": "has not been run"}]}


def test_evidence_is_shown_with_who_claims_it_and_what_was_found(scene: Scene, repository: Path) -> None:
    bench = Bench(scene, repository, "true")
    head = git(repository, "rev-parse", "--short", "HEAD")
    claimed = [f"commit:{head}", "commit:0000000", "file:main.txt", "file:gone.txt", "url:https://example.org", "seen"]
    bench.complete(evidence=claimed)
    told = [(e["kind"], e["value"], e["sessionId"], e["verified"]) for e in bench.look()["evidence"]]
    me = bench.session["id"]
    assert told == [
        ("commit", head, me, True),
        ("commit", "0000000", me, False),
        ("file", "main.txt", me, True),
        ("file", "gone.txt", me, False),
        ("url", "https://example.org", me, None),
        ("note", "seen", me, None),
    ]


@pytest.mark.parametrize("wait", ["x", "-1", "601", "nan", ""])
def test_a_wait_that_makes_no_sense_is_refused(scene: Scene, wait: str) -> None:
    answer = scene.call("GET", f"/tasks/{scene.task()['id']}/checks?wait={wait}")
    assert (answer.status, answer.json["details"][0]["path"]) == (400, "wait")


def test_a_task_that_is_not_there_has_no_checks(scene: Scene) -> None:
    answer = scene.call("GET", "/tasks/task_1_aaaaaaaaa/checks")
    assert (answer.status, answer.json["code"]) == (404, "TASK_NOT_FOUND")


# -- other daemons --------------------------------------------------------------------------------


@pytest.fixture
def hasty() -> Iterator[Scene]:
    """A daemon that gives a check little time."""
    with daemon(env={"MAESTRO_CHECK_LIMIT_S": "0.3"}) as running:
        yield Scene(running)


def test_a_check_that_takes_too_long_is_killed_and_has_not_passed(hasty: Scene, tmp_path: Path) -> None:
    bench = Bench(hasty, tmp_path, f"exec sleep 86399.{os.getpid()}")
    assert [check["status"] for check in bench.run()["checks"]] == ["timed_out"]
    eventually(lambda: not running_with(f"86399.{os.getpid()}"), what="it is gone")
    assert bench.complete() == "in_review"


def running_with(word: str) -> bool:
    """Whether a process has this word in its command line."""
    return any(word in (p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"]))


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_what_ran_when_the_daemon_ended_has_not_passed(tmp_path: Path, end: str) -> None:
    os.mkfifo(tmp_path / "gate")
    with daemon() as running:
        bench = Bench(Scene(running), tmp_path, "echo $$ > pid.txt; cat gate; true")
        bench.scene.ok("POST", f"/tasks/{bench.task}/checks/run")
        eventually(lambda: (tmp_path / "pid.txt").exists(), what="it runs")
        getattr(running, end)()
        running.start()
        (tmp_path / "gate").unlink()
        eventually(lambda: bench.status_after("echo $$ > pid.txt; cat gate; true") == "interrupted", what="it is told")
        assert bench.complete() == "in_review"
        pid = int((tmp_path / "pid.txt").read_text())
        if end == "kill" and alive(pid):
            os.killpg(pid, 9)
