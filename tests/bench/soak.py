"""Agents at work for a while: what the daemon's processor, memory and journal show of it.

``python -m tests.bench.soak [--agents 50] [--minutes 10] [--write]``: scripted agents in panes of a private tmux
server, launched as ever, watched by a real daemon. Each calls 20 hooks a minute, as Claude Code does in turns of two
minutes: a prompt, tool after tool, the end. Processor time is what the system counts for the daemon's processes, so
that other work on the machine matters little. Four stretches follow one another, the last three a fifth as long:

* **at work**: the agents' hooks come, each on a connection of its own;
* **at rest**: nobody says anything, and the agents are watched;
* **requests alone**: as at rest, and the same requests at the same pace about a session that has ended, whose hooks
  nobody judges.

What the hooks' requests cost is *requests alone* less *at rest*. All that *at work* takes beyond that is held to a
budget: watching the agents, judging what they do, and writing down when that changes.
"""

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count, repeat
from pathlib import Path

import aiohttp
import msgspec

from maestro_cli.fake.install import shims
from maestrod.tmux.oneshot import Tmux, server_name
from tests.bench import report
from tests.bench.report import Budget, Part, Report, Row, row
from tests.bench.servers import OURS, Server, running
from tests.bench.wire import Failed, request
from tests.support.eventually import eventually

A_MINUTE = 20
"""Hooks of each agent."""
TOOLS = 19
"""Of a turn: two hooks each, beside one for the prompt and one for the end."""
MAESTRO = (sys.executable, "-m", "maestro_cli")
LOOKS = 10
"""At the memory: the first when a tenth of the time has passed."""
BESIDE = 0.2
"""The length of the other stretches, as a share of the first."""
PROCESSOR = Budget(most=0.5, absolute=True)
FPS = 10
LOOKED_AT = Budget(most=1.0, absolute=True)
JOURNAL = Budget(most=1.0, absolute=True)
FLAT = Budget(most=2.0, absolute=True)
READY_WITHIN_S = 60.0


class Named(msgspec.Struct):
    """Whatever has an id."""

    id: str


class Agent(msgspec.Struct, frozen=True, rename="camel"):
    """What is told of a session."""

    id: str
    status: str
    conversation_id: str | None = None
    transcript_path: str | None = None


class Crowd(msgspec.Struct, frozen=True):
    """Agents in their panes, and the environment and folder that more are started in."""

    agents: Sequence[Agent]
    env: Mapping[str, str]
    project: Path


class Watched(msgspec.Struct, frozen=True):
    """What one stretch took: percent of a core, and the memory meanwhile in MB."""

    percent: float
    memory: Sequence[float]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and perhaps write; the exit code: 0 done, 1 a budget was missed, 2 an error."""
    options = _options(argv)
    try:
        rows = measure(options.agents, options.minutes)
    except Failed as error:
        sys.stderr.write(f"the run is worth nothing: {error}\n")
        return 2
    part = Part("soak", report.run(repetitions=1), tuple(rows))
    sys.stdout.write(report.section(Report((part,))))
    if options.write:
        report.write([part])
    return 1 if any(each.kept is False for each in rows) else 0


def measure(agents: int, minutes: float) -> list[Row]:
    """Rows of one soak.

    Raises:
        Failed: a request was refused, or an agent was not launched.
    """
    seconds, pace = minutes * 60, agents * A_MINUTE / 60
    with running(OURS) as server, _launched(server, agents) as crowd:
        before = _journal_mb(server)
        work = _watched(server, seconds, pace, _turns(crowd.agents))
        grown = _journal_mb(server) - before
        for agent in crowd.agents:
            _ask(server, _hook(agent, "Stop"))
        rest = _watched(server, seconds * BESIDE, pace, repeat(None))
        alone = _watched(server, seconds * BESIDE, pace, _turns([_ended(server)]))
        with _looking(server, _drawing(server, crowd)):
            looked = _watched(server, seconds * BESIDE, pace, repeat(None))
    requests = alone.percent - rest.percent
    at_work, at_rest = f"{agents} agents {minutes:g} min at work", f"{agents} agents at rest"
    return [
        row(f"{at_work}, the daemon's processor", [work.percent], unit="%"),
        row(f"{at_work}, of that their requests alone", [requests], unit="%"),
        row(f"{at_work}, and what is beyond them", [work.percent - requests], unit="%", budget=PROCESSOR),
        row(f"{at_rest}, the daemon's processor", [rest.percent], unit="%", budget=PROCESSOR),
        row(f"{at_rest} and one looked at, the daemon's processor", [looked.percent], unit="%", budget=LOOKED_AT),
        row(f"{at_work}, the journal grows by", [grown], unit="MB", budget=JOURNAL),
        row(f"{at_work}, memory in the end", [work.memory[-1]], unit="MB"),
        row(f"{at_work}, memory grows by", [work.memory[-1] - work.memory[0]], unit="MB", budget=FLAT),
    ]


@contextmanager
def _launched(server: Server, agents: int) -> Iterator[Crowd]:
    """So many agents, each in its pane and through with its first turn."""
    with tempfile.TemporaryDirectory(prefix="mae-", dir="/tmp") as folder:
        shims(f"{folder}/bin")
        project = Path(folder, "soak")
        project.mkdir()
        env = {**server.env, "PATH": f"{folder}/bin:{server.env['PATH']}", "MAESTRO_NO_AUTOSTART": "1"}
        try:
            _run([*MAESTRO, "init", str(project)], env, project)
            for number in range(agents):
                _spawn(f"agent {number}", env, project)
            eventually(lambda: _idle(server) == agents, timeout=READY_WITHIN_S, what="every agent waits for a prompt")
            yield Crowd(_sessions(server), env, project)
        finally:
            Tmux(server_name(str(server.home)), server.home / "run" / "tmux.conf", os.environ).kill_server()


def _spawn(name: str, env: Mapping[str, str], project: Path) -> None:
    _run([*MAESTRO, "session", "spawn", "--provider", "claude", "--name", name], env, project)


def _drawing(server: Server, crowd: Crowd) -> str:
    """The id of one agent more, which prints a line ten times a second from now on."""
    script = crowd.project / "draw.txt"
    script.write_text(f"SLOW: 1000000 {1 / FPS}\n", encoding="utf-8")
    _spawn("drawing", {**crowd.env, "MAESTRO_FAKE_SCRIPT": str(script)}, crowd.project)
    known = {agent.id for agent in crowd.agents}
    (drawing,) = [agent.id for agent in _sessions(server) if agent.id not in known and agent.status != "stopped"]
    return drawing


@contextmanager
def _looking(server: Server, session: str) -> Iterator[None]:
    """Somebody watches the pane of a session meanwhile.

    Raises:
        Failed: much less of it was shown than was drawn.
    """
    frames, over, began = [0], threading.Event(), time.monotonic()
    thread = threading.Thread(target=asyncio.run, args=(_look(server, session, frames, over),))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if frames[0] < FPS * 0.7 * (time.monotonic() - began):
        raise Failed(f"{frames[0]} pictures in {time.monotonic() - began:.0f} s")


async def _look(server: Server, session: str, frames: list[int], over: threading.Event) -> None:
    path = f"http://maestro/api/v1/sessions/{session}/screen/stream?fps={FPS}"
    connector = aiohttp.UnixConnector(str(server.socket))
    async with aiohttp.ClientSession(connector=connector) as client, client.ws_connect(path) as ws:
        while not over.is_set():
            with suppress(TimeoutError):
                await ws.receive_str(timeout=1.0)
                frames[0] += 1


def _run(argv: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
    done = subprocess.run(argv, env=dict(env), cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{' '.join(argv[2:])}: {done.stderr}{done.stdout}")


def _watched(server: Server, seconds: float, pace: float, hooks: Iterator[bytes | None]) -> Watched:
    """Watch the daemon for some time while hooks come, so many a second."""
    began, used = time.monotonic(), server.cpu_s()
    memory: list[float] = []
    for number, hook in zip(range(round(seconds * pace)), hooks, strict=False):
        time.sleep(max(0.0, began + number / pace - time.monotonic()))
        if hook is not None:
            _ask(server, hook)
        if time.monotonic() >= began + seconds * (len(memory) + 1) / LOOKS:
            memory.append(server.rss_mb())
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    taken = server.cpu_s() - used
    return Watched(100 * taken / (time.monotonic() - began), [*memory, server.rss_mb()])


def _turns(agents: Sequence[Agent]) -> Iterator[bytes]:
    """Hook after hook, of one agent after the other; each agent is somewhere else in its turn."""
    turn = ["UserPromptSubmit", *["PreToolUse", "PostToolUse"] * TOOLS, "Stop"]
    for step in count():
        for number, agent in enumerate(agents):
            yield _hook(agent, turn[(step + number * len(turn) // len(agents)) % len(turn)])


def _hook(agent: Agent, event: str) -> bytes:
    """What ``maestro hook claude`` sends."""
    payload: dict[str, object] = {
        "session_id": agent.conversation_id or "none",
        "transcript_path": agent.transcript_path or "/none",
        "cwd": "/tmp",
        "permission_mode": "acceptEdits",
        "hook_event_name": event,
    }
    if "ToolUse" in event:
        payload |= {"tool_name": "Bash", "tool_input": {"command": "make test", "description": "Run the tests"}}
    if event == "PostToolUse":
        payload["tool_response"] = {"stdout": "a line of some test that has passed\n" * 20, "stderr": ""}
    at = time.time_ns() // 1_000_000
    body = {"provider": "claude", "event": event, "hookId": os.urandom(12).hex(), "at": at, "payload": payload}
    return request("POST", f"/api/v1/sessions/{agent.id}/hook", body, close=True)


def _ended(server: Server) -> Agent:
    """A session whose hooks nobody judges: it was stopped before anybody launched it."""
    (project,) = msgspec.json.decode(_ask(server, request("GET", "/api/v1/projects", close=True)), type=list[Named])
    body = {"projectId": project.id, "name": "ended", "provider": "claude"}
    made = msgspec.json.decode(_ask(server, request("POST", "/api/v1/sessions", body, close=True)), type=Agent)
    _ask(server, request("POST", f"/api/v1/sessions/{made.id}/stop", {}, close=True))
    return made


def _idle(server: Server) -> int:
    return sum(agent.status == "idle" for agent in _sessions(server))


def _sessions(server: Server) -> list[Agent]:
    return msgspec.json.decode(_ask(server, request("GET", "/api/v1/sessions", close=True)), type=list[Agent])


def _ask(server: Server, sent: bytes) -> bytes:
    """The body of an answer, on a connection of its own."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(server.socket))
        sock.sendall(sent)
        answer = b"".join(iter(lambda: sock.recv(1 << 16), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    if head[9:10] != b"2":
        raise Failed(f"a request was answered {answer[:300].decode(errors='replace')}")
    return body


def _journal_mb(server: Server) -> float:
    return sum(path.stat().st_size for path in (server.home / "data" / "journal").glob("*.jsonl")) / 2**20


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=10.0, help="at work; everything takes half as long again")
    parser.add_argument("--write", action="store_true", help="put it into the report that docs/ shows")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
