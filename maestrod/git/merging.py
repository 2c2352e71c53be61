"""Merging a worktree's branch into what is checked out in the project's directory."""

import os

import msgspec

from maestrod.git.errors import GitError
from maestrod.git.process import LONG_S, Git
from maestrod.git.work import Work
from maestrod.git.worktrees import branch_of, holds, is_merging, join

SHOWN = 10


class Target(msgspec.Struct, frozen=True):
    """What a branch would be merged into, and what stands in the way; ``dirty`` are files with changes."""

    branch: str
    head: str
    dirty: tuple[str, ...] = ()
    merging: bool = False


class NotMerged(GitError):
    """The branch was not merged; nothing has changed."""


def target_of(git: Git) -> Target:
    """How the project's directory stands; files that git does not know are no hindrance, git never writes over them."""
    rows = git.paths(
        "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=all"
    )
    dirty = tuple(row[3:] for row in rows)
    return Target(branch_of(git), git.text("rev-parse", "HEAD"), dirty, is_merging(git))


def refuse(target: Target, wanted: str) -> None:
    """Raises: NotMerged: the directory has changes of its own, a merge under way, or another branch checked out."""
    if target.merging:
        raise NotMerged("a merge is under way in the project's directory", hint="End that first: `git status` there.")
    if not target.branch:
        raise NotMerged(
            "no branch is checked out in the project's directory", hint="`git switch BRANCH` there, then try again."
        )
    if wanted and target.branch != wanted:
        raise NotMerged(
            f"the project's directory has {target.branch} checked out, and the worktree began from {wanted}",
            hint=f"`git switch {wanted}` there, or say `--into {target.branch}`.",
        )
    if target.dirty:
        more = f" and {len(target.dirty) - SHOWN} more" if len(target.dirty) > SHOWN else ""
        raise NotMerged(
            f"the project's directory has changes of its own: {', '.join(target.dirty[:SHOWN])}{more}",
            hint="Commit or stash them there, then try again.",
        )


def commit_all(there: Git, work: Work, message: str) -> str:
    """Commit what is not committed in a worktree, but for files that were only copied there; the commit.

    Raises:
        GitFailed: git refuses; nothing is lost.
    """
    wanted = [f":(top,literal){name}" for name in (*work.uncommitted, *work.untracked)]
    passed = [f":(top,exclude,literal){name}" for name in work.copied]
    if wanted:
        names = b"\0".join(os.fsencode(name) for name in (*wanted, *passed))
        there.run("add", "--all", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=names, limit_s=LONG_S)
        there.run("commit", "--quiet", "--no-verify", "-m", message, limit_s=LONG_S)
    return there.text("rev-parse", "HEAD")


def merge(git: Git, name: str, commit: str) -> bool:
    """Merge the commit into what is checked out; whether there was anything to do.

    Raises:
        Conflicting: it cannot be merged by itself; the directory is as it was.
        GitFailed: git would not begin.
    """
    if holds(git, "HEAD", commit):
        return False
    join(git, [(name, commit)])
    return True
