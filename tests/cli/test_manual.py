"""The manual page: everything is in it, and the programs that show it have nothing to say against it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from maestro_cli.commands import manual
from maestro_cli.failures import EXITS
from maestro_cli.verbs import GLOBALS, VERBS
from tests.cli.program import Maestro

READERS = (
    ("man", "--warnings", "-l", "maestro.1"),
    ("groff", "-man", "-ww", "-z", "maestro.1"),
    ("mandoc", "-Tlint", "-Wwarning", "maestro.1"),
)


SIGNS = {r"\fB": "", r"\fR": "", r"\-": "-", r"\(aq": "'", r"\(dq": '"', r"\(ti": "~", r"\(ha": "^", r"\e": "\\"}


def shown(page: str) -> str:
    """What stands there when the marks of roff are taken away."""
    for mark, sign in SIGNS.items():
        page = page.replace(mark, sign)
    return re.sub(r"\\\[u([0-9A-F]{4,6})]", lambda found: chr(int(found.group(1), 16)), page)


@pytest.mark.parametrize("argv", READERS, ids=lambda argv: argv[0])
def test_no_reader_of_manuals_complains(tmp_path: Path, argv: tuple[str, ...]) -> None:
    if shutil.which(argv[0]) is None:
        pytest.skip(f"there is no {argv[0]} here")
    (tmp_path / "maestro.1").write_text(manual.page(), encoding="utf-8")
    ran = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    complaints = [line for line in (ran.stderr + (ran.stdout if argv[0] != "man" else "")).splitlines() if line]
    assert [line for line in complaints if "STYLE" not in line and "missing date" not in line] == []


def test_everything_is_in_it() -> None:
    page = shown(manual.page())
    for row in VERBS:
        assert f'.SS "maestro {row[0]}' in page
        assert row[1].replace("`", "") in page
        assert all(f"    {example}\n" in page for example in row[5])
    for param in GLOBALS:
        assert param[3].replace("`", "") in page
    assert all(f".B {code}\n{meaning.replace('`', '')}" in page for code, meaning, _ in EXITS)


def test_a_line_cannot_be_taken_for_a_request() -> None:
    assert manual.roff(".SH x") == r"\&.SH x"
    assert manual.roff("'tis") == r"\(aqtis"
    assert manual.roff(r"C:\dir `-x` ü") == r"C:\edir \fB\-x\fR \[u00FC]"
    assert manual.roff("one ` alone") == "one ` alone" or "`" not in manual.roff("one ` alone")


def test_it_is_told_without_a_daemon(alone: Maestro) -> None:
    assert alone("help", "man").out == manual.page()
    assert alone.ok("help", "man") == {"roff": manual.page()}
