"""What a session said while no daemon could be reached: on the disk, in order, each once.

A session has a folder. A call in it is a file, whose name sorts where it was said; it has its idempotency key from
the beginning, so that one which is sent twice counts once. A file gets its name when all of it is on the disk, so a
half-written one is none. What the daemon refuses is moved to ``refused``, what is dropped to ``dropped``: nothing goes
but what was applied.
"""

import errno
import fcntl
import os
import time

from maestro_cli.environment import spool_folder
from maestrod.client import jsontext

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Mapping

    from maestro_cli.request import Request

    Document = dict[str, object]

CALL_LIMIT = 1 << 20
"""Bytes of one call."""
LARGEST = 2 * CALL_LIMIT
"""Bytes of a call with the reason for which it was refused."""
CALLS_LIMIT = 5_000
FOLDER_LIMIT = 64 << 20
LOCK_S = 2.0
SUFFIX = ".json"
REFUSED, DROPPED, TOLD = "refused", "dropped", ".told"
HEADERS = frozenset({"Idempotency-Key", "If-Match", "X-Maestro-Cwd"})
WORDS = frozenset(
    {
        *("task start", "task complete", "task review", "task block", "task unblock", "task create"),
        *("task report progress", "task report complete", "task report blocked", "task report error"),
        *("report progress", "report complete", "report blocked", "report error"),
        *("task docs add", "session docs add", "session needs-input", "session complete"),
        *("subtask create", "subtask complete", "subtask reopen", "subtask edit", "subtask delete"),
        *("queue complete", "queue fail", "queue skip"),
        *("mail send", "mail reply", "mail ack", "mail broadcast"),
    }
)
"""The verbs that wait: reports, moves of one's own attempts, checklists, mail; not what needs an answer to go on."""
SENT_BY_HANDLER = {"mail send": "POST /mail"}


class Damaged(Exception):
    """A file that holds no call which a session may keep."""


class Kept:
    """A call that waits, or waited: ``name`` is its file's, ``problem`` why it was refused."""

    __slots__ = ("document", "name", "problem", "session")

    def __init__(self, name: str, session: str, document: "Document", problem: "Document | None" = None) -> None:
        self.name = name
        self.session = session
        self.document = document
        self.problem = problem

    @property
    def id(self) -> str:
        """What people call it."""
        return self.name.removesuffix(SUFFIX)

    @property
    def at(self) -> int:
        """When it was said, in milliseconds."""
        stamp = self.name.partition("-")[0]
        return int(stamp) // 1000 if stamp.isdecimal() and stamp.isascii() else 0

    @property
    def words(self) -> str:
        """Its verb."""
        return str(self.document.get("words") or "?")


def sessions(environ: "Mapping[str, str]") -> list[str]:
    """The sessions that have a folder."""
    try:
        return sorted(name for name in os.listdir(spool_folder(environ, "")) if not name.startswith("."))
    except OSError:
        return []


def names(place: str) -> list[str]:
    """The files of a folder's calls, in the order in which they were said."""
    try:
        return sorted(name for name in os.listdir(place) if name.endswith(SUFFIX) and not name.startswith("."))
    except OSError:
        return []


def counts(environ: "Mapping[str, str]", session: str) -> tuple[int, int]:
    """How many calls wait, and how many were refused; without a session those of all."""
    places = [spool_folder(environ, each) for each in ([session] if session else sessions(environ))]
    return (
        sum(len(names(place)) for place in places),
        sum(len(names(os.path.join(place, REFUSED))) for place in places),
    )


def said(environ: "Mapping[str, str]", session: str) -> str:
    """What a line about that says; empty when there is nothing to say."""
    waiting, refused = counts(environ, session)
    parts = [f"{waiting} wait for the daemon"] if waiting else []
    parts += [f"{refused} refused"] if refused else []
    return f"{', '.join(parts)}: `maestro spool list`" if parts else ""


def keep(place: str, words: str, request: "Request") -> str:
    """Write a request down; it is on the disk when this returns its id.

    Raises:
        OSError: it cannot be written, or there is too much already.
    """
    told = {
        "words": words,
        "method": request.method,
        "path": request.path,
        "body": request.body,
        "headers": {name: value for name, value in request.headers.items() if name in HEADERS},
    }
    raw = (jsontext.write(told) + "\n").encode()
    if len(raw) > CALL_LIMIT:
        raise OSError(errno.EFBIG, "too large to be kept", place)
    _made(place)
    folder = locked(place, os.O_RDONLY | os.O_DIRECTORY, time.monotonic() + LOCK_S)
    try:
        lying = _measured(place)
        last = lying[-1].partition("-")[0] if lying else ""
        stamp = max(time.time_ns() // 1000, int(last) + 1 if last.isdecimal() and last.isascii() else 0)
        name = f"{stamp:016d}-{os.urandom(4).hex()}{SUFFIX}"
        write(place, name, raw, folder)
    finally:
        os.close(folder)
    return name.removesuffix(SUFFIX)


def listed(place: str, folder: str = "") -> list[Kept]:
    """The calls that wait, or those that were ``refused`` or ``dropped``; one that cannot be read says so."""
    session = os.path.basename(place)
    return [_shown(os.path.join(place, folder), name, session) for name in names(os.path.join(place, folder))]


def untold(place: str) -> list[Kept]:
    """What was refused since the agent was told last; it counts as told from now on."""
    mark = os.path.join(place, REFUSED, TOLD)
    try:
        with open(mark, encoding="ascii", errors="replace") as file:
            last = file.read(200)
    except OSError:
        last = ""
    new = [name for name in names(os.path.join(place, REFUSED)) if name > last]
    if not new:
        return []
    descriptor = os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, new[-1].encode())
    finally:
        os.close(descriptor)
    session = os.path.basename(place)
    return [_shown(os.path.join(place, REFUSED), name, session) for name in new]


def drop(place: str, name: str, *, refused: bool) -> str:
    """Move a call aside, from where a person can take it back; the answer is its place now.

    Raises:
        OSError: it is gone, or the disk refuses.
    """
    aside = os.path.join(place, DROPPED)
    os.makedirs(aside, mode=0o700, exist_ok=True)
    target = os.path.join(aside, name)
    os.rename(os.path.join(place, REFUSED, name) if refused else os.path.join(place, name), target)
    return target


def check(document: "Document") -> None:
    """Let pass what a session may keep: a verb that waits, and the request that this verb makes.

    Raises:
        Damaged: it is something else.
    """
    words, method, path, body, headers = (document.get(n) for n in ("words", "method", "path", "body", "headers"))
    if not isinstance(words, str) or words not in WORDS:
        raise Damaged("it is no call that is kept")
    if not isinstance(path, str) or not _is_of(words, f"{method} {path}"):
        raise Damaged(f"`maestro {words}` sends something else")
    if not isinstance(body, dict | None) or not isinstance(headers, dict):
        raise Damaged("it is not whole")
    if not all(name in HEADERS and isinstance(value, str) for name, value in headers.items()):
        raise Damaged("its headers are not ours")
    if not headers.get("Idempotency-Key"):
        raise Damaged("it has no key that makes it count once")


def _is_of(words: str, request: str) -> bool:
    """Whether this is the request of the verb: holes of its route may be filled with anything that is one segment."""
    from maestro_cli.verbs import VERBS

    route = SENT_BY_HANDLER.get(words) or next(row[2] for row in VERBS if row[0] == words)
    wanted, given = " ".join(route.split(" ")[:2]).split("/"), request.split("/")
    return len(wanted) == len(given) and all(
        a == b or (a[:1] == "{" and b not in ("", ".", "..") and b.isascii() and b.isprintable() and "?" not in b)
        for a, b in zip(wanted, given, strict=True)
    )


def _shown(folder: str, name: str, session: str) -> Kept:
    try:
        document = read(os.path.join(folder, name))
    except (Damaged, OSError) as damage:
        return Kept(name, session, {}, {"code": "DAMAGED", "message": str(damage)})
    problem = document.pop("refused", None)
    try:
        check(document)
    except Damaged as damage:
        problem = {"code": "DAMAGED", "message": str(damage)}
    return Kept(name, session, document, problem if isinstance(problem, dict) else None)


# -- the disk ---------------------------------------------------------------------------------------------------------


def read(path: str) -> "Document":
    """What a file holds.

    Raises:
        Damaged: it is no document of ours.
        OSError: it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        size = os.fstat(descriptor).st_size
        if size > LARGEST:
            raise Damaged(f"it has {size} bytes, and no call has more than {CALL_LIMIT}")
        raw = os.read(descriptor, LARGEST)
    finally:
        os.close(descriptor)
    try:
        document = jsontext.read(raw)
    except ValueError as error:
        raise Damaged(f"it cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise Damaged("it is no call that is kept")
    return document


def _made(place: str) -> None:
    """The folder of a session, also after a power cut."""
    if os.path.isdir(place):
        return
    root = os.path.dirname(place)
    os.makedirs(root, mode=0o700, exist_ok=True)
    os.makedirs(place, mode=0o700, exist_ok=True)
    _sync(root)


def _measured(place: str) -> list[str]:
    """What lies there; files that a killed process left half-written go.

    Raises:
        OSError: it is too much for more.
    """
    lying: list[str] = []
    size = 0
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX) and entry.name.startswith("."):
                os.unlink(entry.path)
            elif entry.name.endswith(SUFFIX):
                lying.append(entry.name)
                own = entry.stat(follow_symlinks=False).st_size
                size += own if own <= LARGEST else 0  # what is larger is no call, and goes with the next contact
    if len(lying) >= CALLS_LIMIT or size > FOLDER_LIMIT:
        raise OSError(errno.EDQUOT, "too much waits already", place)
    return sorted(lying)


def write(place: str, name: str, raw: bytes, folder: int = -1) -> None:
    """A file that is whole and on the disk before it has its name; ``folder`` is the open folder, to sync it by."""
    aside, target = os.path.join(place, f".{name}"), os.path.join(place, name)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            rest = memoryview(raw)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(aside, target)
        if folder >= 0:
            os.fsync(folder)
        else:
            _sync(place)
    except OSError:
        for path in (aside, target):
            if os.path.exists(path):
                os.unlink(path)
        raise


def _sync(place: str) -> None:
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def locked(path: str, flags: int, deadline: float) -> int:
    """The file or folder, which is nobody else's until it is closed.

    Raises:
        OSError: it cannot be opened, or is not let go of.
    """
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if not isinstance(error, BlockingIOError) or time.monotonic() > deadline:
                os.close(descriptor)
                raise
        else:
            return descriptor
        time.sleep(0.005)
