"""Other people's text inside a prompt: framed, so that it is read as data and cannot close its frame."""

import html
import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LINE_END = re.compile(r"\r\n?|[\u2028\u2029]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_FRAME = re.compile(r"<(?=\s*/?\s*maestro-)", re.IGNORECASE)


def frame(tag: str, body: str, **attributes: str) -> str:
    """The body between ``<maestro-TAG …>`` and its end; ``body`` has been made by these functions."""
    given = "".join(f' {name}="{_attribute(value)}"' for name, value in attributes.items() if value)
    inside = f"\n{body}\n" if "\n" in body else body
    return f"<maestro-{tag}{given}>{inside}</maestro-{tag}>"


def data(text: str) -> str:
    """The text as it is, but for control characters, strange line ends and what looks like one of our frames."""
    plain = _CONTROL.sub("", _SURROGATE.sub("\ufffd", _LINE_END.sub("\n", text)))
    return _FRAME.sub("&lt;", plain).strip("\n")


def line(text: str) -> str:
    """The same on one line."""
    return " ".join(data(text).split())


def _attribute(text: str) -> str:
    return html.escape(line(text), quote=True)
