"""The desk: what it says before it is connected, where its key comes from, and what it writes down."""

import logging
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from maestro_tui.deeds import TASK_VERBS, Done, Refused, move_task
from maestro_tui.desk import Desk, _key
from maestro_tui.frame import Broken, Starting
from maestro_tui.glance import NOTHING, glance
from maestro_tui.log import SIZE, LazyFile, write_to
from maestrod.client.streaming import Lost
from maestrod.domain.model import Noun
from maestrod.protocol.routes import WRITES
from tests.support.world import World
from tests.tui.sample import fill


def desk(server: str = "unix:/nowhere", *, autostart: bool = False, **environ: str) -> Desk:
    return Desk(server, environ=environ, clock=lambda: 1_000, zone=UTC, autostart=autostart)


async def test_nothing_is_asked_before_there_is_somebody_to_ask() -> None:
    early = desk()
    deed = move_task("task_1", "start", "one")
    assert isinstance(await early.do(deed), Refused)
    assert isinstance(await early.type_to(deed), Refused)
    assert await early.look("sess_1") == ""
    assert [words async for words in early.screens("sess_1")] == ["not connected yet"]
    await early.fetch((Noun.TASK, "task_1"))
    early.reconnect()
    assert isinstance(early.link, Starting)


async def test_a_daemon_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    alone = desk(autostart=True, PATH="/nowhere", MAESTRO_HOME="/proc/no-such-home", HOME=str(tmp_path))
    await alone._hear(Lost("the daemon is not running", 2.0))
    assert isinstance(alone.link, Broken)
    assert alone.link.retry_at == 3_000
    assert alone.link.reason != "the daemon is not running"
    await alone._hear(Lost("again", 2.0))
    assert isinstance(alone.link, Broken)
    assert alone.link.reason == "again"


def test_every_verb_for_a_task_is_a_route_of_the_daemon() -> None:
    paths = {route.path for route in WRITES if route.method == "POST"}
    assert {f"/tasks/{{task}}/{verb}" for verb in TASK_VERBS} <= paths


def test_the_key_comes_from_the_file_before_the_variable(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(" s3cret \n")
    assert _key({"MAESTRO_API_KEY_FILE": str(file), "MAESTRO_API_KEY": "other"}) == "s3cret"
    assert _key({"MAESTRO_API_KEY": "other"}) == "other"
    assert _key({}) == ""


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_key_that_cannot_be_read_is_no_key_and_is_told(
    tmp_path: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    assert _key({"MAESTRO_API_KEY_FILE": str(file)}) == ""
    assert str(file) in caplog.text


# -- the first look


async def test_a_first_look_sees_projects_sessions_and_tasks(world: World) -> None:
    import asyncio

    sample = await fill(world)
    await world.know(sample.fix, process="alive")
    seen = await asyncio.to_thread(glance, world.server, "")
    assert {noun: len(found) for noun, found in seen.entities.items()} == {
        noun: len(world.state.table(noun)) for noun in (Noun.PROJECT, Noun.SESSION, Noun.TASK)
    }
    assert seen.live[sample.fix]["process"] == "alive"


def test_a_first_look_at_nobody_sees_nothing_and_waits_for_nobody(tmp_path: Path) -> None:
    assert glance(f"unix:{tmp_path}/none.sock", "") == NOTHING
    assert glance("http://127.0.0.1:1", "k") == NOTHING


# -- what is written down


@pytest.fixture
def handlers() -> Iterator[list[logging.Handler]]:
    """The root logger, as it was before."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield before
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def test_the_log_is_made_with_its_first_line(tmp_path: Path, handlers: list[logging.Handler]) -> None:
    path = tmp_path / "logs" / "tui.log"
    write_to(path)
    assert not path.parent.exists()
    logging.getLogger("maestro_tui.test").warning("something odd: %s", 7)
    assert "something odd: 7" in path.read_text()


def test_a_large_log_begins_anew(tmp_path: Path, handlers: list[logging.Handler]) -> None:
    path = tmp_path / "tui.log"
    path.write_text("x" * (SIZE + 1))
    write_to(path)
    logging.getLogger("maestro_tui.test").error("new")
    assert len(path.read_text()) < 1_000


def test_a_log_that_cannot_be_written_disturbs_nobody(handlers: list[logging.Handler]) -> None:
    write_to(Path("/proc/no-such-folder/tui.log"))
    logging.getLogger("maestro_tui.test").error("lost")
    assert any(isinstance(handler, LazyFile) for handler in logging.getLogger().handlers)


def test_a_done_deed_says_so() -> None:
    assert Done("x").words == "x"
    assert Refused("a", "b").words == "a\nb"
