"""What is in a worktree: what is not committed, which commits are nowhere else, and what changed since it began.

Nothing is written: not the index, and no objects.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from maestrod.git.copies import all_of, compared, is_beneath
from maestrod.git.errors import GitFailed
from maestrod.git.process import Git
from maestrod.git.worktrees import branch_of, is_sound, tip

COMMITS = 1_000
DIFF = 4 * 1024 * 1024
"""Bytes of a diff that are answered."""


class Commit(msgspec.Struct, frozen=True):
    """A commit and the first line of what it says."""

    id: str
    subject: str


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a worktree; paths are relative to its top, folders end with ``/``.

    ``exists`` is whether its folder is there, ``sound`` whether git takes it for a worktree of the repository; ``head``
    is what is checked out, ``tip`` where its branch is, each empty for nothing. ``copied`` are copied files as they are
    in the project, ``copies`` those that are not any more. ``inner`` are repositories within it, submodules too, with
    work that is only there. ``commits`` are those that no branch but its own, no tag and no remote holds, newest first.
    """

    exists: bool = False
    sound: bool = False
    branch: str = ""
    head: str = ""
    tip: str = ""
    uncommitted: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()
    inner: tuple[str, ...] = ()
    commits: tuple[Commit, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether all of it is committed."""
        return not (self.uncommitted or self.untracked or self.copies or self.inner)

    @property
    def is_elsewhere(self) -> bool:
        """Whether nothing is lost when it goes."""
        return self.is_clean and not self.commits


class Changed(msgspec.Struct, frozen=True):
    """A file that changed, with the lines that came and went; None for what has no lines."""

    path: str
    added: int | None
    removed: int | None


class Diff(msgspec.Struct, frozen=True):
    """What changed since ``base``: the files, and the patch, cut when it is too long."""

    base: str
    files: tuple[Changed, ...]
    patch: str
    cut: bool


def look(git: Git, path: str, branch: str, *, original: str = "", copied: Sequence[str] = ()) -> Work:
    """What is in the worktree now.

    ``git`` is at the repository; ``copied`` are the patterns of files that came from ``original``.
    """
    own = tip(git, branch) or ""
    if not os.path.lexists(path):
        return Work(branch=branch if own else "", head=own, tip=own, commits=_only_here(git, branch, [own]))
    if not is_sound(git, path):
        return Work(exists=True, head=own, tip=own, commits=_only_here(git, branch, [own]))
    there = git.at(path)
    head = there.asked("rev-parse", "--quiet", "--verify", "HEAD^{commit}") or ""
    rows = _status(there)
    ignored = tuple(name for kind, name in rows if kind == "!")
    untracked = tuple(name for kind, name in rows if kind == "?")
    alike = compared(Path(original), Path(path), copied) if original else {}
    return Work(
        exists=True,
        sound=True,
        branch=branch_of(there),
        head=head,
        tip=own,
        uncommitted=tuple(name for kind, name in rows if kind == "M"),
        untracked=tuple(row for row in untracked if not _all_alike(there, row, alike)),
        ignored=ignored,
        copies=tuple(name for name, same in alike.items() if not same and is_beneath(name, ignored)),
        copied=tuple(name for name, same in alike.items() if same),
        inner=tuple(_inner(there, [name for kind, name in rows if kind == "S"])),
        commits=_only_here(git, branch, [own, head]),
    )


def ahead(git: Git, base: str, head: str) -> int:
    """How many commits one has that the other has not."""
    return int(git.asked("rev-list", "--count", head, f"^{base}") or 0) if base and head else 0


def diff(git: Git, path: str, base: str, head: str) -> Diff:
    """What changed since the base: commits, what is not committed, and new files. Without a folder, commits alone."""
    shared = git.asked("merge-base", base, head) or base
    if not is_sound(git, path):
        return _diff(git, shared, [shared, head])
    there = git.at(path)
    objects = there.text("rev-parse", "--path-format=absolute", "--git-path", "objects")
    with index_aside(there) as env:
        aside = Path(env["GIT_INDEX_FILE"]).with_name("objects")
        aside.mkdir()
        env |= {"GIT_OBJECT_DIRECTORY": str(aside), "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects}
        with contextlib.suppress(GitFailed):  # a repository within it that has no commit, say
            there.run("add", "--intent-to-add", "--", ".", env=env)
        return _diff(there, shared, [shared], env)


@contextlib.contextmanager
def index_aside(there: Git) -> Iterator[dict[str, str]]:
    """The environment in which git works on a copy of the worktree's index."""
    index = Path(there.text("rev-parse", "--path-format=absolute", "--git-path", "index"))
    folder = tempfile.mkdtemp(prefix="maestro-index-")
    try:
        if index.exists():
            shutil.copy2(index, Path(folder, "index"))
        yield {"GIT_INDEX_FILE": str(Path(folder, "index"))}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _diff(git: Git, base: str, words: list[str], env: dict[str, str] | None = None) -> Diff:
    plain = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--no-relative")
    patch = git.run(*plain, *words, "--", env=env or {}, most=DIFF + 1, cut=True)
    rows = [row.split("\t", 2) for row in git.paths(*plain, "--numstat", "-z", *words, "--", env=env or {})]
    files = tuple(Changed(name, _lines(added), _lines(removed)) for added, removed, name in rows)
    return Diff(base, files, patch[:DIFF].decode("utf-8", "replace"), len(patch) > DIFF)


def _lines(count: str) -> int | None:
    return int(count) if count.isdecimal() else None


def _status(there: Git) -> list[tuple[str, str]]:
    """Each path with M (changed), S (a submodule that changed), ? (untracked) or ! (ignored)."""
    words = ("--porcelain=v2", "-z", "--untracked-files=normal", "--ignored=traditional", "--ignore-submodules=none")
    rows = iter(there.paths("status", *words, "--no-renames"))
    found = []
    for row in rows:
        kind = row[0]
        if kind in "?!":
            found.append((kind, row[2:]))
            continue
        words_ = row.split(" ", {"1": 8, "u": 10}.get(kind, 9))
        found.append(("S" if words_[2].startswith("S") else "M", words_[-1]))
    return found


def _all_alike(there: Git, row: str, alike: Mapping[str, bool]) -> bool:
    """Whether all that is untracked there was copied and is as it was."""
    copied = any(alike.get(name, False) for name in (row, *alike) if is_beneath(name, [row]))
    return copied and all(alike.get(name, False) for name in all_of(there.cwd, row))


def _inner(there: Git, changed: list[str]) -> Iterator[str]:
    """Submodules whose own work is only here: not committed, or in no place that they were fetched from."""
    rows = (row.split("\t", 1) for row in there.paths("ls-files", "--stage", "-z"))
    modules = [name for mode, name in rows if mode.startswith("160000")]
    for name in dict.fromkeys([*changed, *modules]):
        folder = there.cwd / name
        if not (folder / ".git").exists():
            continue
        inside = there.at(folder)
        dirty = bool(inside.asked("status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=none"))
        if dirty or inside.asked("rev-list", "--max-count=1", "HEAD", "--branches", "--not", "--remotes") != "":
            yield name


def _only_here(git: Git, branch: str, commits: list[str]) -> tuple[Commit, ...]:
    ids = list(dict.fromkeys(filter(None, commits)))
    if not ids:
        return ()
    others = ("--not", f"--exclude={branch}", "--branches", "--remotes", "--tags")
    said = git.text("log", f"--max-count={COMMITS}", "--no-show-signature", "--format=%H %s", *ids, *others)
    rows = (row.partition(" ") for row in said.split("\n") if row)
    return tuple(Commit(id_, subject) for id_, _, subject in rows)
