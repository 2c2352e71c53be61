"""Evidence and verdicts, by values: the payloads are shaped as the agents send them."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestrod.domain.model import LIVE_SESSION, NeedsInput, Session, SessionStatus
from maestrod.watch import edges
from maestrod.watch.evidence import Doing, Evidence, Signs, Source, declared, from_hook, from_title
from maestrod.watch.turns import (
    CONTRADICTED_MS,
    NEVER,
    SAME_TURN_MS,
    STALE_MS,
    Lost,
    Verdict,
    judge,
    next_change,
    wants_look,
)
from tests.agents import corpus

NOW = 1_800_000_000_000

Payload = dict[str, object]

CLAUDE: Payload = {
    "session_id": "7d3c0b1e-6a52-4f6f-9a53-0c0f7f1d2a11",
    "transcript_path": "/home/user/.claude/projects/-srv-x/7d3c0b1e.jsonl",
    "cwd": "/srv/x",
    "permission_mode": "acceptEdits",
}
CODEX: Payload = {
    "session_id": "0199f0a1-2b3c-7d4e-8f50-617283940506",
    "transcript_path": "/home/user/.codex/sessions/2026/01/01/rollout.jsonl",
}
GEMINI: Payload = {
    "session_id": "aa11bb22",
    "transcript_path": "/home/user/.gemini/tmp/x/chats/s.json",
    "timestamp": "2026-01-01T00:00:00Z",
}

HOOKS: list[tuple[str, str, dict[str, object], Doing | None]] = [
    ("claude", "SessionStart", CLAUDE | {"source": "startup", "model": "opus"}, Doing.IDLE),
    ("claude", "SessionStart", CLAUDE | {"source": "resume"}, Doing.IDLE),
    ("claude", "SessionStart", CLAUDE | {"source": "compact"}, None),
    ("claude", "UserPromptSubmit", CLAUDE | {"prompt": "fix it"}, Doing.WORKING),
    ("claude", "PreToolUse", CLAUDE | {"tool_name": "Bash", "tool_input": {"command": "ls"}}, Doing.WORKING),
    ("claude", "PostToolUse", CLAUDE | {"tool_name": "Bash", "tool_response": {"stdout": ""}}, Doing.WORKING),
    ("claude", "PostToolUseFailure", CLAUDE | {"tool_name": "Bash", "error": "1"}, Doing.WORKING),
    ("claude", "SubagentStart", CLAUDE | {"agent_type": "Explore"}, Doing.WORKING),
    ("claude", "SubagentStop", CLAUDE | {"stop_hook_active": False}, None),
    (
        "claude",
        "PermissionRequest",
        CLAUDE | {"tool_name": "Bash", "tool_input": {"command": "rm x"}},
        Doing.NEEDS_INPUT,
    ),
    ("claude", "Notification", CLAUDE | {"notification_type": "permission_prompt", "message": "m"}, Doing.NEEDS_INPUT),
    ("claude", "Notification", CLAUDE | {"notification_type": "idle_prompt", "message": "m"}, Doing.IDLE),
    ("claude", "Notification", CLAUDE | {"notification_type": "auth_success"}, None),
    ("claude", "Stop", CLAUDE | {"stop_hook_active": False, "last_assistant_message": "done"}, Doing.IDLE),
    ("claude", "StopFailure", CLAUDE | {"error": "rate_limit", "last_assistant_message": "limit"}, Doing.ERROR),
    ("claude", "SessionEnd", CLAUDE | {"reason": "prompt_input_exit"}, None),
    ("claude", "PreCompact", CLAUDE | {"trigger": "auto"}, None),
    ("codex", "SessionStart", CODEX | {"source": "startup"}, Doing.IDLE),
    ("codex", "UserPromptSubmit", CODEX | {"prompt": "x"}, Doing.WORKING),
    ("codex", "PermissionRequest", CODEX | {"tool_input": {"description": "network"}}, Doing.NEEDS_INPUT),
    ("codex", "Interrupt", CODEX, Doing.IDLE),
    ("codex", "Stop", CODEX | {"last_assistant_message": "done"}, Doing.IDLE),
    ("gemini", "SessionStart", GEMINI | {"source": "startup"}, Doing.IDLE),
    ("gemini", "BeforeAgent", GEMINI | {"prompt": "x"}, Doing.WORKING),
    ("gemini", "BeforeTool", GEMINI | {"tool_name": "run_shell_command"}, Doing.WORKING),
    ("gemini", "AfterTool", GEMINI | {"tool_name": "run_shell_command"}, Doing.WORKING),
    ("gemini", "Notification", GEMINI | {"notification_type": "ToolPermission", "message": "m"}, Doing.NEEDS_INPUT),
    ("gemini", "AfterAgent", GEMINI | {"prompt_response": "done"}, Doing.IDLE),
    ("gemini", "SessionEnd", GEMINI | {"reason": "exit"}, None),
    ("somebody", "NeverHeardOf", {}, None),
]


@pytest.mark.parametrize(("provider", "event", "payload", "doing"), HOOKS)
def test_a_hook_says_what_the_turn_is(
    provider: str, event: str, payload: dict[str, object], doing: Doing | None
) -> None:
    signs = from_hook(provider, event, payload, NOW)
    assert (signs.evidence.doing if signs.evidence else None) is doing
    assert signs.conversation_id == payload.get("session_id")
    assert signs.transcript_path == payload.get("transcript_path")


@pytest.mark.parametrize(
    ("provider", "name"), [(provider, name) for provider in corpus.PROVIDERS for name in corpus.labels(provider).hooks]
)
def test_recorded_hooks_are_read_as_a_person_reads_them(provider: str, name: str) -> None:
    said = [from_hook(provider, hook.event, hook.payload, hook.at).evidence for hook in corpus.hooks(provider, name)]
    doings = [doing.value for doing, _ in itertools.groupby(e.doing for e in said if e is not None)]
    assert doings == list(corpus.labels(provider).hooks[name].turns)


@pytest.mark.parametrize(
    ("error", "words", "kind"),
    [
        ("rate_limit", "come back later", "limit"),
        ("authentication_failed", "no", "auth"),
        ("server_error", "API Error: 529", "api"),
        ("unknown", "API Error: 401 Unauthorized", "auth"),
        ("", "", "api"),
    ],
)
def test_a_failure_has_its_kind(error: str, words: str, kind: str) -> None:
    failed = from_hook("claude", "StopFailure", {"error": error, "last_assistant_message": words}, NOW).evidence
    assert failed is not None
    assert failed.kind == kind


@pytest.mark.parametrize(
    ("tool", "kind"), [("Bash", "permission"), ("AskUserQuestion", "question"), ("", "permission")]
)
def test_a_question_is_told_from_a_permission(tool: str, kind: str) -> None:
    asked = from_hook("claude", "PermissionRequest", {"tool_name": tool}, NOW).evidence
    assert asked is not None
    assert asked.kind == kind


@pytest.mark.parametrize(
    ("provider", "name", "label"), [pytest.param(*s, id=f"{s[0]}-{s[1]}") for s in corpus.screens()]
)
def test_no_recorded_title_says_more_than_its_screen(provider: str, name: str, label: corpus.ScreenLabel) -> None:
    """Titles of agents that ask before they begin, that failed or are gone say that they rest."""
    seen = from_title(provider, label.title, NOW) if label.title != "vm" else None
    assert seen is None or seen.doing == label.doing or seen.doing is Doing.IDLE, name


QUESTIONS: list[tuple[dict[str, object], str]] = [
    (
        {"tool_name": "Bash", "tool_input": {"command": "rm -rf build", "description": "Clean"}},
        "Bash: rm -rf build (Clean)",
    ),
    ({"tool_name": "Bash", "tool_input": {"command": "a\n  b\tc"}}, "Bash: a b c"),
    ({"tool_name": "Edit", "tool_input": {"file_path": "/srv/x/a.py", "old_string": "x"}}, "Edit: /srv/x/a.py"),
    ({"tool_name": "WebFetch", "tool_input": {"url": "https://example.org"}}, "WebFetch: https://example.org"),
    ({"tool_name": "AskUserQuestion", "tool_input": {"questions": [{"question": "Red or blue?"}]}}, "Red or blue?"),
    ({"tool_name": "mcp__x__y", "tool_input": {}}, "mcp__x__y"),
    ({"tool_input": {"description": "needs the network"}}, "needs the network"),
    ({"details": {"type": "exec", "command": "git push", "title": "Confirm"}, "message": "m"}, "git push"),
    ({"details": {"type": "edit", "title": "Apply this change?"}}, "Apply this change?"),
    ({"message": "Claude needs your permission to use Bash"}, "Claude needs your permission to use Bash"),
    ({}, ""),
]


@pytest.mark.parametrize(("payload", "text"), QUESTIONS)
def test_a_dialog_is_told_in_one_line(payload: dict[str, object], text: str) -> None:
    evidence = from_hook("claude", "PermissionRequest", payload, NOW).evidence
    assert evidence is not None
    assert evidence.text == text


@pytest.mark.parametrize(
    "payload",
    [
        {"tool_input": 17, "details": [1], "tool_name": {"x": 1}, "message": None},
        {"tool_input": {"questions": []}, "session_id": 17, "transcript_path": {}},
        {"tool_input": {"questions": [17]}, "background_tasks": "many", "notification_type": ["x"]},
        {"session_id": "x" * 5000, "transcript_path": "/" + "x" * 5000, "tool_name": "y" * 5000},
        {"session_id": "a\nb", "transcript_path": "\x1b[31m", "message": "\ud800"},
        {"session_id": "", "transcript_path": ""},
    ],
)
@pytest.mark.parametrize(
    "event", ["PermissionRequest", "Notification", "Stop", "PreToolUse", "StopFailure", "\x00", ""]
)
def test_a_strange_payload_is_read_as_far_as_it_goes(event: str, payload: dict[str, object]) -> None:
    signs = from_hook("claude", event, payload, NOW)
    assert signs.conversation_id is None
    assert signs.transcript_path is None
    if signs.evidence is not None:
        assert len(signs.evidence.text) <= 2000
        assert len(signs.evidence.tool) <= 2000


def test_a_path_keeps_its_spaces() -> None:
    signs = from_hook("claude", "Stop", {"transcript_path": "/srv/a  b/c.jsonl"}, NOW)
    assert signs.transcript_path == "/srv/a  b/c.jsonl"


def test_background_tasks_are_counted() -> None:
    stop = from_hook("claude", "Stop", {"background_tasks": [{"id": 1}, {"id": 2}]}, NOW).evidence
    assert stop is not None
    assert stop.background == 2


TITLES: list[tuple[str, str, Doing | None]] = [
    ("gemini", "✦  Working… (x)", Doing.WORKING),
    ("gemini", "✋  Action Required (x)", Doing.NEEDS_INPUT),
    ("gemini", "◇  Ready (x)", Doing.IDLE),
    ("codex", "⠋ x", Doing.WORKING),
    ("codex", "[ ! ] Action Required | x", Doing.NEEDS_INPUT),
    ("codex", "Fix the login | x", Doing.IDLE),
    ("codex", "x", Doing.IDLE),
    ("codex", "  ", None),
    ("codex", "", None),
    ("gemini", "", None),
    ("claude", "✳ Fix the login", None),
    ("custom", "✦ Working", None),
]


@pytest.mark.parametrize(("provider", "title", "doing"), TITLES)
def test_a_title_says_what_its_provider_means_by_it(provider: str, title: str, doing: Doing | None) -> None:
    seen = from_title(provider, title, NOW)
    assert (seen.doing if seen else None) is doing


# -- verdicts -------------------------------------------------------------------------------------


def hook(doing: Doing, at: int = NOW) -> Evidence:
    return Evidence(source=Source.HOOK, doing=doing, rule=f"hook {doing}", at=at)


def title(doing: Doing, at: int = NOW, *, samples: int = 2) -> Evidence:
    return Evidence(source=Source.TITLE, doing=doing, rule=f"title {doing}", at=at, samples=samples)


def log(doing: Doing, at: int = NOW, *, stop: bool = False) -> Evidence:
    return Evidence(source=Source.TRANSCRIPT, doing=doing, rule=f"log {doing}", at=at, stop=stop)


def screen(doing: Doing, at: int = NOW) -> Evidence:
    return Evidence(source=Source.SCREEN, doing=doing, rule=f"screen {doing}", at=at, samples=2)


def test_no_evidence_is_no_verdict() -> None:
    assert judge([], NOW) == Verdict()
    assert Verdict().doing is Doing.UNKNOWN


def test_the_newest_word_of_hooks_and_declarations_counts() -> None:
    assert judge([hook(Doing.WORKING, 1), hook(Doing.IDLE, 2)], 3).doing is Doing.IDLE
    assert judge([hook(Doing.IDLE, 1), declared("Report", 2)], 3).source == "declared"
    assert judge([declared("Report", 1), hook(Doing.IDLE, 2)], 3).source == "hook"


def test_a_weaker_source_corrects_after_it_has_disagreed_long_enough() -> None:
    evidence = [hook(Doing.WORKING, 1_000), title(Doing.IDLE, 2_000)]
    assert judge(evidence, 2_000 + CONTRADICTED_MS - 1).doing is Doing.WORKING
    corrected = judge(evidence, 2_000 + CONTRADICTED_MS)
    assert (corrected.doing, corrected.source, corrected.since) == (Doing.IDLE, "title", 2_000)
    assert corrected.lost == (
        Lost(source="hook", doing=Doing.WORKING, rule="hook working", at=1_000, why="was corrected"),
    )


def test_work_is_over_when_that_is_told_or_seen_twice_or_by_two() -> None:
    hooked, later = hook(Doing.WORKING, 1_000), 2_000 + CONTRADICTED_MS
    once = title(Doing.IDLE, 2_000, samples=1)
    assert judge([hooked, once], 10 * later).doing is Doing.WORKING
    assert judge([hooked, once], later).lost[0].why == "was seen once, and nobody agrees"
    assert judge([hooked, title(Doing.IDLE, 2_000)], later).doing is Doing.IDLE
    assert judge([hooked, log(Doing.IDLE, 2_000)], later).doing is Doing.WORKING
    assert judge([hooked, log(Doing.IDLE, 2_000, stop=True)], later).doing is Doing.IDLE
    assert judge([hooked, log(Doing.IDLE, 2_000), once], later).doing is Doing.IDLE
    assert judge([hooked, once, title(Doing.IDLE, 500)], later).doing is Doing.WORKING


def test_work_that_was_seen_once_is_work() -> None:
    """Only the end of work has to be seen twice."""
    seen = title(Doing.WORKING, 10_000, samples=1)
    assert judge([hook(Doing.IDLE, 1_000), seen], 10_000 + CONTRADICTED_MS).doing is Doing.WORKING
    assert judge([hook(Doing.NEEDS_INPUT, 1_000), seen], 10_000 + CONTRADICTED_MS).doing is Doing.WORKING


def test_what_a_log_still_says_of_a_turn_that_is_over_begins_none() -> None:
    late = log(Doing.WORKING, 1_000 + SAME_TURN_MS)
    assert judge([hook(Doing.IDLE, 1_000), late], 10**6).doing is Doing.IDLE


@pytest.mark.parametrize("at", [1_000 - SAME_TURN_MS, 1_000, 1_000 + SAME_TURN_MS])
def test_why_a_turn_is_over_counts_more_than_that_it_is(at: int) -> None:
    """Gemini's hook says that a turn is over, its log why."""
    error = msgspec.structs.replace(log(Doing.ERROR, at), kind="limit", text="come back later")
    verdict = judge([hook(Doing.IDLE, 1_000), error], max(at, 1_000))
    assert (verdict.doing, verdict.kind, verdict.text) == (Doing.ERROR, "limit", "come back later")


def test_an_error_of_an_earlier_turn_says_nothing_of_this_one() -> None:
    assert judge([hook(Doing.IDLE, 10_000), log(Doing.ERROR, 9_999 - SAME_TURN_MS)], 10**6).doing is Doing.IDLE


def test_rest_does_not_take_an_error_back() -> None:
    failed = [hook(Doing.ERROR, 1_000), log(Doing.IDLE, 2_000, stop=True), title(Doing.IDLE, 2_000)]
    assert judge(failed, 10**6).doing is Doing.ERROR
    assert judge([*failed, hook(Doing.WORKING, 3_000)], 3_000).doing is Doing.WORKING


def test_a_screen_is_believed_at_once_only_when_nobody_else_tells() -> None:
    asks = screen(Doing.NEEDS_INPUT, 2_000)
    assert judge([hook(Doing.WORKING, 1_000), asks], 2_001).doing is Doing.WORKING
    assert judge([hook(Doing.WORKING, 1_000), asks], 2_000 + CONTRADICTED_MS).doing is Doing.NEEDS_INPUT
    assert judge([title(Doing.IDLE, 1_000), asks], 2_001).doing is Doing.NEEDS_INPUT
    assert judge([asks], 2_000).doing is Doing.NEEDS_INPUT


def test_a_question_is_believed_at_once_from_anybody() -> None:
    assert judge([hook(Doing.WORKING, 1), title(Doing.NEEDS_INPUT, 2)], 2).doing is Doing.NEEDS_INPUT


def test_what_is_older_corrects_nothing() -> None:
    assert judge([title(Doing.NEEDS_INPUT, 1), hook(Doing.WORKING, 2)], 10**9).doing is not Doing.NEEDS_INPUT


def test_work_without_any_sign_of_life_becomes_unknown_and_rest_does_not() -> None:
    stale = judge([hook(Doing.WORKING, 1_000)], 1_000 + STALE_MS)
    assert (stale.doing, stale.since) == (Doing.UNKNOWN, 1_000)
    assert stale.rule.endswith("stale")
    assert stale.confidence < 0.5
    assert judge([hook(Doing.WORKING, 1_000)], 999 + STALE_MS).doing is Doing.WORKING
    kept_alive = [hook(Doing.WORKING, 1_000), title(Doing.WORKING, STALE_MS)]
    assert judge(kept_alive, 1_000 + STALE_MS).doing is Doing.WORKING
    seen_since = msgspec.structs.replace(screen(Doing.WORKING, 2_000), seen=STALE_MS)
    assert judge([hook(Doing.WORKING, 1_000), seen_since], 1_000 + STALE_MS).doing is Doing.WORKING
    for doing in (Doing.IDLE, Doing.NEEDS_INPUT, Doing.ERROR):
        assert judge([hook(doing, 1_000)], 1_000 + 100 * STALE_MS).doing is doing


def test_agents_without_hooks_are_judged_by_what_is_seen() -> None:
    seen = screen(Doing.WORKING, 2)
    assert judge([seen], 3).source == "screen"
    assert judge([seen, title(Doing.IDLE, 1)], 3).source == "title"


def test_who_knows_what_is_asked_gives_the_words() -> None:
    asked = msgspec.structs.replace(screen(Doing.NEEDS_INPUT, 3), kind="question", text="Red or blue?")
    verdict = judge([title(Doing.NEEDS_INPUT, 2), asked], 4)
    assert (verdict.source, verdict.since, verdict.kind, verdict.text) == ("title", 2, "question", "Red or blue?")
    hooked = msgspec.structs.replace(hook(Doing.NEEDS_INPUT, 1), kind="permission", text="Bash: ls")
    assert judge([hooked, asked], 4).text == "Bash: ls"
    assert judge([title(Doing.WORKING, 2), asked], 3).text == "Red or blue?"


# -- when a screen is looked at ----------------------------------------------------------------------------


def test_of_an_agent_at_rest_that_a_hook_told_of_no_screen_is_looked_at() -> None:
    for doing in (Doing.IDLE, Doing.ERROR):
        assert not wants_look([hook(doing, 1_000)], 0, 10**9)
        assert not wants_look([hook(doing, 1_000), title(Doing.IDLE, 500)], 0, 10**9)


def test_a_screen_is_looked_at_while_nobody_else_tells() -> None:
    assert wants_look([], 1_000, 1_001)
    assert wants_look([screen(Doing.IDLE, 1_000)], 1_000, 1_001)


def test_of_whom_a_title_alone_tells_the_screen_is_looked_at_once() -> None:
    assert wants_look([title(Doing.IDLE, 1_000)], 1_000, 1_001)
    assert not wants_look([title(Doing.IDLE, 1_000), screen(Doing.IDLE, 2_000)], 2_000, 2_001)


def test_a_screen_is_looked_at_until_somebody_says_what_is_asked() -> None:
    asks = title(Doing.NEEDS_INPUT, 1_000)
    assert wants_look([asks], 2_000, 2_001)
    asked = msgspec.structs.replace(screen(Doing.NEEDS_INPUT, 2_000), kind="question")
    assert not wants_look([asks, asked], 2_000, 2_001)


def test_a_screen_is_looked_at_when_somebody_has_begun_to_disagree() -> None:
    assert wants_look([hook(Doing.WORKING, 1_000), title(Doing.IDLE, 2_000)], 2_000, 2_001)
    assert not wants_look([hook(Doing.WORKING, 3_000), title(Doing.IDLE, 2_000)], 3_000, 3_001)


def test_the_longer_an_agent_at_work_is_quiet_the_less_often_it_is_looked_at() -> None:
    evidence, looked, looks = [hook(Doing.WORKING, 0)], 0, []
    for now in range(0, 600_000, 1_000):
        if wants_look(evidence, looked, now):
            looked = now
            looks.append(now // 1_000)
    assert looks == [5, 10, 20, 40, 80, 160, 320]


pieces = st.builds(
    Evidence,
    source=st.sampled_from(Source),
    doing=st.sampled_from(Doing),
    rule=st.sampled_from(["a", "b", "c"]),
    at=st.integers(0, 3 * STALE_MS),
    text=st.sampled_from(["", "why?"]),
    kind=st.sampled_from(["", "permission", "trust", "limit"]),
    stop=st.booleans(),
    samples=st.integers(1, 3),
    seen=st.integers(0, 3 * STALE_MS),
    background=st.integers(0, 2),
)
"""Evidence of any kind."""
sequences = st.lists(pieces, max_size=8, unique_by=lambda e: e.at)
moments = st.integers(0, 5 * STALE_MS)


@given(sequences, moments, moments)
def test_a_verdict_stands_until_its_next_change(evidence: list[Evidence], now: int, later: int) -> None:
    verdict = judge(evidence, now)
    until = next_change(evidence, verdict, now)
    assert until > now
    for then in (min(now + later, until - 1), until - 1):
        assert judge(evidence, then) == verdict


def test_corrections_and_staleness_have_their_time_and_rest_has_none() -> None:
    working = [hook(Doing.WORKING, 1_000)]
    assert next_change(working, judge(working, 1_000), 1_000) == 1_000 + STALE_MS
    contradicted = [*working, title(Doing.IDLE, 2_000)]
    assert next_change(contradicted, judge(contradicted, 2_000), 2_000) == 2_000 + CONTRADICTED_MS
    resting = [hook(Doing.IDLE, 1_000)]
    assert next_change(resting, judge(resting, 1_000), 1_000) == NEVER
    assert next_change([], Verdict(), 1_000) == NEVER


@given(sequences, moments, st.randoms(use_true_random=False))
def test_the_order_in_which_evidence_comes_does_not_matter(evidence: list[Evidence], now: int, dice: object) -> None:
    shuffled = list(evidence)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert judge(shuffled, now) == judge(evidence, now)


@given(sequences, moments)
def test_what_a_source_said_before_its_newest_word_does_not_matter(evidence: list[Evidence], now: int) -> None:
    newest = {source: max(group, key=lambda e: e.at) for source, group in _by_source(evidence).items()}
    assert judge(list(newest.values()), now) == judge(evidence, now)


def _by_source(evidence: list[Evidence]) -> dict[Source, list[Evidence]]:
    by_source = sorted(evidence, key=lambda e: e.source)
    return {source: list(group) for source, group in itertools.groupby(by_source, key=lambda e: e.source)}


@given(sequences, moments)
def test_a_verdict_is_what_somebody_said_or_unknown(evidence: list[Evidence], now: int) -> None:
    verdict = judge(evidence, now)
    said = {(e.doing, e.at, e.source.name.lower()) for e in evidence}
    assert verdict.doing is Doing.UNKNOWN or (verdict.doing, verdict.since, verdict.source) in said
    assert 0 <= verdict.confidence <= 1
    assert len(verdict.lost) == max(0, len({e.source for e in evidence}) - 1)


@given(sequences, moments, st.sampled_from(sorted(LIVE_SESSION)), st.booleans())
def test_no_evidence_ever_ends_a_session(
    evidence: list[Evidence], now: int, status: SessionStatus, asked: bool
) -> None:
    """Only a declaration or an exit does: whatever is judged, what follows leaves the session live."""
    session = Session(
        id="sess_1",
        project_id="proj_1",
        name="s",
        status=status,
        needs_input=NeedsInput(active=asked, message="?", since=1),
    )
    command = edges.recorded(session, judge(evidence, now), Signs(), now)
    assert command.status is None or command.status in LIVE_SESSION
    assert command.adopt is False
    after = command.status or status
    assert after is not SessionStatus.COMPLETED


def test_the_words_for_what_an_agent_does_have_none_for_done() -> None:
    assert {doing.value for doing in Doing} == {"unknown", "working", "needs_input", "idle", "error"}
    assert set(edges.STATUS.values()) <= LIVE_SESSION
