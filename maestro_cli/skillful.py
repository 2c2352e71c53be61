"""The skills of a session: found by scope, copied into its own folder, never linked."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from maestrod.protocol.manifest import Manifest
from maestrod.skills.catalogue import Catalogue, of_role, scopes
from maestrod.skills.reading import Broken, Skill, files

INSIDE = Path(".claude") / "skills"


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a session gets, and what it was to get and is not there."""

    skills: tuple[Skill, ...]
    missing: tuple[str, ...]


def chosen(manifest: Manifest, environ: Mapping[str, str]) -> Given:
    """Those of its role, then those that were asked for; later scopes win."""
    view = Catalogue().look(scopes(environ, manifest.project.working_dir))
    names = dict.fromkeys((*of_role(manifest.role), *manifest.skill_ids))
    return Given(
        skills=tuple(view.skills[name] for name in names if name in view.skills),
        missing=tuple(name for name in names if name not in view.skills),
    )


def place(given: Given, folder: Path) -> None:
    """Copy them beneath the folder, in place of what a launch before left there; one that cannot be copied is not.

    Raises:
        OSError: the disk refuses.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for skill in given.skills:
        try:
            content = files(Path(skill.path))
        except Broken:
            continue
        for name, raw in content.items():
            target = folder / INSIDE / skill.name / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            target.write_bytes(raw)
            target.chmod(0o600)
