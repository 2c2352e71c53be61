"""Files that a worktree gets beside what is committed: ignored ones of the project, by their patterns."""

import contextlib
import filecmp
import glob
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

FILES = 20_000
"""Files that are compared at most; what lies beyond them is taken to be another."""


def within(directory: str, patterns: Sequence[str]) -> tuple[str, ...]:
    """Patterns of a directory as those of the folder above it."""
    return tuple(f"{glob.escape(directory)}/{p}" if directory and is_inside(p) else p for p in patterns)


def found(top: Path, patterns: Sequence[str]) -> Iterator[str]:
    """What the patterns name beneath the folder, as relative paths; each once. What leads out of it is passed over."""
    seen: set[str] = set()
    for pattern in patterns:
        if not is_inside(pattern):
            continue
        for path in sorted(top.glob(pattern.rstrip("/"))):
            name = str(path.relative_to(top))
            if name not in seen and name != "." and ".git" not in PurePosixPath(name).parts and _stays(top, path):
                seen.add(name)
                yield name


def is_inside(pattern: str) -> bool:
    """Whether a pattern can only name what is beneath a folder."""
    pure = PurePosixPath(pattern)
    return bool(pattern.strip("/. ")) and not pure.is_absolute() and ".." not in pure.parts and "\0" not in pattern


def copy(top: Path, target: Path, patterns: Sequence[str]) -> list[str]:
    """Copy what the patterns name and the target has not; what was copied.

    Links stay links. Nothing is written through a link that leads out of the target.

    Raises:
        OSError: the disk refuses.
    """
    done: list[str] = []
    for name in found(top, patterns):
        source, place = top / name, target / name
        if os.path.lexists(place) and not (source.is_dir() and place.is_dir() and not place.is_symlink()):
            continue
        if not _stays(target, place):
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink() or not source.is_dir():
            shutil.copy2(source, place, follow_symlinks=False)
        else:
            _copy_folder(source, place)
        done.append(name)
    return done


def _copy_folder(source: Path, place: Path) -> None:
    """All of it that is not there yet."""
    place.mkdir(exist_ok=True)
    for each in sorted(source.iterdir()):
        into = place / each.name
        if each.is_dir() and not each.is_symlink():
            if each.name != ".git" and not into.is_symlink() and (into.is_dir() or not into.exists()):
                _copy_folder(each, into)
        elif not os.path.lexists(into) and (each.is_symlink() or each.is_file()):
            shutil.copy2(each, into, follow_symlinks=False)


def compared(top: Path, target: Path, patterns: Sequence[str]) -> dict[str, bool]:
    """The files of the target that the patterns name, and whether each is what it is in the project."""
    files = enumerate(_files(target, found(target, patterns)))
    return {name: number < FILES and _alike(top / name, target / name) for number, name in files}


def is_beneath(name: str, rows: Sequence[str]) -> bool:
    """Whether one of the rows is the file, or a folder (ends with ``/``) above it."""
    return any(name == row or (row.endswith("/") and name.startswith(row)) for row in rows)


def all_of(top: Path, row: str) -> list[str]:
    """The files of a row: itself, or all beneath it."""
    return list(_files(top, iter([row.rstrip("/")]))) if row.endswith("/") else [row]


def _files(top: Path, names: Iterator[str]) -> Iterator[str]:
    for name in names:
        path = top / name
        if path.is_symlink() or not path.is_dir():
            yield name
            continue
        for folder, _, inside in os.walk(path):
            yield from (str(Path(folder, each).relative_to(top)) for each in inside)


def _alike(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        if one.is_symlink() or other.is_symlink():
            return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
        first, second = one.stat(), other.stat()
        if (first.st_size, first.st_mtime_ns) == (second.st_size, second.st_mtime_ns):
            return True
        return first.st_size == second.st_size and filecmp.cmp(one, other, shallow=False)
    return False


def _stays(top: Path, path: Path) -> bool:
    """Whether the folder in which the path lies is beneath the top, links followed."""
    real, parent = os.path.realpath(top), os.path.realpath(path.parent)
    return parent == real or parent.startswith(real.rstrip("/") + "/")
