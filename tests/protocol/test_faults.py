"""Every fault of a manifest is found, each where it is."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from maestrod.domain.model import PermissionMode, Role, Strategy
from maestrod.protocol.faults import faults
from maestrod.protocol.manifest import Manifest, ManifestProject, ManifestTask, allowed_commands

Break = Callable[[dict[str, Any]], object]


def manifest(role: Role = Role.WORKER, strategy: Strategy = Strategy.SIMPLE) -> dict[str, Any]:
    made = Manifest(
        session_id="sess_1700000000000_abcdefghi",
        name="Fix it",
        role=role,
        strategy=strategy,
        provider="claude",
        model=None,
        permission_mode=PermissionMode.ACCEPT_EDITS,
        project=ManifestProject(id="proj_1_a", name="Shop", working_dir="/shop"),
        tasks=(ManifestTask(id="task_1_a", title="Fix it"), ManifestTask(id="task_1_b", title="Test it")),
        allowed_commands=allowed_commands(role),
    )
    document = msgspec.json.decode(msgspec.json.encode(made))
    assert isinstance(document, dict)
    return document


def found(document: object) -> dict[str, str]:
    return {problem.path: problem.message for problem in faults(document)}


def test_what_sessions_are_told_has_none() -> None:
    assert found(manifest()) == found(manifest(Role.ORCHESTRATOR, Strategy.DAG)) == {}


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (lambda m: m.pop("role"), {"role": "is missing"}),
        (lambda m: m.update(rle=1), {"rle": "is unknown; did you mean 'role'?"}),
        (lambda m: m.update(xyzzy=1), {"xyzzy": "is unknown"}),
        (lambda m: m.update(name=7, network="no"), {"name": "str", "network": "bool"}),
        (lambda m: m.update(manifestVersion="2.0"), {"manifestVersion": "is '2.0', and this version reads '1.0'"}),
        (lambda m: m.update(manifestVersion=2), {"manifestVersion": "str"}),
        (lambda m: m.update(strategy="dag"), {"strategy": "'dag' is not for a worker; use queue, simple, tree"}),
        (lambda m: m.update(strategy=1), {"strategy": "str"}),
        (lambda m: m.update(role=["worker"]), {"role": "str"}),
        (lambda m: m.update(allowedCommands=["StartTask", "SpawnSession"]), {"allowedCommands": "'SpawnSession'"}),
        (lambda m: m.update(allowedCommands="all"), {"allowedCommands": "must be a list"}),
        (lambda m: m.update(allowedCommands=[7, {}]), {"allowedCommands[0]": "str", "allowedCommands[1]": "str"}),
        (lambda m: m.update(effort="huge", model=None), {"effort": "huge"}),
        (lambda m: m.update(tasks=None), {"tasks": "must be a list"}),
        (lambda m: m["tasks"].append(None), {"tasks[2]": "must be an object"}),
        (lambda m: m["tasks"].append(m["tasks"][0]), {"tasks[2].id": "'task_1_a' comes twice"}),
        (lambda m: m["tasks"][1].update(id=[], labels=["a", 1]), {"tasks[1].id": "str", "tasks[1].labels[1]": "str"}),
        (lambda m: m["project"].pop("name"), {"project.name": "is missing"}),
        (lambda m: m.update(worktree={"isolation": "none"}), {"worktree.isolation": "none"}),
    ],
)
def test_a_fault_is_told_where_it_is(broken: Break, expected: dict[str, str]) -> None:
    document = manifest()
    broken(document)
    told = found(document)
    assert set(told) == set(expected)
    assert all(words in told[path] for path, words in expected.items()), told


@pytest.mark.parametrize("document", [None, [], "x", 7])
def test_what_is_no_object_has_one(document: object) -> None:
    assert found(document) == {"": "must be an object"}
