"""The pages and skills: their links lead somewhere, and the commands in them exist."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import maestro_cli
from maestro_cli import reading
from maestro_cli.failures import Usage
from maestro_cli.verbs import NOUNS, VERBS
from tests.architecture.house import CHECKOUT

SKILLS = sorted((CHECKOUT / "skills").glob("*/SKILL.md"))
SHIPPED = (CHECKOUT / "contrib").rglob("*.md")
PAGES = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md"), *SHIPPED, *SKILLS])
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
FENCE = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BARE = {"NOUN VERB", *(row[0] for row in VERBS), *(noun for noun, _ in NOUNS)}
HOLE = "x7k9"
CARRIED = sorted(
    path for path in (CHECKOUT / "contrib").rglob("*") if path.suffix in (".toml", ".json", ".service", ".sh")
)
ROOMS = Path(str(maestro_cli.__file__)).parents[1]
SOURCES = sorted(path for room in ("maestro_cli", "maestrod", "maestro_tui") for path in (ROOMS / room).rglob("*.py"))
CALL = re.compile(r"(?:^|[\s`{(])(maestro [a-z][^`}\n]*?)(?=\s*(?:$|`|}|\|\||:\*))", re.MULTILINE)
ENDS = ("||", "&&", "|", ";", "#")
INLINE = re.compile(r"`(maestro [^`\n]+)`")


def names(path: Path) -> str:
    """How a failing page is called in the report."""
    return str(path.relative_to(CHECKOUT if path.is_relative_to(CHECKOUT) else ROOMS))


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


def told(text: str) -> Iterator[list[str]]:
    """Each call in a file that is no page: a line of a script, or a command in a value."""
    for call in CALL.findall(text):
        words = shlex.split(call.replace('\\"', '"'))
        cut = next((place for place, word in enumerate(words) if word in ENDS), len(words))
        yield words[1:cut]


def hints(source: Path) -> Iterator[list[str]]:
    """Each call that a text of the code tells of; what is only known at run time is an id there."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        for call in INLINE.findall(text):
            if not any(mark in call for mark in ("[", "…", "__", f"maestro {HOLE}", "maestro --")):
                yield shlex.split(call)[1:]


def refusal(words: list[str]) -> str:
    """What our own reader has against the call; empty when nothing."""
    try:
        said = reading.read(words)
    except Usage as usage:
        return usage.message
    return "" if said.row is not None or said.help or said.version else "no command"


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


@pytest.mark.parametrize("place", CARRIED, ids=names)
def test_every_command_in_what_is_shipped_exists(place: Path) -> None:
    calls = list(told(place.read_text(encoding="utf-8")))
    for words in calls:
        if " ".join(words) not in BARE:
            assert reading.read(words).row is not None, words


def test_what_is_shipped_holds_commands() -> None:
    assert sum(len(list(told(place.read_text(encoding="utf-8")))) for place in CARRIED) > 20


@pytest.mark.parametrize("source", SOURCES, ids=names)
def test_every_command_that_the_code_tells_of_exists(source: Path) -> None:
    for words in hints(source):
        refused = "" if " ".join(words) in BARE else refusal(words)
        assert not refused or f"'{HOLE}' is no" in refused, words


def test_a_hint_that_leads_nowhere_would_be_seen(tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.write_text('hint = f"Say `maestro task ponder {task.id}`, or `maestro {row[0]}`."\n', encoding="utf-8")
    assert list(hints(source)) == [["task", "ponder", "x7k9"]]


def test_a_command_that_does_not_exist_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Say `maestro task ponder x`.\n\n```sh\n$ .venv/bin/maestro tsk list  # all\n```\n", encoding="utf-8"
    )
    for words in commands(page):
        with pytest.raises(Usage):
            reading.read(words)
    assert list(commands(page)) == [["tsk", "list"], ["task", "ponder", "x"]]
