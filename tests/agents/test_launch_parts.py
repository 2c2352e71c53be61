"""What a launch is put together from: the pane's variables, the program's place, files."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from maestro_cli import supervisor
from maestro_cli.arrival import Watch
from maestro_cli.pane_environment import VALUE_LIMIT, caller_environment, own_environment
from maestro_cli.program import path_folder, program, stand_in, write
from maestrod.domain.model import Role, Strategy
from maestrod.locations import Locations, locate
from maestrod.protocol.manifest import ManifestTask
from tests.agents.manifests import manifest
from tests.agents.test_providers import planned


@pytest.fixture
def places(tmp_path: Path) -> Locations:
    return locate({"MAESTRO_HOME": str(tmp_path / "home")})


def own(**changes: object) -> dict[str, str]:
    return own_environment(
        manifest(**changes),
        server="unix:/r/d.sock",
        home="/h",
        credential="/r/cred",
        path="/d/m.json",
        maestro="/b/maestro",
    )


def test_an_agent_is_told_who_it_is() -> None:
    told = own(role=Role.ORCHESTRATOR, strategy=Strategy.DAG)
    assert {k: v for k, v in told.items() if not k.startswith(("MAESTRO_TASK_", "MAESTRO_ALL"))} == {
        "MAESTRO_SESSION_ID": "sess_1760000000005_fffffffff",
        "MAESTRO_PROJECT_ID": "proj_1760000000006_ggggggggg",
        "MAESTRO_MANIFEST_PATH": "/d/m.json",
        "MAESTRO_ROLE": "orchestrator",
        "MAESTRO_MODE": "orchestrator",
        "MAESTRO_STRATEGY": "dag",
        "MAESTRO_PROVIDER": "claude",
        "MAESTRO_SERVER": "unix:/r/d.sock",
        "MAESTRO_CREDENTIAL_FILE": "/r/cred",
        "MAESTRO_BIN": "/b/maestro",
        "MAESTRO_HOME": "/h",
    }
    assert told["MAESTRO_TASK_IDS"] == "task_1760000000001_aaaaaaaaa,task_1760000000002_eeeeeeeee"


def test_an_agent_is_told_of_its_first_task() -> None:
    told = own()
    assert told["MAESTRO_TASK_TITLE"] == "Fix the flaky login test"
    assert told["MAESTRO_TASK_PRIORITY"] == "high"
    assert json.loads(told["MAESTRO_TASK_ACCEPTANCE"]) == ["100 runs in a row pass", "no sleep was added"]
    assert json.loads(told["MAESTRO_TASK_DEPENDENCIES"]) == ["task_1760000000009_ddddddddd"]
    assert [task["id"] for task in json.loads(told["MAESTRO_ALL_TASKS"])] == told["MAESTRO_TASK_IDS"].split(",")


def test_without_a_task_nothing_is_told_of_one() -> None:
    told = own(tasks=())
    assert told["MAESTRO_TASK_IDS"] == ""
    assert "MAESTRO_TASK_TITLE" not in told


def test_no_name_is_one_that_agents_hide() -> None:
    for name in own():
        assert not [word for word in ("TOKEN", "KEY", "SECRET", "PASSWORD", "AUTH") if word in name]


def test_no_variable_is_longer_than_a_process_can_have() -> None:
    tasks = tuple(
        ManifestTask(id=f"task_{n}", title="é" * 200, acceptance_criteria=("x" * 10_000,) * 20) for n in range(5_000)
    )
    told = own(tasks=tasks)
    assert max(len(value.encode()) for value in told.values()) < 4 * VALUE_LIMIT < 131_072
    assert told["MAESTRO_TASK_IDS"].startswith("task_0,task_1,")
    assert not told["MAESTRO_TASK_IDS"].endswith(",")
    assert told["MAESTRO_ALL_TASKS"] == "[]"
    subprocess.run(["/bin/true"], env=told, check=True)


def test_our_maestro_stands_in_front_of_the_callers_path() -> None:
    plan = planned("claude")
    assert caller_environment({"PATH": "/a:/b"}, plan, "/ours")["PATH"] == "/ours:/a:/b"
    assert caller_environment({"PATH": "/a:/b"}, plan, "")["PATH"] == "/a:/b"
    assert caller_environment({}, plan, "/ours")["PATH"].startswith("/ours:/usr/")


def test_the_program_runs_as_maestro_from_any_directory(places: Locations, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')")
    (tmp_path / "maestro_cli.py").write_text("raise SystemExit('shadowed')")
    for found in (program(places), stand_in(places)):
        said = subprocess.run(
            [found, "--version"],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.stdout.startswith("maestro "), said.stderr


def test_on_path_maestro_brings_nothing_along(places: Locations) -> None:
    folder = path_folder(places, {"PATH": "/usr/bin:/bin"})
    assert [path.name for path in Path(folder).iterdir()] == ["maestro"]
    assert path_folder(places, {"PATH": f"{program(places).parent}:/usr/bin"}) in ("", folder)
    assert stand_in(places).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o600, 0o700])
def test_a_launch_file_is_private_and_replaced_at_once(tmp_path: Path, mode: int) -> None:
    place = tmp_path / "file"
    place.write_text("old")
    place.chmod(0o644)
    with place.open() as reader:
        write(place, "new \ud800", mode=mode)
        assert reader.read() == "old"
    assert place.read_text() == "new ?"
    assert place.stat().st_mode & 0o777 == mode
    assert list(tmp_path.iterdir()) == [place]


def test_a_link_in_the_way_of_a_launch_file_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    place = tmp_path / "file"
    place.symlink_to(victim)
    (tmp_path / f".file.{os.getpid()}").symlink_to(victim)
    write(place, "new")
    assert victim.read_text() == "mine"
    assert place.read_text() == "new"
    assert not place.is_symlink()


def pane(pid: int, supervisor_pid: int) -> dict[str, object]:
    return {"status": "spawning", "pane": {"pid": pid, "supervisorPid": supervisor_pid}}


def test_an_agent_lives_after_a_moment_and_sooner_after_a_sign() -> None:
    me, parent = os.getpid(), os.getppid()
    silent, awake = Watch(), Watch()
    assert not silent.lives({"status": "spawning", "pane": None}, 0.0)
    assert not silent.registered
    assert [silent.lives(pane(me, parent), at) for at in (1.0, 1.9, 2.1)] == [False, False, True]
    sign = pane(me, parent) | {"status": "working"}
    assert [awake.lives(sign, at) for at in (1.0, 1.2, 1.4)] == [False, False, True]


def test_an_agent_that_has_ended_does_not_live_though_its_end_is_not_told_yet() -> None:
    with subprocess.Popen(["/bin/true"]) as ended:
        ended.wait()
        watch = Watch()
        assert [watch.lives(pane(ended.pid, os.getpid()), at) for at in (1.0, 9.0)] == [False, False]


def test_where_no_process_can_be_seen_the_daemon_is_believed() -> None:
    with subprocess.Popen(["/bin/true"]) as ended:
        ended.wait()
        watch = Watch()
        assert [watch.lives(pane(ended.pid, ended.pid), at) for at in (1.0, 9.0)] == [False, True]


def test_without_proc_a_process_start_is_known_to_the_second() -> None:
    by_ps = supervisor._started_by_ps(os.getpid())
    exact = supervisor.started_at_ms(os.getpid())
    assert by_ps is not None
    assert exact is not None
    assert abs(by_ps - exact) < 2_000
    assert supervisor._started_by_ps(2**22 + 1) is None
