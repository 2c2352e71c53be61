"""The one-shot client against servers that behave, misbehave, and go away."""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maestrod.client import jsontext
from maestrod.client.blocking import Client, quoted, target
from maestrod.client.errors import ClientError, Refused, TimedOut, Unreachable
from tests.cli.raw_server import RawServer, Turn, answer, ok
from tests.support.daemon import home

Serve = Callable[..., RawServer]


@pytest.fixture
def place() -> Iterator[Path]:
    with home() as path:
        yield path / "d.sock"


@pytest.fixture
def serve(place: Path) -> Iterator[Serve]:
    running: list[RawServer] = []

    def start(*turns: Turn, tcp: bool = False) -> RawServer:
        server = RawServer(None if tcp else place, turns)
        running.append(server.__enter__())
        return server

    yield start
    for server in running:
        server.__exit__(None, None, None)


def client(server: RawServer, **options: object) -> Client:
    return Client(server.address, **{"timeout": 3.0, **options})  # type: ignore[arg-type]


CHUNKS = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\n{"a":\r\n3\r\n 1}\r\n0\r\n\r\n'


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
@pytest.mark.parametrize(
    "raw",
    [
        ok(b'{"a": 1}'),
        CHUNKS,
        b'HTTP/1.1 200 OK\r\n\r\n{"a": 1}',
        b'HTTP/1.0 200 Fine\r\ncontent-length:8\r\n\r\n{"a": 1}',
        b"HTTP/1.1 100 Continue\r\n\r\n" + ok(b'{"a": 1}'),
    ],
    ids=["length", "chunks", "until it closes", "old", "after 100"],
)
def test_an_answer_is_read_in_every_form(serve: Serve, raw: bytes, tcp: bool) -> None:
    found = client(serve(raw, tcp=tcp)).call("GET", "/tasks")
    assert found.status == 200
    assert found.body == {"a": 1}


def test_an_answer_is_read_however_it_is_cut(serve: Serve) -> None:
    def drops(connection: socket.socket, _: bytes) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        for place in range(len(CHUNKS)):
            connection.sendall(CHUNKS[place : place + 1])

    assert client(serve(drops)).call("GET", "/tasks").body == {"a": 1}


def test_an_answer_without_a_body_is_none(serve: Serve) -> None:
    assert client(serve(b"HTTP/1.1 204 No Content\r\n\r\n")).call("DELETE", "/tasks/x").body is None


def test_a_write_carries_a_key_and_every_retry_the_same_one(serve: Serve) -> None:
    server = serve(answer("503 Busy"), answer("503 Busy"), b"", ok())
    client(server).call("POST", "/tasks", body={"title": "t"})
    assert len(server.asked) == 4
    assert len(set(server.headers("Idempotency-Key"))) == 1
    assert server.headers("Idempotency-Key")[0]
    assert len(set(server.asked)) == 1


def test_two_writes_have_two_keys(serve: Serve) -> None:
    server = serve(ok())
    client(server).call("POST", "/tasks", body={})
    client(server).call("POST", "/tasks", body={})
    assert len(set(server.headers("Idempotency-Key"))) == 2


def test_a_read_carries_no_key(serve: Serve) -> None:
    server = serve(ok())
    client(server).call("GET", "/tasks")
    assert server.headers("Idempotency-Key") == [""]
    assert server.headers("X-Request-ID") != [""]


def test_retry_after_is_heeded(serve: Serve) -> None:
    server = serve(answer("429 Slow down", head="Retry-After: 1\r\n"), ok())
    began = time.monotonic()
    assert client(server).call("GET", "/tasks").status == 200
    assert time.monotonic() - began >= 1.0


def test_what_stays_busy_is_refused_in_its_own_words(serve: Serve) -> None:
    problem = json.dumps({"code": "STORE_READ_ONLY", "message": "disk full", "hint": "free some", "retryable": True})
    server = serve(answer("503 Busy", problem.encode()))
    with pytest.raises(Refused) as caught:
        client(server, timeout=0.4).call("POST", "/tasks", body={})
    assert (caught.value.code, caught.value.message, caught.value.hint) == ("STORE_READ_ONLY", "disk full", "free some")
    assert caught.value.retryable
    assert len(server.asked) > 1


def test_retries_are_bounded_by_number(serve: Serve) -> None:
    server = serve(answer("503 Busy"))
    with pytest.raises(Refused):
        client(server, retries=2).call("GET", "/tasks")
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422, 500])
def test_a_refusal_is_not_repeated(serve: Serve, status: int) -> None:
    server = serve(answer(f"{status} No", b'{"code":"X","message":"m","details":[{"path":"p"}]}'))
    with pytest.raises(Refused) as caught:
        client(server).call("POST", "/tasks", body={})
    assert (caught.value.status, caught.value.code, caught.value.details) == (status, "X", [{"path": "p"}])
    assert len(server.asked) == 1


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"[1]", b"\xff\xfe", b'{"code":7,"details":"x"}'])
def test_a_refusal_without_a_problem_document_is_still_one(serve: Serve, body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        client(serve(answer("500 Oops", body))).call("GET", "/tasks")
    assert caught.value.code == "INTERNAL_ERROR"
    assert caught.value.message


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    ],
)
def test_what_is_no_daemon_is_told_from_one(serve: Serve, raw: bytes) -> None:
    with pytest.raises(Unreachable) as caught:
        client(serve(raw)).call("GET", "/tasks")
    assert "maestrod" in caught.value.hint


def test_an_answer_that_is_no_json_is_no_answer(serve: Serve) -> None:
    found = client(serve(ok(b"nul,"))).call("GET", "/tasks")
    with pytest.raises(Unreachable):
        assert found.body


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 200 OK\r\n", ok(b"x" * 100)[:-1], CHUNKS[:-3]])
def test_an_answer_that_is_cut_off_is_asked_for_again(serve: Serve, raw: bytes) -> None:
    server = serve(raw, ok())
    assert client(server).call("GET", "/tasks").body == {"ok": True}
    assert len(server.asked) == 2


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
def test_a_daemon_that_does_not_answer_is_waited_for_only_so_long(serve: Serve, tcp: bool) -> None:
    def silent(connection: socket.socket, _: bytes) -> None:
        connection.recv(1)

    began = time.monotonic()
    with pytest.raises(TimedOut):
        client(serve(silent, tcp=tcp), timeout=0.3).call("GET", "/tasks")
    assert time.monotonic() - began < 2.5


def test_a_trickle_does_not_stretch_the_limit(serve: Serve) -> None:
    def trickle(connection: socket.socket, _: bytes) -> None:
        connection.settimeout(0.05)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            connection.sendall(b"x")
            try:
                connection.recv(1)
                return
            except TimeoutError:
                continue

    began = time.monotonic()
    with pytest.raises(TimedOut):
        client(serve(trickle), timeout=0.4).call("GET", "/tasks")
    assert time.monotonic() - began < 2.5


def test_a_daemon_that_is_away_is_waited_for_a_little(place: Path) -> None:
    away = Client(f"unix:{place}", timeout=10)
    away.patience = 0.3
    began = time.monotonic()
    with pytest.raises(Unreachable) as caught:
        away.call("GET", "/tasks")
    assert time.monotonic() - began < 2.5
    assert "maestro daemon start" in caught.value.hint


def test_a_daemon_that_is_away_is_started_once(place: Path) -> None:
    servers: list[RawServer] = []

    def start() -> None:
        servers.append(RawServer(place, [ok()]).__enter__())

    assert Client(f"unix:{place}", timeout=3, start=start).call("GET", "/tasks").body == {"ok": True}
    assert len(servers) == 1
    servers[0].__exit__(None, None, None)


def test_a_socket_that_nobody_serves_any_more_is_away_too(place: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(place))
    left.close()
    started: list[bool] = []
    client_ = Client(f"unix:{place}", timeout=0.2, start=lambda: started.append(True))
    with pytest.raises(Unreachable):
        client_.call("GET", "/tasks")
    assert started == [True]


def test_a_file_in_the_place_of_the_socket_is_no_daemon(place: Path) -> None:
    place.write_text("x")
    with pytest.raises(Unreachable):
        Client(f"unix:{place}", timeout=0.2).call("GET", "/tasks")


def test_a_session_shows_its_credential(serve: Serve, tmp_path: Path) -> None:
    server = serve(ok())
    (tmp_path / "cred").write_text("s3cret\n")
    client(server, credential_file=str(tmp_path / "cred")).call("GET", "/tasks")
    assert server.headers("Authorization") == ["Bearer s3cret"]


def test_a_credential_that_is_gone_is_never_replaced_by_none(serve: Serve, tmp_path: Path) -> None:
    server = serve(ok())
    with pytest.raises(Refused) as caught:
        client(server, credential_file=str(tmp_path / "none")).call("POST", "/tasks", body={})
    assert caught.value.code == "UNAUTHORIZED"
    assert "session" in caught.value.hint
    assert server.asked == []


def test_a_key_goes_over_the_network_alone(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k3y\n")
    near, far = serve(ok()), serve(ok(), tcp=True)
    for server in (near, far):
        client(server, key="other", key_file=str(tmp_path / "key")).call("GET", "/tasks")
    assert near.headers("X-API-Key") == [""]
    assert far.headers("X-API-Key") == ["k3y"]


def test_a_header_cannot_be_smuggled_in(serve: Serve) -> None:
    server = serve(ok())
    with pytest.raises(ValueError, match="line break"):
        client(server).call("GET", "/tasks", headers={"If-Match": '"1"\r\nX-Evil: 1'})
    assert server.asked == []


@pytest.mark.parametrize("content", [b"a\r\nX-Evil: 1", b"", b"\n", b"\0" * 50, b"\xff\xfe", "é".encode()])
def test_a_file_that_holds_no_credential_is_told(serve: Serve, tmp_path: Path, content: bytes) -> None:
    server = serve(ok())
    (tmp_path / "cred").write_bytes(content)
    with pytest.raises(Refused) as caught:
        client(server, credential_file=str(tmp_path / "cred")).call("GET", "/tasks")
    assert caught.value.code == "UNAUTHORIZED"
    assert server.asked == []


@pytest.mark.parametrize("address", ["http://", "http://[::1", "https://host:port", "http://:80"])
def test_what_is_no_url_is_said_to_be_none(address: str) -> None:
    with pytest.raises(Unreachable):
        Client(address, timeout=0.2).call("GET", "/tasks")


def test_a_folder_of_another_user_under_tmp_is_not_trusted(place: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can make a folder that belongs to another user")
    folder = Path(f"/tmp/maestro-{place.parent.name}")
    folder.mkdir()
    try:
        os.chown(folder, 65534, 65534)
        with pytest.raises(Unreachable, match="another user"):
            Client(f"unix:{folder}/x.sock", timeout=0.2).call("GET", "/tasks")
    finally:
        folder.rmdir()


def test_paths_and_queries_are_escaped() -> None:
    assert quoted("a/b?c=é\udcff ") == "a%2Fb%3Fc%3D%C3%A9%FF%20"
    assert target("/tasks", {"ready": True, "q": "a&b", "none": None}) == "/api/v1/tasks?ready=true&q=a%26b"
    assert target("/health") == "/health"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(raw=st.binary(max_size=300) | st.binary(max_size=100).map(lambda tail: b"HTTP/1.1 200 OK\r\n" + tail))
def test_any_bytes_are_an_answer_or_an_error_of_ours(raw: bytes) -> None:
    with home() as folder, RawServer(folder / "s", [raw]) as server:
        try:
            client(server, timeout=0.5, retries=0).call("GET", "/tasks")
        except ClientError as error:
            assert error.message  # noqa: PT017 - both outcomes are right


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(JSON)
def test_json_is_written_and_read_as_the_package_does(value: object) -> None:
    assert json.loads(jsontext.write(value)) == value
    assert jsontext.read(json.dumps(value).encode()) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_json_or_a_value_error(raw: bytes) -> None:
    try:
        mine: object = jsontext.read(raw)
    except ValueError:
        mine = ValueError
    try:
        theirs: object = json.loads(raw.decode("utf-8"))
    except ValueError:
        theirs = ValueError
    assert repr(mine) == repr(theirs)


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a":' * 100_000])
def test_json_that_is_too_deep_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match="deep"):
        jsontext.read(raw)
