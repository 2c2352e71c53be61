"""What the person wrote: the settings, where to listen, and rules for screens."""

import difflib
import errno
import socket
import tomllib
from collections.abc import Iterator
from pathlib import Path

from maestro_cli.doctor.findings import Finding, Patient, fault, ok, warning
from maestrod import settings
from maestrod.settings import BadSettings, Settings

EDIT = "`maestro config edit`"
RULES = "screen_rules"


def config(patient: Patient) -> Iterator[Finding]:
    """The file of settings, with the line of whatever is wrong in it."""
    file = patient.places.config / settings.FILE
    try:
        text = settings.read(file)
        settings.settings_of(text, file)
    except BadSettings as error:
        for each in error.wrong:
            yield fault("settings", f"{each.where}: {each.name}: {each.why}", EDIT)
        if not error.wrong:
            yield fault("settings", str(error), EDIT)
        return
    except OSError as error:
        yield fault("settings", f"{file} cannot be read: {error.strerror}", f"Look at what it is: `ls -l {file}`")
        return
    unknown = settings.unknown(settings.document_of(text, file))
    for name in unknown:
        near = difflib.get_close_matches(name, Settings.__struct_fields__, n=1, cutoff=0.6)
        meant = f"; did you mean {near[0]}?" if near else ""
        where = f"{file}:{settings.line_of(name, text) or '?'}"
        yield warning("settings", f"{where}: there is no setting {name}{meant}", EDIT)
    if not unknown:
        yield ok("settings", f"{file}" if file.exists() else "all at their defaults")


def listening(patient: Patient) -> Iterator[Finding]:
    """Whether the TCP addresses that the settings name can be had, or are the daemon's already."""
    try:
        now = settings.load_settings(patient.places.config)
    except (BadSettings, OSError):
        return
    asked = [word.strip() for word in now.listen.split(",") if word.strip() and not word.strip().startswith("unix:")]
    held = _held(patient)
    for word in asked:
        host, _, port = word.rpartition(":")
        if not host or not port.isdecimal() or int(port[:9]) > 65_535:
            yield fault("listen", f"'{word}' is no HOST:PORT", "`maestro config set listen 127.0.0.1:4570`")
        elif patient.served:
            yield _of_daemon(word, held)
        else:
            yield _bound(word, host.strip("[]"), int(port))
    for name in (name for name in (now.tls_cert, now.tls_key) if name):
        if not Path(name).is_file():
            yield fault(
                "listen", f"{name} is not there: TLS cannot be had", "`maestro config edit` (tls_cert, tls_key)"
            )


def screen_rules(patient: Patient) -> Iterator[Finding]:
    """The person's own rules; what they say is judged by the daemon, without one only their form."""
    troubles = patient.status.get("screenRules")
    if isinstance(troubles, list):
        found = [(str(each.get("path")), str(each.get("message"))) for each in troubles if isinstance(each, dict)]
    else:
        found = list(_malformed(patient.places.config / RULES))
    for path, message in found:
        todo = "Mend the file; it is read again when it changes."
        yield warning("screens", f"{path} cannot be used: {message}", todo)
    if not found:
        yield ok("screens", "no rule of yours is broken")


# -- parts --------------------------------------------------------------------------------------------


def _held(patient: Patient) -> list[str]:
    """What the daemon says that it listens to."""
    try:
        return (patient.places.run / "tcp").read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return []


def _of_daemon(word: str, held: list[str]) -> Finding:
    port = word.rpartition(":")[2]
    if any(each.rpartition(":")[2] == port for each in held) or (port == "0" and held):
        return ok("listen", f"the daemon listens on {', '.join(held)}")
    return warning("listen", f"the daemon does not listen on {word} yet", "`maestro daemon restart`; agents go on.")


def _bound(word: str, host: str, port: int) -> Finding:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            todo = f"`ss -ltnp 'sport = :{port}'` shows what; or `maestro config set listen HOST:PORT`."
            return fault("listen", f"{word} is taken by another program, so the daemon would not start", todo)
        todo = "`maestro config set listen HOST:PORT`"
        return fault("listen", f"{word} cannot be listened on: {error.strerror or error}", todo)
    return ok("listen", f"{word} is free for the daemon")


def _malformed(folder: Path) -> Iterator[tuple[str, str]]:
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".toml")
    except OSError:
        return
    for path in files:
        try:
            tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            yield str(path), str(error)
