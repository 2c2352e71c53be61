"""The plugin in an agent that a launch gives no hooks: it hears and is heard, and nothing is said twice."""

import shutil
from pathlib import Path

import pytest

from maestro_cli.commands.plugins import place
from tests.e2e.workshop import Workshop

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

FOLDER = place()
MOMENTS = ("SessionStart", "BeforeAgent", "BeforeTool", "AfterTool", "AfterAgent")


@pytest.mark.skipif(not FOLDER.exists(), reason="the plugin is not beside the packages")
def test_gemini_is_heard_by_its_extension(shop: Workshop) -> None:
    shutil.copytree(FOLDER, Path(shop.env["GEMINI_CLI_HOME"]) / ".gemini" / "extensions" / "maestro")
    task = shop.task()

    session = shop.spawn("gemini", task)
    assert shop.maestro("session", "wait", session, "--until", "completed", "--timeout", "60").code == 0

    shop.no_agent_stumbled()
    heard = [(entry["name"], entry["stdout"]) for entry in shop.log("hook", "gemini")]
    assert set(MOMENTS) <= {name for name, _ in heard}
    assert {said for _, said in heard} == {"{}"}
    known = shop.get(f"/sessions/{session}")
    assert known["conversationId"] == next(e["sessionId"] for e in shop.log("start", "gemini"))
    assert shop.get(f"/tasks/{task}")["status"] == "completed"
