"""The skills of a session: found by scope, copied into its own folder, never linked."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from maestro_cli.carried import carried, top_of
from maestro_cli.trusted import Trusted
from maestrod.protocol.manifest import Manifest
from maestrod.skills.catalogue import Catalogue, of_role, scopes
from maestrod.skills.reading import Broken, Skill, files

INSIDE = Path(".claude") / "skills"


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a session gets, and what it was to get and is not there."""

    skills: tuple[Skill, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...] = ()


def chosen(manifest: Manifest, environ: Mapping[str, str], trusted: Trusted) -> Given:
    """Those of its role, then those that were asked for; later scopes win.

    One of the project that brings more than text must be trusted, else one from elsewhere takes its place.
    """
    project = Path(manifest.project.working_dir)
    here = Catalogue().look(scopes(environ, str(project))).skills
    top = top_of(project)
    withheld = {(top / each.name).parent.resolve() for each in trusted.lacking(project, carried(project, environ, ()))}
    left = {name: skill for name, skill in here.items() if Path(skill.path).resolve() in withheld}
    found = here if not left else {**here, **_elsewhere(environ, left)}
    names = dict.fromkeys((*of_role(manifest.role), *manifest.skill_ids))
    return Given(
        skills=tuple(found[name] for name in names if name in found and found[name] not in left.values()),
        missing=tuple(name for name in names if name not in found or found[name] in left.values()),
        notes=tuple(
            f"the project's skill {name} brings more than text, and nobody trusts it: `maestro trust {project}`"
            for name in names
            if name in left
        ),
    )


def _elsewhere(environ: Mapping[str, str], names: Iterable[str]) -> dict[str, Skill]:
    """Skills of these names that are not a project's."""
    there = Catalogue().look(scopes(environ)).skills
    return {name: there[name] for name in names if name in there}


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
