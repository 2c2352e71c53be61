"""What an agent says from a sandbox in which nothing connects arrives once, in order, with its own rights."""

import fcntl
import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from maestro_cli import spool
from tests.cli.program import Maestro
from tests.cli.seat import Seat
from tests.support.daemon import Daemon

GONE = "sub_1700000000000_abcdefghi"


@pytest.fixture
def seat(maestro: Maestro, served: Daemon, tmp_path: Path) -> Seat:
    return Seat(served, tmp_path, maestro.id("task", "create", "Fix it"))


def context(seat: Seat, event: str = "PostToolUse") -> list[str]:
    """What the next hook tells the agent."""
    told: str = json.loads(seat.hook(event).out)["hookSpecificOutput"]["additionalContext"]
    return told.splitlines()


def test_deeds_wait_for_the_next_hook_which_tells_what_came_of_them(seat: Seat) -> None:
    deeds = (("task", "start"), ("report", "progress", "half way"), ("task", "complete"), ("subtask", "complete", GONE))
    for words in deeds:
        said = seat.inside(*words)
        assert said.code == 0, said
        assert said.out.startswith("queued: nothing connects from this sandbox")
    told = seat.inside("report", "progress", "again", "--json").data
    assert isinstance(told, dict)
    assert told["queued"] is True
    assert seat.status() == "todo"
    assert {file.stat().st_mode & 0o777 for file in seat.waiting()} == {0o600}
    assert seat.spool.stat().st_mode & 0o777 == 0o700

    came = context(seat)

    assert [line.split(": ")[1] for line in came] == ["done", "done", "done", "refused", "done"]
    assert came[0] == "`maestro task start`, which was queued until now: done"
    assert seat.status() == "completed"
    assert seat.waiting() == []
    assert seat.hook().out == ""


def test_what_needs_an_answer_and_what_people_do_is_not_kept(seat: Seat) -> None:
    seat.manifest.unlink()
    for words in (("whoami",), ("task", "get", seat.task), ("queue", "start"), ("task", "next", "--claim")):
        said = seat.inside(*words, "--json")
        assert (said.code, said.error) == (5, "daemon_unreachable")
        assert "sandbox" in str(said.document["suggestion"])
    person = Maestro(seat.daemon.home, env={k: seat.inside.env[k] for k in ("PYTHONPATH", "MAESTRO_NO_AUTOSTART")})
    assert person("task", "start", seat.task, "--json").code == 5
    assert not seat.spool.exists()


@pytest.mark.parametrize(
    "words",
    [("task", "delete"), ("task", "cancel"), ("task", "reopen"), ("task", "edit", "--title", "x")],
    ids=" ".join,
)
def test_what_is_neither_said_of_ones_own_work_nor_mail_is_not_kept(seat: Seat, words: tuple[str, ...]) -> None:
    assert seat.inside(*words[:2], seat.task, *words[2:]).code == 5
    assert not seat.spool.exists()


def test_a_task_that_is_not_ones_own_is_not_begun_on_trust(seat: Seat, maestro: Maestro) -> None:
    other = maestro.id("task", "create", "Another")
    assert seat.inside("task", "start", other, "--json").error == "daemon_unreachable"
    assert seat.inside("task", "start", "fix-it").code == 0
    assert seat.inside("task", "complete", seat.task[-6:]).code == 0
    assert [json.loads(file.read_text())["path"] for file in seat.waiting()] == [
        f"/tasks/{seat.task}/start",
        f"/tasks/{seat.task}/complete",
    ]


def test_a_deed_is_done_with_the_rights_of_its_session(seat: Seat, maestro: Maestro) -> None:
    other = maestro.id("task", "create", "Another")
    assert seat.inside("task", "complete", other).code == 0
    [line] = context(seat)
    assert line.startswith("`maestro task complete`, which was queued until now: refused: ")
    assert seat.status(other) == "todo"


def test_any_hook_sends_and_the_next_that_can_tells_what_was_refused(seat: Seat) -> None:
    seat.inside("task", "start")
    seat.inside("subtask", "complete", GONE)
    assert seat.hook("Stop").out == ""
    assert seat.status() == "in_progress"
    assert seat.waiting() == []
    [line] = context(seat, "UserPromptSubmit")
    assert line.startswith("`maestro subtask complete`, which was queued until now: refused: ")
    assert seat.hook().out == ""


def test_a_call_that_is_sent_twice_counts_once(seat: Seat) -> None:
    seat.inside("report", "progress", "once")
    [file] = seat.waiting()
    kept = file.read_bytes()
    seat.hook()
    file.write_bytes(kept)
    seat.hook()
    assert seat.progress() == ["once"]


CALL: dict[str, object] = {"words": "task start", "method": "POST", "path": "/tasks/x/start", "body": {}, "headers": {}}
KEYED: dict[str, object] = {**CALL, "headers": {"Idempotency-Key": "k"}}


FOREIGN: list[dict[str, object]] = [
    CALL,
    {**KEYED, "words": "task delete"},
    {**KEYED, "method": "DELETE"},
    {**KEYED, "path": "/tasks/x/complete"},
    {**KEYED, "path": "/tasks/../start"},
    {**KEYED, "path": "/tasks/x?y=z/start"},
    {**KEYED, "path": "/tasks/x/start?force=true"},
    {**KEYED, "path": "/tasks/x/start HTTP/1.1\r\nA: b"},
    {**KEYED, "path": "/tasks//start"},
    {**KEYED, "words": 1, "method": None, "path": None, "body": None},
    {**KEYED, "body": 7},
    {**KEYED, "body": [1]},
    {**KEYED, "headers": []},
    {**KEYED, "headers": {"Idempotency-Key": "k", "Authorization": "Bearer x"}},
    {**KEYED, "headers": {"Idempotency-Key": 1}},
]


@pytest.mark.parametrize("document", FOREIGN, ids=lambda document: f"{zlib.crc32(repr(document).encode()):x}")
def test_what_is_no_call_of_a_verb_that_waits_is_never_sent(document: dict[str, object]) -> None:
    spool.check({**KEYED})
    with pytest.raises(spool.Damaged):
        spool.check(document)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\x00",
        b"\0" * (3 << 20),
        json.dumps({**KEYED, "path": "/tasks/fix-it/complete"}).encode(),
        json.dumps({**KEYED, "headers": {"Idempotency-Key": "a\r\nAuthorization: Bearer x"}}).encode(),
        json.dumps({**KEYED, "headers": {"Idempotency-Key": "k" * 300}}).encode(),
    ],
    ids=lambda raw: f"{len(raw)}:{raw[:2]!r}:{zlib.crc32(raw):x}",
)
def test_what_is_no_call_holds_up_nothing_and_is_shown(seat: Seat, raw: bytes) -> None:
    seat.inside("report", "progress", "before")
    (seat.spool / f"{int(seat.waiting()[0].name.split('-')[0]) + 1:016d}-00000000.json").write_bytes(raw)
    seat.inside("task", "start")
    assert [line.rsplit(": ", 1)[-1] for line in context(seat) if "refused" not in line] == ["done", "done"]
    assert seat.status() == "in_progress"
    assert seat.waiting() == []
    listed: Any = seat.maestro.ok("spool", "list")
    [told] = listed
    assert told["state"] == "refused"
    assert told["message"]


def test_a_folder_or_a_link_in_the_place_of_a_call_holds_up_nothing(seat: Seat, tmp_path: Path) -> None:
    seat.inside("task", "start")
    (seat.spool / "0000000000000001-a.json").mkdir()
    (seat.spool / "0000000000000002-b.json").symlink_to(tmp_path / "secret")
    (seat.spool / "zzz.json").write_text("{}")
    seat.hook()
    assert seat.status() == "in_progress"
    assert seat.waiting() == []
    assert len(seat.refused()) == 3
    assert not (tmp_path / "secret").exists()


def test_a_spool_that_is_held_on_to_holds_up_no_agent_for_long(seat: Seat) -> None:
    seat.inside("task", "start")
    (seat.spool / ".flush").touch()
    with (seat.spool / ".flush").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert seat.hook().out == ""
        assert seat.inside("report", "progress", "more").code == 0
        assert seat.maestro("report", "progress", "in order", "--json").data["queued"] is True  # type: ignore[index]
    assert len(context(seat)) == 3
    assert seat.progress() == ["more", "in order"]


def test_many_that_keep_and_send_at_once_lose_and_double_nothing(seat: Seat) -> None:
    def one(number: int) -> int:
        return seat.inside("report", "progress", f"n{number}").code + seat.hook().code

    with ThreadPoolExecutor(max_workers=4) as pool:
        assert set(pool.map(one, range(12))) == {0}
    seat.hook()
    assert sorted(seat.progress()) == sorted(f"n{number}" for number in range(12))


def test_a_file_that_a_killed_call_left_half_written_goes(seat: Seat) -> None:
    seat.inside("report", "progress", "one")
    (seat.spool / ".0000000000000001-a.json").write_text('{"words": "rep')
    seat.inside("report", "progress", "two")
    assert list(seat.spool.glob(".0*")) == []
    seat.hook()
    assert seat.progress() == ["one", "two"]
