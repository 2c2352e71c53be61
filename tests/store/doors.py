"""Doors to the disk: quick ones, failing ones, and one that forgets what was not synced."""

import os
from collections import Counter
from pathlib import Path

from maestrod.store.files import Files

DEEDS = ("open", "write", "fdatasync", "fsync", "truncate", "rename", "unlink", "fsync_folder", "make_folder")


class Killed(BaseException):
    """The process is no more: nothing catches this."""


class QuickFiles(Files):
    """Syncs nothing, for tests in which no power fails; counts the deeds done to the disk."""

    def __init__(self) -> None:
        super().__init__()
        self.done: Counter[str] = Counter()
        self.order: list[str] = []

    def before(self, deed: str) -> None:
        """What happens ahead of every deed."""
        self.done[deed] += 1
        self.order.append(deed)

    def open(self, path: Path, flags: int) -> int:
        self.before("open")
        return super().open(path, flags)

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        self.before("write")
        return super().write(fd, data, offset)

    def fdatasync(self, fd: int) -> None:
        self.before("fdatasync")

    def fsync(self, fd: int) -> None:
        self.before("fsync")

    def truncate(self, fd: int, size: int) -> None:
        self.before("truncate")
        super().truncate(fd, size)

    def rename(self, source: Path, target: Path) -> None:
        self.before("rename")
        super().rename(source, target)

    def unlink(self, path: Path) -> None:
        self.before("unlink")
        super().unlink(path)

    def make_folder(self, path: Path) -> None:
        self.before("make_folder")
        super().make_folder(path)

    def fsync_folder(self, path: Path) -> None:
        self.before("fsync_folder")


class FailingFiles(QuickFiles):
    """Fails the n-th call of a deed; a sync of the journal as well, if asked for."""

    def __init__(self, deed: str, nth: int, code: int, *, and_sync: int = 0) -> None:
        super().__init__()
        self.deed = deed
        self.nth = nth
        self.code = code
        self.and_sync = and_sync
        self.failed = False

    def before(self, deed: str) -> None:
        super().before(deed)
        if deed == self.deed and self.done[deed] == self.nth:
            self.failed = True
            raise OSError(self.code, os.strerror(self.code))
        if deed == "fdatasync" and self.done[deed] == self.and_sync:
            raise OSError(self.code, os.strerror(self.code))


class BrokenFiles(QuickFiles):
    """Fails every call of the deeds named in ``broken``, which tests fill and empty."""

    def __init__(self) -> None:
        super().__init__()
        self.broken: dict[str, int] = {}

    def before(self, deed: str) -> None:
        super().before(deed)
        if (code := self.broken.get(deed)) is not None:
            raise OSError(code, os.strerror(code))


class ShortFiles(QuickFiles):
    """Takes a few bytes at a time, as a system under pressure may."""

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        return super().write(fd, memoryview(data)[:7], offset)


class FullFiles(QuickFiles):
    """Takes bytes until a limit, then a part of a write, then none."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        taken = super().write(fd, memoryview(data)[: self.room], offset)
        self.room -= taken
        return taken


class MortalFiles(QuickFiles):
    """The process is killed ahead of the n-th deed of any kind; every later deed is refused as well."""

    def __init__(self, nth: int) -> None:
        super().__init__()
        self.nth = nth
        self.open_fds: set[int] = set()

    @property
    def dead(self) -> bool:
        return len(self.order) >= self.nth

    def before(self, deed: str) -> None:
        super().before(deed)
        if self.dead:
            raise Killed

    def open(self, path: Path, flags: int) -> int:
        fd = super().open(path, flags)
        if flags & os.O_ACCMODE != os.O_RDONLY:  # whoever reads closes by itself
            self.open_fds.add(fd)
        return fd

    def close(self, fd: int) -> None:
        self.open_fds.discard(fd)
        super().close(fd)

    def bury(self) -> None:
        """What the system does for a dead process."""
        for fd in self.open_fds:
            os.close(fd)
        self.open_fds.clear()


class ForgetfulFiles(MortalFiles):
    """Knows what a power cut would leave: synced bytes under synced names, and some of the rest."""

    def __init__(self, nth: int = 1 << 30, *, before: "ForgetfulFiles | None" = None) -> None:
        """``before`` is the door of a process that was killed on the same disk."""
        super().__init__(nth)
        self.bytes: dict[int, bytes] = before.bytes if before else {}
        self.names: dict[Path, dict[str, int]] = before.names if before else {}
        self.paths: dict[int, Path] = {}

    def open(self, path: Path, flags: int) -> int:
        fd = super().open(path, flags)
        self.paths[fd] = path
        if flags & os.O_EXCL:
            self.bytes[os.fstat(fd).st_ino] = b""
        return fd

    def fdatasync(self, fd: int) -> None:
        super().fdatasync(fd)
        self.bytes[os.fstat(fd).st_ino] = self.paths[fd].read_bytes()

    def fsync(self, fd: int) -> None:
        super().fsync(fd)
        self.bytes[os.fstat(fd).st_ino] = self.paths[fd].read_bytes()

    def fsync_folder(self, path: Path) -> None:
        super().fsync_folder(path)
        self.names[path] = {each.name: each.stat().st_ino for each in path.iterdir() if each.is_file()}

    def cut_power(self, root: Path, image: Path, *, kept: float) -> None:
        """Build the folder as it is found after the cut; of unsynced bytes a share is kept:
        from the front, or from the end when negative."""
        current = {each.stat().st_ino: each.read_bytes() for each in root.rglob("*") if each.is_file()}
        for folder, names in self.names.items():
            target = image / folder.relative_to(root)
            target.mkdir(parents=True, exist_ok=True)
            for name, inode in names.items():
                synced = self.bytes.get(inode, b"")
                seen = current.get(inode, synced)
                (target / name).write_bytes(tear(synced, seen, kept))


def tear(synced: bytes, seen: bytes, kept: float) -> bytes:
    """Bytes of which only a share of the unsynced part reached the disk, the rest reading as it was or zero."""
    length = max(len(synced), len(seen)) if kept else len(synced)
    before, after = synced.ljust(length, b"\0"), seen.ljust(length, b"\0")
    changed = next((at for at in range(length) if before[at] != after[at]), length)
    if kept < 0:
        edge = changed + int((length - changed) * (1 + kept))
        return before[:edge] + after[edge:]
    edge = changed + int((length - changed) * kept)
    return seen if kept == 1 else after[:edge] + before[edge:]
