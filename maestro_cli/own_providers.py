"""The agent programs that can be started here: those that are built in, and those of the home's own files."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from maestrod.providers import custom
from maestrod.providers.registry import BUILT_IN, Provider, UnknownProvider

FOLDER = "providers"
"""In the home's config; one file for each program, which is called by the file's name."""
MOST = 100


class Providers:
    """Read anew each time it is made: a launch sees what the files say now."""

    def __init__(self, config: Path) -> None:
        self.troubles: dict[str, str] = {}
        """By path, what is wrong with files that cannot be used."""
        self._own: dict[str, Provider] = {}
        for path in _files(config / FOLDER):
            try:
                self._own[path.stem] = _read(path)
            except (OSError, UnicodeDecodeError, custom.BadProvider) as error:
                self.troubles[str(path)] = str(error)

    def all(self) -> Mapping[str, Provider]:
        """Every provider by its name: those that are built in first."""
        return {**BUILT_IN, **self._own}

    def get(self, name: str) -> Provider:
        """The provider of that name.

        Raises:
            UnknownProvider: there is none, or its file cannot be used.
        """
        if name in self.all():
            return self.all()[name]
        broken = [f"{path}: {why}" for path, why in self.troubles.items() if Path(path).stem == name]
        raise UnknownProvider(name, tuple(self.all()), *broken)


def _read(path: Path) -> Provider:
    """Raises: OSError, UnicodeDecodeError, BadProvider: it cannot be used."""
    name = path.stem
    if name in BUILT_IN:
        raise custom.BadProvider(f"{name} is built in: give the file another name")
    if not custom.NAME.fullmatch(name):
        raise custom.BadProvider("the file's name must be lower-case letters, digits and hyphens")
    if not path.is_file():
        raise custom.BadProvider("is not a file")
    with path.open("rb") as file:
        found = custom.parse(file.read(4 * custom.SIZE + 1).decode("utf-8"))
    return Provider(
        name=name,
        title=found.title or name,
        install=found.install or f"it runs {found.program or found.start[0]}",
        plan=partial(custom.plan, found, name),
        program=found.program or found.start[0],
        runs=found.start[0],
    )


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".toml")[:MOST]
    except OSError:
        return []
