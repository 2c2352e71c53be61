"""The schema of the data folder."""

import errno
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from maestrod.store.log import Damaged, DiskError, SchemaTooNew
from maestrod.store.migrate import SCHEMA, settle_schema
from tests.store.doors import FailingFiles, Killed, MortalFiles, QuickFiles


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_new_home_gets_the_newest_schema(tmp_path: Path) -> None:
    data = tmp_path / "home" / "data"
    assert settle_schema(data) == SCHEMA == 1
    assert (data / "VERSION").read_bytes() == b"1\n"
    assert (data / "VERSION").stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o777 == 0o700


def test_empty_folders_are_no_data(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    assert settle_schema(tmp_path) == 1


def test_a_known_schema_is_left_as_it_is(tmp_path: Path) -> None:
    settle_schema(tmp_path)
    (tmp_path / "other").write_text("data")
    before = tree(tmp_path)
    assert settle_schema(tmp_path) == 1
    assert tree(tmp_path) == before


@pytest.mark.parametrize("found", [b"2", b"2\n", b"999999999\n"])
def test_a_newer_schema_is_refused_and_nothing_is_touched(tmp_path: Path, found: bytes) -> None:
    (tmp_path / "VERSION").write_bytes(found)
    (tmp_path / "snapshot").write_text("from the future")
    before = tree(tmp_path)
    with pytest.raises(SchemaTooNew, match="install the newer version") as newer:
        settle_schema(tmp_path)
    assert (newer.value.found, newer.value.known) == (int(found), 1)
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "found", [b"", b"\n", b"0", b"-1", b"1.0", b"one", b"1\n1", b"\xff", b"9" * 5000, b"1" + b"\0" * 9]
)
def test_a_version_that_is_no_number_is_damage(tmp_path: Path, found: bytes) -> None:
    (tmp_path / "VERSION").write_bytes(found)
    with pytest.raises(Damaged, match="a schema number and nothing else"):
        settle_schema(tmp_path)
    assert (tmp_path / "VERSION").read_bytes() == found


def test_data_without_a_version_is_damage(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "000000000001.jsonl").touch()
    with pytest.raises(Damaged, match="missing in a folder that holds data"):
        settle_schema(tmp_path)
    assert not (tmp_path / "VERSION").exists()


def test_killed_at_any_step_the_next_start_settles_it(tmp_path: Path) -> None:
    for nth in count(1):
        with TemporaryDirectory(dir=tmp_path) as name:
            files = MortalFiles(nth)
            try:
                settle_schema(Path(name) / "data", files=files)
            except Killed:
                files.bury()
            assert settle_schema(Path(name) / "data", files=QuickFiles()) == 1
        if not files.dead:
            return


@pytest.mark.parametrize("deed", ["open", "write", "fsync", "rename", "fsync_folder", "make_folder"])
def test_a_disk_that_fails_is_told_and_the_next_start_settles_it(tmp_path: Path, deed: str) -> None:
    for nth in count(1):
        with TemporaryDirectory(dir=tmp_path) as name:
            files = FailingFiles(deed, nth, errno.ENOSPC)
            try:
                settle_schema(Path(name) / "data", files=files)
            except DiskError:
                assert files.failed
                assert settle_schema(Path(name) / "data", files=QuickFiles()) == 1
            else:
                return


def test_a_version_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("1")
    (tmp_path / "VERSION").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DiskError, match="could not settle the schema"):
        settle_schema(tmp_path)
