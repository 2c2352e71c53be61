"""What agents write of themselves: the recorded logs, and everything else that may lie there."""

import json
import os
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestrod.watch.evidence import Doing, Source
from maestrod.watch.tails import READ, SMALL, Tail, whole
from maestrod.watch.transcripts import LINE, from_line, from_state_file
from tests.agents import corpus

NOW = 1_800_000_000_000


def turns(provider: str) -> list[str]:
    said = [from_line(provider, json.dumps(line).encode(), NOW) for line in corpus.transcript(provider)]
    return [doing.value for doing, _ in groupby(e.doing for e in said if e is not None)] or ["unknown"]


@pytest.mark.parametrize("provider", corpus.PROVIDERS)
def test_a_recorded_log_is_read_as_a_person_reads_it(provider: str) -> None:
    assert turns(provider) == list(corpus.labels(provider).transcript.turns)


def test_a_line_counts_by_its_own_time() -> None:
    line = b'{"timestamp":"2026-11-21T03:46:29.185Z","type":"event_msg","payload":{"type":"task_started"}}'
    found = from_line("codex", line, NOW)
    assert found is not None
    assert (found.source, found.at) == (Source.TRANSCRIPT, 1_795_232_789_185)


@pytest.mark.parametrize(
    "time", ['"9999-12-31T23:59:59Z"', '"yesterday"', "17", "null", '""', '"2026-11-21T99:00:00Z"', '"-1"', "{}"]
)
def test_a_time_that_cannot_be_is_now(time: str) -> None:
    line = f'{{"timestamp":{time},"type":"event_msg","payload":{{"type":"task_started"}}}}'.encode()
    found = from_line("codex", line, NOW)
    assert found is not None
    assert found.at == NOW


ERRORS: list[tuple[str, object, str, str]] = [
    ("codex", {"message": "You've hit your usage limit.", "codex_error_info": "usage_limit_exceeded"}, "limit", "You"),
    ("codex", {"message": "no", "codex_error_info": "unauthorized"}, "auth", "no"),
    ("codex", {"message": {"x": 1}}, "api", ""),
    ("gemini", '[API Error: {"code":429}]', "limit", "[API"),
    ("gemini", "[API Error: 401 API key not valid]", "auth", "[API"),
    ("gemini", "[API Error: 500]", "api", "[API"),
    ("claude", "API Error: 401 Please run /login", "auth", "API"),
    ("claude", "You've hit your session limit", "limit", "You"),
    ("claude", "API Error: 529 Overloaded", "api", "API"),
]


@pytest.mark.parametrize(("provider", "error", "kind", "words"), ERRORS)
def test_an_error_has_its_kind_and_its_words(provider: str, error: object, kind: str, words: str) -> None:
    lines = {
        "codex": {"type": "event_msg", "payload": {"type": "task_complete", "error": error}},
        "gemini": {"type": "error", "content": error},
        "claude": {
            "type": "assistant",
            "isApiErrorMessage": True,
            "message": {"content": [{"type": "text", "text": error}]},
        },
    }
    found = from_line(provider, json.dumps(lines[provider]).encode(), NOW)
    assert found is not None
    assert (found.doing, found.kind) == (Doing.ERROR, kind)
    assert found.text.startswith(words)


QUIET = [
    {"type": "user", "isSidechain": True, "message": {"content": "a subagent"}},
    {"type": "user", "isMeta": True, "message": {"content": "x"}},
    {"type": "user", "message": {"content": "<command-name>/clear</command-name>"}},
    {"type": "user", "message": {"content": [17]}},
    {"type": "user", "message": 17},
    {"type": "system", "subtype": "api_error"},
    {"type": "queue-operation", "operation": "enqueue"},
    {"type": ["assistant"]},
    {},
]


@pytest.mark.parametrize("line", QUIET)
def test_other_lines_say_nothing(line: object) -> None:
    for provider in ("claude", "codex", "gemini", "nobody"):
        found = from_line(provider, json.dumps(line).encode(), NOW)
        assert found is None or provider == "gemini", provider


def test_escape_is_seen_in_each_log() -> None:
    claude = {"type": "user", "message": {"content": [{"type": "text", "text": "[Request interrupted by user]"}]}}
    codex = {"type": "event_msg", "payload": {"type": "turn_aborted", "reason": "interrupted"}}
    gemini = {"type": "info", "content": "Request cancelled."}
    for provider, line in (("claude", claude), ("codex", codex), ("gemini", gemini)):
        found = from_line(provider, json.dumps(line).encode(), NOW)
        assert found is not None, provider
        assert (found.doing, found.stop) == (Doing.IDLE, True), provider


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"{" * 100_000,
        b"[" * 100_000,
        b'{"type":"user","message":{"content":"' + b"x" * LINE + b'"}}',
        b'{"type":"user","message":{"content":"x"}}{"type":"user"}',
        b'{"type":"user","message":{"content":"half a li',
    ],
)
@pytest.mark.parametrize("provider", corpus.PROVIDERS)
def test_what_is_no_line_says_nothing(provider: str, raw: bytes) -> None:
    assert from_line(provider, raw, NOW) is None
    assert from_state_file(raw, 7, NOW) is None


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "message", "content", "payload", "error", "text", "timestamp"]), inner
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(corpus.PROVIDERS), documents)
def test_no_document_breaks_the_reading(provider: str, document: object) -> None:
    try:
        raw = json.dumps(document).encode()
    except UnicodeEncodeError:
        return
    found = from_line(provider, raw, NOW)
    assert found is None or (found.source is Source.TRANSCRIPT and found.at <= NOW)


def state(**fields: object) -> bytes:
    return json.dumps({"pid": 7, "status": "busy", "updatedAt": NOW - 5} | fields).encode()


@pytest.mark.parametrize(
    ("fields", "doing", "kind"),
    [
        ({}, Doing.WORKING, ""),
        ({"status": "idle"}, Doing.IDLE, ""),
        ({"status": "waiting", "waitingFor": "permission prompt"}, Doing.NEEDS_INPUT, "permission"),
        ({"status": "waiting", "waitingFor": "input needed"}, Doing.NEEDS_INPUT, "question"),
        ({"status": "waiting"}, Doing.NEEDS_INPUT, "question"),
    ],
)
def test_the_state_file_says_what_its_process_does(fields: dict[str, object], doing: Doing, kind: str) -> None:
    found = from_state_file(state(**fields), 7, NOW)
    assert found is not None
    assert (found.doing, found.kind, found.at) == (doing, kind, NOW - 5)


@pytest.mark.parametrize("fields", [{"pid": 8}, {"pid": "7"}, {"status": "thinking"}, {"status": None}, {"pid": None}])
def test_a_state_file_of_another_process_or_state_says_nothing(fields: dict[str, object]) -> None:
    assert from_state_file(state(**fields), 7, NOW) is None


@pytest.mark.parametrize("told", [0, -1, 2**60, "now", True, None, NOW + 3_600_000])
def test_a_state_file_with_a_strange_time_counts_from_now(told: object) -> None:
    found = from_state_file(state(updatedAt=told), 7, NOW)
    assert found is not None
    assert found.at == NOW


# -- files ----------------------------------------------------------------------------------------


@pytest.fixture
def log(tmp_path: Path) -> Path:
    found = tmp_path / "log.jsonl"
    found.write_bytes(b"")
    return found


def append(path: Path, raw: bytes) -> None:
    with path.open("ab") as file:
        file.write(raw)


def test_each_line_is_read_once(log: Path) -> None:
    tail = Tail(str(log))
    append(log, b"one\ntwo\n")
    assert tail.lines() == [b"one", b"two"]
    assert tail.lines() == []
    append(log, b"three\n")
    assert tail.lines() == [b"three"]


def test_a_half_written_line_waits_for_its_end(log: Path) -> None:
    tail = Tail(str(log))
    append(log, b"one\ntw")
    assert tail.lines() == [b"one"]
    append(log, b"o")
    assert tail.lines() == []
    append(log, b"\n\n\nthree")
    assert tail.lines() == [b"two"]


def test_of_a_long_file_the_end_is_read(log: Path) -> None:
    append(log, b"x" * 99 + b"\n" + b"y" * (2 * READ) + b"\nlast\n")
    assert Tail(str(log)).lines() == [b"last"]


def test_a_line_that_is_longer_than_a_read_is_passed_over(log: Path) -> None:
    tail = Tail(str(log))
    append(log, b"z" * READ)
    assert tail.lines() == []
    append(log, b"z" * 10 + b"\nnext\n")
    assert tail.lines() == [b"next"]


def test_a_file_that_was_cut_off_is_begun_anew(log: Path) -> None:
    tail = Tail(str(log))
    append(log, b"one\ntwo\n")
    tail.lines()
    log.write_bytes(b"new\n")
    assert tail.lines() == [b"new"]


def test_a_file_that_was_replaced_is_begun_anew(log: Path) -> None:
    tail = Tail(str(log))
    append(log, b"one\n")
    tail.lines()
    aside = log.with_name("aside")
    aside.write_bytes(b"longer than before\n")
    aside.replace(log)
    assert tail.lines() == [b"longer than before"]


def test_a_file_that_comes_back_is_read_again(log: Path) -> None:
    tail = Tail(str(log))
    append(log, b"one\n")
    tail.lines()
    log.rename(log.with_name("kept"))
    with pytest.raises(OSError, match="No such file"):
        tail.lines()
    log.write_bytes(b"two\n")
    assert tail.lines() == [b"two"]


def test_nothing_but_a_file_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero"), tmp_path / "none"):
        with pytest.raises(OSError):  # noqa: PT011 - each says it in its own words
            Tail(str(path)).lines()
        with pytest.raises(OSError):  # noqa: PT011
            whole(str(path))


def test_of_a_state_file_the_beginning_is_read(log: Path) -> None:
    append(log, b"x" * (SMALL + 5))
    assert len(whole(str(log))) == SMALL


@given(st.lists(st.binary(max_size=30), max_size=12), st.data())
def test_however_a_file_is_written_its_whole_lines_are_read_in_order(pieces: list[bytes], data: st.DataObject) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(b"")
        tail, found = Tail(str(path)), []
        for piece in pieces:
            append(path, piece)
            if data.draw(st.booleans()):
                found += tail.lines()
        found += tail.lines()
    written = b"".join(pieces).split(b"\n")[:-1]
    assert found == [line for line in written if line]
