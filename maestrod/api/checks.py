"""How a task stands with its checks: what ran, what is missing, and what the evidence is worth."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec
from aiohttp import web

from maestrod.api.calls import Call, seconds
from maestrod.domain import checks, proving, worktrees
from maestrod.domain.changes import Actor, Command, Commit
from maestrod.domain.evidence import Claim, claims
from maestrod.domain.model import Check, CheckStatus, Noun, Task
from maestrod.domain.state import State
from maestrod.engine.engine import Engine
from maestrod.protocol.views import encode
from maestrod.watch.contents import exists_commit, look

LONGEST_WAIT_S = 600.0
LOOKED_AT = 100
"""Pieces of evidence that are verified at most."""


class Checks:
    """Looks at the work of tasks, and answers for their checks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._stopping = False
        engine.listen(self._heard)

    async def work(self, command: Command, actor: Actor) -> Mapping[str, str]:
        """What the work of the tasks that a command may complete is now, by task, where the session works."""
        to_prove = proving.to_prove(self._engine.state, command)
        return {task.id: await self._work_of(task, by or actor.session_id) for task, by in to_prove}

    async def answer(self, call: Call) -> web.StreamResponse:
        """The checks of a task; with ``wait``, once none runs any more or so many seconds have passed.

        Raises:
            Rejected: there is no such task, or the seconds make no sense.
        """
        limit = seconds(call, "wait", 0.0, LONGEST_WAIT_S)
        task_id = call.ids(self._engine.state)["task"]
        await self._ended(task_id, limit)
        task = self._engine.state.task(task_id)
        work = await self._work_of(task, call.actor.session_id)
        claimed = claims(self._engine.state, task)[-LOOKED_AT:]
        evidence = [
            {**msgspec.to_builtins(c), "verified": await verified(self._directory(task, c.session_id), c)}
            for c in claimed
        ]
        body = await self._engine.read(lambda state: _document(state, state.task(task_id), work, evidence))
        return web.Response(body=body, content_type="application/json")

    def close(self) -> None:
        """Let everybody go who waits."""
        self._stopping = True
        for waiting in self._waiting.values():
            for wake in waiting:
                wake.set()

    async def _work_of(self, task: Task, session_id: str | None) -> str:
        if not task.checks:
            return ""
        return (await look(self._directory(task, session_id))).work

    def _directory(self, task: Task, session_id: str | None) -> str:
        return worktrees.directory_of_task(self._engine.state, task, session_id)

    async def _ended(self, task_id: str, limit: float) -> None:
        deadline = asyncio.get_running_loop().time() + limit
        wake = asyncio.Event()
        waiting = self._waiting.setdefault(task_id, set())
        waiting.add(wake)
        try:
            async with asyncio.timeout_at(deadline):
                while is_running(self._engine.state, task_id) and not self._stopping:
                    await wake.wait()
                    wake.clear()
        except TimeoutError:
            return
        finally:
            waiting.discard(wake)
            if not waiting:
                self._waiting.pop(task_id, None)

    def _heard(self, commit: Commit) -> None:
        for change in commit.changes:
            if change.noun is Noun.CHECK:
                for waiting in self._waiting.values():
                    for wake in waiting:
                        wake.set()
                return


def is_running(state: State, task_id: str) -> bool:
    """Whether a check of the task runs."""
    return any(check.status is CheckStatus.RUNNING for check in state.checks(task_id))


async def verified(directory: str, claim: Claim) -> bool | None:
    """Whether what is claimed is there; None for what is not looked at: addresses and notes."""
    match claim.kind:
        case "commit":
            return await exists_commit(directory, claim.value)
        case "file":
            return await asyncio.to_thread(_is_file, directory, claim.value)
        case _:
            return None


def _is_file(directory: str, name: str) -> bool:
    try:
        return Path(directory, name).is_file()
    except (OSError, ValueError):
        return False


def _document(state: State, task: Task, work: str, evidence: list[dict[str, object]]) -> bytes:
    known = {check.command: check for check in state.checks(task.id)}
    lacking = checks.missing(state, task, work)
    return encode(
        {
            "taskId": task.id,
            "status": task.status,
            "running": is_running(state, task.id),
            "passed": bool(task.checks) and not lacking,
            "checks": [_check(text, known.get(text), work) for text in dict.fromkeys(task.checks)],
            "missing": lacking,
            "evidence": evidence,
        }
    )


def _check(text: str, check: Check | None, work: str) -> dict[str, object]:
    """A check as it stands; ``status`` is null for one that never ran."""
    lack = checks.lack(check, work)
    told = msgspec.to_builtins(check) if check is not None else {"command": text, "status": None}
    return {**told, "stands": not lack, "lack": lack or None}
