"""The screen rules in force: those that are shipped, and the user's own beside them, read again when they change."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

import msgspec

from maestrod.watch import folders
from maestrod.watch.rules import SIZE, BadRules, RuleSet, parse

log = logging.getLogger(__name__)

FOLDER = "screen_rules"
"""Of the shipped rules in this package, of the user's own in the home's config."""
MOST = 100
AGAIN_S = 30.0
"""How soon watching is tried again when there is no folder yet, or the system refuses to watch."""


class Trouble(msgspec.Struct, frozen=True, rename="camel"):
    """A file that cannot be used; what was in force before it was changed still is."""

    path: str
    message: str


class Rulebook:
    """Rules by provider; a broken file keeps what was last read of it, and is told in ``troubles``."""

    def __init__(self, config: Path, changes: folders.Watching = folders.changes) -> None:
        self._changes = changes
        self._folder = config / FOLDER
        self._shipped: dict[str, RuleSet | None] = {}
        self._own: dict[Path, RuleSet] = {}
        self._by_provider: dict[str, RuleSet] = {}
        self._troubles: tuple[Trouble, ...] = ()

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """What was wrong with the user's own files when they were last read."""
        return self._troubles

    def of(self, provider: str) -> RuleSet | None:
        """The rules of a provider; None when nothing is known of its screen."""
        if provider in self._by_provider:
            return self._by_provider[provider]
        if provider not in self._shipped:
            self._shipped[provider] = shipped(provider)
        return self._shipped[provider]

    def load(self) -> None:
        """Read the user's own files."""
        kept: dict[Path, RuleSet] = {}
        troubles: list[Trouble] = []
        for path in _files(self._folder):
            try:
                kept[path] = parse(_text(path))
            except (BadRules, OSError, UnicodeDecodeError) as error:
                troubles.append(Trouble(str(path), str(error)))
                log.warning("screen rules cannot be used: %s: %s", path, error)
                if path in self._own:
                    kept[path] = self._own[path]
        self._own, self._troubles = kept, tuple(troubles)
        self._by_provider = self._merged(kept)

    async def run(self) -> None:
        """Read the user's own files, and again whenever they change, for as long as it is awaited."""
        while True:
            await asyncio.to_thread(self.load)
            try:
                await self._changed()
            except OSError as error:
                log.debug("screen rules are not watched for now: %s", error)
                await asyncio.sleep(AGAIN_S)

    async def _changed(self) -> None:
        """Wait for a change; while there is no folder its parent is watched."""
        folder = self._folder if self._folder.is_dir() else self._folder.parent
        async for _ in self._changes(folder):
            return

    def _merged(self, own: Mapping[Path, RuleSet]) -> dict[str, RuleSet]:
        found: dict[str, RuleSet] = {}
        for rules in own.values():
            before = found.get(rules.provider) or shipped(rules.provider)
            found[rules.provider] = rules if before is None else merged(before, rules)
        return found


def shipped(provider: str) -> RuleSet | None:
    """The rules that come with this version, if it knows the provider."""
    known = {path.stem: path for path in _files(Path(__file__).with_name(FOLDER))}
    return parse(known[provider].read_text(encoding="utf-8")) if provider in known else None


def merged(base: RuleSet, own: RuleSet) -> RuleSet:
    """The base with the own rules before its own: of one name the own one counts, as do places that it names."""
    named = {rule.name for rule in own.rules}
    return msgspec.structs.replace(
        base,
        measured=own.measured or base.measured,
        message=own.message or base.message,
        composer=own.composer or base.composer,
        dialogs=own.dialogs or base.dialogs,
        rules=(*own.rules, *(rule for rule in base.rules if rule.name not in named)),
    )


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".toml")[:MOST]
    except OSError:
        return []


def _text(path: Path) -> str:
    """A file's text.

    Raises:
        BadRules: it is none, or too large.
        OSError: it cannot be read.
        UnicodeDecodeError: it is no UTF-8.
    """
    if not path.is_file():
        raise BadRules("is not a file")
    with path.open("rb") as file:
        raw = file.read(4 * SIZE + 1)
    return raw.decode("utf-8")
