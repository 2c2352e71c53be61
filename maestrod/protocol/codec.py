"""Bodies from bytes, strictly: one JSON object, no duplicate keys, no NaN, not too deep."""

import json
import re
from math import isinf
from typing import NoReturn

from maestrod.domain.errors import Invalid

DEPTH = 32
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


def parse_object(body: bytes) -> dict[str, object]:
    """The JSON object in the body; an empty body is an empty object.

    Raises:
        Invalid: not UTF-8, not JSON, no object, a key twice, NaN or Infinity, a lone surrogate, too deep.
    """
    if not body.strip():
        return {}
    if body.count(b"{") + body.count(b"[") > DEPTH and _depth(body) > DEPTH:
        raise Invalid.field("", f"is nested more than {DEPTH} deep")
    try:
        document = _DECODER.decode(body.decode())
        if b"\\u" in body:
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise Invalid.field("", "is not valid UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise Invalid.field("", f"is not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise Invalid.field("", "must be a JSON object")
    return document


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} comes twice")
    return found


def _constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def _fraction(word: str) -> float:
    number = float(word)
    if isinf(number):
        raise ValueError("a number is out of range")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_fraction)


def _depth(body: bytes) -> int:
    """The deepest nesting of brackets outside of strings, as far as it is looked at."""
    deepest = depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub(b"", body)):
        depth += 1 if bracket[0] in b"{[" else -1
        deepest = max(deepest, depth)
        if deepest > DEPTH:
            break
    return deepest
