"""Fills in what pages say of their nouns: ``python docs/nouns.py``; ``--check`` only compares.

A page asks by a comment, ``<!-- verbs task -->`` … ``<!-- end -->``, and gets what stands in the tables: ``status``
(from which status to which), ``verbs`` (what can be done with it), ``events`` (what is told of it), ``settings``.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from events import row

from maestro_cli.config_file import literal
from maestro_cli.verbs import VERBS
from maestrod.domain import tables
from maestrod.domain.events import EVENTS
from maestrod.settings import described

HERE = Path(__file__).parent
BLOCK = re.compile(r"(<!-- (status|verbs|events|settings) ([a-z_: ]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)

STATUS: Mapping[str, Mapping[StrEnum, frozenset[StrEnum]]] = {
    "task": tables.TASK,
    "session": tables.SESSION,
    "assignment": tables.ASSIGNMENT,
    "item": tables.ITEM,
    "delivery": tables.DELIVERY,
}


def filled(text: str) -> str:
    """The page with its tables as they are now."""
    return BLOCK.sub(lambda found: f"{found[1]}{_block(found[2], found[3].split())}{found[4]}", text)


def _block(kind: str, words: list[str]) -> str:
    tables_of: Mapping[str, tuple[str, Callable[[list[str]], Iterable[str]]]] = {
        "status": ("| from | to |\n| --- | --- |", _status),
        "verbs": ("| verb | |\n| --- | --- |", _verbs),
        "events": ("| event | data | when |\n| --- | --- | --- |", _events),
        "settings": ("| setting | default | takes | |\n| --- | --- | --- | --- |", _settings),
    }
    head, rows = tables_of[kind]
    return "\n".join([head, *rows(words), ""])


def _status(words: list[str]) -> Iterator[str]:
    for noun in words:
        for status, wanted in STATUS[noun].items():
            ways = [f"`{each}`" for each in type(status) if each in wanted]
            yield f"| `{status}` | {', '.join(ways) or 'an end'} |"


def _verbs(words: list[str]) -> Iterator[str]:
    for name, about, *_ in VERBS:
        if name.split(" ")[0] in words:
            yield f"| [`{name}`](cli.md#{name.replace(' ', '-')}) | {about} |"


def _events(words: list[str]) -> Iterator[str]:
    for event in sorted(EVENTS):
        if event.split(":")[0] in words or event in words:
            yield row(event)


def _settings(_words: list[str]) -> Iterator[str]:
    for each in described():
        takes = each.takes.replace("|", "\\|")
        yield f"| `{each.name}` | {literal(each.default)} | {takes} | {each.sentence} |"


def pages() -> list[Path]:
    """Every page that asks for something."""
    return [page for page in sorted(HERE.glob("*.md")) if BLOCK.search(page.read_text(encoding="utf-8"))]


def main() -> int:
    """Write the pages, or name those that are not current."""
    old = {page: page.read_text(encoding="utf-8") for page in pages()}
    changed = [page for page, text in old.items() if filled(text) != text]
    for page in changed:
        if "--check" in sys.argv[1:]:
            sys.stderr.write(f"{page.name} is not current\n")
        else:
            page.write_text(filled(old[page]), encoding="utf-8")
    return int("--check" in sys.argv[1:] and bool(changed))


if __name__ == "__main__":
    sys.exit(main())
