"""A power cut or a kill at any call to the disk, with 16 callers: unsynced pages are lost in every way."""

import asyncio
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from tests.daemon.story import Story, found
from tests.store.doors import ForgetfulFiles
from tests.support.memory import memory_folder

PAGE = 4096
CALLERS = 16


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with memory_folder() as path:
        yield path


class Photo(NamedTuple):
    """What was acknowledged and sent when a call was made, what was synced by then, and what was written."""

    deed: str
    acknowledged: tuple[str, ...]
    sent: tuple[str, ...]
    names: Mapping[Path, Mapping[str, int]]
    synced: Mapping[int, bytes]
    seen: Mapping[Path, tuple[int, bytes]]


class PhotographedFiles(ForgetfulFiles):
    """Takes a photo ahead of every call."""

    def __init__(self) -> None:
        super().__init__()
        self.photos: list[Photo] = []
        self.story: Story | None = None
        self._guard = threading.Lock()

    def before(self, deed: str) -> None:
        with self._guard:
            super().before(deed)
            assert self.story is not None
            acknowledged, sent = tuple(self.story.acknowledged), tuple(self.story.sent)
            names = {folder: dict(inside) for folder, inside in self.names.items()}
            self.photos.append(Photo(deed, acknowledged, sent, names, dict(self.bytes), self._seen()))

    def _seen(self) -> dict[Path, tuple[int, bytes]]:
        assert self.story is not None
        seen = {}
        for path in self.story.folder.rglob("*"):
            if path.is_file():
                with path.open("rb") as file:
                    seen[path] = os.fstat(file.fileno()).st_ino, file.read()
        return seen


def pages_of(synced: bytes, seen: bytes) -> list[int]:
    """The pages that differ."""
    length = max(len(synced), len(seen))
    before, after = synced.ljust(length, b"\0"), seen.ljust(length, b"\0")
    return [at for at in range(0, length, PAGE) if before[at : at + PAGE] != after[at : at + PAGE]]


def torn(synced: bytes, seen: bytes, reached: set[int]) -> bytes:
    """The file when of the pages that differ only these reached the disk."""
    length = max(len(synced), len(seen))
    before, after = synced.ljust(length, b"\0"), seen.ljust(length, b"\0")
    return b"".join((after if at in reached else before)[at : at + PAGE] for at in range(0, length, PAGE))


def tears(pages: list[int], step: int) -> Iterator[set[int]]:
    """The sets of pages that may have reached the disk: up to one, from one, one alone, all but one."""
    yield set()
    for index in range(0, len(pages), step):
        page = pages[index]
        yield set(pages[: index + 1])
        yield set(pages[index:])
        yield {page}
        yield set(pages) - {page}


def developed(photo: Photo, root: Path, step: int) -> Iterator[dict[Path, bytes]]:
    """Every disk that may be found: as a kill leaves it, and after a power cut, by names seen and names synced."""
    yield {path: data for path, (_, data) in photo.seen.items()}
    inodes = {inode: data for _, (inode, data) in photo.seen.items()}
    by_name = {path: inode for path, (inode, _) in photo.seen.items()}
    synced = {folder / name: inode for folder, inside in photo.names.items() for name, inode in inside.items()}
    for names in [by_name, synced] if by_name != synced else [by_name]:
        still = {path: photo.synced.get(inode, b"") for path, inode in names.items()}
        loose = {
            path: pages
            for path, inode in names.items()
            if (pages := pages_of(still[path], inodes.get(inode, still[path])))
        }
        yield still
        for path, pages in loose.items():
            for reached in tears(pages, step):
                yield still | {path: torn(still[path], inodes[names[path]], reached)}


async def take_photos(folder: Path) -> list[Photo]:
    files = PhotographedFiles()
    story = Story(folder, files, callers=CALLERS, description="x" * 1500)
    files.story = story
    await story.tell(lives=2, rounds=2)
    assert len(story.acknowledged) == len(story.sent) == 4 * CALLERS
    return files.photos


async def survives(tmp_path: Path, step: int, every: int) -> int:
    root = tmp_path / "data"
    photos = await take_photos(root)
    assert max(len(pages_of(b"", data)) for photo in photos for _, data in photo.seen.values()) > 5
    return await asyncio.to_thread(look_at, photos[::every], root, tmp_path, step)


def look_at(photos: list[Photo], root: Path, tmp_path: Path, step: int) -> int:
    disks = 0
    for photo in photos:
        for disk in developed(photo, root, step):
            disks += 1
            with TemporaryDirectory(dir=tmp_path) as name:
                lay_out(disk, root, Path(name))
                recovered = found(Path(name))
            assert len(set(recovered)) == len(recovered)
            assert set(photo.acknowledged) <= set(recovered) <= set(photo.sent), photo.deed
    print(f"{disks} disks after {len(photos)} calls")  # noqa: T201
    return disks


def lay_out(disk: dict[Path, bytes], root: Path, image: Path) -> None:
    for path, data in disk.items():
        target = image / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


async def test_after_a_power_cut_or_a_kill_at_a_call_what_was_acknowledged_is_there(tmp_path: Path) -> None:
    assert await survives(tmp_path, step=4, every=3) > 50


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_after_a_power_cut_or_a_kill_at_any_call_with_any_page_torn_what_was_acknowledged_is_there(
    tmp_path: Path,
) -> None:
    assert await survives(tmp_path, step=1, every=1) > 500
