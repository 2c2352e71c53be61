"""Every key of the screen, once: the bindings, the footer, the help, the palette and the pages are made from it."""

from maestro_tui.bindings import (
    board,
    details,
    diff,
    everywhere,
    graph,
    history,
    inbox,
    lists,
    mail,
    mission,
    modes,
    panels,
    queues,
    sessions,
    shelf,
)
from maestro_tui.bindings.key import MISSION as MISSION
from maestro_tui.bindings.key import Key as Key
from maestro_tui.bindings.key import Panel as Panel
from maestro_tui.bindings.key import Place as Place
from maestro_tui.bindings.keymap import Keymap as Keymap
from maestro_tui.bindings.modes import FIRST as FIRST
from maestro_tui.bindings.modes import MODES as MODES
from maestro_tui.bindings.modes import Mode as Mode
from maestro_tui.bindings.modes import mode as mode

KEYS: tuple[Key, ...] = (
    *inbox.KEYS,
    *diff.KEYS,
    *lists.KEYS,
    *board.KEYS,
    *sessions.KEYS,
    *details.KEYS,
    *queues.KEYS,
    *mail.KEYS,
    *graph.KEYS,
    *history.KEYS,
    *shelf.KEYS,
    *mission.KEYS,
    *everywhere.KEYS,
    *panels.KEYS,
    *modes.KEYS,
)
"""In the order in which footers offer them."""


def keys_in(*places: Place) -> tuple[Key, ...]:
    """The keys that are heard there."""
    return tuple(key for key in KEYS if key.place in places)


def everywhere_on(where: Mode) -> tuple[Key, ...]:
    """What every screen hears, but for the keys that mean something else on this one."""
    taken = {name for key in keys_in(where.places[0]) for name in key.keys.split(",")}
    return tuple(key for key in keys_in(Place.EVERYWHERE) if not taken.issuperset(key.keys.split(",")))


def footer_keys(where: Mode, panel: Panel) -> tuple[Key, ...]:
    """What the footer of a screen offers under a panel, in the order of the table."""
    heard = {*keys_in(*where.places), *everywhere_on(where)}
    return tuple(key for key in KEYS if key.rank is not None and panel in key.panels and key in heard)
