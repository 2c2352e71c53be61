"""PURE: how it is known what an agent does, for people and programs."""

import msgspec

from maestrod.domain.model import Session
from maestrod.domain.model import SessionStatus as S
from maestrod.watch.evidence import Doing, Evidence
from maestrod.watch.turns import Verdict


class Sign(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A piece of evidence as people and programs read it: times in ms, the source by its name."""

    source: str
    doing: Doing
    rule: str
    at: int
    kind: str = ""
    text: str = ""
    tool: str = ""
    background: int = 0
    samples: int = 1
    seen: int = 0


class Explanation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A verdict with all that it was made from, the oldest first."""

    session_id: str
    status: S
    verdict: Verdict
    evidence: tuple[Sign, ...]
    process: str


def of_ended(session: Session) -> Verdict:
    """What an ended session is known from: a declaration, or its process' end; what was seen counts no more."""
    ended, since = session.exit, session.completed_at or 0
    if ended is None or ended.at > since:
        rule = f"the session was {session.status}"
        return Verdict(since=since, source="declared", rule=rule, confidence=1.0)
    how = f"with signal {ended.signal}" if ended.signal is not None else f"with code {ended.code}"
    rule = f"the agent ended {how}"
    return Verdict(since=since, source="process", rule=rule, confidence=1.0, text=ended.reason)


def sign(evidence: Evidence) -> Sign:
    """The evidence, told by names."""
    return Sign(
        source=evidence.source.name.lower(),
        doing=evidence.doing,
        rule=evidence.rule,
        at=evidence.at,
        kind=evidence.kind,
        text=evidence.text,
        tool=evidence.tool,
        background=evidence.background,
        samples=evidence.samples,
        seen=evidence.seen,
    )
