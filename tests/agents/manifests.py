"""Manifests for tests of what is made from them."""

from typing import Any

import msgspec

from maestrod.domain.model import PermissionMode, Priority, Role, Strategy, TaskStatus
from maestrod.protocol.manifest import Manifest, ManifestProject, ManifestSubtask, ManifestTask, allowed_commands

CONVERSATION = "6f1f7a52-9f0e-4a3b-8a57-2f0c6a1d9f10"
FRESH = "00000000-0000-4000-8000-000000000001"

LOGIN = ManifestTask(
    id="task_1760000000001_aaaaaaaaa",
    title="Fix the flaky login test",
    description='It fails once in ten runs.\n\nSee `tests/login_test.py`: the <form> is posted too early & "often".',
    status=TaskStatus.TODO,
    priority=Priority.HIGH,
    acceptance_criteria=("100 runs in a row pass", "no sleep was added"),
    dependencies=("task_1760000000009_ddddddddd",),
    subtasks=(
        ManifestSubtask(id="sub_1760000000003_bbbbbbbbb", title="Reproduce it", completed=True),
        ManifestSubtask(id="sub_1760000000004_ccccccccc", title="Wait for the form"),
    ),
    initial_prompt="Begin with the trace in CI.",
    labels=("tests", "ci"),
)
DOCS = ManifestTask(id="task_1760000000002_eeeeeeeee", title="Describe the login", priority=Priority.LOW)


def manifest(**changes: Any) -> Manifest:
    """A worker's manifest with two tasks; ``changes`` are its fields."""
    made = Manifest(
        session_id="sess_1760000000005_fffffffff",
        name="Fix the flaky login test",
        role=Role.WORKER,
        strategy=Strategy.SIMPLE,
        provider="claude",
        model=None,
        permission_mode=PermissionMode.ACCEPT_EDITS,
        project=ManifestProject(
            id="proj_1760000000006_ggggggggg", name="Shop", working_dir="/srv/shop", description="The web shop."
        ),
        tasks=(LOGIN, DOCS),
        allowed_commands=allowed_commands(changes.get("role", Role.WORKER)),
        created_at=1_760_000_000_000,
    )
    return msgspec.structs.replace(made, **changes)
