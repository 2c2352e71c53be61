"""A model on loopback that speaks as Anthropic, OpenAI and Google do, and plays what the test wrote.

A message with ``PLAY name`` in it begins the play of that name; each tool result moves on to its next act. The answer
depends on the request alone, so retries, resumed and forked conversations need no bookkeeping.
"""

import json
import re
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

CUE = re.compile(r"\bPLAY (\w+)")
SHELLS = ("Bash", "exec_command", "run_shell_command")
PLAIN = "Nothing more to do."
TITLE = '{"title": "A play"}'


class Act(NamedTuple):
    """What the model does at one request: words, then at most one command; or an error of the API."""

    say: str = ""
    run: str = ""
    extra: Mapping[str, object] = {}
    """Further arguments of the command's tool."""
    over_s: float = 0.0
    """How long the words take."""
    status: int = 0


class Heard(NamedTuple):
    """A request for an answer with tools: the whole of it, the parts that tests ask for, and when it came."""

    at: float
    system: str
    users: tuple[str, ...]
    results: tuple[str, ...]
    tools: tuple[str, ...]
    model: str
    body: Mapping[str, Any]


class Turn(NamedTuple):
    """A piece of a conversation: who, and its text."""

    who: str
    text: str


class Model(ThreadingHTTPServer):
    """Listens on loopback; ``plays`` may be changed at any time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.plays: dict[str, list[Act]] = {}
        self.heard: list[Heard] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """An agent that was interrupted has hung up; nobody wants to read of it."""

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()

    def act(self, heard: Heard, turns: list[Turn]) -> Act:
        """What is due, and keep what was heard."""
        self.heard.append(heard)
        cued = [n for n, turn in enumerate(turns) if turn.who == "user" and CUE.search(turn.text)]
        if not cued:
            return Act(say=PLAIN)
        found = CUE.search(turns[cued[-1]].text)
        play = self.plays.get(found[1] if found else "", [])
        done = sum(turn.who == "result" for turn in turns[cued[-1] + 1 :])
        return play[done] if done < len(play) else Act(say=PLAIN)

    def told(self, words: str) -> bool:
        """Whether a user's message or the system part of any request held these words."""
        return any(words in text for heard in self.heard for text in (heard.system, *heard.users))


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Model

    def log_message(self, *args: object) -> None:
        """Nothing on stderr."""

    def do_HEAD(self) -> None:
        self._whole({})

    def do_GET(self) -> None:
        self._whole({"object": "list", "data": [], "models": []})

    def do_POST(self) -> None:
        body = self._body()
        path = self.path.split("?")[0]
        try:
            if path.endswith("/v1/messages"):
                self._anthropic(body)
            elif path.endswith("/responses"):
                self._openai(body)
            elif path.endswith(("eGenerateContent", ":streamGenerateContent", ":generateContent")):
                self._google(body, streamed="stream" in path)
            elif path.endswith("ountTokens") or path.endswith("/count_tokens"):
                self._whole({"input_tokens": 100, "totalTokens": 100})
            else:
                self._whole({})
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    # -- the three ways to speak ------------------------------------------------------------------------

    def _anthropic(self, body: dict[str, Any]) -> None:
        turns = [turn for message in body.get("messages", []) for turn in _anthropic_turns(message)]
        tools = [str(tool.get("name")) for tool in body.get("tools", [])]
        system = body.get("system") or ""
        system = system if isinstance(system, str) else "\n".join(part.get("text", "") for part in system)
        act = self._due(body, system, turns, tools, str(body.get("model")))
        if act.status:
            self._whole({"type": "error", "error": {"type": "api_error", "message": "so the play says"}}, act.status)
            return
        message: dict[str, Any] = {"id": _id("msg"), "type": "message", "role": "assistant", "model": body.get("model")}
        message |= {"content": [], "stop_reason": None, "stop_sequence": None}
        message["usage"] = {"input_tokens": 1000, "output_tokens": 1}
        blocks: list[dict[str, Any]] = [{"type": "text", "text": act.say}] if act.say else []
        if call := _call(act, tools):
            blocks.append({"type": "tool_use", "id": _id("toolu"), "name": call[0], "input": call[1]})
        stop = "tool_use" if call else "end_turn"
        if not body.get("stream"):
            self._whole(message | {"content": blocks, "stop_reason": stop})
            return
        self._stream()
        self._event("message_start", message=message)
        for n, block in enumerate(blocks):
            if block["type"] == "text":
                self._event("content_block_start", index=n, content_block={"type": "text", "text": ""})
                for words in _words(act):
                    self._event("content_block_delta", index=n, delta={"type": "text_delta", "text": words})
            else:
                self._event("content_block_start", index=n, content_block=block | {"input": {}})
                given = json.dumps(block["input"])
                self._event("content_block_delta", index=n, delta={"type": "input_json_delta", "partial_json": given})
            self._event("content_block_stop", index=n)
        self._event("message_delta", delta={"stop_reason": stop, "stop_sequence": None}, usage={"output_tokens": 42})
        self._event("message_stop")

    def _openai(self, body: dict[str, Any]) -> None:
        turns = [turn for item in body.get("input", []) for turn in _openai_turns(item)]
        tools = [str(tool.get("name") or tool.get("type")) for tool in body.get("tools", [])]
        system = "\n".join([body.get("instructions") or "", *(t.text for t in turns if t.who == "developer")])
        act = self._due(body, system, turns, tools, str(body.get("model")))
        if act.status:
            self._whole({"error": {"message": "so the play says", "type": "invalid_request_error"}}, act.status)
            return
        response = {"id": _id("resp"), "object": "response", "created_at": int(time.time()), "output": []}
        self._stream()
        self._event("response.created", response=response | {"status": "in_progress"})
        out: list[dict[str, Any]] = []
        if act.say:
            item: dict[str, Any] = {"type": "message", "id": _id("msg"), "role": "assistant", "content": []}
            self._event("response.output_item.added", output_index=0, item=item | {"status": "in_progress"})
            at = {"item_id": item["id"], "output_index": 0, "content_index": 0}
            part = {"type": "output_text", "text": "", "annotations": []}
            self._event("response.content_part.added", **at, part=part)
            for words in _words(act):
                self._event("response.output_text.delta", **at, delta=words)
            self._event("response.output_text.done", **at, text=act.say)
            out.append(item | {"status": "completed", "content": [part | {"text": act.say}]})
            self._event("response.output_item.done", output_index=0, item=out[-1])
        if call := _call(act, tools):
            item = {"type": "function_call", "id": _id("fc"), "call_id": _id("call"), "name": call[0]}
            item |= {"arguments": json.dumps(call[1]), "status": "completed"}
            out.append(item)
            self._event("response.output_item.added", output_index=len(out) - 1, item=item)
            self._event("response.output_item.done", output_index=len(out) - 1, item=item)
        usage: dict[str, object] = {"input_tokens": 1000, "output_tokens": 42, "total_tokens": 1042}
        usage |= {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        self._event("response.completed", response=response | {"status": "completed", "output": out, "usage": usage})

    def _google(self, body: dict[str, Any], *, streamed: bool) -> None:
        turns = [turn for content in body.get("contents", []) for turn in _google_turns(content)]
        tools = [str(f["name"]) for tool in body.get("tools", []) for f in tool.get("functionDeclarations", [])]
        system = json.dumps(body.get("systemInstruction") or "", ensure_ascii=False)
        act = self._due(body, system, turns, tools, self.path.rpartition("/")[2].partition(":")[0])
        if act.status:
            error = {"code": act.status, "message": "so the play says", "status": "INVALID_ARGUMENT"}
            self._whole({"error": error}, act.status)
            return
        wanted = body.get("generationConfig", {})
        if not tools and wanted.get("responseMimeType") == "application/json":
            schema = wanted.get("responseJsonSchema") or wanted.get("responseSchema") or {}
            act = Act(say=json.dumps(_example(schema)))
        call = _call(act, tools)
        parts = [{"functionCall": {"name": call[0], "args": call[1]}}] if call else []
        if not streamed:
            self._whole(_candidate([*([{"text": act.say}] if act.say else []), *parts], last=True))
            return
        self._stream()
        for words in _words(act) if act.say else ():
            self._data(_candidate([{"text": words}]))
        self._data(_candidate(parts or [{"text": ""}], last=True))

    # -- parts ------------------------------------------------------------------------------------------

    def _due(self, body: dict[str, Any], system: str, turns: list[Turn], tools: list[str], model: str) -> Act:
        """A request without tools asks for a title, a summary or the like."""
        if not tools:
            return Act(say=TITLE)
        users = tuple(turn.text for turn in turns if turn.who == "user")
        results = tuple(turn.text for turn in turns if turn.who == "result")
        return self.server.act(Heard(time.time(), system, users, results, tuple(tools), model, body), turns)

    def _body(self) -> dict[str, Any]:
        if "chunked" in self.headers.get("transfer-encoding", ""):
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            raw = b"".join(parts)
        else:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            document = json.loads(raw or b"{}")
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    def _whole(self, document: object, status: int = 200) -> None:
        raw = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def _stream(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()

    def _event(self, kind: str, **fields: object) -> None:
        self.wfile.write(f"event: {kind}\n".encode())
        self._data({"type": kind, **fields})

    def _data(self, document: object) -> None:
        self.wfile.write(f"data: {json.dumps(document)}\n\n".encode())
        self.wfile.flush()


def _anthropic_turns(message: Mapping[str, Any]) -> Iterator[Turn]:
    content = message.get("content") or ""
    for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
        if block.get("type") == "tool_result":
            yield Turn("result", json.dumps(block.get("content"), ensure_ascii=False))
        elif block.get("type") == "text":
            yield Turn(str(message.get("role")), str(block.get("text")))


def _openai_turns(item: Mapping[str, Any]) -> Iterator[Turn]:
    kind = str(item.get("type", "message"))
    if kind.endswith("_output"):
        yield Turn("result", json.dumps(item.get("output"), ensure_ascii=False))
    elif kind == "message":
        content = item.get("content") or ""
        parts = [{"text": content}] if isinstance(content, str) else content
        yield Turn(str(item.get("role")), "\n".join(str(part.get("text", "")) for part in parts))


def _google_turns(content: Mapping[str, Any]) -> Iterator[Turn]:
    for part in content.get("parts", []):
        if "functionResponse" in part:
            yield Turn("result", json.dumps(part["functionResponse"], ensure_ascii=False))
        elif "text" in part:
            yield Turn(str(content.get("role")), str(part["text"]))


def _call(act: Act, tools: list[str]) -> tuple[str, dict[str, object]] | None:
    if not act.run:
        return None
    name = next(name for name in SHELLS if name in tools)
    if name == "exec_command":
        return name, {"cmd": act.run, **act.extra}
    return name, {"command": act.run, "description": "As the play says", **act.extra}


def _words(act: Act) -> Iterator[str]:
    words = act.say.split(" ")
    for n, word in enumerate(words):
        time.sleep(act.over_s / len(words))
        yield word if n == len(words) - 1 else word + " "


def _candidate(parts: list[dict[str, Any]], *, last: bool = False) -> dict[str, object]:
    candidate: dict[str, object] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if last:
        candidate["finishReason"] = "STOP"
    usage = {"promptTokenCount": 1000, "candidatesTokenCount": 42, "totalTokenCount": 1042}
    return {"candidates": [candidate], "usageMetadata": usage}


def _example(schema: Mapping[str, Any]) -> dict[str, object]:
    """Something that the schema allows; a turn is over when the agent asks who speaks next."""
    plain: dict[str, object] = {"string": "stub", "array": [], "boolean": False, "object": {}}
    found: dict[str, object] = {}
    for name, about in (schema.get("properties") or {}).items():
        choices = about.get("enum")
        found[name] = choices[-1] if choices else plain.get(str(about.get("type")).lower(), 1)
    return found | ({"next_speaker": "user"} if "next_speaker" in found else {})


def _id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:20]}"
