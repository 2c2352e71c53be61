"""Bodies of requests as types: those of commands, and those that are no commands."""

from typing import TypeVar

import msgspec

from maestrod.domain.errors import Invalid
from maestrod.domain.imports import Source

S = TypeVar("S", bound=msgspec.Struct)


class HookSaid(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a hook of an agent says."""

    provider: str
    event: str
    hook_id: str = ""
    at: int | None = None
    payload: dict[str, object] = {}


class Typed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be typed into a pane: keys or a paste as they are, an answer to the open dialog, or a prompt.

    An answer names the dialog that it is for: ``expect`` is its digest, or what it asks.
    """

    text: str = ""
    keys: tuple[str, ...] = ()
    paste: str = ""
    answer: str = ""
    expect: str = ""


class Goodbye(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the daemon is to stop, for its log."""

    reason: str = ""


class Brought(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Files to import by their paths, as texts; from where they are, when their paths do not tell."""

    files: dict[str, str]
    source: Source | None = msgspec.field(name="from", default=None)
    dry_run: bool = False


class Merging(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Into which branch, by default the one from which the worktree began.

    ``commit`` is the message with which what is not committed is committed first; without one that is refused.
    """

    into: str = ""
    commit: str = ""


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A body without fields, which need not come at all."""


def decoded(document: dict[str, object], kind: type[S]) -> S:
    """The body from its document.

    Raises:
        Invalid: a field is missing, unknown, or of the wrong type.
    """
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$.")
        field = path.rstrip("`").removesuffix("...")
        if "unknown field" in message or (not path and "required field" in message):
            field = message.rpartition("`")[0].rpartition("`")[2]
        raise Invalid.field(field, message[:1].lower() + message[1:]) from error
