"""How long a mail takes to reach an idle agent: from asking the daemon to the agent's own account of the prompt.

Scripted agents of every provider in panes of a private tmux server, launched as ever; one mail at a time for each of
them, in turn, when its last turn is over. What is counted is the line that is typed into the pane.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from maestro_cli.fake.install import shims
from maestrod.tmux.oneshot import Tmux, server_name
from tests.bench.load import drive, percentile
from tests.bench.report import Budget, Row, row
from tests.bench.servers import OURS, Server, running
from tests.bench.wire import Failed, request
from tests.support.eventually import eventually

PROVIDERS = ("claude", "codex", "gemini")
BUDGET = Budget(most=500.0, absolute=True)
REST_S = 0.5
"""Between the end of a turn and the next mail: an agent counts as idle a moment later."""
WITHIN_S = 30.0


class Agent(msgspec.Struct, frozen=True):
    """A session, and what runs in it."""

    id: str
    provider: str
    status: str


def measure(mails: int) -> list[Row]:
    """The 95th percentile over so many mails to each agent, and how many were told twice."""
    taken: list[float] = []
    with running(OURS) as server, _launched(server) as (agents, log):
        for _ in range(mails):
            taken += [_reached(server, log, agent) for agent in agents]
        told = len(_prompts(log))
    name = f"a mail to an idle agent, of {len(taken)}"
    return [
        row(f"{name}, median", [percentile(taken, 0.5)]),
        row(f"{name}, p95", [percentile(taken, 0.95)], budget=BUDGET),
        row(f"{name}, told more than once", [float(told - len(taken))], unit="", budget=Budget(most=0, absolute=True)),
    ]


def _reached(server: Server, log: Path, agent: Agent) -> float:
    """Milliseconds until the agent has the line, which is waited for to be done with."""
    before = len(_prompts(log))
    began = time.time()
    drive(server, [request("POST", "/api/v1/mail", {"toSessionId": agent.id, "message": "go on"})])
    at = eventually(lambda: _prompts(log)[before:], timeout=WITHIN_S, what=f"{agent.provider} is told")[0]
    eventually(lambda: _status(server, agent) == "idle" and _rests(log), timeout=WITHIN_S, what="it is idle again")
    time.sleep(REST_S)
    return (at - began) * 1000


@contextmanager
def _launched(server: Server) -> Iterator[tuple[Sequence[Agent], Path]]:
    """An idle agent of each provider, and what they tell of themselves."""
    maestro = [sys.executable, "-m", "maestro_cli"]
    with tempfile.TemporaryDirectory(prefix="mae-", dir="/tmp") as folder:
        shims(f"{folder}/bin")
        log, project = Path(folder, "fake.jsonl"), Path(folder, "work")
        project.mkdir()
        homes = dict.fromkeys(("CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME"), folder)
        env = {**server.env, **homes, "PATH": f"{folder}/bin:{server.env['PATH']}", "MAESTRO_FAKE_LOG": str(log)}
        try:
            _run([*maestro, "init", str(project)], env, project)
            for name in PROVIDERS:
                _run([*maestro, "session", "spawn", "--provider", name, "--name", name, "--keep-open"], env, project)
            eventually(lambda: {a.status for a in _agents(server)} == {"idle"}, timeout=WITHIN_S, what="all are idle")
            time.sleep(REST_S)
            yield _agents(server), log
        finally:
            Tmux(server_name(str(server.home)), server.home / "run" / "tmux.conf", os.environ).kill_server()


def _run(argv: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
    done = subprocess.run(argv, env=dict(env), cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{' '.join(argv[2:])}: {done.stderr}{done.stdout}")


def _agents(server: Server) -> list[Agent]:
    body = drive(server, [request("GET", "/api/v1/sessions")]).bodies[0]
    return msgspec.json.decode(body, type=list[Agent])


def _status(server: Server, agent: Agent) -> str:
    return next(each.status for each in _agents(server) if each.id == agent.id)


def _entries(log: Path) -> list[dict[str, object]]:
    whole = log.read_bytes().rpartition(b"\n")[0]
    return [json.loads(line) for line in whole.split(b"\n") if line]


def _prompts(log: Path) -> list[float]:
    """When the lines came that somebody typed, in seconds since the epoch."""
    typed = [e for e in _entries(log) if e["event"] == "prompt" and e["source"] != "argument"]
    return [e["at"] for e in typed if isinstance(e["at"], float)]


def _rests(log: Path) -> bool:
    """Whether every turn that began is over."""
    events = [entry["event"] for entry in _entries(log)]
    return events.count("idle") == events.count("prompt")
