"""How long, how many, how large; every wrong field is reported at once."""

import re
from typing import Self

import msgspec

from maestrod.domain.errors import FieldProblem, Invalid

NAME = 200
TITLE = 200
TEXT = 10_000
PROMPT = 10 * 1024 * 1024
MESSAGE = 64 * 1024
LIST = 1_000
METADATA = 16 * 1024
LABEL = 100
PATH = 4_096
WHOLE = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exact."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Fields:
    """Collects what is wrong with the fields of a command; ``end`` raises them together.

    Paths are the JSON names. ``None`` and ``UNSET`` values pass: whether they may be left out is the
    type's matter. A lone surrogate counts as a control character: it cannot be written as UTF-8.
    """

    def __init__(self) -> None:
        self._problems: list[FieldProblem] = []

    def wrong(self, path: str, message: str) -> Self:
        """Note a problem found elsewhere."""
        self._problems.append(FieldProblem(path=path, message=message))
        return self

    def line(self, path: str, value: object, limit: int) -> Self:
        """One line of text that is not blank and has no control characters."""
        if isinstance(value, str):
            if not value.strip():
                self.wrong(path, "must not be empty")
            elif _CONTROL.search(value):
                self.wrong(path, "must be one line without control characters")
            self._length(path, value, limit)
        return self

    def text(self, path: str, value: object, limit: int) -> Self:
        """Text of several lines; of the control characters only tab and line ends."""
        if isinstance(value, str):
            if _CONTROL_IN_TEXT.search(value):
                self.wrong(path, "must not contain control characters")
            self._length(path, value, limit)
        return self

    def said(self, path: str, value: str, limit: int) -> Self:
        """Text that must not be blank."""
        if not value.strip():
            self.wrong(path, "must not be empty")
        return self.text(path, value, limit)

    def document(self, path: str, value: str, limit: int) -> Self:
        """Text of any kind, control characters included."""
        if _SURROGATE.search(value):
            self.wrong(path, "must not contain lone surrogates")
        return self._length(path, value, limit)

    def lines(self, path: str, values: object, limit: int) -> Self:
        """A list of texts."""
        if isinstance(values, tuple) and values:
            if len(values) > LIST:
                self.wrong(path, f"has {len(values)} entries, at most {LIST} are allowed")
            for number, value in enumerate(values[:LIST]):
                self.text(f"{path}[{number}]", value, limit)
        return self

    def number(self, path: str, value: object, *, least: int = -WHOLE) -> Self:
        """A whole number that JSON keeps exact."""
        if isinstance(value, int) and not least <= value <= WHOLE:
            self.wrong(path, f"must be at least {least}" if value < least else f"must be at most {WHOLE}")
        return self

    def metadata(self, path: str, value: object) -> Self:
        """A small JSON object that is kept as it is."""
        return self.json_object(path, value, METADATA)

    def json_object(self, path: str, value: object, limit: int) -> Self:
        """A JSON object of bounded size."""
        if isinstance(value, dict):
            try:
                size = len(msgspec.json.encode(value))
            except (TypeError, ValueError, RecursionError):
                return self.wrong(path, "cannot be written as JSON")
            if size > limit:
                self.wrong(path, f"is {size} bytes as JSON, at most {limit} are allowed")
        return self

    def absolute(self, path: str, value: object) -> Self:
        """An absolute path as a resolver leaves it: no ``.``, no ``..``, no empty part."""
        self.line(path, value, PATH)
        if isinstance(value, str) and value != "/":
            root, *parts = value.split("/")
            if root or not parts:
                self.wrong(path, "must be an absolute path")
            elif not {"", ".", ".."}.isdisjoint(parts):
                self.wrong(path, "must be resolved: no '.', no '..', no empty part")
        return self

    def end(self, *, hint: str = "") -> None:
        """Raises: Invalid: at least one field is wrong."""
        if self._problems:
            raise Invalid(self._problems, hint=hint)

    def _length(self, path: str, value: str, limit: int) -> Self:
        if len(value) > limit:
            self.wrong(path, f"is {len(value)} characters long, at most {limit} are allowed")
        return self
