"""What people are shown, by values: whatever the daemon says, and whatever agents called their things."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_cli import texts, views, watch_views
from maestro_cli.output import plain
from maestro_cli.texts import Page

NOW = 1_760_000_000.0
HOSTILE = "\x1b]0;pwned\x07\x1b[2Jx\r\ny\u202ez\x9b31m\u2028\x00\x08"


NAMES = tuple(
    """
    id status priority title name provider role message type workingDir blockedReason parentId reason kind filePath
    content description prompt initialPrompt failReason sessionId taskId deleted text attempts version items item task
    next data pagination needsInput turn pane exit live tasks sessions counts subtaskProgress blockedBy defaults limits
    code signal pid stuck taskSessionStatuses taskIds labels
    """.split()  # noqa: SIM905 - a list would take a page
)


def page(*, width: int = 80, colour: bool = False) -> Page:
    return Page(width=width, colour=colour, now=NOW)


def task(**fields: object) -> dict[str, object]:
    return {"id": "task_1_aaaaaaaaa", "status": "todo", "priority": "high", "title": "Fix it", **fields}


def test_a_list_is_a_table_whose_columns_are_aligned() -> None:
    rows = [task(), task(id="task_1_bbbbbbbbb", status="in_progress", title="Other")]
    assert views.listing("task", rows, page()) == [
        "ID     STATUS       PRIORITY  TITLE",
        "aaaaa  todo         high      Fix it",
        "bbbbb  in_progress  high      Other",
    ]


def test_an_empty_list_says_nothing() -> None:
    assert views.listing("task", [], page()) == []


def test_a_page_tells_how_to_go_on() -> None:
    data = {"data": [task()], "pagination": {"nextCursor": "task_1_aaaaaaaaa", "hasMore": True}}
    assert views.listing("task", data, page())[-1] == "… more: --cursor task_1_aaaaaaaaa"


def test_ids_are_as_short_as_they_can_be_told_apart() -> None:
    assert texts.short_ids(["task_1_aaaaaaaaa", "task_2_abaaaaaaa"]) == {
        "task_1_aaaaaaaaa": "aaaaaaaa",
        "task_2_abaaaaaaa": "baaaaaaa",
    }
    assert set(texts.short_ids(["task_1_123456789", "task_2_123450789"]).values()) == {"56789", "50789"}


def test_a_narrow_terminal_shortens_the_last_column_alone() -> None:
    lines = views.listing("task", [task(title="A very long title that does not fit")], page(width=44))
    assert lines[1] == "aaaaa  todo    high      A very long title…"
    assert all(len(line) <= 44 for line in lines)


def test_what_is_no_terminal_is_never_shortened() -> None:
    title = "t" * 5000
    assert views.listing("task", [task(title=title)], page(width=10_000))[1].endswith(title)


def test_wide_letters_take_two_cells() -> None:
    assert texts.cells("日本") == 4
    assert texts.cells("e\u0301") == 1
    assert texts.shortened("日本語", 5) == "日本…"


def test_colours_do_not_count_as_cells() -> None:
    plain_lines = views.listing("task", [task(), task(status="in_progress")], page())
    coloured = views.listing("task", [task(), task(status="in_progress")], page(colour=True))
    stripped = [line.replace("\x1b[32m", "").replace("\x1b[2m", "").replace("\x1b[0m", "") for line in coloured]
    assert stripped == plain_lines
    assert "\x1b[32min_progress\x1b[0m" in coloured[2]


def test_nothing_that_an_agent_wrote_reaches_the_terminal_as_a_command() -> None:
    document: dict[str, object] = dict.fromkeys(NAMES, HOSTILE)
    document |= {"labels": [HOSTILE], "acceptanceCriteria": [HOSTILE], "blockedBy": [HOSTILE], "taskIds": [HOSTILE]}
    document |= {"needsInput": {"active": True, "message": HOSTILE}, "counts": {HOSTILE: 2}, "tasks": {HOSTILE: 1}}
    shown = [
        *itertools.chain.from_iterable(views.listing(noun, [document], page()) for noun in views.LISTS),
        *itertools.chain.from_iterable(views.one(noun, document, page()) for noun in views.ONES),
        *views.did("created task", document),
        *views.item({"item": document, "task": document, "next": document}, page()),
        *views.queue({"items": [document], **document}, page()),
        *views.status({"needsInput": [document], "stuck": [document], "tasks": {HOSTILE: 1}}, page()),
        *views.screen(document, colours=False),
        *views.raw(document),
    ]
    for line in shown:
        assert "\n" not in line
        assert plain(line) == line


def test_what_a_terminal_would_obey_is_taken_out_of_a_text() -> None:
    assert plain("a\x1b[2Jb\u202ec\x9bd\x00e\u2028f\ud800g\x7fh") == "a[2Jbcdefgh"
    assert plain("a\r\n\tb") == "a   b"
    assert plain("a\n\tb\r", block=True) == "a\n\tb "
    assert plain("👩\u200d💻 \u0301é") == "👩\u200d💻 \u0301é"


def test_a_screen_keeps_its_colours_and_nothing_else() -> None:
    shown = texts.coloured("\x1b[1;31mred\x1b[0m \x1b[2J\x1b]0;t\x07 \x1b[5;5Hmoved")
    assert shown.count("\x1b") == shown.count("\x1b[1;31m") + shown.count("\x1b[0m")
    assert "red" in shown


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "now"),
        (0.4, "now"),
        (5, "5s ago"),
        (59, "59s ago"),
        (60, "1m ago"),
        (3599, "59m ago"),
        (3600, "1h ago"),
        (86400, "1d ago"),
        (86400 * 59, "59d ago"),
        (86400 * 90, "3mo ago"),
        (86400 * 800, "2y ago"),
        (-90, "in 1m"),
    ],
)
def test_times_are_told_from_now(seconds: float, told: str) -> None:
    assert texts.ago((NOW - seconds) * 1000, NOW) == told


@pytest.mark.parametrize("value", [None, 0, "", "soon", True, [], {}])
def test_what_is_no_time_is_not_told(value: object) -> None:
    assert texts.ago(value, NOW) == ""


def test_an_empty_queue_says_so() -> None:
    assert views.item({"item": None, "task": None, "next": None, "empty": True}, page()) == [
        "nothing to do: the queue is empty"
    ]


def test_who_needs_somebody_is_told_with_what_to_do() -> None:
    needs = [{"sessionId": "sess_1_x", "name": "login", "message": "Which API?", "since": (NOW - 61) * 1000}]
    lines = views.status({"tasks": {"todo": 2, "completed": 0}, "sessions": {}, "needsInput": needs}, page())
    assert lines == [
        "needs you:",
        "  login  1m ago  Which API?",
        "    maestro session attach x",
        "",
        "tasks     2 todo",
        "sessions  1 needs you",
    ]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "50m ago"),
        ({"startedAt": 40}, "40m ago"),
        ({"startedAt": 40, "turn": {"state": "idle", "since": 30}}, "30m ago"),
        ({"turn": {"state": "idle", "since": 30}, "live": {"state": "idle", "since": 2}}, "30m ago"),
        ({"turn": {"state": "idle", "since": 30}, "live": {"state": "working", "since": 2}}, "2m ago"),
        ({"turn": {"state": "working", "since": 30}, "live": {"state": "unknown", "since": 0}}, "30m ago"),
        ({"startedAt": 40, "turn": {"since": 30}, "needsInput": {"active": True, "since": 20}}, "20m ago"),
        ({"turn": {"since": 30}, "needsInput": {"active": False, "since": 20}}, "30m ago"),
        ({"status": "failed", "startedAt": 40, "turn": {"since": 30}, "completedAt": 18}, "18m ago"),
    ],
)
def test_a_session_is_listed_with_the_age_of_its_state(fields: dict[str, object], told: str) -> None:
    def at(value: object) -> object:
        if isinstance(value, dict):
            return {name: at(inner) for name, inner in value.items()}
        return value if isinstance(value, bool | str) else (NOW - 60 * int(str(value))) * 1000 if value else 0

    told_at = {name: at(value) for name, value in fields.items()}
    listed = views.listing("session", [{"id": "sess_1_x", "createdAt": at(50), **told_at}], page())
    assert told in listed[1]


def test_what_is_ready_is_told_as_a_part_of_what_is_to_do() -> None:
    counts = {"todo": 2, "in_progress": 5, "in_review": 1, "archived": 0, "ready": 1}
    assert "tasks     2 todo (1 ready), 5 in progress, 1 in review" in views.status({"tasks": counts}, page())
    assert "tasks     2 todo" in views.status({"tasks": {"todo": 2, "ready": 0}}, page())


@pytest.mark.parametrize(
    ("statuses", "told"),
    [
        ([], "5 working, 2 idle, 1 failed"),
        (["working"], "4 working, 1 needs you, 2 idle, 1 failed"),
        (["working", "idle"], "4 working, 2 need you, 1 idle, 1 failed"),
        ([None], "4 working, 1 needs you, 2 idle, 1 failed"),
        (["idle", "idle", "idle"], "4 working, 3 need you, 1 failed"),
    ],
)
def test_a_session_that_waits_for_a_person_is_counted_as_that_alone(statuses: list[str | None], told: str) -> None:
    needs = [{"sessionId": f"sess_{n}_x", "status": status} for n, status in enumerate(statuses)]
    counts = {"idle": 2, "working": 5, "failed": 1, "stopped": 0}
    assert f"sessions  {told}" in views.status({"sessions": counts, "needsInput": needs}, page())


def test_what_is_stuck_or_broken_is_told_with_its_reason() -> None:
    data = {
        "stuck": [{"kind": "task", "id": "task_1_x", "name": "Login", "reason": "needs a key"}],
        "broken": [{"rule": "no dangling id", "noun": "task", "id": "task_1_y", "message": "its parent is gone"}],
        "quarantined": ["segment 3 was cut"],
    }
    assert views.status(data, page())[5:] == [
        "stuck:",
        "  Login: needs a key",
        "",
        "must not be:",
        "  task_1_y: no dangling id: its parent is gone",
        "",
        "put aside:",
        "  segment 3 was cut",
    ]


def test_what_was_deleted_with_it_is_counted() -> None:
    assert views.gone("task", {"deleted": "task_1", "counts": {"task": 1}}) == ["deleted task_1"]
    assert views.gone("task", {"deleted": "task_1", "counts": {"task": 3, "subtask": 2}}) == [
        "deleted task_1  (with 3 tasks, 2 subtasks)"
    ]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(JUNK)
def test_no_document_at_all_breaks_a_view(data: object) -> None:
    lines = [
        *itertools.chain.from_iterable(views.listing(noun, data, page()) for noun in views.LISTS),
        *itertools.chain.from_iterable(views.one(noun, data, page()) for noun in ("task", "session", "project")),
        *views.did("created task", data),
        *views.gone("task", data),
        *views.item(data, page()),
        *views.queue(data, page()),
        *views.status(data, page()),
        *views.screen(data, colours=True),
    ]
    assert all(isinstance(line, str) for line in lines)


def test_an_explanation_says_who_was_believed_why_and_who_was_not() -> None:
    at = int(NOW * 1000)
    hook = {"source": "hook", "doing": "working", "rule": "gemini hook BeforeAgent", "at": at - 9_000}
    seen = {"source": "screen", "doing": "needs_input", "kind": "question", "rule": "gemini screen: question"}
    verdict = {
        "doing": "needs_input",
        "kind": "question",
        "text": "Red or blue?",
        "since": at - 5_000,
        "source": "title",
        "rule": "gemini title",
        "confidence": 0.7,
        "background": 2,
        "lost": [{**hook, "why": "was corrected"}],
    }
    evidence = [hook, {**seen, "text": "Red or blue?", "at": at - 4_000, "samples": 3}]
    assert watch_views.explained({"verdict": verdict, "evidence": evidence, "process": "alive"}, page()) == [
        "needs input (question)  5s ago",
        "  Red or blue?",
        "  known from  gemini title  (title, 70 %)",
        "  background  2 still running",
        "  process     alive",
        "",
        "not believed:",
        "  9s ago       hook       working  (gemini hook BeforeAgent): was corrected",
        "",
        "evidence, newest first:",
        "  4s ago       screen     needs input (question)  (gemini screen: question, seen 3 times)  Red or blue?",
        "  9s ago       hook       working  (gemini hook BeforeAgent)",
    ]


@pytest.mark.parametrize("verdict", [{}, {"lost": 17, "confidence": "much", "since": "now"}, {"doing": None}, None])
def test_an_explanation_of_little_is_shown_as_far_as_it_goes(verdict: object) -> None:
    lines = watch_views.explained({"verdict": verdict, "evidence": [{}, 7], "process": HOSTILE}, page())
    assert all(text.isprintable() for text in lines)
