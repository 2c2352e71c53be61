"""What comes over the socket: sane, wrong, huge, hostile, half, slow, and many at once."""

import gzip
import json
import socket
import time

import pytest

from maestrod.domain.errors import Rejected
from maestrod.protocol.problems import STATUS
from tests.daemon.scene import Scene
from tests.support.daemon import daemon
from tests.support.eventually import eventually

pytestmark = pytest.mark.xdist_group("daemon-requests")

MEGABYTE = 1024 * 1024
KEYS = {
    "type", "title", "status", "detail", "instance", "requestId", "error", "code", "message", "details", "hint",
    "retryable",
}  # fmt: skip


def request(method: str, path: str, body: bytes = b"", *, headers: str = "", version: str = "1.1") -> bytes:
    head = f"{method} {path} HTTP/{version}\r\nHost: maestro\r\nConnection: close\r\n{headers}"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode("latin-1") + b"\r\n" + body


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


# -- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "NOT_FOUND"),
        ("GET", "/tasks/task_1_aaaaaaaaa", 404, "TASK_NOT_FOUND"),
        ("GET", "/tasks?limit=0", 400, "VALIDATION_ERROR"),
        ("PUT", "/tasks", 405, "METHOD_NOT_ALLOWED"),
        ("TRACE", "/tasks", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/sessions/spawn", 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_every_refusal_is_a_problem(scene: Scene, method: str, path: str, status: int, code: str) -> None:
    answer = scene.call(method, path, headers={"X-Request-ID": "abc"})
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json.keys() == KEYS
    problem = answer.json
    assert (problem["code"], problem["status"], problem["error"]) == (code, status, True)
    assert problem["detail"] == problem["message"]
    assert problem["requestId"] == answer.headers["x-request-id"] == "abc"
    assert problem["instance"] == f"/api/v1{path.partition('?')[0]}"
    assert answer.headers["x-maestro-seq"].isdecimal()


def test_every_code_of_a_rule_has_a_status() -> None:
    kinds = [Rejected]
    for kind in kinds:
        kinds += kind.__subclasses__()
    assert {kind.code for kind in kinds} - STATUS.keys() == set()


def test_a_wrong_method_names_the_right_ones(scene: Scene) -> None:
    assert scene.call("PUT", "/tasks").headers["allow"] == "GET, POST"
    assert scene.call("POST", "/health").headers["allow"] == "GET"


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_what_needs_no_key_refuses_parameters_too(scene: Scene, path: str) -> None:
    answer = scene.call("GET", f"{path}?colour=red")
    assert (answer.status, answer.json["details"][0]["path"]) == (400, "colour")


def test_all_that_is_wrong_with_a_body_is_told_where(scene: Scene) -> None:
    session = scene.session()["id"]
    missing = scene.call("POST", "/tasks", {"projectId": scene.project()["id"]})
    assert missing.json["details"][0]["path"] == "title"
    deep = scene.call("POST", f"/sessions/{session}/register", {"pane": {"socket": "x", "pid": "one"}})
    assert deep.json["details"][0]["path"] == "pane.pid"
    several = scene.call("POST", "/tasks", {"projectId": scene.project()["id"], "title": " ", "description": "\x07"})
    assert [d["path"] for d in several.json["details"]] == ["title", "description"]


@pytest.mark.parametrize("sent", ["abc", "A-b.C:1_2", "x" * 128])
def test_a_sane_request_id_comes_back_and_is_kept_in_the_commit(scene: Scene, sent: str) -> None:
    answer = scene.call(
        "POST", "/tasks", {"projectId": scene.project()["id"], "title": "x"}, headers={"X-Request-ID": sent}
    )
    assert answer.headers["x-request-id"] == sent
    assert scene.ok("GET", "/commits?limit=1")["data"][0]["requestId"] == sent


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, "<script>", "é", "\x1b[31m"])
def test_a_hostile_request_id_is_replaced(scene: Scene, sent: str) -> None:
    head = f"X-Request-ID: {sent}\r\n"
    answer = scene.daemon.raw(request("GET", "/api/v1/hello", headers=head))
    shown = answer.lower().partition(b"x-request-id: ")[2].partition(b"\r\n")[0]
    if status_of(answer) == 200:
        assert shown != sent.encode("latin-1")
        assert len(shown) == 16
    else:
        assert status_of(answer) == 400


def test_every_prefix_and_the_bare_path_are_the_same_routes(scene: Scene) -> None:
    assert scene.call("GET", "/api/projects").json == scene.call("GET", "/api/v1/projects").json
    assert scene.call("GET", "/api/v1/projects/").status == 200


@pytest.mark.parametrize(
    "path",
    ["/api/v1/tasks/%00", "/api/v1/tasks/%ff%fe", "/api/v1/tasks/..%2f..%2fetc%2fpasswd", "/api/v1/tasks/%2541",
     "/api/v1/tasks/" + "x" * 4000, "/api/v1/x//tasks", "//", "/api/v1", "/api/v1/tasks/a/b/c/d", "/%",
     "/api/v1/tasks/%zz", "/api/v1/tasks/\xff", "http://evil.example/api/v1/nothing", "*"],
)  # fmt: skip
def test_odd_paths_are_not_found_and_nothing_breaks(scene: Scene, path: str) -> None:
    answer = scene.daemon.raw(request("GET", path))
    assert status_of(answer) in {400, 404}
    assert b"problem+json" in answer


def test_a_percent_sign_in_a_path_is_decoded_once(scene: Scene) -> None:
    answer = scene.call("GET", "/tasks/%2541")
    assert "'%41'" in answer.json["message"]
    slash = scene.call("GET", "/tasks/a%2Fb")
    assert slash.json["code"] == "TASK_NOT_FOUND"


# -- bodies ---------------------------------------------------------------------------------------

HOSTILE = {
    "not UTF-8": b'{"title":"\xff\xfe"}',
    "UTF-16": '{"title":"x"}'.encode("utf-16"),
    "no JSON": b"title=x",
    "half": b'{"title":"x"',
    "two documents": b'{"title":"x"}{"title":"y"}',
    "no object": b'["title"]',
    "a word": b"true",
    "a key twice": b'{"title":"x","title":"y"}',
    "a key twice, escaped": b'{"title":"x","t\\u0069tle":"y"}',
    "NaN": b'{"title":"x","position":NaN}',
    "Infinity": b'{"title":"x","metadata":{"a":-Infinity}}',
    "a number beyond all bounds": b'{"title":"x","metadata":{"a":1e999}}',
    "a lone surrogate": b'{"title":"\\ud800"}',
    "a lone surrogate in a key": b'{"title":"x","metadata":{"\\udfff":1}}',
    "33 deep": b'{"title":"x","metadata":{"a":' + b"[" * 31 + b"]" * 31 + b"}}",
    "100,000 deep": b'{"title":"x","metadata":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "NUL": b'{"title":"a\\u0000b"}',
    "a bare control character": b'{"title":"a\x01b"}',
    "an escape sequence": b'{"title":"a\\u001b[31m"}',
    "a byte order mark": b'\xef\xbb\xbf{"title":"x"}',
    "a number as long as a novel": b'{"title":"x","position":' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_refused_and_changes_nothing(scene: Scene, body: bytes) -> None:
    project = scene.project()["id"]
    with_project = body.replace(b'{"title"', b'{"projectId":"%b","title"' % project.encode(), 1)
    before = scene.ok("GET", "/hello")["seq"]
    answer = scene.call("POST", "/tasks", raw=with_project)
    assert (answer.status, answer.json["code"]) == (400, "VALIDATION_ERROR")
    assert scene.ok("GET", "/hello")["seq"] == before


def test_32_deep_is_deep_enough(scene: Scene) -> None:
    body = b'{"projectId":"%b","title":"x","metadata":{"a":' % scene.project()["id"].encode()
    assert scene.call("POST", "/tasks", raw=body + b"[" * 30 + b"]" * 30 + b"}}").status == 201


def test_brackets_in_text_are_no_depth(scene: Scene) -> None:
    body = {"projectId": scene.project()["id"], "title": "[" * 100, "description": '"\\{' * 50}
    assert scene.ok("POST", "/tasks", body)["title"] == "[" * 100


def test_numbers_stay_what_they_are_in_metadata(scene: Scene) -> None:
    metadata = {"large": 2**53 - 1, "small": -(2**53 - 1), "fraction": 0.1, "text": "\U0001f600"}
    assert scene.task(metadata=metadata)["metadata"] == metadata


def test_an_empty_body_is_an_empty_object(scene: Scene) -> None:
    task = scene.task()["id"]
    assert scene.call("POST", f"/tasks/{task}/start").status == 200
    assert scene.call("POST", f"/tasks/{task}/start", raw=b" \n").status == 200


def test_a_large_body_is_refused_before_it_is_read(scene: Scene) -> None:
    head = b"POST /api/v1/tasks HTTP/1.1\r\nHost: m\r\nConnection: close\r\nContent-Length: 2097152\r\n\r\n"
    with scene.daemon.connect() as connection:
        connection.sendall(head)
        assert status_of(connection.recv(65536)) == 413


def test_a_large_body_is_refused_however_it_is_sent(scene: Scene) -> None:
    body = json.dumps({"title": "x" * 2 * MEGABYTE}).encode()
    whole = scene.call("POST", "/tasks", raw=body)
    assert (whole.status, whole.json["code"]) == (413, "PAYLOAD_TOO_LARGE")
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (body[:MEGABYTE], body[MEGABYTE:]))
    head = b"POST /api/v1/tasks HTTP/1.1\r\nHost: m\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert status_of(scene.daemon.raw(head + pieces + b"0\r\n\r\n")) == 413
    packed = gzip.compress(b" " * 200 * MEGABYTE, 1)
    bomb = scene.call("POST", "/tasks", raw=packed, headers={"Content-Encoding": "gzip"})
    assert bomb.status == 413


def test_documents_and_prompts_may_be_larger(scene: Scene) -> None:
    task = scene.task()["id"]
    content = "[{" * MEGABYTE
    doc = scene.ok("POST", f"/tasks/{task}/docs", {"title": "long", "content": content})
    assert doc["content"] == content
    spawned = scene.ok("POST", "/sessions/spawn", {"projectId": scene.project()["id"], "prompt": "p" * 2 * MEGABYTE})
    assert spawned["success"] is True


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_only_json_is_taken(scene: Scene, kind: str) -> None:
    answer = scene.call("POST", "/tasks", raw=b'{"title":"x"}', headers={"Content-Type": kind})
    assert (answer.status, answer.json["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_body_that_is_not_what_it_claims_is_refused(scene: Scene) -> None:
    unzipped = scene.call("POST", "/tasks", raw=b'{"title":"x"}', headers={"Content-Encoding": "gzip"})
    assert (unzipped.status, unzipped.json["code"]) == (400, "VALIDATION_ERROR")
    chunked = b"POST /api/v1/tasks HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
    assert status_of(scene.daemon.raw(chunked)) == 400


# -- connections ----------------------------------------------------------------------------------

NO_HTTP = {
    "noise": bytes(range(256)) * 4,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50,
    "another version": b"GET /health HTTP/3.7\r\n\r\n",
    "a header without a colon": b"GET /health HTTP/1.1\r\nHost m\r\n\r\n",
    "a space before the colon": b"GET /health HTTP/1.1\r\nHost : m\r\n\r\n",
    "a header of 64 KB": b"GET /health HTTP/1.1\r\nX: " + b"x" * 65536 + b"\r\n\r\n",
    "a path of 64 KB": b"GET /" + b"x" * 65536 + b" HTTP/1.1\r\n\r\n",
    "10,000 headers": b"GET /health HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"\r\n",
    "two lengths": b"POST /api/v1/tasks HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "length and chunks": b"POST /api/v1/x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"POST /api/v1/tasks HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
}


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP)
def test_what_is_no_http_is_refused_and_the_connection_closed(scene: Scene, sent: bytes) -> None:
    try:
        answer = scene.daemon.raw(sent)
    except ConnectionError:
        answer = b""
    if answer:
        assert status_of(answer) == 400
        assert b"application/problem+json" in answer
    assert scene.call("GET", "/health").status == 200
    assert "Traceback" not in scene.daemon.log()


def test_http_1_0_is_answered_and_closed(scene: Scene) -> None:
    answer = scene.daemon.raw(b"GET /api/v1/hello HTTP/1.0\r\n\r\n")
    assert status_of(answer) == 200
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["api"] == 1


def test_pipelined_requests_are_answered_in_order(scene: Scene) -> None:
    task = scene.task()["id"]
    sent = b"".join(
        f"PATCH /api/v1/tasks/{task} HTTP/1.1\r\nHost: m\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        for body in [json.dumps({"title": f"t{n}"}) for n in range(30)]
    )
    answers = scene.daemon.raw(sent + request("GET", f"/api/v1/tasks/{task}"))
    shown = [json.loads(a.partition(b"\r\n\r\n")[2])["title"] for a in answers.split(b"HTTP/1.1 ")[1:]]
    assert shown == [*(f"t{n}" for n in range(30)), "t29"]


def test_one_connection_serves_many_requests(scene: Scene) -> None:
    with scene.daemon.connect() as connection:
        for _ in range(50):
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: m\r\n\r\n")
            assert status_of(connection.recv(65536)) == 200


def test_a_client_that_goes_in_the_middle_of_its_body_is_forgotten(scene: Scene) -> None:
    before = scene.ok("GET", "/hello")["seq"]
    with scene.daemon.connect() as connection:
        connection.sendall(b'POST /api/v1/tasks HTTP/1.1\r\nHost: m\r\nContent-Length: 500\r\n\r\n{"title":')
    assert scene.ok("GET", "/hello")["seq"] == before
    assert "a request failed" not in scene.daemon.log()


def test_a_client_that_goes_before_the_answer_loses_no_write(scene: Scene) -> None:
    project = scene.project()["id"]
    body = json.dumps({"projectId": project, "title": "unheard"}).encode()
    with scene.daemon.connect() as connection:
        connection.sendall(request("POST", "/api/v1/tasks", body))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    eventually(lambda: scene.ok("GET", f"/tasks?projectId={project}"), what="the write is there")


def test_slow_and_silent_clients_are_closed_and_hinder_nobody() -> None:
    with daemon(env={"MAESTRO_ARRIVAL_S": "0.6"}) as running:
        half_head = [running.connect() for _ in range(50)]
        for connection in half_head:
            connection.sendall(b"GET /health HT")
        silent = [running.connect() for _ in range(50)]
        with running.connect() as slow_body:
            slow_body.sendall(b"POST /api/v1/tasks HTTP/1.1\r\nHost: m\r\nContent-Length: 20\r\n\r\n{")
            begun = time.monotonic()
            assert running.call("GET", "/health", timeout=0.5).status == 200
            assert status_of(slow_body.recv(65536)) == 408
        for connection in [*half_head, *silent]:
            assert _ended(connection)
            connection.close()
        assert time.monotonic() - begun < 10
        assert running.call("GET", "/health").status == 200
        kept = running.connect()
        for _ in range(2):
            kept.sendall(b"GET /health HTTP/1.1\r\nHost: m\r\n\r\n")
            assert status_of(kept.recv(65536)) == 200
        kept.close()


def _ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True


def test_health_and_readiness_say_nothing_private(scene: Scene) -> None:
    assert scene.call("GET", "/health").json.keys() == {"status", "timestamp", "uptime"}
    ready = scene.call("GET", "/ready").json
    assert (ready["ready"], ready["reasons"]) == (True, [])
    assert scene.call("GET", "/health", headers={"Authorization": "Bearer nobody"}).status == 200


def test_nothing_of_all_this_was_a_failure_of_the_daemon(scene: Scene) -> None:
    assert "Traceback" not in scene.daemon.log()
    assert '"level": "error"' not in scene.daemon.log()
