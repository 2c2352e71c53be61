"""Seeing an agent and typing to it."""

import asyncio
import time
from collections.abc import Awaitable
from pathlib import Path

import msgspec
from aiohttp import WSMsgType, web

from maestrod.api.calls import Call
from maestrod.api.connections import GOODBYE_S, goodbye, peer_behind
from maestrod.api.lists import flag
from maestrod.api.writes import BODY, read_body
from maestrod.domain.errors import Invalid, NotAllowed, NotFound
from maestrod.domain.model import Session
from maestrod.domain.permissions import is_descendant
from maestrod.engine.engine import Engine
from maestrod.locations import Locations
from maestrod.protocol.bodies import Typed, decoded
from maestrod.protocol.codec import parse_object
from maestrod.protocol.views import encode
from maestrod.tmux.control import ControlClient
from maestrod.tmux.errors import ConnectionLost, PaneGone, TmuxError, TmuxTimeout
from maestrod.tmux.facts import Capture, PaneRef
from maestrod.watch.dialogs import Dialog
from maestrod.watch.typist import Answer, NoPane, Result, Typist, pane_of

FASTEST_FPS = 30
FPS = 10
LINES = 10_000
TEXT = 300_000
KEYS = 64
KEY_LENGTH = 64


class Screen(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A pane as it looks; ``text`` has SGR sequences when colours were asked for."""

    type: str = "screen"
    text: str
    width: int
    height: int
    cursor_x: int
    cursor_y: int
    title: str
    ended: bool = False
    dialog: Dialog | None = None
    """What waits for a person's answer there; not told by the stream."""


class Panes:
    """Handlers of the routes that look at panes and type into them."""

    def __init__(self, engine: Engine, typist: Typist, tmux: ControlClient, places: Locations) -> None:
        self._engine = engine
        self._typist = typist
        self._tmux = tmux
        self._places = places
        self._open: dict[web.WebSocketResponse, asyncio.Transport] = {}

    async def screen(self, call: Call) -> web.StreamResponse:
        """The screen now; of an ended session its last one.

        Raises:
            NoPane: there is nothing to see.
        """
        lines = _whole("lines", call.query.get("lines", "0"))
        colours = flag(call, "colours") or False
        session = await self._session(call)
        shown = await self._screen(session, colours=colours, lines=lines)
        if not shown.ended:
            dialog = self._typist.dialog(session, shown.text, title=shown.title, width=shown.width)
            shown = msgspec.structs.replace(shown, dialog=dialog)
        return web.Response(body=encode(shown), content_type="application/json")

    async def screen_stream(self, call: Call) -> web.StreamResponse:
        """The screen whenever it has changed, at most ``fps`` times a second."""
        fps = min(max(1, _whole("fps", call.query.get("fps", str(FPS)))), FASTEST_FPS)
        session = await self._session(call)
        ws = web.WebSocketResponse(
            heartbeat=20, compress=peer_behind(call.request).is_remote, max_msg_size=4096, timeout=GOODBYE_S
        )
        if not ws.can_prepare(call.request):
            raise Invalid.field("Upgrade", "this route is a WebSocket")
        await ws.prepare(call.request)
        if call.request.transport is None:
            return ws
        self._open[ws] = call.request.transport
        try:
            async with asyncio.TaskGroup() as group:
                pump = group.create_task(self._pump(ws, session.id, 1 / fps))
                async for _ in ws:
                    pass
                pump.cancel()
        except* (ConnectionError, PaneGone, NotFound):
            await ws.close()
        finally:
            del self._open[ws]
        return ws

    async def close(self) -> None:
        """Say goodbye to everybody who looks."""
        await goodbye(self._open)

    async def input(self, call: Call) -> web.StreamResponse:
        """Type a prompt, answer a dialog, press keys or paste; a prompt never goes into an open dialog.

        Raises:
            NotAllowed: a session types to one that is not below it, presses keys, pastes, or answers for a person.
            Invalid: nothing to type, or an answer to nobody knows what.
        """
        session = await self._session(call)
        typed = decoded(parse_object(await read_body(call, BODY)), Typed)
        self._authorize(call, session, typed)
        if typed.keys:
            result = await _as_it_is(self._tmux.send_keys(pane_of(session), *_keys(typed)))
        elif typed.paste:
            result = await _as_it_is(self._tmux.paste(pane_of(session), _fitting("paste", typed.paste)))
        elif typed.answer:
            result = await self._answer(session, typed)
        elif typed.text.strip():
            result = await self._say(session, typed.text)
        else:
            raise Invalid.field("text", "send text, an answer, a paste, or a list of keys")
        body = encode({"result": result.result, "reason": result.reason})
        return web.Response(body=body, content_type="application/json")

    # -- how ---------------------------------------------------------------------------------------

    def _authorize(self, call: Call, session: Session, typed: Typed) -> None:
        if call.actor.session_id is None:
            return
        actor = self._engine.state.session(call.actor.id)
        below = session.id != actor.id and is_descendant(self._engine.state, session.id, actor)
        if not below or typed.keys or typed.paste or typed.answer:
            raise NotAllowed("a session may only prompt sessions that it started", hint="Ask a person.")

    async def _screen(self, session: Session, *, colours: bool, lines: int) -> Screen:
        if session.pane is not None:
            try:
                ref = PaneRef(session.pane.pane, session.id)
                return _shown(await self._tmux.capture(ref, colours=colours, history_lines=lines))
            except (TmuxError, ValueError):
                pass
        kept = await asyncio.to_thread(_kept, self._places.session(session.id) / "screen.txt")
        if kept is None:
            raise NoPane(f"session {session.id} has no pane", hint="It was not launched, or its window was closed.")
        rows = kept.splitlines()
        text = "\n".join(rows[-max(lines, 40) :])
        return Screen(text=text, width=120, height=40, cursor_x=0, cursor_y=0, title="", ended=True)

    async def _pump(self, ws: web.WebSocketResponse, session_id: str, period_s: float) -> None:
        last: Screen | None = None
        while not ws.closed:
            started = time.monotonic()
            try:
                shown = await self._screen(self._engine.state.session(session_id), colours=True, lines=0)
            except NoPane:
                shown = None
            if shown is not None and shown != last:
                await ws.send_frame(encode(shown), WSMsgType.TEXT)
                last = shown
            await asyncio.sleep(max(0.01, period_s - (time.monotonic() - started)))

    async def _answer(self, session: Session, typed: Typed) -> Answer:
        if len(typed.answer) > KEYS * KEY_LENGTH or not typed.expect:
            raise Invalid.field("expect", "say which question you answer: the digest of its dialog, or what it asks")
        return await self._typist.answer(session.id, typed.answer, typed.expect)

    async def _say(self, session: Session, text: str) -> Answer:
        return await self._typist.say(session.id, _fitting("text", text))

    async def _session(self, call: Call) -> Session:
        return await self._engine.read(lambda state: state.session(call.ids(state)["session"]))


async def _as_it_is(pressing: Awaitable[None]) -> Answer:
    try:
        await pressing
    except (ConnectionLost, TmuxTimeout) as error:
        return Answer(Result.NOT_DELIVERED, f"{error}; it may have arrived all the same")
    except TmuxError as error:
        return Answer(Result.NOT_DELIVERED, str(error))
    return Answer(Result.SUBMITTED)


def _fitting(name: str, text: str) -> str:
    if len(text) > TEXT:
        raise Invalid.field(name, f"is {len(text)} characters long, at most {TEXT} are allowed")
    return text


def _keys(typed: Typed) -> tuple[str, ...]:
    if len(typed.keys) > KEYS or not all(0 < len(key) <= KEY_LENGTH for key in typed.keys):
        raise Invalid.field("keys", f"must be at most {KEYS} names of keys, none longer than {KEY_LENGTH}")
    return typed.keys


def _shown(capture: Capture) -> Screen:
    return Screen(
        text=capture.text,
        width=capture.width,
        height=capture.height,
        cursor_x=capture.cursor_x,
        cursor_y=capture.cursor_y,
        title=capture.title,
        ended=capture.dead,
    )


def _kept(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _whole(name: str, value: str) -> int:
    if not value.isascii() or not value.isdecimal() or len(value) > 9 or int(value) > LINES:
        raise Invalid.field(name, f"must be a number up to {LINES}")
    return int(value)
