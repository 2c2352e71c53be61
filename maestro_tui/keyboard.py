"""What a person types to an agent: keys in tmux's words, in their order, each given out once; pure."""

import unicodedata
from collections import deque
from collections.abc import Collection

import msgspec

BATCH = 64
"""Keys that the daemon takes at once."""
MOST = 4_096
"""Strokes that wait; a person who is that far ahead types to nobody."""
LONGEST_PASTE = 200_000

ESCAPE = "escape"

_ODD = {
    "shift+tab": "BTab",
    "shift+enter": "M-Enter",
    "ctrl+enter": "M-Enter",
    "ctrl+backspace": "C-w",
    "ctrl+space": "C-Space",
    "ctrl+at": "C-@",
    "ctrl+@": "C-@",
    "ctrl+backslash": "C-\\",
    "ctrl+right_square_bracket": "C-]",
    "ctrl+left_square_bracket": "Escape",
    "ctrl+circumflex_accent": "C-^",
    "ctrl+underscore": "C-_",
    "ctrl+slash": "C-_",
}
"""tmux types a name that it does not know as text, so a new line is Alt+Enter, as agents hear it."""
_PLAIN = {"enter": "Enter", "tab": "Tab", "backspace": "BSpace", "escape": "Escape", "space": "Space"}
_MOVING = {
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "home": "Home",
    "end": "End",
    "pageup": "PPage",
    "pagedown": "NPage",
    "insert": "IC",
    "delete": "DC",
    **{f"f{number}": f"F{number}" for number in range(1, 13)},
}
_SHIFTED = {f"f{number}": f"f{number - 12}" for number in range(13, 25)}
"""Terminals tell Shift+F1 as F13."""
_HELD = {"ctrl": "C-", "alt": "M-", "shift": "S-"}


class Paste(msgspec.Struct, frozen=True):
    """A text that came at once."""

    text: str


Batch = tuple[str, ...] | Paste
"""What goes to the agent in one request."""


class Undelivered(msgspec.Struct, frozen=True):
    """Why a batch was not delivered; ``perhaps`` when it may have arrived all the same."""

    reason: str
    perhaps: bool = False


class Ended(msgspec.Struct, frozen=True):
    """Why the typing ended, empty when a person left; strokes that did not arrive, and those that may have."""

    reason: str = ""
    lost: int = 0
    perhaps: int = 0


def stroke(key: str, character: str | None) -> str | None:
    """A key of Textual's in tmux's words; nothing for one that no agent would hear."""
    if key in _ODD:
        return _ODD[key]
    *modifiers, name = key.split("+")
    held = set(modifiers)
    if not held <= _HELD.keys():
        return None
    if name in _SHIFTED:
        name, held = _SHIFTED[name], held | {"shift"}
    if name in _MOVING:
        return "".join(word for modifier, word in _HELD.items() if modifier in held) + _MOVING[name]
    alt = "M-" if "alt" in held else ""
    if name in _PLAIN:
        return alt + _PLAIN[name]
    if "ctrl" in held:
        return f"C-{alt}{name}" if len(name) == 1 and name.isascii() and name.isalpha() else None
    if character is None or len(character) != 1 or unicodedata.category(character) in {"Cc", "Cs"}:
        return None
    return alt + character


class Keyboard:
    """The strokes for one agent. The keys in ``leave`` are not the agent's; Esc among them is the second in a row.

    A first Esc is held back till it is known that no second one follows: an agent would stop its work on it.
    """

    def __init__(self, leave: Collection[str] = (ESCAPE,)) -> None:
        self._leave = leave
        self._strokes: deque[str | Paste] = deque()
        self.holding = False

    def press(self, key: str, character: str | None) -> bool:
        """Take a key; whether it was the one that leaves."""
        if key == ESCAPE and ESCAPE in self._leave:
            self.holding = not self.holding
            return not self.holding
        self.settle()
        if key in self._leave:
            return True
        if (found := stroke(key, character)) is not None:
            self._strokes.append(found)
        return False

    def paste(self, text: str) -> None:
        """Take a text that came at once."""
        self.settle()
        self._strokes.append(Paste(text))

    def settle(self) -> None:
        """No second Esc came: the first is the agent's."""
        if self.holding:
            self.holding = False
            self._strokes.append("Escape")

    @property
    def full(self) -> bool:
        """Whether nothing more is taken."""
        return len(self._strokes) >= MOST

    def take(self) -> Batch | None:
        """What goes next; it is given out once."""
        keys: list[str] = []
        while self._strokes and len(keys) < BATCH:
            if isinstance(found := self._strokes[0], Paste):
                if not keys:
                    self._strokes.popleft()
                    return found
                break
            keys.append(found)
            self._strokes.popleft()
        return tuple(keys) or None

    def drop(self) -> int:
        """Forget what waits; how much that was."""
        dropped = len(self._strokes)
        self._strokes.clear()
        return dropped
