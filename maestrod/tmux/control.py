"""One control-mode client: what the daemon uses. A question costs 0.1 ms, changes are told, nothing polls."""

import asyncio
import contextlib
import logging
import socket
from asyncio.subprocess import DEVNULL, Process
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, ParamSpec, TypeVar
from weakref import WeakValueDictionary

from maestrod.tmux import commands
from maestrod.tmux.commands import Command
from maestrod.tmux.errors import ConnectionLost, PaneGone, TmuxError, TmuxFailed, TmuxTimeout
from maestrod.tmux.facts import (
    Capture,
    Event,
    NoticesLost,
    PaneFacts,
    PaneRef,
    ServerFound,
    ServerLost,
    Viewer,
    WindowsChanged,
)
from maestrod.tmux.oneshot import ENTER_PAUSE_S, Tmux
from maestrod.tmux.server import answers
from maestrod.tmux.stream import ControlStream, Message, Notice, Reply, Stray
from maestrod.tmux.text import SESSION, command_line, idle_views, pane_change, pane_rows, pane_state, viewer_rows

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_ATTACH = ("-C", "attach-session", "-E", "-t", f"={SESSION}", "-f", "no-output,ignore-size")
_WINDOW_NOTICES = frozenset({"window-add", "window-close", "unlinked-window-add", "unlinked-window-close"})
_PATIENCE = 50
_CHUNK = 64 * 1024
_FIRST_REST_S = 0.05
_STEADY_S = 1.0
"""A connection that lived this long ends the back-off."""


class ControlClient:
    """The daemon's line to the tmux server; usable at all times, fast while ``serve`` holds a connection.

    Without a connection every call is a process of its own. Nothing here starts a server but ``ensure_server``.
    ``events`` holds at most ``backlog``; when it is full it is emptied and ``NoticesLost`` says so. At most
    ``in_flight`` rounds of up to three commands are under way at a time; the next ones wait.
    """

    def __init__(
        self,
        tmux: Tmux,
        *,
        timeout_s: float = 5.0,
        retry_s: float = 5.0,
        in_flight: int = 64,
        backlog: int = 1024,
    ) -> None:
        self.tmux = tmux
        self.events: asyncio.Queue[Event] = asyncio.Queue(backlog)
        self._timeout_s = timeout_s
        self._retry_s = retry_s
        self._in_flight = in_flight
        self._connection: _Connection | None = None
        self._server_pid: int | None = None
        self._latest: Event | None = None
        self._wake = asyncio.Event()
        self._untidy = asyncio.Event()
        self._processes = asyncio.Semaphore(4)
        self._typing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def connected(self) -> bool:
        """Whether questions go over a control connection now."""
        return self._connection is not None

    async def serve(self) -> None:
        """Connect, tell changes, and connect again, until cancelled; the app's TaskGroup runs this once."""
        rest_s = _FIRST_REST_S
        while True:
            if answers(self.tmux.socket):
                await self._let_people_attach()
                steady = await self._stay_connected()
                rest_s = _FIRST_REST_S if steady else min(rest_s * 2, self._retry_s)
            if not answers(self.tmux.socket):
                self._lost()
                rest_s = self._retry_s
            await self._rest(rest_s)

    def notify_server(self) -> None:
        """Say that the server may have been started; without it the next look is up to ``retry_s`` away."""
        self._wake.set()

    async def ensure_server(self) -> None:
        """Start the server unless it runs.

        Raises:
            TmuxError: it could not be started.
        """
        await self._aside(self.tmux.ensure_server)
        self.notify_server()

    async def run(self, *arguments: str) -> str:
        """Run one tmux command, arguments taken literally; answer what it prints, without the last newline.

        Raises:
            ConnectionLost: the connection ended first; whether it was done is unknown.
            TmuxError: it failed or took too long.
        """
        connection = self._connection
        if connection is None:
            return (await self._aside(self.tmux.run, *arguments)).removesuffix("\n")
        (reply,) = await connection.ask(arguments)
        return _text(arguments, reply)

    async def panes(self) -> list[PaneFacts]:
        """List the marked panes; empty when there is no server.

        Raises:
            TmuxError: tmux did not answer.
        """
        text = await self._read(commands.ROWS)
        if text is None:
            return await self._aside(self.tmux.panes)
        return [row for row in pane_rows(text) if row.session_id]

    async def viewers(self) -> list[Viewer]:
        """List the people who are attached; empty when there is no server.

        Raises:
            TmuxError: tmux did not answer.
        """
        text = await self._read(commands.VIEWERS)
        if text is None:
            return await self._aside(self.tmux.viewers)
        return viewer_rows(text)

    async def capture(self, pane: PaneRef, *, colours: bool = True, history_lines: int = 0) -> Capture:
        """Read the pane's screen, and up to ``history_lines`` of what scrolled off it, in one round.

        Raises:
            PaneGone: there is no such pane of this session; a dead pane is still read.
            TmuxError: tmux did not answer.
        """
        if (connection := self._connection) is not None:
            question = commands.capture(pane, colours=colours, history_lines=history_lines)
            try:
                state, screen = await connection.ask(commands.state_of(pane), question)
            except ConnectionLost:
                pass  # a read can be asked again
            else:
                known = commands.checked(pane, pane_state(state.text), alive=False)
                return commands.captured(known, _text(question, screen))
        return await self._aside(self.tmux.capture, pane, colours=colours, history_lines=history_lines)

    async def send_text(self, pane: PaneRef, text: str) -> None:
        """Paste ``text`` and press Enter, as a person would; whether the agent took it is for the caller to see.

        Two texts for one pane never mix. Cancelled between the two, the text stays in the agent's composer.

        Raises:
            PaneGone: there is no living pane of this session.
            TmuxError: tmux refused or did not answer.
        """
        lock = self._typing.setdefault(pane.pane_id, asyncio.Lock())
        async with lock:
            await self.paste(pane, text)
            await asyncio.sleep(ENTER_PAUSE_S)
            await self.send_keys(pane, "Enter")

    async def paste(self, pane: PaneRef, text: str) -> None:
        """Leave copy mode and paste ``text`` without its control characters and last newlines; no Enter.

        By a process: only there paste and check are one step and the text need not fit a command line.

        Raises:
            PaneGone: there is no living pane of this session.
            TmuxError: tmux refused or did not answer.
        """
        await self._aside(self.tmux.paste, pane, text)

    async def send_keys(self, pane: PaneRef, *keys: str) -> None:
        """Leave copy mode and press ``keys`` by tmux's names (``Enter``, ``C-c``); other text is typed as it is.

        Raises:
            PaneGone: there is no living pane of this session.
            ConnectionLost: the connection ended first; whether they were pressed is unknown.
            TmuxError: tmux refused or did not answer.
        """
        if (connection := self._connection) is None:
            return await self._aside(self.tmux.send_keys, pane, *keys)
        await self._check(connection, pane, alive=True)
        press = commands.press(pane, keys)
        _, pressed = await connection.ask(commands.leave_mode(pane), press)
        return _done(pane, press, pressed)

    async def kill_window(self, pane: PaneRef) -> None:
        """Close the pane's window; its programs get SIGHUP.

        Raises:
            PaneGone: there is no such pane of this session.
            ConnectionLost: the connection ended first; whether it was closed is unknown.
            TmuxError: tmux refused or did not answer.
        """
        if (connection := self._connection) is None:
            return await self._aside(self.tmux.kill_window, pane)
        await self._check(connection, pane, alive=False)
        (killed,) = await connection.ask(commands.kill(pane))
        return _done(pane, commands.kill(pane), killed)

    async def _read(self, question: Command) -> str | None:
        """Ask over the connection; ``None`` when there is none, or when it ended: a read can be asked again."""
        if (connection := self._connection) is None:
            return None
        try:
            (reply,) = await connection.ask(question)
        except ConnectionLost:
            return None
        return _text(question, reply)

    async def _check(self, connection: "_Connection", pane: PaneRef, *, alive: bool) -> None:
        """One connection is one server, and a server never uses a pane id twice: what was checked stays true."""
        (state,) = await connection.ask(commands.state_of(pane))
        commands.checked(pane, pane_state(state.text), alive=alive)

    async def _aside(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._processes:
            return await asyncio.to_thread(call, *args, **kwargs)

    async def _stay_connected(self) -> bool:
        """Hold one connection to its end; answer whether it was worth having."""
        began_s = asyncio.get_running_loop().time()
        try:
            connection = await self._attach()
        except (TmuxError, OSError) as error:
            log.warning("no control client could be started: %s", error)
            return False
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(connection.read())
                if found := await self._greeted(connection):
                    self._connection = connection
                    housekeeping = group.create_task(self._keep_house(connection))
                    await reading
                    housekeeping.cancel()
                connection.close()
        finally:
            self._connection = None
            await connection.closed()
        return found and asyncio.get_running_loop().time() - began_s > _STEADY_S

    async def _keep_house(self, connection: "_Connection") -> None:
        """End idle views, and let tmux look again when a pane is dead of nothing; now and whenever it is untidy."""
        while True:
            with contextlib.suppress(TmuxError):
                views, _ = await connection.ask(commands.VIEWS, commands.LOOK_AGAIN)
                for name in idle_views(views.text):
                    await connection.ask(commands.close_view(name))
            await self._untidy.wait()
            self._untidy.clear()

    async def _let_people_attach(self) -> None:
        for _ in range(_PATIENCE):
            if not self.tmux.somebody_is_attaching():
                return
            await asyncio.sleep(0.1)

    async def _attach(self) -> "_Connection":
        # A socket, not pipes: the tmux server holds the other end as well, and it may hang when ours must close.
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_unix_connection(sock=ours)
            try:
                process = await asyncio.create_subprocess_exec(
                    *self.tmux.argv(*_ATTACH),
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=DEVNULL,
                    env=self.tmux.env,
                    start_new_session=True,
                )
            except BaseException:
                writer.transport.abort()
                raise
        return _Connection(process, reader, writer, self._notice, timeout_s=self._timeout_s, in_flight=self._in_flight)

    async def _greeted(self, connection: "_Connection") -> bool:
        try:
            async with asyncio.timeout(self._timeout_s):
                if not await connection.attached:
                    return False
            who, subscribed = await connection.ask(("display-message", "-p", "#{pid}"), commands.SUBSCRIBE)
            pid = int(_text(("display-message",), who))
            _text(commands.SUBSCRIBE, subscribed)
        except (TmuxError, TimeoutError, ValueError) as error:
            log.info("the tmux server took no control client: %s", error)
            return False
        if pid != self._server_pid:
            self._lost()
        self._server_pid = pid
        self._tell(ServerFound(pid=pid))
        return True

    def _lost(self) -> None:
        if self._server_pid is not None:
            self._tell(ServerLost(pid=self._server_pid))
            self._server_pid = None

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    def _notice(self, notice: Notice) -> None:
        if notice.kind in _WINDOW_NOTICES:
            self._tell(WindowsChanged())
        elif notice.kind == "client-detached":
            self._untidy.set()
        elif notice.kind == "subscription-changed":
            change = pane_change(notice.rest)
            if change is not None and change.session_id:
                self._tell(change)
                if change.dead and change.dead_status is None and change.dead_signal is None:
                    self._untidy.set()

    def _tell(self, event: Event) -> None:
        if isinstance(event, WindowsChanged) and isinstance(self._latest, WindowsChanged) and not self.events.empty():
            return
        self._latest = event
        if self.events.full():
            log.warning("%s notices of tmux were dropped: nobody read them", self.events.qsize())
            while not self.events.empty():
                self.events.get_nowait()
            self.events.put_nowait(NoticesLost())
        self.events.put_nowait(event)


class _Connection:
    """One control-mode process: questions in, answers out in the same order."""

    def __init__(
        self,
        process: Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        notice: Callable[[Notice], None],
        *,
        timeout_s: float,
        in_flight: int,
    ) -> None:
        self._process = process
        self._in = writer
        self._out = reader
        self._notice = notice
        self._timeout_s = timeout_s
        self._stream = ControlStream()
        self._waiting: deque[_Waiting] = deque()
        self._rounds = asyncio.Semaphore(in_flight)
        self._over = False
        self.attached: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def ask(self, *questions: Command) -> list[Reply]:
        """Send the questions at once and wait for all answers."""
        try:
            lines = "".join(f"{command_line(question)}\n" for question in questions)
        except ValueError as error:
            raise TmuxFailed(questions[0][0], str(error)) from error
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._rounds.acquire()
                return await self._round(lines.encode("utf-8", "replace"), questions)
        except TimeoutError as error:
            self.close()  # the server hangs: a new connection is better than a long queue
            raise TmuxTimeout(questions[0][0], self._timeout_s) from error

    async def _round(self, lines: bytes, questions: tuple[Command, ...]) -> list[Reply]:
        """The round's place is free again when its last answer came, whether or not somebody still waits."""
        if self._over:
            self._rounds.release()
            raise ConnectionLost(questions[0][0])
        loop = asyncio.get_running_loop()
        coming = [loop.create_future() for _ in questions]
        self._waiting.extend(_Waiting(answer, last=answer is coming[-1]) for answer in coming)
        self._in.write(lines)
        replies = []
        for question, answer in zip(questions, coming, strict=True):
            reply = await answer
            if reply is None:
                raise ConnectionLost(question[0])
            replies.append(reply)
        return replies

    async def read(self) -> None:
        """Hand out what the process says until it says no more."""
        try:
            while not self._over and (data := await self._out.read(_CHUNK)):
                for message in self._stream.feed(data):
                    self._accept(message)
        except OSError as error:
            log.info("the control connection broke: %s", error)
        finally:
            self._end()

    def close(self) -> None:
        """End the process; ``read`` returns soon after. Idempotent."""
        self._in.transport.abort()
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def closed(self) -> None:
        """End the process and wait until nothing is left of it."""
        self.close()
        await self._process.wait()

    def _accept(self, message: Message) -> None:
        if self._over:
            return
        match message:
            case Reply(own=False):
                if not self.attached.done():
                    self.attached.set_result(message.ok)
            case Reply():
                self._answer(message)
            case Notice():
                self._notice(message)
            case Stray():
                self._broken("text between the answers")

    def _answer(self, reply: Reply) -> None:
        if not self._waiting:
            return self._broken("an answer that nobody waits for")
        waiting = self._waiting.popleft()
        if not waiting.answer.done():
            waiting.answer.set_result(reply)
        if waiting.last:
            self._rounds.release()
        return None

    def _broken(self, why: str) -> None:
        log.warning("the control stream could not be told apart any more and was left: %s", why)
        self._end()
        self.close()

    def _end(self) -> None:
        """Tell everybody who waits that no answer will come. Idempotent."""
        self._over = True
        if not self.attached.done():
            self.attached.set_result(False)
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.answer.done():
                waiting.answer.set_result(None)
            if waiting.last:
                self._rounds.release()


class _Waiting(NamedTuple):
    """A question under way."""

    answer: "asyncio.Future[Reply | None]"
    """``None``: the connection ended first."""
    last: bool
    """It is the last of its round."""


def _text(question: Command, reply: Reply) -> str:
    if not reply.ok:
        raise TmuxFailed(question[0], reply.text)
    return reply.text


def _done(pane: PaneRef, question: Command, reply: Reply) -> None:
    if not reply.ok and "can't find" in reply.text:
        raise PaneGone(pane.pane_id, f"tmux does not know it: {reply.text}")
    _text(question, reply)
