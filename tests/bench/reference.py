"""The practical limit: what aiohttp, uvloop and msgspec can do when nothing is checked, decided or derived.

``python -m tests.bench.reference`` listens on the socket of ``MAESTRO_HOME`` and answers the few routes that the
benchmarks ask. Like the daemon it answers a write when it is on disk: one thread syncs for all who wait. It has
no rules, no roles, no history, no snapshot, and believes every word that it is sent.
"""

import asyncio
import gc
import os
import time
from itertools import islice
from pathlib import Path

import msgspec
import uvloop
from aiohttp import web

JSON = "application/json"
BACKLOG = 2048
PAGE = 100


class Task(msgspec.Struct, rename="camel", gc=False):
    """As many fields as a task of ours has in the main."""

    id: str
    project_id: str
    title: str
    created_at: int
    updated_at: int
    description: str = ""
    priority: str = "medium"
    status: str = "todo"
    parent_id: str | None = None
    started_at: int | None = None
    completed_at: int | None = None
    session_ids: tuple[str, ...] = ()
    skill_ids: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    reference_task_ids: tuple[str, ...] = ()
    due_at: int | None = None


class NewTask(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The body of a create."""

    project_id: str
    title: str
    description: str = ""
    priority: str = "medium"


class Journal:
    """Lines in a file; ``append`` returns when the line is on disk, and shares its sync with all who wait."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._lines: list[bytes] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()

    async def append(self, line: bytes) -> None:
        """Write a line; durable on return."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.append(line)
        self._waiters.append(waiter)
        self._wake.set()
        await waiter

    async def run(self) -> None:
        """Write what waits, a batch at a time, for as long as it is awaited."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            lines, self._lines = self._lines, []
            waiters, self._waiters = self._waiters, []
            await loop.run_in_executor(None, self._write, b"\n".join((*lines, b"")))
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    def _write(self, data: bytes) -> None:
        os.write(self._fd, data)
        os.fdatasync(self._fd)


class Tasks:
    """The tasks, and their encoded forms, so that reading is joining."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._tasks: dict[str, Task] = {}
        self._bodies: dict[str, bytes] = {}
        self._listeners: set[asyncio.Transport] = set()
        self._encode = msgspec.json.Encoder().encode
        self._new = msgspec.json.Decoder(NewTask)
        self._edit = msgspec.json.Decoder(dict[str, str])

    def load(self) -> None:
        """Read the journal again."""
        decode = msgspec.json.Decoder(Task).decode
        gc.disable()
        with self._journal.path.open("rb") as lines:
            for line in lines:
                task = decode(line)
                self._tasks[task.id] = task
                self._bodies[task.id] = line[:-1]
        gc.freeze()
        gc.enable()

    def routes(self) -> list[web.RouteDef]:
        """What can be asked."""
        return [
            web.get("/health", self.health),
            web.post("/api/v1/projects", self.project),
            web.post("/api/v1/tasks", self.create),
            web.get("/api/v1/tasks", self.list),
            web.get("/api/v1/tasks/{id}", self.one),
            web.patch("/api/v1/tasks/{id}", self.edit),
            web.get("/api/v1/events", self.events),
        ]

    async def health(self, request: web.Request) -> web.Response:
        """It is."""
        return web.Response(body=b'{"status":"ok"}', content_type=JSON)

    async def project(self, request: web.Request) -> web.Response:
        """There is one, whoever asks."""
        return web.Response(body=b'{"id":"proj_1"}', status=201, content_type=JSON)

    async def create(self, request: web.Request) -> web.Response:
        """A new task."""
        new = self._new.decode(await request.read())
        now = time.time_ns() // 1_000_000
        task = Task(
            id=f"task_{len(self._tasks):09x}",
            project_id=new.project_id,
            title=new.title,
            description=new.description,
            priority=new.priority,
            created_at=now,
            updated_at=now,
        )
        return web.Response(body=await self._put(task), status=201, content_type=JSON)

    async def edit(self, request: web.Request) -> web.Response:
        """A task with other words in it."""
        sent = self._edit.decode(await request.read())
        now = time.time_ns() // 1_000_000
        task = msgspec.structs.replace(self._tasks[request.match_info["id"]], **sent, updated_at=now)
        return web.Response(body=await self._put(task), content_type=JSON)

    async def _put(self, task: Task) -> bytes:
        body = bytes(memoryview(self._encode(task)))  # a copy: the encoder's own bytes are larger than they look
        self._tasks[task.id] = task
        self._bodies[task.id] = body
        await self._journal.append(body)
        self._tell(body)
        return body

    async def one(self, request: web.Request) -> web.Response:
        """A task."""
        return web.Response(body=self._bodies[request.match_info["id"]], content_type=JSON)

    async def list(self, request: web.Request) -> web.Response:
        """Every task, or the first page of them."""
        bodies = self._bodies.values()
        rows = b",".join(islice(bodies, PAGE) if "limit=" in request.path_qs else bodies)
        return web.Response(body=b"[" + rows + b"]", content_type=JSON)

    async def events(self, request: web.Request) -> web.WebSocketResponse:
        """Every change, from now on."""
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        transport = request.transport
        assert transport is not None
        self._listeners.add(transport)
        try:
            async for _ in ws:
                pass
        finally:
            self._listeners.discard(transport)
        return ws

    def _tell(self, body: bytes) -> None:
        if self._listeners:
            frame = _frame(b'{"type":"task:updated","data":' + body + b"}")
            for listener in self._listeners:
                listener.write(frame)


def _frame(payload: bytes) -> bytes:
    """The bytes as one unmasked text message (RFC 6455, section 5.2), built once for all who listen."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


async def serve(home: Path) -> None:
    """Listen until the process is ended."""
    (home / "run").mkdir(exist_ok=True)
    journal = Journal(home / "journal")
    tasks = Tasks(journal)
    tasks.load()
    app = web.Application()
    app.add_routes(tasks.routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(home / "run" / "maestrod.sock"), backlog=BACKLOG).start()
    async with asyncio.TaskGroup() as group:
        group.create_task(journal.run())


if __name__ == "__main__":
    uvloop.run(serve(Path(os.environ["MAESTRO_HOME"])))
