"""Projects, found and made by directory."""

import os
from pathlib import Path

from maestro_cli import views
from maestro_cli.call import Call
from maestro_cli.carried import carried
from maestro_cli.environment import is_own
from maestro_cli.failures import Failure, note
from maestro_cli.texts import line
from maestro_cli.trusted import Trusted
from maestrod.client.blocking import quoted
from maestrod.client.errors import Refused
from maestrod.locations import locate

Document = dict[str, object]


def init(call: Call) -> int:
    """Make the directory a project; one that is a project already is only shown."""
    given = call.text("dir")
    exactly = bool(given) or call.flag("here")
    here = Path(os.path.realpath(given or "."))
    wanted = here if exactly else _top(here)
    found = containing(call, wanted)
    if found is not None and (found.get("workingDir") == str(wanted) or not exactly):
        return _shown(call, found, created=False)
    body: Document = {"name": call.text("name") or wanted.name or "project", "workingDir": str(wanted)}
    if call.text("description"):
        body["description"] = call.text("description")
    try:
        made = call.client.call("POST", "/projects", body=body).body
    except Refused as refused:
        found = containing(call, wanted) if refused.code == "CONFLICT" else None
        if found is None:
            raise
        return _shown(call, found, created=False)
    shown = _shown(call, made if isinstance(made, dict) else {}, created=True)
    _carries(call, wanted)
    return shown


def _carries(call: Call, directory: Path) -> None:
    """Say what agents will ask about, unless a person trusts it."""
    environ = call.context.environ
    lacking = Trusted(locate(environ)).lacking(directory, carried(directory, environ))
    if lacking and is_own(environ, call.context.server):
        names = ", ".join(line(each.name) for each in lacking)
        note(f"agents may ask whether you trust {names}: `maestro trust --dry-run` shows what that brings")


def get(call: Call) -> int:
    """Show a project: the one that is named, else that of the session or the directory."""
    named = call.text("project") or call.context.project
    if named:
        found = call.client.call("GET", f"/projects/{quoted(named)}", headers=call.context.where()).body
    else:
        found = containing(call, Path(os.path.realpath(".")))
    if not isinstance(found, dict):
        raise _nowhere()
    page = views.Page(width=call.output.width, colour=call.output.colour)
    call.output.result(found, views.one("project", found, page))
    return 0


def defaults(call: Call) -> int:
    """Change what was given among the project's defaults, and show them; an empty text takes one away."""
    path = f"/projects/{quoted(call.text('project'))}"
    found = call.client.call("GET", path, headers=call.context.where()).body
    project = found if isinstance(found, dict) else {}
    flags = {"network", "worktree"}
    given = {name: value or (False if name in flags else None) for name, value in call.fields().items()}
    if given:
        before = project.get("defaults")
        body = {"defaults": (before if isinstance(before, dict) else {}) | given}
        stamp = {"If-Match": f'"{project.get("version")}"'}
        changed = call.client.call("PATCH", path, body=body, headers=call.context.where() | stamp).body
        project = changed if isinstance(changed, dict) else {}
    preset = project.get("defaults")
    known = {name: value for name, value in preset.items() if value is not None} if isinstance(preset, dict) else {}
    lines = [f"{name}  {line(str(value))}" for name, value in known.items()]
    call.output.result(known, lines or ["nothing is said: agents and their own settings decide"])
    return 0


def here(call: Call) -> str:
    """The id or name of the project at hand: the one that is named, else that of the session or the directory.

    Raises:
        Failure: there is none.
    """
    if call.context.project:
        return call.context.project
    found = containing(call, Path(os.path.realpath(".")))
    if found is None:
        raise _nowhere()
    return str(found.get("id"))


def _nowhere() -> Failure:
    hint = "`maestro init` makes this directory one; `maestro project list` shows all."
    return Failure("this directory belongs to no project", code="PROJECT_NOT_FOUND", hint=hint)


def containing(call: Call, directory: Path) -> Document | None:
    """The project whose directory contains this one; the deepest wins."""
    found = call.client.call("GET", "/projects", query={"workingDir": str(directory)}).body
    return found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else None


def _top(directory: Path) -> Path:
    """The top of the git repository in which the directory lies, else the directory itself."""
    return next((at for at in (directory, *directory.parents) if (at / ".git").exists()), directory)


def _shown(call: Call, project: Document, *, created: bool) -> int:
    word = "created" if created else "already"
    name, where = line(project.get("name")), line(project.get("workingDir"))
    call.output.result({**project, "created": created}, [f"{word} {line(project.get('id'))}  {name}  {where}"])
    if created and not call.output.json and not call.output.quiet:
        note('  next: maestro task create "…", then maestro session spawn --task …')
    return 0
