"""Keys: how people and programs come in over the network; the secret is shown once, and only its hash is kept."""

import re

from msgspec import UNSET, UnsetType

from maestrod.domain import limits
from maestrod.domain.changes import Change, Command, Context, Delete, Put
from maestrod.domain.errors import Conflict
from maestrod.domain.model import Key, Noun, Scope
from maestrod.domain.revision import revised
from maestrod.domain.state import State

MOST = 1_000
"""Keys of one home."""
USE_MS = 3_600_000
"""How exactly it is kept when a key was last used: each request of its own would be a commit."""
_HASH = re.compile(r"[0-9a-f]{64}\Z")


class CreateKey(Command, frozen=True, kw_only=True):
    """Let somebody in; without projects into all of them, without an end for good.

    ``prefix`` and ``hash`` are made by the daemon with the secret, which is in no command.
    """

    name: str
    prefix: str
    hash: str
    scopes: tuple[Scope, ...] = (Scope.READ,)
    project_ids: tuple[str, ...] = ()
    expires_at: int | None = None


class RotateKey(Command, frozen=True, kw_only=True):
    """Give the key another secret; the old one counts no more. Its end stays unless another is named."""

    key_id: str
    prefix: str
    hash: str
    expires_at: int | None | UnsetType = UNSET


class RevokeKey(Command, frozen=True, kw_only=True):
    """Let nobody in by this key any more."""

    key_id: str


class UseKey(Command, frozen=True, kw_only=True):
    """Somebody came in by the key; noted once an hour."""

    key_id: str


def create_key(state: State, command: CreateKey, ctx: Context) -> list[Change]:
    """At most 1,000 keys; projects must exist, and the end lies ahead."""
    fields = limits.Fields().line("name", command.name, limits.NAME)
    fields.lines("projectIds", command.project_ids, limits.NAME)
    if not command.scopes:
        fields.wrong("scopes", f"must name at least one of {', '.join(Scope)}")
    _check(fields, state, command, ctx)
    if len(state.table(Noun.KEY)) >= MOST:
        raise Conflict(f"there are {MOST} keys already", hint="Revoke one: `maestro key list` shows what is not used.")
    made = Key(
        id=ctx.new_id(Noun.KEY),
        created_at=ctx.now,
        updated_at=ctx.now,
        name=command.name,
        prefix=command.prefix,
        hash=command.hash,
        scopes=tuple(scope for scope in Scope if scope in command.scopes),
        project_ids=tuple(dict.fromkeys(state.project(id_).id for id_ in command.project_ids)),
        expires_at=command.expires_at,
    )
    return [Put(Noun.KEY, made)]


def rotate_key(state: State, command: RotateKey, ctx: Context) -> list[Change]:
    """A key that has ended lives again when a new end is named."""
    old = state.key(command.key_id)
    _check(limits.Fields(), state, command, ctx)
    until = old.expires_at if command.expires_at is UNSET else command.expires_at
    return [Put(Noun.KEY, revised(old, ctx, prefix=command.prefix, hash=command.hash, expires_at=until))]


def revoke_key(state: State, command: RevokeKey, ctx: Context) -> list[Change]:
    """What was done by it stays under its id in the history."""
    return [Delete(Noun.KEY, state.key(command.key_id).id)]


def use_key(state: State, command: UseKey, ctx: Context) -> list[Change]:
    """Not again within the hour."""
    old = state.key(command.key_id)
    if old.last_used_at is not None and ctx.now - old.last_used_at < USE_MS:
        return []
    return [Put(Noun.KEY, revised(old, ctx, last_used_at=ctx.now))]


def by_hash(state: State, digest: str) -> Key | None:
    """Whose secret has this hash."""
    found = next(iter(state.groups["key", digest]), None)
    return state.key(found) if found is not None else None


def is_over(key: Key, now: int) -> bool:
    """Whether its time has passed."""
    return key.expires_at is not None and key.expires_at <= now


def _check(fields: limits.Fields, state: State, command: CreateKey | RotateKey, ctx: Context) -> None:
    fields.line("prefix", command.prefix, limits.LABEL)
    if not _HASH.match(command.hash):
        fields.wrong("hash", "must be a SHA-256 in hexadecimal")
    elif by_hash(state, command.hash) is not None:
        fields.wrong("hash", "is that of another key")
    fields.number("expiresAt", command.expires_at)
    if isinstance(command.expires_at, int) and command.expires_at <= ctx.now:
        fields.wrong("expiresAt", "must lie ahead")
    fields.end()
