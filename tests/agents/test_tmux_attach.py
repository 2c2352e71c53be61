"""People who attach to agents, with terminals of their own, against a real server."""

import asyncio
import fcntl
import os
import pty
import random
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from maestrod.tmux.control import ControlClient
from maestrod.tmux.errors import PaneGone
from maestrod.tmux.facts import PaneRef, ServerFound
from maestrod.tmux.oneshot import Tmux
from tests.support.eventually import aeventually, eventually
from tests.support.tmux_server import open_sleeper

pytestmark = pytest.mark.tmux

FOCUS_REPORTING = r"printf '\033[?1004h\033[?2004hlast words'"


class Terminal:
    """A terminal with a person before it."""

    def __init__(self, argv: list[str], *, columns: int, rows: int) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        env = os.environ | {"TERM": "xterm-256color", "TMUX_TMPDIR": "/nowhere"}
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True)
        os.close(slave)
        self.shown = b""
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def _read(self) -> None:
        try:
            while data := os.read(self.master, 65536):
                self.shown += data
        except OSError:
            pass  # the other side of the terminal is closed


@contextmanager
def attached(tmux: Tmux, pane: PaneRef, *, columns: int = 100, rows: int = 31) -> Iterator[Terminal]:
    """Attach a terminal to the pane, and close it as a window of the desktop is closed."""
    tmux.run("set-option", "-g", "assume-paste-time", "0")  # a test types faster than a person
    terminal = Terminal(tmux.attach_argv(pane), columns=columns, rows=rows)
    try:
        window = tmux.run("display-message", "-p", "-t", pane.pane_id, "#{window_id}")
        eventually(lambda: window in views(tmux).values(), what="the terminal shows the pane")
        yield terminal
    finally:
        terminal.process.kill()
        terminal.process.wait()
        terminal.reader.join()
        os.close(terminal.master)


def only_the_session_is_left(tmux: Tmux) -> bool:
    return tmux.run("list-sessions", "-F", "#{session_name}").split() == ["maestro"]


def views(tmux: Tmux) -> dict[str, str]:
    """What each attached client looks at."""
    rows = tmux.run("list-clients", "-F", "#{client_name}|#{window_id}\n").split("\n\n")
    return {name: f"{window}\n" for name, _, window in (row.strip().partition("|") for row in rows) if name}


def test_two_people_look_at_two_agents(tmux: Tmux) -> None:
    one, two = open_sleeper(tmux, "ses_1"), open_sleeper(tmux, "ses_2")

    with attached(tmux, one.ref), attached(tmux, two.ref):
        assert sorted(views(tmux).values()) == [f"{one.window_id}\n", f"{two.window_id}\n"]


def test_who_is_attached_is_known(tmux: Tmux) -> None:
    pane = open_sleeper(tmux)
    assert tmux.viewers() == []

    with attached(tmux, pane.ref) as terminal:
        before = tmux.viewers()
        assert [viewer.window_id for viewer in before] == [pane.window_id]

        def active() -> bool:
            terminal.type(b"x")
            return tmux.viewers()[0].active_at_s > before[0].active_at_s

        eventually(active)


def test_only_the_window_that_is_looked_at_takes_the_size_of_the_terminal(tmux: Tmux) -> None:
    one, two = open_sleeper(tmux, "ses_1"), open_sleeper(tmux, "ses_2")

    with attached(tmux, one.ref, columns=90, rows=31):
        eventually(
            lambda: (
                {p.pane_id: (p.width, p.height) for p in tmux.panes()}
                == {one.ref.pane_id: (90, 30), two.ref.pane_id: (120, 40)}
            )
        )
        new = open_sleeper(tmux, "ses_3")
        assert [(p.width, p.height) for p in tmux.panes() if p.pane_id == new.ref.pane_id] == [(120, 40)]


def test_the_detach_key_is_shown_and_leaves_nothing_behind(tmux: Tmux) -> None:
    pane = open_sleeper(tmux)

    with attached(tmux, pane.ref) as terminal:
        eventually(lambda: b"ctrl-b d" in terminal.shown)
        terminal.type(b"\x02d")
        assert eventually(lambda: terminal.process.poll() is not None)

    tmux.close_views()
    assert only_the_session_is_left(tmux)
    assert len(tmux.panes()) == 1


def test_a_terminal_that_is_closed_leaves_nothing_behind(tmux: Tmux) -> None:
    pane = open_sleeper(tmux)

    with attached(tmux, pane.ref):
        tmux.close_views()
        assert len(tmux.run("list-sessions").splitlines()) == 2

    def gone() -> bool:
        tmux.attach_argv(pane.ref)
        return only_the_session_is_left(tmux)

    eventually(gone)


@pytest.mark.parametrize(
    "keys", [b"\x02&y", b"\x02c", b"\x02%", b"\x02]", b"\x02,x\r", b"\x02:kill-server\r", b"\x02xy"]
)
def test_no_key_of_tmux_breaks_what_is_run_here(tmux: Tmux, keys: bytes) -> None:
    pane = open_sleeper(tmux)
    tmux.run("set-buffer", "hello")

    with attached(tmux, pane.ref) as terminal:
        terminal.type(keys)
        terminal.type(b"\x02d")
        assert eventually(lambda: terminal.process.poll() is not None)

    (facts,) = tmux.panes()
    assert (facts.pane_id, facts.dead) == (pane.ref.pane_id, False)


@pytest.mark.parametrize("ending", ["exit 3", "kill -9 $$"])
@pytest.mark.parametrize("came", ["before", "after"])
def test_an_agent_that_dies_before_our_eyes_takes_nobody_along(tmux: Tmux, ending: str, came: str) -> None:
    """tmux 3.3 and 3.4 crash on a change of focus when a pane died with focus reporting on."""
    lives = open_sleeper(tmux, "ses_lives")
    gate = tmux.conf.with_name("gate")
    os.mkfifo(gate)
    dies = open_sleeper(tmux, "ses_dies", script=f"{FOCUS_REPORTING}; read x < {gate}; {ending}")

    def die() -> None:
        gate.write_text("now\n")
        eventually(lambda: [p.dead for p in tmux.panes()] == [False, True])

    if came == "after":
        die()
    with attached(tmux, dies.ref) as terminal:
        if came == "before":
            die()
        terminal.type(b"\x1b[O\x1b[Ihello\r\x1b[200~pasted\x1b[201~")
        assert "last words" in tmux.capture(dies.ref, colours=False).text
        terminal.type(b"\x02n\x02p\x02d")
        assert eventually(lambda: terminal.process.poll() is not None)

    assert {p.pane_id: p.dead for p in tmux.panes()} == {lives.ref.pane_id: False, dies.ref.pane_id: True}


@pytest.mark.parametrize("came", ["before", "after"])
def test_even_the_guard_may_be_killed(tmux: Tmux, came: str) -> None:
    lives = open_sleeper(tmux, "ses_lives")
    dies = open_sleeper(tmux, "ses_dies", script=f"{FOCUS_REPORTING}; sleep 600")
    eventually(lambda: "last words" in tmux.capture(dies.ref, colours=False).text)

    def die() -> None:
        os.killpg(dies.pid, signal.SIGKILL)
        eventually(lambda: [p.dead_signal for p in tmux.panes()] == [None, 9])

    if came == "after":
        die()
    with attached(tmux, dies.ref) as terminal:
        if came == "before":
            die()
        terminal.type(b"\x1b[O\x1b[I\x02n\x02p\x02d")
        assert eventually(lambda: terminal.process.poll() is not None)

    assert {p.pane_id: p.dead for p in tmux.panes()} == {lives.ref.pane_id: False, dies.ref.pane_id: True}


async def test_views_that_nobody_looks_at_are_closed_by_the_daemon(tmux: Tmux) -> None:
    pane = open_sleeper(tmux)
    client = ControlClient(tmux, retry_s=0.05)

    with attached(tmux, pane.ref) as terminal:
        terminal.process.kill()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(client.serve())
        await aeventually(partial(asyncio.to_thread, only_the_session_is_left, tmux), what="what was left before")
        with attached(tmux, pane.ref) as terminal:
            assert not only_the_session_is_left(tmux)
            terminal.type(b"\x02d")
        await aeventually(partial(asyncio.to_thread, only_the_session_is_left, tmux), what="what is left now")
        task.cancel()


async def test_the_control_client_waits_while_somebody_attaches(tmux: Tmux) -> None:
    """tmux 3.3 crashes when a terminal and a control client attach at the same moment."""
    pane = open_sleeper(tmux)
    client = ControlClient(tmux, retry_s=0.05)
    tmux.attach_argv(pane.ref)
    announced = time.monotonic()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(client.serve())
        assert await client.panes() == tmux.panes()
        assert isinstance(await client.events.get(), ServerFound)
        assert time.monotonic() - announced > 0.9
        task.cancel()


@pytest.mark.parametrize("rounds", [4, pytest.param(150, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
async def test_a_crowd_of_people_and_dying_agents_leaves_the_server_alive(tmux: Tmux, rounds: int) -> None:
    panes = [open_sleeper(tmux, f"ses_{number}") for number in range(4)]
    server = tmux.run("display-message", "-p", "#{pid}")
    client = ControlClient(tmux, retry_s=0.05)

    def person(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(rounds):
            with attached(tmux, rng.choice(panes).ref) as terminal:
                for _ in range(rng.randrange(6)):
                    terminal.type(rng.choice([b"\x1b[O", b"\x1b[I", b"\x02n", b"\x02p", b"\x02[", b"q", b"x\r"]))
                if rng.random() < 0.5:
                    terminal.type(b"q\x02d")

    def agents() -> None:
        rng = random.Random(99)
        for number in range(rounds * 4):
            ending = rng.choice(["exit 3", "kill -9 $$", "sleep 600"])
            pane = open_sleeper(tmux, f"ses_dies_{number}", script=f"{FOCUS_REPORTING}; {ending}")
            if ending == "sleep 600":
                os.kill(pane.pid, signal.SIGKILL)
            tmux.capture(pane.ref, colours=True)
            if rng.random() < 0.8:
                tmux.kill_window(pane.ref)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(client.serve())
        assert isinstance(await client.events.get(), ServerFound)
        async with asyncio.TaskGroup() as crowd:
            for work in (partial(person, 1), partial(person, 2), partial(person, 3), agents):
                crowd.create_task(asyncio.to_thread(work))
        assert tmux.run("display-message", "-p", "#{pid}") == server
        assert {facts.pane_id for facts in await client.panes()} >= {pane.ref.pane_id for pane in panes}
        await aeventually(partial(asyncio.to_thread, only_the_session_is_left, tmux))
        task.cancel()


def test_there_is_no_way_to_attach_to_another_session_s_pane(tmux: Tmux) -> None:
    pane = open_sleeper(tmux)

    with pytest.raises(PaneGone):
        tmux.attach_argv(PaneRef(pane.ref.pane_id, "ses_other"))
