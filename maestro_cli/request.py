"""A verb and its values → one request. Pure."""

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Mapping

    from maestro_cli.call import Value
    from maestro_cli.verbs import Param, Row


MADE = {"task create": "task", "subtask create": "sub"}
"""What is named by whoever makes it, so that later calls may speak of it before the daemon has heard of it."""
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Request:
    """What is sent; ``anywhere`` says that the directory of the caller is not to be heeded."""

    __slots__ = ("anywhere", "body", "headers", "method", "path", "query")

    def __init__(self, method: str, path: str) -> None:
        self.method = method
        self.path = path
        self.query: dict[str, object] = {}
        self.body: dict[str, object] | None = None if method == "GET" else {}
        self.headers: dict[str, str] = {}
        self.anywhere = False


def seal(request: Request, words: str) -> None:
    """Give it what makes it count once, however late it arrives: a key, and what is made an id of its own."""
    import os

    request.headers["Idempotency-Key"] = os.urandom(16).hex()
    prefix = MADE.get(words)
    if prefix and request.body is not None:
        import time

        number, tail = int.from_bytes(os.urandom(6), "big"), ""
        for _ in range(9):
            number, digit = divmod(number, 36)
            tail = DIGITS[digit] + tail
        request.body["id"] = f"{prefix}_{time.time_ns() // 1_000_000}_{tail}"


def build(row: "Row", values: "Mapping[str, Value]", *, project: str = "") -> Request:
    """The request that the row's route describes; what was not given is not sent."""
    from maestrod.client.blocking import quoted

    method, path, *constants = row[2].split(" ")
    request = Request(method, path)
    sent = fields(row, values)
    for constant in constants:
        name, _, word = constant.partition("=")
        sent.setdefault(name, _literal(word))
    for name, value in list(sent.items()):
        if f"{{{name}}}" in request.path:
            request.path = request.path.replace(f"{{{name}}}", quoted(str(value)))
            del sent[name]
        elif name.startswith("header:"):
            request.headers[name[7:]] = f'"{value}"'
            del sent[name]
    request.anywhere = values.get("all") is True
    if project and not request.anywhere and any(param[1] == "project" for param in row[4]):
        sent["projectId"] = project
    if request.body is None:
        request.query = {name: ",".join(v) if isinstance(v, list) else v for name, v in sent.items()}
    else:
        request.body = nested(sent)
    return request


def nested(sent: "Mapping[str, object]") -> "dict[str, object]":
    """What is called ``outer.inner`` in objects of their own."""
    body: dict[str, object] = {}
    for name, value in sent.items():
        outer, dot, inner = name.partition(".")
        known = body.get(outer)
        body[outer] = {**(known if isinstance(known, dict) else {}), inner: value} if dot else value
    return body


def fields(row: "Row", values: "Mapping[str, Value]") -> "dict[str, object]":
    """What was given, by its names on the wire; what stays here is left out."""
    sent: dict[str, object] = {}
    for param in row[4]:
        name = key(param)
        place = field(param)
        if name not in values or place == "-" or param[1] == "project":
            continue
        place, _, word = place.partition("=")
        value = values[name]
        sent[place] = _literal(word) if word else None if value == "" and param[1].endswith("?") else value
    return sent


def key(param: "Param") -> str:
    """The name of the value: ``--no-launch|--nl`` is ``no_launch``, ``[TASK]`` is ``task``."""
    return param[0].partition("|")[0].strip("-[]").replace("-", "_").lower()


def field(param: "Param") -> str:
    """The name on the wire; ``-`` when it is not sent."""
    if param[2]:
        return param[2]
    first, *rest = key(param).split("_")
    return first + "".join(word.capitalize() for word in rest)


def _literal(word: str) -> object:
    return {"true": True, "false": False}.get(word, word)
