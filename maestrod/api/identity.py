"""Who calls: the same user on the Unix socket, or a session that shows its credential."""

import asyncio
import hashlib
import hmac
import logging
import os
import secrets
import socket
import struct
import sys
from collections.abc import Container
from pathlib import Path

import msgspec
from aiohttp import web

from maestrod.api.ancestry import PaneProcesses, Untraceable
from maestrod.domain import keys
from maestrod.domain.changes import USER, Actor, Commit, Delete
from maestrod.domain.errors import Conflict, Rejected
from maestrod.domain.model import Noun
from maestrod.engine.engine import Engine

log = logging.getLogger(__name__)

CREDENTIAL_BYTES = 32
KEY_MARK = "mk_"
"""What a key's secret begins with."""
KEY_PREFIX = 9
"""Characters of a secret that are shown for ever, the mark among them; 37 stay secret."""
CREDENTIAL_FILE = "cred"
LAUNCH_FILE = "launch"
"""Beside the credential: the session's version at the launch that it was given to."""
_UCRED = struct.Struct("3i")


class Unauthorized(Rejected):
    """Nobody known."""

    code = "UNAUTHORIZED"


def new_secret() -> str:
    """A key's secret: 43 random characters after its mark."""
    return KEY_MARK + secrets.token_urlsafe(CREDENTIAL_BYTES)


def digest(secret: str) -> str:
    """What is kept of a key's secret."""
    return _digest(secret).hex()


class Credentials:
    """The sessions' credentials: each lies 0600 in its session's run folder, its hash is kept here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sessions: dict[bytes, str] = {}

    def load(self, known: Container[str]) -> None:
        """Read those of known sessions that were launched before this daemon started."""
        for path in self._folder.glob(f"*/{CREDENTIAL_FILE}"):
            try:
                credential = path.read_text("ascii").strip()
            except (OSError, ValueError):
                continue
            if credential and path.parent.name in known:
                self._sessions[_digest(credential)] = path.parent.name

    def issue(self, session_id: str, launch: int) -> str:
        """The credential of the launch that made this version of the session, in its file on return.

        The same launch gets the same credential again; those of earlier launches count no more.

        Raises:
            Conflict: the session was launched again since.
        """
        folder = self._folder / session_id
        credential, given_to = _kept(folder)
        if given_to > launch:
            raise Conflict(f"session {session_id} was launched again since", hint="Its launcher has the credential.")
        if given_to < launch or self._sessions.get(_digest(credential)) != session_id:
            credential = secrets.token_urlsafe(CREDENTIAL_BYTES)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / LAUNCH_FILE).unlink(missing_ok=True)
            _write_new(folder / CREDENTIAL_FILE, credential)
            _write_new(folder / LAUNCH_FILE, str(launch))
            self.revoke(session_id)
            self._sessions[_digest(credential)] = session_id
        return credential

    def revoke(self, session_id: str) -> None:
        """Forget a session's credential; its file stays until the session's folder goes."""
        for digest in [d for d, s in self._sessions.items() if s == session_id]:
            del self._sessions[digest]

    def heard(self, commit: Commit) -> None:
        """A commit came: a resumed session's old run has no say any more, and a deleted one's files go."""
        for event in commit.events:
            if event.name == "session:resume":
                self.revoke(event.id)
        for change in commit.changes:
            if isinstance(change, Delete) and change.noun is Noun.SESSION:
                self.revoke(change.id)
                for name in (LAUNCH_FILE, CREDENTIAL_FILE):
                    (self._folder / change.id / name).unlink(missing_ok=True)

    def session(self, credential: str) -> str | None:
        """Whose credential it is; looked up by its hash, so that time tells nothing of the credential."""
        return self._sessions.get(_digest(credential))


def _kept(folder: Path) -> tuple[str, int]:
    """The credential in a session's folder, and which launch it was given to; 0 for none."""
    try:
        return (folder / CREDENTIAL_FILE).read_text("ascii"), int((folder / LAUNCH_FILE).read_text("ascii"))
    except (OSError, ValueError):
        return "", 0


def _write_new(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def _digest(credential: str) -> bytes:
    return hashlib.sha256(credential.encode("utf-8", "surrogateescape")).digest()


class Peer(msgspec.Struct):
    """What the system says of who is at the other end of a connection; over TCP it says nothing.

    ``session_id`` is the session in whose pane the peer runs, ``sure`` whether that could be told, both as of so many
    changes of panes.
    """

    is_remote: bool
    uid: int | None = None
    pid: int = 0
    session_id: str | None = None
    sure: bool = True
    traced: int = 0


def peer_of(transport: asyncio.BaseTransport) -> Peer:
    """The peer of a connection."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family != socket.AF_UNIX:
        return Peer(is_remote=True)
    if sys.platform == "linux":
        pid, uid, _ = _UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
        return Peer(is_remote=False, uid=uid, pid=pid)
    uid = struct.unpack("2i", sock.getsockopt(0, 1, 8))[1]  # LOCAL_PEERCRED: version, uid
    pid = struct.unpack("i", sock.getsockopt(0, 2, 4))[0]  # LOCAL_PEERPID
    return Peer(is_remote=False, uid=uid, pid=pid)


class Caller(msgspec.Struct, frozen=True):
    """Who asks; of one who is not ``sure`` to be a person it is not known in whose pane it runs."""

    actor: Actor
    sure: bool = True


_USER = Caller(USER)
_UNSURE = Caller(USER, sure=False)


class Callers:
    """Tells who is behind a request; what the system says of a connection is asked once."""

    def __init__(self, credentials: Credentials, engine: Engine, panes: PaneProcesses) -> None:
        self._credentials = credentials
        self._engine = engine
        self._panes = panes
        self._uid = os.getuid()

    def identify(self, request: web.BaseRequest, peer: Peer) -> Caller:
        """Who sent a request over the connection of a peer.

        Raises:
            Unauthorized: nobody, another user, or a credential that nobody has.
        """
        sent = request.headers.get("Authorization")
        key = request.headers.get("X-API-Key")
        if sent is not None:
            scheme, _, credential = sent.strip().partition(" ")
            return Caller(self._bearer(credential.strip() if scheme.lower() == "bearer" else ""))
        if key is not None:
            return Caller(self._key(key.strip()))
        if peer.uid != self._uid:
            if peer.is_remote:
                raise Unauthorized("a key is needed", hint="`maestro key create` makes one where the daemon runs.")
            raise Unauthorized("only the user who runs maestrod may call", hint="Call as that user, or with a key.")
        if peer.traced != self._panes.changes:
            self._trace(peer)
        if peer.session_id is not None:
            return Caller(Actor("session", peer.session_id))
        return _USER if peer.sure else _UNSURE

    def _trace(self, peer: Peer) -> None:
        """See in whose pane the peer runs: an agent acts as its session, also when it keeps its credential back."""
        peer.traced = self._panes.changes
        try:
            peer.session_id, peer.sure = self._panes.session_of(peer.pid), True
        except Untraceable as error:
            log.info("cannot tell in whose pane a caller runs: %s", error, extra={"pid": peer.pid})
            peer.session_id, peer.sure = None, False

    def _bearer(self, credential: str) -> Actor:
        if credential.startswith(KEY_MARK):
            return self._key(credential)
        session_id = self._credentials.session(credential) if credential else None
        if session_id is None:
            hint = "The session has ended or was launched again."
            raise Unauthorized("the credential is not known", hint=hint)
        return Actor("session", session_id)

    def _key(self, secret: str) -> Actor:
        """Whose key it is; looked up by its hash in an index, so that time tells nothing of the secret."""
        wanted = digest(secret)
        key = keys.by_hash(self._engine.state, wanted)
        if key is None or not hmac.compare_digest(key.hash, wanted):
            raise Unauthorized("the key is not known", hint="It was revoked or rotated; ask for another one.")
        if keys.is_over(key, self._engine.clock.now()):
            raise Unauthorized(
                f"key '{key.name}' has ended", hint="`maestro key rotate` gives it a new secret and end."
            )
        return Actor("key", key.id)
