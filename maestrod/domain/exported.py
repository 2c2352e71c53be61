"""The form of an export: one readable file per project and per session, and one for what belongs to neither.

A file is a JSON object with a list of entities per noun. ``export.json`` says what the whole is.
"""

from collections.abc import Iterator, Mapping

import msgspec

from maestrod.domain.changes import Piece
from maestrod.domain.mending import LEFT_OUT, Finding
from maestrod.domain.model import TYPES, Noun

HEAD = "export.json"
OTHERS = "others.json"
FORMAT = "maestro-export"
VERSION = 1

SECRET = frozenset({"key"})
"""Nouns that let somebody in: they are neither exported nor taken from an export."""

Document = dict[str, object]
Sections = dict[str, list[Document]]


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What an export says of itself: of which commit it is, and the hash of that state."""

    format: str = FORMAT
    version: int = VERSION
    seq: int = 0
    hash: str = ""


def arranged(head: Head, entities: Mapping[str, list[Document]]) -> Iterator[tuple[str, object]]:
    """The files of an export by their paths; ``entities`` are those of each noun, as they are on the wire."""
    yield HEAD, msgspec.to_builtins(head)
    sessions = {str(each["id"]) for each in entities.get(Noun.SESSION, ())}
    projects = {str(each["id"]): str(each["projectId"]) for each in entities.get(Noun.TASK, ())}
    files: dict[str, Sections] = {}
    for noun, rows in entities.items():
        if noun in SECRET:
            continue
        for row in rows:
            sections = files.setdefault(_path(noun, row, sessions, projects), {})
            sections.setdefault(noun, []).append(row)
    yield from sorted(files.items())


def _path(noun: str, row: Document, sessions: set[str], projects: Mapping[str, str]) -> str:
    session = row.get("id") if noun == Noun.SESSION else row.get("sessionId")
    if session in sessions:
        return f"sessions/{session}.json"
    project = row.get("id") if noun == Noun.PROJECT else row.get("projectId") or projects.get(str(row.get("taskId")))
    return f"projects/{project}.json" if project else OTHERS


def read(files: Mapping[str, str]) -> tuple[list[Piece], list[Finding]]:
    """The entities in an export, and what could not be read."""
    pieces: list[Piece] = []
    findings: list[Finding] = []
    for path, text in sorted(files.items()):
        try:
            document = _decoded(path, text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            findings.append(Finding(path, f"it cannot be read: {error}", LEFT_OUT))
            continue
        if isinstance(document, Head):
            findings += _head_faults(path, document)
            continue
        for noun, rows in document.items():
            if noun not in TYPES or noun in SECRET:
                findings.append(Finding(path, f"'{noun[:100]}' is nothing that can be brought", LEFT_OUT))
                continue
            _take(path, Noun(noun), rows, pieces, findings)
    return pieces, findings


def _decoded(path: str, text: str) -> Head | dict[str, list[Document]]:
    if path == HEAD:
        return msgspec.json.decode(text, type=Head)
    return msgspec.json.decode(text, type=dict[str, list[Document]])


def _head_faults(path: str, head: Head) -> Iterator[Finding]:
    if head.format != FORMAT or head.version > VERSION:
        what = f"it is a {head.format} of version {head.version}, known is {FORMAT} {VERSION}"
        yield Finding(path, what, "read as far as it is known")


def _take(path: str, noun: Noun, rows: list[Document], pieces: list[Piece], findings: list[Finding]) -> None:
    for number, row in enumerate(rows):
        try:
            pieces.append(Piece(path, noun, msgspec.convert(row, TYPES[noun])))
        except msgspec.ValidationError as error:
            findings.append(Finding(path, f"{noun} {number} cannot be read: {error}", LEFT_OUT))
