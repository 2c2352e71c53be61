"""The four looks of the screen, and what the tones of text are in each.

Tones are looked up here and not in the style sheet: component classes cost a widget its milliseconds.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from rich.style import Style
from textual.theme import Theme

from maestro_tui.lines import Tone

DARK = Theme(
    name="maestro-dark",
    primary="#6cb2f2",
    secondary="#8f9db0",
    accent="#62d0c4",
    warning="#ecc06c",
    error="#f0837a",
    success="#93cf83",
    foreground="#d8dee7",
    background="#12161c",
    surface="#181e26",
    panel="#1f2630",
    dark=True,
    variables={"dim": "#99a4b3", "edge": "#3a4451", "cursor": "#223d5a", "cursor-quiet": "#1e2630"},
)

LIGHT = Theme(
    name="maestro-light",
    primary="#1560a8",
    secondary="#5b6878",
    accent="#00706a",
    warning="#8a5a00",
    error="#b3261e",
    success="#2a6f2f",
    foreground="#1c232d",
    background="#fbfcfd",
    surface="#ffffff",
    panel="#e8ecf1",
    dark=False,
    variables={"dim": "#5c6674", "edge": "#c2c9d2", "cursor": "#cde2f7", "cursor-quiet": "#ebeff3"},
)

CONTRAST = Theme(
    name="maestro-contrast",
    primary="#7fd4ff",
    secondary="#d0d0d0",
    accent="#66ffe0",
    warning="#ffd75f",
    error="#ff9d94",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    success="#a6f58e",
    dark=True,
    variables={"dim": "#d0d0d0", "edge": "#8a8a8a", "cursor": "#003a66", "cursor-quiet": "#262626"},
)

EMBER = Theme(
    name="maestro-ember",
    primary="#f2a65a",
    secondary="#b09f8f",
    accent="#7fc8b4",
    warning="#f4cf6d",
    error="#f58a7a",
    foreground="#e9dfd3",
    background="#1b1613",
    surface="#231d19",
    panel="#2b2420",
    success="#a9c77d",
    dark=True,
    variables={"dim": "#b3a597", "edge": "#51463d", "cursor": "#4a3320", "cursor-quiet": "#2b2420"},
)

THEMES = {"dark": DARK, "light": LIGHT, "contrast": CONTRAST, "ember": EMBER}


class Look(NamedTuple):
    """The styles that lines are drawn with, on the ground of their widget."""

    tones: Mapping[Tone, Style]
    cursor: Style
    quiet_cursor: Style


@lru_cache(maxsize=8)
def look(name: str) -> Look:
    """The look of a theme by its name; that of the dark one for names that are not ours."""
    theme = next((t for t in THEMES.values() if t.name == name), DARK)
    more = theme.variables
    tones = {
        Tone.PLAIN: Style(color=theme.foreground),
        Tone.STRONG: Style(color=theme.foreground, bold=True),
        Tone.DIM: Style(color=more["dim"]),
        Tone.ACCENT: Style(color=theme.primary, bold=True),
        Tone.GOOD: Style(color=theme.success),
        Tone.BUSY: Style(color=theme.accent),
        Tone.WARN: Style(color=theme.warning, bold=True),
        Tone.BAD: Style(color=theme.error, bold=True),
    }
    return Look(MappingProxyType(tones), Style(bgcolor=more["cursor"]), Style(bgcolor=more["cursor-quiet"]))
