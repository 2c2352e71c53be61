"""The file of MCP servers that a session is given, read before its agent is."""

import stat
from pathlib import Path

from maestro_cli.carried import one, top_of
from maestro_cli.trusted import Trusted
from maestrod.providers import mcp


class Unusable(Exception):
    """The file cannot be used; ``hint`` says what to do."""

    def __init__(self, reason: str, *, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def servers(path: str | None, directory: str, trusted: Trusted) -> mcp.Servers | None:
    """The servers in a file; one that came with the project must be trusted as it is.

    Raises:
        Unusable: it cannot be read, is of another form, or is not trusted.
    """
    if path is None:
        return None
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise Unusable(f"the file of MCP servers is no file: {path}")
        _trusted(Path(path).resolve(), directory, trusted)
        with Path(path).open("rb") as file:
            return mcp.parse(path, file.read(mcp.SIZE + 1))
    except OSError as error:
        raise Unusable(f"cannot read the file of MCP servers {path}: {error.strerror}") from error
    except mcp.BadServers as error:
        raise Unusable(f"cannot use the file of MCP servers {error}") from error


def _trusted(file: Path, directory: str, trusted: Trusted) -> None:
    """Raises: Unusable: it lies in the project, and nobody trusted what it says now."""
    if file.is_relative_to(top_of(Path(directory))) and trusted.lacking(file.parent, [one(file)]):
        message = f"the MCP servers of {file} came with the project, and nobody trusts them as they are now"
        raise Unusable(message, hint=f"Look at what they run; `maestro trust {file}` trusts it.")
