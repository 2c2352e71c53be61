"""What a skill tells a role to run, the role may run."""

from pathlib import Path

import pytest

from maestro_cli import reading
from maestrod.domain.model import Role
from maestrod.protocol.manifest import allowed_commands
from maestrod.protocol.routes import WRITES
from maestrod.skills.catalogue import of_role, shipped
from tests.architecture.test_pages import BARE, commands

TOLD = [(role, shipped() / name / "SKILL.md") for role in Role for name in of_role(role)]
NEEDED = {f"{write.method} {write.path}": write.command for write in WRITES}


def rights(skill: Path) -> dict[str, str]:
    """The rights that the calls in a skill need, by the call."""
    found: dict[str, str] = {}
    for words in commands(skill):
        row = reading.read(words).row if " ".join(words) not in BARE else None
        route = " ".join(row[2].split(" ")[:2]) if row else ""
        if route in NEEDED:
            found[" ".join(words)] = NEEDED[route]
    return found


@pytest.mark.parametrize(("role", "skill"), TOLD, ids=lambda each: each.parent.name if isinstance(each, Path) else each)
def test_nothing_is_told_that_the_role_may_not_run(role: Role, skill: Path) -> None:
    needed = rights(skill)
    assert len(needed) >= 5
    assert {call: right for call, right in needed.items() if right not in allowed_commands(role)} == {}


def test_a_worker_that_is_told_to_plan_would_be_seen() -> None:
    needed = set(rights(shipped() / "maestro-orchestrator" / "SKILL.md").values())
    assert needed - set(allowed_commands(Role.WORKER)) != set()
