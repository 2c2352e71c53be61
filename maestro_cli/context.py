"""Who calls, from where, and whom to ask: read from the global options and the environment."""

import os

from maestro_cli import environment

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Mapping

    from maestrod.client.blocking import Client

TIMEOUT_S = 10.0


class Options:
    """The global options, which may stand anywhere on the line."""

    __slots__ = ("home", "json", "no_color", "no_start", "project", "quiet", "server")

    def __init__(self) -> None:
        self.json = False
        self.quiet = False
        self.no_color = False
        self.no_start = False
        self.project = ""
        self.server = ""
        self.home = ""


class Context:
    """What a call knows without being told: session, project and tasks at hand, and the daemon's address."""

    __slots__ = ("_client", "environ", "options", "project", "server", "session", "tasks")

    def __init__(self, options: Options, environ: "Mapping[str, str]") -> None:
        self.options = options
        self.environ = environment.moved(environ, options.home) if options.home else environ
        self.server = environment.server(self.environ, options.server)
        self.session = self.environ.get("MAESTRO_SESSION_ID", "").strip()
        self.project = options.project or self.environ.get("MAESTRO_PROJECT_ID", "").strip()
        self.tasks = [task.strip() for task in self.environ.get("MAESTRO_TASK_IDS", "").split(",") if task.strip()]
        self._client: Client | None = None

    @property
    def may_start(self) -> bool:
        """Whether a daemon that does not run may be started: our own, and nobody forbade it."""
        forbidden = self.options.no_start or self.environ.get("MAESTRO_NO_AUTOSTART", "") not in {"", "0"}
        return not forbidden and environment.is_own(self.environ, self.server)

    @property
    def timeout(self) -> float:
        """How long a call may take with all its retries, in seconds."""
        return positive(self.environ.get("MAESTRO_TIMEOUT", ""), TIMEOUT_S)

    @property
    def client(self) -> "Client":
        """The door to the daemon, opened when it is first needed."""
        if self._client is None:
            from maestrod.client.blocking import Client

            self._client = Client(
                self.server,
                timeout=self.timeout,
                retries=int(positive(self.environ.get("MAESTRO_RETRIES", ""), 1000)),
                credential_file=self.environ.get("MAESTRO_CREDENTIAL_FILE", ""),
                key=self.environ.get("MAESTRO_API_KEY", ""),
                key_file=self.environ.get("MAESTRO_API_KEY_FILE", ""),
                start=self.start if self.may_start else None,
            )
        return self._client

    def start(self, *, limit: float = 10.0) -> None:
        """Start the daemon of this home; whoever else asks at the same time waits for the same one."""
        from maestro_cli.autostart import start

        start(self.environ, limit=limit)

    def where(self) -> "dict[str, str]":
        """The header that tells the daemon from which directory the project is to be guessed."""
        try:
            here = os.fsencode(os.path.realpath("."))
        except OSError:
            return {}
        return {"X-Maestro-Cwd": "".join(chr(c) if chr(c) in _PLAIN else f"%{c:02X}" for c in here)}


_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_.-~")


def positive(text: str, default: float) -> float:
    """The number in the text, or the default when there is none that makes sense."""
    try:
        value = float(text)
    except ValueError:
        return default
    return value if 0 < value < 1e6 else default
