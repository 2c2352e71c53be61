"""``requests`` over a Unix socket, for tools that speak through it."""

import socket
from collections.abc import Mapping
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool


class _Connection(HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("maestro", timeout=timeout)
        self._path = path

    def _new_conn(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(30)
        connection.connect(str(self._path))
        return connection


class _Pool(HTTPConnectionPool):
    def __init__(self, path: Path) -> None:
        super().__init__("maestro")
        self._path = path

    def _new_conn(self) -> _Connection:
        return _Connection(self._path, 30)


class UnixAdapter(HTTPAdapter):
    """Sends everything to one socket, whatever host the address names."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._pool = _Pool(path)

    def get_connection_with_tls_context(self, *_args: object, **_more: object) -> _Pool:
        """The one pool that there is."""
        return self._pool

    def close(self) -> None:
        """Let the connections go."""
        self._pool.close()


def over(path: Path | None, headers: Mapping[str, str]) -> requests.Session:
    """A session that sends these headers with every request, over this socket if one is named."""
    session = requests.Session()
    session.trust_env = False
    if path is not None:
        session.mount("http://", UnixAdapter(path))
    session.headers.update(headers)
    return session
