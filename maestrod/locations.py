"""Where things lie: under ``MAESTRO_HOME``, or in the platform's own places. Creates nothing."""

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import platformdirs

SOCKET_LIMIT = 100
"""Longer socket paths do not fit into ``sockaddr_un`` everywhere."""


class Locations(msgspec.Struct, frozen=True, kw_only=True):
    """The folders of one home; ``home`` names the home for people and for the tmux server."""

    home: Path
    config: Path
    data: Path
    run: Path
    logs: Path

    @property
    def socket(self) -> Path:
        """The daemon's socket; a path that is too long is replaced by one under ``/tmp``."""
        wanted = self.run / "maestrod.sock"
        if len(os.fsencode(wanted)) <= SOCKET_LIMIT:
            return wanted
        digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
        return Path(f"/tmp/maestro-{os.getuid()}/{digest}.sock")  # noqa: S108 - 0700 folder, owner checked

    @property
    def journal(self) -> Path:
        """Segments and the durable mark."""
        return self.data / "journal"

    @property
    def snapshots(self) -> Path:
        """All entities at a seq."""
        return self.data / "snapshot"

    @property
    def tmux_conf(self) -> Path:
        """The private tmux server's own configuration."""
        return self.run / "tmux.conf"

    @property
    def spool(self) -> Path:
        """What sessions said while no daemon could be reached; it outlives a restart of the machine."""
        return self.logs.parent / "spool"

    @property
    def worktrees(self) -> Path:
        """The checkouts that sessions have of their own."""
        return self.home / "worktrees"

    def session(self, session_id: str) -> Path:
        """What a session was told: manifest, launch files."""
        return self.data / "sessions" / session_id

    def session_run(self, session_id: str) -> Path:
        """What a session has while it runs: its credential."""
        return self.run / "sessions" / session_id


def locate(environ: Mapping[str, str]) -> Locations:
    """The places for this environment: ``MAESTRO_HOME`` wins, else what the platform says."""
    home = environ.get("MAESTRO_HOME")
    if home:
        root = Path(os.path.abspath(os.path.expanduser(home)))  # noqa: PTH100, PTH111 - keeps links as written
        return Locations(home=root, config=root / "config", data=root / "data", run=root / "run", logs=root / "logs")
    dirs = platformdirs.PlatformDirs("maestro", appauthor=False)
    state = Path(dirs.user_state_dir)
    runtime = environ.get("XDG_RUNTIME_DIR") if sys.platform == "linux" else None
    return Locations(
        home=Path(dirs.user_data_dir),
        config=Path(dirs.user_config_dir),
        data=Path(dirs.user_data_dir),
        run=Path(runtime) / "maestro" if runtime else state / "run",
        logs=state / "logs",
    )
