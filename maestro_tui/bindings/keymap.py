"""The keys as one person wants them: overrides, and strict mode."""

from collections.abc import Mapping

from maestro_tui.bindings.key import Key

NAMES = {
    "ctrl": "Ctrl",
    "alt": "Alt",
    "shift": "Shift",
    "enter": "↵",
    "escape": "Esc",
    "space": "Space",
    "slash": "/",
    "question_mark": "?",
    "plus": "+",
    "minus": "-",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "equals_sign": "=",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
}


class Keymap:
    """Which keys do what; ``troubles`` are overrides that are none."""

    def __init__(
        self, keys: tuple[Key, ...], overrides: Mapping[str, str] | None = None, *, strict: bool = False
    ) -> None:
        overrides = overrides or {}
        self.changed: dict[str, str] = {}
        self._shown: dict[str, str] = {}
        known = {key.name for key in keys}
        self.troubles = [f"no key is called '{name}'" for name in overrides if name not in known]
        for key in keys:
            wanted = overrides.get(key.name, "") or (_strict(key) if strict and key.changes else "")
            if wanted:
                self._change(key, [each.strip() for each in wanted.split(",") if each.strip()])

    def _change(self, key: Key, wanted: list[str]) -> None:
        if "{key}" not in key.action:
            self.changed[key.name] = ",".join(wanted)
            self._shown[key.name] = " ".join(_shown(each) for each in wanted[:2])
            return
        before = key.keys.split(",")
        self.changed |= {f"{key.name}-{name}": new for name, new in zip(before, wanted, strict=False)}
        self._shown[key.name] = f"{_shown(wanted[0])}-{before[-1]}" if len(wanted) > 1 else _shown(wanted[0])

    def shown(self, key: Key) -> str:
        """What people read for it."""
        return self._shown.get(key.name, key.shown)


def _strict(key: Key) -> str:
    """With Alt where it is a bare character; as it is where it is not."""
    return ",".join(f"alt+{name}" if len(name) == 1 else name for name in key.keys.split(","))


def _shown(name: str) -> str:
    parts = name.split("+")
    last = NAMES.get(parts[-1], parts[-1].upper() if len(parts[-1]) > 1 or len(parts) > 1 else parts[-1])
    return "+".join([*(NAMES.get(part, part.capitalize()) for part in parts[:-1]), last])
