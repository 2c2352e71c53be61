"""The same exchange with a daemon behind a URL."""

import http.client
import ssl
import zlib
from urllib.parse import urlsplit

from maestrod.client.errors import TimedOut, Unreachable
from maestrod.client.wire import BODY_LIMIT, NO_DAEMON, SLOW, Answer, Lost, left


def exchange(server: str, request: bytes, deadline: float) -> Answer:
    """Send the request, whose ``Host`` becomes the server's own, and read the answer.

    Raises:
        Lost: the connection failed; it may be repeated.
        Unreachable: the URL or its certificate is wrong, or what answers is no daemon.
        TimedOut: it took too long.
    """
    connection = connect(server, deadline)
    try:
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        pairs = (line.partition(":") for line in lines)
        headers = {name: value.strip() for name, _, value in pairs if name != "Host"} | {"Accept-Encoding": "gzip"}
        connection.request(method, urlsplit(server).path.rstrip("/") + target, body=body or None, headers=headers)
        answer = connection.getresponse()
        raw = answer.read(BODY_LIMIT)
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, told, unpacked(raw) if told.get("content-encoding") == "gzip" else raw)
    except TimeoutError:
        raise TimedOut("the daemon did not answer in time", hint=SLOW) from None
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(f"its certificate is not trusted: {error.verify_message}", hint=NO_DAEMON) from None
    except (OSError, http.client.IncompleteRead, http.client.RemoteDisconnected) as error:
        raise Lost(str(error), away=isinstance(error, ConnectionRefusedError)) from None
    except http.client.HTTPException as error:
        raise Unreachable(f"no HTTP answer: {error}", hint=NO_DAEMON) from None
    finally:
        connection.close()


def unpacked(raw: bytes, limit: int = BODY_LIMIT) -> bytes:
    """The body that was sent as gzip.

    Raises:
        Lost: it was cut off.
        Unreachable: it is no gzip, or holds more than ``limit`` bytes.
    """
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        found = unpacker.decompress(raw, limit)
    except zlib.error as error:
        raise Unreachable(f"the answer is no gzip: {error}", hint=NO_DAEMON) from None
    if unpacker.unconsumed_tail:
        raise Unreachable("an answer without end", hint=NO_DAEMON)
    if not unpacker.eof:
        raise Lost("the answer was cut off")
    return found


def connect(server: str, deadline: float) -> http.client.HTTPConnection:
    """A connection that is opened when it is first used.

    Raises:
        Unreachable: the URL is none.
    """
    try:
        url = urlsplit(server)
        host, port = url.hostname, url.port
    except ValueError as error:
        raise Unreachable(f"'{server}' is no URL: {error}", hint=USE) from None
    if not host:
        raise Unreachable(f"'{server}' is no URL", hint=USE)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    return kind(host, port, timeout=left(deadline))


USE = "Say unix:PATH, http://HOST:PORT or https://HOST."
