"""A made-up project with agents at work on it: what the screens of the tests and of the pages show."""

import msgspec

from maestrod.domain.changes import Actor
from maestrod.domain.mail import AckMail, HoldMail, ReadMail, SendMail, SurfaceMail
from maestrod.domain.model import EntryType, MailType, Pane, Priority, Role, SessionStatus, Strategy, Turn
from maestrod.domain.projects import CreateProject
from maestrod.domain.queues import CompleteItem, StartItem
from maestrod.domain.sessions import NeedInput, RecordExit, RecordTurn, RegisterSession, SpawnSession
from maestrod.domain.subtasks import CreateSubtask, EditSubtask
from maestrod.domain.tasks import CreateTask
from maestrod.domain.timeline import Report
from maestrod.domain.work import BlockTask, CompleteTask, ReviewTask, StartTask
from tests.support.world import World

MINUTE = 60_000

PANE = """\
\x1b[1m\x1b[38;5;173m✻\x1b[39m Fix the flaky login test\x1b[0m

\x1b[38;5;114m●\x1b[39m The test races with the session cookie: it reads the header before
  the redirect has set it. I will wait for the redirect instead.

\x1b[38;5;114m●\x1b[39m \x1b[1mUpdate\x1b[0m(tests/test_login.py)
  \x1b[2m└\x1b[0m  Updated \x1b[1mtests/test_login.py\x1b[0m with 6 additions and 2 removals
      \x1b[2m41\x1b[0m      client = app.test_client()
      \x1b[2m42\x1b[0m \x1b[48;2;74;32;36m-    answer = client.post("/login", data=form)          \x1b[0m
      \x1b[2m42\x1b[0m \x1b[48;2;28;62;38m+    answer = client.post("/login", data=form,          \x1b[0m
      \x1b[2m43\x1b[0m \x1b[48;2;28;62;38m+                         follow_redirects=True)        \x1b[0m
      \x1b[2m44\x1b[0m      assert answer.status_code == 200

\x1b[38;5;114m●\x1b[39m \x1b[1mBash\x1b[0m(pytest tests/test_login.py --count 50 -q)
  \x1b[2m└\x1b[0m  \x1b[32m..................................................\x1b[39m
     \x1b[32m50 passed\x1b[39m in 4.81s

\x1b[38;5;114m●\x1b[39m \x1b[1mBash\x1b[0m(maestro task report --progress "50 runs green")
  \x1b[2m└\x1b[0m  reported

\x1b[38;5;173m✢ Tidying up…\x1b[39m \x1b[2m(esc to interrupt · 2m 14s · ↓ 3.1k tokens)\x1b[0m

\x1b[2m────────────────────────────────────────────────────────────────────────────────────────────────\x1b[0m
> \x20
\x1b[2m────────────────────────────────────────────────────────────────────────────────────────────────\x1b[0m
  \x1b[2m» accept edits on (shift+tab to cycle)\x1b[0m
"""


QUESTION = """\
 Bash command

   npm test

 Run `npm test`?
 ❯ 1. Yes
   2. Yes, and don't ask again for npm test in /src/shop-api
   3. No, and tell Claude what to do differently (esc)
"""
CHOICES = [
    {"label": "Yes", "number": 1, "chosen": True},
    {"label": "Yes, and don't ask again for npm test in /src/shop-api", "number": 2},
    {"label": "No, and tell Claude what to do differently (esc)", "number": 3},
]


class Sample(msgspec.Struct, frozen=True):
    """The ids of what stands in it."""

    shop: str
    infra: str
    login: str
    fix: str
    api: str
    docs: str
    queue: str


async def fill(world: World) -> Sample:
    """Tell a morning's work, rule by rule."""
    world.now -= 95 * MINUTE
    shop = await world.made(
        CreateProject(name="shop-api", working_dir="/src/shop-api", description="Orders and tills.")
    )
    infra = await world.made(CreateProject(name="infra", working_dir="/src/infra"))
    login = await _task(
        world,
        shop,
        "Fix the flaky login test",
        priority=Priority.HIGH,
        description="It fails about once in twenty runs, always at the redirect.\n\nDo not retry it away.",
        acceptance_criteria=("50 runs in a row are green", "no sleep in the test"),
        labels=("tests",),
    )
    for title, done in (("find the race", True), ("wait for the redirect", True), ("run it 50 times", False)):
        await world.do(CreateSubtask(task_id=login, title=title))
        if done:
            item = world.state.subtasks(login)[-1].id
            await world.do(EditSubtask(subtask_id=item, completed=True))
    pages = await _task(world, shop, "Page the list of orders")
    limits = await _task(world, shop, "Rate limits per key", priority=Priority.CRITICAL)
    await _task(world, shop, "Write the limits down", parent_id=limits)
    await _task(world, shop, "Count tokens in the bucket", parent_id=limits)
    deploy = await _task(world, shop, "Deploy to the test shop", dependencies=(login, limits))
    stock = await _task(world, shop, "Reserve stock at checkout")
    guide = await _task(world, shop, "Say in the guide how refunds work")
    money = await _task(world, shop, "Round money like the tills do")
    queued = [await _task(world, shop, title) for title in ("Name the errors", "Log in UTC", "Drop Python 3.10")]
    for title in ("Cut the image by half", "Renew the certificates", "Alarm on a full disk"):
        await _task(world, infra, title)
    await world.do(StartTask(task_id=money))
    await world.do(CompleteTask(task_id=money))
    await world.do(StartTask(task_id=pages))
    await world.do(ReviewTask(task_id=pages))
    await world.do(StartTask(task_id=stock))
    await world.do(BlockTask(task_id=stock, reason="the ledger has no test account yet"))
    assert deploy
    world.now += 60 * MINUTE
    queue = await _session(world, shop, "tidy-up", "codex", tuple(queued), strategy=Strategy.QUEUE)
    await world.do(StartItem(session_id=queue), Actor("session", queue))
    await world.do(CompleteItem(session_id=queue, note="named"), Actor("session", queue))
    await world.do(StartItem(session_id=queue), Actor("session", queue))
    world.now += 20 * MINUTE
    old = await _session(world, shop, "try-uvloop", "claude", ())
    await world.do(RecordExit(session_id=old, code=1, reason="exited with code 1"))
    world.now += 10 * MINUTE
    fix = await _session(world, shop, "fix-login", "claude", (login,), model="opus")
    api = await _session(world, shop, "rate-limits", "claude", (limits,), model="sonnet")
    docs = await _session(world, shop, "guide", "gemini", (guide,))
    plan = await _session(world, infra, "planner", "codex", (), role=Role.ORCHESTRATOR)
    for session, task in ((fix, login), (api, limits), (docs, guide)):
        await world.do(StartTask(task_id=task, session_id=session), Actor("session", session))
    await world.do(Report(message="found the race: the cookie comes late", session_id=fix, task_id=login))
    world.now += MINUTE
    await world.do(NeedInput(session_id=api, message="Run `npm test`?"))
    await world.do(Report(message="the race is gone", session_id=fix, task_id=login, type=EntryType.MILESTONE))
    world.now += 2 * MINUTE
    await world.do(NeedInput(session_id=docs, message="Which version of the refund rules is right, 2 or 3?"))
    await world.do(Report(message="50 runs green", session_id=fix, task_id=login))
    await world.do(RecordTurn(session_id=plan, status=SessionStatus.IDLE))
    world.now += MINUTE
    asked = {"kind": "permission", "text": "Run `npm test`?", "choices": CHOICES, "digest": "d1"}
    await world.draw(api, QUESTION, width=120, height=40, cursorX=0, cursorY=5, dialog=asked)
    await world.draw(fix, PANE, width=120, height=40, cursorX=2, cursorY=23)
    return Sample(shop, infra, login, fix, api, docs, queue)


async def write(world: World, sample: Sample) -> None:
    """Let them write to each other."""
    kept = await world.made(SendMail(to_session_id=sample.fix, subject="Fixture", message="Use the one in tests/data."))
    await world.do(ReadMail(mail_id=kept, session_id=sample.fix, channel="cli"))
    await world.do(AckMail(mail_id=kept, session_id=sample.fix, channel="cli"))
    asked = "Which port does the test shop listen on?\n\nThe fixture says 8080, the guide says 8081."
    query = await world.made(
        SendMail(
            to_session_id=sample.docs, type=MailType.QUERY, subject="Which port", message=asked, priority=Priority.HIGH
        ),
        Actor("session", sample.fix),
    )
    await world.do(SurfaceMail(session_id=sample.docs, mail_ids=(query,)), Actor("daemon", ""))
    await world.do(SendMail(reply_to_mail_id=query, message="8081. I mend the fixture."), Actor("session", sample.docs))
    frozen = SendMail(project_id=sample.shop, type=MailType.DIRECTIVE, subject="main is frozen", message="Until noon.")
    held = (await world.do(frozen))[0].id
    await world.do(HoldMail(session_id=sample.api, mail_ids=(held,), reason="a dialog is open"), Actor("daemon", ""))


async def _task(world: World, project: str, title: str, **more: object) -> str:
    return await world.made(msgspec.convert({"title": title, "projectId": project, **_camel(more)}, CreateTask))


async def _session(world: World, project: str, name: str, provider: str, tasks: tuple[str, ...], **more: object) -> str:
    command = {"projectId": project, "name": name, "provider": provider, "taskIds": tasks, **more}
    id_ = await world.made(msgspec.convert(command, SpawnSession))
    await world.do(RegisterSession(session_id=id_, pane=Pane(socket="maestro-0", window="@1", pane="%1", pid=1)))
    turn = Turn(state="working", source="hook", confidence=1.0, since=world.now)
    await world.do(RecordTurn(session_id=id_, status=SessionStatus.WORKING, turn=turn))
    return id_


def _camel(fields: dict[str, object]) -> dict[str, object]:
    names = {"acceptance_criteria": "acceptanceCriteria", "parent_id": "parentId"}
    return {names.get(name, name): value for name, value in fields.items()}
