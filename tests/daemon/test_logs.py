"""The log: one line of JSON a record, whatever is in it, in files of bounded size."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from maestrod import logs


@pytest.fixture(autouse=True)
def own_handlers() -> Iterator[None]:
    """The root logger is given back as it was."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers = before
    root.setLevel(level)


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / logs.FILE).read_text().splitlines()]


def test_a_record_is_one_line_with_what_was_passed_beside(tmp_path: Path) -> None:
    logs.begin(tmp_path / "logs", level="info", style="json")
    log = logging.getLogger("maestrod.test")
    log.info("took %s", "this\nand that", extra={"sessionId": "sess_1", "path": tmp_path, "odd": "\ud800"})
    log.debug("not shown")
    (line,) = lines(tmp_path / "logs")
    assert line["event"] == "took this\nand that"
    assert (line["level"], line["service"], line["sessionId"]) == ("info", "maestrod.test", "sess_1")
    assert line["path"] == str(tmp_path)
    assert isinstance(line["timestamp"], int)


def test_a_failure_is_told_with_its_traceback(tmp_path: Path) -> None:
    logs.begin(tmp_path, level="info", style="json")
    try:
        int("broken")
    except ValueError:
        logging.getLogger("maestrod.test").exception("it failed")
    (line,) = lines(tmp_path)
    assert line["level"] == "error"
    assert "ValueError: invalid literal" in str(line["error"])


def test_people_may_read_it_too(tmp_path: Path) -> None:
    logs.begin(tmp_path, level="warning", style="console")
    logging.getLogger("maestrod.test").warning("careful")
    assert (tmp_path / logs.FILE).read_text().rstrip().endswith("WARNING maestrod.test careful")


def test_the_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 2_000)
    monkeypatch.setattr(logs, "FILES_KEPT", 2)
    logs.begin(tmp_path, level="info", style="json")
    for number in range(200):
        logging.getLogger("maestrod.test").info("line %s", number)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 3
    assert all(file.stat().st_size <= 2_000 for file in files)
    assert lines(tmp_path)[-1]["event"] == "line 199"
