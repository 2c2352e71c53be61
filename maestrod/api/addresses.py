"""Where to listen, in words and as what they mean; what would be careless is refused before anything is opened."""

import ipaddress
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from maestrod.settings import Settings

LARGEST_PORT = 65_535


class Listener(msgspec.Struct, frozen=True):
    """Where to listen: a Unix socket path, or a host and a port; port 0 is any that is free."""

    unix: Path | None = None
    host: str = ""
    port: int = 0

    @property
    def is_local(self) -> bool:
        """Whether nobody on another machine gets there."""
        return self.unix is not None or is_loopback(self.host)


def listeners_of(words: Sequence[str], settings: Settings) -> list[Listener]:
    """The listeners that were asked for on the command line, else in the settings.

    Raises:
        ValueError: one is none, or TCP would be open to other machines without TLS.
    """
    asked = list(words) or [word.strip() for word in settings.listen.split(",") if word.strip()]
    listeners = [_listener(word) for word in asked]
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise ValueError("`tls_cert` and `tls_key` go together: one of them is not set")
    for listener in listeners:
        if not (listener.is_local or settings.tls_cert or settings.behind_proxy):
            raise ValueError(
                f"refusing to listen on {listener.host}: other machines would reach it without encryption. Set "
                "`tls_cert` and `tls_key`, or `behind_proxy = true` where a proxy takes care of TLS"
            )
    return listeners


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone; of names only ``localhost`` is believed."""
    address = address_of(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is, when it is no name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def host_of(authority: str) -> str:
    """The host in a ``host:port``, without brackets; empty when it is none."""
    try:
        parts = urlsplit(f"//{authority}")
        port = parts.port
    except ValueError:
        return ""
    spelled = authority.rpartition(":")[0] if port is not None else authority.removesuffix(":")
    return parts.hostname or "" if spelled.strip("[]").lower() == parts.hostname else ""


def _listener(word: str) -> Listener:
    if word.startswith("unix:"):
        return Listener(unix=Path(word.removeprefix("unix:")).absolute())
    host, _, port = word.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or int(port[:9]) > LARGEST_PORT:
        raise ValueError(f"cannot listen on '{word}': say unix:PATH or HOST:PORT, as in 127.0.0.1:4570")
    if host_of(word) == "":
        raise ValueError(f"cannot listen on '{word}': '{host}' is no host; an IPv6 address stands in brackets")
    return Listener(host=host_of(word), port=int(port))
