"""Documents of somebody else's making: read field by field, whatever is in them; what is wrong is told."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Self, TypeVar

import msgspec

from maestrod.domain.limits import LIST, PROMPT, WHOLE
from maestrod.domain.mending import LEFT_OUT, Finding

Document = dict[str, object]
T = TypeVar("T")
W = TypeVar("W", bound=StrEnum)

_SHOWN = 100


def papers(files: Mapping[str, str], findings: list[Finding]) -> Iterator["Paper"]:
    """The documents in the files, in the order of their paths; those that are none are told."""
    for path, text in sorted(files.items()):
        try:
            yield Paper(path, msgspec.json.decode(text, type=Document), findings)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            findings.append(Finding(path, f"it cannot be read: {error}", LEFT_OUT))


class Paper:
    """A document and the file it is in; each question takes what fits, and tells what does not."""

    def __init__(self, file: str, content: Document, findings: list[Finding]) -> None:
        self.file = file
        self._content = content
        self._findings = findings

    def told(self, what: str, done: str) -> None:
        """Tell what was found."""
        self._findings.append(Finding(self.file, what, done))

    def within(self, content: Document) -> Self:
        """A document in this one."""
        return type(self)(self.file, content, self._findings)

    def _value(self, name: str, type_: type[W] | type, usual: object) -> object:
        value = self._content.get(name)
        if value is None:
            return usual
        if not isinstance(value, type_) or (type_ is int and isinstance(value, bool)):
            self.told(f"{name} is {_shown(value)}", "passed over")
            return usual
        return value

    def text(self, name: str, usual: str = "") -> str:
        """A text."""
        return str(self._value(name, str, usual))[:PROMPT]

    def flag(self, name: str) -> bool:
        """Yes or no."""
        return bool(self._value(name, bool, False))  # noqa: FBT003 - the usual value

    def time(self, name: str) -> int | None:
        """Milliseconds since the epoch."""
        value = self._value(name, int, None)
        if isinstance(value, int) and not 0 <= value <= WHOLE:
            self.told(f"{name} is {_shown(value)}", "passed over")
            return None
        return value if isinstance(value, int) else None

    def section(self, name: str) -> Document | None:
        """An object within."""
        value = self._value(name, dict, None)
        return value if isinstance(value, dict) else None

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(self._listed(name, str))

    def parts(self, name: str) -> list[Self]:
        """Documents in a list."""
        return [self.within(each) for each in self._listed(name, dict)]

    def word(self, name: str, words: type[W], usual: W, older: Mapping[str, W] | None = None) -> W:
        """A word of a closed list, or an older one for it."""
        value = self.text(name, usual)
        known = {word.value: word for word in words} | dict(older or {})
        if value not in known:
            self.told(f"{name} is {_shown(value)}, which is not known", f"taken as {usual}")
        return known.get(value, usual)

    def _listed(self, name: str, type_: type[T]) -> Iterator[T]:
        value = self._value(name, list, None)
        found = value if isinstance(value, list) else []
        if len(found) > LIST:
            self.told(f"{name} has {len(found)} entries", f"the first {LIST} were taken")
        for each in found[:LIST]:
            if isinstance(each, type_):
                yield each
            else:
                self.told(f"{name} names {_shown(each)}", LEFT_OUT)


def _shown(value: object) -> str:
    return repr(value)[:_SHOWN]
