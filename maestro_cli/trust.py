"""Answers, once and beforehand, what an agent would ask in a folder that the user registered as a project.

The file is the user's and the agent rewrites it, too: it is read, one key is set, and it is replaced under a lock. What
was there before the first change stays beside it until the answers are taken back.
"""

import contextlib
import fcntl
import json
import math
import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from maestrod.providers.plan import Trust

_SURROGATE = re.compile(r"[\ud800-\udfff]")
LOCK_S = 2.0
STALE_S = 10.0
LIMIT = 64 << 20
"""Bytes; nobody's settings are so large."""
KEPT = ".before-maestro"


def place_of(trust: Trust, environ: Mapping[str, str]) -> Path:
    """The user's file, behind all links."""
    folder = environ.get(trust.home_variable) or environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111
    return Path(folder, trust.name).resolve()


def grant(trust: Trust, environ: Mapping[str, str], locks: Path, note: Callable[[Path], object] = bool) -> bool:
    """Set the answer; whether the file had to be changed. ``locks`` is a folder of ours.

    ``note`` is called with the file before it is changed. A file that is not there, or that is no JSON object, is left
    alone: then the agent asks.

    Raises:
        OSError: the file cannot be replaced.
    """
    place = place_of(trust, environ)
    if is_granted(place, trust.keys) is not False:
        return False
    with _alone(place, locks):
        document = _read(place)
        if document is None or not _set(document, trust.keys):
            return False
        note(place)
        _keep(place)
        _replace(place, document)
    return True


def revoke(place: Path, answers: Sequence[Sequence[str]], locks: Path) -> None:
    """Take answers of ours back, and what was kept beside the file; what is not ``true`` any more is left alone.

    Raises:
        OSError: the file cannot be replaced.
    """
    with _alone(place, locks):
        document = _read(place)
        if document is not None and sum([_unset(document, keys) for keys in answers]):
            _replace(place, document)
        _kept(place).unlink(missing_ok=True)


def retract(place: Path, keys: Sequence[str], locks: Path) -> None:
    """Take one answer back; what was kept beside the file stays.

    Raises:
        OSError: the file cannot be replaced.
    """
    with _alone(place, locks):
        document = _read(place)
        if document is not None and _unset(document, keys):
            _replace(place, document)


def is_granted(place: Path, keys: Sequence[str]) -> bool | None:
    """Whether the answer is there; ``None`` when there is no place for it."""
    at: object = _read(place)
    if at is None:
        return None
    for key in keys:
        at = at.get(key) if isinstance(at, dict) else None
    return at is True


def _read(place: Path) -> dict[str, object] | None:
    """The document, if writing it again would lose nothing."""
    try:
        found = place.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > LIMIT or not found.st_mode & stat.S_IWUSR:
            return None
        document = json.loads(place.read_bytes(), object_pairs_hook=_once, parse_float=_finite, parse_constant=_finite)
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key stands there twice")
    return document


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number that cannot be written again")
    return number


def _set(document: dict[str, object], keys: Sequence[str]) -> bool:
    """Whether it was not so before; what is in the way is not overwritten."""
    at: object = document
    for key in keys[:-1]:
        at = at.setdefault(key, {}) if isinstance(at, dict) else None
    if not isinstance(at, dict) or at.get(keys[-1]) is True:
        return False
    at[keys[-1]] = True
    return True


def _unset(document: dict[str, object], keys: Sequence[str]) -> bool:
    """Whether it was there; the objects round it go as well when nothing else is in them."""
    path: list[dict[str, object]] = [document]
    for key in keys[:-1]:
        inner = path[-1].get(key)
        if not isinstance(inner, dict):
            return False
        path.append(inner)
    if path[-1].get(keys[-1]) is not True:
        return False
    del path[-1][keys[-1]]
    for outer, key, inner in reversed([*zip(path, keys, path[1:], strict=False)]):
        if not inner:
            del outer[key]
    return True


def _kept(place: Path) -> Path:
    return place.with_name(f"{place.name}{KEPT}")


def _keep(place: Path) -> None:
    """What is there now, beside it, as private as can be; only once."""
    kept = _kept(place)
    if not kept.exists():
        _write(kept, place.read_bytes(), 0o600)


def _replace(place: Path, document: dict[str, object]) -> None:
    _write(place, _text(document).encode(), place.stat().st_mode & 0o777)


def _write(place: Path, raw: bytes, mode: int) -> None:
    aside = place.with_name(f"{place.name}.maestro-{os.getpid()}")
    aside.unlink(missing_ok=True)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(aside, flags, 0o600), "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        aside.chmod(mode)
        aside.replace(place)
    finally:
        aside.unlink(missing_ok=True)


def _text(document: dict[str, object]) -> str:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return json.dumps(document, indent=2) if _SURROGATE.search(text) else text


@contextlib.contextmanager
def _alone(place: Path, locks: Path) -> Iterator[None]:
    """Our own lock among launches, and the folder ``FILE.lock`` that Claude Code makes while it writes."""
    theirs = place.with_name(f"{place.name}.lock")
    with locked(locks):
        made = _made(theirs)
        try:
            yield
        finally:
            if made:
                with contextlib.suppress(OSError):
                    theirs.rmdir()


@contextlib.contextmanager
def locked(locks: Path) -> Iterator[None]:
    """Nobody else of ours changes anybody's settings meanwhile; it is waited for."""
    locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(locks / "trust.lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _made(lock: Path) -> bool:
    """Whether the lock is ours now; one that is held on, or forgotten, is not waited for any longer."""
    deadline = time.monotonic() + LOCK_S
    while time.monotonic() < deadline:
        try:
            lock.mkdir()
        except FileExistsError:
            with contextlib.suppress(OSError):
                if time.time() - lock.stat().st_mtime > STALE_S:
                    return False
            time.sleep(0.02)
        except OSError:
            return False
        else:
            return True
    return False
