"""Details: the tabs of a task and of a session, what is read for them, and the way back."""

import msgspec
import pytest

from maestro_tui.lines import Rows, cells_of, text_of
from maestro_tui.readings import Checked, Explained, Letters, reading
from maestro_tui.screens.details import Details
from maestro_tui.view.details import task_details
from maestro_tui.view.tabs import (
    OF_SESSION,
    OF_TASK,
    Tab,
    attempt_rows,
    check_rows,
    doc_rows,
    explain_rows,
    mail_rows,
    subtask_rows,
    tabs_line,
    task_rows,
)
from maestrod.domain.changes import Put
from maestrod.domain.model import Assignment, AssignmentStatus, Doc, Noun, Subtask
from maestrod.domain.tasks import DeleteTask
from tests.support.world import World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import Sample, fill
from tests.tui.test_view import MINUTE, MOMENT, NOW, mirror, session, task

SIZES = [(60, 20), (80, 24), (120, 40), (200, 60)]
CHECKS = {
    "passed": False,
    "checks": [
        {"command": "make lint", "status": "passed", "stands": True, "endedAt": NOW - MINUTE},
        {"command": "make test", "status": "failed", "lack": "it failed", "output": "boom\nat line 3", "exitCode": 2},
        {"command": "make docs", "status": None, "lack": "it never ran"},
        {"command": "make fmt", "status": "passed", "stands": False, "lack": "the work has changed since"},
    ],
}
EXPLAINED = {
    "sessionId": "sess_1",
    "status": "working",
    "process": "alive",
    "verdict": {
        "doing": "needs_input",
        "since": NOW - MINUTE,
        "source": "hook",
        "rule": "claude PermissionRequest",
        "confidence": 0.9,
        "text": "Run it?",
    },
    "evidence": [
        {"source": "title", "doing": "working", "rule": "a braille cell", "at": NOW - 5 * MINUTE},
        {"source": "hook", "doing": "needs_input", "rule": "PermissionRequest", "at": NOW - MINUTE, "text": "Run it?"},
    ],
}
DIFF = {
    "branch": "maestro/fix-login-1a2b",
    "files": [{"path": "a.py", "added": 3, "removed": 1}, {"path": "logo.png", "added": None, "removed": None}],
    "patch": "diff --git a/a.py b/a.py\n@@ -1 +1,3 @@\n-old\n+new\n+\tindented \x1b[2Jowned\n",
    "cut": True,
}
MAIL = {
    "data": [
        {"id": "mail_1", "subject": "older", "fromName": "planner", "createdAt": NOW - 9 * MINUTE},
        {
            "id": "mail_2",
            "subject": "newer",
            "fromName": "user",
            "fromUser": "user",
            "createdAt": NOW,
            "delivery": {"state": "read"},
        },
    ],
    "pagination": {},
}


def texts(rows: Rows, cells: int = 60) -> list[str]:
    return [text_of(line).rstrip() for at in range(len(rows)) for line in rows.lines(at, cells)]


# -- tabs by values


@pytest.mark.parametrize("tabs", [OF_TASK, OF_SESSION])
@pytest.mark.parametrize("cells", range(8, 130))
def test_tabs_are_whole_or_one_alone(tabs: tuple[Tab, ...], cells: int) -> None:
    for tab in tabs:
        line, hints = tabs_line(tabs, tab, cells)
        text = text_of(line)
        assert cells_of(line) <= max(cells, 20)
        assert str(tab) in text
        if len(hints) == len(tabs):
            assert [text[hint.start : hint.end].strip() for hint in hints] == list(tabs)


def test_a_checklist_shows_what_is_ticked() -> None:
    here = mirror(
        task(),
        Subtask(id="sub_1", task_id="task_1", title="find it", completed=True),
        Subtask(id="sub_2", task_id="task_1", title="mend it", order=1),
    )
    assert texts(subtask_rows(here, task(), 40)) == ["[x] find it", "[ ] mend it"]


def test_attempts_stand_with_the_newest_first_and_what_they_said() -> None:
    attempts = [
        Assignment(id=f"asg_{n}", task_id="task_1", session_id=f"sess_{n}", attempt=n, result=result, status=status)
        for n, result, status in (
            (1, "the cookie comes late", AssignmentStatus.FAILED),
            (2, None, AssignmentStatus.WORKING),
        )
    ]
    here = mirror(task(), session("sess_1", "first"), *attempts)
    rows = attempt_rows(here, task(), MOMENT, 60)
    shown = texts(rows)
    assert shown[:2] == ["a session that is no more", "  attempt 2 · working"]
    assert "first" in shown[2]
    assert shown[3:] == ["  ✕ attempt 1 · failed", "  the cookie comes late"]
    assert rows.key(2) == "sess_1"
    assert "attempt failed" in texts(task_rows(here, session("sess_1"), 80), 80)[0]


def test_an_attempt_that_is_over_has_the_face_of_what_it_came_to() -> None:
    over = Assignment(id="asg_1", task_id="task_1", session_id="sess_1", attempt=1, status=AssignmentStatus.COMPLETED)
    here = mirror(task(), session("sess_1", "quincy"), over)
    assert "  ✓ attempt 1 · completed" in texts(attempt_rows(here, task(), MOMENT, 60))
    lines = [text_of(line) for line in task_details(here, task(), MOMENT, 60)]
    assert any(line.startswith("  ✓ quincy") for line in lines)


def test_documents_are_shown_with_their_text_and_no_more_than_a_page() -> None:
    here = mirror(task())
    docs = [
        Doc(id="doc_1", title="Notes", task_id="task_1", content="one\ntwo", created_at=NOW - MINUTE),
        Doc(id="doc_2", title="Log", task_id="task_1", file_path="log.txt", content="x\n" * 500, created_at=NOW),
    ]
    here.apply([Put(Noun.DOC, doc) for doc in docs])
    shown = texts(doc_rows(here, Noun.TASK, "task_1", MOMENT, 40), 40)
    assert shown[0].split() == ["+", "Log", "0s", "ago"]
    assert shown[1] == "  log.txt"
    assert "  … the rest: maestro doc show" in shown
    assert shown[-3:] == ["  one", "  two", ""]


def test_checks_say_how_they_went_and_what_failed() -> None:
    checked = reading(Checked, _json(CHECKS))
    assert checked is not None
    shown = texts(check_rows(checked, MOMENT, 60))
    assert shown[0].split() == ["✓", "make", "lint", "passed", "1m", "ago"]
    assert shown[1].split() == ["✕", "make", "test", "failed"]
    assert shown[2:5] == ["  it failed", "  boom", "  at line 3"]
    assert shown[5].split() == ["·", "make", "docs", "never", "ran"]
    assert "then the work changed" in shown[6]


def test_a_state_is_explained_by_its_verdict_and_every_word() -> None:
    told = reading(Explained, _json(EXPLAINED))
    assert told is not None
    shown = texts(explain_rows(told, MOMENT, 60))
    assert shown[0] == "needs input since 1m"
    assert "on the word of hook (90% sure): claude PermissionRequest" in shown
    assert shown.index("  1m  hook: needs input") < shown.index("  5m  title: working")


def test_mail_is_shown_with_the_newest_first() -> None:
    told = reading(Letters, _json(MAIL))
    assert told is not None
    shown = texts(mail_rows(told, MOMENT, 60))
    assert shown[0].split() == ["you:", "newer", "read", "0s"]
    assert shown[1].startswith("planner: older")


def test_what_another_version_tells_is_no_failure() -> None:
    assert reading(Checked, b'{"checks": 7}') is None
    assert reading(Checked, b"not even json") is None
    assert reading(Letters, b'{"unheard": "of"}') == Letters()


def _json(document: object) -> bytes:
    return msgspec.json.encode(document)


# -- under the fingers


async def on_details(seen: Seen, noun: Noun, id_: str) -> Details:
    await seen.until(lambda: seen.app.desk.mirror.whole, "everything is read")
    seen.app.show_details(noun, id_)
    await seen.until(lambda: isinstance(seen.app.screen, Details), "the details are shown")
    found = seen.app.screen
    assert isinstance(found, Details)
    return found


def tell(world: World, sample: Sample) -> None:
    world.documents |= {
        f"/tasks/{sample.login}/checks": CHECKS,
        f"/sessions/{sample.fix}/explain": EXPLAINED,
        f"/sessions/{sample.fix}/worktree/diff": DIFF,
        f"/mail/inbox/{sample.fix}": MAIL,
        f"/tasks/{sample.login}/docs": {"data": [], "pagination": {}},
    }


@pytest.mark.parametrize("size", SIZES)
async def test_every_tab_of_a_task_is_shown_whole(world: World, size: tuple[int, int]) -> None:
    sample = await fill(world)
    tell(world, sample)
    async with looking(world, size) as seen:
        await on_details(seen, Noun.TASK, sample.login)
        await seen.shows("─ Fix the flaky login test ─", "Details", "50 runs in a row", "? help", "● connected")
        for words in ("[x] find the race", "fix-login", "50 runs green", "no documents", "make lint"):
            await seen.press("l")
            await seen.shows(words)
        await seen.press("l")
        await seen.shows("50 runs in a row")
        await seen.press("h")
        await seen.shows("make lint")


@pytest.mark.parametrize("size", SIZES)
async def test_every_tab_of_a_session_is_shown_whole(world: World, size: tuple[int, int]) -> None:
    sample = await fill(world)
    tell(world, sample)
    async with looking(world, size) as seen:
        await on_details(seen, Noun.SESSION, sample.fix)
        await seen.shows("─ fix-login ─", "Screen", "● working", "? help")
        await seen.until(lambda: world.watched == [sample.fix])
        shown = ("50 runs green", "Fix the flaky login test", "no queue", "newer", "needs input since", "a.py")
        for words in shown:
            await seen.press("tab")
            await seen.shows(words)
        assert world.watched == []


async def test_an_explanation_grows_older_while_nothing_else_happens(world: World) -> None:
    sample = await fill(world)
    tell(world, sample)
    async with looking(world) as seen:
        details = await on_details(seen, Noun.SESSION, sample.fix)
        details.action_show_tab("EXPLAIN")
        await seen.shows("needs input since")
        world.now = NOW + 9 * 24 * 60 * MINUTE
        details.tick()
        await seen.shows("needs input since 9d")


async def test_the_keys_of_the_footer_lead_on_from_a_pane_that_is_seen_whole(world: World) -> None:
    sample = await fill(world)
    tell(world, sample)
    async with looking(world, (200, 60)) as seen:
        details = await on_details(seen, Noun.SESSION, sample.fix)
        await seen.until(lambda: world.watched == [sample.fix])
        await seen.press("l")
        await seen.until(lambda: details.tab is Tab.TIMELINE)
        await seen.press("h")
        await seen.until(lambda: details.tab is Tab.SCREEN)
        await seen.press("left")
        await seen.until(lambda: details.tab is Tab.DIFF)


async def test_v_shows_what_is_under_the_cursor(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.mission.spot.subject is not None)
        seen.app.mission.go_to(Noun.TASK, sample.login)
        await seen.press("v")
        await seen.until(lambda: isinstance(seen.app.screen, Details))
        assert seen.app.here.spot.subject == (Noun.TASK, sample.login)
        await seen.press("escape")
        await seen.until(lambda: seen.app.screen is seen.app.mission)


async def test_one_goes_from_a_task_to_its_session_and_back(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        details = await on_details(seen, Noun.TASK, sample.login)
        await seen.press("l", "l")
        await seen.shows("attempt 1")
        await seen.press("enter")
        await seen.until(lambda: details.spot.subject == (Noun.SESSION, sample.fix))
        await seen.shows("Tidying up")
        await seen.press("escape")
        await seen.until(lambda: details.spot.subject == (Noun.TASK, sample.login))
        await seen.shows("attempt 1")
        await seen.press("escape")
        await seen.until(lambda: seen.app.screen is seen.app.mission)


async def test_enter_ticks_an_item_of_the_checklist(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_details(seen, Noun.TASK, sample.login)
        await seen.press("l", "G")
        await seen.shows("[ ] run it 50 times")
        await seen.press("enter")
        await seen.shows("[x] run it 50 times")
        await seen.press("enter")
        await seen.shows("[ ] run it 50 times")


async def test_what_cannot_be_read_is_told_where_it_would_be(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        details = await on_details(seen, Noun.SESSION, sample.fix)
        details.action_show_tab("DIFF")
        await seen.shows("no route /sessions/")
        world.documents[f"/sessions/{sample.fix}/worktree/diff"] = DIFF
        await seen.press("f5")
        await seen.shows("a.py", "+3")


async def test_a_tab_can_be_clicked(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        details = await on_details(seen, Noun.TASK, sample.login)
        await seen.shows(" Subtasks ")
        row = next(line for line in seen.text.splitlines() if " Subtasks " in line)
        await seen.pilot.click("#detail-tabs", offset=(row.index("Subtasks") - 1, 0))
        await seen.until(lambda: details.tab is Tab.SUBTASKS)


async def test_when_the_task_goes_the_details_say_what_to_do(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_details(seen, Noun.TASK, sample.login)
        await world.do(DeleteTask(task_id=sample.login, force=True))
        await seen.shows("put the cursor on a task or a session first")
