"""The skills of all scopes together; a scope is read again when it is said to have changed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

import maestrod
from maestrod.skills.reading import Broken, Skill, is_one, read

MOST = 500
"""Folders that are looked at in one scope."""
KEPT_SCOPES = 200

CLI, WORKER, ORCHESTRATOR = "maestro-cli", "maestro-worker", "maestro-orchestrator"


class Scope(msgspec.Struct, frozen=True):
    """A folder whose subfolders are skills."""

    name: str
    folder: Path


class Trouble(msgspec.Struct, frozen=True, rename="camel"):
    """A folder that cannot be used, or that is used as it was before."""

    path: str
    scope: str
    message: str
    kept: bool = False


class View(msgspec.Struct, frozen=True, rename="camel"):
    """What can be used, by name, and what cannot."""

    skills: dict[str, Skill]
    troubles: tuple[Trouble, ...]


class _Found(msgspec.Struct):
    by_folder: dict[str, Skill]
    view: View
    there: bool


def shipped() -> Path:
    """The skills that come with this version of Maestro."""
    root = Path(str(maestrod.__file__)).parents[1]
    packed = root / "maestro_cli" / "_skills"
    return packed if packed.exists() else root / "skills"


def scopes(environ: Mapping[str, str], project_dir: str | None = None) -> tuple[Scope, ...]:
    """Where skills are looked for, later ones win."""
    home = Path(environ.get("HOME") or Path.home())
    own = Path(environ.get("SKILLS_DIR") or home / ".agents-ui" / "maestro-skills")
    found = [
        Scope("shipped", shipped()),
        Scope("maestro", own),
        Scope("claude", home / ".claude" / "skills"),
        Scope("agents", home / ".agents" / "skills"),
    ]
    if project_dir is not None:
        place = Path(project_dir)
        found += [
            Scope("project-claude", place / ".claude" / "skills"),
            Scope("project-agents", place / ".agents" / "skills"),
        ]
    return tuple(dict.fromkeys(found))


def of_role(role: str) -> tuple[str, ...]:
    """The skills that every session of the role gets."""
    return CLI, ORCHESTRATOR if role == "orchestrator" else WORKER


class Catalogue:
    """Reads scopes and remembers them; a folder that breaks keeps what was last read of it."""

    def __init__(self) -> None:
        self._found: dict[Scope, _Found] = {}
        self._stale: set[Scope] = set()

    def look(self, wanted: Sequence[Scope]) -> View:
        """The skills of these scopes together; reads the disk where something may have changed."""
        merged: dict[str, Skill] = {}
        troubles: list[Trouble] = []
        for scope in wanted:
            view = self._of(scope).view
            merged |= view.skills
            troubles += view.troubles
        return View(dict(sorted(merged.items())), tuple(troubles))

    def changed(self, paths: Sequence[str] | None = None) -> None:
        """Something changed in these places, or anywhere."""
        for scope in self._found:
            if paths is None or any(Path(path).is_relative_to(scope.folder) for path in paths):
                self._stale.add(scope)

    def folders(self) -> list[Path]:
        """Every folder whose change matters, each without those beneath it."""
        there = [scope.folder for scope, found in self._found.items() if found.there]
        return [*there, *(Path(path) for found in list(self._found.values()) for path in found.by_folder)]

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """What was wrong when it was last read."""
        return tuple(trouble for found in self._found.values() for trouble in found.view.troubles)

    def _of(self, scope: Scope) -> _Found:
        known = self._found.get(scope)
        if known is None or scope in self._stale or known.there != scope.folder.is_dir():
            while len(self._found) >= KEPT_SCOPES:
                self._found.pop(next(iter(self._found)))
            self._stale.discard(scope)
            known = self._found[scope] = _read(scope, known.by_folder if known is not None else {})
        return known


def _read(scope: Scope, before: Mapping[str, Skill]) -> _Found:
    by_folder: dict[str, Skill] = {}
    troubles: list[Trouble] = []
    try:
        folders = sorted(scope.folder.iterdir())
    except OSError:
        return _Found({}, View({}, ()), there=scope.folder.is_dir())
    if len(folders) > MOST:
        message = f"{scope.folder} has {len(folders)} entries, the first {MOST} are looked at"
        troubles.append(Trouble(str(scope.folder), scope.name, message))
    for folder in folders[:MOST]:
        try:
            if folder.is_dir() and is_one(folder):
                by_folder[str(folder)] = read(folder, scope.name, root=scope.folder)
        except (Broken, OSError) as error:
            last = before.get(str(folder))
            troubles.append(Trouble(str(folder), scope.name, str(error), kept=last is not None))
            if last is not None:
                by_folder[str(folder)] = last
    return _Found(by_folder, _without_clashes(scope, by_folder, troubles), there=True)


def _without_clashes(scope: Scope, by_folder: Mapping[str, Skill], troubles: list[Trouble]) -> View:
    places: dict[str, list[str]] = {}
    for path, skill in by_folder.items():
        places.setdefault(skill.name, []).append(path)
    for name, paths in places.items():
        if len(paths) > 1:
            message = f"'{name}' is the name of {' and of '.join(paths)}; neither is used"
            troubles.append(Trouble(paths[0], scope.name, message))
    clear = {name: by_folder[paths[0]] for name, paths in places.items() if len(paths) == 1}
    return View(clear, tuple(troubles))
