"""A door before the daemon's that can be shut: its clients lose the daemon, and the daemon notices nothing else."""

import asyncio
from pathlib import Path


class Relay:
    """Passes on what comes, both ways, from a socket of its own."""

    def __init__(self, socket: Path, target: Path) -> None:
        self.socket = socket
        self._target = target
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def mend(self) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._serve, self.socket)

    async def cut(self) -> None:
        """Listen no more, and break what is open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.socket.unlink(missing_ok=True)
        for writer in [*self._open]:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        daemon, door = await asyncio.open_unix_connection(self._target)
        self._open |= {writer, door}
        async with asyncio.TaskGroup() as both:
            both.create_task(_pass(reader, door))
            both.create_task(_pass(daemon, writer))
        self._open -= {writer, door}


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
