"""What the daemon's service is written down as: units for systemd, a property list for launchd.

The twin in the repository is ``contrib``, written from here by ``docs/service.py``.
"""

from collections.abc import Mapping, Sequence

MARK = "Written by `maestro daemon install`"
"""Stands in every file of ours: what lacks it belongs to somebody else."""

LAUNCHD_PREFIX = "agent-maestro."

SOCKET = """# {mark}; `maestro daemon uninstall` takes it away.
# Settings of your own: systemctl --user edit {name}.socket

[Unit]
Description=Agent Maestro, where its daemon is called

[Socket]
ListenStream={socket}
FileDescriptorName=maestrod
SocketMode=0600
DirectoryMode=0700
Backlog=2048
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
"""

SERVICE = """# {mark}; `maestro daemon uninstall` takes it away.
# Settings of your own: systemctl --user edit {name}.service

[Unit]
Description=Agent Maestro daemon
Requires={name}.socket
After={name}.socket
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=notify
WorkingDirectory=/
ExecStart={command}
{environment}Restart=on-failure
RestartSec=1
TimeoutStartSec=5min
WatchdogSec=60
# Agents live in tmux, in a scope of its own, and outlive the daemon: only the daemon itself is ever stopped or blamed.
KillMode=process
OOMPolicy=continue
UMask=0077
LimitNOFILE=16384

[Install]
WantedBy=default.target
Also={name}.socket
"""


UNFIT = "\"'\\"
"""systemd starts no program with one of these in its path, but hands them over as arguments."""


class Unwritable(ValueError):
    """A path or a value that no unit can hold; the message names it."""


def systemd(name: str, *, program: Sequence[str], socket: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The units by their file names. The first word of ``program`` and ``socket`` may hold specifiers of systemd.

    Raises:
        Unwritable: a control character in a path or a value.
    """
    for text in (*program, socket, *environ.values()):
        _printable(text)
    first, *rest = program
    if any(c in first for c in UNFIT):
        first, rest = "/usr/bin/env", list(program)
    words = [_quoted(first), *(_quoted(word.replace("$", "$$")) for word in rest)]
    lines = [f"Environment={_quoted(f'{key}={escaped(value)}', always=True)}\n" for key, value in environ.items()]
    told = {"mark": MARK, "name": name}
    return {
        f"{name}.socket": SOCKET.format(socket=socket, **told),
        f"{name}.service": SERVICE.format(command=" ".join(words), environment="".join(lines), **told),
    }


def escaped(text: str) -> str:
    """The text for a place where systemd looks for specifiers."""
    return text.replace("%", "%%")


def launchd(name: str, *, program: Sequence[str], log: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The property list by its file name.

    Raises:
        Unwritable: a control character in a path or a value.
    """
    import plistlib

    for text in (*program, log, *environ.values()):
        _printable(text)
    label = LAUNCHD_PREFIX + name
    told: dict[str, object] = {
        "Label": label,
        "ProgramArguments": list(program),
        "EnvironmentVariables": dict(environ),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "AbandonProcessGroup": True,  # agents outlive the daemon
        "WorkingDirectory": "/",
        "Umask": 0o077,
        "StandardOutPath": log,
        "StandardErrorPath": log,
        "SoftResourceLimits": {"NumberOfFiles": 16384},
    }
    head, _, rest = plistlib.dumps(told, sort_keys=False).decode().partition("<plist")
    return {f"{label}.plist": f"{head}<!-- {MARK}; `maestro daemon uninstall` takes it away. -->\n<plist{rest}"}


def _quoted(word: str, *, always: bool = False) -> str:
    """A word of a line that systemd splits; specifiers stay as they are."""
    if not always and word.isascii() and not any(c.isspace() or c in "\"'\\;" for c in word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _printable(text: str) -> None:
    if any(ord(c) < 0x20 or ord(c) == 0x7F or 0xD800 <= ord(c) <= 0xDFFF for c in text):
        raise Unwritable(f"{text!r} cannot be written into a unit: it holds a control character")
