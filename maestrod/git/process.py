"""Runs git. What only looks runs nothing that a repository names: no hooks, no fsmonitor, no external diff.

Every call speaks English, asks nobody, opens no pager or editor, starts no upkeep, and sees none of the variables
that would send it to another repository.
"""

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict, Unpack

from maestrod.git.errors import OLDEST, GitFailed, GitMissing, GitTimeout, GitTooOld

LIMIT_S = 30.0
LONG_S = 600.0
"""For what copies or deletes a whole working tree, or runs a person's hooks."""
GRACE_S = 2.0
MOST = 64 * 1024 * 1024
"""Bytes of an answer that are read; more than that is an error unless the caller cuts it."""
TRIES = 12
"""How often a call is made again while another git holds a lock."""
SAID = 8_192

_QUIET = ("core.fsmonitor=false", "core.safecrlf=false", "gc.auto=0", "maintenance.auto=false")
_PLAIN = ("commit.gpgSign=false", "submodule.recurse=false", "core.pager=cat", "color.ui=false")
_NO_HOOKS = "core.hooksPath=/dev/null"
_ASTRAY = frozenset(
    {
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE"),
        *("GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"),
        *("GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE"),
        *("GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE", "GIT_EXTERNAL_DIFF", "GIT_TRACE"),
        *("GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"),
    }
)
"""Variables by which a git above us (in a hook, say) would speak to a git below."""
_VERSION = re.compile(r"(\d+)\.(\d+)")


class How(TypedDict, total=False):
    """How a call is made, see ``Git.run``."""

    env: Mapping[str, str]
    stdin: bytes
    hooks: bool
    limit_s: float
    most: int
    cut: bool


class Git:
    """git in a directory, with the variables of ``environ``.

    ``cwd`` must exist. Every call may raise GitMissing, GitTimeout and GitFailed, and OSError when the disk refuses.
    """

    def __init__(self, cwd: Path | str, environ: Mapping[str, str]) -> None:
        self.cwd = Path(cwd)
        self.environ = environ

    def at(self, cwd: Path | str) -> "Git":
        """The same in another directory."""
        return Git(cwd, self.environ)

    def version(self) -> str:
        """Raises: GitTooOld."""
        said = self.text("--version").removeprefix("git version ")
        numbers = _VERSION.search(said)
        if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST:
            raise GitTooOld(said)
        return said

    def text(self, *words: str, **how: Unpack[How]) -> str:
        """What it prints, without the end of the last line; bytes that are no UTF-8 come back by ``os.fsencode``."""
        return os.fsdecode(self.run(*words, **how)).removesuffix("\n")

    def asked(self, *words: str) -> str | None:
        """What it prints, or None when it says no."""
        try:
            return self.text(*words)
        except GitFailed:
            return None

    def paths(self, *words: str, **how: Unpack[How]) -> list[str]:
        """What it prints between NULs."""
        return [os.fsdecode(part) for part in self.run(*words, **how).split(b"\0") if part]

    def run(self, *words: str, **how: Unpack[How]) -> bytes:
        """What it prints. Waits while another git holds a lock.

        ``hooks`` lets the repository's hooks run, and nothing is read then; at most ``most`` bytes are read, and more
        than that is an error unless it is to be ``cut``; it is ended after ``limit_s`` seconds.
        """
        for tried in range(TRIES):
            try:
                return self._once(words, **how)
            except GitFailed as failure:
                if not failure.is_lock or tried == TRIES - 1:
                    raise
                time.sleep(min(1.0, 0.02 * 2**tried))
        raise AssertionError("unreachable")

    def _once(
        self,
        words: tuple[str, ...],
        *,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        hooks: bool = False,
        limit_s: float = LIMIT_S,
        most: int = MOST,
        cut: bool = False,
    ) -> bytes:
        settings = (*_QUIET, *_PLAIN, *(() if hooks else (_NO_HOOKS,)))
        argv = ["git", "--no-pager", *(word for each in settings for word in ("-c", each)), *words]
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as given:
            given.write(stdin)
            given.seek(0)
            try:
                process = subprocess.Popen(
                    argv,
                    cwd=self.cwd,
                    env=self._variables(env or {}, hooks=hooks),
                    stdin=given,
                    stdout=subprocess.DEVNULL if hooks else subprocess.PIPE,  # a hook may leave things that hold it
                    stderr=said,
                    start_new_session=True,
                )
            except FileNotFoundError as error:
                if error.filename == "git":
                    raise GitMissing from error
                raise
            out, late = _awaited(process, limit_s, most)
            said.seek(0, os.SEEK_END)
            said.seek(max(0, said.tell() - SAID))
            told = said.read().decode("utf-8", "replace")
        name = _named(words)
        if late:
            raise GitTimeout(name, limit_s)
        if len(out) > most:
            if not cut:
                raise GitFailed(name, 1, f"error: it answers with more than {most} bytes")
            return out[:most]
        if process.returncode != 0:
            raise GitFailed(name, process.returncode, told)
        return out

    def _variables(self, env: Mapping[str, str], *, hooks: bool) -> dict[str, str]:
        kept = {name: value for name, value in self.environ.items() if name not in _ASTRAY}
        own = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true", "GIT_OPTIONAL_LOCKS": "0"}
        lazy = {} if hooks else {"GIT_NO_LAZY_FETCH": "1"}
        return kept | own | lazy | dict(env)


def _awaited(process: "subprocess.Popen[bytes]", limit_s: float, most: int) -> tuple[bytes, bool]:
    """What it printed, and whether it had to be ended because time ran out."""
    late = threading.Event()

    def end() -> None:
        late.set()
        _end(process)

    timer = threading.Timer(limit_s, end)
    timer.daemon = True
    timer.start()
    try:
        out = process.stdout.read(most + 1) if process.stdout is not None else b""
        if len(out) > most:
            _end(process)
        process.wait()
    finally:
        timer.cancel()
        if process.returncode is None:
            _end(process)
        if process.stdout is not None:
            process.stdout.close()
    return out, late.is_set()


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End it with all that it started; git takes its locks away when it is asked politely."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
            return


def _named(words: tuple[str, ...]) -> str:
    """The command in words that fit into a message."""
    first = words[0] if words else ""
    return f"{first} {words[1]}" if first == "worktree" and len(words) > 1 else first
