"""The daemon itself: starting it, stopping it, and looking after it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import maestrod
from maestro_cli import autostart, service, texts
from maestro_cli.call import Call
from maestro_cli.environment import is_own, log_folder
from maestro_cli.failures import Failure, note
from maestro_cli.output import plain
from maestrod.client.blocking import Client
from maestrod.client.errors import ClientError, Refused, Unreachable

Document = dict[str, object]

STOP_S = 20.0
LOOK_S = 0.02
FOLLOW_S = 0.2
TAIL_BYTES = 1 << 20
API = 1
HOW_TO_START = "`maestro daemon start` starts it."
STOP_FIRST = "`maestro daemon stop` first, if it is to be looked at all the same."


def start(call: Call) -> int:
    """Start it if it does not run; the answer says which."""
    check_own(call)
    running = autostart.serves(call.context.environ)
    if not running:
        autostart.start(call.context.environ)
    hello = _hello(call)
    word = "already running" if running else "started"
    call.output.result({**hello, "started": not running}, [f"{word}  pid {hello.get('pid')}  {call.context.server}"])
    return 0


def stop(call: Call) -> int:
    """Stop it and wait until its process is gone; one that does not run is stopped already."""
    check_own(call)
    try:
        pid = stopped(call, call.text("reason") or "maestro daemon stop")
    except Unreachable:
        pid = None
    word = "not running" if pid is None else f"stopped  pid {pid}"
    call.output.result({"stopped": pid is not None, "pid": pid}, [word])
    kept = service.installed(call.context.environ)
    if kept is not None and kept.how_to_rest:
        note(f"its socket is open, so the next call starts it; `{kept.how_to_rest}` closes it")
    return 0


def restart(call: Call) -> int:
    """Stop it and start it; agents live on in their windows."""
    check_own(call)
    if _restarted(call):
        autostart.start(call.context.environ)
    else:
        replace(call, "maestro daemon restart")
    hello = _hello(call)
    call.output.result({**hello, "started": True}, [f"started  pid {hello.get('pid')}  {call.context.server}"])
    _compare(call, hello)
    return 0


def status(call: Call) -> int:
    """How it is; exit 5 when it does not run."""
    kept = service.installed(call.context.environ) if is_own(call.context.environ, call.context.server) else None
    if kept is not None and not service.holder(call.context.environ):
        raise Unreachable(f"no daemon runs; the service {kept.name} starts it at the next call", hint=HOW_TO_START)
    hello = _hello(call)
    started = hello.get("startedAt")
    up = time.time() - started / 1000 if isinstance(started, int) else 0.0
    reasons = _reasons(call)
    pairs = [
        ("daemon", f"{texts.line(hello.get('version'))}  pid {hello.get('pid')}  up {texts.span(up)}"),
        ("server", texts.line(call.context.server)),
        ("home", texts.line(hello.get("home"))),
        ("commits", f"{hello.get('seq')}, of which {hello.get('durableSeq')} are on disk"),
        ("writes", f"no: {'; '.join(reasons)}" if reasons else "yes"),
        ("log", str(_log(call))),
        ("service", "none; the first call starts it" if kept is None else _of_service(kept, hello.get("pid"))),
    ]
    document = {**hello, "running": True, "uptime": int(up), "notReady": reasons, "service": kept and kept.name}
    call.output.result(document, texts.pairs(pairs))
    _compare(call, hello)
    return 0


def logs(call: Call) -> int:
    """The end of the log, then each new line as it comes."""
    path = _log(call)
    lines, end = _tail(path, max(1, int(call.number("lines", 50))))
    if not call.flag("follow"):
        call.output.result([_parsed(line) for line in lines], [told(line) for line in lines])
        return 0
    for line in chain(lines, _followed(path, end)):
        call.output.item(_parsed(line), told(line))
    return 0


def repair(call: Call) -> int:
    """Have the daemon's program look at the disk of this home, and mend it unless only asked what it would do."""
    check_own(call)
    if autostart.serves(call.context.environ):
        raise Failure("the daemon of this home runs, so its disk is sound", code="CONFLICT", hint=STOP_FIRST)
    argv = [sys.executable, "-m", "maestrod", "repair", "--json", *(["--dry-run"] if call.flag("dry_run") else [])]
    ended = subprocess.run(
        argv, env=autostart.clean(call.context.environ), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    report = _parsed(ended.stdout.decode("utf-8", "replace"))
    if not isinstance(report, dict) or "says" not in report:
        raise Failure(ended.stderr.decode("utf-8", "replace").strip() or "nothing was said", code="IO_ERROR")
    if ended.returncode:
        raise Failure("\n".join(report["says"]), code="IO_ERROR", details=report["faults"])
    call.output.result(report, map(texts.line, report["says"]))
    return 0


# -- parts --------------------------------------------------------------------------------------------


def check_own(call: Call) -> None:
    """Only the daemon of this home is started and stopped from here.

    Raises:
        Failure: another one is meant.
    """
    if not is_own(call.context.environ, call.context.server):
        hint = "Leave out --server and MAESTRO_SERVER to mean the one of this home."
        raise Failure(f"{call.context.server} is not the daemon of this home", hint=hint)


def _restarted(call: Call) -> bool:
    """Have the service that runs it restart it, where that loses no caller; what a session may, the daemon decides."""
    environ = call.context.environ
    kept = service.installed(environ)
    if kept is None or call.context.session:
        return False
    state = kept.state()
    if state is None or not state.pid or state.pid != service.holder(environ):
        return False
    try:
        return kept.restart()
    except service.Trouble:
        return True  # starting it says why


def _of_service(kept: service.Service, pid: object) -> str:
    state = kept.state()
    if state is None:
        return f"{kept.name}, but no service manager answers here"
    beside = "" if state.pid == pid else ", but this daemon was started beside it: `maestro daemon restart`"
    return f"{kept.name}, {state.active}{beside}"


def _compare(call: Call, hello: Document) -> None:
    """Say what to do about a daemon of another version."""
    if hello.get("version") == maestrod.__version__:
        return
    kept = service.installed(call.context.environ)
    way = "maestro daemon restart" if call.words != "daemon restart" or kept is None else "maestro daemon install --now"
    note(f"this program is {maestrod.__version__}: `{way}` brings the daemon to it")


def replace(call: Call, reason: str) -> None:
    """Stop the daemon, whoever runs it, and start it, with nobody in between."""

    def stop() -> None:
        try:
            stopped(call, reason)
        except Unreachable:
            note("it was not running")

    autostart.restart(call.context.environ, stop)


def _plain(call: Call) -> Client:
    """A client that starts nothing."""
    client = call.client
    client.start = None
    client.patience = 0.0
    return client


def _hello(call: Call) -> Document:
    hello = _plain(call).call("GET", "/hello").body
    if not isinstance(hello, dict) or hello.get("api") != API:
        raise Unreachable(
            f"{call.context.server} speaks another version of the API",
            hint="`maestro daemon restart` brings the daemon to the version of this program.",
        )
    return hello


def _reasons(call: Call) -> list[str]:
    try:
        ready = _plain(call).call("GET", "/ready", timeout=0.5).body
    except Refused as refused:
        ready = refused.problem
    except ClientError as error:
        return [error.message]
    reasons = ready.get("reasons") if isinstance(ready, dict) else None
    return [texts.line(reason) for reason in reasons] if isinstance(reasons, list) else []


def stopped(call: Call, reason: str) -> int | None:
    """Stop it and answer its pid, once it is gone.

    Raises:
        Unreachable: it does not run.
        Failure: it is still there.
    """
    environ = call.context.environ
    if service.installed(environ) is not None and not service.holder(environ):
        raise Unreachable("no daemon runs", hint=HOW_TO_START)
    client = _plain(call)
    hello = client.call("GET", "/hello").body
    pid = hello.get("pid") if isinstance(hello, dict) else None
    client.call("POST", "/shutdown", body={"reason": reason})
    deadline = time.monotonic() + STOP_S
    while _lives(pid) if isinstance(pid, int) else autostart.serves(environ):
        if time.monotonic() > deadline:
            raise Failure(f"the daemon (pid {pid}) is still there", code="TIMEOUT", hint=autostart.LOOK)
        time.sleep(LOOK_S)
    return pid if isinstance(pid, int) else None


def _lives(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _log(call: Call) -> Path:
    return Path(log_folder(call.context.environ), "maestrod.log")


def _tail(path: Path, count: int) -> tuple[list[str], int]:
    """The last whole lines, and where they end."""
    try:
        with path.open("rb") as file:
            start = file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            whole = file.read().rpartition(b"\n")[0]
            return whole.decode("utf-8", "replace").splitlines()[-count:], start + len(whole) + 1
    except FileNotFoundError:
        raise Failure(f"there is no {path}", code="NOT_FOUND", hint="The daemon of this home never ran.") from None


def _followed(path: Path, known: int) -> Iterator[str]:
    """The lines after a place in the file, also across its rotation."""
    rest = b""
    while True:
        size = path.stat().st_size if path.exists() else 0
        if size < known:
            known, rest = 0, b""
        if size > known:
            with path.open("rb") as file:
                file.seek(known)
                rest += file.read()
                known = file.tell()
            *lines, rest = rest.split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in lines)
        time.sleep(FOLLOW_S)


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return {"event": line}


def told(line: str) -> str:
    """A line of the log for people: time, level, where, what, and what stands beside."""
    record = _parsed(line)
    if not isinstance(record, dict) or "level" not in record:
        return texts.line(line)
    when = texts.clock(record.get("timestamp"), "%Y-%m-%d %H:%M:%S")
    beside = {k: v for k, v in record.items() if k not in ("timestamp", "level", "service", "event", "error")}
    words = "  ".join(f"{k}={v}" for k, v in beside.items())
    head = f"{when} {record['level']:<8}{record.get('service')}: {record.get('event')}  {words}"
    error = record.get("error")
    return texts.line(head) + ("\n" + plain(error, block=True) if isinstance(error, str) else "")
