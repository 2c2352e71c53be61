"""The demo runs everything for real and leaves nothing."""

import signal
from pathlib import Path

import pytest

from maestrod.tmux.server import server_name, socket_path
from tests.e2e.workshop import Workshop, ended, processes_of
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.timeout(240)]


def scratch(folder: Path) -> Path | None:
    return next(folder.glob("maestro-demo-*"), None)


def test_the_demo_completes_its_tasks_and_leaves_nothing(shop: Workshop) -> None:
    """Not even where the caller has a Maestro and a tmux of their own, and paths are long.

    Without a terminal there is no screen to open, and it goes on to the end by itself.
    """
    place = shop.folder / ("deep" * 20)
    place.mkdir()
    shop.env |= {"TMPDIR": str(place), "TMUX": "/tmp/nowhere,1,0", "MAESTRO_PROJECT_ID": "proj_1"}
    daemon = shop.daemon_pid()

    demo = shop.start("demo", "--json")
    folder = eventually(lambda: scratch(place), what="the demo's folder")
    assert folder is not None
    socket = socket_path(server_name(str(folder / "home")))
    had_server = eventually(lambda: socket.exists() or demo.poll() is not None, what="a tmux server", timeout=100)
    said = ended(demo, timeout=120)

    assert said.code == 0, said
    assert said.err == ""
    assert had_server
    summary = said.json["data"]
    for rows in (summary["tasks"], summary["sessions"]):
        assert [row["status"] for row in rows] == ["completed"] * 3
    assert {row["provider"] for row in summary["sessions"]} == {"claude", "codex", "gemini"}
    assert [process.cmdline() for process in processes_of(str(folder))] == []
    assert not socket.exists()
    assert list(place.iterdir()) == []
    assert shop.daemon_pid() == daemon
    assert (shop.get("/tasks"), shop.get("/sessions")) == ([], [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_broken_off_leaves_nothing_either(bare: Workshop, number: signal.Signals) -> None:
    bare.env["TMPDIR"] = str(bare.folder)
    demo = bare.start("demo", "--no-tui", "--json")
    folder = eventually(lambda: scratch(bare.folder), what="the demo's folder")
    assert folder is not None
    socket = socket_path(server_name(str(folder / "home")))
    eventually(socket.exists, what="the demo's tmux server", timeout=100)

    demo.send_signal(number)
    said = ended(demo, timeout=120)

    assert said.code in {130, 128 + number}
    eventually(lambda: processes_of(str(folder)) == [], what="its processes are gone")
    assert not socket.exists()
    assert not folder.exists()


def test_a_demo_without_tmux_says_so_and_leaves_nothing(bare: Workshop) -> None:
    bare.env |= {"TMPDIR": str(bare.folder), "PATH": str(bare.bin)}

    said = bare.maestro("demo", "--no-tui", "--json")

    assert (said.code, said.json["error"]) == (7, "agent_not_started")
    assert "tmux" in said.json["message"]
    assert scratch(bare.folder) is None
