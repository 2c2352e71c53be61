"""A file of MCP servers, in the form that most agents share: ``{"mcpServers": {NAME: {"command": …}}}``, or ``url``."""

from typing import Annotated

import msgspec

SIZE = 1 << 20
"""Bytes; a larger file is not read."""

_Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class BadServers(Exception):
    """The file cannot be used; the message says where and why."""


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """One server: a program that speaks on stdin and stdout, or an address. Its variables may be secret."""

    command: str = ""
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    cwd: str = ""
    url: str = ""
    headers: dict[str, str] = {}


class Servers(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was read, and where it lies."""

    path: str
    servers: dict[str, Server]


class _Document(msgspec.Struct, frozen=True, rename="camel"):
    mcp_servers: dict[_Name, Server]


def parse(path: str, raw: bytes) -> Servers:
    """The servers in the file's content.

    Raises:
        BadServers: it is too large, no JSON, or not of that form.
    """
    if len(raw) > SIZE:
        raise BadServers(f"{path} is larger than {SIZE >> 20} MiB")
    try:
        found = msgspec.json.decode(raw, type=_Document).mcp_servers
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadServers(f"{path}: {error}") from error
    for name, server in found.items():
        if bool(server.command) == bool(server.url):
            raise BadServers(f"{path}: server {name} needs a command or a url, and not both")
    return Servers(path=path, servers=found)
