"""The control client, against a real server on a private socket."""

import asyncio
import os
import random
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from maestrod.tmux.control import ControlClient
from maestrod.tmux.errors import ConnectionLost, PaneGone, TmuxFailed, TmuxTimeout
from maestrod.tmux.facts import Event, NoticesLost, Pane, PaneChanged, PaneRef, ServerFound, ServerLost, WindowsChanged
from maestrod.tmux.oneshot import Tmux
from tests.agents.test_tmux_oneshot import TEXT_300_KB, lives
from tests.support.eventually import aeventually
from tests.support.tmux_server import READER, open_sleeper, private_server

pytestmark = pytest.mark.tmux

E = TypeVar("E", bound=Event)
T = TypeVar("T")


@asynccontextmanager
async def serving(client: ControlClient, *, connected: bool = True) -> AsyncIterator[ControlClient]:
    """Run the client as the daemon does."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(client.serve())
        if connected:
            await until(lambda: client.connected)
        yield client
        task.cancel()


async def until(condition: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return condition()

    await aeventually(holds)


async def told(client: ControlClient, kind: type[E], *, pane: Pane | None = None, dead: bool | None = None) -> E:
    """Wait for the next event of a kind, and of a pane, passing over others."""
    async with asyncio.timeout(10):
        while True:
            event = await client.events.get()
            if not isinstance(event, kind):
                continue
            if isinstance(event, PaneChanged) and pane is not None and event.pane_id != pane.ref.pane_id:
                continue
            if isinstance(event, PaneChanged) and dead is not None and event.dead is not dead:
                continue
            return event


def control_process(tmux: Tmux) -> psutil.Process:
    pid = tmux.run("list-clients", "-F", "#{client_control_mode} #{client_pid}").split()[1]
    return psutil.Process(int(pid))


def server_process(tmux: Tmux) -> psutil.Process:
    return psutil.Process(int(tmux.run("display-message", "-p", "#{pid}")))


async def open_reader(client: ControlClient, folder: Path, session_id: str = "ses_r") -> tuple[Pane, Path]:
    kept = folder / f"{session_id}.typed"
    argv = [sys.executable, str(READER), str(kept), "bracketed"]
    pane = client.tmux.open_window(session_id=session_id, name="reader", cwd=str(folder), argv=argv, env={})

    async def ready() -> bool:
        return "ready" in (await client.capture(pane.ref)).text

    await aeventually(ready)
    return pane, kept


# --- coming and going -------------------------------------------------------------------------------------


async def test_it_waits_for_a_server_and_starts_none(tmux: Tmux) -> None:
    client = ControlClient(tmux, retry_s=600)

    async with serving(client, connected=False):
        assert await client.panes() == []
        with pytest.raises(PaneGone):
            await client.capture(PaneRef("%1", "ses_1"))
        assert not tmux.socket.exists()

        pane = open_sleeper(tmux)
        assert not client.connected
        client.notify_server()
        await told(client, ServerFound)

        assert [facts.pane_id for facts in await client.panes()] == [pane.ref.pane_id]


async def test_it_finds_a_server_without_being_told(tmux: Tmux) -> None:
    client = ControlClient(tmux, retry_s=0.05)

    async with serving(client, connected=False):
        open_sleeper(tmux)
        await told(client, ServerFound)


async def test_it_starts_a_server_when_asked(tmux: Tmux) -> None:
    client = ControlClient(tmux, retry_s=600)

    async with serving(client, connected=False):
        await client.ensure_server()
        found = await told(client, ServerFound)

    assert found.pid == server_process(tmux).pid


async def test_a_killed_client_comes_back_and_no_window_is_lost(tmux: Tmux) -> None:
    pane = open_sleeper(tmux)
    client = ControlClient(tmux, retry_s=600)

    async with serving(client):
        found = await told(client, ServerFound)
        for _ in range(3):
            control_process(tmux).kill()
            assert await told(client, ServerFound) == found
        assert [facts.dead for facts in await client.panes()] == [False]
        tmux.run("select-pane", "-t", pane.ref.pane_id, "-T", "told again")
        while (await told(client, PaneChanged)).title != "told again":
            pass

    seen = [client.events.get_nowait() for _ in range(client.events.qsize())]
    assert not [event for event in seen if isinstance(event, ServerLost)]


@pytest.mark.parametrize("how", ["kill-server", "SIGKILL"])
async def test_a_server_that_ends_is_told_and_the_next_one_works(tmux: Tmux, how: str) -> None:
    open_sleeper(tmux)
    client = ControlClient(tmux, retry_s=600)

    async with serving(client):
        found = await told(client, ServerFound)
        if how == "SIGKILL":
            os.kill(found.pid, signal.SIGKILL)
        else:
            tmux.kill_server()
        assert await told(client, ServerLost) == ServerLost(pid=found.pid)
        assert await client.panes() == []

        pane = open_sleeper(tmux, "ses_2")
        client.notify_server()
        again = await told(client, ServerFound)
        assert again.pid != found.pid
        assert [facts.session_id for facts in await client.panes()] == ["ses_2"]
        await client.capture(pane.ref)


async def test_a_server_that_was_replaced_between_two_looks_was_lost(tmux: Tmux) -> None:
    open_sleeper(tmux)
    client = ControlClient(tmux)
    async with serving(client):
        found = await told(client, ServerFound)
    tmux.kill_server()
    open_sleeper(tmux, "ses_2")

    async with serving(client):
        assert await told(client, ServerLost) == ServerLost(pid=found.pid)
        assert (await told(client, ServerFound)).pid != found.pid


async def test_nothing_is_left_when_it_is_cancelled(tmux: Tmux) -> None:
    tmux.ensure_server()
    async with serving(ControlClient(tmux)) as client:
        process = control_process(tmux)

    assert not lives(process)
    assert not client.connected
    assert await client.run("display-message", "-p", "still usable") == "still usable"


async def test_questions_under_way_are_answered_with_the_loss(tmux: Tmux) -> None:
    pane = open_sleeper(tmux)
    async with serving(ControlClient(tmux)) as client:
        server = server_process(tmux)
        server.suspend()
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(outcome(client.run("list-sessions"))) for _ in range(100)]
            reads = [group.create_task(outcome(client.panes())) for _ in range(2)]
            await asyncio.sleep(0)
            processes = psutil.Process().children()
            server.resume()
            for process in processes:
                if "-C" in process.cmdline():
                    process.kill()

        assert {type(task.result()) for task in asked} <= {str, ConnectionLost}
        for task in reads:
            rows = task.result()
            assert isinstance(rows, list)
            assert [facts.pane_id for facts in rows] == [pane.ref.pane_id]


async def outcome(call: Coroutine[None, None, T]) -> T | Exception:
    try:
        return await call
    except (TmuxFailed, TmuxTimeout) as error:
        return error


async def test_a_server_that_hangs_is_a_timeout_and_works_again_afterwards(tmux: Tmux) -> None:
    pane = open_sleeper(tmux)
    tmux.timeout_s = 0.3
    client = ControlClient(tmux, timeout_s=0.3, retry_s=0.1)

    async with serving(client):
        server = server_process(tmux)
        server.suspend()
        try:
            with pytest.raises(TmuxTimeout):
                await client.run("list-sessions")
            await until(lambda: not client.connected)
            with pytest.raises(TmuxTimeout):
                await client.capture(pane.ref)
        finally:
            server.resume()
        await until(lambda: client.connected)
        assert "maestro" in await client.run("list-sessions")
        seen = [client.events.get_nowait() for _ in range(client.events.qsize())]
        assert not [event for event in seen if isinstance(event, ServerLost)]


# --- questions and answers --------------------------------------------------------------------------------


@pytest.fixture(params=["connected", "by processes"])
async def client(request: pytest.FixtureRequest, tmux: Tmux) -> AsyncIterator[ControlClient]:
    """Every answer is the same, with a connection and without."""
    tmux.ensure_server()
    client = ControlClient(tmux)
    if request.param == "by processes":
        yield client
    else:
        async with serving(client):
            yield client


async def test_a_capture_has_text_size_cursor_and_title(client: ControlClient) -> None:
    script = r"printf '\033]2;a | title\007\033[31mred\033[0m\r\n%%end 1 2 1\r\n%%begin 1 2 1'; sleep 600"
    pane = open_sleeper(client.tmux, script=script)

    async def drawn() -> bool:
        return "%begin" in (await client.capture(pane.ref)).text

    await aeventually(drawn)
    shown = await client.capture(pane.ref)

    assert shown.text.split("\n")[:4] == ["\x1b[31mred", "\x1b[39m%end 1 2 1", "%begin 1 2 1", ""]
    assert (shown.width, shown.height, shown.cursor_x, shown.cursor_y) == (120, 40, 12, 2)
    assert (shown.title, shown.alternate, shown.dead) == ("a | title", False, False)
    assert await client.capture(pane.ref) == client.tmux.capture(pane.ref, colours=True)


async def test_panes_are_the_same_by_both_ways(client: ControlClient) -> None:
    open_sleeper(client.tmux, "ses_1")
    open_sleeper(client.tmux, "ses_2")

    async def settled() -> bool:
        return {facts.command for facts in await client.panes()} == {"sh"}

    await aeventually(settled)
    assert await client.panes() == client.tmux.panes()
    assert await client.viewers() == client.tmux.viewers() == []


async def test_a_pane_of_another_session_is_refused_and_left_alone(client: ControlClient, tmp_path: Path) -> None:
    pane, kept = await open_reader(client, tmp_path)
    other = PaneRef(pane.ref.pane_id, "ses_other")

    for deed in (
        client.capture(other),
        client.send_text(other, "rm -rf /"),
        client.send_keys(other, "q"),
        client.kill_window(other),
    ):
        with pytest.raises(PaneGone, match="belongs to session 'ses_r'"):
            await deed

    assert kept.read_bytes() == b""
    assert [facts.dead for facts in await client.panes()] == [False]


async def test_what_is_not_there_is_gone(client: ControlClient) -> None:
    pane = PaneRef("%99", "ses_1")

    for deed in (
        client.capture(pane),
        client.send_text(pane, "hello"),
        client.send_keys(pane, "q"),
        client.kill_window(pane),
    ):
        with pytest.raises(PaneGone):
            await deed
    assert await client.run("list-buffers") == ""


async def test_nothing_is_typed_into_the_dead(client: ControlClient) -> None:
    pane = open_sleeper(client.tmux, script="exit 0")

    async def dead() -> bool:
        return (await client.capture(pane.ref)).dead

    await aeventually(dead)
    with pytest.raises(PaneGone, match="has ended"):
        await client.send_text(pane.ref, "hello")
    with pytest.raises(PaneGone, match="has ended"):
        await client.send_keys(pane.ref, "Enter")
    assert (await client.capture(pane.ref)).dead


async def test_a_window_is_closed(client: ControlClient) -> None:
    pane = open_sleeper(client.tmux)

    await client.kill_window(pane.ref)

    assert await client.panes() == []
    with pytest.raises(PaneGone):
        await client.kill_window(pane.ref)


@pytest.mark.parametrize(
    "text", ["/help", "ends with;", "two\nlines", TEXT_300_KB], ids=["slash", "semicolon", "lines", "300kB"]
)
async def test_a_text_arrives_as_it_is(client: ControlClient, tmp_path: Path, text: str) -> None:
    pane, kept = await open_reader(client, tmp_path)
    await client.run("copy-mode", "-t", pane.ref.pane_id)

    await client.send_text(pane.ref, text)

    expected = b"\x1b[200~" + text.encode() + b"\x1b[201~\r"
    await until(lambda: len(kept.read_bytes()) >= len(expected))
    assert kept.read_bytes() == expected


async def test_two_texts_for_one_pane_never_mix(client: ControlClient, tmp_path: Path) -> None:
    pane, kept = await open_reader(client, tmp_path)

    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(client.send_text(pane.ref, f"text {number}"))

    await until(lambda: kept.read_bytes().count(b"\r") == 4)
    texts = kept.read_bytes().split(b"\r")[:-1]
    assert sorted(texts) == [f"\x1b[200~text {number}\x1b[201~".encode() for number in range(4)]


HOSTILE = [
    ";",
    "a;",
    "a\\;",
    "\\",
    '"',
    "'",
    "$HOME",
    "${HOME}",
    "~",
    "~root",
    "#{pid}",
    "#(id)",
    "{",
    "}",
    "%if",
    "%1",
]
HOSTILE += ["a\nb", "\r\n", "\t", "\x1b[31m", "\x07", "é漢✳", "-t", "--", "FOO=bar", "# comment", "a b  c", "\x7f\x01"]
HOSTILE += ["x" * 10_000]


async def test_every_argument_arrives_as_it_is(client: ControlClient, tmp_path: Path) -> None:
    rng = random.Random(7)
    made = ["".join(rng.choices("ab;\\\"'$~#{}()%\n\t\r \x1bé✳=-,!", k=rng.randrange(1, 30))) for _ in range(40)]
    file = tmp_path / "buffer"

    async def saved(text: str) -> bool:
        return file.read_bytes() == text.encode()

    for text in [*HOSTILE, *made]:
        await client.run("set-buffer", "-b", "x", "--", text)
        await client.run("save-buffer", "-b", "x", str(file))
        await aeventually(partial(saved, text))


async def test_what_tmux_refuses_is_an_error_with_its_reason(client: ControlClient) -> None:
    with pytest.raises(TmuxFailed) as caught:
        await client.run("no-such-command", "x")
    assert caught.value.subcommand == "no-such-command"
    assert "unknown command" in caught.value.stderr
    with pytest.raises(TmuxFailed):
        await client.run("display-message", "a\0b")
    assert await client.run("display-message", "-p", "still there") == "still there"


async def test_each_of_many_questions_gets_its_own_answer(tmux: Tmux) -> None:
    tmux.ensure_server()
    async with serving(ControlClient(tmux, in_flight=8)) as client, asyncio.TaskGroup() as group:
        asked = [group.create_task(client.run("display-message", "-p", str(number))) for number in range(500)]
        dropped = [group.create_task(client.run("display-message", "-p", "dropped")) for _ in range(50)]
        await asyncio.sleep(0)
        for task in dropped[::2]:
            task.cancel()

    assert [task.result() for task in asked] == [str(number) for number in range(500)]
    assert {task.result() for task in dropped[1::2]} == {"dropped"}


# --- what is told -----------------------------------------------------------------------------------------


async def test_titles_deaths_and_windows_are_told(tmux: Tmux) -> None:
    tmux.ensure_server()
    async with serving(ControlClient(tmux)) as client:
        pane = open_sleeper(tmux, script=r"printf '\033]2;first | title\007'; read x; exit 7")
        await told(client, WindowsChanged)

        change = await told(client, PaneChanged, pane=pane)
        assert (change.session_id, change.window_id, change.dead) == ("ses_1", pane.window_id, False)
        assert change.title == "first | title"

        await client.send_keys(pane.ref, "Enter")
        end = await told(client, PaneChanged, pane=pane, dead=True)
        while end.dead_status is None:
            end = await told(client, PaneChanged, pane=pane, dead=True)
        assert (end.dead_status, end.dead_signal) == (7, None)

        await client.kill_window(pane.ref)
        await told(client, WindowsChanged)


async def test_what_nobody_reads_is_dropped_and_said(tmux: Tmux) -> None:
    tmux.ensure_server()
    panes = [open_sleeper(tmux, f"ses_{number}") for number in range(6)]
    async with serving(ControlClient(tmux, backlog=3)) as client:
        await told(client, NoticesLost)
        assert len(await client.panes()) == len(panes)


async def test_a_person_who_attaches_is_no_change_of_a_pane(tmux: Tmux) -> None:
    """tmux tells every window of a view that ends as closed: which windows there are is asked, not told."""
    pane = open_sleeper(tmux)
    async with serving(ControlClient(tmux)) as client:
        await told(client, PaneChanged, pane=pane)
        tmux.run("new-session", "-d", "-t", "=maestro", "-s", "view")
        tmux.run("kill-session", "-t", "=view")
        await told(client, WindowsChanged)

        assert [facts.pane_id for facts in await client.panes()] == [pane.ref.pane_id]
        assert client.connected


# --- a tmux that lies -------------------------------------------------------------------------------------

LIES = {
    "ends at once": "exit 0",
    "says nothing": "exec sleep 600",
    "garbage": "head -c 300000 /dev/urandom; exec sleep 600",
    "stray text": "echo hello; exec sleep 600",
    "no session": "printf '%%begin 1 1 0\\nno session\\n%%error 1 1 0\\n%%exit\\n'",
    "half a block": "printf '%%begin 1 1 0\\n%%end 1 1 0\\n%%begin 1 2 1\\n123'; exec sleep 600",
    "answers nobody asked for": "printf '%%begin 1 1 0\\n%%end 1 1 0\\n'; exec yes '%begin 1 2 1\n%end 1 2 1'",
    "not a pid": "printf '%%begin 1 1 0\\n%%end 1 1 0\\n%%begin 1 2 1\\nx\\n%%end 1 2 1\\n'; exec sleep 600",
    "endless block": "printf '%%begin 1 1 0\\n'; exec yes",
}


@pytest.mark.parametrize("script", LIES.values(), ids=LIES.keys())
async def test_a_stream_that_makes_no_sense_is_left_and_everything_still_works(tmp_path: Path, script: str) -> None:
    real = shutil.which("tmux")
    liar = tmp_path / "tmux"
    liar.write_text(
        f'#!/bin/sh\nfor word in "$@"; do if [ "$word" = -C ]; then {script}; exit; fi; done\nexec {real} "$@"\n'
    )
    liar.chmod(0o755)
    with private_server(env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}) as tmux:
        pane = open_sleeper(tmux)
        client = ControlClient(tmux, timeout_s=0.3, retry_s=0.05)
        async with serving(client, connected=False):
            await asyncio.sleep(0)
            for _ in range(5):
                assert [facts.pane_id for facts in await client.panes()] == [pane.ref.pane_id]
                assert (await client.capture(pane.ref)).width == 120
            liar.unlink()
            liar.symlink_to(str(real))
            await until(lambda: client.connected)
            assert [facts.pane_id for facts in await client.panes()] == [pane.ref.pane_id]
        left = [process for process in psutil.Process().children(recursive=True) if process.name() in ("yes", "sleep")]
        assert not [process for process in left if lives(process)]
