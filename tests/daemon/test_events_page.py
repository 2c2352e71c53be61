"""The page about events says what the registry says."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "events.py"


@pytest.mark.skipif(not SCRIPT.exists(), reason="the pages are not beside the tests")
def test_the_page_is_current() -> None:
    ran = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"run: python docs/events.py\n{ran.stderr}"
