"""Looks after the worktrees of sessions: what is in them, merging, removing, and bringing them back.

A deed is judged first, then noted, then done, then settled; one at a time in each project. What a daemon that died
left noted is settled by the next one as what it finds.
"""

import asyncio
import logging
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from maestrod.domain import permissions
from maestrod.domain import worktrees as rules
from maestrod.domain.changes import DAEMON, Actor, Change, Command, Idempotency
from maestrod.domain.errors import Conflict, NotFound
from maestrod.domain.model import Noun, Session, Worktree, WorktreeDeed
from maestrod.domain.state import State
from maestrod.engine.engine import Ask, Engine, NotCommitted, ReadOnly
from maestrod.git import merging, trash
from maestrod.git import worktrees as linked
from maestrod.git.copies import copy, within
from maestrod.git.errors import GitError
from maestrod.git.process import Git
from maestrod.git.trash import Kept, Origin
from maestrod.git.work import Diff, Work, ahead, diff, look
from maestrod.git.worktrees import Conflicting
from maestrod.locations import Locations
from maestrod.watch.losses import NAMED, refuse_loss, to_merge

log = logging.getLogger(__name__)

R = TypeVar("R")

AT_ONCE = 4
"""Calls of git at the same time."""
RETRY_S = 1.0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks for a deed, and by which request."""

    actor: Actor
    request_id: str = ""
    idem: Idempotency | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """How a worktree stands; ``ahead`` are commits since it began, ``merged`` whether its base branch has them all.

    ``trouble`` is why it could not be looked at.
    """

    work: Work
    ahead: int = 0
    merged: bool = False
    trouble: str = ""


class Removed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What came of a removal: the name in the trash, if anything was kept, and a branch that had to stay."""

    kept: str | None = None
    branch_left: str | None = None


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a merge; ``changed`` is whether there was anything to do."""

    into: str
    commit: str
    changed: bool


class Restored(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What came back: the session's worktree, or for a session that is gone a branch with all of it."""

    branch: str
    session_id: str | None = None
    path: str | None = None


class Worktrees:
    """Every deed runs to its end, whether or not somebody still waits for it."""

    def __init__(self, engine: Engine, places: Locations, environ: Mapping[str, str]) -> None:
        self._engine = engine
        self._places = places
        self._environ = environ
        self._pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="git")
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Settle what was left, then do what is asked, until cancelled; a call of git under way is waited for."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for session in list(_undone(self._engine.state)):
                    group.create_task(self._recover(session), name=f"settle the worktree of {session.id}")
                await asyncio.get_running_loop().create_future()
        finally:
            self._group = None
            self._pool.shutdown(wait=True)

    # -- looking ----------------------------------------------------------------------------------

    async def seen(self, session: Session) -> Seen:
        """How the session's worktree stands now."""
        worktree = session.worktree
        if worktree is None:
            return Seen(work=Work())
        try:
            return await self._in_thread(lambda: self._seen(session, worktree))
        except (GitError, OSError) as error:
            there = await self._in_thread(lambda: os.path.lexists(worktree.path))
            return Seen(work=Work(exists=there), trouble=str(error))

    async def diff(self, session: Session) -> Diff:
        """What changed in the session's worktree since it began.

        Raises:
            Conflict: git does not tell.
        """
        worktree = rules.own(session)

        def work() -> Diff:
            git = self._git(session)
            found = self._look(git, session, worktree)
            if not found.head:
                raise GitError(f"the worktree {worktree.path} is gone, and its branch too")
            return diff(git, worktree.path, worktree.base_commit, found.head)

        return await self._tried(work)

    async def kept(self, project_id: str) -> list[Kept]:
        """What is in the trash of the project's repository, oldest first; what has been there for 30 days is dropped.

        Raises:
            Conflict: git does not tell.
        """
        git = Git(self._engine.state.project(project_id).working_dir, self._environ)
        now = self._engine.clock.now()

        def work() -> list[Kept]:
            trash.drop_old(git, now=now)
            return trash.kept(git)

        return await self._tried(work)

    # -- deeds ------------------------------------------------------------------------------------

    async def merge(self, session_id: str, asked: Asked, *, into: str = "", commit: str = "") -> Merged | None:
        """Merge the worktree's branch into what the project's directory has checked out; None for a repeated request.

        With a ``commit`` message, what is not committed is committed first.

        Raises:
            Rejected: it may not be merged, or does not merge by itself; nothing has changed.
        """
        command = rules.MergeWorktree(session_id=session_id)
        return await self._deed(
            session_id, command, asked, lambda: self._merge(session_id, command, asked, into, commit)
        )

    async def remove(self, session_id: str, asked: Asked, *, force: bool = False) -> Removed | None:
        """Remove the worktree and its branch; with ``force`` what is only there is kept first. None as above.

        Raises:
            Rejected: it may not be removed, or something would be lost; nothing has changed.
        """
        command = rules.RemoveWorktree(session_id=session_id, force=force)
        return await self._deed(session_id, command, asked, lambda: self._remove(session_id, command, asked))

    async def restore(self, project_id: str, name: str, asked: Asked) -> Restored:
        """Bring back what was kept; then it is not in the trash any more.

        Raises:
            Rejected: there is no such thing, or its session has a worktree again.
        """

        async def work() -> Restored:
            async with self._locks[project_id]:
                return await self._restore(project_id, name, asked)

        return await self._done(work())

    async def _deed(
        self, session_id: str, command: Command, asked: Asked, work: Callable[[], Awaitable[R]]
    ) -> R | None:
        state = self._engine.state
        permissions.authorize(state, command, asked.actor)
        first = await self._engine.first(asked.actor, asked.idem)

        async def alone() -> R | None:
            async with self._locks[state.session(session_id).project_id]:
                return None if first is not None else await work()

        return await self._done(alone())

    async def _merge(self, session_id: str, command: Command, asked: Asked, into: str, message: str) -> Merged:
        session, worktree = rules.mergeable(self._engine.state, session_id)
        git = self._git(session)
        found = await self._tried(lambda: self._look(git, session, worktree))
        tip = await self._tried(lambda: to_merge(git, worktree, found, commits=bool(message)))
        target = await self._tried(lambda: merging.target_of(git))
        await self._tried(lambda: merging.refuse(target, into or worktree.base_branch))
        await self._execute(command, asked)

        def work() -> tuple[str, bool]:
            at = merging.commit_all(git.at(worktree.path), found, message) if message and found.sound else tip
            return at, merging.merge(git, worktree.branch, at)

        try:
            tip, changed = await self._begun(session_id, work)
        except Conflicting as failure:
            raise Conflict(
                f"{worktree.branch} does not merge into {target.branch} by itself: {', '.join(failure.paths[:NAMED])}",
                hint=f"Merge {target.branch} into it in {worktree.path}, commit there, then try again.",
                details=[{"path": path} for path in failure.paths],
            ) from failure
        except (GitError, OSError) as failure:
            raise _refusal(failure) from failure
        await self._settle(session_id, done=True, commit=tip, into=target.branch)
        return Merged(into=target.branch, commit=tip, changed=changed)

    async def _remove(self, session_id: str, command: rules.RemoveWorktree, asked: Asked) -> Removed:
        session, worktree = rules.removable(self._engine.state, session_id)
        seen = await self.seen(session)
        if seen.trouble and command.force and not (seen.work.exists and self._is_ours(worktree)):
            await self._execute(command, asked)
            await self._settle(session_id, done=True)
            return Removed()
        if seen.trouble:
            raise Conflict(f"nobody can say what is in {worktree.path}: {seen.trouble}", hint="Look at it by hand.")
        refuse_loss(session, worktree, seen.work, force=command.force)
        git, now = self._git(session), self._engine.clock.now()
        await self._execute(command, asked)
        try:
            work = seen.work
            removed = await self._begun(session_id, lambda: self._taken_away(git, session, worktree, work, now))
        except (GitError, OSError) as failure:
            raise _refusal(failure) from failure
        await self._settle(session_id, done=True, kept=removed.kept or "")
        return removed

    async def _restore(self, project_id: str, name: str, asked: Asked) -> Restored:
        project = self._engine.state.project(project_id)
        git = Git(project.working_dir, self._environ)
        found = next((each for each in await self._tried(lambda: trash.kept(git)) if each.name == name), None)
        if found is None:
            raise NotFound("trash", name)
        origin = found.origin
        command = rules.RestoreWorktree(
            session_id=origin.session,
            folder=str(self._places.worktrees),
            branch=origin.branch,
            base_commit=origin.base,
            base_branch=origin.target,
            directory=origin.directory,
        )
        session = self._engine.state.table(Noun.SESSION).get(origin.session)
        if not isinstance(session, Session) or session.project_id != project_id:
            permissions.authorize(self._engine.state, msgspec.structs.replace(command, session_id=""), asked.actor)
            branch = await self._tried(lambda: trash.to_branch(git, found))
            return Restored(branch=branch)
        await self._execute(command, asked)
        path = rules.own(self._engine.state.session(session.id)).path
        copied = within(origin.directory, project.copy_files)

        def work() -> None:
            trash.restore(git, found, path, origin.branch)
            copy(Path(git.text("rev-parse", "--show-toplevel")), Path(path), copied)

        try:
            await self._begun(session.id, work)
        except (GitError, OSError) as failure:
            raise _refusal(failure) from failure
        await self._settle(session.id, done=True)
        await self._tried(lambda: trash.drop(git, found))
        return Restored(branch=origin.branch, session_id=session.id, path=path)

    # -- what was left ----------------------------------------------------------------------------

    async def _recover(self, session: Session) -> None:
        """Settle a deed that a daemon before had noted, as what is found."""
        worktree = rules.own(session)
        async with self._locks[session.project_id]:
            try:
                done, tip = await self._in_thread(lambda: self._was_done(session, worktree))
            except (GitError, OSError) as error:
                log.warning("a worktree cannot be looked at: %s", error, extra={"sessionId": session.id})
                done, tip = False, None
            log.info("settled a deed that was left", extra={"sessionId": session.id, "deed": worktree.deed})
            await self._settle(session.id, done=done, commit=tip, into=worktree.base_branch)

    def _was_done(self, session: Session, worktree: Worktree) -> tuple[bool, str | None]:
        """Whether the deed was done, and where the branch is."""
        git = self._git(session)
        tip = linked.tip(git, worktree.branch)
        match worktree.deed:
            case WorktreeDeed.MERGE:
                if tip is not None and git.asked("rev-parse", "--verify", "--quiet", "MERGE_HEAD") == tip:
                    git.run("merge", "--abort")
                return tip is not None and linked.holds(git, "HEAD", tip), tip
            case WorktreeDeed.REMOVE:
                return not os.path.lexists(worktree.path), tip
            case WorktreeDeed.RESTORE:  # all of it is still in the trash
                kept = [each for each in trash.kept(git) if each.origin.session == session.id]
                if linked.is_known(git, worktree.path):
                    linked.forget(git, worktree.path)
                if kept and tip in {each.head or each.commit for each in kept}:
                    git.run("update-ref", "-d", f"refs/heads/{worktree.branch}", str(tip))
                return False, None
            case None:
                return False, None

    # -- parts ------------------------------------------------------------------------------------

    def _git(self, session: Session) -> Git:
        return Git(self._engine.state.project(session.project_id).working_dir, self._environ)

    def _is_ours(self, worktree: Worktree) -> bool:
        """Whether it lies where this home keeps worktrees: one that was imported need not."""
        inside = linked.same(str(Path(worktree.path).parent), str(self._places.worktrees))
        return inside and linked.BRANCH.match(worktree.branch) is not None

    def _look(self, git: Git, session: Session, worktree: Worktree) -> Work:
        """Raises: GitError: it is none of ours, or there is no repository."""
        if not self._is_ours(worktree):
            raise GitError(f"{worktree.path} does not lie in {self._places.worktrees}")
        top = git.text("rev-parse", "--show-toplevel")
        patterns = within(worktree.directory, self._engine.state.project(session.project_id).copy_files)
        return look(git, worktree.path, worktree.branch, original=top, copied=patterns)

    def _seen(self, session: Session, worktree: Worktree) -> Seen:
        git = self._git(session)
        found = self._look(git, session, worktree)
        count = ahead(git, worktree.base_commit, found.head)
        base = linked.tip(git, worktree.base_branch) if worktree.base_branch else None
        merged = bool(count and base and linked.holds(git, base, found.head))
        return Seen(work=found, ahead=count, merged=merged)

    def _taken_away(self, git: Git, session: Session, worktree: Worktree, found: Work, now: int) -> Removed:
        """Keep what is only there, then delete folder and branch."""
        trash.drop_old(git, now=now)
        kept: Kept | None = None
        if not found.is_elsewhere:
            origin = Origin(
                session=session.id,
                branch=worktree.branch,
                base=worktree.base_commit,
                target=worktree.base_branch,
                directory=worktree.directory,
            )
            kept = trash.keep(git, worktree.path, found, origin, at=now)
        if linked.is_known(git, worktree.path):
            if kept is None and found.exists:
                self._still_clean(git, session, worktree)
            linked.forget(git, worktree.path)
        tip = linked.tip(git, worktree.branch)
        elsewhere = any(each.branch == worktree.branch for each in linked.linked(git))
        if tip is not None and not elsewhere and tip in {found.tip, found.head}:
            git.run("update-ref", "-d", f"refs/heads/{worktree.branch}", tip)
            tip = None
        return Removed(kept=kept.name if kept else None, branch_left=worktree.branch if tip is not None else None)

    def _still_clean(self, git: Git, session: Session, worktree: Worktree) -> None:
        """Raises: GitError: something was written there a moment ago."""
        if not self._look(git, session, worktree).is_elsewhere:
            raise GitError(f"something was written in {worktree.path} just now", hint="Try again.")

    async def _begun(self, session_id: str, work: Callable[[], R]) -> R:
        """Do what was noted; when it fails, nothing has changed. Cancelled, it goes on, and is settled by the next."""
        try:
            return await self._in_thread(work)
        except Exception:
            await self._settle(session_id, done=False)
            raise

    async def _tried(self, work: Callable[[], R]) -> R:
        try:
            return await self._in_thread(work)
        except (GitError, OSError) as failure:
            raise _refusal(failure) from failure

    async def _in_thread(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def _done(self, work: Coroutine[Any, Any, R]) -> R:
        """Its outcome; it goes on when nobody waits any more."""
        if self._group is None:
            work.close()
            raise Conflict("the daemon is stopping", hint="Try again.")
        task = self._group.create_task(_caught(work))
        outcome = await asyncio.shield(task)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _execute(self, command: Command, asked: Asked) -> None:
        ask = Ask(command=command, actor=asked.actor, request_id=asked.request_id, idem=asked.idem)
        await self._engine.execute(ask, _nothing)

    async def _settle(
        self, session_id: str, *, done: bool, commit: str | None = None, into: str = "", kept: str = ""
    ) -> None:
        """Settle the deed, however long the disk refuses; settling again changes nothing."""
        command = rules.SettleWorktree(session_id=session_id, done=done, commit=commit, into=into, kept=kept)
        while True:
            try:
                await self._engine.execute(Ask(command=command, actor=DAEMON), _nothing)
            except (ReadOnly, NotCommitted) as error:
                log.warning("what became of a worktree waits for the disk: %s", error, extra={"sessionId": session_id})
                await asyncio.sleep(RETRY_S)
            else:
                return


def _undone(state: State) -> list[Session]:
    """Sessions with a worktree in the middle of a deed."""
    found = (s for s in state.table(Noun.SESSION).values() if isinstance(s, Session))
    return [s for s in found if s.worktree is not None and s.worktree.deed is not None]


def _refusal(failure: Exception) -> Conflict:
    if isinstance(failure, GitError):
        return Conflict(failure.message, hint=failure.hint or "Look at it with git itself.")
    return Conflict(f"the disk refuses: {failure}", hint="Make room, or let it be written.")


async def _caught(work: Coroutine[Any, Any, R]) -> R | Exception:
    """Its outcome, or why there is none: a task group ends with the first task that fails."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - raised where the outcome is awaited
        return error


def _nothing(_state: State, _changes: tuple[Change, ...]) -> None:
    return None
