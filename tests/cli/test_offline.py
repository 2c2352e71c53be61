"""What sessions say and ask while the daemon is away: kept, in order, each once; answered from the manifest."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maestro_cli import spool
from tests.cli.program import Maestro, Said
from tests.cli.raw_server import RawServer
from tests.cli.seat import Seat
from tests.support.daemon import Daemon, daemon
from tests.support.eventually import eventually

GONE = "sub_1700000000000_abcdefghi"


@pytest.fixture
def own() -> Iterator[Daemon]:
    """A daemon that goes away and comes back."""
    with daemon() as running:
        yield running


@pytest.fixture
def person(own: Daemon, tmp_path: Path) -> Maestro:
    command = Maestro(own.home, cwd=tmp_path, env={"MAESTRO_NO_AUTOSTART": "1"})
    command.ok("project", "create", "Works", "--dir", str(tmp_path))
    return command


@pytest.fixture
def seat(own: Daemon, person: Maestro, tmp_path: Path) -> Seat:
    return Seat(own, tmp_path, person.id("task", "create", "Fix it"), person.id("task", "create", "Test it"))


def queued(said: Said) -> dict[str, Any]:
    data = said.data
    assert isinstance(data, dict)
    assert data["queued"] is True
    return data


def test_a_whole_task_is_done_while_the_daemon_is_away(own: Daemon, seat: Seat, person: Maestro) -> None:
    other = Seat(own, seat.maestro.cwd, person.id("task", "create", "Review it"))
    own.stop()
    for words in (("task", "start", seat.task), ("report", "progress", "half way", "--task", seat.task)):
        queued(seat.maestro(*words, "--json"))
    step = queued(seat.maestro("subtask", "create", seat.task, "reproduce it", "--json"))["id"]
    queued(seat.maestro("subtask", "complete", step, "--json"))
    child = queued(seat.maestro("task", "create", "Follow up", "--parent", seat.task, "--json"))["id"]
    queued(seat.maestro("subtask", "create", child, "later", "--json"))
    queued(seat.maestro("task", "docs", "add", seat.task, "Findings", "--content", "it was DNS", "--json"))
    queued(seat.maestro("mail", "send", other.session, "please look", "--json"))
    said = seat.maestro("task", "complete", seat.task, "--note", "done")
    assert (said.code, said.out.startswith("queued: the daemon is away"), said.err) == (0, True, "")

    own.start()
    said = seat.maestro("task", "get", seat.task, "--json")

    assert (said.code, said.data["status"]) == (0, "completed")  # type: ignore[index]
    assert said.err == "maestro: 9 of what was queued is applied\n"
    assert seat.waiting() == seat.refused() == []
    checklist: Any = own.ok("GET", f"/tasks/{seat.task}/subtasks")
    [kept] = checklist
    assert (kept["id"], kept["completed"]) == (step, True)
    assert [t["title"] for t in own.ok("GET", f"/tasks/{child}/subtasks")] == ["later"]  # type: ignore[attr-defined]
    mails: Any = own.ok("GET", f"/mail/inbox/{other.session}")
    [mail] = mails["data"] if isinstance(mails, dict) else mails
    assert mail["fromSessionId"] == seat.session


def test_conflicts_are_kept_and_shown_and_dropped_only_aside(own: Daemon, seat: Seat) -> None:
    own.stop()
    for words in (("subtask", "complete", GONE), ("task", "start", seat.task), ("subtask", "delete", GONE)):
        queued(seat.maestro(*words, "--json"))
    listed: Any = seat.maestro.ok("spool", "list")
    assert [row["state"] for row in listed] == ["waiting"] * 3
    own.start()
    said = seat.maestro("spool", "flush")
    assert (said.code, said.out.splitlines()[0]) == (0, "1 applied, 2 refused")

    listed = seat.maestro.ok("spool", "list")
    assert [(row["state"], row["command"], row["error"]) for row in listed] == [
        ("refused", "subtask complete", "subtask_not_found"),
        ("refused", "subtask delete", "subtask_not_found"),
    ]
    assert GONE in listed[0]["message"]
    assert "refused" in seat.maestro("spool", "list").out

    moved: Any = seat.maestro.ok("spool", "drop", listed[0]["id"][-8:])
    [dropped] = moved
    assert Path(dropped["path"]).exists()
    assert [row["id"] for row in seat.maestro.ok("spool", "list")] == [listed[1]["id"]]  # type: ignore[attr-defined]
    place = Path(dropped["path"])
    place.rename(seat.spool / place.name)
    assert [row["state"] for row in seat.maestro.ok("spool", "list")] == ["waiting", "refused"]  # type: ignore[attr-defined]
    assert len(seat.maestro.ok("spool", "drop", "--all")) == 2  # type: ignore[arg-type]
    assert seat.maestro("spool", "list").out == "nothing waits, and nothing was refused\n"


def test_a_person_sends_what_all_sessions_said_with_their_own_rights(own: Daemon, seat: Seat, person: Maestro) -> None:
    other = Seat(own, seat.maestro.cwd, person.id("task", "create", "Review it"))
    own.stop()
    queued(seat.maestro("report", "progress", "one", "--task", seat.task, "--json"))
    queued(other.maestro("report", "progress", "two", "--json"))
    queued(other.maestro("task", "complete", seat.task, "--json"))
    assert person("spool", "flush", "--json").error == "daemon_unreachable"
    own.start()
    assert [row["sessionId"] for row in person.ok("spool", "list")] == [  # type: ignore[attr-defined]
        seat.session,
        other.session,
        other.session,
    ]
    flushed: Any = person.ok("spool", "flush")
    assert flushed["applied"] == 2
    assert [row["error"] for row in flushed["refused"]] == ["forbidden"]
    assert (seat.progress(), other.progress(), seat.status()) == (["one"], ["two"], "todo")
    assert len(person.ok("spool", "drop", "--refused", "--session", other.session[-9:])) == 1  # type: ignore[arg-type]


def test_what_cannot_be_sent_with_its_rights_waits_and_says_so(own: Daemon, seat: Seat, person: Maestro) -> None:
    own.stop()
    queued(seat.maestro("report", "progress", "one", "--task", seat.task, "--json"))
    own.start()
    credential = seat.credential.read_text()
    seat.credential.write_text("somebody-elses")
    assert person("spool", "flush", "--json").error == "unauthorized"
    assert seat.maestro("report", "progress", "two", "--task", seat.task, "--json").error == "unauthorized"
    assert len(seat.waiting()) == 1
    seat.credential.write_text(credential)
    assert seat.maestro("whoami").code == 0
    assert seat.progress() == ["one"]


def test_what_is_said_later_is_not_heard_first(own: Daemon, seat: Seat) -> None:
    own.stop()
    for n in range(3):
        queued(seat.maestro("report", "progress", f"n{n}", "--task", seat.task, "--json"))
    own.start()
    assert "queued" not in seat.maestro.ok("report", "progress", "n3", "--task", seat.task)  # type: ignore[operator]
    assert seat.progress() == ["n0", "n1", "n2", "n3"]


def test_the_second_call_does_not_wait_for_the_daemon_again(own: Daemon, seat: Seat) -> None:
    own.stop()
    queued(seat.maestro("report", "progress", "n", "--task", seat.task, "--json"))
    began = time.monotonic()
    queued(seat.maestro("report", "progress", "n", "--task", seat.task, "--json"))
    assert time.monotonic() - began < 1.5


def test_whoami_and_status_tell_what_waits_and_what_was_refused(own: Daemon, seat: Seat, person: Maestro) -> None:
    own.stop()
    queued(seat.maestro("subtask", "complete", GONE, "--json"))
    queued(seat.maestro("report", "progress", "n", "--task", seat.task, "--json"))
    own.start()
    assert person("status").out.endswith("\nqueued calls: 2 wait for the daemon: `maestro spool list`\n")
    assert seat.maestro("whoami").out.endswith("\nqueued calls: 1 refused: `maestro spool list`\n")
    person.ok("spool", "drop", "--all")
    assert "queued calls" not in person("status").out


def test_people_get_no_queue(own: Daemon, person: Maestro) -> None:
    task = person.id("task", "create", "x")
    own.stop()
    assert person("task", "complete", task, "--json", env={"MAESTRO_TIMEOUT": "0.2"}).error == "daemon_unreachable"
    assert not (own.home / "spool").exists()


def test_a_daemon_that_does_not_start_is_one_that_is_away(own: Daemon, seat: Seat) -> None:
    own.stop()
    (own.home / "config").mkdir(exist_ok=True)
    (own.home / "config" / "config.toml").write_text("this is no TOML")
    queued(seat.maestro("report", "progress", "n", "--task", seat.task, "--json", env={"MAESTRO_NO_AUTOSTART": ""}))
    (own.home / "config" / "config.toml").unlink()
    seat.maestro.ok("whoami", env={"MAESTRO_NO_AUTOSTART": ""})
    try:
        assert seat.progress() == ["n"]
    finally:
        Maestro(own.home)("daemon", "stop")


def test_a_spool_that_cannot_be_written_is_said_beside_the_first_trouble(own: Daemon, seat: Seat) -> None:
    own.stop()
    (own.home / "spool").write_text("in the way")
    said = seat.maestro("report", "progress", "n", "--task", seat.task, "--json", env={"MAESTRO_TIMEOUT": "0.2"})
    assert said.error == "daemon_unreachable"
    assert "could not be kept either" in str(said.document["suggestion"])


def test_a_folder_that_cannot_be_written_keeps_nothing_and_stops_no_live_call(own: Daemon, seat: Seat) -> None:
    own.stop()
    queued(seat.maestro("report", "progress", "n0", "--task", seat.task, "--json"))
    read_only = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*read_only, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no user namespaces here")
    mount = f"mount --bind {seat.spool} {seat.spool} && mount -o remount,ro,bind {seat.spool} && "
    call = f"{sys.executable} -m maestro_cli report progress n1 --task {seat.task} --json"
    env = {**seat.maestro.env, "MAESTRO_TIMEOUT": "0.5"}
    ran = subprocess.run([*read_only, mount + call], env=env, capture_output=True, text=True, check=False, timeout=50)
    assert (ran.returncode, json.loads(ran.stdout)["error"]) == (5, "daemon_unreachable"), ran
    assert "Read-only" in json.loads(ran.stdout)["suggestion"]
    own.start()
    ran = subprocess.run([*read_only, mount + call], env=env, capture_output=True, text=True, check=False, timeout=50)
    assert ran.returncode == 0, ran
    assert seat.maestro("spool", "flush").code == 0
    assert sorted(seat.progress()) == ["n0", "n1"]


# -- what is asked ----------------------------------------------------------------------------------------------------


def test_what_it_asks_about_itself_is_answered_from_the_manifest(own: Daemon, seat: Seat) -> None:
    own.stop()
    quick = {"MAESTRO_TIMEOUT": "1"}
    said = seat.maestro("whoami", "--json", env=quick)
    assert (said.document["offline"], said.data["actor"]["id"]) == (True, seat.session)  # type: ignore[index]
    assert said.data["offline"] is True  # type: ignore[index]
    assert said.err.startswith("offline: the daemon is away")
    assert seat.maestro("task", "get", "fix-it", env=quick).out.startswith("Fix it\n")
    said = seat.maestro("task", "list", "--json", env=quick)
    assert [task["id"] for task in said.data] == [seat.tasks[0], seat.tasks[1]]  # type: ignore[attr-defined]
    assert said.document["offline"] is True
    assert seat.maestro.ok("task", "list", "--search", "test", "--status", "done", env=quick) == []
    assert "Test it" in seat.maestro("prime", env=quick).out
    assert seat.maestro("prime", "--json", env=quick).document["offline"] is True
    assert seat.maestro("subtask", "list", seat.task, env=quick).out == "no subtasks\n"
    for words in (("queue", "list"), ("task", "list", "--ready"), ("task", "get", "another"), ("session", "list")):
        assert seat.maestro(*words, "--json", env=quick).error == "daemon_unreachable"
    queued(seat.maestro("task", "start", seat.task, "--json", env=quick))
    assert "1 of your calls wait" in seat.maestro("whoami", env=quick).err


def test_a_queue_is_told_as_it_was(own: Daemon, person: Maestro, tmp_path: Path) -> None:
    tasks = [person.id("task", "create", f"Task {n}") for n in range(2)]
    seat = Seat(own, tmp_path, *tasks, strategy="queue")
    own.stop()
    quick = {"MAESTRO_TIMEOUT": "1"}
    assert [item["taskId"] for item in seat.maestro.ok("queue", "list", env=quick)] == tasks  # type: ignore[attr-defined]
    top: Any = seat.maestro.ok("queue", "top", env=quick)
    assert (top["task"]["id"], top["next"]["taskId"], top["offline"]) == (tasks[0], tasks[1], True)
    assert "Task 1" in seat.maestro("queue", "status", env=quick).out
    assert seat.maestro("queue", "start", "--json", env=quick).error == "daemon_unreachable"


# -- many, and the worst moments --------------------------------------------------------------------------------------

AGENT = """\
import json, os, sys
from maestro_cli import fast
def say(*words):
    read, write = os.pipe()
    kept = os.dup(1)
    os.dup2(write, 1); os.close(write)
    code = fast.main([*words, "--json"], os.environ)
    sys.stdout.flush()
    os.dup2(kept, 1); os.close(kept)
    said = json.loads(os.read(read, 65536)); os.close(read)
    assert code == 0 and said["data"]["queued"] is True, said
    return said["data"]
task, friend, gone = sys.argv[1:]
say("task", "start", task)
for n in range(31):
    say("report", "progress", f"n{n}", "--task", task)
    step = say("subtask", "create", task, f"step {n}")["id"]
    say("subtask", "complete", step)
    if n % 16 == 7:
        say("subtask", "complete", gone)
for n in range(3):
    say("mail", "send", friend, f"mail {n}")
say("task", "complete", task)
print("all said", flush=True)
"""


@pytest.mark.unmeasured
def test_ten_processes_say_a_thousand_things_and_twenty_are_refused(
    own: Daemon, person: Maestro, tmp_path: Path
) -> None:
    seats = [Seat(own, tmp_path, person.id("task", "create", f"Task {n}")) for n in range(10)]
    friend = Seat(own, tmp_path, person.id("task", "create", "Friend"))
    own.stop()
    running = [
        subprocess.Popen(
            [sys.executable, "-c", AGENT, seat.task, friend.session, GONE],
            env=seat.maestro.env | {"MAESTRO_TIMEOUT": "5"},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seat in seats
    ]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out) == (0, "all said\n"), err
    assert sum(len(seat.waiting()) for seat in seats) == 1_000

    own.start()
    with_hooks, by_calls = seats[:5], seats[5:]
    for seat in with_hooks:
        eventually(lambda seat=seat: (seat.hook("Stop"), not seat.waiting())[1], what="hooks sent all")  # type: ignore[misc]
    for seat in by_calls[:3]:
        assert seat.maestro("whoami").code == 0
    assert person("spool", "flush").code == 0

    listed: Any = person.ok("spool", "list")
    assert [(row["state"], row["command"]) for row in listed] == [("refused", "subtask complete")] * 20
    for seat in seats:
        assert len(seat.refused()) == 2
        assert seat.progress() == [f"n{n}" for n in range(31)]
        steps: Any = own.ok("GET", f"/tasks/{seat.task}/subtasks")
        rows = steps["data"] if isinstance(steps, dict) else steps
        assert [(s["title"], s["completed"]) for s in rows] == [(f"step {n}", True) for n in range(31)]
        assert seat.status() == "completed"
    mails: Any = own.ok("GET", f"/mail/inbox/{friend.session}?limit=1000")
    rows = mails["data"] if isinstance(mails, dict) else mails
    by = [(mail["fromSessionId"], mail["subject"]) for mail in rows]
    assert sorted(by) == sorted((seat.session, f"mail {n}") for seat in seats for n in range(3))


@pytest.mark.unmeasured
def test_whoever_is_killed_in_the_middle_of_saying_loses_nothing_that_was_answered(own: Daemon, seat: Seat) -> None:
    own.stop()
    loop = 'n=0; while :; do maestro report progress "n$n" --task "$T" >/dev/null && echo "$n"; n=$((n+1)); done'
    answered: list[str] = []
    for _ in range(4):
        env = {**seat.maestro.env, "T": seat.task, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        with subprocess.Popen(
            ["sh", "-c", loop], env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as p:
            assert p.stdout is not None
            answered += [p.stdout.readline().strip() for _ in range(3)]
            os.killpg(p.pid, signal.SIGKILL)
            answered += p.stdout.read().split()
    own.start()
    assert seat.maestro("spool", "flush").code == 0
    heard = [said.removeprefix("n") for said in seat.progress()]
    assert [n for n in answered if n not in heard] == []
    places = [heard.count(n) - answered.count(n) for n in set(heard)]
    assert all(extra in (0, 1) for extra in places)  # one that was killed between the disk and its answer
    assert seat.refused() == []


@pytest.mark.unmeasured
def test_whoever_is_killed_in_the_middle_of_sending_leaves_nothing_out_and_says_nothing_twice(
    own: Daemon, seat: Seat
) -> None:
    own.stop()
    said = []
    for n in range(60):
        queued(seat.maestro("report", "progress", f"n{n}", "--task", seat.task, "--json"))
        said.append(f"n{n}")
        if n % 20 == 10:
            queued(seat.maestro("subtask", "complete", GONE, "--json"))
    own.start()
    for killed_at in (55, 40, 25, 10):
        with seat.maestro.started("spool", "flush") as process:
            eventually(lambda at=killed_at: len(seat.waiting()) < at or process.poll() is not None, every=0.001)  # type: ignore[misc]
            process.kill()
    assert seat.maestro("spool", "flush").code == 0
    assert seat.progress() == said
    assert len(seat.refused()) == 3
    assert seat.waiting() == []


DYING = """\
import os, sys
left = [int(os.environ.get("DIES_AT", "0"))]
WATCHED = {"open", "os.rename", "os.remove", "os.mkdir", "os.scandir", "os.listdir", "fcntl.flock", "socket.connect"}
def step(event, args):
    if event in WATCHED and (event in {"fcntl.flock", "socket.connect"} or "/spool" in str(args[:2])):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), 9)
sys.addaudithook(step)
if left[0]:
    write, fsync = os.write, os.fsync
    def half(descriptor, raw):
        left[0] -= 1
        if left[0] == 0:
            write(descriptor, raw[: len(raw) // 2])
            os.kill(os.getpid(), 9)
        return write(descriptor, raw)
    def sync(descriptor):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), 9)
        return fsync(descriptor)
    os.write, os.fsync = half, sync
"""
"""Kills a Python that finds this as its `sitecustomize` before so many steps with the spool, or amid one."""
STEPS = 200


def dying(seat: Seat, tmp_path: Path) -> Maestro:
    (tmp_path / "dying").mkdir()
    (tmp_path / "dying" / "sitecustomize.py").write_text(DYING)
    return Maestro(seat.daemon.home, cwd=tmp_path, env={**seat.maestro.env, "PYTHONPATH": str(tmp_path / "dying")})


@pytest.mark.unmeasured
def test_a_kill_before_any_step_of_keeping_leaves_all_or_nothing(own: Daemon, seat: Seat, tmp_path: Path) -> None:
    mortal = dying(seat, tmp_path)
    own.stop()
    here: list[str] = []
    for number in range(1, STEPS):
        before = len(seat.waiting())
        words = ("report", "progress", f"n{number}", "--task", seat.task, "--json")
        said = mortal(*words, env={"DIES_AT": str(number), "MAESTRO_TIMEOUT": "0.2"})
        assert said.code in (0, -signal.SIGKILL)
        more = len(seat.waiting()) - before
        assert more in ((1,) if said.code == 0 else (0, 1))
        here += [f"n{number}"] * more
        if said.code == 0:
            break
    else:
        pytest.fail("it never lived to the end")
    assert number > 10
    own.start()
    assert seat.maestro("spool", "flush").code == 0
    assert seat.progress() == here
    assert [file.name for file in seat.spool.iterdir() if file.name.startswith(".0")] == []
    assert seat.refused() == []


def test_what_was_heard_and_not_answered_is_not_heard_again(own: Daemon, seat: Seat, tmp_path: Path) -> None:
    """The daemon does it, and whoever asks never learns of that."""

    def swallow(_: socket.socket, request: bytes) -> None:
        own.raw(request)

    with RawServer(own.home / "deaf.sock", [swallow]) as deaf:
        env = {"MAESTRO_SERVER": f"unix:{own.home / 'deaf.sock'}", "MAESTRO_TIMEOUT": "1"}
        queued(seat.maestro("report", "progress", "once", "--task", seat.task, "--json", env=env))
        made = queued(seat.maestro("subtask", "create", seat.task, "step", "--json", env=env))["id"]
        assert deaf.asked
    assert seat.progress() == ["once"]
    assert seat.maestro("spool", "flush").code == 0
    assert seat.progress() == ["once"]
    steps: Any = own.ok("GET", f"/tasks/{seat.task}/subtasks")
    assert [step["id"] for step in steps] == [made]
    assert seat.refused() == []


@pytest.mark.long
@pytest.mark.unmeasured
def test_a_kill_before_any_step_of_sending_changes_nothing_in_the_end(own: Daemon, seat: Seat, tmp_path: Path) -> None:
    mortal = dying(seat, tmp_path)
    away = {"MAESTRO_TIMEOUT": "0.1", "MAESTRO_SERVER": f"unix:{tmp_path}/none.sock"}
    for number in range(1, STEPS):
        for words in (("report", "progress", f"a{number}"), ("subtask", "complete", GONE), ("report", "progress", "b")):
            more = ("--task", seat.task) if words[0] == "report" else ()
            queued(seat.maestro(*words, *more, "--json", env=away))
        ended = mortal("spool", "flush", env={"DIES_AT": str(number)}).code
        assert ended in (0, -signal.SIGKILL)
        assert seat.maestro("spool", "flush").code == 0
        assert seat.progress()[-2:] == [f"a{number}", "b"]
        assert len(seat.progress()) == 2 * number
        assert len(seat.refused()) == number
        assert seat.waiting() == []
        if ended == 0:
            break
    else:
        pytest.fail("it never lived to the end")
    assert number > 15


@pytest.mark.unmeasured
def test_too_many_calls_are_not_kept_and_it_is_said_why(own: Daemon, seat: Seat) -> None:
    own.stop()
    quick = {"MAESTRO_TIMEOUT": "1"}
    queued(seat.maestro("report", "progress", "n", "--task", seat.task, "--json", env=quick))
    [first] = seat.waiting()
    for number in range(spool.CALLS_LIMIT):
        (seat.spool / f"{number:016d}-x.json").write_bytes(first.read_bytes())
    said = seat.maestro("report", "progress", "n", "--task", seat.task, "--json", env=quick)
    assert (said.code, said.error) == (5, "daemon_unreachable")
    assert "too much waits already" in str(said.document["suggestion"])
    long = "x" * (spool.CALL_LIMIT + 1)
    for file in seat.waiting():
        file.unlink()
    said = seat.maestro(
        "task", "docs", "add", seat.task, "D", "--content", "-", "--json", env=quick, stdin=long.encode()
    )
    assert "too large to be kept" in str(said.document["suggestion"])


@pytest.mark.unmeasured
def test_a_daemon_that_is_killed_while_it_is_sent_to_gets_the_rest_later(own: Daemon, seat: Seat) -> None:
    own.stop()
    said = [f"n{n}" for n in range(60)]
    for one in said:
        queued(seat.maestro("report", "progress", one, "--task", seat.task, "--json"))
    own.start()
    with seat.maestro.started("spool", "flush", env={"MAESTRO_TIMEOUT": "1"}) as process:
        eventually(lambda: len(seat.waiting()) < 40 or process.poll() is not None, every=0.001)
        own.kill()
        process.wait(30)
    own.start()
    assert seat.maestro("spool", "flush").code == 0
    assert seat.progress() == said
