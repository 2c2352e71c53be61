"""TCP when asked for: who is let in, what is refused before it is looked at, and what keys reach."""

import asyncio
import gzip
import itertools
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import aclosing, suppress

import aiohttp
import pytest

from maestrod.api.limits import FORGET, Limits, RateLimited
from maestrod.client.streaming import Changes, Snapshot, Stream
from maestrod.client.streaming import Lost as StreamLost
from maestrod.domain.changes import Actor
from maestrod.domain.model import Noun
from maestrod.settings import Settings
from tests.daemon.remote import Remote, remote
from tests.daemon.scene import bearer
from tests.support.daemon import Daemon, home
from tests.support.eventually import eventually

pytestmark = pytest.mark.xdist_group("daemon-tcp")


@pytest.fixture(scope="module")
def far() -> Iterator[Remote]:
    with remote() as found:
        yield found


def request(head: str) -> bytes:
    return f"{head}\r\nConnection: close\r\n\r\n".encode("latin-1")


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


# -- where it listens -----------------------------------------------------------------------------


def test_the_unix_socket_is_there_beside_tcp_and_the_address_is_named(far: Remote) -> None:
    assert far.call("GET", "/hello").json["actor"]["kind"] == "user"
    assert far.tcp("GET", "/hello", key=far.key()).status == 200
    assert (far.daemon.home / "run" / "tcp").read_text() == f"{far.address}\n"


@pytest.mark.parametrize("how", ["environment", "config"])
def test_where_to_listen_may_be_a_setting(how: str) -> None:
    with home() as path:
        running = Daemon(path, env={"MAESTRO_LISTEN": "127.0.0.1:0, [::1]:0"} if how == "environment" else {})
        if how == "config":
            (path / "config").mkdir()
            (path / "config" / "config.toml").write_text('listen = "127.0.0.1:0"\n')
        try:
            running.start()
            found = Remote(running)
            assert found.tcp("GET", "/health").status == 200
            assert len((path / "run" / "tcp").read_text().split()) == (2 if how == "environment" else 1)
        finally:
            running.stop()
        assert not (path / "run" / "tcp").exists()


def test_without_being_asked_there_is_no_port(scene: Remote) -> None:
    assert not (scene.daemon.home / "run" / "tcp").exists()


@pytest.mark.parametrize(
    ("listen", "says"),
    [
        ("0.0.0.0:0", "without encryption"),
        ("192.0.2.1:4570", "without encryption"),
        ("[::]:0", "without encryption"),
        ("example.org:4570", "without encryption"),
        ("127.0.0.1.evil.example:1", "without encryption"),
        (":4570", "HOST:PORT"),
        ("4570", "HOST:PORT"),
        ("127.0.0.1:", "HOST:PORT"),
        ("127.0.0.1:70000", "HOST:PORT"),
        ("127.0.0.1:-1", "HOST:PORT"),
        ("::1:4570", "brackets"),
        ("a@127.0.0.1:1", "no host"),
        ("http://127.0.0.1:4570", "no host"),
    ],
)
def test_a_careless_or_senseless_address_is_refused_before_anything_is_opened(listen: str, says: str) -> None:
    with home() as path:
        code, said = Daemon(path, args=("--listen", listen)).attempt()
        assert (code, says in said) == (2, True), said
        assert not (path / "run" / "tcp").exists()


def test_one_half_of_a_certificate_is_none() -> None:
    with home() as path:
        env = {"MAESTRO_TLS_CERT": "/nothing/cert.pem"}
        code, said = Daemon(path, env=env, args=("--listen", "127.0.0.1:0")).attempt()
        assert (code, "go together" in said) == (2, True), said
        env |= {"MAESTRO_TLS_KEY": "/nothing/key.pem"}
        code, said = Daemon(path, env=env, args=("--listen", "127.0.0.1:0")).attempt()
        assert (code, "/nothing/cert.pem" in said) == (5, True), said


def test_behind_a_proxy_it_listens_to_all() -> None:
    with remote(env={"MAESTRO_BEHIND_PROXY": "true", "MAESTRO_ALLOWED_HOSTS": "maestro.example"}) as near:
        assert near.tcp("GET", "/health").status == 200
        assert near.tcp("GET", "/health", headers={"Host": "maestro.example"}).status == 200
        assert near.tcp("GET", "/health", headers={"Host": "evil.example"}).status == 403
    with home() as path:
        running = Daemon(path, env={"MAESTRO_BEHIND_PROXY": "true"}, args=("--listen", "0.0.0.0:0"))
        try:
            running.start()
            assert Remote(running).tcp("GET", "/health").status == 200
        finally:
            running.stop()


# -- who may come in ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_whether_it_lives_is_no_secret_and_says_nothing_else(far: Remote, path: str) -> None:
    far.task(title="Hidden away")
    answer = far.tcp("GET", path)
    assert answer.status == 200
    assert set(answer.json) <= {"status", "ready", "reasons", "broken", "timestamp", "uptime"}


@pytest.mark.parametrize(
    "path", ["/hello", "/tasks", "/status", "/keys", "/commits", "/state", "/events", "/nothing", "/openapi.json"]
)
def test_nobody_in_particular_gets_nothing(far: Remote, path: str) -> None:
    answer = far.tcp("GET", path)
    assert (answer.status, answer.json["code"]) == (401, "UNAUTHORIZED")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": ""},
        {"X-API-Key": "mk_" + "A" * 43},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer mk_" + "A" * 43},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "Bearer " + "x" * 4000},
        {"Cookie": "key=1"},
    ],
)
def test_a_secret_that_is_none_lets_nobody_in(far: Remote, headers: dict[str, str]) -> None:
    assert far.tcp("GET", "/tasks", headers=headers).status == 401


def test_a_key_is_taken_in_either_header_and_acts_under_its_name(far: Remote) -> None:
    key = far.key("write")
    assert far.tcp("GET", "/hello", headers=bearer(key["secret"])).json["actor"]["id"] == key["id"]
    made = far.tcp("POST", "/projects", {"name": "n", "workingDir": f"/srv/{key['id']}"}, key=key)
    assert made.status == 201
    assert far.ok("GET", "/commits?limit=1")["data"][0]["actor"] == f"key:{key['id']}"


def test_a_session_comes_in_with_its_credential_and_stays_one(far: Remote) -> None:
    session, headers = far.worker()
    assert far.tcp("GET", "/hello", headers=headers).json["actor"]["id"] == session["id"]
    assert far.tcp("POST", "/shutdown", headers=headers).status == 403


def test_scopes_hold_over_tcp(far: Remote) -> None:
    project = far.project()
    task = {"title": "T", "projectId": project["id"]}
    keys = [far.key(scope) for scope in ("read", "write", "admin")]
    assert [far.tcp("GET", "/tasks?limit=1", key=key).status for key in keys] == [200, 200, 200]
    assert [far.tcp("POST", "/tasks", task, key=key).status for key in keys] == [403, 201, 201]
    assert [far.tcp("GET", "/keys", key=key).status for key in keys] == [403, 403, 200]
    assert [far.tcp("DELETE", f"/projects/{far.project()['id']}", key=key).status for key in keys] == [403, 403, 200]


def test_a_key_that_is_revoked_or_over_is_out_at_once(far: Remote) -> None:
    key, late = far.key(), short_lived(far)
    assert far.tcp("GET", "/hello", key=key).status == 200
    far.ok("DELETE", f"/keys/{key['id']}")
    assert far.tcp("GET", "/hello", key=key).status == 401
    eventually(lambda: far.tcp("GET", "/hello", key=late).status == 401, timeout=20, what="the key is over")


def short_lived(far: Remote) -> str:
    """The secret of a key that will soon be over."""

    def made() -> str | None:
        ends = int(time.time() * 1000) + 1_500
        answer = far.call("POST", "/keys", {"name": f"late{ends}", "expiresAt": ends})
        return str(answer.json["secret"]) if answer.status == 201 else None

    return str(eventually(made, what="a key that still has a moment"))


def test_to_come_in_writes_one_line_an_hour_and_not_one_a_request(far: Remote) -> None:
    key = far.key("read")
    far.tcp("GET", "/hello", key=key)
    before = far.ok("GET", "/hello")["seq"]
    for _ in range(5):
        far.tcp("GET", "/tasks?limit=1", key=key)
    assert far.ok("GET", "/hello")["seq"] == before


# -- keys that are tied to projects ---------------------------------------------------------------


def test_lists_hold_what_a_tied_key_reaches_and_nothing_else(far: Remote) -> None:
    own, other = far.project(), far.project()
    mine, _ = far.task(own), far.task(other)
    session, _ = far.session(own, tasks=1), far.session(other, tasks=1)
    key = far.key("write", only=[own])
    tasks = far.tcp("GET", "/tasks", key=key).json
    assert mine["id"] in {t["id"] for t in tasks}
    assert {t["projectId"] for t in tasks} == {own["id"]}
    assert [p["id"] for p in far.tcp("GET", "/projects", key=key).json] == [own["id"]]
    assert [s["id"] for s in far.tcp("GET", "/sessions", key=key).json] == [session["id"]]
    assert {a["sessionId"] for a in far.tcp("GET", "/assignments", key=key).json} == {session["id"]}
    page = far.tcp("GET", "/tasks?limit=1", key=key).json["pagination"]
    assert page["total"] == len(tasks)
    status = far.tcp("GET", "/status", key=key).json
    assert (status["projects"], sum(status["sessions"].values())) == (1, 1)


def test_a_key_of_two_projects_reaches_both_and_names_one_for_their_status(far: Remote) -> None:
    projects = [far.project(), far.project()]
    tasks = {far.task(project)["id"] for project in projects}
    far.task()
    key = far.key("read", only=projects)
    assert {t["id"] for t in far.tcp("GET", "/tasks", key=key).json} == tasks
    assert far.tcp("GET", "/status", key=key).status == 403
    assert far.tcp("GET", f"/status?projectId={projects[0]['id']}", key=key).json["tasks"]["todo"] == 1


def test_the_rest_is_refused_to_a_tied_key_whatever_its_scope(far: Remote) -> None:
    own, other = far.project(), far.project()
    task, session = far.task(other)["id"], far.session(other)["id"]
    key = far.key("admin", only=[own])
    asked: list[tuple[str, str, object]] = [
        ("GET", f"/tasks/{task}", None),
        ("GET", f"/tasks?projectId={other['id']}", None),
        ("GET", f"/sessions/{session}", None),
        ("GET", f"/sessions/{session}/explain", None),
        ("GET", f"/sessions/{session}/screen", None),
        ("GET", f"/mail/inbox/{session}", None),
        ("GET", "/mail", None),
        ("POST", f"/sessions/{session}/input", {"text": "x"}),
        ("POST", f"/sessions/{session}/hook", {"provider": "claude", "event": "Stop"}),
        ("PATCH", f"/tasks/{task}", {"title": "x"}),
        ("POST", "/tasks", {"title": "x", "projectId": other["id"]}),
        ("POST", "/projects", {"name": "x", "workingDir": "/srv/elsewhere"}),
        ("POST", f"/sessions/{session}/launch", {"holder": "me"}),
        ("DELETE", f"/projects/{other['id']}", None),
        ("GET", "/keys", None),
        ("POST", "/keys", {"name": "more"}),
        ("GET", "/commits", None),
        ("GET", "/state", None),
        ("POST", "/undo/1", {}),
        ("POST", "/shutdown", {}),
    ]
    before = far.ok("GET", "/hello")["seq"]
    for method, path, body in asked:
        answer = far.tcp(method, path, body, key=key)
        assert (answer.status, answer.json["code"]) == (403, "FORBIDDEN"), (method, path)
    assert far.ok("GET", "/hello")["seq"] <= before + 1


def test_a_short_name_tells_a_tied_key_nothing_of_others(far: Remote) -> None:
    own, other = far.project(), far.project()
    far.task(own, title="Twins one")
    hidden = [far.task(other, title=f"Riddle {name}") for name in ("one", "two")]
    answer = far.tcp("GET", "/tasks/riddle", key=far.key("read", only=[own]))
    assert answer.status in {400, 404}
    assert not [task for task in hidden if task["id"].encode() in answer.raw or task["title"].encode() in answer.raw]


def test_what_is_made_with_a_key_of_one_project_is_made_there(far: Remote) -> None:
    own = far.project()
    made = far.tcp("POST", "/tasks", {"title": "Here"}, key=far.key("write", only=[own]))
    assert (made.status, made.json["projectId"]) == (201, own["id"])


# -- streams --------------------------------------------------------------------------------------


async def test_a_tied_key_hears_of_its_project_alone(far: Remote) -> None:
    own, other = await asyncio.to_thread(far.project), await asyncio.to_thread(far.project)
    key = await asyncio.to_thread(lambda: far.key("read", only=[own]))
    after = (await asyncio.to_thread(far.ok, "GET", "/hello"))["seq"]

    def happen() -> str:
        far.task(other)
        far.session(other, tasks=1)
        far.ok("POST", f"/tasks/{far.task(other)['id']}/timeline", {"message": "hush"})
        far.key("read")
        return str(far.task(own)["id"])

    headers = {"X-API-Key": key["secret"]}
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.ws_connect(f"{far.url}/api/v1/events") as ws:
            await ws.receive_json(timeout=10)
            wanted = await asyncio.to_thread(happen)
            frame = await ws.receive_json(timeout=10)
            assert (frame["event"], frame["data"]["id"]) == ("task:created", wanted)
        async with http.ws_connect(f"{far.url}/api/v1/events?after={after}") as ws:
            frame = await ws.receive_json(timeout=10)
            assert (frame["event"], frame["data"]["id"]) == ("task:created", wanted)
        answer = await http.get(f"{far.url}/api/v1/events?projectId={other['id']}")
        assert answer.status == 403


@pytest.mark.parametrize("deed", ["DELETE", "rotate"])
@pytest.mark.parametrize("kind", ["websocket", "events", "poll"])
async def test_a_key_that_is_taken_away_takes_its_streams_with_it(far: Remote, deed: str, kind: str) -> None:
    key, kept = await asyncio.to_thread(far.key), await asyncio.to_thread(far.key)
    session = (await asyncio.to_thread(far.session))["id"]
    path = f"/sessions/{session}/wait?timeout=60" if kind == "poll" else "/events"
    accept = {"Accept": "text/event-stream"} if kind == "events" else {}

    async def follow(secret: str) -> None:
        with suppress(aiohttp.ClientError):
            async with aiohttp.ClientSession(headers={"X-API-Key": secret} | accept) as http:
                url = f"{far.url}/api/v1{path}"
                if kind == "websocket":
                    async with http.ws_connect(url) as ws:
                        while not ws.closed:
                            await ws.receive()
                else:
                    async with http.get(url) as answer:
                        await answer.read()

    async with asyncio.TaskGroup() as group:
        gone, stays = (group.create_task(follow(each["secret"])) for each in (key, kept))
        await asyncio.to_thread(eventually, lambda: used(far, key) and used(far, kept), what="both were let in")
        way = ("DELETE", f"/keys/{key['id']}") if deed == "DELETE" else ("POST", f"/keys/{key['id']}/rotate")
        await asyncio.to_thread(far.ok, *way)
        await asyncio.wait_for(asyncio.shield(gone), 20)
        assert not stays.done()
        stays.cancel()


def used(far: Remote, key: dict[str, object]) -> bool:
    return any(each["id"] == key["id"] and each["lastUsedAt"] for each in far.ok("GET", "/keys"))


async def test_a_stream_over_tcp_is_compressed_and_says_the_same(far: Remote) -> None:
    key = (await asyncio.to_thread(far.key))["secret"]
    async with (
        aiohttp.ClientSession(headers={"X-API-Key": key}) as http,
        http.ws_connect(f"{far.url}/api/v1/events", compress=15) as ws,
        http.ws_connect(f"{far.url}/api/v1/events") as flat,
    ):
        assert (ws.compress, flat.compress) == (15, 0)
        for each in (ws, flat):
            assert (await each.receive_json(timeout=10))["event"] == "hello"
        made = await asyncio.to_thread(far.task, description="ha" * 2_000)
        for each in (ws, flat):
            events = [await each.receive_json(timeout=10) for _ in range(2)]
            assert [e["event"] for e in events] == ["project:created", "task:created"]
            assert events[1]["data"]["id"] == made["id"]


async def test_a_screen_over_tcp_sees_what_its_key_reaches(far: Remote) -> None:
    own = await asyncio.to_thread(far.project)
    task = await asyncio.to_thread(far.task, own)
    await asyncio.to_thread(far.task)
    key = await asyncio.to_thread(lambda: far.key("read", only=[own]))
    seen: set[str] = set()
    async with Stream(far.url, key=key["secret"]) as stream, aclosing(stream.messages()) as messages:
        async for message in messages:
            assert not isinstance(message, StreamLost), message.reason
            if isinstance(message, Snapshot):
                seen |= {each.id for each in message.entities.get(Noun.TASK, ())}
            elif isinstance(message, Changes):
                break
        assert seen == {task["id"]}
        later = await asyncio.to_thread(far.task, own)
        async for message in messages:
            if isinstance(message, Changes) and message.changes:
                assert [change.id for change in message.changes] == [later["id"]]
                break


# -- pages of others ------------------------------------------------------------------------------

FOREIGN = [
    "Host: evil.example",
    "Host: evil.example:4570",
    "Host: 127.0.0.1.evil.example",
    "Host: localhost.evil.example",
    "Host: 192.0.2.7",
    "Host: 127.0.0.1@evil.example",
    "Host: 127.0.0.1\r\nHost: evil.example",
    "Host: ",
    "Host: 127.0.0.1:99999999",
    "Host: [::1",
    "Host: 127.0.0.1/../evil.example",
    "Host: 127.0.0.1\r\nOrigin: https://evil.example",
    "Host: 127.0.0.1\r\nOrigin: null",
    "Host: 127.0.0.1\r\nOrigin: http://127.0.0.1:1",
    "Host: 127.0.0.1\r\nOrigin: http://127.0.0.1.evil.example",
    "Host: 127.0.0.1\r\nOrigin: ",
    "Host: 127.0.0.1\r\nSec-Fetch-Site: cross-site",
    "Host: 127.0.0.1\r\nSec-Fetch-Site: same-site",
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("path", ["/health", "/api/v1/hello", "/api/v1/events"])
def test_what_a_foreign_page_sends_is_refused_even_with_a_key(far: Remote, headers: str, path: str) -> None:
    upgrade = "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13"
    upgrade += "\r\nSec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng=="
    secret = far.key()["secret"] if path != "/health" else "none"
    head = f"GET {path} HTTP/1.1\r\n{headers}\r\nX-API-Key: {secret}" + (upgrade if "events" in path else "")
    answer = far.raw(request(head))
    assert status_of(answer) in {400, 403}
    assert b"access-control" not in answer.lower()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LocalHost:4570", "127.0.0.1:1", "[::1]:4570", "[::1]"])
def test_every_way_to_name_this_machine_is_its_own(far: Remote, host: str) -> None:
    assert status_of(far.raw(request(f"GET /health HTTP/1.1\r\nHost: {host}"))) == 200
    origin = f"Origin: http://{host}\r\nSec-Fetch-Site: same-origin"
    assert status_of(far.raw(request(f"GET /health HTTP/1.1\r\nHost: {host}\r\n{origin}"))) == 200


def test_a_request_that_names_nobody_is_refused(far: Remote) -> None:
    assert status_of(far.raw(request("GET /health HTTP/1.0"))) in {400, 403}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_changes_nothing(far: Remote, kind: str) -> None:
    body = json.dumps({"name": "x", "workingDir": "/srv/form"}).encode()
    before = len(far.ok("GET", "/projects"))
    head = (
        f"POST /api/v1/projects HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {far.key()['secret']}\r\nContent-Type: {kind}"
    )
    sent = f"{head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
    assert status_of(far.raw(sent)) == 415
    assert len(far.ok("GET", "/projects")) == before


def test_asking_beforehand_allows_a_page_nothing(far: Remote) -> None:
    head = "OPTIONS /api/v1/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example"
    head += "\r\nAccess-Control-Request-Method: POST"
    answer = far.raw(request(head))
    assert status_of(answer) == 403
    assert b"access-control" not in answer.lower()


# -- bounds ---------------------------------------------------------------------------------------


def test_headers_have_a_bound_on_both_sockets(far: Remote) -> None:
    many = "\r\n".join(f"X-{number}: {'x' * 4_000}" for number in range(5))
    head = f"GET /api/v1/hello HTTP/1.1\r\nHost: 127.0.0.1\r\n{many}"
    for answer in (far.raw(request(head)), far.daemon.raw(request(head))):
        assert status_of(answer) == 431
        assert b"HEADERS_TOO_LARGE" in answer
    assert status_of(far.raw(request("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: " + "x" * 8_000))) == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 100,
        b"GET\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=["TLS", "zeros", "half", "HTTP/2"],
)
def test_what_is_no_request_is_answered_and_closed(far: Remote, sent: bytes) -> None:
    assert status_of(far.raw(sent)) == 400
    assert far.tcp("GET", "/health").status == 200


def test_a_caller_who_asks_too_often_is_told_when_to_come_again() -> None:
    rates = {"MAESTRO_KEY_RATE": "0.002", "MAESTRO_SESSION_RATE": "0.002", "MAESTRO_HOOK_RATE": "0.002"}
    with remote(env=rates) as near:
        key, other = near.key(), near.key()
        first, second = (near.tcp("GET", "/tasks?limit=1", key=key) for _ in range(2))
        assert (first.status, second.status) == (200, 429)
        assert (second.json["code"], second.json["retryable"]) == ("RATE_LIMITED", True)
        assert 1 <= int(second.headers["retry-after"]) <= 500
        assert near.tcp("GET", "/tasks?limit=1", key=other).status == 200
        session, headers = near.worker()
        hook = {"provider": "claude", "event": "Notification"}
        spoken = [near.call("POST", f"/sessions/{session['id']}/hook", hook, headers=headers).status for _ in range(2)]
        assert spoken == [200, 429]
        asked = [near.call("GET", "/hello", headers=headers).status for _ in range(2)]
        assert asked == [200, 429]
        assert near.call("GET", "/hello").status == 200


def test_a_bucket_fills_again_and_holds_no_more_than_a_burst() -> None:
    now = 0
    limits = Limits(Settings(session_rate=50.0, hook_rate=500.0), clock=lambda: now)
    worker, other = Actor("session", "sess_1"), Actor("session", "sess_2")

    def most(actor: Actor, *, hook: bool = False) -> int:
        for count in itertools.count():
            try:
                limits.take(actor, hook=hook)
            except RateLimited as refusal:
                return count if refusal.retry_after == 1 else -1
        raise AssertionError

    assert (most(worker), most(worker), most(worker, hook=True), most(other)) == (200, 0, 2_000, 200)
    now = 1_000
    assert (most(worker), most(worker, hook=True)) == (50, 500)
    now = 1_000_000
    assert most(worker) == 200


def test_callers_who_went_are_forgotten_and_those_who_had_too_much_are_not() -> None:
    now = 0
    limits = Limits(Settings(session_rate=0.25, key_rate=0.25), clock=lambda: now)
    for number in range(FORGET - 1):
        limits.take(Actor("key", f"key_{number}"), hook=False)
    now = 4_000
    greedy = Actor("session", "sess_1")
    limits.take(greedy, hook=False)
    limits.take(Actor("session", "sess_2"), hook=False)
    assert limits.known == 2
    with pytest.raises(RateLimited):
        limits.take(greedy, hook=False)


def test_only_so_many_connections_and_the_unix_socket_has_its_own() -> None:
    with remote(env={"MAESTRO_TCP_CLIENTS": "3"}) as near:
        held = [socket.create_connection((near.host, near.port), timeout=10) for _ in range(3)]
        try:
            for each in held:
                each.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                assert each.recv(100).startswith(b"HTTP/1.1 200")
            with pytest.raises(OSError, match=r"reset|closed|aborted"):
                one_more(near)
            assert near.call("GET", "/health").status == 200
        finally:
            for each in held:
                each.close()
        eventually(lambda: near.tcp("GET", "/health").status == 200, what="there is room again")


def one_more(near: Remote) -> None:
    if not near.raw(request("GET /health HTTP/1.1\r\nHost: 127.0.0.1")):
        raise ConnectionResetError("closed")


# -- small answers --------------------------------------------------------------------------------


def test_large_answers_are_made_small_over_tcp_alone(far: Remote) -> None:
    project, key = far.project(), far.key()
    for _ in range(12):
        far.task(project, description="again and again " * 100)
    packs = {"Accept-Encoding": "gzip"}
    for path in (f"/tasks?projectId={project['id']}", f"/tasks?projectId={project['id']}&limit=50"):
        flat, packed = (far.tcp("GET", path, key=key, headers=headers) for headers in ({}, packs))
        assert "content-encoding" not in flat.headers
        assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
        assert json.loads(gzip.decompress(packed.raw)) == flat.json
        assert len(packed.raw) * 4 < len(flat.raw)
        assert "content-encoding" not in far.call("GET", path, headers=packs).headers
        no = far.tcp("GET", path, key=key, headers={"Accept-Encoding": "gzip;q=0, br"})
        assert "content-encoding" not in no.headers
    assert "content-encoding" not in far.tcp("GET", "/hello", key=key, headers=packs).headers


# -- TLS ------------------------------------------------------------------------------------------


def test_with_a_certificate_it_speaks_tls_and_nothing_else(certificate: tuple[str, str]) -> None:
    import ssl

    cert, key_file = certificate
    with remote(env={"MAESTRO_TLS_CERT": cert, "MAESTRO_TLS_KEY": key_file}) as near:
        trusting = ssl.create_default_context(cafile=cert)
        answer = near.tcp("GET", "/hello", key=near.key(), tls=trusting)
        assert answer.json["actor"]["kind"] == "key"
        assert near.raw(request("GET /health HTTP/1.1\r\nHost: 127.0.0.1"))[:5] != b"HTTP/"
        old = ssl.create_default_context(cafile=cert)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        assert near.tcp("GET", "/health", tls=old).status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            near.tcp("GET", "/health", tls=ssl.create_default_context())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    names = "subjectAltName=IP:127.0.0.1,DNS:localhost"
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    try:
        subprocess.run(
            [*words, "-subj", "/CN=localhost", "-addext", names, "-keyout", str(key), "-out", str(cert)],
            check=True,
            capture_output=True,
            timeout=60,
        )
    except FileNotFoundError:
        pytest.skip("openssl makes the certificate, and is not installed")
    return str(cert), str(key)
