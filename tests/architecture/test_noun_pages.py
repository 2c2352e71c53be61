"""The pages about nouns: their tables are those of the code, and nothing is left out."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from maestro_cli.verbs import VERBS
from maestrod.domain import tables
from maestrod.domain.events import EVENTS
from maestrod.domain.model import TYPES, Worktree
from maestrod.protocol import views
from maestrod.protocol.routes import LIVE_ROUTES, READS, WRITES
from tests.architecture.house import CHECKOUT

DOCS = CHECKOUT / "docs"
SCRIPT = DOCS / "nouns.py"
MACHINES: dict[str, list[str]] = {
    "task": [*tables.TASK],
    "session": [*tables.SESSION],
    "assignment": [*tables.ASSIGNMENT],
    "item": [*tables.ITEM],
    "delivery": [*tables.DELIVERY],
}
TOLD = {*map(str, TYPES), "skill", "report", "agent", "worktree", "config", "spool", "manifest"}
"""The nouns of verbs that pages tell of; `cli.md` tells of all."""

ASKED = re.compile(r"<!-- (status|verbs|events) ([a-z_: ]+) -->\n(.*?)<!-- end -->", re.DOTALL)
ROUTE = re.compile(r"`((?:GET|POST|PUT|PATCH|DELETE)(?: (?:GET|POST|PUT|PATCH|DELETE))*) (/[^`\s]*)`")
FIELDS = re.compile(r"^## Fields\n(.*?)(?=^## )", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the pages are not beside the tests")


def pages() -> dict[str, str]:
    return {page.name: page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("*.md"))}


def asked(kind: str) -> dict[str, str]:
    """What pages ask for of a kind, and what stands there."""
    found = [(words, body) for text in pages().values() for k, words, body in ASKED.findall(text) if k == kind]
    return dict(found)


def test_the_pages_are_current() -> None:
    ran = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"run: python docs/nouns.py\n{ran.stderr}"


def test_a_page_that_is_not_current_is_named_and_mended(tmp_path: Path) -> None:
    for name in ("nouns.py", "events.py", "queues.md"):
        (tmp_path / name).write_bytes((DOCS / name).read_bytes())
    page = tmp_path / "queues.md"
    right = page.read_text(encoding="utf-8")
    page.write_text(right.replace("| `processing` |", "| `handled` |"), encoding="utf-8")
    words = [sys.executable, str(tmp_path / "nouns.py")]

    seen = subprocess.run([*words, "--check"], capture_output=True, text=True, check=False)
    assert (seen.returncode, seen.stderr) == (1, "queues.md is not current\n")
    assert subprocess.run(words, check=False).returncode == 0
    assert page.read_text(encoding="utf-8") == right


def test_every_state_machine_stands_on_one_page() -> None:
    there = asked("status")
    assert set(there) == set(MACHINES)
    for noun, statuses in MACHINES.items():
        assert [line.split("`")[1] for line in there[noun].splitlines()[2:]] == statuses


def test_every_event_is_told_of_on_the_page_of_its_noun() -> None:
    told = [word for body in asked("events").values() for word in re.findall(r"^\| `([^`]+)`", body, re.MULTILINE)]
    assert sorted(told) == sorted(EVENTS)


def test_every_verb_of_a_noun_stands_on_its_page() -> None:
    told = [word for body in asked("verbs").values() for word in re.findall(r"^\| \[`([^`]+)`", body, re.MULTILINE)]
    assert sorted(told) == sorted(row[0] for row in VERBS if row[0].split(" ")[0] in TOLD)


def test_fields_that_pages_name_exist() -> None:
    types: list[type[msgspec.Struct]] = [*TYPES.values(), Worktree, views.TaskExtra, views.SessionExtra, views.DocExtra]
    known = {field.encode_name for each in types for field in msgspec.structs.fields(each)}
    rows = [line for text in pages().values() for part in FIELDS.findall(text) for line in part.splitlines()]
    named = {name for row in rows if row.startswith("| `") for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named
    assert named - known == set()


def test_routes_that_pages_name_exist() -> None:
    there = [(route.method, route.path) for route in WRITES] + [(route.method, route.path) for route in READS]
    there += [(method, path) for method, path, _ in LIVE_ROUTES]
    known = {(method, re.sub(r"\{\w+\}", "{}", path)) for method, path in there}
    named = {
        (method, re.sub(r"\{\w+\}", "{}", path).partition("?")[0].removeprefix("/api/v1"))
        for text in pages().values()
        for methods, path in ROUTE.findall(text.partition("## Over HTTP\n")[2])
        for method in methods.split(" ")
    }
    assert named
    assert {(m, p) for m, p in named if (m, p) not in known and "ID" not in p} == set()


def test_the_index_tells_of_every_page_in_a_sentence() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"^\| \[[^]]+\]\((\S+\.md)\) \| \S.* \|$", index, re.MULTILINE)
    assert sorted(linked) == sorted(set(pages()) - {"README.md"})
