"""PURE: what follows for a session from a verdict on its agent. Nothing here ever ends one."""

from maestrod.domain.model import NeedsInput, Session, Turn
from maestrod.domain.model import SessionStatus as S
from maestrod.domain.sessions import RecordTurn
from maestrod.watch.evidence import Doing, Signs
from maestrod.watch.turns import ASKING, CONTRADICTED_MS, Verdict

NEW_TURN = ("UserPromptSubmit", "BeforeAgent")
"""Hooks that a prompt calls."""

BEFORE_ALL = ("trust", "login")
"""Kinds of questions that an agent asks before it begins."""

STATUS = {Doing.WORKING: S.WORKING, Doing.IDLE: S.IDLE, Doing.NEEDS_INPUT: S.WORKING, Doing.ERROR: S.IDLE}


def recorded(session: Session, verdict: Verdict, signs: Signs, now: int) -> RecordTurn:
    """What follows from a verdict and from what a hook says by the way; only what differs is named."""
    return RecordTurn(
        session_id=session.id,
        status=_status(session, verdict, now),
        turn=_turn(session, verdict),
        needs_input=_needs_input(session, verdict),
        conversation_id=_if_new(signs.conversation_id, session.conversation_id),
        transcript_path=_if_new(signs.transcript_path, session.transcript_path),
    )


def _status(session: Session, verdict: Verdict, now: int) -> S | None:
    """What follows for the session.

    An agent that asks to be let in has not begun, and Gemini's title says "Ready" all the same: of an agent that
    starts a title alone is not believed before its screen was looked at, or could have been.
    """
    if verdict.doing is Doing.NEEDS_INPUT and verdict.kind in BEFORE_ALL:
        return None
    by_title = verdict.doing is Doing.IDLE and verdict.source == "title" and not verdict.lost
    if session.status is S.SPAWNING and by_title and now - verdict.since < CONTRADICTED_MS:
        return None
    return STATUS.get(verdict.doing)


def _turn(session: Session, verdict: Verdict) -> Turn | None:
    """A turn is committed when what it says changes, not with each sign of the same."""
    kind, text = (verdict.kind, verdict.text) if verdict.doing in ASKING else ("", "")
    if (session.turn.state, session.turn.kind, session.turn.text) == (verdict.doing, kind, text):
        return None
    return Turn(
        state=verdict.doing,
        source=verdict.source,
        confidence=verdict.confidence,
        since=verdict.since,
        kind=kind,
        text=text,
    )


def _needs_input(session: Session, verdict: Verdict) -> NeedsInput | None:
    before = session.needs_input
    if verdict.doing is Doing.NEEDS_INPUT:
        message = verdict.text or before.message
        if before.active and before.message == message:
            return None
        return NeedsInput(active=True, message=message, since=before.since if before.active else verdict.since)
    if verdict.doing is Doing.ERROR:
        if before.active:
            return None
        return NeedsInput(active=True, message=f"error: {verdict.text}", since=verdict.since)
    return NeedsInput() if before.active and _is_answered(session, verdict) else None


def _is_answered(session: Session, verdict: Verdict) -> bool:
    """Whether the question is over: a dialog goes when it is seen no more, a declared question with the next turn."""
    working = verdict.doing is Doing.WORKING
    if verdict.doing is Doing.UNKNOWN:
        return False
    if session.turn.state in {Doing.NEEDS_INPUT, Doing.UNKNOWN}:
        return True
    begun = session.turn.state == Doing.IDLE or verdict.rule.endswith(NEW_TURN)
    later = verdict.since >= (session.needs_input.since or 0)
    return working and (session.turn.state == Doing.ERROR or (begun and later))


def _if_new(said: str | None, known: str | None) -> str | None:
    return said if said != known else None


def moves(session: Session, command: RecordTurn) -> bool:
    """Whether it says anything that is not known."""
    return (
        (command.status is not None and command.status is not session.status)
        or command.turn is not None
        or command.needs_input is not None
        or command.conversation_id is not None
        or command.transcript_path is not None
    )
