"""What the caller keeps secret reaches the agent, and nobody else."""

import contextlib
import json
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from maestrod.protocol.routes import READS
from tests.e2e.workshop import PROVIDERS, Workshop

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

LIVE = ("/state", "/skills", "/backups", "/sessions/{session}/screen", "/sessions/{session}/explain")
"""What is answered beside what the state holds."""


def answers(shop: Workshop, session_id: str) -> dict[str, str]:
    """By path, everything that can be read of a home, its events from the first on among them."""
    own = {"{session}": session_id, "{project}": shop.session(session_id)["projectId"]}
    own["{task}"] = shop.session(session_id)["taskIds"][0]
    told = {}
    for path in [*(route.path for route in READS), *LIVE]:
        for hole, id_ in own.items():
            path = path.replace(hole, id_)
        if "{" not in path:
            said = shop.door.call("GET", path)
            assert said.status in (200, 400, 404, 409), (path, said.json)
            told[path] = said.raw.decode()
    shop.task("The last of all")
    told["/events"] = shop.events(until="The last of all")
    assert session_id in told["/events"]
    assert json.loads(told["/commits"])
    return told


def command_lines() -> set[str]:
    """Of every process there is."""
    lines = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            lines.add(" ".join(process.cmdline()))
    return lines


@contextmanager
def seen_arguments() -> Iterator[set[str]]:
    """What was seen of the arguments of all processes, again and again for as long as it is entered."""
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            seen.update(command_lines())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def files_with(folder: Path, secret: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_secret_of_the_caller_is_known_to_the_agent_alone(bare: Workshop, provider: str) -> None:
    key, other, third = f"sk-ant-{secrets.token_hex(12)}", secrets.token_hex(12), secrets.token_hex(12)
    bare.env |= {"ANTHROPIC_API_KEY": key, "MY_SECRET": other}
    go = bare.folder / "go"
    bare.script(
        provider,
        'RUN: test -n "$ANTHROPIC_API_KEY" && test -n "$MY_SECRET"',
        'RUN: "$MAESTRO_BIN" task start "$MAESTRO_TASK_IDS"',
        f"WAIT: {go}",
        'RUN: "$MAESTRO_BIN" task complete "$MAESTRO_TASK_IDS"',
    )
    bare.begin()
    servers = {"notes": {"command": "true", "env": {"NOTES_KEY": third}}}
    (bare.folder / "mcp.json").write_text(json.dumps({"mcpServers": servers}))
    with seen_arguments() as shown:
        spawned = bare.maestro(
            *("session", "spawn", "--task", bare.task(), "--provider", provider, "--keep-open"),
            *("--mcp-config", str(bare.folder / "mcp.json")),
        )
        (session_id,) = bare.statuses("sessions")
        bare.ran("task start")
        refused = bare.maestro("session", "spawn", "--provider", provider, "--task", "no-such-task")
    assert (spawned.code, refused.code) == (0, 3)

    told = answers(bare, session_id) | {str(said.words): said.out + said.err for said in (spawned, refused)}
    daemon = psutil.Process(bare.daemon_pid()).environ()
    server = bare.tmux.run("show-environment", "-g")
    agent = psutil.Process(bare.session(session_id)["pane"]["pid"]).environ()

    assert (agent["ANTHROPIC_API_KEY"], agent["MY_SECRET"]) == (key, other)
    assert any(" agent run " in line for line in shown)
    for secret in (key, other, third):
        assert not [line for line in shown if secret in line]
        assert [path for path, text in told.items() if secret in text] == []
        assert secret not in daemon.values()
        assert secret not in server
        assert files_with(bare.home, secret) == []
    go.touch()
    bare.ran("task complete")
    assert [files_with(bare.home, secret) for secret in (key, other, third)] == [[], [], []]
    bare.no_agent_stumbled()


def test_a_sessions_credential_is_in_its_file_alone(shop: Workshop) -> None:
    go = shop.folder / "go"
    shop.script("claude", f"WAIT: {go}")
    session_id = shop.spawn("claude", shop.task())
    path = shop.home / "run" / "sessions" / session_id / "cred"
    credential = path.read_text().strip()

    assert path.stat().st_mode & 0o777 == 0o600
    assert files_with(shop.home, credential) == [path]
    assert not [line for line in command_lines() if credential in line]
    environs = [process.environ() for process in shop.processes() if process.pid != os.getpid()]
    assert not [environ for environ in environs if credential in environ.values()]


def test_a_launch_that_failed_keeps_nothing_of_the_callers_environment(shop: Workshop) -> None:
    secret = secrets.token_hex(12)
    stub = shop.bin / "tmux"
    stub.write_text('#!/bin/sh\ncase "$1" in -V) echo "tmux 3.4" ;; *) echo "out of order" >&2; exit 1 ;; esac\n')
    stub.chmod(0o755)

    said = shop.maestro(
        *("session", "spawn", "--task", shop.task(), "--provider", "claude", "--json"),
        env={**shop.env, "MY_SECRET": secret},
    )

    assert said.code == 7
    assert "out of order" in said.json["message"]
    assert files_with(shop.home, secret) == []
