"""The single writer: commands in, commits out, and no answer before the disk has what it rests on.

Everything here runs on the event loop and does not wait between reading the state and changing it, so
commands are decided one after another. The journal's thread only reports back. When it reports nothing for too
long, the disk hangs: what waits for it is taken out of memory, told to be unknown, and put back if it arrives.

::

    Refused (by the engine, not by a rule)
    ├── ReadOnly        the store takes no writes now
    └── NotCommitted    this write's batch failed: surely not applied, or unknown
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import msgspec

from maestrod.domain import events, permissions, registry
from maestrod.domain.changes import (
    Actor,
    Change,
    Command,
    Commit,
    Context,
    Delete,
    Idempotency,
    Piece,
    Put,
    Record,
    RecordCodec,
    Undone,
)
from maestrod.domain.errors import KeyReused, Rejected, Stale
from maestrod.domain.model import Noun
from maestrod.domain.state import State
from maestrod.engine.clock import Clock
from maestrod.store.log import DiskError, Log, NotApplied, StoreError

log = logging.getLogger(__name__)

R = TypeVar("R")

IDEMPOTENCY_MS = 24 * 3600 * 1000
IDEMPOTENCY_KEYS = 100_000
UNDER_WAY = 50_000
"""Commits that may wait for the disk at once; more are refused."""
RETRY_S = 0.5
LONGEST_RETRY_S = 5.0
STALL_S = 10.0
"""A write that waits longer than this for the disk is given up."""
LOOKS = 4
"""In that time it is looked at so often, lest a process that was stopped meanwhile blames the disk."""
READ_TRIES = 3
"""How often a read is repeated when what it rested on was lost under it."""


class ReadOnly(Exception):
    """The store takes no writes; ``reason`` says since when and why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotCommitted(Exception):
    """The write's batch failed; ``applied`` is False for surely not, None for unknown."""

    def __init__(self, reason: str, *, applied: bool | None) -> None:
        super().__init__(reason)
        self.applied = applied


class IfMatch(msgspec.Struct, frozen=True):
    """The version that the caller saw, and of what."""

    noun: Noun
    id: str
    version: int


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A command with all that comes with it."""

    command: Command
    actor: Actor
    request_id: str = ""
    idem: Idempotency | None = None
    if_match: IfMatch | None = None
    work: Mapping[str, str] = {}
    undone: Undone | None = None
    brought: tuple[Piece, ...] = ()


class Key(msgspec.Struct, frozen=True, array_like=True):
    """An idempotency key that was used: the whole key, a hash of the body, the commit, its time."""

    key: str
    body_hash: str
    seq: int
    at: int


class _Pending(msgspec.Struct):
    commit: Commit
    inverse: list[Change]
    key: Key | None


class Engine:
    """Owns the state. ``execute`` changes it, ``read`` looks at it; both keep the barrier."""

    def __init__(
        self, state: State, journal: Log, clock: Clock, *, keys: Iterable[Key] = (), stall_s: float = STALL_S
    ) -> None:
        self.state = state
        self.clock = clock
        self.read_only: str | None = None
        self._journal = journal
        self._codec = RecordCodec()
        self._seq = journal.last_seq
        self._durable = journal.durable_seq
        self._pending: deque[_Pending] = deque()
        self._late: deque[_Pending] = deque()
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._keys: OrderedDict[str, Key] = OrderedDict((k.key, k) for k in keys)
        self._listeners: list[Callable[[Commit], None]] = []
        self._failures = 0
        self._failed = asyncio.Event()
        self._stall_s = stall_s

    @property
    def seq(self) -> int:
        """The last commit in memory."""
        return self._seq

    @property
    def durable_seq(self) -> int:
        """The last commit known to be on disk."""
        return self._durable

    @property
    def keys(self) -> tuple[Key, ...]:
        """The idempotency keys that still count, oldest first; for the snapshot."""
        return tuple(self._keys.values())

    def listen(self, listener: Callable[[Commit], None]) -> None:
        """Call ``listener`` with every commit, in order, once it is durable; it must not raise or wait."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Let the journal report to the running loop."""
        loop = asyncio.get_running_loop()
        self._journal.start(
            on_durable=lambda seq: _tell(loop, self._on_durable, seq),
            on_failure=lambda error: _tell(loop, self._on_failure, error),
        )

    async def execute(self, ask: Ask, render: Callable[[State, tuple[Change, ...]], R]) -> R:
        """Decide and commit; durable on return. ``render`` makes the answer from the state right after it.

        Cancelling the caller does not take the commit back. A repeated idempotency key renders the changes
        of its first commit.

        Raises:
            Rejected: a rule refuses; what it rests on is durable.
            ReadOnly: the store takes no writes.
            NotCommitted: the disk failed under this very write.
        """
        first = await self.first(ask.actor, ask.idem) if ask.idem is not None else None
        if first is not None:
            answer = render(self.state, first.changes)
        else:
            try:
                answer = self._decide(ask, render)
            except Rejected:
                await self.settled()
                raise
        await self.settled()
        return answer

    async def first(self, actor: Actor, idem: Idempotency | None) -> Record | None:
        """The commit of the first request with this key, once it is durable; None for a new key.

        Raises:
            KeyReused: the key came with another body.
            NotCommitted: the first request's batch failed just now.
            ReadOnly: the disk refuses to show the first commit; that may pass.
        """
        try:
            known = self._known(actor, idem)
        except Rejected:
            await self.settled()
            raise
        if known is None:
            return None
        await self.settled()
        try:
            line = await asyncio.to_thread(self._journal.record, known.seq)
        except DiskError as error:
            raise ReadOnly(f"the first answer cannot be read again: {error}") from error
        if line is None:
            raise Rejected(f"commit {known.seq} is no longer kept", hint="Send the request with a new key.")
        return self._codec.decode(line)

    async def read(self, render: Callable[[State], R]) -> R:
        """An answer from the state as it is, once all of that is durable.

        What the disk loses meanwhile is not shown: the answer is made again from what is left.

        Raises:
            Rejected: what was asked for is not there; that, too, is durable.
        """
        for _ in range(READ_TRIES - 1):
            try:
                return await self._settled_answer(render)
            except NotCommitted:
                log.debug("a read is repeated: what it rested on was lost")
        return await self._settled_answer(render)

    async def _settled_answer(self, render: Callable[[State], R]) -> R:
        try:
            answer = render(self.state)
        except Rejected:
            await self.settled()
            raise
        await self.settled()
        return answer

    async def settled(self) -> None:
        """Wait until everything that is in memory now is durable.

        Raises:
            NotCommitted: it will not be.
        """
        if self._durable >= self._seq:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((self._seq, waiter))
        await waiter

    def check_writable(self) -> None:
        """Raises: ReadOnly: the store takes no writes now."""
        if self.read_only is not None:
            raise ReadOnly(self.read_only)
        if len(self._pending) > UNDER_WAY:
            raise ReadOnly(f"{UNDER_WAY} writes wait for the disk already")

    async def run(self) -> None:
        """Bring the store back after failures and notice a disk that hangs, for as long as it is awaited."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch())
            while True:
                await self._failed.wait()
                await self._recover()

    # -- deciding --------------------------------------------------------------------------------

    def _decide(self, ask: Ask, render: Callable[[State, tuple[Change, ...]], R]) -> R:
        self.check_writable()
        permissions.authorize(self.state, ask.command, ask.actor)
        self._match(ask.if_match)
        ctx = Context(
            ask.actor, self.clock.now(), self.clock.new_id, work=ask.work, undone=ask.undone, brought=ask.brought
        )
        changes = tuple(registry.decide(self.state, ask.command, ctx))
        if changes:
            self._commit(ask, ctx, changes)
        return render(self.state, changes)

    def _commit(self, ask: Ask, ctx: Context, changes: tuple[Change, ...]) -> None:
        commit = Commit(
            seq=self._seq + 1,
            at=ctx.now,
            actor=str(ask.actor),
            request_id=ask.request_id,
            command=ask.command,
            changes=changes,
            events=events.derive(self.state, ask.command, changes),
            idem=ask.idem,
        )
        try:
            self._journal.append(commit.seq, self._codec.encode(commit))
        except StoreError as error:
            raise ReadOnly(str(error)) from error
        inverse = [self._opposite(change) for change in changes]
        self.state.apply_all(changes)
        self._seq = commit.seq
        key = self._remember(ask, commit)
        self._pending.append(_Pending(commit, inverse, key))

    def _opposite(self, change: Change) -> Change:
        old = self.state.table(change.noun).get(change.id)
        return Delete(change.noun, change.id) if old is None else Put(change.noun, old)

    def _match(self, if_match: IfMatch | None) -> None:
        if if_match is None:
            return
        entity = self.state.table(if_match.noun).get(if_match.id)
        if entity is not None and entity.version != if_match.version:
            raise Stale(if_match.noun, if_match.id, entity.version)

    # -- idempotency -----------------------------------------------------------------------------

    def _known(self, actor: Actor, idem: Idempotency | None) -> Key | None:
        if idem is None:
            return None
        known = self._keys.get(f"{actor} {idem.key}")
        if known is None or known.at < self.clock.now() - IDEMPOTENCY_MS:
            return None
        if known.body_hash != idem.body_hash:
            raise KeyReused(idem.key)
        return known

    def _remember(self, ask: Ask, commit: Commit) -> Key | None:
        if ask.idem is None:
            return None
        key = Key(f"{ask.actor} {ask.idem.key}", ask.idem.body_hash, commit.seq, commit.at)
        self._keep_key(key)
        while len(self._keys) > IDEMPOTENCY_KEYS or next(iter(self._keys.values())).at < commit.at - IDEMPOTENCY_MS:
            self._keys.popitem(last=False)
        return key

    def _keep_key(self, key: Key) -> None:
        self._keys[key.key] = key
        self._keys.move_to_end(key.key)

    # -- the disk answers ------------------------------------------------------------------------

    def _on_durable(self, seq: int) -> None:
        self._durable = max(self._durable, seq)
        self._arrive(seq)
        while self._pending and self._pending[0].commit.seq <= seq:
            self._tell_of(self._pending.popleft().commit)
        while self._waiters and self._waiters[0][0] <= seq:
            _, waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)

    def _tell_of(self, commit: Commit) -> None:
        for listener in self._listeners:
            try:
                listener(commit)
            except Exception:
                log.exception("a listener failed on a commit", extra={"seq": commit.seq})

    def _on_failure(self, error: StoreError) -> None:
        log.error("the journal failed, writes are refused until it recovers: %s", error)
        self._failures += 1
        self._give_up(str(error), applied=False if isinstance(error, NotApplied) else None)
        self._late.clear()
        self._failed.set()

    def _give_up(self, reason: str, *, applied: bool | None) -> None:
        """Go back to what is durable, and tell everyone who waits for more."""
        self.read_only = reason
        while self._pending:
            undone = self._pending.pop()
            self.state.apply_all(reversed(undone.inverse))
            if undone.key is not None:
                self._keys.pop(undone.key.key, None)
            self._late.appendleft(undone)
        self._seq = self._durable
        failure = NotCommitted(reason, applied=applied)
        while self._waiters:
            _, waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(failure)
                waiter.exception()

    async def _watch(self) -> None:
        seen, looks = 0, 0
        while True:
            await asyncio.sleep(self._stall_s / LOOKS)
            oldest = self._pending[0].commit.seq if self._pending else 0
            seen, looks = oldest, looks + 1 if oldest and oldest == seen else 0
            if looks == LOOKS:
                log.error("the disk hangs, writes are refused until it answers", extra={"seq": oldest})
                self._give_up(f"the disk has not answered for {self._stall_s:g} s", applied=None)

    def _arrive(self, seq: int) -> None:
        """What was given up while the disk hung is durable after all."""
        if not self._late:
            return
        while self._late and self._late[0].commit.seq <= seq:
            late = self._late.popleft()
            self.state.apply_all(late.commit.changes)
            self._seq = late.commit.seq
            if late.key is not None:
                self._keep_key(late.key)
            self._tell_of(late.commit)
        if not self._late:
            self.read_only = None
            log.warning("the disk answers again, the journal takes writes")

    async def _recover(self) -> None:
        pause = RETRY_S
        while self.read_only is not None:
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_RETRY_S)
            failures = self._failures
            try:
                await asyncio.to_thread(self._journal.resume, self._durable)
            except StoreError as error:
                self.read_only = str(error)
                continue
            except ValueError as error:
                self.read_only = f"what was answered is no longer on disk ({error}); restart maestrod"
                log.critical("the store stays read-only: %s", self.read_only)
                break
            if failures == self._failures:
                self.read_only = None
                log.warning("the journal takes writes again")
        self._failed.clear()

    def records(self, after: int, limit: int) -> list[Record]:
        """Decoded commits after a seq, oldest first; reads the disk, so call it in a thread.

        Raises:
            StoreError: they are no longer kept, or the disk refuses.
        """
        return [self._codec.decode(line) for line in self._journal.read(after, limit=limit)]


def _tell(loop: asyncio.AbstractEventLoop, listener: Callable[[R], None], value: R) -> None:
    try:
        loop.call_soon_threadsafe(listener, value)
    except RuntimeError:
        log.debug("the loop was closed before the journal")
