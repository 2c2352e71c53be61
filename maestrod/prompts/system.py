"""The system part: a template with its placeholders filled in from the manifest."""

from collections.abc import Sequence

from maestrod.domain.model import PermissionMode, Role, Strategy
from maestrod.domain.templates import OLDER, PLACEHOLDER, shipped_of
from maestrod.prompts.commands import commands_of
from maestrod.prompts.text import data, frame, line
from maestrod.prompts.workflows import phases
from maestrod.protocol.manifest import Manifest


def system_part(manifest: Manifest) -> str:
    """Markdown, the same for the same manifest; it holds for the whole conversation.

    What is shipped holds no task text; a person's template may ask for some. A line that is nothing but
    placeholders without anything to say is left out. What comes in by a placeholder is never read as one.
    """
    values = _values(manifest)

    def filled(row: str) -> str | None:
        found = PLACEHOLDER.sub(lambda match: values.get(match[1] or OLDER[match[2]], match[0]), row)
        return None if not found.strip() and row.strip() else found

    rows = (filled(row) for row in (manifest.template or shipped_of(manifest.role).content).split("\n"))
    return "\n".join(row for row in rows if row is not None)


def skills_part(found: Sequence[tuple[str, str]], missing: Sequence[str] = ()) -> str:
    """Names and descriptions of the skills that a session was given, and those that were not found; "" for none."""
    rows = [f"* `{name}`: {line(about)}" for name, about in found]
    rows += [f"* {line(name)} was asked for and is not here; do without it." for name in missing]
    if not rows:
        return ""
    return "\n\n## Skills\nBefore you do what one of these is about, read it: `maestro skill info NAME`.\n" + "\n".join(
        rows
    )


def worktree_part(branch: str, project_dir: str) -> str:
    """What an agent must know that works in a worktree of its own."""
    return (
        f"\n\n## Your worktree\nYou work in a git worktree of your own, on the branch `{line(branch)}`. Change files "
        f"here, not in {line(project_dir)}: others work there. Commit what you finish, on this branch; what is not "
        "committed is not merged. Do not merge, push or switch branches unless you are told to."
    )


def _values(manifest: Manifest) -> dict[str, str]:
    project, tasks = manifest.project, manifest.tasks
    rows = "\n".join(f"{task.id} {line(task.title)} ({task.priority})" for task in tasks)
    return {
        "SESSION_ID": manifest.session_id,
        "SESSION_NAME": line(manifest.name),
        "STARTED_BY": _started_by(manifest),
        "ROLE": manifest.role.value,
        "PROJECT_NAME": line(project.name),
        "PROJECT_DIR": line(project.working_dir),
        "PROJECT_DESCRIPTION": frame("project", data(project.description)) if project.description.strip() else "",
        "PERMISSIONS": _permissions(manifest),
        "STRATEGY": manifest.strategy.value,
        "WORKFLOW": _workflow(manifest.strategy),
        "COMMANDS": "\n".join(f"* `{command.words}`: {command.use}" for command in commands_of(manifest)),
        "WHEN_MISSING": _SKIP if manifest.strategy is Strategy.QUEUE else _BLOCK,
        "TASK_COUNT": str(len(tasks)),
        "TASK_TITLE": line(tasks[0].title) if tasks else "",
        "ALL_TASKS": frame("tasks", rows) if tasks else "",
    }


def _started_by(manifest: Manifest) -> str:
    above = manifest.parent_session_id
    return f"Session {above} started you and reads your reports." if above else "A person started you."


def _workflow(strategy: Strategy) -> str:
    return "\n".join(f"{n}. **{name}.** {text}" for n, (name, text) in enumerate(phases(strategy), 1))


def _permissions(manifest: Manifest) -> str:
    edits = manifest.permission_mode is not PermissionMode.ACCEPT_EDITS or manifest.role is Role.WORKER
    return _MODES[manifest.permission_mode] if edits else ""


_MODES = {
    PermissionMode.ACCEPT_EDITS: "You may edit files here without asking.",
    PermissionMode.READ_ONLY: "You read and report. You change no file.",
    PermissionMode.INTERACTIVE: "A person confirms your changes as you go.",
    PermissionMode.BYPASS: "Nothing asks for confirmation, so take care: nobody stops a mistake.",
}

_BLOCK = "* Something outside is missing: block the task and say exactly what would unblock it. Do not guess."

_SKIP = (
    "* Something outside is missing: skip the item, or fail it when you have tried, "
    "and say exactly what would unblock it. Do not guess."
)
