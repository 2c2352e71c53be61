"""What lies in a directory, as a digest: whether the work changed since its checks passed.

In a git repository the digest is that of the tree which a commit of everything there would have, ignored files
left out; committing the same content does not change it, and neither the repository nor its index is written.
Elsewhere it is made from the names, sizes and times of at most ``FILES`` files. Beyond that nothing is known.
"""

import asyncio
import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

FILES = 20_000
GIT_S = 30.0
"""How long one call of git may take."""
PASSED_OVER = frozenset({"__pycache__", "node_modules"})
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.safecrlf=false")


class Contents(msgspec.Struct, frozen=True):
    """``work`` is the digest of all there is, ``tracked`` that of what git knew before; empty when not known."""

    commit: str | None = None
    work: str = ""
    tracked: str = ""


class GitFailed(Exception):
    """A call of git did not answer what was asked."""


async def look(directory: str) -> Contents:
    """What lies in the directory now."""
    if not await asyncio.to_thread(os.path.isdir, directory):
        return Contents()
    with contextlib.suppress(GitFailed, OSError):
        return await _in_git(directory)
    return Contents(work=await asyncio.to_thread(_walked, directory))


async def exists_commit(directory: str, name: str) -> bool:
    """Whether git knows the commit there."""
    try:
        await _git(directory, "cat-file", "-e", "--end-of-options", f"{name}^{{commit}}")
    except (GitFailed, OSError):
        return False
    return True


async def _in_git(directory: str) -> Contents:
    found = await _git(directory, "rev-parse", "--path-format=absolute", "--git-path", "objects", "--git-path", "index")
    objects, index = found.split("\n")
    commit = None
    with contextlib.suppress(GitFailed):
        commit = await _git(directory, "rev-parse", "--quiet", "--verify", "HEAD^{commit}")
    aside = await asyncio.to_thread(tempfile.mkdtemp, prefix="maestro-tree-")
    try:
        await asyncio.to_thread(_prepare, Path(aside), Path(index))
        env = {
            "GIT_INDEX_FILE": f"{aside}/index",
            "GIT_OBJECT_DIRECTORY": f"{aside}/objects",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects,
        }
        tracked = await _tree(directory, "--update", env)
        return Contents(commit=commit, work=await _tree(directory, "--all", env), tracked=tracked)
    finally:
        await asyncio.to_thread(shutil.rmtree, aside, ignore_errors=True)


def _prepare(aside: Path, index: Path) -> None:
    (aside / "objects").mkdir()
    if index.exists():
        shutil.copy2(index, aside / "index")


async def _tree(directory: str, which: str, env: Mapping[str, str]) -> str:
    await _git(directory, "add", which, "--", ".", env=env)
    return await _git(directory, "write-tree", env=env)


async def _git(directory: str, *words: str, env: Mapping[str, str] | None = None) -> str:
    """What git says, without the last line's end.

    Raises:
        GitFailed: it fails, or does not come to an end in time.
        OSError: there is no git, or no such directory.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    process = await asyncio.create_subprocess_exec(
        *_GIT,
        *words,
        cwd=directory,
        env={**clean, "GIT_OPTIONAL_LOCKS": "0", **(env or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(GIT_S):
            out, _ = await process.communicate()
    except TimeoutError as error:
        raise GitFailed(f"git {words[0]} took longer than {GIT_S:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise GitFailed(f"git {words[0]} failed")
    return out.decode("utf-8", "surrogateescape").removesuffix("\n")


def _walked(directory: str) -> str:
    """A digest of names, sizes and times; empty when there are too many files to know."""
    digest = hashlib.blake2b(digest_size=20)
    for number, line in enumerate(_lines(directory)):
        if number >= FILES:
            return ""
        digest.update(line)
    return digest.hexdigest()


def _lines(directory: str) -> Iterator[bytes]:
    """A line for every file, in an order that stays; what is hidden or made by tools is passed over."""
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in PASSED_OVER)
        for name in sorted(n for n in names if not n.startswith(".")):
            path = f"{folder}/{name}"
            try:
                found = os.lstat(path)
            except OSError:
                continue
            yield os.fsencode(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_mode}\n")
