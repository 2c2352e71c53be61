"""Everything that is wrong with a manifest in a file, not only the first of it."""

from collections.abc import Iterator
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Union, get_args, get_origin, get_type_hints

import msgspec

from maestrod.domain.errors import FieldProblem
from maestrod.domain.model import Role
from maestrod.domain.sessions import ORCHESTRATOR_STRATEGIES, WORKER_STRATEGIES
from maestrod.protocol.manifest import VERSION, Manifest, allowed_commands


def faults(document: object) -> list[FieldProblem]:
    """What is wrong, in the order of the fields; empty when a session can be told by it."""
    found = [FieldProblem(path=path, message=message) for path, message in _of(document, Manifest, "")]
    if isinstance(document, dict):
        found += [FieldProblem(path=path, message=message) for path, message in _sense(document)]
    return found


def _of(value: object, kind: object, path: str) -> Iterator[tuple[str, str]]:
    """What is wrong with a value of a type, and with what is in it."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        if value is not None:
            yield from _of(value, next(each for each in arguments if each is not NoneType), path)
    elif origin is tuple:
        if isinstance(value, list):
            for number, each in enumerate(value):
                yield from _of(each, arguments[0], f"{path}[{number}]")
        else:
            yield path, "must be a list"
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield from _of_struct(value, kind, path)
    else:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            message = str(error).partition(" - at ")[0]
            yield path, message[:1].lower() + message[1:]


def _of_struct(value: object, kind: type[msgspec.Struct], path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield path, "must be an object"
        return
    hints, prefix = get_type_hints(kind), f"{path}." if path else ""
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, field in known.items():
        if name in value:
            yield from _of(value[name], hints[field.name], prefix + name)
        elif field.required:
            yield prefix + name, "is missing"
    for name in value:
        if name not in known:
            near = get_close_matches(str(name), known, 1)
            yield f"{prefix}{name}", f"is unknown; did you mean '{near[0]}'?" if near else "is unknown"


def _sense(document: dict[str, object]) -> Iterator[tuple[str, str]]:
    """What each field allows by itself and not beside the others."""
    version, role, strategy = (document.get(name) for name in ("manifestVersion", "role", "strategy"))
    if isinstance(version, str) and version != VERSION:
        yield "manifestVersion", f"is '{version}', and this version reads '{VERSION}'"
    roles = {each.value: each for each in Role}
    if isinstance(role, str) and role in roles:
        fitting = WORKER_STRATEGIES if roles[role] is Role.WORKER else ORCHESTRATOR_STRATEGIES
        if isinstance(strategy, str) and strategy not in fitting:
            yield "strategy", f"'{strategy}' is not for a {role}; use {', '.join(sorted(fitting))}"
        commands = document.get("allowedCommands")
        named = {name for name in commands if isinstance(name, str)} if isinstance(commands, list) else set()
        for name in sorted(named - set(allowed_commands(roles[role]))):
            yield "allowedCommands", f"'{name}' is nothing that a {role} may do; the list narrows, and never widens"
    tasks = document.get("tasks")
    ids = [task.get("id") for task in tasks if isinstance(task, dict)] if isinstance(tasks, list) else []
    for number, id_ in enumerate(ids):
        if isinstance(id_, str) and id_ in ids[:number]:
            yield f"tasks[{number}].id", f"'{id_}' comes twice"
