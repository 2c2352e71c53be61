"""Files of MCP servers: what is understood of them, and how a server gets its variables."""

import json
import sys
from pathlib import Path

import pytest

from maestrod.providers.mcp import SIZE, BadServers, parse
from tests.cli.program import Maestro

ECHO = "import os, sys; print(sys.argv[1:], os.environ['NOTES_KEY'], os.getcwd())"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"mcpServers": []}',
        b'{"mcpServers": {"a": {}}}',
        b'{"mcpServers": {"a": {"command": "x", "url": "http://x"}}}',
        b'{"mcpServers": {"a": {"command": 1}}}',
        b'{"mcpServers": {"a": {"command": "x", "env": {"N": 1}}}}',
        b'{"mcpServers": {"a b": {"command": "x"}}}',
        b'{"mcpServers": {"": {"command": "x"}}}',
        b'{"mcpServers": {"a]\\nx=1": {"command": "x"}}}',
        b'{"mcpServers": {"a": {"command": "x"',
        b'\xff\xfe{"mcpServers": {}}',
        b"[" * 100_000,
        b" " * (SIZE + 1),
    ],
    ids=lambda raw: repr(raw[:40]),
)
def test_a_file_that_is_not_understood_is_refused_by_name(raw: bytes) -> None:
    with pytest.raises(BadServers, match=r"/srv/mcp\.json"):
        parse("/srv/mcp.json", raw)


def test_what_agents_of_other_makers_say_beside_is_no_error() -> None:
    found = parse("/x", b'{"mcpServers": {"a": {"type": "stdio", "command": "x", "timeout": 5}}, "inputs": []}')
    assert found.servers["a"].command == "x"


@pytest.fixture
def here(tmp_path: Path) -> Maestro:
    return Maestro(tmp_path, cwd=tmp_path, env={"MAESTRO_NO_AUTOSTART": "1"})


def test_a_server_is_the_program_with_its_variables_from_the_file(here: Maestro, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    server = {"command": sys.executable, "args": ["-c", ECHO, "--json", "$HOME"], "env": {"NOTES_KEY": "a-secret"}}
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": {"notes": server | {"cwd": str(tmp_path / "sub")}}}))
    said = here("agent", "mcp", "mcp.json", "notes")
    assert said.code == 0, said
    assert said.out == f"['--json', '$HOME'] a-secret {(tmp_path / 'sub').resolve()}\n"


@pytest.mark.parametrize(
    ("server", "name", "code", "error"),
    [
        ({"command": "no-such-program"}, "notes", 7, "agent_not_started"),
        ({"command": "sh", "cwd": "/no/such/folder"}, "notes", 7, "agent_not_started"),
        ({"command": "sh"}, "other", 3, "not_found"),
        ({"url": "http://x"}, "notes", 3, "not_found"),
        ({}, "notes", 2, "validation_error"),
    ],
)
def test_a_server_that_cannot_be_started_is_said_so(
    here: Maestro, tmp_path: Path, server: dict[str, str], name: str, code: int, error: str
) -> None:
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": {"notes": server}}))
    said = here("agent", "mcp", "mcp.json", name, "--json")
    assert (said.code, said.error) == (code, error)
    assert here("agent", "mcp", "missing.json", name, "--json").code == 7
