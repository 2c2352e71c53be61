"""PURE: evidence in, a verdict out. Nothing here ever says "done": only a declaration or an exit does."""

from collections.abc import Mapping, Sequence

import msgspec

from maestrod.watch.evidence import Doing, Evidence, Source

CONTRADICTED_MS = 3_000
"""A weaker source must disagree this long before it corrects a stronger one."""
SAME_TURN_MS = 3_000
"""Signs of one turn's end come within this time, whoever gives them."""
STALE_MS = 10 * 60_000
"""A hook's "working" without any other sign of life for this long is believed no more."""
AGREEING = 2
"""So often must an idle agent have been seen before work that a hook told of is taken to be over."""
QUIET_MS = 5_000
"""An agent at work of which nothing is heard for this long is looked at; the longer it is quiet, the less often."""
SETTLED_MS = 10_000
"""Who disagrees longer than this has been looked at often enough."""

ASKING = frozenset({Doing.NEEDS_INPUT, Doing.ERROR})
"""What has a kind and words."""

NEVER = 1 << 53
"""Later than all times."""

CONFIDENCE = {
    Source.DECLARED: 1.0,
    Source.HOOK: 0.95,
    Source.TRANSCRIPT: 0.85,
    Source.PROCESS: 0.7,
    Source.TITLE: 0.7,
    Source.SCREEN: 0.5,
}


_NAMES = {source: source.name.lower() for source in Source}


class Lost(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a source said that was not believed, when (ms), and why not."""

    source: str
    doing: Doing
    rule: str
    at: int
    why: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an agent is doing, since when (ms), on whose word, and how sure that is; what lost is named.

    ``kind`` and ``text`` are those of a question (permission, question, trust, login) or an error (limit, auth, api).
    """

    doing: Doing = Doing.UNKNOWN
    since: int = 0
    source: str = "none"
    rule: str = "no evidence"
    confidence: float = 0.0
    kind: str = ""
    text: str = ""
    tool: str = ""
    background: int = 0
    lost: tuple[Lost, ...] = ()


def judge(evidence: Sequence[Evidence], now: int) -> Verdict:
    """The verdict on the newest word of every source, in any order.

    The newest of declarations and hooks wins. What is seen later and differs corrects it: at once when it says that a
    person is needed, otherwise when it has disagreed for three seconds; an idle screen or title ends work only when it
    was seen twice, or another agrees.
    """
    newest = _newest(evidence)
    if not newest:
        return Verdict()
    chosen, seen = _foremost(newest)
    for other in sorted(seen, key=lambda e: e.source):
        if _corrects(other, chosen, newest, now):
            chosen = other
    return _verdict(chosen, newest, now)


def next_change(evidence: Sequence[Evidence], verdict: Verdict, now: int) -> int:
    """When the verdict may become another one (ms) though nothing more is heard; ``NEVER`` when it cannot."""
    newest = _newest(evidence)
    if not newest:
        return NEVER
    _, seen = _foremost(newest)
    waits = [e.at + CONTRADICTED_MS for e in seen]
    if verdict.doing is Doing.WORKING:
        waits.append(_last_sign(newest) + STALE_MS)
    return min((at for at in waits if at > now), default=NEVER)


def is_undoubted(verdict: Verdict) -> bool:
    """Whether a hook says that the agent is at work, and whoever differs spoke before it.

    Another hook that says the same later changes nothing but the time.
    """
    told = verdict.doing is Doing.WORKING and verdict.source == _NAMES[Source.HOOK]
    return told and all(each.doing is verdict.doing or each.at <= verdict.since for each in verdict.lost)


def wants_look(evidence: Sequence[Evidence], looked: int, now: int) -> bool:
    """Whether the screen should be looked at, when that was done last at ``looked`` (ms).

    Always when nobody else tells, when nobody says what is asked, and when somebody has just begun to disagree; now
    and then while an agent is at work, or waits for a person, and nothing is heard of it. What a hook says of an agent
    at rest is enough.
    """
    newest = _newest(evidence)
    if all(source is Source.SCREEN for source in newest):
        return True
    foremost, seen = _foremost(newest)
    asks = foremost.doing is Doing.NEEDS_INPUT
    if asks and not any(e.doing is foremost.doing and e.kind for e in newest.values()):
        return True
    if foremost.source is Source.TITLE and Source.SCREEN not in newest:
        return True
    if any(_differs(e, foremost) and now - e.at <= SETTLED_MS for e in seen):
        return True
    told = foremost.source <= Source.TRANSCRIPT
    if told and foremost.doing not in {Doing.WORKING, Doing.NEEDS_INPUT}:
        return False
    sign = max(max(e.at, e.seen) for e in newest.values() if e.source is not Source.SCREEN)
    return now - max(looked, sign) >= max(QUIET_MS, looked - sign)


def _foremost(newest: Mapping[Source, Evidence]) -> tuple[Evidence, list[Evidence]]:
    """What counts until it is corrected, and what may correct it."""
    spoken = [e for s, e in newest.items() if s <= Source.HOOK]
    seen = [e for s, e in newest.items() if s > Source.HOOK]
    return (max(spoken, key=lambda e: (e.at, -e.source)) if spoken else min(seen, key=lambda e: e.source)), seen


def _newest(evidence: Sequence[Evidence]) -> dict[Source, Evidence]:
    newest: dict[Source, Evidence] = {}
    for each in evidence:
        if each.source not in newest or each.at >= newest[each.source].at:
            newest[each.source] = each
    return newest


def _last_sign(newest: Mapping[Source, Evidence]) -> int:
    return max(max(e.at, e.seen) for e in newest.values())


def _differs(other: Evidence, chosen: Evidence) -> bool:
    return other.doing is not chosen.doing and other.at > chosen.at


def _corrects(other: Evidence, chosen: Evidence, newest: Mapping[Source, Evidence], now: int) -> bool:
    return other is not chosen and _refusal(other, chosen, newest, now) == ""


def _refusal(other: Evidence, chosen: Evidence, newest: Mapping[Source, Evidence], now: int) -> str:
    """Why one does not correct the other; nothing when it does."""
    if other.doing is chosen.doing:
        return "says the same"
    if (chosen.doing, other.doing) == (Doing.IDLE, Doing.ERROR) and abs(other.at - chosen.at) <= SAME_TURN_MS:
        return ""
    if other.at <= chosen.at:
        return "is older"
    if (chosen.doing, other.doing) == (Doing.ERROR, Doing.IDLE):
        return "does not say why the turn is over"
    if chosen.doing is Doing.IDLE and other.doing is Doing.WORKING and other.at - chosen.at <= SAME_TURN_MS:
        return "belongs to the turn that is over"
    seen_only = other.source is Source.SCREEN and chosen.source <= Source.TRANSCRIPT
    if other.doing is Doing.NEEDS_INPUT and not seen_only:
        return ""
    if now - other.at < CONTRADICTED_MS:
        return f"has not disagreed for {CONTRADICTED_MS // 1000} s"
    if chosen.doing is Doing.WORKING and other.doing is Doing.IDLE and not _is_confirmed(other, chosen, newest):
        return "was seen once, and nobody agrees"
    return ""


def _is_confirmed(idle: Evidence, working: Evidence, newest: Mapping[Source, Evidence]) -> bool:
    """Whether the end of work was told as such, or seen twice, or by two."""
    if idle.stop or idle.samples >= AGREEING:
        return True
    return any(e is not idle and e.doing is Doing.IDLE and e.at > working.at for e in newest.values())


def _verdict(chosen: Evidence, newest: Mapping[Source, Evidence], now: int) -> Verdict:
    others = [newest[source] for source in sorted(newest) if source != chosen.source]
    lost = tuple(_lost(e, chosen, newest, now) for e in others)
    last_sign = _last_sign(newest)
    if chosen.doing is Doing.WORKING and now - last_sign >= STALE_MS:
        rule = f"{chosen.rule}, stale"
        return Verdict(doing=Doing.UNKNOWN, since=last_sign, source=_word(chosen), rule=rule, confidence=0.2, lost=lost)
    told = _in_words(chosen, others)
    return Verdict(
        doing=chosen.doing,
        since=chosen.at,
        source=_word(chosen),
        rule=chosen.rule,
        confidence=CONFIDENCE[chosen.source],
        kind=told.kind,
        text=told.text,
        tool=chosen.tool,
        background=chosen.background,
        lost=lost,
    )


def _in_words(chosen: Evidence, others: Sequence[Evidence]) -> Evidence:
    """Who says what is asked, or what failed: the chosen one, or the strongest that agrees and knows."""
    if chosen.kind or chosen.doing not in ASKING:
        return chosen
    return next((e for e in others if e.doing is chosen.doing and e.kind), chosen)


def _lost(other: Evidence, chosen: Evidence, newest: Mapping[Source, Evidence], now: int) -> Lost:
    why = _refusal(other, chosen, newest, now) if other.source > chosen.source else "was corrected"
    if other.source <= Source.HOOK and chosen.source <= Source.HOOK:
        why = "is older"
    return Lost(source=_word(other), doing=other.doing, rule=other.rule, at=other.at, why=why or "is weaker")


def _word(evidence: Evidence) -> str:
    return _NAMES[evidence.source]
