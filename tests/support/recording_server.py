"""A server on a Unix socket that writes down what it is asked and answers as it is told: the daemon, from outside."""

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from types import TracebackType
from typing import Any, NamedTuple, Self


class Asked(NamedTuple):
    """One request; ``deed`` is the last word of its path."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any

    @property
    def deed(self) -> str:
        return self.path.rpartition("/")[2]


class RecordingServer:
    """Listens while it is entered; a ``status`` set for a deed is answered to it, else 200."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[Asked] = []
        self.statuses: dict[str, int] = {}
        self._server: _Server | None = None

    @property
    def address(self) -> str:
        """What clients take for the daemon's address."""
        return f"unix:{self.path}"

    def deeds(self) -> list[str]:
        """The deeds in the order in which they came."""
        return [asked.deed for asked in self.asked]

    def bodies(self, deed: str) -> list[Any]:
        """What was sent with a deed."""
        return [asked.body for asked in self.asked if asked.deed == deed]

    def __enter__(self) -> Self:
        self._server = _Server(str(self.path), self)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        self.path.unlink(missing_ok=True)


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str, record: RecordingServer) -> None:
        self.record = record
        super().__init__(path, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(self.command, self.path, dict(self.headers), json.loads(sent) if sent else None)
        self.server.record.asked.append(asked)
        status = self.server.record.statuses.get(asked.deed, 200)
        body = b"{}" if status < 400 else json.dumps({"code": "CONFLICT", "message": "no"}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass
