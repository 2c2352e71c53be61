"""The pages and skills: their links lead somewhere, and the commands in them exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from maestro_cli import reading
from maestro_cli.failures import Usage
from maestro_cli.verbs import NOUNS, VERBS
from tests.architecture.house import CHECKOUT

SKILLS = sorted((CHECKOUT / "skills").glob("*/SKILL.md"))
PAGES = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md"), *SKILLS])
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
FENCE = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BARE = {"NOUN VERB", *(row[0] for row in VERBS), *(noun for noun, _ in NOUNS)}
INLINE = re.compile(r"`(maestro [^`\n]+)`")


def names(path: Path) -> str:
    """How a failing page is called in the report."""
    return str(path.relative_to(CHECKOUT))


def commands(page: Path) -> Iterator[list[str]]:
    """Each call of `maestro` in the page, as words."""
    text = page.read_text(encoding="utf-8")
    blocks = [block.replace("\\\n", " ") for block in FENCE.findall(text)]
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    for line in [*lines, *INLINE.findall(text)]:
        words = shlex.split(line, comments=True)
        for start, word in enumerate(words):
            if word.rpartition("/")[2] == "maestro":
                yield words[start + 1 :]


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert broken == []


@pytest.mark.parametrize("skill", SKILLS, ids=names)
def test_a_skill_says_its_name_and_when_to_use_it(skill: Path) -> None:
    head = re.match(r"---\nname: (\S+)\ndescription: (.{40,1000})\n---\n", skill.read_text(encoding="utf-8"))
    assert head is not None
    assert head.group(1) == skill.parent.name


def test_each_role_has_its_skill() -> None:
    assert [skill.parent.name for skill in SKILLS] == [
        "maestro-cli",
        "maestro-orchestrator",
        "maestro-worker",
    ]


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_command_in_a_page_exists(page: Path) -> None:
    for words in commands(page):
        if " ".join(words) not in BARE:
            said = reading.read(words)
            assert said.row is not None or said.version, words


def test_a_command_that_does_not_exist_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Say `maestro task ponder x`.\n\n```sh\n$ .venv/bin/maestro tsk list  # all\n```\n", encoding="utf-8"
    )
    for words in commands(page):
        with pytest.raises(Usage):
            reading.read(words)
    assert list(commands(page)) == [["tsk", "list"], ["task", "ponder", "x"]]
