"""An agent's open dialog, as it crosses the socket."""

import msgspec


class Choice(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An answer that a dialog offers: its number when it has one, and whether Enter would take it."""

    label: str
    number: int | None = None
    chosen: bool = False


class Dialog(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A dialog that waits for a person: what it asks and offers, and a digest that tells it from every other."""

    kind: str
    text: str
    choices: tuple[Choice, ...]
    digest: str
