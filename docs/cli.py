"""Writes ``cli.md`` and ``maestro.1`` beside it from the table of verbs: ``python docs/cli.py``.

``--check`` only compares.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from maestro_cli.commands import manual
from maestro_cli.commands.manual import VARIABLES
from maestro_cli.commands.reference import described, usage
from maestro_cli.failures import EXITS
from maestro_cli.verbs import GLOBALS, NOUNS, VERBS, Param, Row

PAGE = Path(__file__).with_suffix(".md")
MANUAL = Path(__file__).with_name("maestro.1")
HEAD = """\
# Command line

People, scripts and agents use the same `maestro`: a noun, a verb, and what it is about. This page is made from the
table that the command itself reads (`python docs/cli.py`).

* **Where you are decides.** The project is that of the session or of the directory; `maestro init` makes a directory
  one. The daemon starts by itself at the first command; `--no-start` or `MAESTRO_NO_AUTOSTART=1` forbids it.
* **Ids** can be shortened to any ending that is unambiguous; tasks, sessions and projects also answer to the beginning
  of their name.
* **`--json`** prints one document on stdout: `{"success": true, "data": …}`, or `{"success": false, "error", "message",
  "details", "suggestion", "retryable"}`. What is a stream prints one document a line. Everything else goes to stderr.
* **Positional or option**, as you like: what a command shows as `TITLE` may be given as `--title`. Global options stand
  anywhere. What begins with `-` and holds a space is a text; `--` ends the options.
* **Repeating is safe.** A call that is retried is applied once; setting what is set already succeeds.
* `maestro commands --json` tells all of this to programs.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD, _exits(), _environment(), _globals()]
    nouns = dict.fromkeys(row[0].split(" ")[0] for row in VERBS if " " in row[0])
    parts.append("## Here and now\n\n" + "\n".join(_command(row) for row in VERBS if " " not in row[0]))
    for noun in nouns:
        about = dict(NOUNS)[noun]
        rows = [row for row in VERBS if row[0].startswith(f"{noun} ")]
        parts.append(f"## {noun}\n\n{about}\n\n" + "\n".join(_command(row) for row in rows))
    return "\n".join(parts)


def _exits() -> str:
    rows = [f"| {code} | {meaning} | {_codes(codes)} |" for code, meaning, codes in EXITS]
    return "\n".join(["## Exit codes\n", "| code | meaning | errors |", "| --- | --- | --- |", *rows, ""])


def _environment() -> str:
    rows = [f"| {names} | {meaning} |" for names, meaning in VARIABLES]
    return "\n".join(["## Environment\n", "| variable | meaning |", "| --- | --- |", *rows, ""])


def _codes(codes: tuple[str, ...]) -> str:
    return ", ".join(f"`{code.lower()}`" for code in codes)


def _globals() -> str:
    return "\n".join(["## Everywhere\n", *_parameters(GLOBALS), ""])


def _command(row: Row) -> str:
    lines = [f"### {row[0]}\n", f"{row[1]}\n", "```text", f"maestro {usage(row)}", "```", ""]
    if row[4]:
        lines += [*_parameters(row[4]), ""]
    return "\n".join([*lines, "```sh", *row[5], "```", ""])


def _parameters(params: tuple[Param, ...]) -> Iterator[str]:
    yield "| parameter | takes | |"
    yield "| --- | --- | --- |"
    for param in params:
        known = described(("", "", "", "", (param,), ("", "")))["parameters"]
        assert isinstance(known, list)
        [shown] = known
        names = ", ".join(f"`{name}`" for name in (shown["name"], *shown["aliases"]))
        kinds = {"id": "", "own": "", "ids": "", "choice": "", "choices": "", "flag": ""}
        word = kinds.get(shown["type"], shown["type"])
        of = " \\| ".join(f"`{one}`" for one in shown["of"])
        notes = ["repeatable"] * shown["repeatable"] + ["required"] * (shown["required"] and not shown["positional"])
        notes += [f"default {shown['default']}"] * bool(shown["default"])
        more = f" *({', '.join(notes)})*" if notes else ""
        yield f"| {names} | {of or word} | {param[3]}{more} |"


def main() -> int:
    """Write the pages, or say that they are not current."""
    wanted = {PAGE: page(), MANUAL: manual.page()}
    if "--check" in sys.argv[1:]:
        return int(any(place.read_text(encoding="utf-8") != text for place, text in wanted.items()))
    for place, text in wanted.items():
        place.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
