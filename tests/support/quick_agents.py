"""Scripted agents that are not measured: a launch is judged by how soon they begin and end."""

from pathlib import Path

from maestro_cli.fake.install import shims

UNMEASURED = "unset COVERAGE_PROCESS_START COVERAGE_PROCESS_CONFIG"


def quick_agents(folder: Path) -> None:
    """Stand-ins for every agent in ``folder``; neither they nor what they run write coverage."""
    shims(str(folder))
    for stand_in in folder.iterdir():
        head, _, rest = stand_in.read_text(encoding="utf-8").partition("\n")
        stand_in.write_text(f"{head}\n{UNMEASURED}\n{rest}", encoding="utf-8")
