"""Runs the checks of tasks as children of the daemon and records how they went."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator

from maestrod.domain.changes import DAEMON, Change, Commit, Delete, Put
from maestrod.domain.checks import RecordChecks, Result
from maestrod.domain.model import Check, CheckStatus, Noun, Session
from maestrod.domain.state import State
from maestrod.engine.engine import Ask, Engine, NotCommitted, ReadOnly
from maestrod.locations import Locations
from maestrod.providers.environment import OUTER, SHELL, TERMINAL, inherited
from maestrod.watch.contents import look

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Tasks whose checks run at the same time."""
CREDENTIAL_FILE = "cred"
TAIL = 4_096
"""Bytes of a check's output that are kept, from its end."""
PART = 65_536
LINGER_S = 1.0
"""How long what a check left running may hold its output open."""
RETRY_S = 1.0


class Prover:
    """Hears of checks that are to run; a task's checks run one after another, in the order of the list."""

    def __init__(self, engine: Engine, places: Locations, *, limit_s: float) -> None:
        self._engine = engine
        self._places = places
        self._limit_s = limit_s
        self._due: asyncio.Queue[list[Check]] = asyncio.Queue()
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._given_up: set[str] = set()

    def heard(self, commit: Commit) -> None:
        """A commit came: what began in it is due, what was deleted in it is killed."""
        begun = [c.entity for c in commit.changes if isinstance(c, Put) and _runs(c)]
        if begun:
            self._due.put_nowait([check for check in begun if isinstance(check, Check)])
        for change in commit.changes:
            if isinstance(change, Delete) and change.noun is Noun.CHECK and change.id in self._running:
                self._given_up.add(change.id)
                _kill(self._running[change.id])

    async def remember(self) -> None:
        """At a start: what ran when the daemon before ended did not pass."""
        lost: dict[str, list[Result]] = {}
        for check in self._engine.state.table(Noun.CHECK).values():
            if isinstance(check, Check) and check.status is CheckStatus.RUNNING:
                lost.setdefault(check.task_id, []).append(_result(check, CheckStatus.INTERRUPTED))
        for task_id, results in lost.items():
            await self._record(RecordChecks(task_id=task_id, results=tuple(results)))

    async def run(self) -> None:
        """Run what is due, for as long as it is awaited."""
        places = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            while True:
                checks = await self._due.get()
                await places.acquire()
                task = group.create_task(self._prove(checks), name=f"checks of {checks[0].task_id}")
                task.add_done_callback(lambda _: places.release())

    async def _prove(self, checks: list[Check]) -> None:
        """Run them all; what can go wrong with one of them is its result."""
        try:
            before = await look(checks[0].directory)
            results = [await self._ran(check) for check in checks]
            after = await look(checks[0].directory)
            await self._record(
                RecordChecks(
                    task_id=checks[0].task_id,
                    results=tuple(results),
                    commit=after.commit,
                    work=after.work,
                    steady=before.tracked == after.tracked,
                )
            )
        except Exception:
            log.exception("checks could not be run", extra={"taskId": checks[0].task_id})
            lost = tuple(_result(check, CheckStatus.INTERRUPTED) for check in checks)
            await self._record(RecordChecks(task_id=checks[0].task_id, results=lost))

    async def _record(self, command: RecordChecks) -> None:
        """Record it, however long the disk refuses."""
        while True:
            try:
                await self._engine.execute(Ask(command=command, actor=DAEMON), _nothing)
            except (ReadOnly, NotCommitted) as error:
                log.warning("the outcome of checks waits for the disk: %s", error, extra={"taskId": command.task_id})
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def _ran(self, check: Check) -> Result:
        if check.id not in self._engine.state.table(Noun.CHECK):
            return _result(check, CheckStatus.INTERRUPTED)
        try:
            async with _listening() as (said, mouth):
                try:
                    process = await self._started(check, mouth)
                finally:
                    os.close(mouth)
                return await self._outcome(check, process, said)
        except (OSError, ValueError) as error:
            return _result(check, CheckStatus.FAILED, output=f"it could not be started: {error}")
        finally:
            self._running.pop(check.id, None)
            self._given_up.discard(check.id)

    async def _started(self, check: Check, mouth: int) -> asyncio.subprocess.Process:
        process = self._running[check.id] = await asyncio.create_subprocess_exec(
            "sh",
            "-c",
            check.command,
            cwd=check.directory,
            env=self._environment(check),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=mouth,
            stderr=mouth,
            start_new_session=True,
        )
        return process

    async def _outcome(self, check: Check, process: asyncio.subprocess.Process, said: asyncio.StreamReader) -> Result:
        tail = bytearray()
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(_read(said, tail))
                late = not await self._ends(process)
                await asyncio.wait({reading}, timeout=0 if late else LINGER_S)
                if late or not reading.done():
                    _kill(process)
                reading.cancel()
        finally:
            if process.returncode is None:
                _kill(process)
        code = await process.wait()
        output = bytes(tail).decode("utf-8", "replace")
        if late:
            return _result(check, CheckStatus.TIMED_OUT, output=output)
        passed = code == 0 and check.id not in self._given_up
        return _result(check, CheckStatus.PASSED if passed else CheckStatus.FAILED, code=code, output=output)

    async def _ends(self, process: asyncio.subprocess.Process) -> bool:
        """Whether it comes to an end in time."""
        try:
            async with asyncio.timeout(self._limit_s):
                await process.wait()
        except TimeoutError:
            return False
        return True

    def _environment(self, check: Check) -> dict[str, str]:
        """What the session's agent finds: a `maestro` in a check speaks for the session that it ran for."""
        own = {"MAESTRO_SERVER": f"unix:{self._places.socket}", "MAESTRO_TASK_IDS": check.task_id}
        own["MAESTRO_PROJECT_ID"] = self._engine.state.task(check.task_id).project_id
        if "MAESTRO_HOME" in os.environ:
            own["MAESTRO_HOME"] = os.environ["MAESTRO_HOME"]
        around = inherited(os.environ, unset=(*OUTER, *TERMINAL, *SHELL), keep=())
        return around | _of_session(self._engine.state, check, self._places) | own


def _of_session(state: State, check: Check, places: Locations) -> dict[str, str]:
    session = state.table(Noun.SESSION).get(check.session_id or "")
    if not isinstance(session, Session):
        return {}
    credential = places.session_run(session.id) / CREDENTIAL_FILE
    who = {"MAESTRO_SESSION_ID": session.id, "MAESTRO_CREDENTIAL_FILE": str(credential)}
    return {**(session.env or {}), **(who if credential.exists() else {})}


@contextlib.asynccontextmanager
async def _listening() -> AsyncIterator[tuple[asyncio.StreamReader, int]]:
    """A pipe of our own: waiting for a process must not mean waiting for all who hold its output open."""
    ear, mouth = os.pipe()
    said = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(said), os.fdopen(ear, "rb", buffering=0)
    )
    try:
        yield said, mouth
    finally:
        transport.close()


async def _read(said: asyncio.StreamReader, tail: bytearray) -> None:
    """Read all, keep the end."""
    while part := await said.read(PART):
        tail += part
        del tail[:-TAIL]


def _runs(change: Change) -> bool:
    entity = change.entity if isinstance(change, Put) else None
    return isinstance(entity, Check) and entity.status is CheckStatus.RUNNING


def _kill(process: asyncio.subprocess.Process) -> None:
    """The check with all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _result(check: Check, status: CheckStatus, *, code: int | None = None, output: str = "") -> Result:
    return Result(check_id=check.id, run=check.run, status=status, exit_code=code, output=output)


def _nothing(_state: State, _changes: tuple[Change, ...]) -> None:
    return None
