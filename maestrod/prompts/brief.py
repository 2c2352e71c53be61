"""What an agent was told at its launch as one text, made anew; and what there is to say outside of a session."""

from collections.abc import Sequence
from pathlib import PurePosixPath

import msgspec

from maestrod.prompts.mail import pointer
from maestrod.prompts.system import system_part, worktree_part
from maestrod.prompts.task import task_part
from maestrod.prompts.text import line
from maestrod.protocol.manifest import Manifest


def brief(manifest: Manifest, skills: str = "", *, waiting: int = 0) -> str:
    """The system part with its ``skills``, the work as it is now, and how much mail waits."""
    parts = (f"{_who(manifest)}{skills}", task_part(manifest), pointer(waiting) if waiting else "")
    return "\n\n".join(part for part in parts if part)


def _who(manifest: Manifest) -> str:
    """The system part; of who works in a worktree, as of one who is there."""
    own = manifest.worktree
    if own is None or not own.made:
        return system_part(manifest)
    there = msgspec.structs.replace(manifest.project, working_dir=str(PurePosixPath(own.path, own.directory)))
    told = system_part(msgspec.structs.replace(manifest, project=there))
    return f"{told}{worktree_part(own.branch, manifest.project.working_dir)}"


def outside(project: tuple[str, str] | None, standing: Sequence[str]) -> str:
    """For who is in no session: the ``project`` here (its name and directory), how things stand, and what to say next.

    ``standing`` is shown as it is, a line each.
    """
    where = (
        f"Project “{line(project[0])}” in {line(project[1])}."
        if project
        else "This directory belongs to no project; `maestro init` makes it one."
    )
    shown = "\n".join(["", "## How things stand", *(f"    {row}".rstrip() for row in standing), ""]) if standing else ""
    return f"{_OUTSIDE_HEAD}\n{where}\n{shown}\n{_OUTSIDE_COMMANDS}"


_OUTSIDE_HEAD = (
    "# Agent Maestro, outside of a session\n"
    "Maestro coordinates coding agents on this machine: tasks, and the agents that work on them. "
    "You are none of its sessions, so no task is yours; what you do here counts as your user's own."
)

_OUTSIDE_COMMANDS = """\
## Commands
* `maestro status`: counts, who needs a person, what is stuck
* `maestro task list --ready`: what can begin
* `maestro task create "TITLE" --description "TEXT"`: add work
* `maestro session spawn --task TASK`: start an agent on it, in a window of its own
* `maestro session list --active`: who is at work
* `maestro why TASK`: why nothing happens, and what to do
* `maestro tui`: everything live, for people
* `maestro skill get cli`: the whole command on one page"""
