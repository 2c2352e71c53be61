"""A server that says exactly the bytes it is told: for what a client must bear."""

import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

Turn = bytes | Callable[[socket.socket, bytes], None]


def ok(body: bytes = b'{"ok":true}', *, head: str = "") -> bytes:
    """A plain answer of 200."""
    return answer("200 OK", body, head=head)


def answer(status: str, body: bytes = b"", *, head: str = "") -> bytes:
    """An answer with its length; ``head`` is further header lines, each with its end."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body


class RawServer:
    """Serves the turns in order, one for each connection; the last one again and again."""

    def __init__(self, place: Path | None, turns: Sequence[Turn]) -> None:
        self._socket = socket.socket(socket.AF_UNIX if place else socket.AF_INET)
        self._socket.bind(str(place) if place else ("127.0.0.1", 0))
        self._turns = list(turns)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.asked: list[bytes] = []
        port = 0 if place else int(self._socket.getsockname()[1])
        self.address = f"unix:{place}" if place else f"http://127.0.0.1:{port}"

    def __enter__(self) -> Self:
        self._socket.listen()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def headers(self, name: str) -> list[str]:
        """The header's value in each request; empty where it was not sent."""
        found = []
        for request in self.asked:
            lines = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
            pairs = dict(line.split(": ", 1) for line in lines)
            found.append(pairs.get(name, ""))
        return found

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                turn = self._turns.pop(0) if len(self._turns) > 1 else self._turns[0]
                try:
                    request = whole(connection)
                    self.asked.append(request)
                    if isinstance(turn, bytes):
                        connection.sendall(turn)
                    else:
                        turn(connection, request)
                except OSError:
                    continue


def whole(connection: socket.socket) -> bytes:
    """A request with its body."""
    request = b""
    while b"\r\n\r\n" not in request:
        part = connection.recv(65536)
        if not part:
            return request
        request += part
    head, _, body = request.partition(b"\r\n\r\n")
    sizes = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    missing = int(sizes[0].partition(b":")[2]) - len(body) if sizes else 0
    while missing > 0:
        part = connection.recv(65536)
        if not part:
            break
        request += part
        missing -= len(part)
    return request
