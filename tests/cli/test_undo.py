"""``maestro undo``."""

from pathlib import Path
from typing import Any

from tests.cli.program import Maestro
from tests.support.daemon import daemon


def document(maestro: Maestro, *words: str) -> Any:
    return maestro.ok(*words)


def test_a_deleted_task_is_back_and_can_be_deleted_again(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "Precious")
    maestro.ok("task", "delete", task)
    said = maestro("undo")
    assert said.code == 0, said
    assert "delete task “Precious”, is taken back: restored 1 task" in said.out
    assert document(maestro, "task", "get", task)["title"] == "Precious"
    (newest,) = document(maestro, "log", "-n", "1")
    assert document(maestro, "undo", str(newest["seq"]))["removed"] == {"task": 1}


def test_what_comes_back_is_counted_in_words(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "Precious")
    for message in ("begun", "half way"):
        maestro.ok("task", "report", "progress", task, message)
    assert maestro("task", "delete", task).out.rstrip().endswith("(with 2 timeline entries)")
    assert "restored 1 task, 2 timeline entries." in maestro("undo").out


def test_what_was_new_is_named_by_its_own_words_when_it_is_gone(maestro: Maestro) -> None:
    maestro.ok("task", "create", "Fleeting")
    assert "create task “Fleeting”, is taken back: removed 1 task" in maestro("undo").out


def test_what_can_be_taken_back_is_listed(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "Listed")
    maestro.ok("task", "edit", task, "--title", "Other")
    listed = document(maestro, "undo", "--list")
    assert (listed[-1]["command"]["kind"], listed[-1]["undoable"]) == ("EditTask", True)
    assert "edit task" in maestro("undo", "--list").out


def test_wrong_calls_say_what_to_do(maestro: Maestro) -> None:
    assert maestro("undo", "nonsense").code == 2
    assert maestro("undo", "3", "--list").code == 2
    assert maestro("undo", "99999").code == 3


def test_with_nothing_to_take_back_it_says_so(tmp_path: Path) -> None:
    with daemon() as running:
        said = Maestro(running.home, cwd=tmp_path)("undo")
    assert (said.code, said.err) == (
        6,
        "error: nothing of yours can be taken back\n  `maestro undo --list` shows what can be.\n",
    )
