"""The fake in a real tmux: what a capture shows, titles, the recipe for sending, and being killed."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from maestro_cli.fake.arguments import FaceName
from maestrod.tmux.facts import Pane, PaneFacts
from maestrod.tmux.oneshot import Tmux
from tests.agents.fake_run import Home, home_of
from tests.support.eventually import eventually

pytestmark = pytest.mark.tmux

AGENTS = ("claude", "codex", "gemini")


class Window:
    """A fake in a window of a private server."""

    def __init__(self, tmux: Tmux, home: Home, argv: list[str]) -> None:
        self.tmux = tmux
        self.home = home
        self.pane: Pane = tmux.open_window(
            session_id="ses_1", name="fake", cwd=str(home.work), argv=argv, env=home.env()
        )

    def facts(self) -> PaneFacts:
        return self.tmux.panes()[0]

    def screen(self) -> str:
        """The last 15 lines that are not blank, as a screen rule sees them."""
        lines = self.tmux.capture(self.pane.ref, colours=False).text.split("\n")
        return "\n".join([line.rstrip() for line in lines if line.strip()][-15:])

    def shows(self, pattern: str, *, title: str) -> None:
        found = re.compile(pattern, re.MULTILINE)
        eventually(lambda: found.search(self.screen()), what=f"{pattern} in\n{self.screen()}")
        eventually(lambda: re.fullmatch(title, self.facts().title), what=f"{title} like {self.facts().title!r}")

    def pid(self) -> int:
        return int(str(eventually(lambda: self.home.log("start"))[0]["pid"]))

    def called(self, event: str, count: int = 1) -> None:
        eventually(lambda: self.home.events().count(event) >= count, what=event)


@contextmanager
def window(tmux: Tmux, face: FaceName, prompt: str) -> Iterator[Window]:
    with home_of(face) as home:
        shown = Window(tmux, home, home.argv(*home.options(), *home.opening(prompt)))
        try:
            yield shown
        finally:
            for entry in home.log("start"):
                end(int(str(entry["pid"])))


def end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


SCREENS: dict[FaceName, list[tuple[str, str]]] = {
    "claude": [
        (r"^[·✢✳✶✻✽] \w+…[\s\S]*esc to interrupt$", "✳ Claude Code"),
        (r"Do you want to proceed\?\n ❯ 1\. Yes[\s\S]*Esc to cancel", "✳ Claude Code"),
        (r"^✻ Baked for \ds · done [\d:]+ [AP]M$[\s\S]*^❯\xa0?$[\s\S]*\? for shortcuts$", "✳ Claude Code"),
        (r"^● API Error: 400 broken$[\s\S]*\? for shortcuts$", "✳ Claude Code"),
    ],
    "codex": [
        (r"^[•◦] Working \(\ds • esc to interrupt\)$", r"[⠀-⣿] Scripted session \| work"),
        (
            r"Would you like to run the following command\?[\s\S]*Press enter to confirm or esc to cancel$",
            r"\[ [.!] \] Action Required \| Scripted session \| work",
        ),
        (r"^  Worked for (<1|\d)s • \d\d:\d\d$\n^› Ask Codex to do anything$", r"Scripted session \| work"),
        (r"^■ \{\"error\"[\s\S]*^› Ask Codex", r"Scripted session \| work"),
    ],
    "gemini": [
        (r"\(esc to cancel, \ds\)$", r"✦  Working… \(work\) *"),
        (r"Allow execution of \[Shell\]\?[\s\S]*● 1\. Allow once", r"✋  Action Required \(work\) *"),
        (r"^✦ done$[\s\S]*^ >   Type your message or @path/to/file$", r"◇  Ready \(work\) *"),
        (r"^✕ \[API Error:[\s\S]*Type your message", r"◇  Ready \(work\) *"),
    ],
}


@pytest.mark.parametrize("face", AGENTS)
def test_a_capture_shows_each_state(tmux: Tmux, face: FaceName) -> None:
    working, asking, idle, failed = SCREENS[face]
    with window(tmux, face, "WAIT: go\nPERMISSION: true\nSAY: done") as shown:
        shown.shows(working[0], title=working[1])
        (shown.home.work / "go").touch()
        shown.shows(asking[0], title=asking[1])
        tmux.send_keys(shown.pane.ref, "Enter")
        shown.shows(idle[0], title=idle[1])
        tmux.send_text(shown.pane.ref, "HTTP: 400 broken")
        shown.shows(failed[0], title=failed[1])


@pytest.mark.parametrize("face", AGENTS)
def test_the_recipe_delivers_a_long_message_in_every_agent(tmux: Tmux, face: FaceName) -> None:
    text = "\n".join(f"line {n}: é 日本 $HOME `x`" for n in range(60))
    with window(tmux, face, "SAY: done") as shown:
        idle = SCREENS[face][2]
        shown.shows("Type your message|Ask Codex|for shortcuts", title=idle[1])
        shown.called("AfterAgent" if face == "gemini" else "Stop")
        tmux.send_text(shown.pane.ref, text)
        eventually(lambda: shown.home.prompts()[1:] == [text], what=shown.screen())


def test_a_narrow_pane_and_a_resize_are_survived(tmux: Tmux) -> None:
    with window(tmux, "gemini", "PERMISSION: true\nSAY: done") as shown:
        shown.shows(r"Allow execution", title=".*Required.*")
        tmux.resize(shown.pane.ref, width=30, height=10)
        tmux.resize(shown.pane.ref, width=100, height=30)
        tmux.send_keys(shown.pane.ref, "Enter")
        shown.shows(r"^✦ done$", title=".*Ready.*")


def test_a_killed_window_ends_claude_with_its_last_hook_but_leaves_gemini(tmux: Tmux) -> None:
    with window(tmux, "claude", "SAY: done") as shown:
        shown.called("Stop")
        pid = shown.pid()
        tmux.kill_window(shown.pane.ref)
        eventually(lambda: gone(pid), what="the end of claude")
        assert shown.home.events()[-1] == "SessionEnd"
    with window(tmux, "gemini", "SAY: done") as shown:
        shown.called("AfterAgent")
        pid = shown.pid()
        tmux.kill_window(shown.pane.ref)
        eventually(lambda: shown.home.log("abandoned"), what="gemini without a terminal")
        os.kill(pid, signal.SIGTERM)
        assert not gone(pid)


def test_an_orphaned_gemini_does_not_stay_for_ever(tmux: Tmux) -> None:
    with home_of("gemini") as home:
        home.extra["MAESTRO_FAKE_LINGER_S"] = "0.1"
        shown = Window(tmux, home, home.argv("-i", "SAY: done"))
        pid = shown.pid()
        eventually(lambda: "done" in shown.screen())
        tmux.kill_window(shown.pane.ref)
        eventually(lambda: gone(pid), what="the end of gemini")


def test_the_alternate_screen_is_left_behind_clean(tmux: Tmux) -> None:
    with home_of("claude") as home:
        home.extra["CLAUDE_CODE_DISABLE_ALTERNATE_SCREEN"] = "0"
        script = 'printf "before\\n"; "$@"; printf "after\\n"; sleep 600'
        shown = Window(tmux, home, ["sh", "-c", script, "sh", *home.argv("--", "SAY: done")])
        eventually(lambda: "● done" in shown.screen())
        assert "before" not in shown.screen()
        tmux.send_keys(shown.pane.ref, "/exit", "Enter")
        eventually(lambda: "after" in shown.screen())
        lines = shown.screen().split("\n")
        assert (lines[0], lines[1], lines[3]) == ("before", "Resume this session with:", "after")
        assert lines[2].startswith("claude --resume ")
        assert shown.facts().title == ""
