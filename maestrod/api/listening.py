"""Where the daemon listens: sockets are opened last, for their owner alone, and taken away at the end."""

import asyncio
import contextlib
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from maestrod.api.addresses import Listener
from maestrod.api.server import Api
from maestrod.locations import Locations
from maestrod.settings import Settings
from maestrod.systemd import path_of

if TYPE_CHECKING:
    from ssl import SSLContext

log = logging.getLogger(__name__)

BACKLOG = 2048
LAST_ANSWERS_S = 2.0
"""How long requests under way may take when the daemon stops."""


OTHERS = "Where it is systemd, for the service, say `systemctl --user start maestrod`"
ADDRESSES = "tcp"
"""The file in the run folder that names the TCP addresses, one a line."""


@contextlib.asynccontextmanager
async def listening(
    api: Api,
    places: Locations,
    settings: Settings,
    listeners: Sequence[Listener],
    passed: Sequence[socket.socket] = (),
) -> AsyncIterator[None]:
    """Listen for as long as the block runs, on the home's socket unless another is named or passed.

    Answers may finish. A passed socket is left where it is at the end: it goes on taking connections.

    Raises:
        OSError: a listener cannot be opened, or lies where others can write; the certificate cannot be read.
    """
    runner = web.ServerRunner(api.server(), handle_signals=False, shutdown_timeout=LAST_ANSWERS_S)
    await runner.setup()
    found = [path_of(each) for each in passed]
    named = [listener.unix for listener in listeners if listener.unix is not None]
    sockets = [path for path in named if path not in found] if named or passed else [places.socket]
    addresses = [listener for listener in listeners if listener.unix is None]
    opened: list[Path] = []
    try:
        if addresses:
            await _open_tcp(runner, places, addresses, tls_of(settings))
            opened.append(places.run / ADDRESSES)
        for path in sockets:
            await _open_socket(runner, path, private=path == places.socket)
            opened.append(path)
            _name_socket(places, path)
        for each, path in zip(passed, found, strict=True):
            if path == places.socket:
                _check_private(path.parent)
            await _PassedSite(runner, each).start()
            log.info("took a socket over", extra={"event": "listening", "socket": str(path)})
            _name_socket(places, path)
        yield
    finally:
        await runner.cleanup()
        for path in opened:
            path.unlink(missing_ok=True)


def tls_of(settings: Settings) -> "SSLContext | None":
    """What encrypts TCP, when it is to be encrypted: TLS 1.2 at least.

    Raises:
        OSError: the certificate or its key cannot be read, or they do not belong together.
    """
    if not settings.tls_cert:
        return None
    import ssl

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=_no_password)
    except (OSError, ValueError) as error:
        names = f"tls_cert {settings.tls_cert}, tls_key {settings.tls_key}"
        raise OSError(f"cannot use the certificate ({names}): {error}") from error
    return context


def _no_password() -> str:
    raise ValueError("the private key has a password, and nobody is there to give it")


async def _open_tcp(
    runner: web.ServerRunner, places: Locations, listeners: Sequence[Listener], tls: "SSLContext | None"
) -> None:
    for listener in listeners:
        await web.TCPSite(runner, listener.host, listener.port, backlog=BACKLOG, ssl_context=tls).start()
    found = [_spelled(*address[:2]) for address in runner.addresses]
    log.info("listening on TCP", extra={"event": "listening", "addresses": found, "tls": tls is not None})
    (places.run / ADDRESSES).write_text("".join(f"{address}\n" for address in found))


def _spelled(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _PassedSite(web.BaseSite):
    """A Unix socket that somebody else has opened, and keeps."""

    def __init__(self, runner: web.ServerRunner, passed: socket.socket) -> None:
        super().__init__(runner, backlog=BACKLOG)
        self._passed = passed

    @property
    def name(self) -> str:
        """Where it is found."""
        return f"unix:{path_of(self._passed)}"

    async def start(self) -> None:
        """Take connections."""
        await super().start()
        loop, server = asyncio.get_running_loop(), self._runner.server
        assert server is not None
        self._server = await loop.create_unix_server(server, sock=self._passed, backlog=self._backlog)


async def _open_socket(runner: web.ServerRunner, path: Path, *, private: bool) -> None:
    await asyncio.to_thread(_make_room, path, private=private)
    before = os.umask(0o177)
    try:
        await web.UnixSite(runner, str(path), backlog=BACKLOG).start()
    finally:
        os.umask(before)


def _make_room(path: Path, *, private: bool) -> None:
    """A folder for the socket, and none of an earlier daemon in its place.

    Raises:
        OSError: the folder of a ``private`` socket is not this user's alone, or something else has or uses the name.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if private:
        _check_private(path.parent)
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(f"{path} is there already, and is no socket")
        if _listens(path):
            raise FileExistsError(f"something listens at {path} already, and it is no daemon of this home. {OTHERS}")
        path.unlink()


def _check_private(place: Path) -> None:
    folder = place.lstat()
    if folder.st_uid != os.getuid() or not stat.S_ISDIR(folder.st_mode) or folder.st_mode & 0o022:
        raise PermissionError(f"{place} must be a folder of this user that nobody else can write to")


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0)
        try:
            probe.connect(str(path))
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True


def _name_socket(places: Locations, path: Path) -> None:
    """A socket outside of the run folder is named in it."""
    if path.parent != places.run:
        (places.run / "socket").write_text(f"{path}\n")
