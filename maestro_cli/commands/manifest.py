"""Manifests: what a session is told of itself, shown, made from tasks, looked at for faults."""

import json
import os
from pathlib import Path

import msgspec

from maestro_cli.call import Call
from maestro_cli.failures import Failure, Usage, note
from maestro_cli.offline import is_away
from maestro_cli.texts import line, pairs, table
from maestrod.client.blocking import quoted
from maestrod.client.errors import ClientError
from maestrod.domain.errors import Invalid
from maestrod.domain.model import PermissionMode, Role, Strategy
from maestrod.locations import locate
from maestrod.protocol.codec import parse_object
from maestrod.protocol.faults import faults
from maestrod.protocol.manifest import Manifest, ManifestProject, ManifestTask, allowed_commands

LIMIT = 16 << 20
NONE = "Name a session, or run it in one; `maestro manifest generate` makes one from tasks."
WRITTEN = "the manifest as it was written at the launch"

Document = dict[str, object]


def show(call: Call) -> int:
    """The manifest at hand, or of a session.

    Raises:
        Usage: there is none at hand.
        Failure: it cannot be read.
    """
    named, own = call.text("session"), call.context.session
    path = call.context.environ.get("MAESTRO_MANIFEST_PATH", "")
    if not named and not own:
        raise Usage("there is no manifest at hand", hint=NONE)
    if path and named in ("", own):
        return _shown(call, _parsed(Path(path)))
    session = named or own
    try:
        found = call.client.call("GET", f"/sessions/{quoted(session)}/manifest").body
    except (ClientError, Failure) as lost:
        written = _written(call, session) if is_away(lost) else None
        if written is None:
            raise
        note(f"offline: the daemon is away; this is {WRITTEN}")
        return _shown(call, _parsed(written), offline=True)
    return _shown(call, found if isinstance(found, dict) else {})


def validate(call: Call) -> int:
    """Whether a session can be told by a manifest.

    Raises:
        Failure: it cannot; everything that is wrong with it is named.
    """
    path = call.text("file") or call.context.environ.get("MAESTRO_MANIFEST_PATH", "")
    if not path:
        raise Usage("which file?", hint=NONE)
    document = _parsed(Path(path))
    problems = faults(document)
    if problems:
        told = "\n".join(f"  {problem.path or path}: {problem.message}" for problem in problems)
        number = f"{len(problems)} faults" if len(problems) > 1 else "one fault"
        raise Failure(
            f"{path} has {number}:\n{told}",
            code="VALIDATION_ERROR",
            hint=_hint(document),
            details=[{"path": problem.path, "message": problem.message} for problem in problems],
        )
    manifest = msgspec.convert(document, Manifest)
    data = {"valid": True, "file": path, "role": manifest.role.value, "tasks": len(manifest.tasks)}
    call.output.result(data, [f"{path} is sound: a {manifest.role} with {len(manifest.tasks)} tasks"])
    return 0


def generate(call: Call) -> int:
    """A manifest from tasks, as a session would get it that is spawned now; nothing is changed."""
    ids = call.texts("task")
    tasks = [
        _object(call.client.call("GET", f"/tasks/{quoted(id_)}", headers=call.context.where()).body) for id_ in ids
    ]
    project = _project(call, tasks)
    document = _made(call, project, tasks)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    target = call.text("output")
    if not target or target == "-":
        call.output.result(document, text.split("\n"))
        return 0
    path = Path(os.path.abspath(os.path.expanduser(target)))  # noqa: PTH100, PTH111 - keeps links as written
    _write(path, f"{text}\n".encode())
    call.output.result({"file": str(path), "tasks": len(tasks)}, [f"wrote {path}"])
    return 0


def _made(call: Call, project: Document, tasks: list[Document]) -> Document:
    preset = _object(project.get("defaults"))
    first = tasks[0] if tasks else {}
    role = Role(call.text("role") or "worker")
    strategy = Strategy(call.text("strategy") or ("simple" if role is Role.WORKER else "default"))
    mode = call.text("permission_mode") or _text(preset.get("permissionMode")) or PermissionMode.ACCEPT_EDITS
    skills = [str(name) for task in tasks for name in _list(task.get("skillIds"))]
    manifest = Manifest(
        session_id="",
        name=call.text("name") or str(first.get("title") or role.value),
        role=role,
        strategy=strategy,
        provider=call.text("provider") or str(first.get("provider") or preset.get("provider") or ""),
        model=call.text("model") or _text(first.get("model")) or _text(preset.get("model")),
        permission_mode=PermissionMode(mode),
        project=ManifestProject(
            id=str(project["id"]),
            name=str(project["name"]),
            working_dir=str(project["workingDir"]),
            description=str(project.get("description") or ""),
        ),
        tasks=tuple(_task(call, task) for task in tasks),
        prompt=call.text("prompt"),
        skill_ids=tuple(dict.fromkeys([*call.texts("skill"), *skills])),
        allowed_commands=allowed_commands(role),
    )
    document = parse_object(msgspec.json.encode(manifest))
    problems = faults(document)
    if problems:
        raise Usage("; ".join(f"{problem.path}: {problem.message}" for problem in problems))
    return document


def _task(call: Call, task: Document) -> ManifestTask:
    steps = call.client.call("GET", f"/tasks/{quoted(str(task['id']))}/subtasks").body
    wanted = {field.encode_name for field in msgspec.structs.fields(ManifestTask)}
    known = {name: value for name, value in task.items() if name in wanted and value is not None}
    return msgspec.convert({**known, "subtasks": steps}, ManifestTask)


def _project(call: Call, tasks: list[Document]) -> Document:
    """The project of the tasks, else the one at hand.

    Raises:
        Usage: there is none, or the tasks are of several.
    """
    of_tasks = list(dict.fromkeys(str(task["projectId"]) for task in tasks))
    if len(of_tasks) > 1:
        raise Usage("the tasks are of several projects", hint="A session works in one.")
    named = of_tasks[0] if of_tasks else call.context.project
    if named:
        return _object(call.client.call("GET", f"/projects/{quoted(named)}").body)
    query: Document = {"workingDir": str(Path.cwd())}
    rows = call.client.call("GET", "/projects", query=query).body
    found = rows.get("data") if isinstance(rows, dict) else rows
    if not isinstance(found, list) or not found:
        raise Usage("which project?", hint="Say --project, or name a task.")
    return _object(found[0])


def _shown(call: Call, document: Document, *, offline: bool = False) -> int:
    project = _object(document.get("project"))
    tasks = [_object(task) for task in _list(document.get("tasks"))]
    head = [
        ("session", line(document.get("sessionId"))),
        ("name", line(document.get("name"))),
        ("role", line(document.get("role"))),
        ("strategy", line(document.get("strategy"))),
        ("agent", f"{line(document.get('provider'))} {line(document.get('model'))}".strip()),
        ("permissions", line(document.get("permissionMode"))),
        ("project", f"{line(project.get('name'))}  {line(project.get('workingDir'))}"),
        ("skills", ", ".join(map(line, _list(document.get("skillIds"))))),
        ("may", ", ".join(map(line, _list(document.get("allowedCommands"))))),
    ]
    rows = [[line(t.get("id")), line(t.get("status")), line(t.get("priority")), line(t.get("title"))] for t in tasks]
    lines = [*pairs(head), *table(["TASK", "STATUS", "PRIORITY", "TITLE"], rows, call.output.width)]
    call.output.result(document, lines, offline=offline)
    return 0


def _written(call: Call, session: str) -> Path | None:
    """Where the manifest lies that was written when the session was spawned or launched last."""
    folder = locate(call.context.environ).data / "sessions"
    found = [place for place in folder.glob("*/manifest.json") if place.parent.name.endswith(session)]
    return found[0] if len(found) == 1 else None


def _parsed(path: Path) -> Document:
    """Raises: Failure: the file cannot be read, or is no JSON object."""
    try:
        with path.open("rb") as file:
            raw = file.read(LIMIT + 1)
    except OSError as error:
        code = "NOT_FOUND" if isinstance(error, FileNotFoundError) else "IO_ERROR"
        raise Failure(f"cannot read {path}: {error.strerror}", code=code) from None
    if len(raw) > LIMIT:
        raise Failure(f"{path} is larger than {LIMIT} bytes", code="VALIDATION_ERROR")
    try:
        return parse_object(raw)
    except Invalid as wrong:
        raise Failure(
            f"{path} {wrong.problems[0].message}", code="VALIDATION_ERROR", details=list(wrong.details)
        ) from None


def _write(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    aside.replace(path)


def _hint(document: Document) -> str:
    if "mode" in document and "session" in document:
        return "This looks like a manifest of the original system; `maestro manifest generate` makes one of ours."
    return "`maestro manifest generate` makes one that is sound."


def _object(value: object) -> Document:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
