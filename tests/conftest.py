"""What holds for every test: no outer Maestro or tmux is seen, and properties are not judged by the clock.

A run of everything leaves out those marked ``long``, but for one by CI; who names files or marks gets all of them.
``LONG`` is marked whole.

When coverage is measured, each process that a test starts spends a tenth of a second on it before its first line, four
times what most calls of ``maestro`` take. What is not worth it is marked ``unmeasured``; ``UNMEASURED`` whole.
"""

import os
import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager

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

UNMEASURED = (
    "tests/architecture/",
    "tests/bench/",
    "tests/e2e/",
    "tests/mutants/",
    "tests/cli/test_examples.py",
    "tests/cli/test_fast_path.py",
    "tests/cli/test_faults.py",
    "tests/cli/test_page_examples.py",
    "tests/daemon/test_checkpoint_kills.py",
    "tests/daemon/test_fuzz.py",
    "tests/daemon/test_kills.py",
    "tests/daemon/test_torture.py",
    "tests/tui/test_answering.py",
    "tests/tui/test_attach.py",
    "tests/tui/test_gallery.py",
    "tests/tui/test_hostile.py",
    "tests/tui/test_lost.py",
    "tests/tui/test_rounds.py",
    "tests/tui/test_story.py",
    "tests/tui/test_terminal.py",
    "tests/tui/test_typing.py",
    "tests/tui/test_walk.py",
    "tests/tui/test_whole.py",
)
"""Modules, and folders of them, that walk whole programs along lines which the tests of their parts cover."""

MEASURING = "COVERAGE_PROCESS_CONFIG"
"""By this, coverage measures the processes that one which it measures starts."""

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let coverage look away where others show it the same."""
    alike = item.nodeid.startswith(UNMEASURED) or item.get_closest_marker("unmeasured")
    if alike and MEASURING in os.environ:
        with unmeasured():
            return (yield)
    return (yield)


@contextmanager
def unmeasured() -> Iterator[None]:
    """Neither this process nor those that it starts are measured."""
    told = os.environ.pop(MEASURING)
    here = sys.modules["coverage"].Coverage.current()
    here.stop()
    try:
        yield
    finally:
        here.start()
        os.environ[MEASURING] = told


def pytest_sessionfinish() -> None:
    """Write down what was covered before whoever started this process may end it."""
    if MEASURING in os.environ and (here := sys.modules["coverage"].Coverage.current()):
        here.save()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long."""
    if not os.environ.get(SHORT_RUN):
        return
    left_out = [item for item in items if item.get_closest_marker("long") or item.nodeid.startswith(LONG)]
    config.hook.pytest_deselected(items=left_out)
    gone = set(left_out)
    items[:] = [item for item in items if item not in gone]
