"""The daemon of the home: its socket, its lock, its version, whether it takes writes, and its journal."""

import contextlib
import fcntl
import json
import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import maestrod
from maestro_cli import autostart, service
from maestro_cli.doctor.disk import MENDS
from maestro_cli.doctor.findings import ASK_S, Finding, Patient, fault, ok, warning
from maestrod.client.blocking import Client
from maestrod.client.errors import ClientError

CHECK_S = 120.0
TOLD = 3
"""More damaged places than these are only counted."""
API = 1
LOGS = "`maestro daemon logs` shows what it says."


def socket_(patient: Patient) -> Iterator[Finding]:
    """The socket's place: one that fits, held by somebody, and nothing else in its way."""
    place = patient.places.socket
    if patient.resting:
        yield ok("socket", f"{place}: waits for the service's first caller")
        return
    if place.parent != patient.places.run:
        yield ok("socket", f"the home's path is too long for a socket, so it is {place}")
    kind = _kind(place)
    if kind == "other":
        yield fault("socket", f"{place} is in the way, and is no socket", f"Move it away: `mv {place} {place}.old`")
    elif kind == "stale":
        says = f"{place} is left of a daemon that is gone"
        yield warning("socket", says, f"{MENDS}, or nothing: the next start takes its place.")
    elif kind == "closed":
        yield fault("socket", f"{place} may not be connected to from here", f"Call outside of the sandbox; {MENDS}")
    else:
        yield ok("socket", f"{place}: {'open' if kind else 'not there, as nothing runs'}")


def mend_socket(patient: Patient) -> Iterator[str]:
    """Remove a socket that nobody holds, while no daemon can start."""
    place = patient.places.socket
    with _locked(patient) as free:
        if free and not patient.resting and _kind(place) == "stale":
            place.unlink(missing_ok=True)
            yield f"removed {place}, which nobody held"


def unit(patient: Patient) -> Iterator[Finding]:
    """The service, if one is installed: whether it runs this program, and how its manager sees it."""
    kept = service.installed(patient.environ)
    if kept is None:
        return
    if sys.executable not in Path(kept.files[-1]).read_text(encoding="utf-8", errors="replace"):
        says = f"the service {kept.name} runs another installation than this one"
        yield warning("service", says, "`maestro daemon install`, then `maestro daemon restart`.")
    state = kept.state()
    if state is None:
        yield warning("service", f"no service manager answers for {kept.name}", "Call from a login of your own.")
    elif state.active == "failed":
        says = f"the service {kept.name} has failed: {state.said or 'it says no more'}"
        yield fault("service", says, f"{LOGS} Then `maestro daemon restart`.")
    else:
        yield ok("service", f"{kept.name} is {state.active}")


def daemon(patient: Patient) -> Iterator[Finding]:
    """Whether it runs, alone, for this home, and of this version."""
    if not patient.served:
        yield _absent(patient)
        return
    home, version = patient.hello.get("home"), patient.hello.get("version")
    pid = patient.hello.get("pid")
    if not isinstance(home, str) or os.path.realpath(home) != os.path.realpath(patient.places.home):
        says = f"the daemon at {patient.places.socket} (pid {pid}) serves another home: {home}"
        yield fault("daemon", says, f"`kill {pid}`, then `maestro daemon start`.")
    elif patient.hello.get("api") != API:
        says = f"the daemon (pid {pid}) speaks another version of the API"
        yield fault("daemon", says, "`maestro daemon restart`; agents go on.")
    elif version != maestrod.__version__:
        says = f"the daemon (pid {pid}) is {version}, this program is {maestrod.__version__}"
        yield warning("daemon", says, "`maestro daemon restart`; agents go on.")
    else:
        yield ok("daemon", f"runs as pid {pid}, version {version}, {patient.hello.get('seq')} commits")


def _absent(patient: Patient) -> Finding:
    holder, since = _holder(patient)
    if holder is None:
        return ok("daemon", "does not run; the next command starts it")
    who = f"another daemon (pid {holder}, {since}) has this home"
    named = _elsewhere(patient)
    if named:
        todo = f"`kill {holder}` ends it, or speak to it: `export MAESTRO_SERVER=unix:{named}`"
        return fault("daemon", f"{who} and listens at {named}", todo)
    return fault("daemon", f"{who} and does not answer: {patient.silence}", f"{LOGS} `kill {holder}` ends it.")


def server(patient: Patient) -> Iterator[Finding]:
    """Whether commands reach whom they are told to speak to, where that is another daemon."""
    if not patient.server:
        return
    names = ("MAESTRO_API_KEY", "MAESTRO_API_KEY_FILE", "MAESTRO_CREDENTIAL_FILE")
    key, key_file, credential = (patient.environ.get(name, "") for name in names)
    client = Client(patient.server, timeout=ASK_S, retries=0, key=key, key_file=key_file, credential_file=credential)
    client.patience = 0.0
    try:
        hello = client.call("GET", "/hello").body
    except ClientError as error:
        todo = error.hint or "`unset MAESTRO_SERVER` speaks to the daemon of this home."
        yield fault("server", f"{patient.server}: {error.message}", todo)
        return
    version = hello.get("version") if isinstance(hello, dict) else None
    yield ok("server", f"commands speak to {patient.server}, version {version}")


def readiness(patient: Patient) -> Iterator[Finding]:
    """Whether it takes writes."""
    if not patient.served:
        return
    for reason in patient.reasons:
        todo = "Make room; it goes on by itself." if "space" in reason else f"{LOGS} Then `maestro daemon restart`."
        yield fault("writes", f"the daemon takes no writes: {reason}", todo)
    if not patient.reasons:
        yield ok("writes", "the daemon takes writes")


def journal(patient: Patient) -> Iterator[Finding]:
    """The state on the disk: by the daemon's own word, else read whole by its program."""
    if patient.served:
        broken, aside = _listed(patient, "broken"), _listed(patient, "quarantined")
        for each in broken:
            yield fault("journal", f"something that must always hold does not: {each}", "`maestro status`; report it.")
        for each in aside:
            yield warning("journal", f"set aside at the start: {each}", "`maestro backup list` shows what there is.")
        if not broken and not aside:
            yield ok("journal", "as the daemon left it")
    elif not patient.places.journal.is_dir():
        yield ok("journal", "none yet")
    elif _holder(patient)[0] is None:
        yield from _surveyed(patient)


def _surveyed(patient: Patient) -> Iterator[Finding]:
    argv = [sys.executable, "-m", "maestrod", "check", "--json"]
    env = autostart.clean(patient.environ)
    try:
        ended = subprocess.run(
            argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=CHECK_S
        )
        report = json.loads(ended.stdout or b"{}")
    except (subprocess.TimeoutExpired, ValueError) as error:
        yield warning("journal", f"could not be read whole: {error}", "`maestrod check`")
        return
    faults = report.get("faults", []) if isinstance(report, dict) else []
    for each in faults[:TOLD]:
        where = f"{each['file']}, record {each['seq']} at byte {each['offset']}"
        yield fault("journal", f"damaged: {where}: {each['reason']}", "`maestro daemon repair --dry-run`")
    if len(faults) > TOLD:
        yield fault("journal", f"and {len(faults) - TOLD} more places", "`maestro daemon repair --dry-run`")
    if ended.returncode and not faults:
        said = ended.stderr.decode("utf-8", "replace").strip().removeprefix("maestrod: ")
        yield fault("journal", said or "cannot be read", "`maestro daemon repair --dry-run`")
    elif not faults:
        yield ok("journal", f"whole, up to commit {report.get('kept')}")


# -- parts --------------------------------------------------------------------------------------------


def _kind(place: Path) -> str:
    """What is at the socket's place: ``open``, ``stale``, ``closed`` to us, ``other``, or nothing."""
    try:
        if not stat.S_ISSOCK(place.lstat().st_mode):
            return "other"
    except OSError:
        return ""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(place))
        except ConnectionRefusedError:
            return "stale"
        except PermissionError:
            return "closed"
        except OSError:
            return ""
        return "open"


@contextlib.contextmanager
def _locked(patient: Patient) -> Iterator[bool]:
    """The home's lock for a moment; false when a daemon has it. Nothing is made."""
    try:
        descriptor = os.open(patient.places.run / "lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        yield True
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def _holder(patient: Patient) -> tuple[int | None, str]:
    """The process that has the home, and since when; none when nobody has."""
    with _locked(patient) as free:
        if free:
            return None, ""
    with contextlib.suppress(OSError):
        said = (patient.places.run / "lock").read_text(encoding="utf-8", errors="replace")
        if found := re.match(r"pid (\d{1,10}) (since \S+)", said):
            return int(found[1]), found[2]
    return 0, "since a moment ago"


def _elsewhere(patient: Patient) -> str:
    """Another socket that a daemon of this home named, if somebody is there."""
    with contextlib.suppress(OSError):
        named = (patient.places.run / "socket").read_text(encoding="utf-8", errors="replace").strip()
        if named and named != str(patient.places.socket) and _kind(Path(named)) == "open":
            return named
    return ""


def _listed(patient: Patient, name: str) -> list[object]:
    found = patient.status.get(name)
    return found if isinstance(found, list) else []
