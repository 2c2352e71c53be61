"""Where things lie and which daemon to ask, from the environment alone.

The twin of ``maestrod.locations`` for calls that have no time for it: a test compares the two.
"""

import os
import sys

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Mapping

SOCKET_LIMIT = 100
"""Longer socket paths do not fit into ``sockaddr_un`` everywhere."""

SERVER_NAMES = ("MAESTRO_SERVER", "MAESTRO_SERVER_URL", "MAESTRO_API_URL")


def run_folder(environ: "Mapping[str, str]") -> str:
    """Where the socket, the locks and the credentials of running sessions lie."""
    home = environ.get("MAESTRO_HOME")
    if home:
        return os.path.join(os.path.abspath(os.path.expanduser(home)), "run")
    runtime = environ.get("XDG_RUNTIME_DIR") if sys.platform == "linux" else None
    return os.path.join(runtime, "maestro") if runtime else os.path.join(_state_folder(environ), "run")


def log_folder(environ: "Mapping[str, str]") -> str:
    """Where the daemon's log lies."""
    home = environ.get("MAESTRO_HOME")
    root = os.path.abspath(os.path.expanduser(home)) if home else _state_folder(environ)
    return os.path.join(root, "logs")


def spool_folder(environ: "Mapping[str, str]", session: str) -> str:
    """Where what a session said lies while no daemon can be reached; without a session, where all of it lies."""
    home = environ.get("MAESTRO_HOME")
    root = os.path.abspath(os.path.expanduser(home)) if home else _state_folder(environ)
    name = "".join(c for c in session if c.isascii() and (c.isalnum() or c in "_-"))[:80]
    return os.path.join(root, "spool", name or "unknown") if session else os.path.join(root, "spool")


def spooled(environ: "Mapping[str, str]", session: str) -> bool:
    """Whether something lies in a session's folder there: calls that wait, or what became of others; one look."""
    try:
        return any(name[0] != "." for name in os.listdir(spool_folder(environ, session)))
    except OSError:
        return False


def socket_path(environ: "Mapping[str, str]") -> str:
    """The socket of the daemon of this home; one under ``/tmp`` when its own path would be too long."""
    wanted = os.path.join(run_folder(environ), "maestrod.sock")
    if len(os.fsencode(wanted)) <= SOCKET_LIMIT:
        return wanted
    import hashlib

    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
    return f"/tmp/maestro-{os.getuid()}/{digest}.sock"  # noqa: S108 - 0700 folder, owner checked


def server(environ: "Mapping[str, str]", flag: str = "") -> str:
    """The daemon to ask, as ``unix:PATH`` or a URL: the flag, else the environment, else this home's own."""
    named = flag or next((environ[name] for name in SERVER_NAMES if environ.get(name)), "")
    if not named:
        return f"unix:{socket_path(environ)}"
    if named.startswith("unix:"):
        path = named[5:]
        return "unix:" + (path[2:] if path.startswith("///") else path)
    if named.startswith(("http://", "https://")):
        return named.rstrip("/")
    return f"unix:{named}" if "/" in named else f"http://{named}"


def is_own(environ: "Mapping[str, str]", server: str) -> bool:
    """Whether this is the daemon of this home, which may be started from here."""
    return server == f"unix:{socket_path(environ)}"


def moved(environ: "Mapping[str, str]", home: str) -> "dict[str, str]":
    """The environment with another home; what named things of the old one is left out."""
    changed = dict(environ)
    before = environ.get("MAESTRO_HOME")
    if not before or os.path.realpath(before) != os.path.realpath(home):
        for name in (*SERVER_NAMES, "MAESTRO_CREDENTIAL_FILE", *_OF_A_SESSION):
            changed.pop(name, None)
    changed["MAESTRO_HOME"] = home
    return changed


_OF_A_SESSION = ("MAESTRO_SESSION_ID", "MAESTRO_PROJECT_ID", "MAESTRO_TASK_IDS", "MAESTRO_ROLE")


def _state_folder(environ: "Mapping[str, str]") -> str:
    named = (environ.get("XDG_STATE_HOME") or "").strip()
    if not os.path.isabs(named):
        usual = "~/Library/Application Support" if sys.platform == "darwin" else "~/.local/state"
        named = os.path.expanduser(usual)
    return os.path.join(named, "maestro")
