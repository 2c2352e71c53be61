"""The route table: every command has a way in, every placeholder a field."""

import re

import msgspec
import pytest

from maestrod.domain.model import Noun
from maestrod.domain.permissions import RIGHTS
from maestrod.domain.registry import RULES
from maestrod.protocol.routes import LIVE_ROUTES, READS, WRITES, Shape, Write

FILLED = {
    "project": "projectId",
    "task": "taskId",
    "subtask": "subtaskId",
    "session": "sessionId",
    "item": "itemId",
    "doc": "docId",
    "template": "templateId",
    "key": "keyId",
    "skill": "skill",
    "role": "role",
    "type": "entityType",
    "mail": "mailId",
    "seq": "seq",
    "kept": "kept",
}


NEED_THE_PAST = {"UndoCommit", "ImportEntities", "MergeWorktree", "RemoveWorktree", "RestoreWorktree"}
"""Commands whose route reads the journal first, or files, or asks git."""


def placeholders(path: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", path)


def called(write: Write) -> str:
    return f"{write.method} {write.path}"


def test_every_command_that_a_person_may_give_has_a_route_and_no_other() -> None:
    assert {w.command for w in WRITES} == {
        kind for kind, right in RIGHTS.items() if right.person and kind not in NEED_THE_PAST
    }


def test_no_route_stands_twice() -> None:
    ways = [(w.method, w.path) for w in WRITES] + [(r.method, r.path) for r in READS]
    ways += [(method, path) for method, path, _ in LIVE_ROUTES]
    assert len(ways) == len(set(ways))
    assert len({r.query for r in READS}) == len(READS)


@pytest.mark.parametrize("write", WRITES, ids=called)
def test_what_stands_in_the_path_fills_a_field_of_the_command(write: Write) -> None:
    fields = {f.encode_name for f in msgspec.structs.fields(RULES[write.command].command)}
    needed = {FILLED[name] for name in placeholders(write.path)}
    # The task in a subtask's path is checked against the subtask's own.
    left = {"taskId"} if "subtaskId" in fields else set()
    assert needed - left <= fields


@pytest.mark.parametrize("write", WRITES, ids=called)
def test_a_write_answers_what_its_command_is_about(write: Write) -> None:
    assert (write.status == 201) == (
        write.command.startswith(("Create", "Spawn", "Report", "AddDoc", "Push", "Send"))
        and write.shape is not Shape.GONE
    )
    assert (write.method == "DELETE") == (write.shape is Shape.GONE or write.command == "UnassignTask")
    assert (write.shape is Shape.ITEM) == (write.noun is Noun.ITEM)
    assert write.method in {"POST", "PUT", "PATCH", "DELETE"}


def test_paths_are_plain_and_name_what_is_known() -> None:
    paths = [w.path for w in WRITES] + [r.path for r in READS] + [path for _, path, _ in LIVE_ROUTES]
    for path in paths:
        assert re.fullmatch(r"(/([a-z.-]+|\{[a-z]+\}))+", path)
        assert set(placeholders(path)) <= FILLED.keys()


def test_lists_can_be_paged_and_filtered_by_known_names() -> None:
    for read in READS:
        assert len(set(read.filters)) == len(read.filters)
        assert all(re.fullmatch(r"[a-zA-Z]+", name) for name in read.filters)
