"""A session without an agent: its rights, its manifest, and the command as its agent would call it."""

from pathlib import Path
from typing import Any

from tests.cli.program import Maestro, Said
from tests.support.daemon import Daemon

DENIED = """\
import sys
def deny(event, args):
    if event == "socket.connect":
        raise PermissionError(1, "Operation not permitted")
sys.addaudithook(deny)
"""
"""What a sandbox does to whoever connects, for a Python that finds this as its `sitecustomize`."""


class Seat:
    """Of a session on some tasks; ``spool`` is where what it says waits, ``inside`` the command in a sandbox."""

    def __init__(self, daemon: Daemon, folder: Path, *tasks: str, **more: object) -> None:
        self.daemon = daemon
        self.tasks = tasks
        task: Any = daemon.ok("GET", f"/tasks/{tasks[0]}")
        self.project = str(task["projectId"])
        body = {"projectId": self.project, "taskIds": list(tasks), "provider": "codex", **more}
        made: Any = daemon.ok("POST", "/sessions/spawn", body)
        self.session = str(made["sessionId"])
        self.manifest = Path(made["manifestPath"])
        self.credential = daemon.home / "run" / "sessions" / self.session / "cred"
        daemon.ok("POST", f"/sessions/{self.session}/launch", {"holder": "test"})
        own = {
            "MAESTRO_SESSION_ID": self.session,
            "MAESTRO_PROJECT_ID": self.project,
            "MAESTRO_TASK_IDS": ",".join(tasks),
            "MAESTRO_MANIFEST_PATH": str(self.manifest),
            "MAESTRO_CREDENTIAL_FILE": str(self.credential),
            "MAESTRO_ROLE": str(more.get("role", "worker")),
            "MAESTRO_NO_AUTOSTART": "1",
            "MAESTRO_TIMEOUT": "20",
        }
        self.maestro = Maestro(daemon.home, cwd=folder, env=own)
        site = folder / "site"
        if not site.exists():
            site.mkdir()
            (site / "sitecustomize.py").write_text(DENIED)
        self.inside = Maestro(daemon.home, cwd=folder, env={**own, "PYTHONPATH": str(site)})
        self.spool = daemon.home / "spool" / self.session

    @property
    def task(self) -> str:
        return self.tasks[0]

    def waiting(self) -> list[Path]:
        """The files of its calls, in order."""
        return sorted(self.spool.glob("[!.]*.json"))

    def refused(self) -> list[Path]:
        return sorted((self.spool / "refused").glob("[!.]*.json"))

    def status(self, task: str = "") -> str:
        found: Any = self.daemon.ok("GET", f"/tasks/{task or self.task}")
        return str(found["status"])

    def progress(self) -> list[str]:
        """What it reported, in order."""
        told: Any = self.daemon.ok("GET", f"/sessions/{self.session}/timeline?limit=1000")
        rows = told["data"] if isinstance(told, dict) else told
        return [entry["message"] for entry in rows if entry["type"] == "progress"]

    def hook(self, event: str = "PostToolUse") -> Said:
        said = self.maestro("hook", "codex", event, stdin=b"{}")
        assert (said.code, said.err) == (0, "")
        return said
