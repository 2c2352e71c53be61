"""A copy of the packages and their tests, in which one mutant at a time is planted."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.architecture.house import CHECKOUT, House
from tests.mutants.listed import Mutant

LEFT_OUT = shutil.ignore_patterns("__pycache__", "mutants")
OURS = ("COVERAGE_", "PYTEST_", "MAESTRO_", "HYPOTHESIS_")
"""Settings of this run of the tests, which must not reach the runs in the copy."""
WITNESS = '''
"""Written at the end of a run: the files of the daemon's package that it imported."""
import sys
from pathlib import Path


def pytest_unconfigure():
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == "maestrod"]
    Path("imported").write_text("\\n".join(str(module.__file__) for module in modules))
'''


class Copy:
    """Everything that a run of tests imports, in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        House(self.root)
        shutil.copytree(CHECKOUT / "tests", self.root / "tests", ignore=LEFT_OUT)
        (self.root / "witness.py").write_text(WITNESS)

    @contextmanager
    def planted(self, mutant: Mutant) -> Iterator[None]:
        """The mutant is in the copy until the end."""
        path = self.root / "maestrod" / mutant.file
        text = path.read_text(encoding="utf-8")
        self._write(path, text.replace(mutant.old, mutant.new))
        try:
            yield
        finally:
            self._write(path, text)

    def run(self, tests: Iterable[str], *, timeout_s: int) -> subprocess.CompletedProcess[str]:
        """Run the tests on what the copy holds now, up to the first that fails or takes too long."""
        (self.root / "imported").unlink(missing_ok=True)
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-n0",
                "-xq",
                "-p",
                "witness",
                "-p",
                "no:cacheprovider",
                f"--timeout={timeout_s}",
            ]
            + [f"tests/{test}" for test in tests],
            cwd=self.root,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def imported(self) -> set[Path]:
        """Which files of the daemon's package the last run has imported."""
        return {Path(line) for line in (self.root / "imported").read_text().splitlines()}

    def _environment(self) -> dict[str, str]:
        """``CI`` makes properties try the same values every time."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return {**kept, "PYTHONPATH": str(self.root), "CI": "1"}

    def _write(self, path: Path, text: str) -> None:
        """What was compiled may be as old and as long as the new text; it goes."""
        path.write_text(text, encoding="utf-8")
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()
