"""A daemon that listens on TCP too, and callers who come over the network."""

import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tests.daemon.scene import Json, Scene
from tests.support.daemon import Answer, Daemon, daemon


class Remote(Scene):
    """What :class:`Scene` makes over the Unix socket, and requests over TCP."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__(daemon)
        self.address = address_of(daemon)
        self.host, self.port = "127.0.0.1", int(self.address.rpartition(":")[2])

    @property
    def url(self) -> str:
        """How clients name the daemon."""
        return f"http://{self.address}"

    def key(self, *scopes: str, only: Sequence[Json] = (), **fields: object) -> Json:
        """A new key, for all projects unless some are named."""
        body = {"name": f"k{self.number()}", "scopes": scopes or ["admin"], "projectIds": [p["id"] for p in only]}
        return self.made("POST", "/keys", body | fields)

    def tcp(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: Json | str | None = None,
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> Answer:
        """One request over TCP."""
        where = path if path.startswith(("/health", "/ready", "/api", "/ws")) else f"/api/v1{path}"
        sent = json.dumps(body).encode() if body is not None else None
        secret = key["secret"] if isinstance(key, dict) else key
        all_headers = {"X-API-Key": secret} if secret is not None else {}
        all_headers |= {"Content-Type": "application/json"} if sent is not None else {}
        if tls is not None:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(self.host, self.port, context=tls)
        else:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request(method, where, sent, {**all_headers, **(headers or {})})
            response = connection.getresponse()
            found, raw = {k.lower(): v for k, v in response.getheaders()}, response.read()
            answer = Answer(response.status, found, b"")
            answer.raw = raw
            answer.json = json.loads(raw) if raw and found.get("content-encoding") != "gzip" else None
            return answer
        finally:
            connection.close()

    def raw(self, sent: bytes) -> bytes:
        """Send these bytes over TCP; all that comes back until the daemon closes the connection."""
        with socket.create_connection((self.host, self.port), timeout=10) as connection:
            connection.sendall(sent)
            return b"".join(iter(lambda: connection.recv(65536), b""))


def address_of(daemon: Daemon) -> str:
    """Where the daemon listens on TCP."""
    return (daemon.home / "run" / "tcp").read_text().split()[0]


@contextmanager
def remote(*, env: Mapping[str, str] | None = None, args: Sequence[str] = ()) -> Iterator[Remote]:
    """A running daemon that listens on a free port of this machine as well."""
    with daemon(env=env, args=("--listen", "127.0.0.1:0", *args)) as running:
        yield Remote(running)
