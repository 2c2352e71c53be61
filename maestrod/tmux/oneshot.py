"""tmux by a process per call, blocking: what the command line uses, and the daemon when it is not connected.

The command line and the screen come in by this module alone: what they need of the others is named in it.
"""

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from maestrod.tmux import commands
from maestrod.tmux.commands import Command
from maestrod.tmux.errors import OLDEST, PaneGone, TmuxError, TmuxFailed, TmuxMissing, TmuxTimeout, TmuxTooOld
from maestrod.tmux.facts import Capture, Pane, PaneFacts, PaneRef, PaneState, Viewer
from maestrod.tmux.server import (
    GUARD,
    KEEPER,
    answers,
    clean_environment,
    install_command,
    remove_leftover,
    scope_prefix,
    server_name,
    socket_path,
    write_conf,
)
from maestrod.tmux.text import MARK, SESSION, VIEW, clean, idle_views, literal, pane_rows, pane_state, viewer_rows

__all__ = [
    "ENTER_PAUSE_S",
    "Capture",
    "Pane",
    "PaneFacts",
    "PaneGone",
    "PaneRef",
    "Tmux",
    "TmuxError",
    "TmuxFailed",
    "TmuxMissing",
    "TmuxTimeout",
    "TmuxTooOld",
    "Viewer",
    "server_name",
]

ENTER_PAUSE_S = 0.15
"""Between a paste and Enter: agents swallow an Enter that comes within 60 ms of the paste."""

_ATTACHING_S = 1.0
_LARGEST = 10_000
_TARGET = f"={SESSION}"
_LAST_WINDOW = f"={SESSION}:{{end}}"
_VERSION = re.compile(r"([0-9]+)\.([0-9]+)")


class Tmux:
    """The private tmux server ``name``, reached by a process per call.

    ``conf`` is where its configuration is written; its folder must exist. Of ``env`` only an allow-list is used.
    Every call waits at most ``timeout_s`` (``kill_server`` and the first ``ensure_server`` a few times that) and
    may raise any ``TmuxError``. Nothing but ``ensure_server`` and ``open_window`` starts a server.
    """

    def __init__(self, name: str, conf: Path, env: Mapping[str, str], *, timeout_s: float = 5.0) -> None:
        self.name = name
        self.conf = conf
        self.socket = socket_path(name)
        self.env = clean_environment(env)
        self.timeout_s = timeout_s
        self._announcement = conf.with_name(f"{conf.name}.attach")

    def version(self) -> str:
        """Ask the tmux on PATH for its version.

        Raises:
            TmuxMissing: there is none.
            TmuxTooOld: it lacks what is needed.
        """
        version = self._process((self._program(), "-V"), "-V").strip().removeprefix("tmux ")
        numbers = _VERSION.search(version)
        if numbers is not None and (int(numbers[1]), int(numbers[2])) < OLDEST:
            raise TmuxTooOld(version, install_command(self.env["PATH"]))
        return version

    def argv(self, *arguments: str) -> list[str]:
        """The words that run tmux for this server, and never start one."""
        return [self._program(), "-u", "-N", "-L", self.name, "-f", str(self.conf), *arguments]

    def run(self, *arguments: str) -> str:
        """Run one tmux command, arguments taken literally; answer what it prints."""
        return self._commands(arguments)

    def ensure_server(self) -> None:
        """Start the server unless it runs, out of our cgroup, with a clean environment and no descriptor of ours."""
        if self._has_session():
            return
        self.version()
        self._write_conf()
        prefix = scope_prefix(self.env)
        try:
            self._start(prefix)
        except TmuxError:
            if self._has_session():
                return  # another process was faster
            if not prefix:
                raise
            self._start(())

    def open_window(
        self,
        *,
        session_id: str,
        name: str,
        cwd: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        width: int = 120,
        height: int = 40,
    ) -> Pane:
        """Run ``argv`` in a new window, marked with ``session_id``; nobody's current window changes.

        ``env`` is added to the server's and can be seen by other processes: no secrets. The pane's process is a
        small guard with ``argv`` as its child; its exit status is that of ``argv``.

        Raises:
            TmuxFailed: ``cwd`` is not a directory that can be entered, or tmux refused.
            ValueError: ``session_id`` could not be one, or the size is none that a window can have.
        """
        PaneRef("%0", session_id)
        if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
            raise ValueError(f"not the size of a window: {width}x{height}")
        if not _can_enter(cwd):
            raise TmuxFailed("new-window", f"no directory to start in: {cwd}")
        self.ensure_server()
        variables = [word for key, value in env.items() for word in ("-e", f"{key}={value}")]
        label = literal(name) or session_id
        printed = self._commands(
            ("set-option", "-t", f"{_TARGET}:", "default-size", f"{width}x{height}"),
            (
                *("new-window", "-d", "-a", "-t", _LAST_WINDOW, "-n", label),
                *("-P", "-F", "#{window_id} #{pane_id} #{pane_pid}", *variables),
                *("--", "/bin/sh", "-c", GUARD, "sh", *argv),
            ),
            ("set-option", "-p", "-t", _LAST_WINDOW, MARK, session_id),
            *commands.resize(_LAST_WINDOW, width=width, height=height),  # a person who is attached decided till here
            ("display-message", "-p", "-t", _LAST_WINDOW, f"#{{pane_id}} #{{{MARK}}}"),
            cwd=cwd,
        )
        return self._opened(printed, session_id)

    def panes(self) -> list[PaneFacts]:
        """List the marked panes; empty when there is no server."""
        if not answers(self.socket):
            return []
        rows = self._rows()
        if any(row.dead and row.dead_status is None and row.dead_signal is None for row in rows):
            # tmux 3.3 loses a SIGCHLD now and then; the end of any child makes it look again.
            self.run("run-shell", "true")
            rows = self._rows()
        return [row for row in rows if row.session_id]

    def viewers(self) -> list[Viewer]:
        """List the people who are attached; empty when there is no server."""
        return viewer_rows(self.run(*commands.VIEWERS)) if answers(self.socket) else []

    def capture(self, pane: PaneRef, *, colours: bool, history_lines: int = 0) -> Capture:
        """Read the pane's screen, and up to ``history_lines`` of what scrolled off it.

        Raises:
            PaneGone: there is no such pane of this session; a dead pane is still read.
        """
        state, text = self._for(pane, commands.capture(pane, colours=colours, history_lines=history_lines))
        return commands.captured(state, text.removesuffix("\n"))

    def send_text(self, pane: PaneRef, text: str) -> None:
        """Paste ``text`` and press Enter, as a person would; whether the agent took it is for the caller to see.

        Raises:
            PaneGone: there is no living pane of this session.
        """
        self.paste(pane, text)
        time.sleep(ENTER_PAUSE_S)
        self.send_keys(pane, "Enter")

    def paste(self, pane: PaneRef, text: str) -> None:
        """Leave copy mode and paste ``text`` without its control characters and last newlines; no Enter.

        Raises:
            PaneGone: there is no living pane of this session.
        """
        body = clean(text).rstrip("\n")
        if not body:
            return
        buffer = f"maestro-{os.urandom(8).hex()}"
        paste = ("paste-buffer", "-d", "-p", "-r", "-b", buffer, "-t", pane.pane_id)
        guarded = commands.when_ours(pane, commands.leave_mode(pane), paste, alive=True)
        try:
            self._for(pane, guarded, alive=True, before=("load-buffer", "-b", buffer, "-"), stdin=body)
        except TmuxError:
            with contextlib.suppress(TmuxError):  # gone already, or with its server
                self.run("delete-buffer", "-b", buffer)
            raise

    def send_keys(self, pane: PaneRef, *keys: str) -> None:
        """Leave copy mode and press ``keys`` by tmux's names (``Enter``, ``C-c``); other text is typed as it is.

        Raises:
            PaneGone: there is no living pane of this session.
        """
        actions = (commands.leave_mode(pane), commands.press(pane, keys))
        self._for(pane, commands.when_ours(pane, *actions, alive=True), alive=True)

    def kill_window(self, pane: PaneRef) -> None:
        """Close the pane's window; its programs get SIGHUP.

        Raises:
            PaneGone: there is no such pane of this session.
        """
        self._for(pane, commands.when_ours(pane, commands.kill(pane), alive=False))

    def resize(self, pane: PaneRef, *, width: int, height: int) -> None:
        """Give the pane's window a size; a person who attaches to it later gives it theirs.

        Raises:
            PaneGone: there is no such pane of this session.
        """
        actions = commands.resize(pane.pane_id, width=width, height=height)
        self._for(pane, commands.when_ours(pane, *actions, alive=False))

    def attach_argv(self, pane: PaneRef) -> list[str]:
        """The words that attach a terminal to the pane within the next second, in a view of its own.

        Raises:
            PaneGone: there is no such pane of this session.
        """
        _, printed = self._for(pane, ("display-message", "-p", "-t", pane.pane_id, "#{window_id}"))
        self.close_views()
        with contextlib.suppress(OSError):  # it only lowers a risk
            self._announcement.touch(mode=0o600)
        view = ("new-session", "-t", _TARGET, "-s", f"{VIEW}{os.urandom(8).hex()}")
        window = ("select-window", "-t", f":{printed.strip()}")
        # By the socket's path: the TMUX_TMPDIR of whoever runs it must not lead elsewhere.
        return [self._program(), "-u", "-N", "-S", str(self.socket), *view, ";", *window]

    def close_views(self) -> None:
        """End the views whose terminals are gone; the daemon does it as they go."""
        for name in idle_views(self.run(*commands.VIEWS)):
            with contextlib.suppress(TmuxFailed):  # somebody else was faster
                self.run(*commands.close_view(name))

    def somebody_is_attaching(self) -> bool:
        """Say whether ``attach_argv`` was asked for within the last second.

        tmux 3.3 crashes when a terminal attaches at the moment when a control client does.
        """
        try:
            return abs(time.time() - self._announcement.stat().st_mtime) < _ATTACHING_S
        except OSError:
            return False

    def kill_server(self) -> None:
        """End the server with every window in it, and leave no file in tmux's folder. Idempotent.

        Raises:
            TmuxTimeout: it lives on.
        """
        deadline = time.monotonic() + 2 * self.timeout_s
        while answers(self.socket):
            with contextlib.suppress(TmuxFailed):  # it was on its way out
                self.run("kill-server")
            if time.monotonic() > deadline:
                raise TmuxTimeout("kill-server", 2 * self.timeout_s)
            time.sleep(0.01)
        remove_leftover(self.socket)

    def end_if_empty(self) -> None:
        """End the server when no agent's window is left in it: looked at and done in one step of the server."""
        if answers(self.socket):
            self.run("if-shell", "-F", "-t", f"{_TARGET}:", "#{==:#{session_windows},1}", "kill-server")
            remove_leftover(self.socket)

    def _program(self) -> str:
        program = shutil.which("tmux", path=self.env["PATH"])
        if program is None:
            raise TmuxMissing(install_command(self.env["PATH"]))
        return program

    def _has_session(self) -> bool:
        if not answers(self.socket):
            return False
        try:
            self.run("has-session", "-t", _TARGET)
        except TmuxFailed:
            return False
        return True

    def _write_conf(self) -> None:
        try:
            write_conf(self.conf)
        except OSError as error:
            raise TmuxFailed("new-session", f"its configuration could not be written: {error}") from error

    def _start(self, prefix: Sequence[str]) -> None:
        tmux = (self._program(), "-u", "-L", self.name, "-f", str(self.conf))
        session = ("new-session", "-d", "-s", SESSION, "-n", "keeper", "-x", "120", "-y", "40", "--", *KEEPER)
        self._process((*prefix, *tmux, *session), "new-session", cwd="/")

    def _opened(self, printed: str, session_id: str) -> Pane:
        words = printed.split()
        if len(words) != 5 or words[1] != words[3] or words[4] != session_id:
            raise TmuxFailed("new-window", f"the new window could not be marked: {printed[:200]!r}")
        return Pane(window_id=words[0], ref=PaneRef(words[1], session_id), pid=int(words[2]))

    def _rows(self) -> list[PaneFacts]:
        return pane_rows(self.run(*commands.ROWS))

    def _for(
        self,
        pane: PaneRef,
        command: Command,
        *,
        alive: bool = False,
        before: Command | None = None,
        stdin: str = "",
    ) -> tuple[PaneState, str]:
        """Read the pane's state and run ``command``; answer both if the pane is the session's.

        The command runs in any case: one that changes anything must be made by ``when_ours``.
        """
        sequence = [commands.state_of(pane), command]
        if before is not None:
            sequence.insert(0, before)
        try:
            first, _, printed = self._commands(*sequence, stdin=stdin).partition("\n")
        except TmuxFailed as failure:
            if "can't find pane" in failure.stderr or not answers(self.socket):
                raise PaneGone(pane.pane_id, f"tmux does not know it: {failure.stderr}") from failure
            raise
        return commands.checked(pane, pane_state(first), alive=alive), printed

    def _commands(self, *sequence: Command, stdin: str = "", cwd: str | None = None) -> str:
        """Run commands one after the other in one step of the server; the first error ends it."""
        words = [word for command in sequence for word in (";", *map(_as_word, command))]
        return self._process(self.argv(*words[1:]), sequence[-1][0], stdin=stdin, cwd=cwd)

    def _process(self, argv: Sequence[str], subcommand: str, *, stdin: str = "", cwd: str | None = None) -> str:
        env = self.env if cwd is None else self.env | {"PWD": cwd}
        try:
            done = subprocess.run(
                argv,
                input=stdin.encode("utf-8", "replace"),
                capture_output=True,
                check=False,
                cwd=cwd,
                env=env,
                start_new_session=True,
                timeout=self.timeout_s,
            )
        except subprocess.TimeoutExpired as error:
            raise TmuxTimeout(subcommand, self.timeout_s) from error
        except (OSError, ValueError) as error:
            raise TmuxFailed(subcommand, str(error)) from error
        if done.returncode != 0:
            raise TmuxFailed(subcommand, done.stderr.decode("utf-8", "replace").strip())
        return done.stdout.decode("utf-8", "replace")


def _can_enter(folder: str) -> bool:
    try:
        return Path(folder).is_dir() and os.access(folder, os.X_OK)
    except ValueError:  # a NUL in it
        return False


def _as_word(argument: str) -> str:
    """Keep tmux from reading a last semicolon as the end of the command."""
    return f"{argument[:-1]}\\;" if argument.endswith(";") else argument
