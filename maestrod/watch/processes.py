"""Processes by id and start time, so that a reused id is never taken for the old one."""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Collection, Iterable
from pathlib import Path

import psutil

SAME_START_MS = 1_500
"""Start times of one process read in two ways differ by less: clock ticks, and the boot time's second."""


_STARTED = 19
"""Of the fields of /proc/PID/stat behind the name (proc_pid_stat(5)): ticks from the machine's start to its own."""
_GROUP, _TERMINAL, _FOREGROUND = 2, 4, 5
"""The process' group, its terminal, and the group that the terminal listens to."""
SESSION_VARIABLE = "MAESTRO_SESSION_ID"
_DEAD = frozenset({b"Z", b"X"})
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def process(pid: int, started_at: int | None) -> psutil.Process | None:
    """The very process, when it is alive; a zombie is not."""
    try:
        found = psutil.Process(pid)
        if started_at is not None and abs(found.create_time() * 1000 - started_at) > SAME_START_MS:
            return None
        return found if found.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def is_alive(pid: int | None, started_at: int | None, *, booted_at: int | None = None) -> bool:
    """Whether the very process is alive; who asks about many says when the machine came up."""
    return pid is not None and Look(pid).is_alive(started_at, booted_at)


class Look:
    """What Linux tells of a process at one moment, in a tenth of psutil's time: all agents are looked at all the time.

    Of one that is gone, and on other systems, little is known.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        head, _, rest = _stat(pid).rpartition(b")")
        self._program = os.fsdecode(head.partition(b"(")[2])
        self._fields = rest.split()

    def is_alive(self, started_at: int | None, booted_at: int | None = None) -> bool:
        """Whether it is the very process and no zombie; who asks about many says when the machine came up."""
        if sys.platform != "linux":
            return process(self._pid, started_at) is not None
        if len(self._fields) <= _STARTED:
            return False
        booted_at = booted_at_ms() if booted_at is None else booted_at
        began = booted_at + int(self._fields[_STARTED]) * 1000 / _TICKS_A_SECOND
        return self._fields[0] not in _DEAD and (started_at is None or abs(began - started_at) <= SAME_START_MS)

    @property
    def may_be_shell(self) -> bool:
        """Whether it is worth asking ``is_shell``. True where nobody can tell."""
        return not self._program or self._program in SHELLS

    @property
    def has_terminal(self) -> bool:
        """Whether it still has a terminal; it loses it when its window is gone. True where nobody can tell."""
        return len(self._fields) <= _TERMINAL or self._fields[_TERMINAL] != b"0"

    @property
    def is_in_front(self) -> bool:
        """Whether what is typed into its terminal reaches its own group. True where nobody can tell."""
        return len(self._fields) <= _FOREGROUND or self._fields[_GROUP] == self._fields[_FOREGROUND]


Identity = tuple[int, int | None]
"""A process' id, and when it began (ms) when that is known."""


HELD = 256
"""Processes that are held at most, a descriptor each: callers need some as well."""


class Watched:
    """The same processes again and again: after the first look one call asks for all of them.

    The system tells who has ended by descriptors of processes (pidfd_open(2), Linux from 5.3 on); where it has none,
    and beyond so many, each process is looked at by itself.
    """

    def __init__(self) -> None:
        self._held: dict[Identity, int] = {}
        self._ended = select.poll()
        self._others = False
        """Whether more were asked for than are held."""

    def has_news(self) -> bool:
        """Whether asking again for the same may be answered otherwise; asking this costs one call."""
        return self._others or bool(self._ended.poll(0))

    def alive(self, wanted: Collection[Identity]) -> set[Identity]:
        """Those of them that are alive; the others of before are not watched any more."""
        ended = {fd for fd, _ in self._ended.poll(0)}
        for each, fd in list(self._held.items()):
            if fd in ended or each not in wanted:
                self._let_go(each)
        booted_at = booted_at_ms() if len(self._held) < len(wanted) else 0
        alive = {each for each in wanted if each in self._held or self._begin(each, booted_at)}
        self._others = not self._held.keys() >= alive
        return alive

    def close(self) -> None:
        """Watch nobody any more."""
        for each in list(self._held):
            self._let_go(each)

    def _begin(self, each: Identity, booted_at: int) -> bool:
        """Hold it, then look whether it is the very process: an id that is held is not given to another one."""
        fd = _descriptor(each[0]) if len(self._held) < HELD else None
        if not is_alive(*each, booted_at=booted_at):
            if fd is not None:
                os.close(fd)
            return False
        if fd is not None:
            self._held[each] = fd
            self._ended.register(fd, select.POLLIN)
        return True

    def _let_go(self, each: Identity) -> None:
        fd = self._held.pop(each)
        self._ended.unregister(fd)
        os.close(fd)


def _descriptor(pid: int) -> int | None:
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except (OSError, OverflowError):
        return None


SHELLS = frozenset({"sh", "ash", "bash", "dash", "fish", "ksh", "tcsh", "csh", "zsh"})


def is_shell(pid: int) -> bool:
    """Whether the process is a shell that waits for a person's commands: no script, no command of its own."""
    program, *words = _words(pid)
    bare = all(word.startswith("-") and not word.startswith("-c") for word in words)
    return Path(program).name.removeprefix("-") in SHELLS and bare


def _words(pid: int) -> list[str]:
    """The words that the process was started with; one empty word when nobody can tell."""
    try:
        if sys.platform == "linux":  # read in a tenth of psutil's time
            return os.fsdecode(_told(f"/proc/{pid}/cmdline")).rstrip("\0").split("\0")
        return psutil.Process(pid).cmdline() or [""]
    except (OSError, psutil.Error):
        return [""]


def _stat(pid: int) -> bytes:
    """Of Linux, what proc_pid_stat(5) says of it; nothing where there is no such file."""
    try:
        return _told(f"/proc/{pid}/stat")
    except OSError:
        return b""


def _told(path: str) -> bytes:
    """What the system tells in a small file; all agents are looked at again and again, so without Python's buffers.

    Raises:
        OSError: the process is gone.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 1 << 16)
    finally:
        os.close(descriptor)


def of_session(session_id: str, *, before: float) -> list[psutil.Process]:
    """The processes that carry the session's id in their environment and began ``before`` (see ``uptime_s``).

    None of our own children: a check that proves the session's work goes on after its end.
    """
    found = []
    ours = {os.getpid(), *(each.pid for each in psutil.Process().children(recursive=True))}
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if (
                each.pid not in ours
                and each.environ().get(SESSION_VARIABLE) == session_id
                and each.create_time() - psutil.boot_time() < before
            ):
                found.append(each)
    return found


def carries(pid: int, session_id: str) -> bool:
    """Whether a living process has the session's id in its environment, as its agent and all that it starts have."""
    try:
        found = psutil.Process(pid)
        return found.environ().get(SESSION_VARIABLE) == session_id and found.status() != psutil.STATUS_ZOMBIE
    except (OSError, psutil.Error):
        return False


def began_at_ms(pid: int) -> int | None:
    """When the process began by the clock of now; None when it is gone."""
    try:
        return round(psutil.Process(pid).create_time() * 1000)
    except psutil.Error:
        return None


def uptime_s() -> float:
    """Now, in seconds since the machine came up, as processes' beginnings are told.

    Linux tells a beginning in ticks since then, and the machine's start as a whole second of the wall clock
    (proc_stat(5)): by that clock a process began up to a second before it did.
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.time() - psutil.boot_time()


def booted_at_ms() -> int:
    """When the machine came up, as the system says it."""
    return round(psutil.boot_time() * 1000)


def tree(root: psutil.Process) -> list[psutil.Process]:
    """The process and all below it, children first."""
    try:
        return [*reversed(root.children(recursive=True)), root]
    except psutil.Error:
        return [root]


def living(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those of them that still are what they were; a zombie is not."""
    found = []
    for each in processes:
        with contextlib.suppress(psutil.Error):
            if each.is_running() and each.status() != psutil.STATUS_ZOMBIE:
                found.append(each)
    return found


def signal_all(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to each that still is what it was."""
    for each in processes:
        with contextlib.suppress(psutil.Error):
            if each.is_running() and each.pid != os.getpid():
                each.send_signal(number)
