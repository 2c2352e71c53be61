"""A new version takes over while agents work: same panes, no call that fails, statuses that are right."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

import maestrod
from tests.architecture.house import PACKAGES
from tests.e2e.test_restart import COMPLETE, START, are_all, reports
from tests.e2e.workshop import Said, Workshop, gone

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

NEWER = "99.0.0"
STEP = 'RUN: "$MAESTRO_BIN" report progress "step" --task "$MAESTRO_TASK_IDS"'


@pytest.fixture
def newer(shop: Workshop) -> dict[str, str]:
    """The environment of a shell in which the next version is installed."""
    root = shop.folder / "newer"
    for package in PACKAGES:
        shutil.copytree(package, root / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    place = root / "maestrod" / "__init__.py"
    text = place.read_text()
    assert f'"{maestrod.__version__}"' in text
    place.write_text(text.replace(maestrod.__version__, NEWER))
    return {**shop.env, "PYTHONPATH": str(root)}


@contextmanager
def calling(shop: Workshop) -> Iterator[list[Said]]:
    """Somebody with the older version who calls all the time; how the calls ended."""
    said: list[Said] = []
    over = threading.Event()

    def call() -> None:
        while not over.is_set():
            said.append(shop.maestro("task", "list", "--json"))

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield said
    finally:
        over.set()
        thread.join()


def test_a_newer_daemon_takes_over_while_agents_work(shop: Workshop, newer: dict[str, str]) -> None:
    go = shop.folder / "go"
    shop.script("claude", START, "LOOP: 25", STEP, "END:", f"WAIT: {go}", COMPLETE)
    shop.script("codex", START, STEP, f"WAIT: {go}", STEP, COMPLETE)
    tasks = [shop.task("Loops"), shop.task("Waits")]
    sessions = {provider: shop.spawn(provider, task) for provider, task in zip(("claude", "codex"), tasks, strict=True)}
    shop.ran("report progress", 4)
    panes = {session: shop.session(session)["pane"] for session in sessions.values()}
    older = shop.ok("daemon", "status")
    assert older["version"] == maestrod.__version__
    told = shop.maestro("daemon", "status", env=newer)
    assert f"this program is {NEWER}: `maestro daemon restart`" in told.err

    with calling(shop) as said:
        restarted = shop.maestro("daemon", "restart", "--json", env=newer)
        shop.ran("report progress", 26)
    assert restarted.json["data"]["version"] == NEWER
    assert (restarted.code, restarted.err) == (0, "")
    assert restarted.json["data"]["pid"] != older["pid"]
    assert [each for each in said if each.code] == []

    are_all(shop, sessions, "working")
    assert {session: shop.session(session)["pane"] for session in sessions.values()} == panes
    assert not any(gone(psutil.Process(pane["pid"])) for pane in panes.values())
    assert shop.windows() == sorted(sessions.values())
    assert shop.ok("daemon", "status")["version"] == NEWER
    assert "`maestro daemon restart`" in shop.maestro("daemon", "status").err

    go.touch()
    are_all(shop, sessions, "completed", timeout=30)
    assert [len(reports(shop, task)) for task in tasks] == [25, 2]
    shop.no_agent_stumbled()
