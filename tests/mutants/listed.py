"""The list of mutants, as ``store.toml`` and ``engine.toml`` have it."""

import tomllib
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent


class Mutant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fault: in ``file`` of the daemon's package, ``old`` becomes ``new``; ``why`` that matters."""

    file: str
    old: str
    new: str
    why: str
    tests: tuple[str, ...]
    """Which tests must fail, below ``tests/``: ``store/test_lock.py::test_…``."""

    @property
    def name(self) -> str:
        """For people, and for ``-k``."""
        return f"{self.file}: {self.why}"


class _Page(msgspec.Struct, forbid_unknown_fields=True):
    mutant: list[Mutant]


def mutants() -> list[Mutant]:
    """All of them, in the order of the files."""
    return [mutant for name in ("store.toml", "engine.toml") for mutant in _page(FOLDER / name)]


def _page(path: Path) -> list[Mutant]:
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Page).mutant
