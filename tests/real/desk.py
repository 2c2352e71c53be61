"""A whole Maestro with the real agent programs, which reach a model on loopback and nothing else."""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psutil

from maestrod.tmux.oneshot import PaneRef
from tests.e2e.workshop import BESIDE, Workshop
from tests.real.model import Act, Model
from tests.support.eventually import eventually

FOLDER_VARIABLE = "MAESTRO_REAL_AGENTS"
FOLDER = os.environ.get(FOLDER_VARIABLE, "")
FAKE_KEY = "sk-ant-not-a-real-key-0123456789abcdef"
NOWHERE = "http://127.0.0.1:9"


def program(name: str) -> str | None:
    """The real program: in the folder that was named, or where npm puts it there."""
    places = [FOLDER, f"{FOLDER}/bin", f"{FOLDER}/node_modules/.bin"] if FOLDER else []
    return shutil.which(name, path=os.pathsep.join(places)) if places else None


class Desk(Workshop):
    """The programs have homes of their own, a fake key, and a proxy that is not there for everything but loopback."""

    def __init__(self, folder: Path, provider: str) -> None:
        super().__init__(folder)
        self.provider = provider
        self.model = Model()
        for stand_in in self.bin.iterdir():
            stand_in.unlink()
        real = program(provider)
        assert real is not None
        (self.bin / provider).symlink_to(real)
        for name in ("MAESTRO_FAKE_LOG", "MAESTRO_FAKE_LINGER_S"):
            del self.env[name]
        self.env |= {
            "PATH": os.pathsep.join([str(self.bin), str(BESIDE), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HTTPS_PROXY": NOWHERE,
            "NO_PROXY": "127.0.0.1,localhost",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1",
        }
        {"claude": self._claude, "codex": self._codex, "gemini": self._gemini}[provider]()

    def _claude(self) -> None:
        home = folder_of(self.env["CLAUDE_CONFIG_DIR"])
        approved = {"approved": [FAKE_KEY[-20:]], "rejected": []}
        known = {"hasCompletedOnboarding": True, "customApiKeyResponses": approved}
        (home / ".claude.json").write_text(json.dumps(known))
        self.env |= {"ANTHROPIC_BASE_URL": self.model.url, "ANTHROPIC_API_KEY": FAKE_KEY}

    def _codex(self) -> None:
        home = folder_of(self.env["CODEX_HOME"])
        (home / "config.toml").write_text(
            'model = "gpt-5.4"\nmodel_provider = "stub"\n[model_providers.stub]\nname = "stub"\n'
            f'base_url = "{self.model.url}/v1"\nwire_api = "responses"\nenv_key = "STUB_API_KEY"\n'
            "request_max_retries = 0\nstream_max_retries = 0\n"
        )
        self.env["STUB_API_KEY"] = FAKE_KEY

    def _gemini(self) -> None:
        home = folder_of(self.env["GEMINI_CLI_HOME"], ".gemini")
        settings = {
            "security": {"auth": {"selectedType": "gemini-api-key"}},
            "general": {"enableAutoUpdate": False},
            "privacy": {"usageStatisticsEnabled": False},
        }
        (home / "settings.json").write_text(json.dumps(settings))
        self.env |= {"GOOGLE_GEMINI_BASE_URL": self.model.url, "GEMINI_API_KEY": FAKE_KEY}

    def begin(self) -> None:
        """Make the directory a project, and allow what the agent insists on."""
        super().begin()
        if self.provider != "codex":
            self.ok("agent", "hooks", "install", self.provider, "--yes")

    def play(self, name: str, task: str, *acts: Act) -> None:
        """Put a play on, and have the task's instructions begin it."""
        self.model.plays[name] = list(acts)
        self.ok("task", "edit", task, "--description", f"PLAY {name}")

    def at_work(self, command: str, then: Act | None = None, more: Mapping[str, object] | None = None) -> str:
        """A session that has started its task, and then has the model run a command; it stays open."""
        task = self.task("Try it")
        acts = [Act(run=f"maestro task start {task}"), Act(run=command, extra=more or {})]
        self.play("work", task, *acts, then or Act(say="That was it."))
        session = self.spawn(self.provider, task, more=("--keep-open",))
        eventually(lambda: self.get(f"/tasks/{task}")["status"] == "in_progress", timeout=60, what="it is at work")
        return session

    def shows(self, session_id: str, words: str) -> None:
        """Wait until its window does."""
        eventually(lambda: words in self.screen(session_id), timeout=60, what=f"{words!r} on the screen")

    def press(self, session_id: str, *keys: str) -> None:
        """What a person does who sits at the window."""
        self.tmux.send_keys(PaneRef(self.session(session_id)["pane"]["pane"], session_id), *keys)

    def turn_of(self, session_id: str) -> dict[str, Any]:
        """What the daemon says the agent does."""
        found = self.session(session_id)
        return dict(found["turn"])

    def told_at(self, since: int) -> int:
        """When the need that began then was on the disk: it is told to screens in the same moment."""
        commits = self.get("/commits?limit=1000")["data"]
        needs = [c for c in commits if (c["command"].get("needsInput") or {}).get("since") == since]
        return int(needs[0]["at"])

    def note(self, words: str) -> None:
        """For whoever writes down what was seen; shown by `pytest -s`."""
        sys.stdout.write(f"\n{self.provider}: {words}\n")

    def arguments(self) -> list[list[str]]:
        """Those of every process that was started for this folder."""
        found = []
        for process in self.processes():
            with contextlib.suppress(psutil.Error):  # gone meanwhile
                found.append(process.cmdline())
        return found

    def leaves_nothing(self) -> None:
        """Wait until nothing runs of the agent any more."""

        def left() -> list[str]:
            named = [words for words in self.arguments() if self.provider in " ".join(words[:2])]
            return [" ".join(words)[:200] for words in named if "maestro" not in " ".join(words[:2])]

        eventually(lambda: not left(), what=f"{self.provider} is gone with all that it started")

    def screen(self, session_id: str) -> str:
        """What the session's window shows."""
        return str(self.get(f"/sessions/{session_id}/screen")["text"])

    def turn(self, session_id: str, state: str, *, timeout: float = 60.0) -> dict[str, Any]:
        """The session, once its agent is doing that."""

        def look() -> dict[str, Any]:
            found = self.session(session_id)
            assert found["turn"]["state"] == state, (found["status"], found["turn"], self.screen(session_id))
            return found

        return eventually(look, timeout=timeout, what=f"{session_id} {state}")

    def close(self) -> None:
        self.model.close()
        super().close()


def folder_of(*parts: str) -> Path:
    """The folder, made when it was not there."""
    place = Path(*parts)
    place.mkdir(parents=True, exist_ok=True)
    return place


@contextmanager
def desk(provider: str) -> Iterator[Desk]:
    """A desk, cleared away at the end."""
    made = Desk(Path(mkdtemp(prefix="mre-", dir="/tmp")), provider)
    try:
        yield made
    finally:
        made.close()
