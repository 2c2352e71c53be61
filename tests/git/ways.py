"""What somebody may have left in a worktree."""

from pathlib import Path

from tests.support.repository import commit, git

BRANCH = "maestro/fix-it-x7k9"


def changed(path: Path) -> None:
    (path / "main.txt").write_text("better\n")


def staged(path: Path) -> None:
    (path / "main.txt").write_text("staged\n")
    git(path, "add", "main.txt")
    (path / "main.txt").write_text("then changed\n")


def deleted(path: Path) -> None:
    (path / "main.txt").unlink()


def untracked(path: Path) -> None:
    (path / "notes").mkdir()
    (path / "notes" / "-rf *\n.txt").write_text("mine")


def committed(path: Path) -> None:
    commit(path, "new.txt", "x")


def detached(path: Path) -> None:
    git(path, "checkout", "-q", "--detach")
    commit(path, "new.txt", "x")


def detached_and_branch(path: Path) -> None:
    commit(path, "branch.txt", "x")
    git(path, "checkout", "-q", "--detach", "HEAD~1")
    commit(path, "detached.txt", "y")


def orphan(path: Path) -> None:
    git(path, "checkout", "-q", "--orphan", "nothing-yet")
    (path / "new.txt").write_text("x")


def in_conflict(path: Path) -> None:
    commit(path, "main.txt", "ours\n")
    git(path, "checkout", "-q", "-b", "side", "HEAD~1")
    commit(path, "main.txt", "theirs\n")
    git(path, "checkout", "-q", "-")
    try:
        git(path, "merge", "-q", "side")
    except AssertionError:
        return
    raise AssertionError("there was to be a conflict")


WAYS = [changed, staged, deleted, untracked, committed, detached, detached_and_branch, orphan, in_conflict]
