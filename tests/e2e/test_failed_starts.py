"""What cannot start fails with the reason and leaves nothing behind; it is never called started."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.workshop import Said, Workshop
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

TOOLS = ("sh", "dd", "stty", "git", "tmux", "env", "touch", "cat", "sleep", "infocmp", "ps", "uname")


def tools(shop: Workshop, *, without: str = "") -> str:
    """A folder for PATH with little in it, and no agent."""
    folder = shop.folder / "tools"
    folder.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        if found is not None and name != without:
            (folder / name).symlink_to(found)
    return str(folder)


def refused(shop: Workshop, said: Said, *, status: str = "failed") -> dict[str, Any]:
    """The session of a call that failed with exit 7 and left nothing behind."""
    assert said.code == 7, said
    document = said.json
    assert document["success"] is False
    assert document["error"] == "agent_not_started"
    session: dict[str, Any] = shop.session(document["details"][0]["sessionId"])
    assert session["status"] == status, session
    assert document["details"][0]["reason"] in document["message"]
    eventually(lambda: shop.windows() == [], what="no window is left")
    assert shop.assignment(str(session["id"]))["status"] == "failed"
    assert set(shop.statuses("tasks").values()) == {"todo"}
    return session


def stub(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def spawned(shop: Workshop, *words: str, env: dict[str, str] | None = None) -> Said:
    return shop.maestro("session", "spawn", "--task", shop.task(), *words, "--json", env=env)


def test_a_provider_that_is_not_installed(shop: Workshop) -> None:
    said = spawned(shop, "--provider", "claude", env={**shop.env, "PATH": tools(shop)})

    refused(shop, said)
    assert "claude is not on PATH" in said.json["message"]
    assert "npm install" in said.json["suggestion"]


def test_no_provider_at_all(shop: Workshop) -> None:
    said = spawned(shop, env={**shop.env, "PATH": tools(shop)})

    refused(shop, said)
    assert all(name in said.json["message"] for name in ("claude", "codex", "gemini"))


def test_a_provider_that_nobody_knows(shop: Workshop) -> None:
    said = spawned(shop, "--provider", "nosuch")

    assert said.code == 7, said
    assert "nosuch" in said.json["message"]
    assert shop.statuses("sessions") == {}


def test_no_tmux(bare: Workshop) -> None:
    bare.env["PATH"] = os.pathsep.join([str(bare.bin), tools(bare, without="tmux")])
    bare.begin()

    said = spawned(bare, "--provider", "claude")

    assert "tmux" in said.json["message"]
    assert said.code == 7
    assert bare.session(said.json["details"][0]["sessionId"])["status"] == "failed"
    assert bare.ok("status")["sessions"]["failed"] == 1


def test_no_directory_to_work_in(shop: Workshop) -> None:
    task = shop.task()
    project = shop.get("/projects")[0]["id"]
    shop.project.rmdir()

    said = shop.maestro("session", "spawn", "--task", task, "--project", project, "--provider", "claude", "--json")

    refused(shop, said)
    assert str(shop.project) in said.json["message"]


@pytest.mark.parametrize(
    ("provider", "first"),
    [("claude", "CRASH: 3"), ("codex", "CRASH: 3"), ("claude", "EXIT: 3"), ("codex", "KILL:")],
)
def test_an_agent_that_ends_at_once(shop: Workshop, provider: str, first: str) -> None:
    shop.script(provider, first)

    said = spawned(shop, "--provider", provider)

    refused(shop, said)
    assert provider in said.json["message"]


def test_an_agent_that_gave_a_sign_of_life_and_left_of_its_own_will_has_started(shop: Workshop) -> None:
    shop.script("claude", "EXIT: 0")

    said = spawned(shop, "--provider", "claude")

    assert said.code == 0, said
    ended = shop.becomes(said.json["data"]["session"]["id"], "stopped")
    assert ended["exit"]["code"] == 0


def test_an_agent_that_complains_and_ends(shop: Workshop) -> None:
    stub(shop.bin / "claude", "#!/bin/sh\necho 'Error: you are not logged in' >&2\nexit 1\n")

    said = spawned(shop, "--provider", "claude")

    session = refused(shop, said)
    assert "exited with code 1" in said.json["message"]
    assert "you are not logged in" in said.json["details"][0]["screen"]
    assert session["exit"]["code"] == 1


def test_a_program_that_cannot_run(shop: Workshop) -> None:
    stub(shop.bin / "codex", "\x7fELF no program")

    said = spawned(shop, "--provider", "codex")

    refused(shop, said)
    assert "cannot start codex" in said.json["message"]


def test_what_failed_can_be_tried_again(shop: Workshop) -> None:
    task = shop.task()
    shop.script("claude", "CRASH: 3")
    failed = shop.maestro("session", "spawn", "--task", task, "--provider", "claude", "--json")
    assert failed.code == 7
    del shop.env["MAESTRO_FAKE_SCRIPT_CLAUDE"]

    session_id = shop.spawn("claude", task)

    shop.becomes(session_id, "completed")
    assert shop.get(f"/tasks/{task}")["status"] == "completed"
