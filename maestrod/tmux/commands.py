"""PURE: tmux commands as words, and what their answers mean."""

from maestrod.tmux.errors import PaneGone
from maestrod.tmux.facts import Capture, PaneRef, PaneState
from maestrod.tmux.text import (
    CHANGE_FORMAT,
    MARK,
    ROW_FORMAT,
    SESSION,
    STATE_FORMAT,
    VIEW_FORMAT,
    VIEWER_FORMAT,
    command_line,
)

Command = tuple[str, ...]

ROWS: Command = ("list-panes", "-s", "-t", f"={SESSION}", "-F", ROW_FORMAT)
VIEWERS: Command = ("list-clients", "-F", VIEWER_FORMAT)
VIEWS: Command = ("list-sessions", "-F", VIEW_FORMAT)
SUBSCRIBE: Command = ("refresh-client", "-B", f"maestro:%*:{CHANGE_FORMAT}")
LOOK_AGAIN: Command = ("run-shell", "-b", "true")
"""Ends a child of the server: tmux 3.3 loses a SIGCHLD now and then, and then looks for all that ended."""


def state_of(pane: PaneRef) -> Command:
    """Ask for ``STATE_FORMAT``; tmux answers for a pane that is not there, too, with an empty mark."""
    return ("display-message", "-p", "-t", pane.pane_id, STATE_FORMAT)


def capture(pane: PaneRef, *, colours: bool, history_lines: int) -> Command:
    """Read the pane's text."""
    sgr = ("-e",) if colours else ()
    history = ("-S", f"-{history_lines}") if history_lines > 0 else ()
    return ("capture-pane", "-p", *sgr, *history, "-t", pane.pane_id)


def leave_mode(pane: PaneRef) -> Command:
    """Leave copy mode, which eats keys; nothing happens when the pane is in none."""
    return ("copy-mode", "-q", "-t", pane.pane_id)


def press(pane: PaneRef, keys: tuple[str, ...]) -> Command:
    """Press keys by name."""
    return ("send-keys", "-t", pane.pane_id, "--", *keys)


def close_view(name: str) -> Command:
    """End a view; its windows stay in the session.

    Done by us, because tmux 3.3 crashes now and then when it ends one by ``destroy-unattached``.
    """
    return ("kill-session", "-t", f"={name}")


def kill(pane: PaneRef) -> Command:
    """Close the pane's window."""
    return ("kill-window", "-t", pane.pane_id)


def resize(window: str, *, width: int, height: int) -> tuple[Command, Command]:
    """Give a window a size, and let whoever attaches later give it another: resizing alone would pin it."""
    return (
        ("resize-window", "-t", window, "-x", str(width), "-y", str(height)),
        ("set-option", "-w", "-u", "-t", window, "window-size"),
    )


def when_ours(pane: PaneRef, *actions: Command, alive: bool) -> Command:
    """Do ``actions`` only if the mark is right, and with ``alive`` only in a living pane; else do nothing.

    Checked and done in one step of the server: in tmux 3.3 a paste into a dead pane crashes all of it.
    """
    ours = f"#{{==:#{{{MARK}}},{pane.session_id}}}"
    condition = f"#{{&&:{ours},#{{!=:#{{pane_dead}},1}}}}" if alive else ours
    return ("if-shell", "-F", "-t", pane.pane_id, condition, " ; ".join(map(command_line, actions)))


def checked(pane: PaneRef, state: PaneState, *, alive: bool) -> PaneState:
    """Answer ``state`` if it is the pane's.

    Raises:
        PaneGone: the mark is another's or missing, or the program has ended and ``alive`` is asked for.
    """
    if not state.session_id:
        raise PaneGone(pane.pane_id, f"there is no such pane of session {pane.session_id}")
    if state.session_id != pane.session_id:
        raise PaneGone(pane.pane_id, f"it belongs to session {state.session_id[:80]!r}, not to {pane.session_id}")
    if alive and state.dead:
        raise PaneGone(pane.pane_id, "its program has ended")
    return state


def captured(state: PaneState, text: str) -> Capture:
    """Put the state and the text of a pane together."""
    return Capture(
        text=text,
        width=state.width,
        height=state.height,
        cursor_x=state.cursor_x,
        cursor_y=state.cursor_y,
        title=state.title,
        alternate=state.alternate,
        dead=state.dead,
    )
