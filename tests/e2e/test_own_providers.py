"""The shipped examples of providers of one's own, from the spawn to the end."""

import pytest

from tests.architecture.house import CHECKOUT
from tests.e2e.workshop import Workshop
from tests.support.eventually import eventually

EXAMPLES = CHECKOUT / "contrib" / "providers"

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

STAND_INS = {
    "script": ("make", 'test "$*" = test'),
    "aider": ("aider", 'while [ "$1" != --message-file ]; do shift; done; grep -q "# Your work" "$2"'),
    "opencode": ("opencode", 'maestro task start && maestro task complete --note "$1"'),
}
"""For the program that an example runs, which is not here."""


@pytest.mark.parametrize("name", STAND_INS)
def test_an_example_does_a_task_from_the_spawn_to_the_end(shop: Workshop, name: str) -> None:
    own = shop.home / "config" / "providers"
    own.mkdir()
    (own / f"{name}.toml").write_bytes((EXAMPLES / f"{name}.toml").read_bytes())
    program, does = STAND_INS[name]
    (shop.bin / program).write_text(f"#!/bin/sh\n{does}\n")
    (shop.bin / program).chmod(0o755)
    task = shop.task()
    session = shop.spawn(name, task)
    shop.becomes(session, "completed", timeout=30)
    assert shop.get(f"/tasks/{task}")["status"] == "completed"
    eventually(lambda: shop.windows() == [], what="its window is closed")


def test_an_example_says_when_its_work_failed(shop: Workshop) -> None:
    own = shop.home / "config" / "providers"
    own.mkdir()
    (own / "script.toml").write_bytes((EXAMPLES / "script.toml").read_bytes())
    (shop.bin / "make").write_text("#!/bin/sh\nexit 2\n")
    (shop.bin / "make").chmod(0o755)
    task = shop.task()
    shop.spawn("script", task)
    eventually(lambda: shop.get(f"/tasks/{task}")["status"] == "blocked", what="the task is blocked")
    assert shop.get(f"/tasks/{task}")["blockedReason"] == "the tests fail"
