"""Many changes of tasks in one request."""

import json
import sys
from pathlib import Path

from maestro_cli import views
from maestro_cli.call import Call
from maestro_cli.failures import Usage

LARGEST = 10 << 20
HINT = 'A line is {"do": "create", "ref": "db", "title": "…"}; a later one may name "$db".'


def batch(call: Call) -> int:
    """Send the lines as one batch and show the task of each.

    Raises:
        Usage: a line is no JSON object, or there is nothing to read.
    """
    where, headers = call.where()
    items = items_of(_read(call.text("file")))
    for item in items:
        if item.get("do", "create") == "create" and not item.get("projectId") and not item.get("parentId"):
            item.update(where)
    answer = call.client.call("POST", "/tasks/batch", body={"items": items}, headers=headers).body
    results = answer.get("results") if isinstance(answer, dict) else None
    page = views.Page(width=call.output.width, colour=call.output.colour)
    call.output.result(answer, views.listing("task", results, page))
    return 0


def items_of(text: str) -> list[dict[str, object]]:
    """The objects of a text: one a line, or one list of all.

    Raises:
        Usage: something else stands there.
    """
    stripped = text.strip()
    if stripped.startswith("["):
        found = _parsed(stripped, "the list")
        rows = found if isinstance(found, list) else []
    else:
        lines = [(number, text) for number, text in enumerate(stripped.split("\n"), 1) if text.strip()]
        rows = [_parsed(text, f"line {number}") for number, text in lines]
    if not rows:
        raise Usage("there is nothing to do: no items were given", hint=HINT)
    if wrong := [number for number, row in enumerate(rows, 1) if not isinstance(row, dict)]:
        raise Usage(f"item {wrong[0]} is no JSON object", hint=HINT)
    return [dict(row) for row in rows]


def _parsed(text: str, what: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Usage(f"{what} is no JSON: {error}", hint=HINT) from error


def _read(name: str) -> str:
    if name in ("", "-"):
        raw = sys.stdin.buffer.read(LARGEST + 1) if sys.stdin is not None else b""
    else:
        with Path(name).open("rb") as file:
            raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise Usage(f"more than {LARGEST} bytes were given")
    return raw.decode("utf-8", "replace")
