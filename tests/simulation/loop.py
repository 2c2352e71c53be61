"""An event loop whose time is virtual and whose order is a seed's: one step at a time, chosen among what is ready."""

import asyncio
import hashlib
import heapq
from asyncio.tasks import _PyTask  # type: ignore[attr-defined]
from collections import deque
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

SLOWEST_THREAD_S = 0.02
HELD_UP = 0.12
"""The share of steps before which a task is held up, once, as by a busy machine, while all others go on."""
LONGEST_HOLD_S = 0.02


class Stuck(Exception):
    """Nothing is ready and nothing is due: whoever waits waits for ever."""


class SimLoop(asyncio.BaseEventLoop):
    """Steps of tasks come in any order; what is called soon comes in its own, as asyncio promises.

    ``run_in_executor`` runs its function as one step, a while later. ``trace`` is a hash over every choice.
    """

    _ready: deque[asyncio.Handle]
    _scheduled: list[Any]
    _stopping: bool

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = Random(f"loop {seed}")
        self.steps = 0
        self._now = 0.0
        self._held: dict[int, asyncio.Handle] = {}
        self._numbers: dict[Any, int] = {}
        self._hash = hashlib.blake2b(digest_size=8)
        self.set_task_factory(self._numbered)  # type: ignore[arg-type]
        self.set_exception_handler(self._failed)
        self.failures: list[dict[str, Any]] = []

    @property
    def trace(self) -> str:
        return self._hash.hexdigest()

    def note(self, *what: object) -> None:
        """Make it a part of the trace."""
        self._hash.update(repr((round(self._now, 9), *what)).encode())

    def time(self) -> float:
        return self._now

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        future = self.create_future()
        self.call_later(self.random.random() * SLOWEST_THREAD_S, self._carry_out, future, func, args)
        return future

    def add_signal_handler(self, sig: int, callback: Any, *args: Any) -> None:  # type: ignore[override]
        """Nobody sends any."""

    def _carry_out(self, future: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
        if future.cancelled():
            return
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - what a thread would hand over
            future.set_exception(error)

    def _numbered(self, loop: Any, coro: Coroutine[Any, Any, Any], **named: Any) -> Any:
        task = _PyTask(coro, loop=loop, **named)
        self._numbers[task] = len(self._numbers)
        return task

    def _failed(self, loop: Any, context: dict[str, Any]) -> None:
        self.failures.append(context)

    # -- what BaseEventLoop asks of its children -------------------------------------------------

    def _run_once(self) -> None:
        while self._scheduled and self._scheduled[0]._cancelled:
            heapq.heappop(self._scheduled)._scheduled = False
        while self._ready and self._ready[0]._cancelled:
            self._ready.popleft()
        if not self._ready:
            if self._stopping:
                return
            if not self._scheduled:
                raise Stuck
            self._now = max(self._now, self._scheduled[0]._when)
        while self._scheduled and self._scheduled[0]._when <= self._now:
            timer = heapq.heappop(self._scheduled)
            timer._scheduled = False
            if not timer._cancelled:
                self._ready.append(timer)
        if self._ready:
            handle = self._choose()
            if handle is not None and not handle._cancelled:
                handle._run()
            self.steps += 1

    def _choose(self) -> asyncio.Handle | None:
        """A task's step, or the first of all the rest; None when the task is held up for a while."""
        choices: dict[int, asyncio.Handle] = {}
        for handle in self._ready:
            owner = getattr(getattr(handle, "_callback", None), "__self__", None)
            number = self._numbers[owner] if isinstance(owner, _PyTask) else -1
            choices.setdefault(number, handle)
        number = self.random.choice(sorted(choices))
        self._hash.update(b"%d %d;" % (number, len(choices)))
        handle = choices[number]
        self._ready.remove(handle)
        if number >= 0 and handle is not self._held.pop(number, None) and self.random.random() < HELD_UP:
            self._held[number] = handle
            self.call_later(self.random.random() * LONGEST_HOLD_S, self._ready.append, handle)
            return None
        return handle

    def _process_events(self, event_list: Any) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody sleeps."""
