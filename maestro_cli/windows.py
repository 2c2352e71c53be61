"""The windows of this home's agents, through the one-shot door to tmux."""

from collections.abc import Mapping, Sequence

import msgspec

from maestrod.locations import Locations
from maestrod.tmux.oneshot import PaneRef, Tmux, TmuxError, server_name


class WindowTrouble(Exception):
    """tmux is missing, too old, or refuses; the message says what to do."""


class Window(msgspec.Struct, frozen=True):
    """A window that was opened for a session."""

    session_id: str
    window_id: str
    pane_id: str


class Windows:
    """Opens, reads and closes windows on the home's private tmux server, which starts with the first."""

    def __init__(self, locations: Locations, environ: Mapping[str, str], *, name: str = "") -> None:
        self.name = name or server_name(str(locations.home))
        self._run = locations.run
        self._tmux = Tmux(self.name, locations.tmux_conf, environ)

    def check(self) -> None:
        """Raises: WindowTrouble: there is no tmux that would do."""
        try:
            self._tmux.version()
        except TmuxError as error:
            raise WindowTrouble(str(error)) from error

    def open(self, session_id: str, *, name: str, cwd: str, argv: Sequence[str], env: Mapping[str, str]) -> Window:
        """Run ``argv`` in a new window; ``env`` is seen by others.

        Raises:
            WindowTrouble: tmux refuses.
        """
        try:
            self._run.mkdir(mode=0o700, parents=True, exist_ok=True)
            pane = self._tmux.open_window(session_id=session_id, name=name, cwd=cwd, argv=argv, env=env)
        except (TmuxError, OSError) as error:
            raise WindowTrouble(str(error)) from error
        return Window(session_id, pane.window_id, pane.ref.pane_id)

    def close(self, window: Window) -> None:
        """Close it; it may be gone already.

        Raises:
            WindowTrouble: tmux refuses.
        """
        try:
            if any(pane.pane_id == window.pane_id for pane in self._tmux.panes()):
                self._tmux.kill_window(PaneRef(window.pane_id, window.session_id))
        except TmuxError as error:
            raise WindowTrouble(str(error)) from error

    def shut_down(self) -> None:
        """End the home's tmux server with every window in it; none running is fine.

        Raises:
            WindowTrouble: tmux refuses.
        """
        try:
            self._tmux.kill_server()
        except TmuxError as error:
            raise WindowTrouble(str(error)) from error

    def is_dead(self, window: Window) -> bool:
        """Whether what ran in it has ended."""
        try:
            return all(pane.dead for pane in self._tmux.panes() if pane.pane_id == window.pane_id)
        except TmuxError:
            return False

    def text(self, window: Window) -> str:
        """What it shows; empty when it cannot be read any more."""
        try:
            text: str = self._tmux.capture(PaneRef(window.pane_id, window.session_id), colours=False).text
        except TmuxError:
            return ""
        return text

    def attach_argv(self, pane_id: str, session_id: str) -> list[str]:
        """The words that sit down at it.

        Raises:
            WindowTrouble: it is gone, or tmux is.
        """
        try:
            words: list[str] = self._tmux.attach_argv(PaneRef(pane_id, session_id))
        except (TmuxError, ValueError) as error:
            raise WindowTrouble(str(error)) from error
        return words
