"""`maestro doctor --selftest` tries everything for real and leaves nothing."""

import signal
from pathlib import Path

import pytest

from maestrod.tmux.server import server_name, socket_path
from tests.e2e.workshop import Workshop, ended, processes_of
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.timeout(240)]


def scratch(folder: Path) -> Path | None:
    return next(folder.glob("maestro-selftest-*"), None)


def test_the_selftest_takes_every_step_and_leaves_nothing(bare: Workshop) -> None:
    bare.env["TMPDIR"] = str(bare.folder)
    test = bare.start("doctor", "--selftest")
    folder = eventually(lambda: scratch(bare.folder), what="the scratch folder")
    assert folder is not None
    said = ended(test, timeout=120)

    assert said.code == 0, said
    steps = [line.partition(" s  ")[2] for line in said.err.splitlines()]
    assert steps[0] == "tmux opens windows"
    assert steps[-2:] == ["everything is stopped", "nothing is left"]
    assert "the agent has completed its task" in steps
    assert said.out.startswith(f"everything works: {len(steps)} steps in ")
    assert [process.cmdline() for process in processes_of(str(folder))] == []
    assert not socket_path(server_name(str(folder / "home"))).exists()
    assert not folder.exists()


def test_a_selftest_without_a_tmux_says_so(bare: Workshop, tmp_path: Path) -> None:
    bare.env |= {"TMPDIR": str(tmp_path), "PATH": str(tmp_path)}
    said = ended(bare.start("doctor", "--selftest", "--json"), timeout=120)
    assert said.code == 7, said
    assert "tmux opens windows: no" in said.json["message"]
    assert list(tmp_path.iterdir()) == []


def test_a_selftest_that_is_broken_off_leaves_nothing_either(bare: Workshop) -> None:
    bare.env["TMPDIR"] = str(bare.folder)
    test = bare.start("doctor", "--selftest", "--json")
    folder = eventually(lambda: scratch(bare.folder), what="the scratch folder")
    assert folder is not None
    socket = socket_path(server_name(str(folder / "home")))
    eventually(socket.exists, what="its tmux server", timeout=100)

    test.send_signal(signal.SIGTERM)
    said = ended(test, timeout=120)

    assert said.code == 128 + signal.SIGTERM
    eventually(lambda: processes_of(str(folder)) == [], what="its processes are gone")
    assert not socket.exists()
    assert not folder.exists()
