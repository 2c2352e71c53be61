"""`maestro task batch`, and the verbs that link and place tasks."""

import json
from pathlib import Path

import pytest

from tests.cli.program import Maestro

LINES = b"""
{"do": "create", "ref": "db", "title": "Schema"}
{"title": "API", "dependencies": ["$db"]}

{"do": "start", "taskId": "$db"}
"""


def test_lines_from_stdin_or_a_file_are_done_together(maestro: Maestro, tmp_path: Path) -> None:
    shown = maestro("task", "batch", stdin=LINES)
    assert (shown.code, shown.err) == (0, "")
    assert [text.split()[1] for text in shown.out.splitlines()[1:]] == ["in_progress", "todo", "in_progress"]
    file = tmp_path / "plan.json"
    file.write_text(json.dumps([{"title": "One"}, {"title": "Two"}]))
    data = maestro.ok("task", "batch", str(file))
    assert isinstance(data, dict)
    assert [t["title"] for t in data["results"]] == ["One", "Two"]


@pytest.mark.parametrize("lines", [b"", b"  \n", b"[]", b"{", b"7", b'{"title": "x"}\n[1]', b"\xff\xfe", b"[1, 2]"])
def test_what_is_no_batch_is_wrong_usage(maestro: Maestro, lines: bytes) -> None:
    said = maestro("task", "batch", "--json", stdin=lines)
    assert (said.code, said.error) == (2, "usage")


def test_a_wrong_item_is_named_and_nothing_is_done(maestro: Maestro) -> None:
    said = maestro(
        "task", "batch", "--json", stdin=b'{"title": "good"}\n{"title": " "}\n{"do": "edit", "taskId": "$1x"}'
    )
    assert said.code == 2
    assert [d["path"] for d in said.document["details"]] == ["items[1].title", "items[2].taskId"]  # type: ignore[attr-defined]
    assert maestro.ok("task", "list") == []
    assert maestro("task", "batch", "gone.jsonl", "--json").code == 1


def test_tasks_are_linked_placed_and_pinned(maestro: Maestro) -> None:
    first = maestro.id("task", "create", "First")
    second = maestro.id("task", "create", "Second")
    assert maestro("task", "depend", second, "--on", "first").out == f"edited {second}  Second  (todo)\n"
    assert maestro.ok("task", "get", second)["dependencies"] == [first]  # type: ignore[index]
    maestro.ok("task", "undepend", second, "--on", first)
    assert maestro.ok("task", "move", second, "--to", "-3")["position"] == -3  # type: ignore[index]
    assert maestro.ok("task", "next")["task"]["id"] == second  # type: ignore[index]
    assert maestro.ok("task", "pin", second)["pinned"] is True  # type: ignore[index]
    assert maestro.ok("task", "pin", second, "--undo")["pinned"] is False  # type: ignore[index]
