"""What a person wants of the screen: the table ``[tui]`` of the home's ``config.toml``."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from maestro_tui.outside import Terminal
from maestro_tui.view.notices import RULES, Kind, Quiet, Rules, Way, quiet_hours

THEMES = ("dark", "light", "contrast", "ember")
AWAY = (1, 24 * 60)
"""Minutes that ``away_minutes`` may be."""


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """``keys`` are those of the table of keys by its names; ``trouble`` says what of the file cannot be used."""

    theme: str = ""
    """One of the four; empty for the one that was chosen last."""
    strict: bool = False
    """Bare letters and digits never change anything: what changes something is heard with Alt."""
    reduced_motion: bool = False
    keys: Mapping[str, str] = {}
    notify: Rules = RULES
    trouble: str = ""


DEFAULTS = Preferences()


class _Table(msgspec.Struct, frozen=True):
    """``[tui]`` without ``notify``, whose settings are taken one by one."""

    theme: str = ""
    strict: bool = False
    reduced_motion: bool = False
    keys: Mapping[str, str] = {}


class _File(msgspec.Struct, frozen=True):
    tui: dict[str, object] = {}


def preferences(config: Path) -> Preferences:
    """What the file says; the defaults where it says nothing that can be used, with the reason."""
    path = config / "config.toml"
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).tui
    except FileNotFoundError:
        return DEFAULTS
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        return Preferences(trouble=f"{path}: {error}")
    troubles: list[str] = []
    notify = rules(table.get("notify", {}), troubles)
    found = _Table()
    try:
        found = msgspec.convert(table, _Table)
    except msgspec.ValidationError as error:
        troubles.insert(0, str(error))
    if found.theme and found.theme not in THEMES:
        troubles.insert(0, f"no theme '{found.theme}'; there are {', '.join(THEMES)}")
        found = msgspec.structs.replace(found, theme="")
    return Preferences(
        theme=found.theme,
        strict=found.strict,
        reduced_motion=found.reduced_motion,
        keys=found.keys,
        notify=notify,
        trouble="\n".join(f"{path}: {trouble}" for trouble in troubles),
    )


# -- notifications ------------------------------------------------------------------------------------


class _Wanted:
    """The settings of ``[tui.notify]`` as they are read, from what is shipped on."""

    def __init__(self) -> None:
        self.kinds = set(RULES.kinds)
        self.ways = set(RULES.ways)
        self.terminal = Terminal.AUTO
        self.command: tuple[str, ...] = ()
        self.quiet: Quiet | None = None
        self.away_minutes = RULES.away_ms // 60_000

    def rules(self) -> Rules:
        """All of it."""
        return Rules(
            kinds=frozenset(self.kinds),
            ways=frozenset(self.ways),
            terminal=self.terminal,
            command=self.command,
            quiet=self.quiet,
            away_ms=self.away_minutes * 60_000,
        )


def rules(table: object, troubles: list[str]) -> Rules:
    """What ``[tui.notify]`` says; a setting that cannot be used stays as it is shipped, with the reason."""
    wanted = _Wanted()
    if not isinstance(table, Mapping):
        troubles.append("tui.notify is no table of settings")
        return RULES
    for name, value in table.items():
        take = _TAKES.get(name)
        if take is None:
            troubles.append(f"tui.notify has no '{name}'; there are {', '.join(_TAKES)}")
            continue
        try:
            take(wanted, value)
        except ValueError as error:  # msgspec's are ones too
            troubles.append(f"tui.notify.{name}: {error}")
    return wanted.rules()


def _switch(chosen: str, of: Kind | Way) -> Callable[[_Wanted, object], None]:
    def take(wanted: _Wanted, value: object) -> None:
        whole: set[object] = getattr(wanted, chosen)
        (whole.add if msgspec.convert(value, bool) else whole.discard)(of)

    return take


def _terminal(wanted: _Wanted, value: object) -> None:
    wanted.terminal = msgspec.convert(value, Terminal)


def _command(wanted: _Wanted, value: object) -> None:
    words = msgspec.convert(value, tuple[str, ...])
    if words and not words[0]:
        raise ValueError("its first word is the program")
    wanted.command = words


def _quiet(wanted: _Wanted, value: object) -> None:
    text = msgspec.convert(value, str)
    wanted.quiet = quiet_hours(text) if text else None


def _away(wanted: _Wanted, value: object) -> None:
    minutes = msgspec.convert(value, int)
    if not AWAY[0] <= minutes <= AWAY[1]:
        raise ValueError(f"is {minutes}; it takes {AWAY[0]} to {AWAY[1]} minutes")
    wanted.away_minutes = minutes


_TAKES: dict[str, Callable[[_Wanted, object], None]] = {
    **{kind.value: _switch("kinds", kind) for kind in Kind},
    "toast": _switch("ways", Way.TOAST),
    "bell": _switch("ways", Way.BELL),
    "terminal": _terminal,
    "command": _command,
    "quiet": _quiet,
    "away_minutes": _away,
}
