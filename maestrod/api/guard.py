"""What comes over TCP must be meant for this daemon, and must not be sent by a page of somebody else.

A page can make a browser call any address, and can give its own name the daemon's address (DNS rebinding); it
cannot choose what the browser says in ``Host``, ``Origin`` and ``Sec-Fetch-Site``.
"""

from collections.abc import Collection
from itertools import chain

from aiohttp import web

from maestrod.api.addresses import Listener, address_of, host_of, is_loopback
from maestrod.domain.errors import NotAllowed, Rejected
from maestrod.settings import Settings

HEADERS = 16 * 1024
"""Bytes of all headers of a request together."""


class HeadersTooLarge(Rejected):
    """The headers are longer than any client of ours needs."""

    code = "HEADERS_TOO_LARGE"


class Guard:
    """Knows the names by which the daemon may be called."""

    def __init__(self, listeners: Collection[Listener], settings: Settings) -> None:
        names = settings.allowed_hosts.split(",")
        self._names = frozenset(name.strip().lower() for name in names) | {each.host.lower() for each in listeners}
        self._abroad = any(not listener.is_local for listener in listeners)

    def check(self, request: web.BaseRequest) -> None:
        """Let a request over TCP pass.

        Raises:
            NotAllowed: it is meant for somebody else, or a foreign page sent it.
        """
        host = request.headers.get("Host", "")
        if len(request.headers.getall("Host", ())) != 1 or not self._is_own(host_of(host)):
            raise NotAllowed(
                f"nobody here is called '{host[:100]}'",
                hint="Call 127.0.0.1 or localhost, or name the host in the setting `allowed_hosts`.",
            )
        origin = request.headers.get("Origin")
        site = request.headers.get("Sec-Fetch-Site", "none").lower()
        if (origin is not None and not _is_same(origin, host)) or site not in {"none", "same-origin"}:
            raise NotAllowed(f"pages of {(origin or 'other sites')[:100]} may not call", hint="Call without a browser.")

    def _is_own(self, host: str) -> bool:
        if not host:
            return False
        return is_loopback(host) or host in self._names or (self._abroad and address_of(host) is not None)


def check_size(request: web.BaseRequest) -> None:
    """Raises: HeadersTooLarge."""
    size = sum(map(len, chain.from_iterable(request.raw_headers)))
    if size > HEADERS:
        raise HeadersTooLarge(f"the headers have {size} bytes, at most {HEADERS} are allowed", hint="Send less.")


def _is_same(origin: str, host: str) -> bool:
    return origin.lower() in {f"http://{host.lower()}", f"https://{host.lower()}"}
