"""The installed ``maestro`` as a process, in an environment that holds nothing but what a test says."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

SCRIPT = Path(sys.executable).with_name("maestro")
ARGV = [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-m", "maestro_cli"]
LIMIT_S = 50.0


class Said:
    """What a call left behind: exit code, stdout, stderr."""

    def __init__(self, code: int, out: bytes, err: bytes) -> None:
        self.code = code
        self.raw = out
        self.out = out.decode("utf-8", "replace")
        self.err = err.decode("utf-8", "replace")

    def __repr__(self) -> str:
        return f"Said({self.code}, out={self.out!r}, err={self.err!r})"

    @property
    def document(self) -> dict[str, object]:
        """The one document of a ``--json`` call."""
        assert self.out.count("\n") == 1, self
        found = json.loads(self.out)
        assert isinstance(found, dict), self
        return found

    @property
    def data(self) -> object:
        """The result of a ``--json`` call that succeeded."""
        assert self.code in (0, 9), self
        assert self.document["success"] is True, self
        return self.document["data"]

    @property
    def error(self) -> str:
        """The error of a ``--json`` call that failed."""
        assert self.document["success"] is False, self
        return str(self.document["error"])


class Maestro:
    """Calls ``maestro`` in a home; ``env`` is added to what every call gets."""

    def __init__(self, home: Path, *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.cwd = cwd or home
        self.env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(home), "MAESTRO_HOME": str(home)}
        self.env |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        self.env |= dict(env or {})

    def __call__(
        self, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Said:
        """One call, to its end."""
        with self.started(*words, env=env, cwd=cwd) as process:
            out, err = process.communicate(stdin, timeout=LIMIT_S)
        return Said(process.returncode, out, err)

    @contextmanager
    def started(
        self, *words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> "Iterator[subprocess.Popen[bytes]]":
        """A call under way; it is killed when the test has no more use for it."""
        process = subprocess.Popen(
            [*ARGV, *words],
            env=self.env | dict(env or {}),
            cwd=cwd or self.cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(LIMIT_S)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()

    def ok(
        self, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> object:
        """The data of a call that must succeed."""
        return self(*words, "--json", stdin=stdin, env=env, cwd=cwd).data

    def id(self, *words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
        """The id in the data of a call that must succeed."""
        data = self.ok(*words, env=env, cwd=cwd)
        assert isinstance(data, dict)
        return str(data["id"])
