"""PURE: words for tmux and words from tmux. Every function here takes any text at all."""

import re
import signal

from maestrod.tmux.facts import PaneChanged, PaneFacts, PaneState, Viewer

SESSION = "maestro"
"""The one session; every agent is a window of it."""

VIEW = "view-"
"""How the names of the sessions begin that share the windows of ``SESSION`` for one terminal."""

MARK = "@maestro_session"
"""The pane option that says whose pane it is."""

_MARK_AND_NAMES = f"#{{n:{MARK}}}|#{{n:pane_current_command}}|#{{{MARK}}}|#{{pane_current_command}}|#{{pane_title}}"
_DEATH = "#{pane_dead}|#{pane_dead_status}|#{pane_dead_signal}"
_SHAPE = "#{pane_width}|#{pane_height}"

ROW_FORMAT = (
    f"#{{window_id}}|#{{pane_id}}|#{{pane_pid}}|{_DEATH}|{_SHAPE}|#{{alternate_on}}|#{{pane_in_mode}}|{_MARK_AND_NAMES}"
)
STATE_FORMAT = f"{_DEATH}|{_SHAPE}|#{{cursor_x}}|#{{cursor_y}}|#{{alternate_on}}|{_MARK_AND_NAMES}"
VIEWER_FORMAT = "#{client_control_mode}|#{window_id}|#{client_activity}"
VIEW_FORMAT = "#{session_attached}|#{session_name}"
CHANGE_FORMAT = f"{_DEATH}|{_MARK_AND_NAMES}"

_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_SPECIAL = re.compile(r'[\x01-\x1f\x7f"\\$~]')
_NUMBER = re.compile(r"[0-9]{1,12}")


def clean(text: str) -> str:
    """Take out of ``text`` all that a terminal would obey: escape sequences and control characters.

    Newline and tab stay, CR LF and CR become newline, half a surrogate pair becomes U+FFFD. Idempotent.
    """
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", _SEQUENCES.sub("", unix)))


def literal(name: str) -> str:
    """Write ``name`` as one short line for an argument that tmux expands as a format."""
    return " ".join(clean(name).split())[:60].replace("#", "##")


def quote(argument: str) -> str:
    """Write ``argument`` as one word of a tmux command line, whatever is in it.

    Raises:
        ValueError: it holds a NUL, which no command line can carry.
    """
    if "\0" in argument:
        raise ValueError("a NUL cannot be in an argument")
    return f'"{_SPECIAL.sub(_escaped, argument)}"'


def _escaped(found: re.Match[str]) -> str:
    return f"\\{ord(found.group()):03o}"


def command_line(arguments: tuple[str, ...]) -> str:
    """Write one tmux command as one line, without its newline.

    Raises:
        ValueError: an argument holds a NUL.
    """
    return " ".join(map(quote, arguments))


def pane_rows(text: str) -> list[PaneFacts]:
    """Read ``list-panes -F ROW_FORMAT``; what is not a row is left out."""
    return [facts for line in text.split("\n") if (facts := _pane_row(line)) is not None]


def _pane_row(line: str) -> PaneFacts | None:
    window_id, pane_id, pid, *death, width, height, alternate, mode, rest = _columns(line, 10)
    if not (window_id.startswith("@") and pane_id.startswith("%")):
        return None
    session_id, command, title = _names(rest)
    return PaneFacts(
        window_id=window_id,
        pane_id=pane_id,
        session_id=session_id,
        pid=_number(pid),
        dead=death[0] == "1",
        dead_status=_maybe_number(death[1]),
        dead_signal=_signal(death[2]),
        width=_number(width),
        height=_number(height),
        alternate_on=alternate == "1",
        in_mode=_number(mode) > 0,
        command=command,
        title=title,
    )


def viewer_rows(text: str) -> list[Viewer]:
    """Read ``list-clients -F VIEWER_FORMAT``; control clients are nobody, and what is not a row is left out."""
    rows = (_columns(line, 2) for line in text.split("\n"))
    return [
        Viewer(window_id=window_id, active_at_s=_number(at))
        for control, window_id, at in rows
        if control == "0" and window_id.startswith("@")
    ]


def idle_views(text: str) -> list[str]:
    """Read ``list-sessions -F VIEW_FORMAT``: the views that no terminal shows any more."""
    rows = (line.partition("|") for line in text.split("\n"))
    return [name for attached, _, name in rows if attached == "0" and name.startswith(VIEW)]


def pane_state(line: str) -> PaneState:
    """Read ``display-message -p STATE_FORMAT``; for a pane that is not there ``session_id`` is empty."""
    dead, _, _, width, height, x, y, alternate, rest = _columns(line, 8)
    session_id, _, title = _names(rest)
    return PaneState(
        session_id=session_id,
        dead=dead == "1",
        width=_number(width),
        height=_number(height),
        cursor_x=_number(x),
        cursor_y=_number(y),
        alternate=alternate == "1",
        title=title,
    )


def pane_change(rest: str) -> PaneChanged | None:
    """Read what follows ``%subscription-changed`` when it is about a pane and has ``CHANGE_FORMAT``."""
    where, _, value = rest.partition(" : ")
    words = where.split(" ")
    if len(words) != 5 or not words[4].startswith("%"):
        return None
    dead, status, died_of, names = _columns(value, 3)
    session_id, command, title = _names(names)
    return PaneChanged(
        pane_id=words[4],
        window_id=words[2],
        session_id=session_id,
        dead=dead == "1",
        dead_status=_maybe_number(status),
        dead_signal=_signal(died_of),
        command=command,
        title=title,
    )


def _columns(line: str, count: int) -> list[str]:
    """Split off ``count`` columns; always that many and the rest, empty when missing."""
    columns = line.split("|", count)
    return columns + [""] * (count + 1 - len(columns))


def _names(rest: str) -> tuple[str, str, str]:
    """Read ``_MARK_AND_NAMES``: the mark, the command, the title; the lengths say where hostile text ends."""
    mark_length, command_length, names = _columns(rest, 2)
    mark, after = _cut(names, _number(mark_length))
    command, title = _cut(after, _number(command_length))
    return mark, command, title


def _cut(text: str, length: int) -> tuple[str, str]:
    """Cut after ``length`` bytes of UTF-8, where a bar must stand; else at the first bar."""
    raw = text.encode("utf-8", "replace")
    if raw[length : length + 1] == b"|":
        return raw[:length].decode("utf-8", "replace"), raw[length + 1 :].decode("utf-8", "replace")
    head, _, tail = text.partition("|")
    return head, tail


def _number(text: str) -> int:
    return int(text) if _NUMBER.fullmatch(text) else 0


def _maybe_number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None


def _signal(text: str) -> int | None:
    """Read a signal: printed as a number on Linux, as a name on BSD and macOS."""
    by_name = signal.Signals.__members__.get(f"SIG{text.removeprefix('SIG')}")
    return by_name.value if by_name is not None else _maybe_number(text)
