"""What would be lost or left out of a worktree: judged before anything is done to it."""

from collections.abc import Sequence

from maestrod.domain.errors import Conflict
from maestrod.domain.model import Session, Worktree
from maestrod.git import worktrees
from maestrod.git.process import Git
from maestrod.git.work import Work

NAMED = 10
LISTED = 100
"""Of each kind that is lost."""


def refuse_loss(session: Session, worktree: Worktree, found: Work, *, force: bool) -> None:
    """Raises: Conflict: something is only there and is not to be kept, or cannot be."""
    if found.exists and not found.sound:
        raise Conflict(
            f"git does not take {worktree.path} for the worktree of {worktree.branch} any more",
            hint="Look at it by hand; `git worktree repair` there may help.",
        )
    if found.inner:
        raise Conflict(
            f"repositories within {worktree.path} have work that is only there: {_listed(found.inner)}",
            hint="Commit and push in them first.",
            details=[{"kind": "repository", "path": path} for path in found.inner],
        )
    if found.is_elsewhere or force:
        return
    lost = loss(found)
    told = ", ".join(f"{len(rows)} {_many(kind, len(rows))}" for kind, rows in lost.items())
    raise Conflict(
        f"removing the worktree of session {session.id} ({session.name}) would lose {told}",
        hint=f"`maestro worktree diff {session.id}` shows it, `maestro worktree merge` takes it in; "
        "with --force it is kept in the trash for 30 days.",
        details=[{"kind": kind, "path": row} for kind, rows in lost.items() for row in rows[:LISTED]],
    )


def loss(found: Work) -> dict[str, list[str]]:
    """What is only there, by kind."""
    kinds = {
        "uncommitted change": list(found.uncommitted),
        "untracked file": list(found.untracked),
        "changed copy": list(found.copies),
        "commit": [f"{each.id[:10]} {each.subject}" for each in found.commits],
    }
    return {kind: rows for kind, rows in kinds.items() if rows}


def _many(kind: str, count: int) -> str:
    return kind if count == 1 else f"{kind.removesuffix('y')}ies" if kind.endswith("y") else f"{kind}s"


def to_merge(git: Git, worktree: Worktree, found: Work, *, commits: bool = False) -> str:
    """The commit that is to be merged, or with ``commits`` the one on which what is not committed will lie.

    Raises:
        Conflict: something would be left out, or there is nothing.
    """
    tip = worktrees.tip(git, worktree.branch)
    if tip is None:
        raise Conflict(
            f"the branch {worktree.branch} is gone", hint=f"`git log` in {worktree.path} shows what is there."
        )
    left = [*found.inner, *(() if commits else (*found.uncommitted, *found.untracked))]
    if left:
        raise Conflict(
            f"what is not committed would be left out: {_listed(left)}",
            hint=f"Commit it in {worktree.path}, or let `--commit MESSAGE` do it.",
            details=[{"path": path} for path in left[:LISTED]],
        )
    astray = commits and found.branch != worktree.branch
    if found.sound and (astray or not worktrees.holds(git, tip, found.head)):
        raise Conflict(
            f"what is checked out in {worktree.path} is not on {worktree.branch}, and would be left out",
            hint=f"`git switch {worktree.branch}` there and take it in, then try again.",
        )
    return tip


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
