"""The daemon as a service of the user: installing it, and taking it away again."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from maestro_cli import autostart, service, units
from maestro_cli.call import Call
from maestro_cli.commands.daemon import check_own, replace
from maestro_cli.environment import log_folder, socket_path
from maestro_cli.failures import Failure, note
from maestro_cli.program import write
from maestrod.locations import locate
from maestrod.settings import PREFIX, Settings

KEPT = ("PATH", "PYTHONPATH", "LANG", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "MAESTRO_HOME")
KEPT_FOLDERS = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
LINGERING = Path("/var/lib/systemd/linger")
OWN = "Move it away first; settings of your own belong into a drop-in (`systemctl --user edit`), which is left alone."


def install(call: Call) -> int:
    """Write the service's files, have them read, and with ``--now`` hand the daemon over to it."""
    environ = _asked(call)
    kept = service.of(environ)
    texts = written(environ)
    if call.flag("print"):
        shown = [
            line for name, text in texts.items() for line in (f"# {Path(kept.folder, name)}", *text.splitlines(), "")
        ]
        call.output.result({"files": {str(Path(kept.folder, name)): text for name, text in texts.items()}}, shown[:-1])
        return 0
    changed = _put(Path(kept.folder), texts, logs=Path(log_folder(environ)))
    state = kept.state()
    if state is not None:
        kept.enable()
    started = _handed_over(call, kept) if state is not None and call.flag("now") else False
    lines = [f"{'wrote' if path in changed else 'kept':<10}{path}" for path in kept.files]
    lines += _done(kept, state, started=started, changed=bool(changed))
    document = {"service": kept.name, "files": list(kept.files), "changed": changed}
    call.output.result({**document, "enabled": state is not None, "started": started}, lines)
    _remind(call, environ)
    return 0


def uninstall(call: Call) -> int:
    """Take the service away; the data stays, and agents go on."""
    environ = _asked(call)
    kept = service.of(environ)
    there = [Path(path) for path in kept.files if os.path.lexists(path)]
    for path in there:
        _check_ours(path)
    answers = kept.state() is not None
    if there and answers:
        kept.disable()
    for path in there:
        path.unlink()
    if there and answers:
        kept.forget()
    places = locate(environ)
    left = {"config": str(places.config), "data": str(places.data), "logs": str(places.logs)}
    lines = [f"{'removed':<10}{path}" for path in there] or ["not installed"]
    lines += [f"{'left':<10}{name} in {path}" for name, path in left.items()]
    call.output.result(
        {"service": kept.name, "removed": list(map(str, there)), "stopped": bool(there) and answers, "left": left},
        lines,
    )
    if there and not answers:
        note("no service manager answers here: what it has started, it knows until it ends")
    if there:
        note("agents go on in their windows; the next call starts the daemon by itself")
    return 0


def written(environ: Mapping[str, str]) -> dict[str, str]:
    """The files of this home's service, by their names.

    Raises:
        Failure: something in the environment cannot be written into them.
    """
    kept = service.of(environ)
    program = [sys.executable, "-m", "maestrod"]
    around = environment(environ)
    try:
        if isinstance(kept, service.Launchd):
            log = str(Path(log_folder(environ), "start.log"))
            return units.launchd(service.name_of(environ), program=program, log=log, environ=around)
        program[0] = units.escaped(program[0])
        return units.systemd(service.name_of(environ), program=program, socket=_socket(environ), environ=around)
    except units.Unwritable as error:
        raise Failure(str(error), code="VALIDATION_ERROR") from None


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What the daemon is to know of the environment in which it was installed: no session, no secret, no terminal."""
    settings = [f"{PREFIX}{name}".upper() for name in Settings.__struct_fields__]
    names = (*KEPT, *KEPT_FOLDERS, *sorted(settings))
    found = {name: environ[name] for name in names if environ.get(name)}
    found |= {name: environ[name] for name in sorted(environ) if name.startswith("LC_") and environ[name]}
    folders = dict.fromkeys(each for each in found.get("PATH", "").split(os.pathsep) if Path(each).is_absolute())
    return found | ({"PATH": os.pathsep.join(folders)} if folders else {})


# -- parts --------------------------------------------------------------------------------------------


def _asked(call: Call) -> dict[str, str]:
    check_own(call)
    if call.context.session:
        raise Failure("a session may not install or take away the service", code="FORBIDDEN", hint="A person may.")
    environ = dict(call.context.environ)
    if sys.platform == "linux" and not environ.get("XDG_RUNTIME_DIR"):
        environ["XDG_RUNTIME_DIR"] = f"/run/user/{os.getuid()}"
    if environ.get("MAESTRO_HOME"):
        environ["MAESTRO_HOME"] = str(locate(environ).home)
    return environ


def _socket(environ: Mapping[str, str]) -> str:
    path, runtime = socket_path(environ), environ["XDG_RUNTIME_DIR"].rstrip("/")
    if path.startswith(f"{runtime}/"):
        return "%t" + units.escaped(path.removeprefix(runtime))
    return units.escaped(path)


def _put(folder: Path, texts: Mapping[str, str], *, logs: Path) -> list[str]:
    """Put the files in their places; those that have changed. launchd makes no folder for the log."""
    wanted = {folder / name: text for name, text in texts.items()}
    changed = [path for path, text in wanted.items() if _there(path) != text]
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in changed:
            write(path, wanted[path], mode=0o644)
    except OSError as error:
        raise Failure(f"cannot write {error.filename or folder}: {error.strerror}", code="IO_ERROR") from None
    return list(map(str, changed))


def _there(path: Path) -> str | None:
    """What is there of ours; None when there is nothing."""
    if not os.path.lexists(path):
        return None
    _check_ours(path)
    return path.read_text(encoding="utf-8")


def _check_ours(path: Path) -> None:
    try:
        ours = not path.is_symlink() and units.MARK in path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        ours = False
    if not ours:
        raise Failure(f"{path} is not of our making", code="CONFLICT", hint=OWN)


def _handed_over(call: Call, kept: service.Service) -> bool:
    """Have the service run the daemon, with the files as they are now; whoever ran it stops."""
    state = kept.state()
    if state is not None and state.pid and kept.restart():
        return True
    if service.holder(call.context.environ):
        replace(call, "maestro daemon install --now")
    else:
        autostart.start(call.context.environ)
    return True


def _done(kept: service.Service, state: service.State | None, *, started: bool, changed: bool) -> list[str]:
    if state is None:
        lines = ["enabled   no: no service manager answers here; where one does, repeat `maestro daemon install --now`"]
        if isinstance(kept, service.Systemd):
            units_ = " ".join(Path(path).name for path in kept.files)
            lines.append(f"          or: systemctl --user daemon-reload && systemctl --user enable --now {units_}")
        return lines
    lines = [f"enabled   {kept.name}, from the next login on"]
    if started:
        lines.append(f"started   pid {(kept.state() or state).pid}")
    elif state.pid and changed:
        lines.append("next      maestro daemon restart      has the daemon that runs follow")
    elif not state.pid:
        lines.append("next      maestro daemon install --now      has it take over at once")
    return lines


def _remind(call: Call, environ: Mapping[str, str]) -> None:
    """Say what else a person has to know."""
    if sys.platform == "linux" and not call.context.environ.get("XDG_RUNTIME_DIR"):
        note("XDG_RUNTIME_DIR is not set here: calls from a shell like this one look for the daemon elsewhere")
    user = environ.get("USER") or environ.get("LOGNAME") or str(os.getuid())
    if sys.platform == "linux" and not (LINGERING / user).exists():
        note("`loginctl enable-linger` lets it run, and your agents, also when you are logged out")
