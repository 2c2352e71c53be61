"""Backups beside a running engine: of what is durable, and no more of them than asked for."""

import os
from pathlib import Path

from maestrod.domain.fingerprint import fingerprint
from maestrod.engine.backups import Backups
from maestrod.engine.past import Past
from maestrod.store.backup import read_manifest
from maestrod.store.files import Files
from tests.daemon.test_history import started


async def test_a_backup_is_of_all_that_was_durable_and_old_ones_go(tmp_path: Path) -> None:
    async with started(tmp_path) as (built, checkpoints, loaded):
        backups = Backups(tmp_path, loaded.journal, checkpoints, Past(loaded.journal, tmp_path / "snapshot"))
        project = await built.project()
        await checkpoints.write()
        made = []
        for _ in range(4):
            await built.task(project)
            made.append(await backups.create())
            assert (made[-1].seq, made[-1].hash) == (built.engine.durable_seq, fingerprint(built.engine.state))
        parts = [part.name for part in read_manifest(Path(made[-1].path), files=Files()).parts]
        assert parts == ["VERSION", "snapshot/000000000001.json", "journal/000000000001.jsonl"]
        assert [each.name for each in backups.kept()] == [each.name for each in made]
        assert backups.drop(most=3, days=0) == [made[0].name]
        assert backups.drop(most=0, days=1) == []
        for each in backups.kept():
            os.utime(each.path, (0, 0))
        assert backups.drop(most=0, days=1) == [made[1].name, made[2].name]
        assert [each.name for each in backups.kept()] == [made[3].name]
