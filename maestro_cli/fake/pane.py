"""The stage with a person before it: one select serves keys, signals, children and the spinner."""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from maestro_cli.fake.cells import Row
from maestro_cli.fake.children import Ready
from maestro_cli.fake.composer import Composer, Submission
from maestro_cli.fake.face import Dialog, Face, Phase, View
from maestro_cli.fake.moments import Talk
from maestro_cli.fake.stage import FRAME_S, Interrupted, Late, Leave, Stage
from maestro_cli.fake.terminal import Hangup, Key, KeyReader, Live, Pressed, RawMode, Screen, Typed

T = TypeVar("T")

ESCAPE_S = 0.03
SECOND_PRESS_S = 2.0
FOREVER_S = 3600.0
CHUNK = 65_536


class PaneStage(Stage):
    """A terminal in raw mode with history above and a composer, spinner or dialog below."""

    headless = False

    def __init__(
        self, face: Face, talk: Talk, *, screen: Screen, raw: RawMode, fd: int, swallow_s: float | None = None
    ) -> None:
        super().__init__(face, talk)
        self._screen = screen
        self._raw = raw
        self._fd = fd
        self._reader = KeyReader()
        self._composer = Composer(face, swallow_s=swallow_s)
        self._view = View("starting", talk)
        self._since = self._frame_at = time.monotonic()
        self._sent: deque[Submission] = deque()
        self._unannounced: deque[Submission] = deque()
        self._answer: str | None = None
        self._stop = False
        self._leaving_until = 0.0

    def width(self) -> int:
        return self._screen.width

    def show(self, rows: Sequence[Row]) -> None:
        if rows:
            self._screen.commit(rows, self._live())

    def become(self, phase: Phase) -> None:
        if phase == "working" and self._view.phase not in ("working", "asking"):
            self._since, self._stop = time.monotonic(), False
            self._view = self._view._replace(turns=self._view.turns + 1, frame=0, elapsed_s=0.0)
        if phase == "idle":
            self._view = self._view._replace(word="", retry="", activity=(), dialog=None)
        self._view = self._view._replace(phase=phase)
        self._paint()

    def activity(self, rows: tuple[Row, ...]) -> None:
        self._view = self._view._replace(activity=rows)
        self._paint()

    def word(self, text: str) -> None:
        self._view = self._view._replace(word=text)

    def retry(self, text: str) -> None:
        self._view = self._view._replace(retry=text)
        self._paint()

    def restore(self, text: str) -> None:
        self._composer.put(text)
        self._typed()

    def pump(self, timeout_s: float, reads: Sequence[int] = (), writes: Sequence[int] = ()) -> Ready:
        ready = self.pump_hook(timeout_s, reads, writes)
        while self._unannounced and self.announce:
            self.announce(self._unannounced.popleft())
        if self._stop and self._view.phase == "working":
            self._stop = False
            raise Interrupted
        return ready

    def pump_hook(self, timeout_s: float, reads: Sequence[int] = (), writes: Sequence[int] = ()) -> Ready:
        if self.closing:
            return self._wait_only(timeout_s, reads, writes)
        self._paint()
        limit = min(timeout_s, ESCAPE_S) if self._reader.undecided else timeout_s
        limit = min(limit, FRAME_S) if self._view.phase in ("working", "asking") else limit
        watched = [self._fd, self.signals.fd, *reads]
        readable, writable, _ = select.select(watched, writes, [], max(limit, 0.0))
        self._serve_signals()
        keys = self._keys(readable=self._fd in readable)
        now = time.monotonic()
        for key in keys:
            self._press(key, now)
        if keys:
            self._typed()
        self._advance(now)
        return Ready(frozenset(readable), frozenset(writable))

    def _wait_only(self, timeout_s: float, reads: Sequence[int], writes: Sequence[int]) -> Ready:
        """Wait without the terminal, which may be gone."""
        readable, writable, _ = select.select([self.signals.fd, *reads], writes, [], timeout_s)
        self.signals.drain()
        return Ready(frozenset(readable), frozenset(writable))

    def ask(self, dialog: Dialog, *, opened: Callable[[], None], late: Late | None) -> str:
        before = self._view.phase
        self._answer = None
        phase: Phase = before if before == "starting" else "asking"
        self._view = self._view._replace(phase=phase, dialog=dialog, chosen=dialog.start)
        self._paint()
        opened()
        answer = self._until(lambda: self._answer, late)
        self._view = self._view._replace(phase=before, dialog=None)
        return answer

    def prompt(self, late: Late | None) -> Submission:
        self._stop = False
        return self._until(self._next, late)

    def _next(self) -> Submission | None:
        sent = self.queue.popleft() if self.queue else self._sent.popleft() if self._sent else None
        self._typed()
        return sent

    def _until(self, probe: Callable[[], T | None], late: Late | None) -> T:
        due = time.monotonic() + late[0] if late else None
        while (found := probe()) is None:
            left = FOREVER_S if due is None else due - time.monotonic()
            if left <= 0 and late:
                due = None
                late[1]()
                continue
            self.pump(min(left, SECOND_PRESS_S) if self._view.hint else left)
        return found

    def close(self, farewell: Sequence[Row]) -> None:
        self.closing = True
        title = None if self.face.title(self._view) is None else ""
        try:
            self._screen.commit((), None)
            if self._raw.alternate:
                self._raw.leave(title=title)
            self._screen.commit(farewell, None)
        except Hangup:
            pass
        self._raw.leave(title=title)

    def _keys(self, *, readable: bool) -> list[Key]:
        if not readable:
            return self._reader.settle()
        try:
            data = os.read(self._fd, CHUNK)
        except OSError as error:
            raise Hangup from error
        if not data:
            raise Hangup
        return self._reader.feed(data)

    def _press(self, key: Key, now: float) -> None:
        if self._view.dialog:
            self._press_dialog(self._view.dialog, key)
        elif self._view.phase == "working":
            self._press_busy(key, now)
        else:
            self._press_idle(key, now)

    def _press_dialog(self, dialog: Dialog, key: Key) -> None:
        match key:
            case Pressed("up" | "down" as name):
                step = -1 if name == "up" else 1
                self._view = self._view._replace(chosen=(self._view.chosen + step) % len(dialog.options))
            case Pressed("enter"):
                self._settle(dialog.options[self._view.chosen].answer)
            case Pressed("escape" | "interrupt"):
                self._settle(dialog.cancel)
            case Typed(text):
                for char in text:
                    self._choose(dialog, char)
            case _:
                return

    def _choose(self, dialog: Dialog, char: str) -> None:
        for index, option in enumerate(dialog.options):
            if char == str(index + 1) or char in option.keys:
                self._settle(option.answer)

    def _settle(self, answer: str) -> None:
        """The first answer counts."""
        if self._answer is None:
            self._answer = answer

    def _press_busy(self, key: Key, now: float) -> None:
        if key in (Pressed("escape"), Pressed("interrupt")):
            self._stop = True
            return
        sent = self._composer.press(key, now)
        if sent and len(self.queue) < (self.queue.maxlen or 0):
            self.queue.append(sent)
            self._unannounced.append(sent)

    def _press_idle(self, key: Key, now: float) -> None:
        if key == Pressed("interrupt"):
            self._interrupt()
        elif key == Pressed("end") and not self._composer.text:
            raise Leave(0, "exit")
        else:
            sent = self._composer.press(key, now)
            if sent:
                self._sent.append(sent)

    def _interrupt(self) -> None:
        """Ctrl-C: stops a turn, empties the composer, and ends the program at the second press."""
        now = time.monotonic()
        if self._view.phase in ("working", "asking"):
            self._stop = True
        elif self._composer.text:
            self._composer.clear()
            self._typed()
        elif now < self._leaving_until:
            raise Leave(0, "exit")
        else:
            self._leaving_until = now + SECOND_PRESS_S
            self._view = self._view._replace(hint="Press Ctrl-C again to exit")

    def _typed(self) -> None:
        queued = tuple(sent.text for sent in self.queue)
        self._view = self._view._replace(draft=self._composer.draft, queued=queued)

    def _advance(self, now: float) -> None:
        if self._view.hint and now > self._leaving_until:
            self._view = self._view._replace(hint="")
        if self._view.phase in ("working", "asking") and now - self._frame_at >= FRAME_S:
            self._frame_at = now
            elapsed = float(int(now - self._since))
            self._view = self._view._replace(frame=self._view.frame + 1, elapsed_s=elapsed)

    def _live(self) -> Live:
        return self.face.live(self._view, self._screen.width)

    def _paint(self) -> None:
        self._view = self._view._replace(talk=self.talk)
        self._screen.title(self.face.title(self._view))
        self._screen.redraw(self._live())

    def _resized(self) -> None:
        self._screen.forget()
