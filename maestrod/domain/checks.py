"""Checks: the commands that prove a task, and what came of running them.

Asking for a run makes it durable as ``running``; the daemon then runs it and records how it went. A pass counts
for as long as the check is in the task's list and the work is what it was when the checks had ended.
"""

from collections.abc import Mapping

import msgspec

from maestrod.domain import attempts, limits, worktrees
from maestrod.domain.changes import Change, Command, Context, Delete, Put
from maestrod.domain.errors import Conflict, Invalid
from maestrod.domain.model import Check, CheckStatus, Noun, Role, Session, Task
from maestrod.domain.revision import revised
from maestrod.domain.state import State


class AddCheck(Command, frozen=True, kw_only=True):
    """Add a command to those that prove a task."""

    task_id: str
    check: str


class RunChecks(Command, frozen=True, kw_only=True):
    """Run all checks of a task; those that run already go on."""

    task_id: str
    session_id: str | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How one run of one check went; ``output`` is the end of what it said."""

    check_id: str
    run: int
    status: CheckStatus
    exit_code: int | None = None
    ended_at: int = 0
    output: str = ""


class RecordChecks(Command, frozen=True, kw_only=True):
    """What came of running a task's checks, and what the work was when all of them had ended."""

    task_id: str
    results: tuple[Result, ...]
    commit: str | None = None
    work: str = ""
    steady: bool = True


class Missing(msgspec.Struct, frozen=True):
    """A check that does not stand, and why."""

    command: str
    reason: str


def add_check(state: State, command: AddCheck, ctx: Context) -> list[Change]:
    """A check that is there already stays where it is."""
    task = state.task(command.task_id)
    fields = limits.Fields().said("check", command.check, limits.TEXT)
    if len(task.checks) >= limits.LIST:
        fields.wrong("check", f"is one more than the {limits.LIST} that are allowed")
    fields.end()
    if command.check in task.checks:
        return []
    return [Put(Noun.TASK, revised(task, ctx, checks=(*task.checks, command.check)))]


def run_checks(state: State, command: RunChecks, ctx: Context) -> list[Change]:
    """For the session named, else the one that asks, else the only one that works on the task."""
    task = state.task(command.task_id)
    session = _session(state, task, command.session_id or ctx.actor.session_id)
    if not task.checks:
        raise Conflict(
            f"task {task.id} ({task.title}) has no checks",
            hint=_instead(state, task, ctx),
        )
    known = {check.command: check for check in state.checks(task.id)}
    begun = (_begun(state, task, text, known.get(text), session, ctx) for text in dict.fromkeys(task.checks))
    return [Put(Noun.CHECK, check) for check in begun if check is not None]


def _instead(state: State, task: Task, ctx: Context) -> str:
    """What to do where there is nothing to run; a worker may add no check."""
    if ctx.actor.session_id and state.session(ctx.actor.session_id).role is Role.WORKER:
        return "Nothing has to be run: complete the task when its criteria are met."
    return f"Add one: `maestro task check add {task.id} COMMAND`."


def record_checks(state: State, command: RecordChecks, ctx: Context) -> list[Change]:
    """A run that nobody waits for any more, its check having gone or begun again, is dropped."""
    changes: list[Change] = []
    for result in command.results:
        check = state.table(Noun.CHECK).get(result.check_id)
        awaited = isinstance(check, Check) and check.status is CheckStatus.RUNNING and check.run == result.run
        if isinstance(check, Check) and awaited and result.status is not CheckStatus.RUNNING:
            ended = revised(
                check,
                ctx,
                status=result.status,
                exit_code=result.exit_code,
                ended_at=result.ended_at or ctx.now,
                output=result.output,
                commit=command.commit,
                work=command.work,
                steady=command.steady,
            )
            changes.append(Put(Noun.CHECK, ended))
    return list({change.id: change for change in changes}.values())


def dropped(state: State, task_id: str, kept: tuple[str, ...]) -> list[Change]:
    """Deletions of the runs of checks that are no longer in the list."""
    return [Delete(Noun.CHECK, check.id) for check in state.checks(task_id) if check.command not in kept]


def missing(state: State, task: Task, work: str) -> list[Missing]:
    """The checks that do not stand while the work is this one, in the order of the list."""
    if not task.checks:
        return []
    known = {check.command: check for check in state.checks(task.id)}
    judged = ((text, lack(known.get(text), work)) for text in dict.fromkeys(task.checks))
    return [Missing(text, reason) for text, reason in judged if reason]


def lack(check: Check | None, work: str) -> str:
    """Why a check does not stand; empty when it does."""
    if check is None:
        return "has not been run"
    if check.status is not CheckStatus.PASSED:
        code = f" with exit code {check.exit_code}" if check.exit_code is not None else ""
        return _LACKS[check.status] + (code if check.status is CheckStatus.FAILED else "")
    if not check.steady:
        return "passed while the work was changing"
    return "" if check.work == work else "passed before the work changed"


_LACKS: Mapping[CheckStatus, str] = {
    CheckStatus.RUNNING: "is still running",
    CheckStatus.FAILED: "failed",
    CheckStatus.TIMED_OUT: "took too long",
    CheckStatus.INTERRUPTED: "was interrupted",
}


def all_passed(state: State, task: Task) -> bool:
    """Whether every check of the task passed when it last ran, whatever happened since."""
    passed = {c.command for c in state.checks(task.id) if c.status is CheckStatus.PASSED and c.steady}
    return passed.issuperset(task.checks)


def told(lacking: list[Missing], task_id: str) -> str:
    """What is missing, in a sentence that says what to do."""
    shown = [f"`{m['command']}` {m['reason']}" for m in listed(lacking)]
    if len(lacking) > _NAMED:
        shown.append(f"{len(lacking) - _NAMED} more")
    return f"{'; '.join(shown)}. Then `maestro task check run {task_id}`, and complete it again."


def listed(lacking: list[Missing]) -> list[dict[str, str]]:
    """The first of them, their commands cut to a line."""
    first = lacking[:_NAMED]
    return [{"command": m.command.strip().partition("\n")[0][:_SHOWN], "reason": m.reason} for m in first]


_NAMED = 5
_SHOWN = 200


def _session(state: State, task: Task, session_id: str | None) -> Session | None:
    if session_id is None:
        held = attempts.live_at(state, task.id)
        return state.session(held[0].session_id) if len(held) == 1 else None
    session = state.session(session_id)
    if session.project_id != task.project_id:
        raise Invalid.field("sessionId", f"{session.id} is a session of another project")
    return session


def _begun(
    state: State, task: Task, text: str, known: Check | None, session: Session | None, ctx: Context
) -> Check | None:
    """The check as it runs; None when it runs already."""
    if known is not None and known.status is CheckStatus.RUNNING:
        return None
    fresh: dict[str, object] = {
        "status": CheckStatus.RUNNING,
        "session_id": session.id if session is not None else None,
        "directory": worktrees.directory_of_task(state, task, session.id if session is not None else None),
        "started_at": ctx.now,
        "ended_at": None,
        "exit_code": None,
        "commit": None,
        "work": "",
        "steady": True,
        "output": "",
    }
    if known is not None:
        return revised(known, ctx, run=known.run + 1, **fresh)
    made = Check(id=ctx.new_id(Noun.CHECK), created_at=ctx.now, updated_at=ctx.now, task_id=task.id, command=text)
    return msgspec.structs.replace(made, **fresh)
