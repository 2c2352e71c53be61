"""``maestro backup``."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Maestro
from tests.support.daemon import daemon


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Maestro]:
    """The command in a home of its own."""
    with daemon() as running:
        yield Maestro(running.home, cwd=tmp_path, env={"MAESTRO_NO_AUTOSTART": "1"})


def test_a_backup_is_made_listed_verified_and_restored(own: Maestro) -> None:
    assert "no backups" in own("backup", "list").out
    own.ok("project", "create", "early", "--dir", "/srv/early")
    assert "up to commit 1" in own("backup", "create").out
    own.ok("project", "create", "late", "--dir", "/srv/late")
    assert "whole" in own("backup", "list").out
    assert "is sound" in own("backup", "verify").out
    running = own("backup", "restore")
    assert (running.code, "daemon stop" in running.err) == (6, True)
    own.ok("daemon", "stop")
    inside = own("backup", "restore", env={"MAESTRO_SESSION_ID": "sess_1_a"})
    assert inside.code == 4
    told = own.ok("backup", "restore", "latest")
    assert "/replaced/" in str(told["replaced"])  # type: ignore[index]
    own.ok("daemon", "start", env={"MAESTRO_NO_AUTOSTART": "0"})
    assert [project["name"] for project in own.ok("project", "list")] == ["early"]  # type: ignore[attr-defined]
    own.ok("daemon", "stop")


def test_what_is_no_backup_is_refused(own: Maestro, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"x")
    assert own("backup", "verify", "a.tar").code == 2
    assert own("backup", "verify", "--backup", str(tmp_path / "gone.tar")).code == 2
    assert own("backup", "verify").code == 2
