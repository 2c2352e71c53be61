"""State → rows, by values."""

from datetime import UTC

import pytest
from msgspec import structs

from maestro_tui import faces
from maestro_tui.lines import Line, cells_of, text_of
from maestro_tui.mirror import UNKNOWN, Live, Mirror
from maestro_tui.moment import Moment, age, clock_words, span_of_time
from maestro_tui.outline import Place
from maestro_tui.spotlight import Spotlight
from maestro_tui.view.details import project_details, task_details
from maestro_tui.view.queue import queue_rows, queue_title
from maestro_tui.view.sessions import (
    DAY_MS,
    ENDED,
    Counts,
    SessionRows,
    counts,
    inbox,
    pane_words,
    session_line,
    session_order,
    session_title,
    what_stopping_loses,
)
from maestro_tui.view.tasks import (
    FoundTasks,
    TaskTree,
    find_tasks,
    project_line,
    spawnable,
    task_line,
    what_deleting_loses,
)
from maestro_tui.view.timeline import ENTRIES, WHOLE, timeline_rows
from maestro_tui.view.words import narrows
from maestrod.domain.changes import Delete, Put
from maestrod.domain.model import (
    Assignment,
    AssignmentStatus,
    Entity,
    EntryType,
    Exit,
    ItemStatus,
    NeedsInput,
    Noun,
    Pane,
    Priority,
    Project,
    Queue,
    QueueItem,
    Session,
    SessionStatus,
    Subtask,
    Task,
    TaskStatus,
    TimelineEntry,
    Turn,
)

NOW = 1_760_000_000_000
MINUTE = 60_000
MOMENT = Moment(NOW, UTC)
SHOP = Project(id="proj_1", name="shop-api", working_dir="/src/shop", description="Orders and tills.")
NOUNS = {
    Project: Noun.PROJECT,
    Task: Noun.TASK,
    Subtask: Noun.SUBTASK,
    Session: Noun.SESSION,
    Assignment: Noun.ASSIGNMENT,
    Queue: Noun.QUEUE,
    QueueItem: Noun.ITEM,
    TimelineEntry: Noun.TIMELINE,
}
HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold]日本\u202eevil\x1b[31m"


def mirror(*entities: Entity) -> Mirror:
    made = Mirror()
    made.apply([Put(NOUNS[type(entity)], entity) for entity in (SHOP, *entities)])
    return made


def task(id_: str = "task_1", title: str = "Fix the login", **more: object) -> Task:
    return structs.replace(Task(id=id_, title=title, project_id="proj_1", created_at=NOW), **more)


def session(id_: str = "sess_1", name: str = "fix-login", **more: object) -> Session:
    made = Session(
        id=id_, name=name, project_id="proj_1", provider="claude", status=SessionStatus.WORKING, created_at=NOW
    )
    return structs.replace(made, **more)


def asking(message: str, ago: int = 0) -> NeedsInput:
    return NeedsInput(active=True, message=message, since=NOW - ago)


def line_of(entity: Task, cells: int = 60, *others: Entity) -> str:
    return text_of(task_line(mirror(entity, *others).state, entity, Place(entity.id, 1, 0, is_open=False), cells))


# -- tasks


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (TaskStatus.TODO, "○ Fix the login  ready"),
        (TaskStatus.IN_PROGRESS, "◉ Fix the login  in progress"),
        (TaskStatus.IN_REVIEW, "◎ Fix the login  in review"),
        (TaskStatus.BLOCKED, "⊘ Fix the login  blocked"),
        (TaskStatus.COMPLETED, "✓ Fix the login  completed"),
        (TaskStatus.CANCELLED, "✗ Fix the login  cancelled"),
        (TaskStatus.ARCHIVED, "▫ Fix the login  archived"),
    ],
)
def test_every_status_of_a_task_has_a_glyph_and_a_word(status: TaskStatus, words: str) -> None:
    assert " ".join(line_of(task(status=status)).split()) == " ".join(words.split())


def test_a_task_that_waits_for_another_says_so() -> None:
    assert "waits" in line_of(task(dependencies=("task_2",)), 60, task("task_2"))


def failed(number: int = 1, **more: object) -> Assignment:
    made = Assignment(id=f"asg_{number}", task_id="task_1", session_id="sess_1", status=AssignmentStatus.FAILED)
    return structs.replace(made, **more)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (60, "○ Fix the login ✕ failed twice"),
        (34, "○ Fix the login ✕ failed twice"),
        (26, "○ Fix the login ✕2"),
        (17, "○ Fix the l… ✕2"),
        (16, "○ Fix the log…"),
    ],
)
def test_a_task_that_was_tried_in_vain_does_not_look_like_a_new_one(cells: int, words: str) -> None:
    assert " ".join(line_of(task(), cells, failed(1), failed(2)).split()) == words


def test_who_waits_after_a_failed_attempt_says_both() -> None:
    waiting = task(dependencies=("task_2",))
    assert line_of(waiting, 60, task("task_2"), failed()).endswith("✕ failed once · waits")
    assert line_of(waiting, 28, task("task_2"), failed()).endswith("✕1 waits")


@pytest.mark.parametrize("status", [TaskStatus.IN_PROGRESS, TaskStatus.COMPLETED, TaskStatus.BLOCKED])
def test_a_failed_attempt_is_of_no_account_where_the_task_is_not_to_do(status: TaskStatus) -> None:
    assert "✕" not in line_of(task(status=status), 60, failed())


def test_a_failed_attempt_is_of_no_account_while_another_is_made() -> None:
    assert "✕" not in line_of(task(), 60, failed(1), failed(2, status=AssignmentStatus.QUEUED))


def test_urgency_is_marked_while_the_task_is_open() -> None:
    assert "! Fix" in line_of(task(priority=Priority.HIGH))
    assert "!! Fix" in line_of(task(priority=Priority.CRITICAL))
    assert "!" not in line_of(task(priority=Priority.HIGH, status=TaskStatus.COMPLETED))


def test_the_word_gives_way_to_a_long_title() -> None:
    entity = task(title="A title that is long enough to need the room", status=TaskStatus.BLOCKED)
    assert line_of(entity, 26).endswith("…")
    assert line_of(entity, 40).endswith("… blocked")
    assert line_of(entity, 80).endswith("blocked")


@pytest.mark.parametrize("cells", [1, 2, 5, 10, 20, 33, 80, 200])
@pytest.mark.parametrize("title", [HOSTILE, "日本語のタスク" * 9, "x" * 300, ""])
def test_a_row_never_leaves_its_width_nor_carries_sequences(title: str, cells: int) -> None:
    entity = task(title=title, priority=Priority.CRITICAL)
    state = mirror(entity).state
    for depth in (1, 3, 500):
        line = task_line(state, entity, Place(entity.id, depth, 2, is_open=True), cells)
        assert cells_of(line) <= cells
        assert "\x1b" not in text_of(line)
        assert "\u202e" not in text_of(line)
    for row in SessionRows(mirror(session(name=title)), ["sess_1"], MOMENT).lines(0, cells):
        assert cells_of(row) <= max(cells, 12)


def test_a_project_counts_what_is_done() -> None:
    here = mirror(
        task("task_1", status=TaskStatus.COMPLETED), task("task_2"), task("task_3", status=TaskStatus.CANCELLED)
    )
    line = project_line(here.state, SHOP, Place("proj_1", 0, 3, is_open=True), 30)
    assert text_of(line).split() == ["▾", "shop-api", "1/2"]


def test_the_tree_builds_rows_of_projects_and_tasks() -> None:
    here = mirror(task("task_1"), task("task_2", "A child", parent_id="task_1"))
    here.outline.unfold("task_1")
    tree = TaskTree(here.state, here.outline)
    assert [tree.key(at) for at in range(len(tree))] == ["proj_1", "task_1", "task_2"]
    texts = [text_of(tree.lines(at, 40)[0]).rstrip() for at in range(3)]
    assert texts[1].startswith("▾ ○ Fix the login")
    assert texts[2].startswith("    ○ A child")
    assert tree.find("task_2") == 2


def test_search_finds_all_words_in_any_order_and_open_tasks_first() -> None:
    here = mirror(
        task("task_1", "Fix the login", status=TaskStatus.COMPLETED),
        task("task_2", "The Login page needs a FIX"),
        task("task_3", "Something else"),
    )
    assert find_tasks(here.state, "fix LOGIN") == ["task_2", "task_1"]
    assert find_tasks(here.state, "task_3") == ["task_3"]
    assert find_tasks(here.state, "nothing like it") == []
    assert len(find_tasks(here.state, "t", most=2)) == 2
    assert find_tasks(here.state, "fix", among=["task_2", "task_9"]) == ["task_2"]


def test_the_time_in_an_id_is_not_searched_and_its_end_is() -> None:
    here = mirror(
        task("task_1760000188000_k3v9zq1ab", "Number 7"),
        task("task_1760000000000_188aaaaaa", "Number 8"),
        task("task_1760000000001_bbbbbbbbb", "Number 188"),
        task("task_1760000000002_ccccccccc", "About k3v9"),
    )
    assert find_tasks(here.state, "number 188") == ["task_1760000000001_bbbbbbbbb"]
    assert find_tasks(here.state, "k3v9") == ["task_1760000000002_ccccccccc", "task_1760000188000_k3v9zq1ab"]
    assert find_tasks(here.state, "number K3V9zq") == ["task_1760000188000_k3v9zq1ab"]
    assert find_tasks(here.state, "zq1ab") == ["task_1760000188000_k3v9zq1ab"], "as the command line shows it"
    assert find_tasks(here.state, "task_1760000188000_k3v9zq1ab") == ["task_1760000188000_k3v9zq1ab"]
    assert len(find_tasks(here.state, "task_1760")) == 4
    for words in ("number 188", "task_17", "k3v9zq", "zq1ab"):
        for end in range(2, len(words) + 1):
            if narrows(words[:end], words[: end - 1]):
                longer, shorter = (set(find_tasks(here.state, words[:each])) for each in (end, end - 1))
                assert longer <= shorter, words[:end]


def test_found_tasks_that_are_gone_since_say_so() -> None:
    found = FoundTasks(mirror().state, ["task_1"])
    assert text_of(found.lines(0, 20)[0]) == "deleted"


def test_the_details_of_a_task_tell_all_there_is() -> None:
    here = mirror(
        task(
            description="First.\n\nSecond.",
            acceptance_criteria=("it works",),
            checks=("make test",),
            labels=("bug",),
            blocked_reason="no account",
            dependencies=("task_2",),
        ),
        task("task_2", "The other"),
        Subtask(id="sub_1", task_id="task_1", title="look", completed=True),
        Subtask(id="sub_2", task_id="task_1", title="leap", order=1),
        session(),
        Assignment(id="asg_1", task_id="task_1", session_id="sess_1", result="half of it"),
    )
    text = "\n".join(text_of(line) for line in task_details(here, here.state.task("task_1"), MOMENT, 60))
    wanted = ("#bug", "no account", "waits for", "The other", "First.", "Second.", "it works", "make test")
    assert all(words in text for words in (*wanted, "Checklist 1/2", "✓ look", "· leap", "fix-login", "half of it"))


def test_the_details_of_a_task_say_when_it_was_begun_and_done() -> None:
    done = task(status=TaskStatus.COMPLETED, started_at=NOW - 9 * MINUTE, completed_at=NOW - MINUTE)
    told = [text_of(line) for line in task_details(mirror(done), done, MOMENT, 90)]
    assert told[-1].endswith("started 9m ago · completed 1m ago")
    assert "started" not in text_of(task_details(mirror(task()), task(), MOMENT, 90)[-1])


@pytest.mark.parametrize("cells", [20, 50, 120])
def test_details_stay_within_their_width(cells: int) -> None:
    here = mirror(task(title=HOSTILE, description=HOSTILE * 300, acceptance_criteria=(HOSTILE,) * 3))
    lines: list[Line] = task_details(here, here.state.task("task_1"), MOMENT, cells)
    lines += project_details(here.state, SHOP, cells)
    assert all(cells_of(line) <= cells for line in lines)
    assert "\x1b" not in "".join(text_of(line) for line in lines)


def test_the_details_of_a_project_count_by_status() -> None:
    here = mirror(task("task_1"), task("task_2", status=TaskStatus.BLOCKED))
    text = "\n".join(text_of(line) for line in project_details(here.state, SHOP, 60))
    assert all(words in text for words in ("/src/shop", "0 of 2 tasks done", "1 blocked", "1 todo", "Orders"))


def test_a_new_agent_can_take_the_task_in_hand_and_the_ready_ones() -> None:
    here = mirror(task("task_1", dependencies=("task_2",)), task("task_2"), task("task_3", status=TaskStatus.COMPLETED))
    assert [t.id for t in spawnable(here, "proj_1", here.state.task("task_1"))] == ["task_1", "task_2"]
    assert [t.id for t in spawnable(here, "proj_1", None)] == ["task_2"]
    assert len(spawnable(mirror(*(task(f"task_{n}") for n in range(200))), "proj_1", None)) == 50


# -- sessions


@pytest.mark.parametrize(
    ("entity", "live", "words"),
    [
        (session(status=SessionStatus.SPAWNING), UNKNOWN, "◌ spawning"),
        (session(status=SessionStatus.IDLE), UNKNOWN, "○ idle"),
        (session(status=SessionStatus.WORKING), UNKNOWN, "● working"),
        (session(status=SessionStatus.COMPLETED), UNKNOWN, "✓ completed"),
        (session(status=SessionStatus.FAILED), UNKNOWN, "✕ failed"),
        (session(status=SessionStatus.STOPPED), UNKNOWN, "■ stopped"),
        (session(needs_input=asking("?")), UNKNOWN, "◐ needs you"),
        (session(), Live(process="unreachable"), "? no signal"),
        (session(status=SessionStatus.FAILED), Live(process="unreachable"), "✕ failed"),
        (session(status=SessionStatus.STOPPED, needs_input=asking("?")), UNKNOWN, "■ stopped"),
    ],
)
def test_every_state_of_a_session_has_a_glyph_and_a_word(entity: Session, live: Live, words: str) -> None:
    glyph, _, word = words.partition(" ")
    for cells in (26, 40, 80):
        here = mirror(entity)
        here.seen["sess_1"] = NOW
        here.live["sess_1"] = live
        line = text_of(session_line(here, entity, NOW, cells))
        assert line.startswith(f"{glyph} fix-login")
        assert f" {word}" in line


def test_no_two_states_share_a_glyph_or_a_word() -> None:
    tasks = [faces.READY, faces.WAITS, *faces.TASKS.values()]
    sessions = [faces.NEEDS_YOU, faces.UNSEEN, faces.UNREACHABLE, *faces.SESSIONS.values()]
    for group in (tasks, sessions, list(faces.ITEMS.values()), list(faces.ENTRIES.values())):
        assert len({face.glyph for face in group}) == len(group)
        assert len({face.word for face in group}) == len(group)
    assert set(faces.TASKS) | {TaskStatus.TODO} == set(TaskStatus)
    assert set(faces.SESSIONS) == set(SessionStatus)
    assert set(faces.ITEMS) == set(ItemStatus)
    assert set(faces.ENTRIES) == set(EntryType)


def test_a_session_row_drops_provider_then_age_before_its_name_gets_short() -> None:
    entity = session(turn=Turn(since=NOW - 2 * MINUTE))
    shown = {cells: text_of(session_line(mirror(entity), entity, NOW, cells)).split() for cells in (46, 36, 24)}
    assert shown[46] == ["●", "fix-login", "working", "2m", "claude"]
    assert shown[36] == ["●", "fix-login", "working", "2m"]
    assert shown[24] == ["●", "fix-login", "working"]


def test_a_state_is_as_old_as_its_beginning_and_not_as_its_last_sign() -> None:
    idle = session(status=SessionStatus.IDLE, turn=Turn(state="idle", since=NOW - 5 * MINUTE))
    again = Live(process="alive", state="idle", since=NOW - MINUTE)
    assert faces.since_of_session(idle, again) == NOW - 5 * MINUTE
    assert faces.since_of_session(idle, structs.replace(again, state="working")) == NOW - MINUTE
    assert faces.since_of_session(idle, structs.replace(again, process="unreachable")) == NOW - MINUTE


def test_the_longest_waiting_comes_first() -> None:
    here = mirror(
        session("sess_1", "newer", needs_input=asking("Run it?", MINUTE)),
        session(
            "sess_2", "older", needs_input=asking("Which version of the rules is the right one, 2 or 3?", 3 * MINUTE)
        ),
        session("sess_3", "silent"),
        session("sess_4", "quiet"),
    )
    here.know({"sess_3": {"process": "unreachable", "since": NOW}})
    assert inbox(here) == ["sess_2", "sess_1", "sess_3"]


def test_sessions_that_need_you_stand_first_and_ended_ones_last() -> None:
    here = mirror(
        session("sess_1", status=SessionStatus.STOPPED),
        session("sess_2"),
        session("sess_3", needs_input=asking("?")),
        session("sess_4", status=SessionStatus.FAILED),
    )
    assert session_order(here) == ["sess_3", "sess_2", "sess_4", "sess_1"]


def test_ended_sessions_stand_by_when_they_ended() -> None:
    ended = SessionStatus.COMPLETED
    here = mirror(
        session("sess_1", status=ended, completed_at=NOW - MINUTE),
        session("sess_2", status=ended, completed_at=NOW - 3 * MINUTE),
        session("sess_3", status=ended, completed_at=NOW - 2 * MINUTE),
    )
    assert session_order(here) == ["sess_1", "sess_3", "sess_2"]
    resumed = session("sess_3", version=2)
    here.apply([Put(Noun.SESSION, resumed)])
    assert session_order(here) == ["sess_3", "sess_1", "sess_2"]
    here.apply([Put(Noun.SESSION, structs.replace(resumed, version=3, status=ended, completed_at=NOW))])
    here.apply([Delete(Noun.SESSION, "sess_1")])
    assert session_order(here) == ["sess_3", "sess_2"]


def test_only_the_newest_ended_sessions_are_listed() -> None:
    here = mirror(*(session(f"sess_{n:03}", status=SessionStatus.STOPPED) for n in range(200)))
    assert len(session_order(here)) == ENDED
    assert session_order(here)[0] == "sess_199"


def test_each_session_is_counted_once_and_old_failures_not_at_all() -> None:
    here = mirror(
        session("sess_1", needs_input=asking("?")),
        session("sess_2"),
        session("sess_3", status=SessionStatus.SPAWNING),
        session("sess_4", status=SessionStatus.IDLE),
        session("sess_5", status=SessionStatus.FAILED, completed_at=NOW - MINUTE),
        session("sess_6", status=SessionStatus.FAILED, completed_at=NOW - 2 * DAY_MS),
        session("sess_7", status=SessionStatus.IDLE),
    )
    here.see("sess_4")
    assert counts(here, NOW) == Counts(working=2, need_you=1, idle=1, failed=1, unseen=1)


def test_the_title_of_a_session_drops_what_matters_least() -> None:
    entity = session(model="opus", turn=Turn(since=NOW - 134_000))
    wide = text_of(session_title(entity, Live(tool="Bash"), NOW, 100))
    assert wide == "● working 02:14 · claude · opus · worker · simple · acceptEdits · Bash"
    assert text_of(session_title(entity, UNKNOWN, NOW, 30)) == "● working 02:14 · claude"
    assert text_of(session_title(entity, UNKNOWN, NOW, 16)) == "● working 02:14"


def test_a_session_without_a_pane_says_why() -> None:
    assert "starting" in pane_words(session(status=SessionStatus.SPAWNING))
    assert pane_words(session(pane=Pane(socket="s"))) == ""


def test_how_a_session_ended_is_told() -> None:
    failed = session(status=SessionStatus.FAILED, exit=Exit(code=1))
    assert pane_words(failed) == "failed · exit code 1 · r brings it back"
    killed = session(status=SessionStatus.FAILED, exit=Exit(signal=9))
    assert "signal 9" in pane_words(killed)
    assert pane_words(session(status=SessionStatus.STOPPED)) == "stopped · r brings it back"


def test_what_stopping_loses_is_named() -> None:
    here = mirror(task(), session(), Assignment(id="asg_1", task_id="task_1", session_id="sess_1"))
    assert "Fix the login" in what_stopping_loses(here, here.state.session("sess_1"))[0]
    assert "nothing is lost" in what_stopping_loses(mirror(session()), session())[0]


def test_what_deleting_loses_is_named() -> None:
    here = mirror(
        task("task_1"),
        task("task_2", parent_id="task_1"),
        task("task_3", "Waits", dependencies=("task_1",)),
        Assignment(id="asg_1", task_id="task_1", session_id="sess_1"),
    )
    lost = " ".join(what_deleting_loses(here.state, here.state.task("task_1")))
    assert all(words in lost for words in ("1 below it", "1 attempts", "Waits"))


# -- queue and timeline


def item(number: int, status: ItemStatus, **more: object) -> QueueItem:
    made = QueueItem(
        id=f"item_{number}", queue_id="queue_1", session_id="sess_1", task_id=f"task_{number}", position=number
    )
    return structs.replace(made, status=status, **more)


def test_a_queue_shows_its_items_and_how_far_it_is() -> None:
    here = mirror(
        task("task_1", "First"),
        task("task_2", "Second"),
        session(),
        Queue(id="queue_1", session_id="sess_1", paused=True),
        item(1, ItemStatus.COMPLETED, completed_at=NOW),
        item(2, ItemStatus.PROCESSING),
        item(3, ItemStatus.QUEUED),
    )
    assert queue_title(here.state, "sess_1") == "Queue 1/3 · paused"
    rows = queue_rows(here.state, "sess_1", 40)
    texts = [text_of(rows.lines(at, 40)[0]).split() for at in range(len(rows))]
    assert texts == [["✓", "First", "completed"], ["▶", "Second", "processing"], ["·", "task_3", "queued"]]
    assert rows.key(1) == "item_2"
    assert queue_title(here.state, "sess_2") == ""


def entry(number: int, type_: EntryType, message: str, ago: int = 0) -> TimelineEntry:
    return TimelineEntry(id=f"evt_{number:03}", type=type_, message=message, session_id="sess_1", created_at=NOW - ago)


@pytest.mark.parametrize("cells", [17, 30, 60])
def test_a_report_that_is_cut_says_so_and_stands_whole_where_there_is_room(cells: int) -> None:
    words = " ".join(f"word{number}" for number in range(60))
    here = mirror(entry(1, EntryType.PROGRESS, words))
    short = timeline_rows(here.state, "session", "sess_1", MOMENT, cells)
    texts = [text_of(short.lines(at, cells)[0]) for at in range(len(short))]
    assert len(texts) == 4
    assert [text.endswith("…") for text in texts] == [False, False, False, True]
    assert all(cells_of(short.lines(at, cells)[0]) <= cells for at in range(4))
    whole = timeline_rows(here.state, "session", "sess_1", MOMENT, cells, most=WHOLE)
    told = [text_of(whole.lines(at, cells)[0])[8:].strip() for at in range(len(whole))]
    assert " ".join(told) == words
    fits = mirror(entry(1, EntryType.PROGRESS, " ".join(["x" * (cells - 8)] * 4)))
    assert "…" not in text_of(timeline_rows(fits.state, "session", "sess_1", MOMENT, cells).lines(3, cells)[0])


def test_a_timeline_has_the_newest_first_with_its_time() -> None:
    here = mirror(
        entry(1, EntryType.TASK_STARTED, "Fix the login", 5 * MINUTE),
        entry(2, EntryType.PROGRESS, "found it"),
    )
    rows = timeline_rows(here.state, "session", "sess_1", MOMENT, 60)
    assert [text_of(rows.lines(at, 60)[0]) for at in range(len(rows))] == [
        "08:53 · found it",
        "08:48 ◉ task started: Fix the login",
    ]


def test_a_long_report_is_folded_and_bounded() -> None:
    here = mirror(entry(1, EntryType.ERROR, "word " * 500))
    rows = timeline_rows(here.state, "session", "sess_1", MOMENT, 30)
    assert len(rows) == 4
    assert {rows.key(at) for at in range(4)} == {"evt_001"}


def test_a_timeline_shows_no_more_than_its_share() -> None:
    here = mirror(*(entry(n, EntryType.PROGRESS, str(n)) for n in range(150)))
    assert len(timeline_rows(here.state, "session", "sess_1", MOMENT, 60)) == ENTRIES


# -- time


@pytest.mark.parametrize(
    ("ms", "short", "long"),
    [
        (-5, "0s", "00:00"),
        (40_000, "40s", "00:40"),
        (134_000, "2m", "02:14"),
        (3_734_000, "1h", "1:02:14"),
        (86_400_000 * 12, "12d", "12 days"),
        (86_400_000 * 99_999, "999d", "99999 days"),
    ],
)
def test_lengths_of_time_are_short(ms: int, short: str, long: str) -> None:
    assert age(ms) == short
    assert span_of_time(ms) == long


def test_another_day_is_told_by_its_date() -> None:
    assert clock_words(NOW, MOMENT) == "08:53"
    assert clock_words(NOW - 3 * DAY_MS, MOMENT) == "06.10"


# -- what is looked at


def test_a_task_leads_to_the_session_that_works_on_it() -> None:
    here = mirror(
        task(),
        session("sess_1", status=SessionStatus.FAILED),
        session("sess_2"),
        session("sess_3", status=SessionStatus.STOPPED),
        *(
            Assignment(id=f"asg_{n}", task_id="task_1", session_id=f"sess_{n}", status=AssignmentStatus.WORKING)
            for n in (1, 2, 3)
        ),
    )
    spot = Spotlight(here)
    spot.subject = (Noun.TASK, "task_1")
    assert spot.session is None
    assert spot.session_about is not None
    assert spot.session_about.id == "sess_2"
    assert (spot.project_id, spot.project_name, spot.name) == ("proj_1", "shop-api", "Fix the login")


def test_what_is_gone_is_not_looked_at() -> None:
    spot = Spotlight(mirror())
    spot.subject = (Noun.TASK, "task_9")
    assert spot.entity is None
    assert spot.session_about is None
    assert spot.project_id == "proj_1"
    assert spot.name == ""
