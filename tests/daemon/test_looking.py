"""Looking at agents of whom nobody tells, on a clock whose hands the test holds: their screens and their files."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from random import Random

import pytest

from maestrod.domain.model import Pane, Session
from maestrod.domain.sessions import LaunchSession, RegisterSession, SpawnSession
from maestrod.engine.live import Live
from maestrod.tmux.control import ControlClient
from maestrod.tmux.errors import TmuxFailed
from maestrod.tmux.facts import Capture, PaneRef
from maestrod.tmux.oneshot import Tmux
from maestrod.watch.edges import moves, recorded
from maestrod.watch.evidence import Doing, Evidence, Signs, Source
from maestrod.watch.looker import Looker
from maestrod.watch.observer import Observer
from maestrod.watch.rulebook import FOLDER, Rulebook
from maestrod.watch.turns import QUIET_MS, STALE_MS, Verdict, wants_look
from tests.agents import corpus
from tests.daemon.house import House, house

PLAIN = """
format = 1
provider = "plain"
rules = [
  { name = "working", says = "working", priority = 1, all = [{ in = "bottom", match = '\\(esc stops\\)$', rows = 3 }] },
  { name = "ready", says = "idle", all = [{ in = "bottom", match = '^ready>', rows = 1 }] },
]
"""


class Screens(ControlClient):
    """A tmux that shows what it is told to, and counts who looks."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Tmux("none", folder / "tmux.conf", os.environ))
        self.shown = ""
        self.there = True
        self.looks = 0

    @property
    def connected(self) -> bool:
        return self.there

    async def capture(self, pane: PaneRef, *, colours: bool = True, history_lines: int = 0) -> Capture:
        self.looks += 1
        if self.shown == "gone":
            raise TmuxFailed("capture-pane", "can't find pane")
        return Capture(
            text=self.shown,
            width=120,
            height=40,
            cursor_x=0,
            cursor_y=0,
            title="",
            alternate=False,
            dead=False,
        )


class Watch:
    """One session, its observer and its looker."""

    def __init__(self, made: House, folder: Path) -> None:
        self.house = made
        self.folder = folder
        self.screens = Screens(folder)
        self.rules = Rulebook(folder)
        self.observer = Observer(made.engine, Live(), idle_end_s=10)
        self.looker = Looker(made.engine, self.observer, self.screens, self.rules, start_limit_s=60)
        self.id = ""
        self.hooks = 0

    async def begin(self, provider: str, *, launched: bool = False) -> None:
        """A session of that provider, whose pane is known; ``launched`` just now, or nobody knows when."""
        ids = await self.house.do(SpawnSession(project_id=await self.house.project(), provider=provider))
        self.id = next(id_ for id_ in ids if id_.startswith("sess"))
        if launched:
            await self.house.do(LaunchSession(session_id=self.id, holder="test"))
        pane = Pane(socket="s", window="@1", pane="%1", pid=os.getpid(), pid_started_at=1)
        await self.house.do(RegisterSession(session_id=self.id, pane=pane))

    async def hook(self, event: str, **payload: object) -> None:
        await self.late(event, payload, 0)

    async def late(self, event: str, payload: Mapping[str, object], before_ms: int) -> None:
        """A hook comes that was called so long ago."""
        self.hooks += 1
        session, at = self.session, self.house.clock.at - before_ms
        await self.observer.hook(session, session.provider, event, payload, hook_id=f"h{self.hooks}", at=at)

    async def pass_s(self, seconds: int) -> None:
        """Let time pass, looked at every second."""
        for _ in range(seconds):
            self.house.clock.at += 1_000
            await self.looker.look()
            await self.observer.tick()

    @property
    def session(self) -> Session:
        return self.house.engine.state.session(self.id)

    @property
    def verdict(self) -> Verdict:
        return self.observer.verdict(self.id)

    @property
    def told(self) -> tuple[str, str]:
        return self.verdict.doing.value, self.verdict.source


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    async with house(tmp_path) as made:
        yield Watch(made, tmp_path)


# -- silence --------------------------------------------------------------------------------------------


async def test_an_agent_at_work_that_is_silent_for_an_hour_is_at_work_as_long_as_its_screen_says_so(
    watch: Watch,
) -> None:
    await watch.begin("claude")
    watch.screens.shown = corpus.screen("claude", "working")
    await watch.hook("UserPromptSubmit")
    await watch.pass_s(3_600)
    assert watch.told == ("working", "hook")
    assert watch.session.status.value == "working"
    assert watch.screens.looks < 40


async def test_an_agent_at_work_of_which_nothing_is_heard_or_seen_is_unknown_after_ten_minutes(watch: Watch) -> None:
    await watch.begin("claude")
    await watch.hook("UserPromptSubmit")
    await watch.pass_s(STALE_MS // 1_000 - 1)
    assert watch.told == ("working", "hook")
    await watch.pass_s(1)
    assert watch.verdict.doing.value == "unknown"
    assert watch.verdict.rule == "claude hook UserPromptSubmit, stale"
    assert watch.session.turn.state == "unknown"
    assert watch.session.status.value == "working"


async def test_an_agent_that_was_interrupted_without_any_other_sign_is_idle_by_its_screen(watch: Watch) -> None:
    await watch.begin("claude")
    await watch.hook("UserPromptSubmit")
    watch.screens.shown = corpus.screen("claude", "interrupted")
    await watch.pass_s(12)
    assert watch.told == ("idle", "screen")
    assert watch.session.status.value == "idle"
    assert watch.screens.looks <= 8


async def test_a_dialog_that_no_hook_told_of_is_seen(watch: Watch) -> None:
    await watch.begin("codex")
    await watch.hook("UserPromptSubmit")
    watch.screens.shown = corpus.screen("codex", "permission")
    await watch.pass_s(12)
    assert watch.session.turn.kind == "permission"
    assert watch.session.needs_input.message == watch.session.turn.text
    assert "touch made.txt" in watch.session.needs_input.message
    watch.screens.shown = corpus.screen("codex", "working")
    await watch.pass_s(20)
    assert not watch.session.needs_input.active


async def test_what_was_seen_once_is_told_to_nobody(watch: Watch) -> None:
    await watch.begin("claude")
    await watch.hook("UserPromptSubmit")
    for name in ("idle", "working", "permission", "working") * 10:
        watch.screens.shown = corpus.screen("claude", name)
        await watch.pass_s(1)
        assert watch.told == ("working", "hook")


@pytest.mark.parametrize(("event", "more"), [("Stop", {}), ("StopFailure", {"error": "rate_limit"})])
async def test_an_agent_at_rest_is_not_looked_at(watch: Watch, event: str, more: dict[str, object]) -> None:
    await watch.begin("claude")
    await watch.hook("UserPromptSubmit")
    await watch.hook(event, **more)
    await watch.pass_s(1_000)
    assert watch.screens.looks == 0


@pytest.mark.parametrize("shown", ["gone", "", "\x00" * 10_000, "❯ 1. " * 100_000])
async def test_a_screen_that_says_nothing_changes_nothing(watch: Watch, shown: str) -> None:
    await watch.begin("claude")
    await watch.hook("UserPromptSubmit")
    watch.screens.shown = shown
    await watch.pass_s(100)
    assert watch.told == ("working", "hook")


# -- starting -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "name", "kind"),
    [
        ("claude", "dialog-trust", "trust"),
        ("claude", "dialog-bypass", "trust"),
        ("claude", "dialog-apikey", "login"),
        ("codex", "dialog-trust", "trust"),
        ("codex", "dialog-hooks", "trust"),
        ("codex", "firstrun-login", "login"),
        ("gemini", "firstrun-1", "trust"),
    ],
)
async def test_an_agent_that_asks_before_it_begins_needs_a_person(
    watch: Watch, provider: str, name: str, kind: str
) -> None:
    await watch.begin(provider)
    watch.screens.shown = corpus.screen(provider, name)
    await watch.pass_s(2)
    assert watch.session.status.value == "spawning"
    assert (watch.session.turn.state, watch.session.turn.kind) == ("needs_input", kind)
    assert watch.session.needs_input.active
    watch.screens.shown = corpus.screen(provider, "empty-idle")
    await watch.pass_s(5)
    assert watch.session.status.value == "idle"
    assert not watch.session.needs_input.active


async def test_an_agent_may_ask_about_its_folder_after_its_hooks_said_that_it_is_idle(watch: Watch) -> None:
    await watch.begin("gemini", launched=True)
    await watch.hook("SessionStart")
    await watch.hook("BeforeAgent")
    await watch.hook("AfterAgent")
    await watch.pass_s(3)
    watch.screens.shown = corpus.screen("gemini", "firstrun-1")
    await watch.pass_s(6)
    assert (watch.session.turn.state, watch.session.turn.kind) == ("needs_input", "trust")
    assert watch.session.needs_input.active
    await watch.hook("BeforeAgent")
    assert not watch.session.needs_input.active


async def test_an_agent_at_rest_is_looked_at_no_more_once_it_is_long_up(watch: Watch) -> None:
    await watch.begin("gemini", launched=True)
    await watch.hook("SessionStart")
    watch.screens.shown = corpus.screen("gemini", "empty-idle")
    await watch.pass_s(1_000)
    assert watch.told == ("idle", "hook")
    assert 15 <= watch.screens.looks <= 25


async def test_what_an_agent_shows_that_gives_no_sign_is_told(watch: Watch) -> None:
    await watch.begin("claude")
    watch.screens.shown = "\n\n  Updating to a new version …\n  42 %\n"
    await watch.pass_s(59)
    assert not watch.session.needs_input.active
    await watch.pass_s(1)
    asked = watch.session.needs_input
    assert asked.message == "no sign of life yet; its pane shows: Updating to a new version … / 42 %"
    await watch.pass_s(100)
    assert watch.session.needs_input == asked


async def test_without_tmux_nothing_is_looked_at_and_a_late_agent_is_told_of(watch: Watch) -> None:
    watch.screens.there = False
    await watch.begin("claude")
    await watch.pass_s(61)
    assert watch.screens.looks == 0
    assert watch.session.needs_input.message == "no sign of life yet; look at its pane"


# -- agents without hooks -------------------------------------------------------------------------------


async def test_an_agent_of_which_only_the_screen_tells_is_followed_by_own_rules(watch: Watch) -> None:
    (watch.folder / FOLDER).mkdir()
    (watch.folder / FOLDER / "plain.toml").write_text(PLAIN)
    watch.rules.load()
    assert watch.rules.troubles == ()
    await watch.begin("plain")
    seen = []
    for shown in ("ready> ", "working 3s (esc stops)\n> ", "done in 3s\nready> "):
        watch.screens.shown = shown
        await watch.pass_s(1)
        seen.append(watch.session.status.value)
        await watch.pass_s(1)
        seen.append(watch.session.status.value)
    assert seen == ["spawning", "idle", "idle", "working", "working", "idle"]


# -- files ----------------------------------------------------------------------------------------------


def line(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


async def test_an_error_that_only_the_log_tells_of_is_told(watch: Watch) -> None:
    log = watch.folder / "rollout.jsonl"
    log.write_bytes(b"")
    await watch.begin("codex")
    await watch.hook("UserPromptSubmit", transcript_path=str(log))
    await watch.pass_s(1)
    error = {"message": "You've hit your usage limit.", "codex_error_info": "usage_limit_exceeded"}
    log.write_bytes(line(type="event_msg", payload={"type": "task_complete", "error": error}))
    await watch.pass_s(5)
    assert watch.told == ("error", "transcript")
    assert (watch.session.turn.kind, watch.session.turn.text) == ("limit", error["message"])
    assert watch.session.needs_input.message == f"error: {error['message']}"


async def test_claude_s_state_file_tells_of_an_interruption(watch: Watch) -> None:
    log = watch.folder / "projects" / "-srv-x" / "talk.jsonl"
    state = watch.folder / "sessions" / f"{os.getpid()}.json"
    for path in (log, state):
        path.parent.mkdir(parents=True)
    await watch.begin("claude")
    await watch.hook("UserPromptSubmit", transcript_path=str(log))
    for told in (b"", b"{half a fi", line(pid=1, status="idle"), line(pid=os.getpid(), status="busy")):
        state.write_bytes(told)
        await watch.pass_s(4)
        assert watch.verdict.doing.value == "working", told
    state.write_bytes(line(pid=os.getpid(), status="idle"))
    await watch.pass_s(4)
    assert watch.told == ("idle", "transcript")
    assert watch.verdict.rule == "claude state file idle"


@pytest.mark.parametrize("path", ["relative.jsonl", "/dev/zero", "/nowhere/x.jsonl", "/", "/proc/self/mem"])
async def test_a_log_that_is_none_changes_nothing(watch: Watch, path: str) -> None:
    await watch.begin("claude")
    await watch.hook("UserPromptSubmit", transcript_path=path)
    await watch.pass_s(20)
    assert watch.told == ("working", "hook")


# -- hooks that say what the last one said --------------------------------------------------------------

SAID = ("UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "Notification", "PermissionRequest")


@pytest.mark.parametrize("seed", range(12))
async def test_whoever_speaks_in_whatever_order_nothing_that_follows_stays_undone(watch: Watch, seed: int) -> None:
    """Most hooks are not judged, for they say what is known: whether they might be missed is asked after each step."""
    random = Random(seed)
    await watch.begin("claude")
    watch.house.engine.listen(watch.observer.heard)
    for _ in range(150):
        now = watch.house.clock.at
        match random.choice(["hook", "hook", "hook", "work", "work", "seen", "time", "late", "asks"]):
            case "hook":
                await watch.hook(random.choice(SAID), tool_name="Bash", tool_input={"command": "make"})
            case "work":
                path = random.choice(["/a", "/b"])
                await watch.hook("PostToolUse", transcript_path=path, session_id="c")
                assert watch.session.transcript_path == path
            case "asks":
                await watch.observer.ask_person(watch.id, "Which one?")
            case "late":
                await watch.late("PreToolUse", {}, random.randint(1, 9_000))
            case "seen":
                source = random.choice([Source.TRANSCRIPT, Source.TITLE, Source.SCREEN])
                doing = random.choice([Doing.IDLE, Doing.WORKING, Doing.NEEDS_INPUT, Doing.ERROR])
                await watch.observer.told(watch.id, Evidence(source=source, doing=doing, rule="seen", at=now))
            case _:
                watch.house.clock.at += random.choice([1, 400, 3_000, 700_000])
        for _ in range(2):  # what has moved is looked at once more
            await watch.observer.tick()
        left = recorded(watch.session, watch.verdict, Signs(), watch.house.clock.at)
        assert not moves(watch.session, left), left
        doubted = wants_look(watch.observer.evidence(watch.id), now - random.randint(0, 60_000), watch.house.clock.at)
        assert not (doubted and watch.observer.is_undoubted(watch.id, QUIET_MS))
