"""The units that are shipped: what `maestro daemon install` writes, and sound to those who read them."""

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from maestro_cli import units
from tests.architecture.house import CHECKOUT

SCRIPT = CHECKOUT / "docs" / "service.py"
CONTRIB = CHECKOUT / "contrib"


def test_they_are_what_the_source_gives() -> None:
    ran = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"run: python docs/service.py\n{ran.stderr}"


def test_they_are_what_install_writes_for_this_program() -> None:
    written = units.systemd(
        "maestrod", program=["%h/.local/bin/maestrod"], socket="%t/maestro/maestrod.sock", environ={}
    )
    assert {path.name: path.read_text() for path in (CONTRIB / "systemd").iterdir()} == written


def verified(folder: Path, texts: dict[str, str]) -> str:
    """What systemd has to say against units."""
    program = folder / ".local" / "bin" / "maestrod"
    program.parent.mkdir(parents=True)
    program.symlink_to("/bin/true")
    for name, text in texts.items():
        (folder / name).write_text(text)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    ran = subprocess.run(
        ["systemd-analyze", "--user", "verify", *(str(folder / name) for name in texts)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stderr + f"exit {ran.returncode}" * (ran.returncode != 0)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong_and_would_find_a_fault(tmp_path: Path) -> None:
    shipped = {path.name: path.read_text() for path in (CONTRIB / "systemd").iterdir()}
    (tmp_path / "sound").mkdir()
    assert verified(tmp_path / "sound", shipped) == ""
    (tmp_path / "planted").mkdir()
    planted = {name: text.replace("KillMode=process", "KilMode=process") for name, text in shipped.items()}
    assert "KilMode" in verified(tmp_path / "planted", planted)


def test_the_property_list_can_be_read() -> None:
    [path] = (CONTRIB / "launchd").iterdir()
    assert plistlib.loads(path.read_bytes())["Label"] == path.stem
