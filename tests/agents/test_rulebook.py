"""The user's own screen rules: beside the shipped ones, read again when they change, kept when they break."""

import asyncio
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from maestrod.watch.evidence import Doing
from maestrod.watch.rulebook import FOLDER, Rulebook, shipped
from maestrod.watch.rules import parse
from maestrod.watch.screens import read
from tests.agents import corpus
from tests.architecture.house import CHECKOUT
from tests.support.eventually import aeventually

OWN = """
format = 1
provider = "claude"

[[rules]]
name = "{name}"
priority = 99
says = "working"
all = [{{ in = "footer", match = "manual mode" }}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / FOLDER
    found.mkdir()
    return found


def said(book: Rulebook) -> Doing:
    rules = book.of("claude")
    assert rules is not None
    return read(rules, corpus.screen("claude", "idle")).doing


@pytest.mark.parametrize("provider", corpus.PROVIDERS)
def test_every_provider_has_shipped_rules_of_the_version_that_was_recorded(provider: str) -> None:
    rules = shipped(provider)
    assert rules is not None
    assert (rules.provider, rules.measured) == (provider, corpus.labels(provider).version)


@pytest.mark.parametrize("provider", ["", "nobody", "../claude", "claude.toml", "x" * 10_000])
def test_nothing_is_known_of_others(provider: str, tmp_path: Path) -> None:
    assert Rulebook(tmp_path).of(provider) is None


def test_own_rules_stand_beside_the_shipped_ones(folder: Path) -> None:
    (folder / "mine.toml").write_text(OWN.format(name="mine"))
    book = Rulebook(folder.parent)
    assert said(book) is Doing.IDLE
    book.load()
    assert said(book) is Doing.WORKING
    rules = book.of("claude")
    assert rules is not None
    assert read(rules, corpus.screen("claude", "permission")).kind == "permission"


def test_an_own_rule_of_the_same_name_replaces_the_shipped_one(folder: Path) -> None:
    (folder / "mine.toml").write_text(OWN.format(name="composer").replace("manual mode", "never to be seen"))
    book = Rulebook(folder.parent)
    book.load()
    assert said(book) is Doing.UNKNOWN


def test_a_file_that_breaks_is_told_and_what_it_said_before_stays(folder: Path) -> None:
    path = folder / "mine.toml"
    path.write_text(OWN.format(name="mine"))
    book = Rulebook(folder.parent)
    book.load()
    path.write_text(OWN.format(name="mine").replace("manual mode", "(a+)+"))
    book.load()
    [trouble] = book.troubles
    assert trouble.path == str(path)
    assert "repeats a group" in trouble.message
    assert said(book) is Doing.WORKING
    path.unlink()
    book.load()
    assert book.troubles == ()
    assert said(book) is Doing.IDLE


def test_the_example_of_the_page_is_one() -> None:
    [example] = re.findall(r"```toml\n(.*?)```", (CHECKOUT / "docs" / "screen-rules.md").read_text("utf-8"), re.DOTALL)
    assert parse(example).rules[0].says is Doing.WORKING


def broken(folder: Path) -> Iterator[Path]:
    """Files that are no rules."""
    for number, raw in enumerate((b"\xff\xfe", b"\x00" * 100, b"format = 1\n" * 200_000, b"")):
        path = folder / f"{number}.toml"
        path.write_bytes(raw)
        yield path
    (folder / "folder.toml").mkdir()
    yield folder / "folder.toml"
    (folder / "gone.toml").symlink_to(folder / "nowhere")
    yield folder / "gone.toml"
    os.mkfifo(folder / "pipe.toml")
    yield folder / "pipe.toml"


def test_the_shipped_rules_stay_in_force_beside_broken_files(folder: Path) -> None:
    paths = {str(path) for path in broken(folder)}
    book = Rulebook(folder.parent)
    book.load()
    assert {trouble.path for trouble in book.troubles} == paths
    assert said(book) is Doing.IDLE


async def test_a_change_is_taken_up_without_a_restart(tmp_path: Path) -> None:
    book = Rulebook(tmp_path)
    (tmp_path / FOLDER).mkdir()

    async def written() -> bool:
        (tmp_path / FOLDER / "mine.toml").write_text(OWN.format(name="mine"))
        return said(book) is Doing.WORKING

    async with asyncio.TaskGroup() as group:
        task = group.create_task(book.run())
        await aeventually(written, every=0.3, what="the own rule is in force")
        task.cancel()
