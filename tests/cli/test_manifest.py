"""What a session is told of itself: shown, made from tasks, looked at for every fault; and what it may run."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maestro_cli import allowed
from maestro_cli.verbs import VERBS
from maestrod.domain.permissions import RIGHTS
from tests.cli.program import Maestro
from tests.cli.seat import Seat
from tests.support.daemon import Daemon
from tests.support.eventually import eventually


@pytest.fixture
def seat(maestro: Maestro, served: Daemon, tmp_path: Path) -> Seat:
    return Seat(served, tmp_path, maestro.id("task", "create", "Fix it", "--criterion", "it is fixed"))


Break = Callable[[dict[str, Any]], object]


def faults(maestro: Maestro, path: Path) -> dict[str, str]:
    """What is wrong with a file, by its place."""
    said = maestro("manifest", "validate", str(path), "--json")
    assert (said.code, said.error) == (2, "validation_error"), said
    details: Any = said.document["details"]
    return {each["path"]: each["message"] for each in details}


def test_the_manifest_at_hand_and_that_of_a_session_are_shown(seat: Seat, maestro: Maestro) -> None:
    own: Any = seat.maestro.ok("manifest", "show")
    assert (own["sessionId"], own["tasks"][0]["title"]) == (seat.session, "Fix it")
    other: Any = maestro.ok("manifest", "show", seat.session)
    assert other["tasks"][0]["acceptanceCriteria"] == ["it is fixed"]
    assert "Fix it" in maestro("manifest", "show", seat.session).out
    assert maestro("manifest", "show", "--json").error == "usage"
    assert maestro("manifest", "show", "sess_1_none", "--json").code == 3
    quick = {"MAESTRO_TIMEOUT": "0.2", "MAESTRO_SERVER": "unix:/nowhere/maestrod.sock"}
    said = maestro("manifest", "show", seat.session, "--json", env=quick)
    assert (said.code, said.document["offline"]) == (0, True)
    assert maestro("manifest", "show", "sess_1_none", "--json", env=quick).code == 5


def test_what_is_generated_is_sound_and_written_whole(maestro: Maestro, tmp_path: Path) -> None:
    task = maestro.id("task", "create", "Fix it", "--priority", "high", "--skill", "maestro-cli")
    maestro.ok("subtask", "create", task, "reproduce it")
    made: Any = maestro.ok("manifest", "generate", "--task", task, "--mode", "worker", "--agent-tool", "codex")
    assert (made["name"], made["provider"], made["skillIds"]) == ("Fix it", "codex", ["maestro-cli"])
    assert made["tasks"][0]["subtasks"][0]["title"] == "reproduce it"
    said = maestro("manifest", "generate", "--task", task, "-o", "here.json")
    assert said.out == f"wrote {tmp_path / 'here.json'}\n"
    assert maestro("manifest", "validate", "here.json").out.endswith("is sound: a worker with 1 tasks\n")
    assert json.loads(maestro("manifest", "generate", "--role", "orchestrator").out)["strategy"] == "default"
    assert maestro("manifest", "generate", "--role", "worker", "--strategy", "dag", "--json").error == "usage"
    assert maestro("manifest", "generate", "--task", "nothing-like-it", "--json").code == 3


@pytest.mark.parametrize(
    ("broken", "where", "why"),
    [
        (lambda m: m.pop("role"), "role", "missing"),
        (lambda m: m.update(role="boss"), "role", "boss"),
        (lambda m: m.update(rle="worker"), "rle", "did you mean 'role'"),
        (lambda m: m.update(xyzzy=1), "xyzzy", "unknown"),
        (lambda m: m.update(manifestVersion="2.0"), "manifestVersion", "2.0"),
        (lambda m: m.update(strategy="dag"), "strategy", "not for a worker"),
        (lambda m: m.update(allowedCommands=["SpawnSession"]), "allowedCommands", "never widens"),
        (lambda m: m.update(tasks={}), "tasks", "list"),
        (lambda m: m.update(tasks=[1]), "tasks[0]", "object"),
        (lambda m: m["tasks"][0].pop("title"), "tasks[0].title", "missing"),
        (lambda m: m["tasks"][0].update(priority="urgent"), "tasks[0].priority", "urgent"),
        (lambda m: m["tasks"][0].update(subtasks=[{"id": "x", "title": 7}]), "tasks[0].subtasks[0].title", "str"),
        (lambda m: m.update(tasks=m["tasks"] * 2), "tasks[1].id", "twice"),
        (lambda m: m.update(effort="huge"), "effort", "huge"),
        (lambda m: m.update(project="shop"), "project", "object"),
        (lambda m: m.update(forkOf={"id": 1}), "forkOf.id", "str"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_is_found_where_it_is(seat: Seat, tmp_path: Path, broken: Break, where: str, why: str) -> None:
    document = json.loads(seat.manifest.read_text())
    broken(document)
    (tmp_path / "m.json").write_text(json.dumps(document))
    assert why in faults(seat.maestro, tmp_path / "m.json")[where]


def test_every_fault_is_named_at_once(seat: Seat, tmp_path: Path) -> None:
    document = json.loads(seat.manifest.read_text())
    document |= {"role": 7, "network": "yes", "tasks": [{"id": 1}, "x"], "more": 1}
    (tmp_path / "m.json").write_text(json.dumps(document))
    found = faults(seat.maestro, tmp_path / "m.json")
    assert set(found) == {"role", "network", "tasks[0].id", "tasks[0].title", "tasks[1]", "more"}
    said = seat.maestro("manifest", "validate", "m.json")
    assert all(place in said.err for place in found)


@pytest.mark.parametrize("raw", ["", "[]", "{", "\ufffe", '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 5000])
def test_any_file_is_looked_at(maestro: Maestro, tmp_path: Path, raw: str) -> None:
    (tmp_path / "m.json").write_text(raw)
    said = maestro("manifest", "validate", "m.json", "--json")
    assert (said.code, said.error) == (2, "validation_error")


def test_files_that_are_none_are_named(maestro: Maestro, tmp_path: Path) -> None:
    assert maestro("manifest", "validate", "none.json", "--json").error == "not_found"
    assert maestro("manifest", "validate", str(tmp_path), "--json").error == "io_error"
    assert maestro("manifest", "validate", "--json").error == "usage"
    (tmp_path / "old.json").write_text('{"manifestVersion": "1.0", "mode": "execute", "tasks": [], "session": {}}')
    assert "original system" in str(maestro("manifest", "validate", "old.json", "--json").document["suggestion"])


# -- what may be run --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "worker", "orchestrator"),
    [
        ("task complete", 0, 0),
        ("task:report:complete", 0, 0),
        ("task-start", 0, 0),
        ("whoami", 0, 0),
        ("session spawn", 4, 0),
        ("task delete", 4, 0),
        ("mail broadcast", 0, 0),
        ("key create", 4, 4),
        ("undo", 4, 4),
        ("daemon stop", 4, 4),
        ("session keys", 4, 4),
        ("queue start", 4, 0),
    ],
)
def test_a_session_learns_what_it_may_run(
    seat: Seat, served: Daemon, name: str, worker: int, orchestrator: int, tmp_path: Path
) -> None:
    boss = Seat(served, tmp_path, seat.task, role="orchestrator")
    assert seat.maestro("commands", "--check", name).code == worker
    assert boss.maestro("commands", "--check", name).code == orchestrator


def test_the_manifest_narrows_and_a_refusal_says_who_may(seat: Seat, maestro: Maestro) -> None:
    said = seat.maestro("commands", "--check", "session spawn", "--json")
    assert (said.error, said.document["suggestion"]) == (
        "forbidden",
        "An orchestrator of the project or a person may do this.",
    )
    document = json.loads(seat.manifest.read_text())
    document["allowedCommands"].remove("CompleteTask")
    seat.manifest.write_text(json.dumps(document))
    assert "manifest" in seat.maestro("commands", "--check", "task complete").err
    document["allowedCommands"].append("SpawnSession")
    seat.manifest.write_text(json.dumps(document))
    assert seat.maestro("commands", "--check", "session spawn").code == 4
    assert maestro("commands", "--check", "session spawn").out == "maestro session spawn: yes, you are a person\n"
    assert maestro("commands", "--check", "task compleet", "--json").error == "usage"
    assert maestro("commands", "--check", "   ", "--json").error == "usage"


def test_every_verb_is_known_to_the_check() -> None:
    words = {row[0] for row in VERBS}
    handled = {row[0] for row in VERBS if " " not in row[2]}
    assert set(allowed.HANDLED) <= handled
    assert words >= allowed.PEOPLE
    assert set(allowed.HANDLED.values()) <= set(RIGHTS)
    assert set(filter(None, map(allowed.kind_of, VERBS))) <= set(RIGHTS)


# -- files that were written ------------------------------------------------------------------------------------------


def test_a_file_that_was_written_is_told_and_nothing_fails(seat: Seat, alone: Maestro) -> None:
    began = time.time() * 1000
    said = seat.maestro("track-file", "src/app.py")
    assert (said.code, said.out, said.err) == (0, "", "")

    def later() -> bool:
        now: Any = seat.daemon.ok("GET", f"/sessions/{seat.session}")
        return bool(now["live"] and now["live"]["activity"] >= began - 1)

    assert eventually(later, what="it is a sign of life")
    for words in ((), ("a", "b", "c"), ("--nonsense",), ("x" * 100_000,)):
        assert seat.maestro("track-file", *words).code == 0
        assert alone("track-file", *words).code == 0
    away = seat.maestro("track-file", "x", env={"MAESTRO_SERVER": "unix:/nowhere/x.sock", "MAESTRO_TIMEOUT": "0.2"})
    assert (away.code, away.out, away.err) == (0, "", "")
