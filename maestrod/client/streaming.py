"""The live door: everything that is, then everything that changes, for as long as one listens.

::

    ScreenGone         there is no pane to look at: the session has ended, or is no more
"""

import asyncio
import contextlib
import random
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Self

import aiohttp
import msgspec
from aiohttp.client_exceptions import UnixClientConnectorError

from maestrod.domain.changes import Change, Delete, Put
from maestrod.domain.model import TYPES, DeliveryState, Entity, Noun
from maestrod.protocol.dialogs import Dialog

API = 1
PREFIX = "/api/v1"
PAGE = 1_000
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 15.0
WRITE_TIME_S = 10.0
READ_TIME_S = 30.0
LARGEST_FRAME = 32 * 1024 * 1024
HEARTBEAT_S = 25.0

_LOST = (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError, ValueError)
_AGAIN = frozenset({429, 503})
_NOUNS = {noun.value: noun for noun in Noun if noun is not Noun.ITEM}
_PUTS = frozenset({"created", "updated", "added", "received"})
_FAR = frozenset({"held", *DeliveryState})
"""What is told of a mail's delivery, and not of the mail."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A part of all that is, as of ``seq``; long texts are left out. ``live`` is by session id.

    The ``first`` part begins a reading that replaces what was read before, the ``last`` completes it.
    """

    seq: int
    entities: Mapping[Noun, Sequence[Entity]]
    live: Mapping[str, Mapping[str, object]] = {}
    first: bool = False
    last: bool = False


class Notice(msgspec.Struct, frozen=True):
    """Something worth telling a person: a ``notify:*`` event, and the id that it is about."""

    event: str
    id: str


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What has changed up to ``seq``. Changes may come twice; the higher version is the truth."""

    seq: int
    changes: Sequence[Change] = ()
    notices: Sequence[Notice] = ()
    live: Mapping[str, Mapping[str, object]] = {}


class Lost(msgspec.Struct, frozen=True):
    """The daemon cannot be reached; the next try is in ``retry_in`` seconds."""

    reason: str
    retry_in: float


class Back(msgspec.Struct, frozen=True):
    """The daemon is reached again; nothing was missed."""


Message = Snapshot | Changes | Lost | Back


class Answer(msgspec.Struct, frozen=True):
    """What the daemon answered; ``seq`` is durable."""

    status: int
    seq: int
    body: bytes


class Refusal(msgspec.Struct, frozen=True, rename="camel"):
    """Why it was not done, and what to do next.

    Status 0 when nobody answered: ``UNREACHABLE`` when nobody was asked, ``UNANSWERED`` when it may have been done.
    """

    code: str
    message: str
    hint: str = ""
    retryable: bool = False
    status: int = 0


class Screen(msgspec.Struct, frozen=True, rename="camel"):
    """A pane as it is drawn now: text with colours, size and cursor in cells."""

    text: str
    width: int
    height: int
    cursor_x: int = 0
    cursor_y: int = 0
    title: str = ""
    dialog: Dialog | None = None
    """What waits for a person's answer there; not told by the stream."""


class ScreenGone(Exception):
    """There is no pane to look at."""


class Stream:
    """One client's conversation with a daemon; ``server`` is ``unix:PATH`` or a URL.

    ``messages`` reconnects for ever, with back-off and jitter, and resumes where it was. Used as an
    async context manager; one consumer of ``messages`` at a time.
    """

    def __init__(self, server: str, *, key: str = "", chance: Callable[[], float] = random.random) -> None:
        self._server = server
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._window = 0 if server.startswith("unix:") else 15
        self._chance = chance
        self._seq: int | None = None
        self._boot = ""
        self._now = asyncio.Event()
        self._again = asyncio.Event()
        self._decoder = _Decoder()

    async def __aenter__(self) -> Self:
        path = self._server.removeprefix("unix:")
        local = path != self._server
        self._http = aiohttp.ClientSession(
            base_url="http://maestro" if local else self._server,
            connector=aiohttp.UnixConnector(path) if local else aiohttp.TCPConnector(),
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=READ_TIME_S),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    # -- following -------------------------------------------------------------------------------

    async def messages(self) -> AsyncGenerator[Message, None]:
        """Everything, then what changes, for ever."""
        tries = 0
        while True:
            try:
                async with aclosing(self._connected()) as connected:
                    async for message in connected:
                        if tries and isinstance(message, Changes):
                            self._look_again()
                            yield Back()
                            tries = 0
                        yield message
                reason = "the daemon closed the connection"
            except _LOST as error:
                reason = _in_words(error)
            pause = back_off(tries, self._chance)
            tries += 1
            yield Lost(reason, pause)
            await self._pause(pause)

    def retry_now(self) -> None:
        """Cut the wait for the next try short."""
        self._now.set()
        self._look_again()

    def _look_again(self) -> None:
        """Screens that wait for the daemon need not wait longer."""
        self._again.set()
        self._again.clear()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._now.wait()
        except TimeoutError:
            return
        self._now.clear()

    async def _connected(self) -> AsyncGenerator[Message, None]:
        hello = await self._hello()
        if self._seq is None or (hello.boot_id != self._boot and hello.seq < self._seq):
            async for part in self._everything():
                yield part
        self._boot = hello.boot_id
        url = f"{PREFIX}/events?after={self._seq}&batch=1"
        async with self._opened(url) as socket:
            yield Changes(seq=self._seq or 0)
            async for frame in socket:
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    continue
                told = self._decoder.frames(frame.data)
                if told.resync:
                    async for part in self._everything():
                        yield part
                self._seq = max(self._seq or 0, told.seq)
                yield Changes(seq=self._seq, changes=told.changes, notices=told.notices, live=told.live)

    def _opened(self, url: str) -> "aiohttp.client._WSRequestContextManager":
        return self._http.ws_connect(url, max_msg_size=LARGEST_FRAME, heartbeat=HEARTBEAT_S, compress=self._window)

    async def _hello(self) -> "_Hello":
        body, _ = await self._get(f"{PREFIX}/hello")
        hello = msgspec.json.decode(body, type=_Hello)
        if hello.api != API:
            raise ValueError(f"the daemon speaks API {hello.api}, this screen API {API}: run `maestro daemon restart`")
        return hello

    async def _everything(self) -> AsyncGenerator[Snapshot, None]:
        """All lists in parts; only when the last one is there, ``_seq`` moves."""
        self._seq = None
        projects, seq = await self._get(f"{PREFIX}/projects")
        sessions, at = await self._get(f"{PREFIX}/sessions?fields=summary")
        seq = min(seq, at)
        lists = {
            Noun.PROJECT: self._decoder.entities(Noun.PROJECT, projects),
            Noun.SESSION: self._decoder.entities(Noun.SESSION, sessions),
        }
        yield Snapshot(seq=seq, entities=lists, live=self._decoder.live(sessions), first=True)
        for path, noun in (("/tasks?fields=summary", Noun.TASK), ("/assignments?order=asc", Noun.ASSIGNMENT)):
            async with aclosing(self._pages(path, noun)) as pages:
                async for page in pages:
                    seq = min(seq, page.seq)
                    yield Snapshot(seq=seq, entities={noun: page.entities})
        self._seq = seq
        yield Snapshot(seq=seq, entities={}, last=True)

    async def _pages(self, path: str, noun: Noun) -> AsyncGenerator["_Read", None]:
        cursor: str | None = None
        seen: set[str] = set()
        while True:
            more = f"&cursor={cursor}" if cursor is not None else ""
            body, seq = await self._get(f"{PREFIX}{path}&limit={PAGE}{more}")
            page = msgspec.json.decode(body, type=_Page)
            yield _Read(noun, self._decoder.entities(noun, body), seq)
            cursor = page.pagination.next_cursor
            if cursor is None or cursor in seen:
                return
            seen.add(cursor)

    async def _get(self, path: str) -> tuple[bytes, int]:
        async with self._http.get(path) as response:
            body = await response.read()
            if response.status != 200:
                raise ValueError(_refusal(response.status, body).message)
            return body, _seq(response.headers)

    # -- asking ----------------------------------------------------------------------------------

    async def write(self, method: str, path: str, body: object = None) -> Answer | Refusal:
        """Ask for a command; the path is below ``/api/v1``. Tried again for 10 s with one idempotency key."""
        headers = {"Idempotency-Key": secrets.token_hex(16), "Content-Type": "application/json"}
        data = msgspec.json.encode(body if body is not None else {})
        clock = asyncio.get_running_loop().time
        end = clock() + WRITE_TIME_S
        for tries in range(1_000):
            answer = await self._asked(method, path, headers, data)
            pause = back_off(tries, self._chance)
            if isinstance(answer, Answer) or not _passing(answer) or clock() + pause > end:
                return answer
            await asyncio.sleep(pause)
        raise AssertionError("more tries than fit into the time")

    async def once(self, method: str, path: str, body: object) -> Answer | Refusal:
        """Ask for what must not be done twice: it is tried once, and not again."""
        headers = {"Content-Type": "application/json"}
        try:
            async with asyncio.timeout(WRITE_TIME_S):
                return await self._asked(method, path, headers, msgspec.json.encode(body))
        except TimeoutError as error:
            return _unanswered(error)

    async def get(self, path: str) -> Answer | Refusal:
        """The document at a path below ``/api/v1``."""
        return await self._asked("GET", path, {}, None)

    async def read(self, path: str, noun: Noun) -> Sequence[Entity] | Refusal:
        """The entities of one noun at a path below ``/api/v1``; one resource comes as a list of one."""
        answer = await self._asked("GET", path, {}, None)
        if isinstance(answer, Refusal):
            return answer
        try:
            return self._decoder.entities(noun, answer.body)
        except msgspec.MsgspecError as error:
            return Refusal("INTERNAL_ERROR", f"the daemon's answer cannot be read: {error}")

    async def _asked(self, method: str, path: str, headers: Mapping[str, str], data: bytes | None) -> Answer | Refusal:
        try:
            async with self._http.request(method, PREFIX + path, headers=headers, data=data) as response:
                body = await response.read()
                if response.status >= 400:
                    return _refusal(response.status, body)
                return Answer(response.status, _seq(response.headers), body)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return _unanswered(error)

    # -- looking ---------------------------------------------------------------------------------

    async def look(self, session_id: str) -> Screen | Refusal:
        """The pane of a session as it is now."""
        answer = await self._asked("GET", f"/sessions/{session_id}/screen", {}, None)
        if isinstance(answer, Refusal):
            return answer
        try:
            return msgspec.json.decode(answer.body, type=Screen)
        except msgspec.MsgspecError as error:
            return Refusal("INTERNAL_ERROR", f"the daemon's answer cannot be read: {error}")

    async def screen(self, session_id: str, *, fps: int = 10) -> AsyncGenerator[Screen, None]:
        """The pane of a session, each time it has changed.

        Raises:
            ScreenGone: there is no pane to look at.
        """
        tries = 0
        while True:
            try:
                url = f"{PREFIX}/sessions/{session_id}/screen/stream?fps={fps}"
                async with self._opened(url) as socket:
                    async for frame in socket:
                        if frame.type is aiohttp.WSMsgType.TEXT and (screen := _screen(frame.data)) is not None:
                            tries = 0
                            yield screen
            except aiohttp.WSServerHandshakeError as error:
                if error.status in {404, 409, 410}:
                    raise ScreenGone("there is no pane") from error
            except _LOST:
                pass
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(back_off(tries, self._chance)):
                    await self._again.wait()
            tries += 1


def back_off(tries: int, chance: Callable[[], float]) -> float:
    """Seconds to wait after so many failures: doubling, at most 15, spread over the upper half."""
    most = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(tries, 20))
    return most * (0.5 + chance() / 2)


# -- decoding -----------------------------------------------------------------------------------------


class _Read(msgspec.Struct, frozen=True):
    """Entities of one noun, and the seq at which they were read."""

    noun: Noun
    entities: Sequence[Entity]
    seq: int


class _Hello(msgspec.Struct, rename="camel"):
    api: int
    seq: int
    boot_id: str = ""


class _Pagination(msgspec.Struct, rename="camel"):
    next_cursor: str | None = None


class _Page(msgspec.Struct):
    data: msgspec.Raw
    pagination: _Pagination


class _Frame(msgspec.Struct):
    event: str
    seq: int = 0
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Id(msgspec.Struct):
    id: str


class _LiveFrame(msgspec.Struct, rename="camel"):
    session_id: str


class _WithLive(msgspec.Struct):
    id: str
    live: dict[str, object] | None = None


class _Told:
    """What the frames of one message say together."""

    def __init__(self) -> None:
        self.seq = 0
        self.resync = False
        self.changes: list[Change] = []
        self.notices: list[Notice] = []
        self.live: dict[str, Mapping[str, object]] = {}


class _Decoder:
    """Bytes of the daemon to values of the domain; decoders are made once."""

    def __init__(self) -> None:
        self._one = {noun: msgspec.json.Decoder(type_) for noun, type_ in TYPES.items()}
        self._many = {noun: msgspec.json.Decoder(list[type_]) for noun, type_ in TYPES.items()}  # type: ignore[valid-type]
        self._frames = msgspec.json.Decoder(list[_Frame] | _Frame)
        self._id = msgspec.json.Decoder(_Id)
        self._session = msgspec.json.Decoder(_LiveFrame)
        self._facts = msgspec.json.Decoder(dict[str, object])
        self._live = msgspec.json.Decoder(list[_WithLive])

    def entities(self, noun: Noun, body: bytes | msgspec.Raw) -> Sequence[Entity]:
        """A list of resources, a page of one, or a single resource."""
        head = bytes(memoryview(body)[:8])
        if head == b'{"data":':
            return self.entities(noun, msgspec.json.decode(body, type=_Page).data)
        if head[:1] == b"{":
            return [self._one[noun].decode(body)]
        found: list[Entity] = self._many[noun].decode(body)
        return found

    def live(self, body: bytes) -> dict[str, Mapping[str, object]]:
        """The live facts in a list of sessions."""
        return {session.id: session.live for session in self._live.decode(body) if session.live is not None}

    def frames(self, text: str) -> _Told:
        """One frame, or an array of them."""
        decoded = self._frames.decode(text)
        told = _Told()
        for frame in decoded if isinstance(decoded, list) else [decoded]:
            self._tell(told, frame)
        return told

    def _tell(self, told: _Told, frame: _Frame) -> None:
        told.seq = max(told.seq, frame.seq)
        prefix, _, deed = frame.event.partition(":")
        if frame.event == "resync":
            told.resync = True
        elif frame.event == "session:live":
            told.live[self._session.decode(frame.data).session_id] = self._facts.decode(frame.data)
        elif prefix == "notify":
            told.notices.append(Notice(frame.event, self._id.decode(frame.data).id))
        elif (change := self._change(prefix, deed, frame.data)) is not None:
            told.changes.append(change)

    def _change(self, prefix: str, deed: str, data: msgspec.Raw) -> Change | None:
        if prefix == "mail" and deed in _FAR:
            return Put(Noun.DELIVERY, self._one[Noun.DELIVERY].decode(data))
        noun = Noun.ITEM if prefix == "queue" and deed.startswith("item_") else _NOUNS.get(prefix)
        if noun is None:
            return None
        deed = deed.removeprefix("item_") if noun is Noun.ITEM else deed
        if deed == "deleted":
            return Delete(noun, self._id.decode(data).id)
        if deed in _PUTS or noun is Noun.ITEM:
            return Put(noun, self._one[noun].decode(data))
        return None


def _screen(text: str) -> Screen | None:
    frame = msgspec.json.decode(text, type=_ScreenFrame)
    if frame.type != "screen":
        return None
    return Screen(frame.text, frame.width, frame.height, frame.cursor_x, frame.cursor_y, frame.title)


class _ScreenFrame(msgspec.Struct, rename="camel"):
    type: str
    text: str = ""
    width: int = 0
    height: int = 0
    cursor_x: int = 0
    cursor_y: int = 0
    title: str = ""


def _seq(headers: Mapping[str, str]) -> int:
    return int(headers.get("X-Maestro-Seq", "0"))


def _refusal(status: int, body: bytes) -> Refusal:
    try:
        told = msgspec.json.decode(body, type=Refusal)
    except msgspec.MsgspecError:
        return Refusal("INTERNAL_ERROR", f"the daemon answered {status} without saying why", status=status)
    return msgspec.structs.replace(told, status=status)


def _unanswered(error: BaseException) -> Refusal:
    code = "UNREACHABLE" if isinstance(error, aiohttp.ClientConnectorError) else "UNANSWERED"
    return Refusal(code, _in_words(error), "Is the daemon running? `maestro daemon status` tells.")


def _passing(refusal: Refusal) -> bool:
    return refusal.status in _AGAIN or not refusal.status


def _in_words(error: BaseException) -> str:
    match error:
        case TimeoutError():
            return "the daemon does not answer"
        case UnixClientConnectorError() | FileNotFoundError():
            return "the daemon is not running: maestro daemon start"
        case aiohttp.ClientConnectorError() | ConnectionError():
            return "the daemon is not running"
        case aiohttp.ClientError():
            return "the connection broke"
        case msgspec.MsgspecError():
            return f"the daemon said something that cannot be read: {error}"
        case _:
            return str(error) or type(error).__name__


__all__ = [
    "Answer",
    "Back",
    "Changes",
    "Lost",
    "Message",
    "Notice",
    "Refusal",
    "Screen",
    "ScreenGone",
    "Snapshot",
    "Stream",
    "back_off",
]
