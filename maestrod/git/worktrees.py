"""Worktrees of a repository: finding what one is made of, making one, and what git knows of those there are."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from maestrod.git.errors import GitError, GitFailed, NoRepository
from maestrod.git.process import LONG_S, Git

BRANCH = re.compile(r"maestro/[a-z0-9][a-z0-9-]*\Z")
"""What our branches are called: nothing that git could take for an option or a path."""


class Base(msgspec.Struct, frozen=True):
    """Where a worktree begins: the top of the repository's files, the directory within, and what is checked out.

    ``branch`` is empty where no branch is.
    """

    top: str
    directory: str
    commit: str
    branch: str


class Linked(msgspec.Struct, frozen=True):
    """A worktree as git knows it; ``branch`` is empty where none is checked out."""

    path: str
    branch: str


class Conflicting(GitError):
    """What two branches changed cannot be put together by itself; ``paths`` are the files."""

    def __init__(self, message: str, paths: Sequence[str], *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.paths = tuple(paths)


def base_of(git: Git) -> Base:
    """What a worktree for this directory would be made of.

    Raises:
        NoRepository: there is none, or none with files and a commit.
    """
    where = git.cwd
    inside = git.asked("rev-parse", "--is-inside-work-tree")
    if inside is None:
        raise NoRepository(f"{where} is in no git repository", hint="`git init` there, or go without a worktree.")
    if inside != "true":
        raise NoRepository(f"{where} is a bare repository, without files to work on", hint="Check a branch out first.")
    commit = git.asked("rev-parse", "--quiet", "--verify", "HEAD^{commit}")
    if commit is None:
        raise NoRepository(f"the repository at {where} has no commits yet", hint="Commit something first.")
    prefix = git.text("rev-parse", "--show-prefix")
    return Base(git.text("rev-parse", "--show-toplevel"), prefix.removesuffix("/"), commit, branch_of(git))


def branch_of(git: Git) -> str:
    """The branch that is checked out; empty for a detached HEAD."""
    return git.asked("symbolic-ref", "--quiet", "--short", "HEAD") or ""


def tip(git: Git, branch: str) -> str | None:
    """The commit that a branch is at; None when there is no such branch."""
    return git.asked("rev-parse", "--quiet", "--verify", "--end-of-options", f"refs/heads/{branch}^{{commit}}")


def holds(git: Git, whole: str, part: str) -> bool:
    """Whether the history of one commit holds another."""
    return git.asked("merge-base", "--is-ancestor", part, whole) is not None


def linked(git: Git) -> list[Linked]:
    """All worktrees of the repository, those among them whose folder is gone."""
    try:
        rows = git.paths("worktree", "list", "--porcelain", "-z")
    except GitFailed as failure:
        if failure.code != 129:  # -z came with 2.36
            raise
        rows = git.text("worktree", "list", "--porcelain").split("\n")
    found: list[Linked] = []
    for row in rows:
        word, _, value = row.partition(" ")
        if word == "worktree":
            found.append(Linked(value, ""))
        elif word == "branch" and found:
            found[-1] = Linked(found[-1].path, value.removeprefix("refs/heads/"))
    return found


def is_known(git: Git, path: str) -> bool:
    """Whether git knows of a worktree there, its folder being there or not."""
    return any(same(each.path, path) for each in linked(git))


def same(one: str, other: str) -> bool:
    """Whether two paths are of the same place."""
    return os.path.realpath(one) == os.path.realpath(other)


def is_sound(git: Git, path: str) -> bool:
    """Whether the folder is a worktree of the repository, and not part of another or nothing at all."""
    try:
        there = git.at(path)
        top = there.asked("rev-parse", "--show-toplevel")
        common = there.asked("rev-parse", "--path-format=absolute", "--git-common-dir")
        own = git.asked("rev-parse", "--path-format=absolute", "--git-common-dir")
    except OSError:
        return False
    return bool(top and common and own) and same(str(top), path) and same(str(common), str(own))


def add(git: Git, path: str, branch: str, commit: str) -> None:
    """Make a worktree on a new branch; the repository's post-checkout hook runs as it does for a person.

    Raises:
        GitFailed: git or the hook said no; ``clear`` takes away what was begun.
    """
    Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    words = ("worktree", "add", "--quiet", "--no-track", "-b", branch, "--", path, commit)
    git.run(*words, hooks=True, limit_s=LONG_S)


def add_again(git: Git, path: str, branch: str) -> None:
    """Make the worktree of a branch once more where its folder was.

    Raises:
        NoRepository: the branch is gone, or checked out elsewhere.
    """
    if tip(git, branch) is None:
        raise NoRepository(f"the worktree {path} is gone, and its branch {branch} too")
    elsewhere = [each.path for each in linked(git) if each.branch == branch and not same(each.path, path)]
    if elsewhere:
        raise NoRepository(f"the worktree {path} is gone, and its branch {branch} is checked out at {elsewhere[0]}")
    Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    git.run("worktree", "add", "--quiet", "--force", "--", path, branch, hooks=True, limit_s=LONG_S)


def clear(git: Git, path: str, branch: str, commit: str) -> None:
    """Take away a worktree that was only begun, in which nobody has worked: its branch is still where it began."""
    if is_known(git, path):
        forget(git, path)
    at = tip(git, branch)
    if at is not None and _is_untouched(git, at, branch, commit):
        git.run("update-ref", "-d", f"refs/heads/{branch}", at)


def _is_untouched(git: Git, at: str, branch: str, commit: str) -> bool:
    """Whether nobody but we ourselves has committed on the branch."""
    if at == commit:
        return True
    others = (f"--exclude={branch}", "--branches", "--remotes", "--tags")
    said = git.text("log", "--no-show-signature", "--format=%ae", at, "--not", *others)
    return bool(commit) and holds(git, at, commit) and set(said.split("\n")) <= {"", EMAIL}


def forget(git: Git, path: str) -> None:
    """Delete a worktree's folder and what git knows of it. What was in it is lost."""
    git.run("worktree", "remove", "--force", "--force", "--", path, limit_s=LONG_S)


def join(git: Git, commits: Sequence[tuple[str, str]], *, identity: bool = False) -> None:
    """Merge commits, each with its name, into what is checked out in ``git.cwd``; all of one or nothing of it.

    Raises:
        Conflicting: one cannot be merged by itself; nothing of it is left.
        GitFailed: git refuses to begin, the local files being in the way, say.
    """
    env = IDENTITY if identity else {}
    for name, commit in commits:
        try:
            git.run("merge", "--no-edit", "--quiet", "-m", f"Merge {name}", commit, env=env, limit_s=LONG_S)
        except GitError as failure:
            paths = conflicts(git)
            if is_merging(git):
                git.run("merge", "--abort", limit_s=LONG_S)
            if paths:
                raise Conflicting(f"{name} cannot be merged by itself", paths) from failure
            raise


EMAIL = "maestro@localhost"
IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Maestro"), ("EMAIL", EMAIL))
}
"""Who makes commits that are nobody's: of what is kept, and of dependencies put together."""


def conflicts(git: Git) -> list[str]:
    """The files of which git does not know how to put them together, relative to the top."""
    return git.paths("diff", "--name-only", "--no-ext-diff", "--diff-filter=U", "-z", "--no-relative")


def is_merging(git: Git) -> bool:
    """Whether a merge was begun and not ended."""
    return git.asked("rev-parse", "--quiet", "--verify", "MERGE_HEAD") is not None
