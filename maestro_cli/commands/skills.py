"""Skills at hand: looked at, copied to where they are found, and the texts of this very version."""

import os
from pathlib import Path

from maestro_cli import texts
from maestro_cli.call import Call
from maestro_cli.failures import Failure, Usage
from maestrod.client.blocking import quoted
from maestrod.skills.catalogue import CLI, ORCHESTRATOR, WORKER, scopes, shipped
from maestrod.skills.reading import Broken, Skill, files, read


def validate(call: Call) -> int:
    """Say whether the folder is a skill.

    Raises:
        Failure: it is none; why.
    """
    skill = _read(Path(call.text("folder")))
    found = {"name": skill.name, "description": skill.description, "path": skill.path, "form": skill.form}
    call.output.result(found, [f"{skill.name} is a skill ({skill.form})", f"  {skill.description}"])
    return 0


def install(call: Call) -> int:
    """Copy the skill under its own name, whole or not at all.

    Raises:
        Failure: it is none, or one of that name is there.
    """
    source = Path(call.text("folder"))
    skill = _read(source)
    root = Path.cwd() if call.flag("here") else Path(call.context.environ.get("HOME") or Path.home())
    place = root / ".agents" / "skills" / skill.name
    if place.exists() and not call.flag("replace"):
        hint = "`--replace` puts this one in its place."
        raise Failure(f"there is a skill at {place}", code="CONFLICT", hint=hint)
    _copy(files(source), place)
    call.output.result({"name": skill.name, "path": str(place)}, [f"installed {skill.name}  {place}"])
    return 0


def path(call: Call) -> int:
    """The places, or where one skill is."""
    name = call.text("skill")
    if name:
        found = call.client.call("GET", f"/skills/{quoted(name)}", headers=call.context.where()).body
        where = found.get("path") if isinstance(found, dict) else ""
        call.output.result({"name": name, "path": where}, [texts.line(where)])
        return 0
    rows = [(scope.name, str(scope.folder)) for scope in scopes(call.context.environ, str(Path.cwd()))]
    call.output.result(
        [{"scope": scope, "path": place} for scope, place in rows],
        texts.table(["SCOPE", "FOLDER"], [list(row) for row in rows], call.output.width),
    )
    return 0


def get(call: Call) -> int:
    """The instructions alone: those that this version ships, without asking anybody, or of any skill that is found."""
    asked = call.text("skill")
    name, text = _shipped(asked) or _found(call, asked)
    call.output.result(
        {"name": name, "instructions": text}, [texts.line(row, keep=True) for row in text.rstrip().split("\n")]
    )
    return 0


def _shipped(asked: str) -> tuple[str, str] | None:
    name = f"maestro-{asked.removeprefix('maestro-')}"
    if name not in (CLI, WORKER, ORCHESTRATOR):
        return None
    return name, _read(shipped() / name).instructions


def _found(call: Call, asked: str) -> tuple[str, str]:
    if not asked.strip():
        raise Usage("which skill?", hint="`maestro skill list` shows them.")
    where, headers = call.where()
    answer = call.client.call("GET", f"/skills/{quoted(asked)}", query=where, headers=headers).body
    skill = answer if isinstance(answer, dict) else {}
    return str(skill.get("name")), str(skill.get("instructions"))


def _read(folder: Path) -> Skill:
    try:
        skill = read(folder, "here")
        files(folder)
    except Broken as broken:
        hint = "A skill is a folder with a SKILL.md that begins with its name and description."
        raise Failure(str(broken), code="VALIDATION_ERROR", hint=hint) from broken
    return skill


def _copy(content: dict[str, bytes], place: Path) -> None:
    """Write aside, then change places: nobody sees half a skill."""
    aside, old = (place.with_name(f".{place.name}.{os.getpid()}.{word}") for word in ("new", "old"))
    for name, raw in content.items():
        target = aside / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(raw)
    if place.exists():
        place.rename(old)
    aside.rename(place)
    if old.exists():
        _remove(old)


def _remove(folder: Path) -> None:
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            _remove(each)
        else:
            each.unlink()
    folder.rmdir()
