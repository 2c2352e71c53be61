"""Values as one line of TOML, for ``-c key=value``."""

import json
from collections.abc import Mapping, Sequence

Value = str | bool | int | Sequence["Value"] | Mapping[str, "Value"]


def inline(value: Value) -> str:
    """The value in TOML 1.0 without line ends; keys of tables are always quoted."""
    match value:
        case str():
            return text(value)
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Mapping():
            return "{" + ", ".join(f"{text(key)} = {inline(item)}" for key, item in value.items()) + "}"
        case Sequence():
            return "[" + ", ".join(map(inline, value)) + "]"


def text(value: str) -> str:
    """A basic string. JSON's escapes are TOML's; DEL is plain in JSON only."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
