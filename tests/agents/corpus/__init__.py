"""The recorded agents, with what a person says of each recording."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

HERE = Path(__file__).parent
PROVIDERS = ("claude", "codex", "gemini")


class ScreenLabel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says of a screen."""

    doing: str
    title: str = ""
    kind: str = ""
    text: str = ""
    choices: tuple[str, ...] = ()


class Turns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The states of a recording one after the other, repeats left out."""

    turns: tuple[str, ...]


class Labels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is said of one provider's recordings; ``version`` is that of its program."""

    version: str
    screens: Mapping[str, ScreenLabel]
    hooks: Mapping[str, Turns]
    transcript: Turns


class Hook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One hook as it was received, and when (ms)."""

    at: int
    event: str
    payload: Mapping[str, object]


def labels(provider: str) -> Labels:
    """What is said of a provider's recordings."""
    return msgspec.convert(tomllib.loads((HERE / provider / "labels.toml").read_text(encoding="utf-8")), Labels)


def screen(provider: str, name: str) -> str:
    """A screen as tmux captured it."""
    return (HERE / provider / "screens" / f"{name}.txt").read_text(encoding="utf-8")


def screens() -> Iterator[tuple[str, str, ScreenLabel]]:
    """All screens: provider, name, label."""
    for provider in PROVIDERS:
        for name, label in labels(provider).screens.items():
            yield provider, name, label


def hooks(provider: str, name: str) -> tuple[Hook, ...]:
    """The hooks of one run, in order."""
    path = HERE / provider / "hooks" / f"{name}.jsonl"
    return tuple(msgspec.json.decode(line, type=Hook) for line in path.read_bytes().splitlines())


def transcript(provider: str) -> tuple[dict[str, object], ...]:
    """The lines of the program's own log."""
    return tuple(json.loads(line) for line in (HERE / provider / "transcript.jsonl").read_bytes().splitlines())
