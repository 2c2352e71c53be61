"""The worktrees of sessions: how they stand, what changed in them, merging, removing, and the trash."""

import asyncio

import msgspec
from aiohttp import web

from maestrod.api.calls import Call
from maestrod.api.lists import flag
from maestrod.api.writes import BODY, idempotency, read_body
from maestrod.domain import permissions, worktrees
from maestrod.domain.limits import NAME, TEXT, Fields
from maestrod.domain.model import Noun, Session
from maestrod.engine.engine import Engine
from maestrod.git.trash import Kept
from maestrod.protocol.bodies import Merging, Nothing, decoded
from maestrod.protocol.codec import parse_object
from maestrod.protocol.views import encode
from maestrod.watch.worktrees import Asked, Seen, Worktrees

SHOWN = 1_000
"""Paths of a kind that are listed."""


class WorktreeCalls:
    """Handlers of the routes about worktrees that ask git."""

    def __init__(self, engine: Engine, deeds: Worktrees) -> None:
        self._engine = engine
        self._deeds = deeds

    async def listed(self, call: Call) -> web.StreamResponse:
        """The worktrees of a project and how each stands, oldest first."""
        found = await self._engine.read(
            lambda state: [s for s in state.sessions_of_project(call.ids(state)["project"]) if s.worktree is not None]
        )
        seen = await asyncio.gather(*(self._deeds.seen(session) for session in found))
        return _answer([told(session, each) for session, each in zip(found, seen, strict=True)])

    async def one(self, call: Call) -> web.StreamResponse:
        """How a session's worktree stands, with the names of what is in it.

        Raises:
            Conflict: the session has none.
        """
        session = await self._session(call)
        worktrees.own(session)
        seen = await self._deeds.seen(session)
        return _answer({**told(session, seen), **_inside(seen)})

    async def diff(self, call: Call) -> web.StreamResponse:
        """What changed in a worktree since it began; without ``patch`` only which files.

        Raises:
            Conflict: the session has no worktree, or git does not tell.
        """
        session = await self._session(call)
        found = await self._deeds.diff(session)
        worktree = worktrees.own(session)
        whole = flag(call, "patch") is not False
        told_of = {"sessionId": session.id, "branch": worktree.branch, **msgspec.to_builtins(found)}
        return _answer(told_of if whole else {name: value for name, value in told_of.items() if name != "patch"})

    async def merge(self, call: Call) -> web.StreamResponse:
        """Merge a worktree's branch into what the project's directory has checked out.

        Raises:
            NotAllowed: a session asked.
            Conflict: it may not be merged, or does not merge by itself; nothing has changed.
        """
        session = await self._session(call)
        body = await read_body(call, BODY)
        wanted = decoded(parse_object(body), Merging)
        Fields().text("into", wanted.into, NAME).text("commit", wanted.commit, TEXT).end()
        self._sure(call, worktrees.MergeWorktree(session_id=session.id))
        merged = await self._deeds.merge(session.id, _asked(call, body), into=wanted.into, commit=wanted.commit)
        after = await self._session(call)
        known = after.worktree
        result = msgspec.to_builtins(merged) if merged else {"into": "", "commit": known and known.merged_commit}
        return _answer({"success": True, "sessionId": session.id, "changed": False, **result, "worktree": known})

    async def remove(self, call: Call) -> web.StreamResponse:
        """Remove a worktree and its branch.

        Raises:
            NotAllowed: a session asked.
            Conflict: something would be lost; with ``force`` it is kept in the trash.
        """
        session = await self._session(call)
        body = await read_body(call, BODY)
        decoded(parse_object(body), Nothing)
        forced = flag(call, "force") or False
        self._sure(call, worktrees.RemoveWorktree(session_id=session.id, force=forced))
        removed = await self._deeds.remove(session.id, _asked(call, body), force=forced)
        result = msgspec.to_builtins(removed) if removed else {"kept": None, "branchLeft": None}
        return _answer({"success": True, "sessionId": session.id, **result})

    async def trash(self, call: Call) -> web.StreamResponse:
        """What is in the trash of a project's repository, oldest first."""
        project_id = (await self._engine.read(lambda state: call.ids(state)))["project"]
        found = await self._deeds.kept(project_id)
        sessions = self._engine.state.table(Noun.SESSION)
        return _answer([_kept(each, sessions.get(each.origin.session)) for each in found])

    async def restore(self, call: Call) -> web.StreamResponse:
        """Bring something back from the trash.

        Raises:
            NotAllowed: a session asked.
            NotFound: there is no such thing.
            Conflict: its session has a worktree again, or lives.
        """
        body = await read_body(call, BODY)
        decoded(parse_object(body), Nothing)
        project_id = (await self._engine.read(lambda state: call.ids(state)))["project"]
        if not call.is_person:
            permissions.authorize_untold(
                worktrees.RestoreWorktree(session_id="", folder="/", branch="", base_commit="")
            )
        restored = await self._deeds.restore(project_id, call.given["kept"], _asked(call, body))
        return _answer({"success": True, **msgspec.to_builtins(restored)})

    async def _session(self, call: Call) -> Session:
        return await self._engine.read(lambda state: state.session(call.ids(state)["session"]))

    def _sure(self, call: Call, command: worktrees.MergeWorktree | worktrees.RemoveWorktree) -> None:
        if not call.sure:
            permissions.authorize_untold(command)


def told(session: Session, seen: Seen) -> dict[str, object]:
    """A worktree in a list: whose it is, where, and how it stands in one word."""
    work = seen.work
    return {
        "sessionId": session.id,
        "sessionName": session.name,
        "sessionStatus": session.status,
        **(msgspec.to_builtins(session.worktree) if session.worktree is not None else {}),
        "state": state_of(session, seen),
        "exists": work.exists,
        "head": work.head or None,
        "ahead": seen.ahead,
        "uncommitted": len(work.uncommitted) + len(work.untracked),
        "onlyHere": len(work.commits),
        "trouble": seen.trouble or None,
    }


def state_of(session: Session, seen: Seen) -> str:
    """``making``, ``unknown``, ``gone``, ``broken``, ``uncommitted``, ``unmerged``, ``merged`` or ``unchanged``."""
    work = seen.work
    if session.worktree is not None and session.worktree.made_at is None:
        return "making"
    if seen.trouble:
        return "unknown"
    if not work.exists:
        return "gone"
    if not work.sound:
        return "broken"
    if work.uncommitted or work.untracked or work.inner:
        return "uncommitted"
    if seen.merged:
        return "merged"
    return "unmerged" if seen.ahead or work.commits else "unchanged"


def _inside(seen: Seen) -> dict[str, object]:
    work = seen.work
    names = {
        "changed": work.uncommitted,
        "untracked": work.untracked,
        "ignored": work.ignored,
        "changedCopies": work.copies,
        "repositories": work.inner,
        "commits": work.commits,
    }
    return {name: msgspec.to_builtins(rows[:SHOWN]) for name, rows in names.items()}


def _kept(each: Kept, session: object) -> dict[str, object]:
    return {
        "name": each.name,
        "sessionId": each.origin.session,
        "sessionName": session.name if isinstance(session, Session) else None,
        "branch": each.origin.branch,
        "commit": each.commit,
        "at": each.at,
        "until": each.until,
    }


def _asked(call: Call, body: bytes) -> Asked:
    return Asked(actor=call.actor, request_id=call.request_id, idem=idempotency(call, body))


def _answer(body: object) -> web.Response:
    return web.Response(body=encode(body), content_type="application/json")
