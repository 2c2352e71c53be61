"""What a person wants of the screen: the table ``[tui]`` of the home's ``config.toml``."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

THEMES = ("dark", "light", "contrast", "ember")


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """``keys`` are those of the table of keys by its names; ``trouble`` says what of the file cannot be used."""

    theme: str = ""
    """One of the four; empty for the one that was chosen last."""
    strict: bool = False
    """Bare letters and digits never change anything: what changes something is heard with Alt."""
    reduced_motion: bool = False
    keys: Mapping[str, str] = {}
    trouble: str = ""


DEFAULTS = Preferences()


class _File(msgspec.Struct, frozen=True):
    tui: Preferences = DEFAULTS


def preferences(config: Path) -> Preferences:
    """What the file says; the defaults where it says nothing that can be used, with the reason."""
    path = config / "config.toml"
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).tui
    except FileNotFoundError:
        return DEFAULTS
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        return Preferences(trouble=f"{path}: {error}")
    if found.theme and found.theme not in THEMES:
        trouble = f"{path}: no theme '{found.theme}'; there are {', '.join(THEMES)}"
        return msgspec.structs.replace(found, theme="", trouble=trouble)
    return msgspec.structs.replace(found, trouble="")
