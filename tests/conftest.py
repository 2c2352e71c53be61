"""What holds for every test: no outer Maestro or tmux is seen, and properties are not judged by the clock.

A run of everything leaves out those marked ``long``, but for one by CI; who names files or marks gets all of them.
``LONG`` is marked whole.
"""

import os
import signal

import hypothesis
import pytest

REAL = "MAESTRO_REAL_AGENTS"
"""Where the real agent programs are, for the tests that need them."""

LONG = (
    "tests/e2e/",
    "tests/git/",
    "tests/agents/test_agent_hooks.py",
    "tests/cli/test_page_examples.py",
    "tests/daemon/test_worktrees.py",
)
"""Modules, and folders of them."""

SHORT_RUN = "SHORT_RUN_OF_EVERYTHING"
"""Said to the processes that run the tests."""

for name in [name for name in os.environ if name.startswith(("MAESTRO_", "TMUX")) and name != REAL]:
    del os.environ[name]

# A script that runs the tests in its background ignores these, and so would everything that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

hypothesis.settings.register_profile("maestro", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("maestro")


def pytest_configure(config: pytest.Config) -> None:
    """Tell a run of everything by somebody who waits for it."""
    if hasattr(config, "workerinput"):
        return
    whole = config.args_source is not pytest.Config.ArgsSource.ARGS
    marks = config.getini("addopts")
    short = whole and "CI" not in os.environ and config.getoption("markexpr") in marks
    os.environ[SHORT_RUN] = "1" if short else ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long."""
    if not os.environ.get(SHORT_RUN):
        return
    left_out = [item for item in items if item.get_closest_marker("long") or item.nodeid.startswith(LONG)]
    config.hook.pytest_deselected(items=left_out)
    gone = set(left_out)
    items[:] = [item for item in items if item not in gone]
