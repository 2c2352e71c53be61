"""What the agents' hooks call: nothing is lost, nothing is printed, nothing ever fails."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from maestro_cli import hooks
from tests.cli.program import Maestro
from tests.cli.raw_server import RawServer, answer, ok
from tests.support.daemon import home

SESSION = {"MAESTRO_SESSION_ID": "sess_1700000000000_abcdefghi"}
STOP = json.dumps({"hook_event_name": "Stop", "session_id": "c1", "cwd": "/x"}).encode()


@pytest.fixture
def place() -> Iterator[Path]:
    with home() as path:
        (path / "run").mkdir()
        yield path


@pytest.fixture
def maestro(place: Path) -> Maestro:
    return Maestro(place, env={"MAESTRO_NO_AUTOSTART": "1", **SESSION})


def served(place: Path, *turns: bytes) -> RawServer:
    return RawServer(place / "run" / "maestrod.sock", turns or (ok(b"{}"),))


def body(request: bytes) -> dict[str, object]:
    found = json.loads(request.partition(b"\r\n\r\n")[2])
    assert isinstance(found, dict)
    return found


def spooled(place: Path) -> list[dict[str, object]]:
    files = list((place / "run" / "spool").glob("*.jsonl")) if (place / "run" / "spool").exists() else []
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_an_event_reaches_the_daemon(maestro: Maestro, place: Path) -> None:
    with served(place) as server:
        said = maestro("hook", "claude", stdin=STOP)
    assert (said.code, said.raw, said.err) == (0, b"", "")
    [request] = server.asked
    assert request.startswith(b"POST /api/v1/sessions/sess_1700000000000_abcdefghi/hook HTTP/1.1\r\n")
    sent = body(request)
    assert (sent["provider"], sent["event"], sent["payload"]) == ("claude", "Stop", json.loads(STOP))
    assert abs(int(str(sent["at"])) - time.time() * 1000) < 60_000
    assert len(str(sent["hookId"])) >= 16


@pytest.mark.parametrize("raw", [b'{"a": "cut o', b'{"a": 1,}', b'{"a" 1}', b'"\\x"', b"{"])
def test_a_payload_that_is_cut_off_is_told_as_the_text_that_it_is(maestro: Maestro, place: Path, raw: bytes) -> None:
    with served(place) as server:
        said = maestro("hook", "claude", "Stop", stdin=raw)
    assert (said.code, said.raw, said.err) == (0, b"", "")
    assert body(server.asked[0])["payload"] == {"text": raw.decode()}


def test_the_named_event_wins_over_the_payload_s_own(maestro: Maestro, place: Path) -> None:
    with served(place) as server:
        maestro("hook", "codex", "SessionEnd", stdin=STOP)
    assert body(server.asked[0])["event"] == "SessionEnd"


def test_outside_of_a_session_nothing_happens(place: Path) -> None:
    outside = Maestro(place, env={"MAESTRO_NO_AUTOSTART": "1"})
    with served(place) as server:
        said = outside("hook", "claude", stdin=STOP)
    assert (said.code, said.raw, said.err) == (0, b"", "")
    assert server.asked == []
    assert spooled(place) == []


def test_an_event_is_kept_when_nobody_answers(maestro: Maestro, place: Path) -> None:
    began = time.monotonic()
    for number in range(3):
        said = maestro("hook", "claude", stdin=json.dumps({"hook_event_name": "Stop", "n": number}).encode())
        assert (said.code, said.raw, said.err) == (0, b"", "")
    assert time.monotonic() - began < 6
    kept = spooled(place)
    assert [event["payload"]["n"] for event in kept] == [0, 1, 2]  # type: ignore[index]
    assert len({event["hookId"] for event in kept}) == 3
    [file] = (place / "run" / "spool").iterdir()
    assert file.name == "hooks-sess_1700000000000_abcdefghi.jsonl"
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "turn",
    [
        answer("500 Oops", b"{}"),
        answer("403 No", b'{"code":"FORBIDDEN"}'),
        answer("404 No", b"<html>"),
        b"garbage\r\n\r\n",
        b"",
        ok(b"nul"),
    ],
)
def test_whatever_the_daemon_does_the_event_is_not_lost(maestro: Maestro, place: Path, turn: bytes) -> None:
    with served(place, turn):
        said = maestro("hook", "claude", stdin=STOP)
    assert (said.code, said.raw, said.err) == (0, b"", "")
    assert len(spooled(place)) == 1


def test_a_daemon_that_hangs_costs_the_agent_two_seconds_at_most(maestro: Maestro, place: Path) -> None:
    def hang(connection: socket.socket, _: bytes) -> None:
        connection.recv(1)

    with RawServer(place / "run" / "maestrod.sock", [hang]):
        began = time.monotonic()
        said = maestro("hook", "claude", stdin=STOP)
        took = time.monotonic() - began
    assert (said.code, said.raw) == (0, b"")
    assert took < 4
    assert len(spooled(place)) == 1


def test_a_stdin_that_never_ends_is_not_waited_for(maestro: Maestro, place: Path) -> None:
    with served(place) as server, maestro.started("hook", "claude", "Stop") as process:
        assert process.wait(10) == 0
        assert process.stdin is not None
        process.stdin.close()
    assert body(server.asked[0])["payload"] == {}


CONTEXT = ok(json.dumps({"context": '2 messages: "read" them\nnow'}).encode())


@pytest.mark.parametrize(
    ("provider", "event", "expected"),
    [
        (
            "claude",
            "UserPromptSubmit",
            {
                "hookSpecificOutput": {
                    "hookEventName": "UserPromptSubmit",
                    "additionalContext": '2 messages: "read" them\nnow',
                }
            },
        ),
        ("gemini", "BeforeAgent", {"hookSpecificOutput": {"additionalContext": '2 messages: "read" them\nnow'}}),
    ],
)
def test_context_is_given_in_the_provider_s_own_form(
    maestro: Maestro, place: Path, provider: str, event: str, expected: object
) -> None:
    with served(place, CONTEXT):
        said = maestro("hook", provider, stdin=json.dumps({"hook_event_name": event}).encode())
    assert json.loads(said.out) == expected


def test_gemini_always_gets_an_object(maestro: Maestro, place: Path) -> None:
    with served(place):
        assert maestro("hook", "gemini", stdin=STOP).out == "{}"
    assert maestro("hook", "gemini", stdin=STOP).out == "{}"


@pytest.mark.parametrize(
    "stdin",
    [b"", b"  ", b"not json", b"[1,2]", b"\xff\xfe\x00", b'{"a":', b"[" * 50_000, b'{"hook_event_name": 7}', b"null"],
)
def test_any_payload_is_taken(maestro: Maestro, place: Path, stdin: bytes) -> None:
    with served(place) as server:
        said = maestro("hook", "claude", stdin=stdin)
    assert (said.code, said.raw, said.err) == (0, b"", "")
    assert isinstance(body(server.asked[0])["payload"], dict)


def test_a_huge_payload_is_cut_to_what_the_daemon_takes(maestro: Maestro, place: Path) -> None:
    huge = {"hook_event_name": "PostToolUse", "tool_response": {"text": "x" * 3_000_000}, "prompt": "é" * 90_000}
    huge |= {f"n{n}": "y" * 3_000 for n in range(60)}
    with served(place) as server:
        assert maestro("hook", "claude", stdin=json.dumps(huge).encode()).code == 0
    sent = body(server.asked[0])
    assert sent["event"] == "PostToolUse"
    assert len(json.dumps(sent["payload"])) <= 64 << 10


@pytest.mark.parametrize("words", [(), ("claude", "Stop", "more"), ("--what",), ("claude", "--json", "--nonsense")])
def test_a_wrong_call_never_blocks_an_agent(maestro: Maestro, place: Path, words: tuple[str, ...]) -> None:
    said = maestro("hook", *words, stdin=STOP)
    assert (said.code, said.err) == (0, "")
    assert len(spooled(place)) == 1


def test_a_stdout_that_is_closed_is_no_failure(maestro: Maestro, place: Path) -> None:
    with served(place, CONTEXT), maestro.started("hook", "claude", "UserPromptSubmit") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_a_spool_that_cannot_be_written_is_no_failure(maestro: Maestro, place: Path) -> None:
    (place / "run" / "spool").write_text("in the way")
    said = maestro("hook", "claude", stdin=STOP)
    assert (said.code, said.raw, said.err) == (0, b"", "")


def test_a_session_id_cannot_lead_out_of_the_spool(place: Path) -> None:
    maestro = Maestro(place, env={"MAESTRO_NO_AUTOSTART": "1", "MAESTRO_SESSION_ID": "../../evil/\x01"})
    assert maestro("hook", "claude", stdin=STOP).code == 0
    assert [file.name for file in (place / "run" / "spool").iterdir()] == ["hooks-evil.jsonl"]


def test_a_link_in_the_place_of_the_spool_file_is_not_followed(maestro: Maestro, place: Path) -> None:
    (place / "run" / "spool").mkdir()
    target = place / "target"
    (place / "run" / "spool" / "hooks-sess_1700000000000_abcdefghi.jsonl").symlink_to(target)
    assert maestro("hook", "claude", stdin=STOP).code == 0
    assert not target.exists()


def test_a_full_spool_takes_nothing_more(place: Path) -> None:
    environ = {"MAESTRO_HOME": str(place), **SESSION}
    hooks.spool(environ, {"n": 1})
    [file] = (place / "run" / "spool").iterdir()
    with file.open("ab") as handle:
        handle.truncate(hooks.SPOOL_LIMIT)
    hooks.spool(environ, {"n": 2})
    assert file.stat().st_size == hooks.SPOOL_LIMIT


def test_its_help_is_still_there(maestro: Maestro) -> None:
    said = maestro("hook", "--help")
    assert said.code == 0
    assert "PROVIDER" in said.out


@pytest.mark.parametrize("launched", [*sorted(hooks.CARRIED), "gemini"])
@pytest.mark.parametrize("provider", ["claude", "codex", "gemini"])
def test_a_plugin_speaks_only_for_the_agent_that_nobody_else_speaks_for(
    maestro: Maestro, place: Path, provider: str, launched: str
) -> None:
    env = {"MAESTRO_PROVIDER": launched}
    with served(place) as server:
        said = maestro("hook", provider, "Stop", "--plugin", stdin=STOP, env=env)
        heard = len(server.asked)
        maestro("hook", provider, "Stop", stdin=STOP, env=env)
    assert heard == (provider == launched == "gemini")
    assert (said.code, said.out, said.err) == (0, "{}" if heard else "", "")
    assert len(server.asked) == heard + 1
    assert spooled(place) == []


@pytest.mark.parametrize("provider", ["claude", "codex", "gemini", ""])
def test_a_plugin_speaks_where_nothing_was_launched(maestro: Maestro, place: Path, provider: str) -> None:
    with served(place) as server:
        maestro("hook", *([provider] if provider else []), "--plugin", stdin=STOP)
    assert [body(request)["event"] for request in server.asked] == ["Stop"]
