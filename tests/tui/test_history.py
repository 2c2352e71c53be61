"""History: the journal in pages, what a commit was, the state then, and taking back."""

import msgspec
import pytest

from maestro_tui.lines import cells_of, text_of
from maestro_tui.past import PAGE, Commit, Log, Touched, read_then
from maestro_tui.screens.history import History
from maestro_tui.view.history import (
    CommitRows,
    Narrowed,
    ThenRows,
    about,
    actor_name,
    commit_lines,
    commit_rows,
    face_of_commit,
    found_commits,
    history_line,
    what_is_back,
    what_undoing_does,
    what_was_undone,
    words_of,
)
from maestrod.domain.changes import Actor
from maestrod.domain.mail import SendMail
from maestrod.domain.model import Noun, Pane, Role, SessionStatus, TaskStatus
from maestrod.domain.projects import CreateProject
from maestrod.domain.sessions import RecordTurn, RegisterSession, SpawnSession
from maestrod.domain.tasks import CreateTask, DeleteTask, EditTask
from maestrod.domain.work import StartTask
from tests.support.world import World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import fill
from tests.tui.test_view import HOSTILE, MINUTE, MOMENT, NOW, mirror, session, task

SIZES = [(60, 20), (80, 24), (120, 40), (200, 60)]


def commit(seq: int = 7, kind: str = "CompleteTask", **more: object) -> Commit:
    fields: dict[str, object] = {
        "at": NOW - MINUTE,
        "actor": "user",
        "command": {"kind": kind, "taskId": "task_1", "note": "all green"},
        "changes": (Touched("put", "task", "task_1"), Touched("delete", "assignment", "asg_1")),
        "undoable": True,
    }
    return Commit(seq=seq, **(fields | more))  # type: ignore[arg-type]


def page(*seqs: int) -> bytes:
    return msgspec.json.encode({"data": [{"seq": seq, "command": {"kind": "EditTask"}} for seq in seqs]})


# -- pages


def test_pages_are_put_together_without_gaps() -> None:
    log = Log()
    assert log.newer() == f"/commits?limit={PAGE}"
    log.read(page(601, 602))
    assert log.older() == "/commits?after=100&limit=500"
    assert log.newer() == "/commits?after=602&limit=500"
    log.read(page(*range(101, 602)))
    log.read(page(602, 603))
    assert (log.oldest, log.newest, len(log), log.ended) == (101, 603, 503, False)
    assert [log.at(0).seq, log.at(502).seq] == [603, 101]
    assert [log.find("603"), log.find("101"), log.find("100"), log.find("x")] == [0, 502, None, None]
    assert log.older() == "/commits?after=0&limit=100"
    log.read(page(*range(1, 101)))
    assert log.ended
    log.read(page(900, 901))
    assert (log.oldest, len(log), log.ended) == (900, 2, False), "a page that leaves a gap begins anew"
    log.read(page())
    assert log.commit("901") is not None
    with pytest.raises(msgspec.MsgspecError):
        log.read(b"[]")


def test_the_state_of_another_time_is_read_as_it_was() -> None:
    bodies = [
        msgspec.json.encode({"entities": {"task": [task(status=TaskStatus.COMPLETED), task("task_2", "Paint it")]}}),
        msgspec.json.encode({"entities": {"session": [session(status=SessionStatus.FAILED)]}}),
    ]
    rows = ThenRows(read_then(bodies), commit())
    lines = [" ".join(text_of(rows.lines(at, 60)[0]).split()) for at in range(len(rows))]
    assert lines == [
        "Tasks 2",
        "✓ Fix the login ◆ this commit completed",
        "○ Paint it ready",
        "Sessions 1",
        "✕ fix-login failed",
    ]
    assert rows.find("task_2") == 2


# -- words


def test_a_commit_says_what_was_done_to_what_by_whom() -> None:
    here = mirror(task(), session()).state
    told = [" ".join(text_of(line).split()) for line in commit_lines(here, commit(), MOMENT, 60)]
    assert told == ["~ complete task “Fix the login” 1m", "you · 2 changes · u takes it back 7"]
    by_agent = commit_lines(here, commit(actor="session:sess_1", undoable=False), MOMENT, 60)
    assert text_of(by_agent[1]).split(" · ")[0].strip() == "fix-login"
    assert actor_name(here, "session:sess_9") == "sess_9"
    assert actor_name(here, "daemon") == "daemon"


def test_a_report_has_its_words_where_there_is_room() -> None:
    here = mirror(task(), session()).state
    report = commit(kind="Report", command={"kind": "Report", "sessionId": "sess_1", "message": "50 runs\nare green"})
    told = [text_of(commit_lines(here, report, MOMENT, cells)[1]) for cells in (90, 40)]
    assert "u takes it back · 50 runs are green" in told[0]
    assert "50 runs" not in told[1]
    assert all(cells_of(commit_lines(here, report, MOMENT, cells)[1]) <= cells for cells in range(1, 120))


def test_a_long_name_is_cut_and_not_left_out() -> None:
    who = commit_lines(mirror().state, commit(actor="key:" + "long-" * 20), MOMENT, 40)[1]
    assert text_of(who).startswith("  key:long-long-")
    assert "… " in text_of(who)


def test_what_is_taken_back_already_says_so() -> None:
    log = Log()
    undo = {"kind": "UndoCommit", "seq": 1}
    log.read(msgspec.json.encode({"data": [{"seq": 1, "undoable": True}, {"seq": 2, "command": undo}]}))
    assert log.taken_back == {1}
    rows = CommitRows(mirror().state, log, None, lambda: MOMENT)
    assert "taken back" in text_of(rows.lines(1, 60)[1])
    log.read(msgspec.json.encode({"data": [{"seq": 3, "command": undo | {"seq": 2}}]}))
    assert log.taken_back == {2}, "it is there again, and can be taken back once more"
    assert "u takes it back" in text_of(rows.lines(2, 60)[1])


@pytest.mark.parametrize(
    ("kind", "glyph", "words"),
    [
        ("CreateTask", "+", "create task"),
        ("DeleteTask", "✗", "delete task"),
        ("UndoCommit", "↶", "undo commit"),
        ("EditTask", "~", "edit task"),
        ("", "~", "something"),
    ],
)
def test_kinds_are_words_with_a_sign(kind: str, glyph: str, words: str) -> None:
    assert (face_of_commit(commit(kind=kind, command={"kind": kind})).glyph, words_of(kind)) == (glyph, words)


def test_what_names_nothing_is_told_by_its_own_words() -> None:
    here = mirror().state
    assert about(here, commit(command={"kind": "SendMail", "subject": "Frozen"}, changes=())) == "“Frozen”"
    assert about(here, commit(command={"kind": "X"}, changes=(Touched("put", "key", "key_1"),))) == "key_1"
    assert about(here, commit(command={}, changes=())) == ""
    gone = {"kind": "CreateTask", "title": "Ship it"}
    assert about(here, commit(command=gone)) == "“Ship it”", "what is no more keeps the name that it was made with"


def test_the_changes_and_what_was_asked_for_are_told() -> None:
    rows = commit_rows(mirror(task()).state, commit(), MOMENT, 60)
    lines = [text_of(rows.lines(at, 60)[0]) for at in range(len(rows))]
    assert "~ written task “Fix the login”" in lines
    assert "✗ deleted assignment asg_1" in lines
    assert lines[lines.index("  note") + 1] == "    all green"
    assert rows.key(lines.index("~ written task “Fix the login”")) == "task task_1"


def test_what_taking_back_does_is_told_before() -> None:
    here = mirror(task()).state
    assert what_undoing_does(here, commit())[:2] == [
        "task “Fix the login” becomes what it was",
        "the attempt at it comes back",
    ]
    assert what_undoing_does(here, commit(kind="CreateTask", command={"kind": "CreateTask"}))[0].endswith("goes again")


def test_what_taking_back_does_is_told_without_ids() -> None:
    touched = (Touched("put", "timeline", "evt_1"), Touched("put", "timeline", "evt_2"), Touched("put", "doc", "doc_1"))
    words = what_undoing_does(mirror().state, commit(changes=touched))
    assert words[:2] == ["the timeline becomes what it was", "the document becomes what it was"]
    gone = what_undoing_does(mirror().state, commit(changes=(Touched("delete", "task", "task_9"),)))
    assert gone[0] == "the task comes back"


def test_history_is_narrowed_by_words_actor_and_thing() -> None:
    here, log = mirror(task(), session()).state, Log()
    assert found_commits(here, log, Narrowed(routine=True)) is None
    rows = [commit(1, actor="session:sess_1"), commit(2, changes=(Touched("put", "task", "task_2"),))]
    log.read(msgspec.json.encode({"data": rows}))
    assert found_commits(here, log, Narrowed(words="FIX-login")) == ["1"]
    assert found_commits(here, log, Narrowed(actor="user")) == ["2"]
    assert found_commits(here, log, Narrowed(thing="task_2")) == ["2"]
    line = text_of(history_line(here, log, Narrowed(actor="user", thing="task_1", words="x"), 0, 120))
    assert line == "▸ every change   by you   of “Fix the login”   “x”   nothing found in 2 · Esc ends it"


def test_what_follows_by_itself_is_left_out_until_it_is_asked_for() -> None:
    here, log = mirror(task(), session()).state, Log()
    turn, asks = {"kind": "RecordTurn"}, {"kind": "RecordTurn", "needsInput": {"active": True, "message": "?"}}
    answered = {"kind": "RecordTurn", "needsInput": {"active": False}}
    commands = [{"kind": "SpawnSession"}, {"kind": "LaunchSession"}, turn, asks, answered, {"kind": "StopSession"}]
    rows = [commit(seq, command=command) for seq, command in enumerate(commands, start=1)]
    log.read(msgspec.json.encode({"data": rows}))
    found = found_commits(here, log, Narrowed())
    assert found == ["6", "4", "1"]
    assert text_of(history_line(here, log, Narrowed(), len(found), 120)) == (
        "▸ every change   3 of routine left out · c shows all"
    )
    assert found_commits(here, log, Narrowed(actor="user")) == ["6", "4", "1"]
    assert found_commits(here, log, Narrowed(actor="user", routine=True)) == ["6", "5", "4", "3", "2", "1"]
    assert found_commits(here, log, Narrowed(words="record")) == ["5", "4", "3"], "words find all"


async def test_routine_is_shown_and_hidden_and_older_pages_are_read_until_something_is_seen(world: World) -> None:
    project = await world.made(CreateProject(name="shop", working_dir="/shop"))
    session_id = await world.made(SpawnSession(project_id=project, role=Role.ORCHESTRATOR))
    await world.do(RegisterSession(session_id=session_id, pane=Pane(socket="s", window="@1", pane="%1", pid=7)))
    for number in range(PAGE + 1):
        status = SessionStatus.WORKING if number % 2 else SessionStatus.IDLE
        await world.do(RecordTurn(session_id=session_id, status=status))
    async with looking(world) as seen:
        screen = await on_history(seen)
        await seen.shows("spawn session “orchestrator”", "create project “shop”", f"{PAGE + 2} of routine left out")
        assert "record turn" not in seen.text
        await seen.press("c")
        await seen.shows("record turn “orchestrator”")
        assert "left out" not in seen.text
        await seen.press("f", "escape", "c")
        await seen.until(lambda: len(screen.list._rows) == 2)


@pytest.mark.parametrize("cells", [1, 3, 8, 20, 60])
def test_a_hostile_commit_stays_in_its_width(cells: int) -> None:
    here = mirror(task(title=HOSTILE)).state
    evil = commit(
        kind=HOSTILE, command={"kind": HOSTILE, HOSTILE: HOSTILE, "list": [HOSTILE, {"a": True}]}, actor=HOSTILE
    )
    rows = commit_rows(here, evil, MOMENT, cells)
    for line in [*(rows.lines(at, cells)[0] for at in range(len(rows))), *commit_lines(here, evil, MOMENT, cells)]:
        assert cells_of(line) <= cells
        assert "\x1b" not in text_of(line)


# -- under the fingers


async def on_history(seen: Seen) -> History:
    await seen.until(lambda: seen.app.desk.mirror.whole, "everything is read")
    await seen.press("7")
    await seen.until(lambda: isinstance(seen.app.screen, History), "the history is shown")
    found = seen.app.screen
    assert isinstance(found, History)
    return found


def told(seen: Seen) -> str:
    return " ".join(toast.message for toast in seen.app._notifications)


@pytest.mark.parametrize("size", SIZES)
async def test_every_label_of_the_history_is_whole(world: World, size: tuple[int, int]) -> None:
    await fill(world)
    async with looking(world, size) as seen:
        await on_history(seen)
        await seen.press("c", "g")
        await seen.shows("maestro", "● connected", "every change", f"History {world.seq}", f"Commit {world.seq}")
        await seen.shows("u take back", "t state then", "? help")
        await seen.press("t")
        await seen.shows(f"State right after {world.seq}", "Tasks 15", "◎ Page the list of orders")


async def test_what_happens_meanwhile_comes_by_itself(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_history(seen)
        await seen.shows("History")
        await world.do(EditTask(task_id=sample.login, title="Mend the login"))
        await seen.shows("edit task “Mend the login”", f"History {world.seq}")


async def test_commits_grow_older_while_nothing_else_happens(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        screen = await on_history(seen)
        await world.do(EditTask(task_id=sample.login, title="Mend the login"))
        await seen.shows(" 0s ")
        before = screen.list.built
        world.now += 7 * MINUTE
        screen.tick()
        await seen.until(lambda: "7m" in seen.text and " 0s " not in seen.text, "all of them are older")
        assert screen.list.built - before < 5 * screen.list.size.height


async def test_the_cursor_goes_through_time(world: World) -> None:
    project = await world.made(CreateProject(name="shop", working_dir="/shop"))
    first = await world.made(CreateTask(title="One", project_id=project))
    await world.do(StartTask(task_id=first))
    async with looking(world) as seen:
        await on_history(seen)
        await seen.press("t")
        await seen.shows("State right after 3", "◉ One", "in progress")
        await seen.press("j")
        await seen.shows("State right after 2", "○ One", "◆ this commit ready")
        await seen.press("j")
        await seen.shows("State right after 1", "Tasks 0")
        await seen.press("t")
        await seen.shows("Commit 1", "create project")


async def test_a_commit_is_taken_back_after_a_look_and_a_refusal_stays(world: World) -> None:
    project = await world.made(CreateProject(name="shop", working_dir="/shop"))
    await world.made(CreateTask(title="One", project_id=project))
    why = "it cannot be taken back: changed since by 9, 12"
    world.refuses["/undo/2"] = (409, {"code": "CONFLICT", "message": why, "hint": "Take those back first."})
    async with looking(world) as seen:
        await on_history(seen)
        await seen.shows("create task “One”")
        await seen.press("u")
        await seen.shows("Take back create task “One”?", "task “One” goes again")
        await seen.press("y")
        await seen.shows("changed since by 9, 12", "Take those back first.")
        del world.refuses["/undo/2"]
        await seen.press("y")
        await seen.until(lambda: "taken back: created task “One”" in told(seen))
    assert world.asked[-1][:2] == ("POST", "/undo/2")


async def test_undoing_says_what_it_took_back_also_where_it_is_gone_by_now(world: World) -> None:
    project = await world.made(CreateProject(name="shop", working_dir="/shop"))
    task_id = await world.made(CreateTask(title="One", project_id=project))
    async with looking(world) as seen:
        await seen.shows("One")
        world.undone = {"undone": 2, "seq": 3}
        await world.do(DeleteTask(task_id=task_id))
        await seen.press("u")
        await seen.until(lambda: "taken back: created task “One”" in told(seen))
        world.secret = "not yours to read"
        await seen.press("u")
        await seen.until(lambda: told(seen).endswith("” taken back"), "without the history it says that much")


def test_what_comes_back_is_what_was_asked_for() -> None:
    put, gone = Touched("put", "task", "task_2"), Touched("delete", "task", "task_1")
    child = Touched("delete", "task", "task_3")
    assert what_is_back(commit(kind="DeleteTask", changes=(put, child, gone))) == (Noun.TASK, "task_1")
    assert what_is_back(commit(kind="EditTask", changes=(put,))) == (Noun.TASK, "task_2")
    removed = (child, Touched("delete", "project", "proj_1"))
    assert what_is_back(commit(kind="DeleteProject", changes=removed)) == (Noun.PROJECT, "proj_1")
    for kind in ("CreateTask", "ImportAll"):
        assert what_is_back(commit(kind=kind, changes=(put,))) is None
    assert what_is_back(commit(kind="Report", changes=(Touched("put", "timeline", "evt_1"),))) is None


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("CompleteTask", "completed task"),
        ("EditTask", "edited task"),
        ("CancelTask", "cancelled task"),
        ("SetOrdering", "set ordering"),
        ("UndoCommit", "undid commit"),
    ],
)
def test_what_was_taken_back_is_said_in_the_past(kind: str, said: str) -> None:
    here = mirror(task()).state
    assert what_was_undone(here, commit(kind=kind)) == f"taken back: {said} “Fix the login”"


async def test_what_cannot_be_taken_back_says_so_and_asks_for_nothing(world: World) -> None:
    sample = await fill(world)
    await world.do(SendMail(to_session_id=sample.fix, message="hello"), Actor("user", ""))
    async with looking(world) as seen:
        await on_history(seen)
        await seen.shows("send mail")
        await seen.press("u")
        await seen.until(lambda: "cannot be taken back" in told(seen))
    assert world.asked == []


async def test_one_actor_or_one_thing_alone(world: World) -> None:
    sample = await fill(world)
    await world.do(EditTask(task_id=sample.login, title="Mend the login"))
    async with looking(world) as seen:
        screen = await on_history(seen)
        await seen.shows("edit task")
        await seen.press("e")
        await seen.shows("of “Mend the login”", "start task “Mend the login”")
        await seen.press("f")
        await seen.shows("by you")
        await seen.until(lambda: "start task" not in seen.text)
        await seen.press("escape")
        await seen.shows("every change", f"History {world.seq}")
        await seen.press("slash", *"nothing like it")
        await seen.shows("nothing found")
        await seen.press("escape", "enter", "j", "j", "j", "enter")
        await seen.shows("Accepted when")
        await seen.press("escape")
        assert screen.spot.subject == (Noun.TASK, sample.login)


async def test_a_history_that_cannot_be_read_says_why(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole)
        world.secret = "agents may not read the history"
        await on_history(seen)
        await seen.shows("agents may not read the history")


async def test_an_empty_history_says_so_and_goes_on_with_the_first_thing_done(world: World) -> None:
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole)
        await on_history(seen)
        await seen.shows("nothing has been done yet")
        await world.made(CreateProject(name="shop", working_dir="/src/shop"))
        await seen.shows("create project", "Commit 1")


async def test_a_hundred_thousand_commits_cost_a_screenful(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        screen = await on_history(seen)
        await seen.shows("Commit")
        many = [{"seq": seq, "command": {"kind": "EditTask"}} for seq in range(200_001, 300_001)]
        screen.journal.read(msgspec.json.encode({"data": many}))
        screen.journal.ended = True
        screen.redraw()
        await seen.shows("History 100000")
        before = screen.list.built
        await seen.press("G")
        await seen.shows("Commit 200001")
        await seen.press("g", "pagedown", "j", "k")
        assert screen.list.built - before < 8 * 4 * screen.list.size.height
