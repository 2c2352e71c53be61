"""Writes ``api.md`` beside it from the route table: ``python docs/api.py``; ``--check`` only compares."""

import sys
from collections.abc import Iterator
from pathlib import Path

from maestrod.protocol.openapi import Operation, operations, tag_of
from maestrod.protocol.problems import STATUS

PAGE = Path(__file__).with_suffix(".md")
HEAD = """\
# HTTP API

Everything that `maestro` and the screen do goes over this API; a script can do the same. It is JSON over a Unix socket,
the routes are below `/api/v1` (`/api` is the same). The page is made from the table that the daemon itself reads
(`python docs/api.py`); `GET /api/v1/openapi.json` says all of it, types included, as OpenAPI 3.1.

The socket is `run/maestrod.sock` below `MAESTRO_HOME`; `home` in the answer to `hello` says where everything lies.
Whoever is the same user needs no key.

```console
$ curl -s --unix-socket "$MAESTRO_HOME/run/maestrod.sock" http://maestro/api/v1/hello
{"version":"…","api":1,…,"actor":{"kind":"user","id":null,…},…}
```

## Writing

A write takes a JSON object, and answers with the thing as it is afterwards. What is answered is on the disk.

```console
$ curl -s --unix-socket "$MAESTRO_HOME/run/maestrod.sock" http://maestro/api/v1/projects \\
>   -H 'Content-Type: application/json' -d '{"name": "shop", "workingDir": "/srv/shop"}'
{"id":"proj_…","version":1,…,"name":"shop","workingDir":"/srv/shop",…}
$ curl -s --unix-socket "$MAESTRO_HOME/run/maestrod.sock" http://maestro/api/v1/tasks \\
>   -H 'Content-Type: application/json' -d '{"projectId": "shop", "title": "Fix the login", "priority": "high"}'
{"id":"task_…",…,"title":"Fix the login",…,"status":"todo","priority":"high",…}
$ curl -s --unix-socket "$MAESTRO_HOME/run/maestrod.sock" -X POST http://maestro/api/v1/tasks/fix-the-login/start
{"id":"task_…","version":2,…,"status":"in_progress",…}
```

* In a path and in fields, an **id** can be any ending of it that is unambiguous; projects, tasks and sessions also
  answer to their names, written small with dashes.
* **Unknown fields and parameters are refused**, and so is a wrong value: nothing is passed over in silence.
* **`Idempotency-Key: WORD`** makes a write safe to repeat: the second answer is the first one,
  and nothing is done twice.
* **`If-Match: "VERSION"`** writes only if the thing still has that version; otherwise the answer is 412.

```console
$ curl -s --unix-socket "$MAESTRO_HOME/run/maestrod.sock" -X PATCH http://maestro/api/v1/tasks/fix-the-login \\
>   -H 'Content-Type: application/json' -H 'If-Match: "1"' -d '{"priority": "low"}'
{"type":"urn:maestro:problem:version-mismatch",…,"status":412,…,"code":"VERSION_MISMATCH",…,"details":[{"version":2}],…}
```

## Reading

A list is an array of everything that fits. With `limit` or `cursor` it is a page; `nextCursor` is the `cursor` of the
next one, and null after the last. `fields=summary` leaves long texts out, `order=desc` begins with the newest.

```console
$ curl -s --unix-socket "$MAESTRO_HOME/run/maestrod.sock" 'http://maestro/api/v1/tasks?projectId=shop&status=in_progress'
[{"id":"task_…",…,"title":"Fix the login",…}]
$ curl -s --unix-socket "$MAESTRO_HOME/run/maestrod.sock" 'http://maestro/api/v1/tasks?projectId=shop&limit=1'
{"data":[{"id":"task_…",…}],"pagination":{"limit":1,"nextCursor":null,"total":1,"hasMore":false}}
```

`X-Maestro-Seq` in every answer is the number of the last commit that it knows of: listen from there on, and nothing is
missed. [events.md](events.md) has the stream, and everything that is told on it.

## Refusals

A refusal is `application/problem+json` (RFC 9457): `code` is for programs, `detail` and `message` say what is wrong,
`details` name each wrong field, `hint` says what to do next, `retryable` whether the same request may succeed later.

```console
$ curl -s --unix-socket "$MAESTRO_HOME/run/maestrod.sock" 'http://maestro/api/v1/tasks?colour=red'
{…,"status":400,…,"code":"VALIDATION_ERROR",…,"details":[{"path":"colour","message":"is no parameter of…"}],…}
$ curl -s --unix-socket "$MAESTRO_HOME/run/maestrod.sock" http://maestro/api/v1/tasks/nothing
{"type":"urn:maestro:problem:task-not-found",…,"status":404,…,"code":"TASK_NOT_FOUND",…,"hint":"…",…}
```

"""
AGENTS = """
## Who may

Agents show the credential of their session, programs a key ([keys.md](keys.md)); both as `Authorization: Bearer …`.
Without one, who calls on the socket is the user. An agent reaches its own work, an orchestrator its project; what
is for people alone is not for agents at all, and keys need the scope `admin` for it.

```console
$ curl -s --unix-socket "$MAESTRO_HOME/run/maestrod.sock" -H 'Authorization: Bearer mk_nobody' http://maestro/api/v1/tasks
{…,"status":401,…,"code":"UNAUTHORIZED",…}
```
"""


def page() -> str:
    """The whole page."""
    return "".join([HEAD, "\n".join(_codes()), "\n", AGENTS, "\n## Routes\n", *_routes()])


def _codes() -> Iterator[str]:
    yield "| status | codes |"
    yield "| --- | --- |"
    for status in sorted(set(STATUS.values())):
        named = [f"`{code}`" for code, known in STATUS.items() if known == status]
        yield f"| {status} | {', '.join(named)}{' and `TASK_NOT_FOUND` and so on' if status == 404 else ''} |"


def _routes() -> Iterator[str]:
    for tag in dict.fromkeys(tag_of(operation) for operation in operations()):
        yield f"\n### {tag}\n\n| route | | parameters |\n| --- | --- | --- |\n"
        yield from (_row(operation) for operation in operations() if tag_of(operation) == tag)


def _row(operation: Operation) -> str:
    names = [f"`{name}`" for name in operation.parameters]
    return f"| `{operation.method} {operation.path}` | {operation.about} | {' '.join(names)} |\n"


def main() -> int:
    """Write the page, or say that it is not current."""
    wanted = page()
    if "--check" in sys.argv[1:]:
        return int(PAGE.read_text(encoding="utf-8") != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
