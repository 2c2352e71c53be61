"""What sessions are taken for, by the table in tests/agents/matrix.toml: all its rows at once, in one daemon."""

import threading
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from maestrod.watch.rulebook import FOLDER, shipped
from maestrod.watch.rules import parse
from maestrod.watch.screens import read
from tests.e2e.workshop import Workshop, ended, gone, workshop
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.timeout(120)]

TABLE: Mapping[str, Any] = tomllib.loads(Path(__file__).parents[1].joinpath("agents", "matrix.toml").read_text("utf-8"))
PROVIDERS = ("claude", "codex", "gemini", "plain")
PLAIN = """
format = 1
provider = "plain"
message = '^(?:> |\\$ |done in|stopped|exit )'

[dialogs]
mark = ">"

[[rules]]
name = "at work"
says = "working"
priority = 9
all = [{ in = "bottom", rows = 2, match = '\\(esc stops\\)$' }]

[[rules]]
name = "come back later"
says = "error"
kind = "limit"
text = "the limit is reached"
priority = 8
all = [{ in = "bottom", rows = 1, match = '^ready>' }, { in = "bottom", rows = 2, match = '^error 429' }]

[[rules]]
name = "log in"
says = "error"
kind = "auth"
text = "it is not logged in"
priority = 8
all = [{ in = "bottom", rows = 1, match = '^ready>' }, { in = "bottom", rows = 2, match = '^error 401' }]

[[rules]]
name = "error"
says = "error"
kind = "api"
text = "the request failed"
priority = 7
all = [{ in = "bottom", rows = 1, match = '^ready>' }, { in = "bottom", rows = 2, match = '^error ' }]

[[rules]]
name = "ready"
says = "idle"
priority = 6
all = [{ in = "bottom", rows = 1, match = '^ready>' }]

[[rules]]
name = "permission"
says = "needs_input"
kind = "permission"
priority = 5
all = [{ in = "dialog", match = '^May this command run' }]

[[rules]]
name = "trust"
says = "needs_input"
kind = "trust"
priority = 5
all = [{ in = "dialog", match = '^Trust ' }]

[[rules]]
name = "question"
says = "needs_input"
kind = "question"
all = [{ in = "dialog" }]
"""
AT_ONCE = 3
"""Agents that are started at a time."""


class Row:
    """One scenario played by one provider's agent."""

    def __init__(self, shop: Workshop, name: str, provider: str, starting: threading.Semaphore) -> None:
        self.shop = shop
        self.provider = provider
        self.scenario = TABLE[name]
        self.starting = starting
        self.folder = shop.folder / f"{name} {provider}"
        self.folder.mkdir()
        self.flag = self.folder / "flag"
        self.session = ""

    def begin(self) -> None:
        """Start the agent."""
        script = self.folder / "script"
        script.write_text("\n".join(self.scenario["script"]).replace("{flag}", str(self.flag)))
        env = self.shop.env | {f"MAESTRO_FAKE_SCRIPT_{self.provider.upper()}": str(script)}
        if delay_s := self.scenario.get("delay_s"):
            env["PATH"] = f"{self.delayed(delay_s)}:{env['PATH']}"
        with self.starting:
            begun = self.shop.start("session", "spawn", "--provider", self.provider, "--json", env=env)
            said = ended(begun)
        assert said.code == 0, said
        self.session = said.json["data"]["session"]["id"]

    def play(self) -> None:
        """Go through the steps.

        Raises:
            AssertionError: something else was told than the table says.
        """
        if not self.session:
            self.begin()
        for number, step in enumerate(self.scenario["steps"], 1):
            expected = {k: v for k, v in step.items() if k not in PROVIDERS} | step.get(self.provider, {})
            self.act(expected.pop("act", ""))
            eventually(partial(self.matches, expected), timeout=40, every=0.2, what=f"step {number}: {expected}")

    def delayed(self, seconds: float) -> Path:
        """A folder with an agent that does not begin at once."""
        program = self.folder / self.provider
        program.write_text(f'#!/bin/sh\nsleep {seconds}\nexec "{self.shop.bin / self.provider}" "$@"\n')
        program.chmod(0o755)
        return self.folder

    def act(self, act: str) -> None:
        """Do what a person does."""
        verb, _, rest = act.partition(" ")
        path = f"/sessions/{self.session}"
        if verb == "touch":
            self.flag.touch()
        elif verb == "keys":
            for key in rest.split():
                self.shop.post(f"{path}/input", {"keys": [key]})
        elif verb == "send":
            answer = self.shop.post(f"{path}/input", {"text": rest})
            assert answer["result"] == "submitted", answer
        elif verb == "stop":
            self.shop.post(f"{path}/stop", {})
        else:
            assert verb == ""

    def matches(self, expected: dict[str, Any]) -> bool:
        """Whether all that is told is as expected, and by whom it was said."""
        session, explained = self.shop.session(self.session), self.shop.get(f"/sessions/{self.session}/explain")
        verdict, exit_ = explained["verdict"], session["exit"] or {}
        told = {
            "doing": verdict["doing"],
            "kind": verdict["kind"],
            "status": session["status"],
            "needs_input": session["needsInput"]["active"],
            "background": verdict["background"],
            "code": exit_.get("code"),
            "signal": exit_.get("signal"),
        }
        wanted = {name: expected[name] for name in told if name in expected}
        assert {name: told[name] for name in wanted} == wanted, (explained, session["needsInput"])
        assert verdict["source"] in expected.get("by", [verdict["source"]]), verdict
        assert verdict["rule"]
        if "screen" in expected:
            assert self.shown() == expected["screen"]
        return not expected.get("gone") or self.is_gone(session)

    def shown(self) -> str:
        """What the shipped rules read from the agent's screen."""
        screen, rules = self.shop.get(f"/sessions/{self.session}/screen"), shipped(self.provider) or parse(PLAIN)
        return read(rules, screen["text"], title=screen["title"], width=screen["width"]).doing.value

    def is_gone(self, session: dict[str, Any]) -> bool:
        try:
            return gone(psutil.Process(session["pane"]["pid"]))
        except psutil.NoSuchProcess:
            return True


@pytest.fixture
def hasty() -> Iterator[Workshop]:
    """A workshop whose agents are late after three seconds, and try failed requests again soon."""
    with workshop() as made:
        made.env |= {"MAESTRO_START_LIMIT_S": "3", "MAESTRO_FAKE_PACE": "0.1", "MAESTRO_USER_RATE": "1000000"}
        describe_plain(made)
        made.begin()
        yield made


def describe_plain(shop: Workshop) -> None:
    """A provider of the user's own: how it is started, and how its screen is read."""
    program, config = shop.bin / "plain", shop.home / "config"
    program.write_text((shop.bin / "claude").read_text().replace("--as claude", "--as plain"))
    program.chmod(0o755)
    for folder, text in (("providers", 'start = ["plain", "{prompt}"]\n'), (FOLDER, PLAIN)):
        (config / folder).mkdir()
        (config / folder / "plain.toml").write_text(text)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_sessions_are_what_the_table_says(hasty: Workshop, provider: str) -> None:
    starting = threading.Semaphore(AT_ONCE)
    rows = {name: Row(hasty, name, provider, starting) for name in TABLE}
    next(iter(rows.values())).begin()  # who comes first starts the tmux server
    with ThreadPoolExecutor(len(rows)) as pool:
        played = {name: pool.submit(row.play) for name, row in rows.items()}
    failed = [f"{name}: {error}" for name, future in played.items() if (error := future.exception())]
    assert not failed, "\n\n".join(failed)
