"""The head of a SKILL.md, by a strict reader of the part of YAML that skills need. Pure.

Texts (plain, quoted, ``|`` and ``>`` blocks), lists of texts, and one level of names with texts. What is not
certain is refused with its line: no anchors, tags, tabs, doubled keys or values that YAML would read otherwise.
"""

import re

Value = str | tuple[str, ...] | dict[str, str]

LONGEST = 16 * 1024
_KEY = re.compile(r"([A-Za-z][A-Za-z0-9_-]*):(?:[ ]+(.*))?\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u0085\u2028\u2029\ud800-\udfff]")
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "/": "/"}
_BLOCKS = frozenset({"|", ">", "|-", ">-", "|+", ">+"})


class Malformed(Exception):
    """What cannot be read, and on which line of the file."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


def parse(text: str) -> tuple[dict[str, Value], str]:
    """The fields of the head, and the text after it.

    Raises:
        Malformed: there is no head, or it is not in the strict form.
    """
    rows = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    if rows[0].rstrip() != "---":
        raise Malformed(1, "must begin with a line '---'")
    end = next((n for n, row in enumerate(rows[1:], 1) if row.rstrip() == "---"), None)
    if end is None:
        raise Malformed(len(rows), "the head must end with a line '---'")
    head = rows[1:end]
    if sum(map(len, head)) > LONGEST:
        raise Malformed(1, f"the head is longer than {LONGEST} characters")
    for number, row in enumerate(head, 2):
        if _CONTROL.search(row) or "\t" in row[: len(row) - len(row.lstrip())]:
            raise Malformed(number, "has a tab at its beginning or a control character")
    return _Head(head).fields(), "\n".join(rows[end + 1 :]).lstrip("\n")


class _Head:
    def __init__(self, rows: list[str]) -> None:
        self._rows = rows
        self._at = 0

    def fields(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while self._at < len(self._rows):
            row = self._rows[self._at]
            self._at += 1
            if not row.strip() or row.startswith("#"):
                continue
            key, value = self._split(row)
            if key in found:
                raise self._wrong(f"'{key}' comes twice")
            found[key] = self._value(value)
        return found

    def _wrong(self, message: str) -> Malformed:
        return Malformed(self._at + 1, message)

    def _split(self, row: str) -> tuple[str, str]:
        match = _KEY.match(row.rstrip())
        if match is None:
            raise self._wrong("must be 'key: value'; a value of several lines begins with | after the colon")
        return match[1], (match[2] or "").strip()

    def _value(self, value: str) -> Value:
        if value in _BLOCKS:
            return self._block(value)
        if value:
            return self._list(value) if value.startswith("[") else self._scalar(value)
        inner = self._indented()
        if not inner:
            return ""
        if all(row.startswith("-") for row in inner):
            return tuple(self._scalar(row[1:].strip()) for row in inner)
        pairs = [self._split(row) for row in inner]
        if len({key for key, _ in pairs}) != len(pairs):
            raise self._wrong("a name comes twice")
        return {key: self._scalar(text) for key, text in pairs}

    def _indented(self) -> list[str]:
        """The rows that belong to the key before, without their common indent."""
        found: list[str] = []
        while self._at < len(self._rows):
            row = self._rows[self._at]
            if row.strip() and not row.startswith((" ", "-")):
                break
            self._at += 1
            if row.strip():
                found.append(row)
        depths = {len(row) - len(row.lstrip()) for row in found}
        if len(depths) > 1:
            raise self._wrong("is nested or indented unevenly; one level is understood")
        return [row.strip() for row in found]

    def _block(self, mark: str) -> str:
        taken: list[str] = []
        while self._at < len(self._rows) and (not self._rows[self._at].strip() or self._rows[self._at][0] == " "):
            taken.append(self._rows[self._at])
            self._at += 1
        depth = min((len(row) - len(row.lstrip()) for row in taken if row.strip()), default=0)
        rows = [row[depth:].rstrip() for row in taken]
        if mark[0] == "|":
            return "\n".join(rows).strip("\n")
        return "\n".join(" ".join(part.split("\n")) for part in "\n".join(rows).strip("\n").split("\n\n"))

    def _list(self, value: str) -> tuple[str, ...]:
        if not value.endswith("]"):
            raise self._wrong("a list in brackets must end on its line")
        inside = value[1:-1].strip()
        if any(c in inside for c in "[]{}\"'"):
            raise self._wrong("a list in brackets has plain words only; write one '- item' a line instead")
        return tuple(self._scalar(part.strip()) for part in inside.split(",")) if inside else ()

    def _scalar(self, value: str) -> str:
        if not value:
            raise self._wrong("a value is missing")
        if value[0] in "\"'":
            return self._quoted(value)
        if value[0] in "&*!%@`{}[],|>#" or value.startswith(("- ", "? ")) or ": " in value or " #" in value:
            raise self._wrong("must stand in quotes: YAML would read it otherwise")
        if value.endswith(":"):
            raise self._wrong("must stand in quotes: it ends with a colon")
        return value

    def _quoted(self, value: str) -> str:
        mark, inside = value[0], value[1:-1]
        if len(value) < 2 or value[-1] != mark:
            raise self._wrong("a quoted text must end with its quote, on the same line")
        if mark == "'":
            if "'" in inside.replace("''", ""):
                raise self._wrong("a quote within quotes must be doubled")
            return inside.replace("''", "'")
        return self._unescaped(inside)

    def _unescaped(self, inside: str) -> str:
        found, rest = "", iter(inside)
        for c in rest:
            if c == '"':
                raise self._wrong('a quote within quotes must be written \\"')
            if c == "\\":
                escape = next(rest, "")
                if escape not in _ESCAPES:
                    raise self._wrong(f"'\\{escape}' is not understood")
                c = _ESCAPES[escape]
            found += c
        return found
