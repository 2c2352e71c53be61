"""Where an agent performs: a terminal with a person before it, or a pipe.

Ended
├── Interrupted      the person stopped the turn
└── Leave            the program is to end
"""

from __future__ import annotations

import os
import select
import signal
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

from maestro_cli.fake.cells import Row
from maestro_cli.fake.children import Ready
from maestro_cli.fake.composer import Submission
from maestro_cli.fake.face import Dialog, Face, Phase
from maestro_cli.fake.moments import Talk

FRAME_S = 0.12
QUEUE_LIMIT = 100

Late = tuple[float, Callable[[], None]]
"""Seconds, and what is called once when they have passed without an answer."""


class Ended(Exception):
    """Something ends before its time."""


class Interrupted(Ended):
    """The person stopped the turn."""


class Leave(Ended):
    """The program is to end.

    exit: politely. crash: at once, leaving everything as it is. signal: as the signal's number asks.
    """

    def __init__(self, code: int, reason: Literal["exit", "crash", "signal", "end"], number: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason
        self.number = number


class Signals:
    """Signals as entries of a list, and a descriptor that wakes a select."""

    def __init__(self) -> None:
        self.pending: deque[int] = deque(maxlen=64)
        self.fd, self._write = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._write, False)

    def listen(self) -> None:
        """Take the signals over; children get the defaults back."""
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGWINCH):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: object) -> None:
        del frame
        self.pending.append(number)

    def drain(self) -> None:
        """Empty the waking descriptor."""
        try:
            while os.read(self.fd, 512):
                continue
        except BlockingIOError:
            return


class Stage(ABC):
    """What the performance needs of its surroundings."""

    headless: bool

    def __init__(self, face: Face, talk: Talk) -> None:
        self.face = face
        self.talk = talk
        self.queue: deque[Submission] = deque(maxlen=QUEUE_LIMIT)
        self.announce: Callable[[Submission], None] | None = None
        """Called when a prompt is sent while the agent is busy."""
        self.closing = False
        """No signal and no key interrupts any more."""
        self.signals = Signals()
        self._deaf: set[int] = {getattr(signal, name) for name in face.ignored}

    def ignore(self, *numbers: int) -> None:
        """Do not react to these signals any more."""
        self._deaf.update(numbers)

    @abstractmethod
    def width(self) -> int:
        """Return the columns there are."""

    @abstractmethod
    def show(self, rows: Sequence[Row]) -> None:
        """Add rows to the history."""

    @abstractmethod
    def become(self, phase: Phase) -> None:
        """Change title and live part to a phase."""

    @abstractmethod
    def pump(self, timeout_s: float, reads: Sequence[int] = (), writes: Sequence[int] = ()) -> Ready:
        """Wait and serve the terminal.

        Raises:
            Ended: the person, or a signal, wants it so.
        """

    def pump_hook(self, timeout_s: float, reads: Sequence[int] = (), writes: Sequence[int] = ()) -> Ready:
        """Wait and serve the terminal, but keep an interruption for later: hooks are not torn."""
        return self.pump(timeout_s, reads, writes)

    @abstractmethod
    def ask(self, dialog: Dialog, *, opened: Callable[[], None], late: Late | None) -> str:
        """Show a dialog, call ``opened``, and return the answer."""

    @abstractmethod
    def prompt(self, late: Late | None) -> Submission:
        """Return the next prompt.

        Raises:
            Leave: there is none, or the person left.
        """

    @abstractmethod
    def close(self, farewell: Sequence[Row]) -> None:
        """Give the terminal back and print the last words."""

    def activity(self, rows: tuple[Row, ...]) -> None:
        """Show what is being done right now."""

    def word(self, text: str) -> None:
        """Change the word beside the spinner."""

    def retry(self, text: str) -> None:
        """Show that a request is tried again; an empty text takes it away."""

    def restore(self, text: str) -> None:
        """Put a prompt back into the composer."""

    def pause(self, seconds: float | None, *, until: Callable[[], bool] | None = None) -> None:
        """Look busy for a while, or until a condition holds."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not (until and until()):
            left = 3600.0 if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return
            self.pump(min(left, 0.03 if until else FRAME_S))

    def hang(self, seconds: float | None) -> None:
        """Show nothing and hear nothing but signals."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            left = 3600.0 if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return
            select.select([self.signals.fd], [], [], left)
            self._serve_signals()

    def linger(self, seconds: float) -> None:
        """Stay alive without a terminal, deaf to everything but SIGKILL."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            select.select([self.signals.fd], [], [], left)
            self.signals.drain()

    def _serve_signals(self) -> None:
        self.signals.drain()
        while self.signals.pending:
            number = self.signals.pending.popleft()
            if number == signal.SIGWINCH:
                self._resized()
            elif number == signal.SIGINT:
                self._interrupt()
            elif number not in self._deaf and not self.closing:
                raise Leave(128 + number, "signal", number)

    def _resized(self) -> None:
        """The terminal has another size."""

    def _interrupt(self) -> None:
        if not self.closing:
            raise Leave(130, "signal", signal.SIGINT)


class PipeStage(Stage):
    """Nobody to ask: dialogs are refused, prompts end with the first."""

    headless = True

    def __init__(self, face: Face, talk: Talk, *, spoken: bool) -> None:
        super().__init__(face, talk)
        self._spoken = spoken

    def width(self) -> int:
        return 120

    def show(self, rows: Sequence[Row]) -> None:
        if self._spoken:
            for row in rows:
                print(row.text, flush=True)

    def become(self, phase: Phase) -> None:
        """Change nothing; there is no screen."""

    def pump(self, timeout_s: float, reads: Sequence[int] = (), writes: Sequence[int] = ()) -> Ready:
        readable, writable, _ = select.select([self.signals.fd, *reads], writes, [], timeout_s)
        self._serve_signals()
        return Ready(frozenset(readable), frozenset(writable))

    def ask(self, dialog: Dialog, *, opened: Callable[[], None], late: Late | None) -> str:
        return dialog.cancel

    def prompt(self, late: Late | None) -> Submission:
        raise Leave(0, "end")

    def close(self, farewell: Sequence[Row]) -> None:
        """Print nothing."""
