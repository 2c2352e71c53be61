"""Trusting what a directory carries by which agents may run something: as it is now, and no further."""

from pathlib import Path

from maestro_cli import texts
from maestro_cli.call import Call
from maestro_cli.carried import Carried, carried, one, top_of
from maestro_cli.failures import Failure, note
from maestro_cli.trusted import Trusted
from maestrod.locations import locate

NEW, CHANGED, TRUSTED, GONE = "new", "changed", "trusted", "gone"


def trust(call: Call) -> int:
    """Trust a directory's files, or one file; or tell of, or forget, what was trusted."""
    trusted = Trusted(locate(call.context.environ))
    if call.flag("list"):
        return _list(call, trusted)
    if call.context.session and not call.flag("dry_run"):
        raise Failure("trusting is for people", code="FORBIDDEN", hint="Ask the person who runs Maestro.")
    place = Path(call.text("path") or Path.cwd())
    if call.flag("remove"):
        return _remove(call, trusted, place)
    directory, found = _found(call, place)
    known = trusted.all().get(str(top_of(directory)), {})
    if found and not call.flag("dry_run"):
        trusted.add(directory, found)
    files = [{"name": each.name, "brings": each.brings, "was": _state(each, known)} for each in found]
    rows = [[texts.line(each[name]) for name in ("name", "was", "brings")] for each in files]
    head = f"{top_of(directory)}: {'would be trusted' if call.flag('dry_run') else 'trusted as it is now'}"
    lines = [head, *texts.table(["file", "was", "brings"], rows, call.output.width, colour=call.output.colour)]
    nothing = f"{directory} carries nothing by which an agent would run something"
    data = {"directory": str(top_of(directory)), "files": files, "trusted": bool(found) and not call.flag("dry_run")}
    call.output.result(data, lines if found else [nothing])
    for each in found:
        if not each.digest:
            note(f"{each.name} {each.brings}: it cannot be trusted, and agents ask")
    return 0


def _found(call: Call, place: Path) -> tuple[Path, tuple[Carried, ...]]:
    if place.is_dir():
        return place, carried(place, call.context.environ)
    if place.is_file():
        return place.resolve().parent, (one(place),)
    raise Failure(f"there is no {place}", code="NOT_FOUND", hint="Name a directory, or one file.")


def _list(call: Call, trusted: Trusted) -> int:
    data, rows = [], []
    for top, digests in sorted(trusted.all().items()):
        for name, digest in sorted(digests.items()):
            state = _now(Path(top, name), digest)
            data.append({"directory": top, "name": name, "state": state})
            rows.append([state, texts.line(name), texts.line(top)])
    lines = texts.table(["state", "file", "directory"], rows, call.output.width, colour=call.output.colour)
    call.output.result(data, lines or ["nothing is trusted"])
    return 0


def _remove(call: Call, trusted: Trusted, place: Path) -> int:
    removed = trusted.remove(place)
    word = "not trusted any more" if removed else "was not trusted"
    call.output.result({"directory": str(place), "removed": removed}, [f"{place}: {word}"])
    return 0


def _state(each: Carried, known: dict[str, str]) -> str:
    if each.name not in known:
        return NEW
    return TRUSTED if known[each.name] == each.digest else CHANGED


def _now(place: Path, digest: str) -> str:
    if not place.is_file():
        return GONE
    return TRUSTED if one(place).digest == digest else CHANGED
