"""JSON without the ``json`` package, whose import costs as much as the rest of an everyday call.

The same C code does the work; where an interpreter lacks it, the package is taken.
"""

try:
    from _json import encode_basestring_ascii, make_scanner
except ImportError:  # pragma: no cover - other interpreters
    from json.encoder import encode_basestring_ascii
    from json.scanner import make_scanner

_SPACE = " \t\n\r"
_CONSTANTS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class _Plan:
    """What the scanner asks of its decoder."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = _CONSTANTS.__getitem__
    memo: dict[str, str] = {}  # noqa: RUF012 - the scanner empties it after each use


def read(raw: bytes) -> object:
    """The value of one document.

    Raises:
        ValueError: it is no JSON, or too deep.
    """
    text = raw.decode("utf-8")
    try:
        value, end = make_scanner(_Plan)(text, len(text) - len(text.lstrip(_SPACE)))  # type: ignore[arg-type]
    except (StopIteration, SystemError):  # the C code has no error to raise while nobody has imported ``json``
        raise ValueError("no JSON") from None
    except RecursionError:
        raise ValueError("JSON that is too deep") from None
    if text[end:].strip(_SPACE):
        raise ValueError("something after the JSON")
    return value


def write(value: object) -> str:
    """The value as one line of ASCII.

    Raises:
        TypeError: JSON has no such thing.
    """
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{write(str(key))}:{write(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(write, value)) + "]"
    raise TypeError(f"no JSON for {type(value).__name__}")
