"""The stream of events: frames by bytes, then followed through restarts of a real daemon."""

import base64
import hashlib
import json
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_cli.commands import log, watch
from maestrod.client.blocking import Client
from maestrod.client.errors import ClientError, Refused, Unreachable
from maestrod.client.websocket import MAGIC, messages
from maestrod.client.wire import Lost
from maestrod.protocol.frames import websocket
from tests.cli.program import Maestro
from tests.cli.raw_server import RawServer, answer
from tests.support.daemon import Daemon, home

Talk = Callable[[socket.socket], None]


def upgrade(request: bytes) -> bytes:
    """The answer that makes a connection a WebSocket."""
    key = next(line[19:] for line in request.decode().split("\r\n") if line.startswith("Sec-WebSocket-Key: "))
    proof = base64.b64encode(hashlib.sha1(f"{key}{MAGIC}".encode()).digest()).decode()
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {proof}\r\n\r\n"
    ).encode()


def speaking(raw: bytes, then: Talk | None = None) -> Callable[[socket.socket, bytes], None]:
    """A turn that opens a WebSocket and sends these bytes."""

    def turn(connection: socket.socket, request: bytes) -> None:
        connection.sendall(upgrade(request) + raw)
        if then is not None:
            then(connection)

    return turn


def heard(*turns: Callable[[socket.socket, bytes], None] | bytes, say: str = "") -> list[str]:
    """All that a client hears from a server that speaks so."""
    with home() as folder, RawServer(folder / "s", turns) as server:
        found: list[str] = []
        try:
            found.extend(messages(Client(server.address, timeout=3), "/events", query={"after": 1}, say=say))
        except Lost:
            found.append("lost")
        return found


CLOSE = b"\x88\x02\x03\xe8"


@pytest.mark.parametrize("text", ["", "x", "é" * 62, "y" * 126, "z" * 70_000])
def test_a_message_of_any_length_is_heard(text: str) -> None:
    assert heard(speaking(websocket(text.encode()) + CLOSE)) == [text]


def test_a_message_in_pieces_is_put_together() -> None:
    raw = b"\x01\x02he" + b"\x00\x01l" + b"\x89\x01p" + b"\x80\x02lo" + CLOSE
    assert heard(speaking(raw)) == ["hello"]


def test_a_ping_is_answered_with_what_it_carried() -> None:
    answered: list[bytes] = []

    def listen(connection: socket.socket) -> None:
        answered.append(connection.recv(100))
        connection.sendall(CLOSE)

    heard(speaking(b"\x89\x03abc", listen))
    first, second, *rest = answered[0]
    assert (first, second) == (0x8A, 0x83)
    mask, payload = rest[:4], rest[4:7]
    assert bytes(b ^ m for b, m in zip(payload, mask, strict=False)) == b"abc"


@pytest.mark.parametrize("size", [5, 125, 126, 3000])
def test_what_is_said_to_the_daemon_is_masked_and_whole(size: int) -> None:
    got: list[bytes] = []

    def listen(connection: socket.socket) -> None:
        data = b""
        while len(data) < size + 6:
            data += connection.recv(65536)
        got.append(data)
        connection.sendall(CLOSE)

    heard(speaking(b"", listen), say="x" * size)
    head = 2 if size < 126 else 4
    mask, payload = got[0][head : head + 4], got[0][head + 4 :]
    assert bytes(b ^ mask[i % 4] for i, b in enumerate(payload)) == b"x" * size


@pytest.mark.parametrize("raw", [b"", b"\x81", b"\x81\x05ab", b"\x81\x7f\x00"])
def test_a_stream_that_breaks_is_lost_and_not_silently_over(raw: bytes) -> None:
    assert heard(speaking(raw)) == ["lost"]


@pytest.mark.parametrize(
    "raw",
    [
        b"\x81\x85maskhello",
        b"\xf1\x01x",
        b"\x83\x01x",
        b"\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"HTTP/1.1 400 Bad\r\n\r\n",
    ],
)
def test_what_is_no_stream_is_refused(raw: bytes) -> None:
    with pytest.raises(Unreachable):
        heard(speaking(raw))


def test_a_server_that_does_not_know_the_answer_to_the_key_is_no_daemon() -> None:
    with pytest.raises(Unreachable):
        heard(b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n\r\n")


def test_a_refusal_keeps_its_words() -> None:
    with pytest.raises(Refused, match="too many"):
        heard(answer("409 Conflict", b'{"code":"CONFLICT","message":"too many"}'))
    assert heard(answer("503 Busy")) == ["lost"]


@given(st.binary(max_size=200))
def test_any_bytes_end_in_words_of_ours(raw: bytes) -> None:
    try:
        heard(speaking(raw))
    except ClientError as error:
        assert error.message  # noqa: PT017 - both outcomes are right


def frame(seq: int, index: int = 0, event: str = "task:created", **data: object) -> bytes:
    return websocket(json.dumps({"event": event, "seq": seq, "i": index, "data": data}).encode())


def test_a_connection_that_breaks_is_taken_up_where_it_broke() -> None:
    first = speaking(frame(5) + frame(6, 0) + frame(6, 1) + frame(7)[:4])
    second = speaking(frame(6, 0) + frame(6, 1) + frame(6, 2) + frame(7) + websocket(b'[{"event":"x","seq":8}]'))
    with home() as folder, RawServer(folder / "s", [first, b"", second]) as server:
        places = []
        for found in watch.frames(Client(server.address, timeout=3), 4):
            places.append((found["seq"], found.get("i", 0)))
            if found["seq"] == 8:
                break
        asked = [request.split(b" ")[1] for request in server.asked]
    assert places == [(5, 0), (6, 0), (6, 1), (6, 2), (7, 0), (8, 0)]
    assert asked == [b"/api/v1/events?after=4", b"/api/v1/events?after=5", b"/api/v1/events?after=5"]


@pytest.mark.parametrize("text", ["", "nul", "7", '"x"', "[]", "[7]", '{"event":"hello","seq":9}', '{"event":"pong"}'])
def test_what_is_no_event_is_left_out(text: str) -> None:
    assert watch.parsed(text) == []


@given(
    st.dictionaries(st.sampled_from(["event", "data", "timestamp", "seq", "i"]), st.none() | st.integers() | st.text())
)
def test_any_frame_is_a_line(document: dict[str, object]) -> None:
    assert "\n" not in watch.shown(document)
    assert "\n" not in log.shown({**document, "command": document, "changes": [document]}, 0.0)


# -- against a real daemon ----------------------------------------------------------------------------


def lines(process: "subprocess.Popen[bytes]", count: int) -> list[dict[str, object]]:
    assert process.stdout is not None
    return [json.loads(process.stdout.readline()) for _ in range(count)]


def test_events_are_shown_as_they_happen(maestro: Maestro) -> None:
    maestro.ok("task", "create", "Before")
    with maestro.started("watch", "--json", "--event", "task:created", "--after", "0") as process:
        while lines(process, 1)[0]["data"]["title"] != "Before":  # type: ignore[index]
            pass
        for title in ("One", "Two"):
            maestro.ok("task", "create", title)
            assert lines(process, 1)[0]["data"]["title"] == title  # type: ignore[index]


def test_what_happened_before_is_told_first(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "Earlier")
    maestro.ok("task", "start", task)
    told = maestro("watch", "--after", "0", "--task", task, "--count", "2")
    assert told.code == 0
    assert [line.split()[1] for line in told.out.splitlines()] == ["task:created", "task:updated"]
    only = maestro("watch", "--after", "0", "--task", task, "--event", "task:u", "--count", "1", "--json")
    assert json.loads(only.out)["data"]["status"] == "in_progress"


def test_events_of_other_projects_are_not_ours(
    maestro: Maestro, served: Daemon, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    maestro.ok("project", "create", "Elsewhere", "--dir", str(elsewhere))
    with maestro.started("watch", "--json", "--event", "task:created") as process:
        stop = threading.Event()

        def both() -> None:
            while not stop.wait(0.05):
                maestro("task", "create", "Not ours", cwd=elsewhere)
                maestro("task", "create", "Ours")

        busy = threading.Thread(target=both)
        busy.start()
        try:
            titles = [frame_["data"]["title"] for frame_ in lines(process, 3)]  # type: ignore[index]
        finally:
            stop.set()
            busy.join()
    assert set(titles) == {"Ours"}


def test_sessions_are_watched_by_whoever_started_them(maestro: Maestro) -> None:
    first = maestro.id("task", "create", "First")
    spawned = maestro.ok("session", "spawn", "--task", first, "--role", "orchestrator", "--no-launch")
    assert isinstance(spawned, dict)
    parent = spawned["session"]["id"]
    child = maestro.ok("session", "spawn", "--task", first, "--parent", parent, "--no-launch", "--name", "Child")
    assert isinstance(child, dict)
    own = child["session"]["id"]
    told = maestro("session", "watch", "--after", "0", "--count", "1", "--json", env={"MAESTRO_SESSION_ID": parent})
    assert own in told.out
    named = maestro("session", "watch", own, "--after", "0", "--count", "1", "--json")
    assert own in named.out


@pytest.fixture
def own() -> Iterator[Daemon]:
    with home() as path:
        daemon = Daemon(path).start()
        try:
            yield daemon
        finally:
            daemon.kill()


def test_a_watch_goes_on_after_the_daemon_was_killed(own: Daemon, tmp_path: Path) -> None:
    maestro = Maestro(own.home, cwd=tmp_path, env={"MAESTRO_NO_AUTOSTART": "1"})
    maestro.ok("project", "create", "P", "--dir", str(tmp_path))
    with maestro.started("watch", "--json", "--event", "task:created", "--after", "0") as process:
        titles = []
        for number in range(3):
            maestro.ok("task", "create", f"Number {number}")
            titles += [found["data"]["title"] for found in lines(process, 1)]  # type: ignore[index]
            own.kill()
            own.start()
        maestro.ok("task", "create", "Last")
        titles += [found["data"]["title"] for found in lines(process, 1)]  # type: ignore[index]
    assert titles == ["Number 0", "Number 1", "Number 2", "Last"]


def test_a_watch_brings_no_daemon_back_that_was_stopped(own: Daemon, tmp_path: Path) -> None:
    maestro = Maestro(own.home)
    maestro.ok("project", "create", "P", "--dir", str(tmp_path))
    with maestro.started("watch", "--all", "--json", "--after", "0") as process:
        assert lines(process, 1)[0]["event"] == "project:created"
        own.stop()
        assert process.stderr is not None
        assert b"waiting" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert not own.socket.exists()


def test_the_history_is_told_newest_last(own: Daemon, tmp_path: Path) -> None:
    maestro = Maestro(own.home, cwd=tmp_path)
    project = maestro.id("project", "create", "P", "--dir", str(tmp_path))
    tasks = [maestro.id("task", "create", f"Number {n}") for n in range(5)]
    rows = maestro.ok("log")
    assert isinstance(rows, list)
    assert [row["seq"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [line.split()[0] for line in maestro("log", "-n", "2").out.splitlines()] == ["5", "6"]
    assert "create project  P" in maestro("log").out
    about = maestro.ok("log", "--entity", tasks[1])
    assert isinstance(about, list)
    assert [row["seq"] for row in about] == [3]
    after = maestro.ok("log", "--after", "3", "-n", "2")
    assert isinstance(after, list)
    assert [row["seq"] for row in after] == [4, 5]
    assert maestro.ok("log", "--actor", "daemon") == []
    assert len(maestro.ok("log", "--since", "1h", "--actor", "user")) == 6  # type: ignore[arg-type]
    assert project


def test_the_history_is_followed(own: Daemon, tmp_path: Path) -> None:
    maestro = Maestro(own.home, cwd=tmp_path)
    maestro.ok("project", "create", "P", "--dir", str(tmp_path))
    with maestro.started("log", "--follow", "--json") as process:
        assert [row["seq"] for row in lines(process, 1)] == [1]
        maestro.ok("task", "create", "One")
        maestro.ok("task", "create", "Two")
        assert [row["seq"] for row in lines(process, 2)] == [2, 3]


def test_the_history_is_not_for_sessions(own: Daemon, tmp_path: Path) -> None:
    maestro = Maestro(own.home, cwd=tmp_path)
    maestro.ok("project", "create", "P", "--dir", str(tmp_path))
    spawned = maestro.ok("session", "spawn", "--no-launch")
    assert isinstance(spawned, dict)
    session = spawned["session"]["id"]
    own.ok("POST", f"/sessions/{session}/launch", {"holder": "a test"})
    refused = maestro("log", "--json", env={"MAESTRO_CREDENTIAL_FILE": f"{own.home}/run/sessions/{session}/cred"})
    assert (refused.code, refused.error) == (4, "forbidden")
