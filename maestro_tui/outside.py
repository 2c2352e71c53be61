"""Words for the terminal itself: the sequences by which it shows a notification of the desktop; pure."""

from collections.abc import Mapping
from enum import StrEnum

from maestro_tui.cells import plain

BEL = "\x07"
ESC = "\x1b"


class Terminal(StrEnum):
    """Which sequence it understands."""

    AUTO = "auto"
    OSC9 = "osc9"
    OSC777 = "osc777"
    OFF = "off"


SPEAK_9 = ("ITERM_SESSION_ID", "WT_SESSION", "KITTY_WINDOW_ID", "WEZTERM_PANE", "GHOSTTY_RESOURCES_DIR", "ConEmuPID")
"""Variables of terminals that understand OSC 9; they are there within tmux too."""
PROGRAMS_9 = {"iTerm.app", "WezTerm", "ghostty", "WarpTerminal", "vscode"}
TERMS_777 = ("rxvt", "foot")


def spoken(environ: Mapping[str, str]) -> Terminal:
    """What the terminal seems to understand; nothing is said to one that might show the sequence as text."""
    if environ.get("TERM", "").startswith(TERMS_777):
        return Terminal.OSC777
    if any(name in environ for name in SPEAK_9) or environ.get("TERM_PROGRAM") in PROGRAMS_9:
        return Terminal.OSC9
    if "VTE_VERSION" in environ:
        return Terminal.OSC777
    return Terminal.OSC9 if in_tmux(environ) else Terminal.OFF


def in_tmux(environ: Mapping[str, str]) -> bool:
    """Whether tmux stands between the screen and the terminal."""
    return bool(environ.get("TMUX"))


def announcement(how: Terminal, environ: Mapping[str, str], title: str, text: str) -> str:
    """The sequence that shows both, through tmux where that is; empty when the terminal has none."""
    how = spoken(environ) if how is Terminal.AUTO else how
    match how:
        case Terminal.OSC9:
            # What begins with a number is a command to some: the name of the program comes first.
            words = ": ".join(part for part in ("maestro", plain(title), plain(text)) if part)
            sequence = f"{ESC}]9;{words}{BEL}"
        case Terminal.OSC777:
            parts = (_field(title), _field(text))
            sequence = f"{ESC}]777;notify;{parts[0]};{parts[1]}{BEL}"
        case _:
            return ""
    return f"{ESC}Ptmux;{sequence.replace(ESC, ESC + ESC)}{ESC}\\" if in_tmux(environ) else sequence


def _field(text: str) -> str:
    return plain(text).replace(";", ",")


def arguments(title: str, text: str) -> tuple[str, str]:
    """Both as arguments of a program: neither is taken for an option."""
    return _argument(title), _argument(text)


def _argument(text: str) -> str:
    return f" {text}" if text.startswith("-") else text
