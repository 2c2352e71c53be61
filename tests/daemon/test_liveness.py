"""Who lives and who is gone: real processes stand for agents."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from maestrod.domain.model import Exit, Pane, Session, SessionStatus
from maestrod.watch import processes
from maestrod.watch.liveness import read_exit
from maestrod.watch.processes import SESSION_VARIABLE, Watched, is_alive, process, signal_all, tree
from tests.daemon.scene import Json, Scene
from tests.support.daemon import daemon
from tests.support.eventually import eventually

pytestmark = pytest.mark.xdist_group("daemon-liveness")

ENV = {"MAESTRO_STOP_GRACE_S": "0.3", "MAESTRO_START_LIMIT_S": "1", "MAESTRO_IDLE_END_S": "0.3"}
SLEEP = ["sleep", "600"]
DEAF = [
    sys.executable,
    "-c",
    "import signal,sys; signal.signal(15, signal.SIG_IGN); print('up', flush=True); signal.pause()",
]

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with daemon(env=ENV) as running:
        yield Scene(running)


@pytest.fixture
def fresh() -> Iterator[Scene]:
    with daemon(env=ENV) as running:
        yield Scene(running)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts processes that are gone at the end of the test."""
    with contextlib.ExitStack() as stack:

        def started(argv: list[str] = SLEEP, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
            running = stack.enter_context(subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True))
            stack.callback(running.kill)
            return running

        yield started


def agent(scene: Scene, running: subprocess.Popen[str], **more: object) -> Json:
    """A session whose agent is this process, at work on a task."""
    session = scene.session(tasks=1)
    scene.ok("POST", f"/tasks/{session['taskIds'][0]}/start", {"sessionId": session["id"]})
    scene.register(session, pid=running.pid, pidStartedAt=started_at(running.pid), **more)
    return session


def started_at(pid: int) -> int:
    return round(psutil.Process(pid).create_time() * 1000)


def ended(scene: Scene, session: Json, timeout: float = 10) -> Json:
    found: Json = scene.ok("GET", f"/sessions/{session['id']}/wait?until=ended&timeout={timeout}")
    return found


def seen(scene: Scene, session: Json) -> str:
    """What the daemon sees of the process, if it has looked already."""
    live = scene.read(session)["live"]
    return str(live["process"]) if live is not None else ""


def leave_word(scene: Scene, session: Json, word: object) -> Path:
    path: Path = scene.daemon.home / "data" / "sessions" / session["id"] / "exit.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(word if isinstance(word, bytes) else json.dumps(word).encode())
    return path


# -- ends -----------------------------------------------------------------------------------------


def test_a_session_whose_agent_is_killed_fails_with_the_reason_and_so_does_its_work(scene: Scene, start: Start) -> None:
    running = start()
    session = agent(scene, running)
    assert scene.read(session)["pane"]["pid"] == running.pid
    eventually(lambda: seen(scene, session) == "alive")
    running.kill()
    running.wait()
    gone = ended(scene, session, timeout=3)
    assert gone["status"] == "failed"
    assert "process is gone" in gone["exit"]["reason"]
    task = scene.ok("GET", f"/tasks/{session['taskIds'][0]}")
    assert task["taskSessionStatuses"] == {session["id"]: "failed"}
    (attempt,) = scene.ok("GET", f"/tasks/{task['id']}/assignments")
    assert attempt["result"].startswith("ended without a report")


def test_a_zombie_is_gone(scene: Scene, start: Start) -> None:
    running = start()
    session = agent(scene, running)
    running.kill()
    assert ended(scene, session)["status"] == "failed"
    running.wait()


@pytest.mark.parametrize(
    ("word", "status", "exit_"),
    [
        ({"code": 3, "signal": None, "reason": "it said no"}, "failed", (3, None, "it said no")),
        ({"code": 0, "signal": None, "reason": ""}, "stopped", (0, None, "")),
        ({"code": None, "signal": 9, "reason": ""}, "failed", (None, 9, "")),
    ],
)
def test_the_word_that_the_supervisor_left_is_believed(
    scene: Scene, start: Start, word: Json, status: str, exit_: tuple[object, ...]
) -> None:
    running = start()
    session = agent(scene, running)
    scene.hook(session, "UserPromptSubmit")
    leave_word(scene, session, word | {"pid": running.pid})
    running.kill()
    running.wait()
    gone = ended(scene, session)
    assert gone["status"] == status
    assert (gone["exit"]["code"], gone["exit"]["signal"], gone["exit"]["reason"]) == exit_


HOSTILE = {
    "another process": b'{"pid":1,"code":0}',
    "a pid that is a list": b'{"pid":[1],"code":0}',
    "no JSON": b"\xff\xfe{",
    "no object": b"[0]",
    "deep": b"[" * 60_000,
    "half": b'{"pid":',
    "empty": b"",
}


@pytest.mark.parametrize("word", HOSTILE.values(), ids=HOSTILE)
def test_a_word_that_cannot_be_read_changes_nothing(scene: Scene, start: Start, word: bytes) -> None:
    running = start()
    session = agent(scene, running)
    leave_word(scene, session, word)
    running.kill()
    running.wait()
    gone = ended(scene, session)
    assert (gone["status"], gone["exit"]["code"]) == ("failed", None)
    assert "process is gone" in gone["exit"]["reason"]


@pytest.mark.parametrize(
    "word",
    [
        {"code": 10**30, "signal": -5, "reason": ["x"]},
        {"code": "0", "signal": True, "reason": "a\x1b[31m\x00\ud800" + "x" * 100_000},
    ],
)
def test_a_hostile_word_still_ends_the_session(scene: Scene, start: Start, word: Json) -> None:
    running = start()
    session = agent(scene, running)
    leave_word(scene, session, word | {"pid": running.pid})
    running.kill()
    running.wait()
    gone = ended(scene, session)
    assert (gone["status"], gone["exit"]["code"], gone["exit"]["signal"]) == ("failed", None, None)
    assert len(gone["exit"]["reason"]) <= 2000


def test_a_living_supervisor_is_given_time_to_tell_the_end(scene: Scene, start: Start) -> None:
    running, supervisor = start(), start()
    session = agent(scene, running, supervisorPid=supervisor.pid)
    running.kill()
    running.wait()
    eventually(lambda: seen(scene, session) == "exited")
    assert scene.read(session)["status"] == "spawning"
    scene.ok("POST", f"/sessions/{session['id']}/exit", {"code": 7, "reason": "told in time"})
    gone = scene.read(session)
    assert (gone["exit"]["code"], gone["exit"]["reason"]) == (7, "told in time")


def test_a_supervisor_that_says_nothing_is_not_waited_for_long(scene: Scene, start: Start) -> None:
    running, supervisor = start(), start()
    session = agent(scene, running, supervisorPid=supervisor.pid)
    running.kill()
    running.wait()
    assert "process is gone" in ended(scene, session)["exit"]["reason"]


def test_a_process_of_the_same_number_and_another_start_is_somebody_else(scene: Scene, start: Start) -> None:
    running = start()
    session = scene.session()
    scene.register(session, pid=running.pid, pidStartedAt=started_at(running.pid) - 60_000)
    assert ended(scene, session)["status"] == "failed"
    assert running.poll() is None


def test_an_agent_is_known_again_when_the_clock_was_set_and_a_stranger_is_not(fresh: Scene, start: Start) -> None:
    """Clocks are not set here: the beginnings that were written down are those of another clock."""
    hers, other = fresh.session(tasks=1), fresh.session(tasks=1)
    agents = [start(env={**os.environ, SESSION_VARIABLE: hers["id"]}) for _ in range(2)]
    for session, running in zip((hers, other), agents, strict=True):
        fresh.register(session, pid=running.pid, pidStartedAt=started_at(running.pid) - 3_600_000)
    assert "process is gone" in ended(fresh, other)["exit"]["reason"]
    eventually(lambda: seen(fresh, hers) == "alive")
    assert fresh.read(hers)["pane"]["pidStartedAt"] == started_at(agents[0].pid)
    fresh.ok("POST", f"/sessions/{hers['id']}/stop", {})
    eventually(lambda: agents[0].poll() is not None)


def test_an_agent_whose_process_nobody_named_is_not_called_dead(scene: Scene, start: Start) -> None:
    silent = scene.session()
    scene.register(silent)
    running = start()
    control = agent(scene, running)
    running.kill()
    running.wait()
    ended(scene, control)
    assert scene.read(silent)["status"] == "spawning"


def test_an_agent_without_any_sign_of_life_needs_a_person_until_it_gives_one(scene: Scene, start: Start) -> None:
    session = agent(scene, start())
    asked = scene.ok("GET", f"/sessions/{session['id']}/wait?until=needs_input&timeout=10")
    assert "no sign of life" in asked["needsInput"]["message"]
    assert asked["status"] == "spawning"
    scene.hook(session, "SessionStart")
    shown = scene.read(session)
    assert (shown["status"], shown["needsInput"]["active"]) == ("idle", False)


# -- ending ---------------------------------------------------------------------------------------


def test_stopping_a_session_ends_its_process(scene: Scene, start: Start) -> None:
    running = start()
    session = agent(scene, running)
    scene.ok("POST", f"/sessions/{session['id']}/stop", {"reason": "enough"})
    assert running.wait(10) == -signal.SIGTERM
    assert scene.read(session)["status"] == "stopped"


def test_a_process_that_does_not_listen_is_killed(scene: Scene, start: Start) -> None:
    running = start(DEAF)
    assert running.stdout is not None
    assert running.stdout.readline() == "up\n"
    session = agent(scene, running)
    scene.ok("POST", f"/sessions/{session['id']}/stop")
    assert running.wait(10) == -signal.SIGKILL


def test_a_completed_session_is_left_to_finish_its_turn_and_then_ended(scene: Scene, start: Start) -> None:
    running = start()
    session = agent(scene, running)
    scene.hook(session, "UserPromptSubmit")
    scene.ok("POST", f"/sessions/{session['id']}/complete", {"note": "done"})
    scene.hook(session, "Stop")
    assert running.wait(10) == -signal.SIGTERM
    assert scene.read(session)["status"] == "completed"


def test_a_process_whose_start_nobody_knows_is_never_signalled(scene: Scene, start: Start) -> None:
    stranger, control = start(), start()
    session = scene.session()
    scene.register(session, pid=stranger.pid)
    other = agent(scene, control)
    for each in (session, other):
        scene.ok("POST", f"/sessions/{each['id']}/stop")
    assert control.wait(10) == -signal.SIGTERM
    assert stranger.poll() is None


# -- restarts -------------------------------------------------------------------------------------


def test_a_restart_finds_the_living_alive_and_the_dead_dead(fresh: Scene, start: Start) -> None:
    lives, dies, speaks = start(), start(), start()
    living, dead, told = agent(fresh, lives), agent(fresh, dies), agent(fresh, speaks)
    for session in (living, dead, told):
        fresh.hook(session, "UserPromptSubmit")
    asking = agent(fresh, start())
    fresh.hook(asking, "PermissionRequest", {"tool_name": "Bash", "tool_input": {"command": "rm x"}})
    fresh.daemon.kill()
    for running in (dies, speaks):
        running.kill()
        running.wait()
    leave_word(fresh, told, {"pid": speaks.pid, "code": 4, "signal": None, "reason": "quit meanwhile"})
    fresh.daemon.start()
    shown = fresh.read(living)
    assert (shown["status"], shown["live"]["process"], shown["live"]["state"]) == ("working", "alive", "working")
    gone = fresh.read(dead)
    assert gone["status"] == "failed"
    assert "while the daemon was away" in gone["exit"]["reason"]
    assert fresh.read(told)["exit"]["reason"] == "quit meanwhile"
    assert fresh.read(asking)["needsInput"]["message"] == "Bash: rm x"
    assert fresh.ok("GET", f"/sessions/{living['id']}/explain")["verdict"]["doing"] == "working"
    fresh.hook(living, "Stop")
    assert fresh.read(living)["status"] == "idle"


def test_an_agent_is_known_again_after_a_restart_though_the_clock_was_set_meanwhile(fresh: Scene, start: Start) -> None:
    session = fresh.session(tasks=1)
    running = start(env={**os.environ, SESSION_VARIABLE: session["id"]})
    fresh.register(session, pid=running.pid, pidStartedAt=1_000)
    fresh.daemon.kill()
    fresh.daemon.start()
    shown = fresh.read(session)
    assert (shown["exit"], shown["pane"]["pidStartedAt"]) == (None, started_at(running.pid))


def test_a_hook_that_was_on_its_way_during_the_restart_is_newer_than_what_was_known(fresh: Scene, start: Start) -> None:
    """A turn ended while nobody listened: its hook waited for the next daemon."""
    session = agent(fresh, start())
    fresh.hook(session, "UserPromptSubmit")
    at = time.time_ns() // 1_000_000 + 1
    fresh.daemon.kill()
    fresh.daemon.start()
    assert fresh.read(session)["status"] == "working"
    fresh.hook(session, "Stop", at=at)
    assert fresh.read(session)["status"] == "idle"


def test_a_session_at_rest_with_all_reported_is_completed_after_a_restart_too(fresh: Scene, start: Start) -> None:
    session = agent(fresh, start())
    task = session["taskIds"][0]
    fresh.hook(session, "UserPromptSubmit")
    fresh.ok("POST", f"/tasks/{task}/complete", {"sessionId": session["id"]})
    fresh.hook(session, "Stop")
    fresh.daemon.kill()
    fresh.daemon.start()
    assert ended(fresh, session)["status"] == "completed"


def test_a_session_from_before_the_machine_was_restarted_is_stopped(fresh: Scene, start: Start) -> None:
    session = fresh.session(tasks=1)
    supervisor = start()
    fresh.register(session, pid=2**22 - 1, pidStartedAt=1_000, supervisorPid=supervisor.pid)
    fresh.daemon.kill()
    fresh.daemon.start()
    shown = fresh.read(session)
    assert shown["status"] == "stopped"
    timeline = fresh.ok("GET", f"/sessions/{session['id']}/timeline")
    assert "machine was restarted" in timeline[-1]["message"]


def test_a_session_that_was_called_dead_and_lives_is_taken_back(fresh: Scene, start: Start) -> None:
    running = start()
    session = fresh.session(tasks=1)
    fresh.register(session, pid=running.pid)
    fresh.ok("POST", f"/sessions/{session['id']}/exit", {"reason": "lost sight of it"})
    assert fresh.read(session)["status"] == "failed"
    fresh.daemon.kill()
    fresh.daemon.start()
    back = fresh.read(session)
    assert (back["status"], back["exit"]) == ("working", None)
    attempts = fresh.ok("GET", f"/tasks/{session['taskIds'][0]}/assignments")
    assert [attempt["status"] for attempt in attempts] == ["failed", "queued"]


def test_agents_of_ended_sessions_are_ended_by_the_next_daemon(fresh: Scene, start: Start) -> None:
    running = start(DEAF)
    assert running.stdout is not None
    running.stdout.readline()
    session = agent(fresh, running)
    fresh.ok("POST", f"/sessions/{session['id']}/stop")
    fresh.daemon.kill()
    fresh.daemon.start()
    assert running.wait(10) == -signal.SIGKILL


# -- the parts ------------------------------------------------------------------------------------


def test_a_process_is_known_by_its_number_and_its_start(start: Start) -> None:
    running = start()
    begun = started_at(running.pid)
    assert is_alive(running.pid, begun)
    assert is_alive(running.pid, begun + 1_000)
    assert not is_alive(running.pid, begun + 5_000)
    assert not is_alive(None, None)
    running.kill()
    eventually(lambda: not is_alive(running.pid, begun))
    running.wait()
    assert process(running.pid, begun) is None


def descriptors() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_processes_are_watched_until_they_end_or_nobody_asks(start: Start) -> None:
    first, second = start(), start()
    one, other = (first.pid, started_at(first.pid)), (second.pid, started_at(second.pid))
    stranger = (second.pid, started_at(second.pid) + 5_000)
    before, watched = descriptors(), Watched()
    assert watched.alive({one, other, stranger}) == {one, other}
    assert watched.alive({one, other}) == {one, other}
    assert descriptors() == before + 2
    first.kill()
    eventually(lambda: watched.alive({one, other}) == {other})
    first.wait()
    assert watched.alive({one}) == set()
    assert descriptors() == before
    assert watched.alive({other}) == {other}
    watched.close()
    assert descriptors() == before


def test_more_processes_than_are_held_are_looked_at_one_by_one(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "HELD", 1)
    running = [start(), start()]
    both = {(each.pid, started_at(each.pid)) for each in running}
    before, watched = descriptors(), Watched()
    assert watched.alive(both) == both
    assert watched.alive(both) == both
    assert descriptors() == before + 1
    for each in running:
        each.kill()
    eventually(lambda: watched.alive(both) == set())
    watched.close()


def test_a_number_that_is_no_process_is_not_alive() -> None:
    watched = Watched()
    assert watched.alive({(0, None), (-1, None), (1 << 40, None), (1 << 80, 5)}) == set()
    watched.close()


def test_a_family_is_signalled_children_first_and_never_ourselves(start: Start) -> None:
    script = "sleep 600 & echo up; wait"
    running = start(["sh", "-c", script])
    assert running.stdout is not None
    running.stdout.readline()
    family = tree(psutil.Process(running.pid))
    assert [each.pid for each in family][-1] == running.pid
    assert len(family) == 2
    signal_all([psutil.Process(os.getpid()), *family], signal.SIGKILL)
    running.wait(10)
    eventually(lambda: not any(is_alive(each.pid, None) for each in family))
    signal_all(family, signal.SIGKILL)


@pytest.mark.parametrize(
    ("words", "shell"),
    [
        (["sh"], True),
        (["bash", "--norc", "-i"], True),
        (["bash", "-l"], True),
        (["sh", "-c", "read x; :"], False),
        (["sh", "/dev/fd/0"], False),
        (["cat"], False),
    ],
)
def test_a_shell_that_waits_for_a_person_is_told_from_one_with_work(words: list[str], shell: bool) -> None:
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        eventually(lambda: psutil.Process(running.pid).cmdline() == words)
        assert processes.is_shell(running.pid) is shell
    assert not processes.is_shell(running.pid)


def test_a_process_is_found_by_its_sessions_name_unless_it_is_younger_or_ours() -> None:
    session = f"sess_{os.getpid()}_x"
    env = {**os.environ, processes.SESSION_VARIABLE: session}
    before = processes.uptime_s()
    eventually(lambda: processes.uptime_s() > before + 0.02, what="a tick of the clock that tells beginnings")
    orphan = subprocess.run(
        ["sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $!"], env=env, capture_output=True, text=True, check=True
    )
    left = psutil.Process(int(orphan.stdout))
    with subprocess.Popen(SLEEP, env=env) as child:
        eventually(lambda: psutil.Process(child.pid).environ().get(processes.SESSION_VARIABLE) == session)
        assert processes.of_session(session, before=processes.uptime_s()) == [left]
        assert processes.of_session(session, before=before) == []
        child.kill()
    assert processes.living([left]) == [left]
    left.kill()
    eventually(lambda: processes.living([left]) == [])


def test_who_has_no_terminal_is_known_to_have_none() -> None:
    ours, theirs = os.openpty()
    with subprocess.Popen(SLEEP, start_new_session=True) as without:
        assert not processes.Look(without.pid).has_terminal
        without.kill()
    script = (
        "import fcntl,signal,termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); print('up', flush=True); signal.pause()"
    )
    argv = [sys.executable, "-c", script]
    with subprocess.Popen(argv, stdin=theirs, stdout=subprocess.PIPE, start_new_session=True) as within:
        assert within.stdout is not None
        within.stdout.readline()
        assert processes.Look(within.pid).has_terminal
        assert processes.Look(within.pid).is_in_front
        within.kill()
    os.close(ours)
    os.close(theirs)
    assert processes.Look(1 << 30).has_terminal
    assert processes.Look(1 << 30).is_in_front


def test_no_word_and_no_pane_are_no_end(tmp_path: Path) -> None:
    session = Session(id="sess_1", project_id="proj_1", name="s", status=SessionStatus.FAILED, exit=Exit())
    assert read_exit(tmp_path / "exit.json", session) is None
    (tmp_path / "exit.json").write_text('{"code":0}')
    assert read_exit(tmp_path / "exit.json", session) is None
    registered = Session(id="sess_1", project_id="proj_1", name="s", pane=Pane(socket="x", pid=5))
    told = read_exit(tmp_path / "exit.json", registered)
    assert told is not None
    assert told.code == 0
