"""What was in worktrees that were removed by force: kept as commits under ``refs/maestro/trash/`` for 30 days.

A commit there has all the files as they were, and its parents are what was checked out, the index when it was
another, and the branch when it was elsewhere. How it came to be stands at its end, as trailers.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from maestrod.git.errors import GitError, GitFailed
from maestrod.git.process import LONG_S, Git
from maestrod.git.work import Work, index_aside
from maestrod.git.worktrees import BRANCH, IDENTITY, tip

FOLDER = "refs/maestro/trash/"
DAYS = 30
DAY_MS = 86_400_000
NAMES = 1_000


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What a worktree was to whom."""

    session: str
    branch: str
    base: str
    target: str = ""
    directory: str = ""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the trash; ``at`` is when it came there (ms), ``head`` what was checked out, empty for nothing."""

    name: str
    commit: str
    at: int
    origin: Origin
    head: str = ""
    index: str = ""

    @property
    def until(self) -> int:
        """When it is dropped."""
        return self.at + DAYS * DAY_MS


class Unkeepable(GitError):
    """Something in it cannot be kept; it is left as it is."""


def keep(git: Git, path: str, work: Work, origin: Origin, *, at: int) -> Kept:
    """Keep all that is in a worktree. On return it is in the repository.

    Raises:
        Unkeepable: there are repositories within it with work of their own.
    """
    own = tip(git, origin.branch) or ""
    head, index = work.head, ""
    if work.sound:
        there = git.at(path)
        with index_aside(there) as env:
            index = _tree_of_index(there, env)
            there.run("add", "--all", "--", ":/", env=env, limit_s=LONG_S)
            if work.copies:
                names = b"\0".join(os.fsencode(name) for name in work.copies)
                pathspec = ("--pathspec-from-file=-", "--pathspec-file-nul")
                literal = {**env, "GIT_LITERAL_PATHSPECS": "1"}
                there.run("add", "--force", *pathspec, env=literal, stdin=names, limit_s=LONG_S)
            tree = there.text("write-tree", env=env)
        _refuse_inner(there, tree, head)
    else:
        tree = git.text("rev-parse", f"{head}^{{tree}}")
    parents = [head] if head else []
    if index and index not in {tree, _tree(git, head)}:
        index = _commit(git, index, parents, "What was staged", at)
        parents.append(index)
    else:
        index = ""
    if own and own not in parents:
        parents.append(own)
    said = _told(origin, head=head, index=index, at=at)
    commit = _commit(git, tree, parents, said, at)
    name = _free(git, origin.branch.removeprefix("maestro/"))
    git.run("update-ref", "--no-deref", f"{FOLDER}{name}", commit, "0" * len(commit))
    return Kept(name=name, commit=commit, at=at, origin=origin, head=head, index=index)


def kept(git: Git) -> list[Kept]:
    """What is in the trash, oldest first."""
    form = "--format=%(refname)%00%(objectname)%00%(contents)%00%00"
    found = [_read(row) for row in git.text("for-each-ref", form, FOLDER).split("\0\0\n") if row]
    return sorted((each for each in found if each is not None), key=lambda each: each.at)


def drop_old(git: Git, *, now: int) -> int:
    """Drop what has been there long enough; how many."""
    old = [each for each in kept(git) if each.until <= now]
    for each in old:
        git.run("update-ref", "-d", f"{FOLDER}{each.name}", each.commit)
    return len(old)


def drop(git: Git, found: Kept) -> None:
    """Take it out of the trash."""
    git.run("update-ref", "-d", f"{FOLDER}{found.name}", found.commit)


def restore(git: Git, found: Kept, path: str, branch: str) -> None:
    """Make the worktree as it was: files, what was staged, what was committed; on the branch.

    Raises:
        GitFailed: the branch or the folder is there; nothing has changed.
    """
    at = found.head or found.commit
    Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    words = ("worktree", "add", "--quiet", "--no-track", "--no-checkout", "-b", branch, "--", path, at)
    git.run(*words, hooks=True, limit_s=LONG_S)
    there = git.at(path)
    there.run("read-tree", "--reset", "-u", f"{found.commit}^{{tree}}", limit_s=LONG_S)
    there.run("read-tree", "--reset", f"{found.index or at}^{{tree}}")
    there.asked("update-index", "-q", "--refresh")


def to_branch(git: Git, found: Kept) -> str:
    """Put all of it on a branch, for want of a session to give a worktree to; the branch."""
    names = (f"maestro/{found.name}", *(f"maestro/{found.name}-{number}" for number in range(2, NAMES)))
    branch = next(name for name in names if tip(git, name) is None)
    git.run("update-ref", f"refs/heads/{branch}", found.commit, "0" * len(found.commit))
    drop(git, found)
    return branch


def _tree_of_index(there: Git, env: dict[str, str]) -> str:
    try:
        return there.text("write-tree", env=env)
    except GitFailed:  # in the middle of a conflict there is none
        return ""


def _tree(git: Git, commit: str) -> str:
    return (git.asked("rev-parse", "--quiet", "--verify", f"{commit}^{{tree}}") or "") if commit else ""


def _refuse_inner(there: Git, tree: str, head: str) -> None:
    known = set(_links(there, head)) if head else set()
    inner = [name for link, name in _links(there, tree) if (link, name) not in known]
    if inner:
        raise Unkeepable(
            f"{', '.join(inner[:5])}: a repository of its own, whose work cannot be kept with the rest",
            hint="Push its commits, or move its folder away, then try again.",
        )


def _links(git: Git, tree: str) -> Iterator[tuple[str, str]]:
    for row in git.paths("ls-tree", "-r", "-z", "--full-tree", tree):
        told, _, name = row.partition("\t")
        if told.startswith("160000 "):
            yield told, name


def _commit(git: Git, tree: str, parents: Sequence[str], said: str, at: int) -> str:
    dates = {f"GIT_{who}_DATE": f"@{at // 1000} +0000" for who in ("AUTHOR", "COMMITTER")}
    words = [word for parent in parents for word in ("-p", parent)]
    return git.text("commit-tree", tree, *words, "-F", "-", env=IDENTITY | dates, stdin=said.encode())


_FIELDS = ("session", "branch", "base", "target", "directory")


def _told(origin: Origin, *, head: str, index: str, at: int) -> str:
    fields = {name: getattr(origin, name) for name in _FIELDS} | {"head": head, "index": index, "at": str(at)}
    lines = [f"Maestro-{name}: {_line(value)}" for name, value in fields.items()]
    return "\n".join([f"The worktree of {origin.branch}, removed", "", *lines, ""])


def _line(text: str) -> str:
    return " ".join(text.split())


def _read(row: str) -> Kept | None:
    """What a ref tells of itself; None for one that we did not make."""
    ref, commit, said = row.split("\0", 2)
    lines = (line.partition(": ") for line in said.split("\n") if line.startswith("Maestro-"))
    told = {name.removeprefix("Maestro-"): value for name, _, value in lines}
    if not BRANCH.match(told.get("branch", "")) or not told.get("at", "").isdecimal():
        return None
    origin = Origin(**{name: told.get(name, "") for name in _FIELDS})
    head, index = (value if _is_id(value) else "" for value in (told.get("head", ""), told.get("index", "")))
    return Kept(
        name=ref.removeprefix(FOLDER), commit=commit, at=int(told["at"][:15]), origin=origin, head=head, index=index
    )


def _is_id(text: str) -> bool:
    return len(text) in {40, 64} and all(letter in "0123456789abcdef" for letter in text)


def _free(git: Git, wanted: str) -> str:
    taken = set(git.text("for-each-ref", "--format=%(refname)", FOLDER).split("\n"))
    names = (wanted, *(f"{wanted}-{number}" for number in range(2, NAMES)))
    return next(name for name in names if f"{FOLDER}{name}" not in taken)
