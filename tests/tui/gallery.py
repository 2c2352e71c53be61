"""Every screen in every size, theme and fill: how each is reached, what can be wrong with its looks, and its picture.

One app is looked at in all sizes, one after the other: what is expensive is to fill it.
"""

import re
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import cycle, islice

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from maestro_tui import faces
from maestro_tui.lines import cells_of, text_of
from maestro_tui.screens.dialog import Dialog
from maestro_tui.widgets.bar import Bar
from maestro_tui.widgets.line_list import LineList
from maestrod.domain.changes import Actor
from maestrod.domain.mail import SendMail
from maestrod.domain.model import Noun, Pane, Priority, SessionStatus, Strategy, Task, TaskStatus, Turn
from maestrod.domain.projects import CreateProject
from maestrod.domain.queues import StartItem
from maestrod.domain.sessions import NeedInput, RecordExit, RecordTurn, RegisterSession, SpawnSession
from maestrod.domain.tasks import CreateTask
from maestrod.domain.timeline import Report
from maestrod.domain.work import BlockTask, StartTask
from tests.support.world import START, World
from tests.tui.conftest import Seen, looking

SIZES = ((60, 20), (80, 24), (120, 40), (200, 60))
THEMES = ("dark", "light")
FILLS = ("empty", "small", "large")
TASKS, SESSIONS = 100_000, 50
PROJECTS = 10
MINUTE = 60_000

TITLES = (
    "Fix the flaky login test",
    "支払い画面の表示が崩れるのを直す 🧾 とても長い題名なのでどこかで切られる",
    "תקן את בדיקת הכניסה מימין לשמאל",
    "أصلح اختبار تسجيل الدخول قبل نهاية اليوم",
    "결제 API 속도 제한 추가 ✅ 🚀",
    "👩‍👩‍👧‍👦 family 🇩🇪 flag 👍🏽 skin ⚠️ 1️⃣ keycap",
    "Say in the guide how refunds work, what they cost, who may grant them, and what happens to the stock meanwhile",
    "a" * 150,
    "e\u0301 combining Z\u0338\u0328\u031ba\u0337lgo, \u202eturned round\u202c, [bold]markup[/], \x1b[31mcolour\x1b[0m",
    "ไทย ภาษาไทยที่ยาว",
    "Round money like the tills do",
)
"""Long and wide ones, right to left ones, and such as nobody should send."""
NAMES = ("fix-login", "レート制限", "בודק", "guide 📚", "a-very-long-name-of-a-session-that-goes-on")
QUESTION = "Run `npm test -- --watch=false 支払い`? It may take a while, and it writes into the folder of the tests."
CHOICES = [
    {"label": "Yes", "number": 1, "chosen": True},
    {"label": "Yes, and don't ask again for npm test in /src/shop-api", "number": 2},
    {"label": "No, and tell Claude what to do differently (esc)", "number": 3},
]
SHOWN = "\n".join(f"\x1b[3{n % 8}m●\x1b[0m {title}" for n, title in enumerate(TITLES[:7])) + "\n\n> \n"

# -- what it is filled with ----------------------------------------------------------------------


async def fill_small(world: World) -> None:
    """Three tasks, five sessions: one at work, one that asks, one unseen, one with a queue, and one that failed."""
    world.now -= 40 * MINUTE
    shop = await world.made(CreateProject(name="支払い shop-api", working_dir="/src/shop", description=TITLES[6]))
    tasks = [
        await world.made(CreateTask(project_id=shop, title=TITLES[at], description=TITLES[6], priority=priority))
        for at, priority in ((1, Priority.HIGH), (6, Priority.MEDIUM))
    ]
    last = CreateTask(project_id=shop, title=TITLES[2], dependencies=(tasks[0],), labels=("tests", "支払い"))
    tasks.append(await world.made(last))
    await _people(world, shop, {0: tasks[0], 3: tasks[1]}, len(NAMES))


async def fill_large(world: World) -> None:
    """A hundred thousand tasks in ten projects, and fifty sessions."""
    world.now -= 40 * MINUTE
    projects = [
        await world.made(CreateProject(name=f"{title[:40]} {at}", working_dir=f"/src/{at}"))
        for at, title in enumerate(islice(cycle(TITLES), PROJECTS))
    ]
    world.fill(Noun.TASK, _many(projects))
    begun = {n: f"task_{START}_{900_000 + n * PROJECTS:09}" for n in range(SESSIONS)}
    await world.do(BlockTask(task_id=f"task_{START}_000900001", reason=TITLES[3]))
    await _people(world, projects[0], begun, SESSIONS)


def _many(projects: list[str]) -> Iterator[Task]:
    """Most is over, as it is in life; some chains, some children."""
    for n in range(TASKS):
        id_ = f"task_{START}_{900_000 + n:09}"
        project, before = projects[n % PROJECTS], f"task_{START}_{900_000 + n - 4 * PROJECTS:09}"
        status = TaskStatus.TODO if n < 4_000 or n % 20 == 0 else TaskStatus.COMPLETED
        yield Task(
            id=id_,
            project_id=project,
            title=f"{TITLES[n % len(TITLES)]} {n}",
            status=status,
            priority=list(Priority)[n % len(Priority)],
            dependencies=(before,) if 1_000 < n < 4_000 else (),
            parent_id=before if n > TASKS // 2 and n % 7 == 0 else None,
            completed_at=START if status is TaskStatus.COMPLETED else None,
            created_at=START,
            updated_at=START,
        )


async def _people(world: World, project: str, work: dict[int, str], number: int) -> None:
    """Sessions in every state; ``work`` is what each does."""
    for n, name in enumerate(islice(cycle(NAMES), number)):
        world.now += 10_000
        kind, tasks = n % 5, (work[n],) if n in work else ()
        provider = ("claude", "codex", "gemini")[n % 3]
        strategy = Strategy.QUEUE if kind == 3 else Strategy.SIMPLE
        name = f"{name} {n}" if n >= len(NAMES) else name
        id_ = await world.made(
            SpawnSession(project_id=project, name=name, provider=provider, strategy=strategy, task_ids=tasks)
        )
        me = Actor("session", id_)
        await world.do(RegisterSession(session_id=id_, pane=Pane(socket="m-0", window="@1", pane="%1", pid=1)))
        turn = Turn(state="working", source="hook", confidence=1.0, since=world.now)
        await world.do(RecordTurn(session_id=id_, status=SessionStatus.WORKING, turn=turn))
        for task in tasks if kind != 3 else ():
            await world.do(StartTask(task_id=task, session_id=id_), me)
        await world.do(Report(message=TITLES[n % 8], session_id=id_), me)
        await _goes_on(world, id_, kind)
        await world.draw(id_, SHOWN, width=120, height=40, cursorX=2, cursorY=8, **_dialog(kind))
    await _letters(world, project)


async def _goes_on(world: World, id_: str, kind: int) -> None:
    if kind == 1:
        await world.do(NeedInput(session_id=id_, message=QUESTION))
    elif kind == 2:
        await world.do(RecordTurn(session_id=id_, status=SessionStatus.IDLE))
    elif kind == 3 and world.state.items(id_):
        await world.do(StartItem(session_id=id_), Actor("session", id_))
    elif kind == 4:
        await world.do(RecordExit(session_id=id_, code=1, reason="exited with code 1"))


def _dialog(kind: int) -> dict[str, object]:
    asked = {"kind": "permission", "text": QUESTION, "choices": CHOICES, "digest": "d1"}
    return {"dialog": asked} if kind == 1 else {}


async def _letters(world: World, project: str) -> None:
    live = [session.id for session in world.state.live_sessions()]
    asked = await world.made(
        SendMail(to_session_id=live[0], subject=TITLES[1], message="\n\n".join(TITLES[:8])), Actor("session", live[1])
    )
    await world.do(SendMail(reply_to_mail_id=asked, message=TITLES[3]), Actor("session", live[0]))
    await world.do(SendMail(project_id=project, subject=TITLES[6], message="Until noon."))


async def _nothing(_world: World) -> None:
    """An empty home."""


FILLED: dict[str, Callable[[World], Awaitable[None]]] = {"empty": _nothing, "small": fill_small, "large": fill_large}


@asynccontextmanager
async def filled(fill: str) -> AsyncIterator[Seen]:
    """The app, whole, on a world that is filled so."""
    async with World() as world:
        await FILLED[fill](world)
        async with looking(world, (120, 40)) as seen:
            await seen.until(lambda: seen.app.desk.mirror.whole, "everything is read")
            if fill != "empty":
                await seen.until(lambda: seen.app.desk.asking.dialogs, "a question is read")
            yield seen


# -- how each is reached -------------------------------------------------------------------------


def _at(noun: Noun) -> Callable[[Seen], Awaitable[None]]:
    async def details(seen: Seen) -> None:
        table = seen.app.desk.mirror.state.table(noun)
        if table:
            seen.app.show_details(noun, next(iter(table)))
        else:
            seen.app.action_show("details")

    return details


def _mode(name: str) -> Callable[[Seen], Awaitable[None]]:
    async def shown(seen: Seen) -> None:
        seen.app.action_show(name)

    return shown


async def _on_mission(seen: Seen) -> None:
    seen.app.action_show("mission")
    live = [session.id for session in seen.app.desk.mirror.state.live_sessions()]
    if live:
        seen.app.mission.go_to(Noun.SESSION, live[0])


def _over(action: str) -> Callable[[Seen], Awaitable[None]]:
    async def opened(seen: Seen) -> None:
        await _on_mission(seen)
        await seen.app.run_here(f"app.{action}")

    return opened


STANDS: dict[str, Callable[[Seen], Awaitable[None]]] = {
    "mission": _on_mission,
    "inbox": _mode("inbox"),
    "board": _mode("board"),
    "sessions": _mode("sessions"),
    "queue": _mode("queue"),
    "mail": _mode("mail"),
    "graph": _mode("graph"),
    "history": _mode("history"),
    "skills": _mode("skills"),
    "task": _at(Noun.TASK),
    "session": _at(Noun.SESSION),
    "new-task": _over("new_task"),
    "spawn": _over("spawn"),
    "help": _over("help"),
}
"""The screens and the large dialogs."""
NEVER_EMPTY = frozenset({"new-task", "help"})
"""What nobody opens in an empty home, or finds as it is elsewhere."""


def stands(fill: str) -> list[str]:
    """Those that are worth a look when it is filled so."""
    return [name for name in STANDS if fill != "empty" or name not in NEVER_EMPTY]


@asynccontextmanager
async def standing(seen: Seen, name: str) -> AsyncIterator[None]:
    """One of them, with all that it reads; its dialog is closed after it."""
    await seen.pilot.resize_terminal(120, 40)
    await STANDS[name](seen)
    await settled(seen)
    yield
    while isinstance(seen.app.screen, Dialog):
        await seen.press("escape")


async def settled(seen: Seen) -> None:
    """Until it stands still."""
    before = [""]

    def still() -> bool:
        seen.app.clear_notifications()
        if "… reading" in seen.text:
            return False
        last, before[0] = before[0], seen.text
        return last == before[0]

    await seen.until(still, "it stands still")


async def at_size(seen: Seen, size: tuple[int, int]) -> list[str]:
    """What is wrong with it in this size, when it stands still."""
    await seen.pilot.resize_terminal(*size)
    if found := faults(seen):
        await settled(seen)
        found = faults(seen)
    return found


# -- what can be wrong ---------------------------------------------------------------------------


def columns(text: str) -> list[str]:
    """The characters by the column they begin at, as Unicode has their widths; the second half of a wide one is empty.

    Textual's own table is not asked: it is what is proved.
    """
    found: list[str] = []
    for char in text:
        if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
            continue
        found += [char, ""] if unicodedata.east_asian_width(char) in {"W", "F"} else [char]
    return found


def faults(seen: Seen) -> list[str]:
    """What is wrong with the looks of what is shown."""
    size, text = seen.app.size, seen.text
    rows = [columns(line) for line in text.splitlines()]
    found = [f"row {y} is {len(row)} cells wide" for y, row in enumerate(rows) if len(row) != size.width]
    found += [f"{len(rows)} rows"] if len(rows) != size.height else []
    found += [f"{word!r} is shown" for word in ("Traceback", "cannot be shown", "\x1b") if word in text]
    found += [f"a state is cut: {match}" for match in CUT_STATES.findall(text)]
    if found:
        return found
    for widget in seen.app.screen.walk_children(Widget):
        if widget.is_on_screen:
            found += _faults_of(seen, widget, rows)
    return found


def _faults_of(seen: Seen, widget: Widget, rows: list[list[str]]) -> Iterator[str]:
    if widget.styles.border_top[0] == "round":
        yield from _frame_faults(seen, widget, rows)
    match widget:
        case LineList():
            for y in range(widget.size.height):
                line = widget.content(y).line
                if cells_of(line) + 1 > widget.size.width:
                    yield f"#{widget.id}: a row is cut: {text_of(line)!r}"
        case Bar():
            if cells_of(widget._drawn[1]) > widget.size.width:
                yield f"#{widget.id}: it is cut: {text_of(widget._drawn[1])!r}"
        case _ if "label" in widget.classes:
            shown = "".join(rows[widget.region.y][widget.region.x : widget.region.right]).strip()
            if shown != str(widget.render()).strip():
                yield f"a label is cut: {shown!r}"
        case _:
            pass


def _frame_faults(seen: Seen, widget: Widget, rows: list[list[str]]) -> Iterator[str]:
    """Its lines are whole, and its title too, or it ends with an ellipsis."""
    region = widget.region

    def covered(x: int, y: int) -> bool:
        return widget not in seen.app.screen.get_widget_at(x, y)[0].ancestors_with_self

    if not region or not seen.app.screen.region.contains_region(region):
        yield f"#{widget.id} stands outside: {region}"
        return
    for y in range(region.y + 1, region.bottom - 1):
        for x in (region.x, region.right - 1):
            if rows[y][x] != "│" and not covered(x, y):
                yield f"#{widget.id}: its line is broken at {x},{y} by {rows[y][x]!r}"
                return
    for title, y in ((widget.border_title, region.y), (widget.border_subtitle, region.bottom - 1)):
        shown = "".join(rows[y][region.x : region.right]).strip("╭╮╰╯─ ")
        whole = str(title or "").strip()
        if shown != whole and not (shown.endswith("…") and whole.startswith(shown[:-1].rstrip())):
            yield f"#{widget.id}: its title is cut: {shown!r} of {whole!r}"


def _cut_states() -> re.Pattern[str]:
    known = [faces.READY, faces.WAITS, faces.NEEDS_YOU, faces.UNREACHABLE, faces.UNSEEN]
    for table in (faces.TASKS, faces.SESSIONS, faces.ITEMS):
        known += table.values()
    words = {(face.glyph, face.word[:at]) for face in known for at in range(3, len(face.word))}
    return re.compile("|".join(f"{re.escape(glyph)} {re.escape(part)}…" for glyph, part in sorted(words)))


CUT_STATES = _cut_states()

# -- pictures ------------------------------------------------------------------------------------


def looks(seen: Seen) -> list[Strip]:
    """What is on the screen, with its colours."""
    return [Strip(Segment.simplify(strip)) for strip in seen.app.screen._compositor.render_strips()]
