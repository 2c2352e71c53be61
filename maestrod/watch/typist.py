"""Types a text into an agent's pane, only when it is safe to, and sees whether the agent took it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum
from weakref import WeakValueDictionary

import msgspec

from maestrod.domain.errors import Conflict
from maestrod.domain.model import LIVE_SESSION, Noun, Session, SessionStatus
from maestrod.engine.engine import Engine
from maestrod.tmux.control import ControlClient
from maestrod.tmux.errors import TmuxError
from maestrod.tmux.facts import Capture, PaneRef
from maestrod.tmux.oneshot import ENTER_PAUSE_S
from maestrod.watch.composer import asks, drafted, holds, is_same
from maestrod.watch.dialogs import Dialog, dialog_of, is_expected, meant, offered, steps
from maestrod.watch.evidence import Doing
from maestrod.watch.observer import Observer
from maestrod.watch.processes import Look, is_shell
from maestrod.watch.rulebook import Rulebook
from maestrod.watch.screens import read

CONFIRM_S = 2.0
TRIES = 3
LOOK_S = 0.05
DRAWN_S = 0.3
"""How long an agent may take to draw what was typed: before that its screen says nothing."""
LOOKS = 3
"""So often the composer must be seen without the text, one look after the other."""
HANDS_OFF_S = 5
"""How long after a person's last key in the agent's window nothing is typed there."""

ASKED = "a question is open; Enter would answer it"
UNANSWERED = "the agent gave no sign that it took it"


class NoPane(Conflict):
    """The session has no pane that could be seen."""

    code = "PANE_GONE"


class Result(StrEnum):
    """What became of a text."""

    SUBMITTED = "submitted"
    QUEUED = "queued"
    """The agent is at work and takes it up after its turn."""
    NOT_DELIVERED = "not_delivered"


class Answer(msgspec.Struct, frozen=True):
    """What became of a text, and why; ``typed`` says whether anything reached the pane."""

    result: Result
    reason: str = ""
    typed: bool = True


class Typist:
    """The one who types texts: a text at a time into each pane, whoever wants it typed."""

    def __init__(self, engine: Engine, observer: Observer, tmux: ControlClient, rules: Rulebook) -> None:
        self._engine = engine
        self._observer = observer
        self._tmux = tmux
        self._rules = rules
        self._busy: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def say(self, session_id: str, text: str, *, only_if: Callable[[], bool] = lambda: True) -> Answer:
        """Type the text and press Enter, unless something is in the way or ``only_if`` does not hold any more.

        Both are looked at when the pane is free, right before anything is typed, and an open question once more
        before each Enter.

        Raises:
            NoPane: the session has ended, or has no pane.
        """
        return await self._alone(session_id, lambda: self._said(session_id, text, only_if))

    async def _alone(self, session_id: str, deed: Callable[[], Awaitable[Answer]]) -> Answer:
        """One at a time types into a pane; what tmux refuses was not delivered."""
        lock = self._busy.setdefault(session_id, asyncio.Lock())
        async with lock:
            try:
                return await deed()
            except TmuxError as error:
                return Answer(Result.NOT_DELIVERED, str(error))

    async def _said(self, session_id: str, text: str, only_if: Callable[[], bool]) -> Answer:
        session = self._session(session_id)
        pane = pane_of(session)
        if session.status is SessionStatus.SPAWNING:
            return _untouched("the agent is still starting")
        person = await self._person_is_typing(session)
        shown = await self._tmux.capture(pane, colours=False)
        draft = drafted(shown.text, shown.cursor_x, shown.cursor_y)
        ours = bool(draft) and is_same(draft or "", text)
        if self._asks(session, shown):
            return _untouched(ASKED)
        stranger = _stranger(session)
        if stranger:
            return _untouched(stranger)
        if person:
            return _untouched("a person is typing in its window")
        if draft and not ours:
            return _untouched("something else stands in its composer already")
        if not only_if():
            return _untouched("it is not wanted any more")
        since = self._engine.clock.now()
        if not ours:
            await self._tmux.paste(pane, text)
            await asyncio.sleep(ENTER_PAUSE_S)
        return await self._entered(session, pane, text, since)

    async def _entered(self, session: Session, pane: PaneRef, text: str, since: int) -> Answer:
        """Press Enter until the agent takes what stands in its composer."""
        for _ in range(TRIES):
            busy = self._observer.verdict(pane.session_id).doing is Doing.WORKING
            if self._asks(session, await self._tmux.capture(pane, colours=False)):
                return Answer(Result.NOT_DELIVERED, f"{ASKED}, and the text waits in the composer")
            await self._tmux.send_keys(pane, "Enter")
            if await self._taken(pane, text, None if busy else since):
                return _queued() if busy else Answer(Result.SUBMITTED)
        return Answer(Result.NOT_DELIVERED, UNANSWERED)

    def _asks(self, session: Session, shown: Capture) -> bool:
        if self._observer.verdict(session.id).doing is Doing.NEEDS_INPUT:
            return True
        if self._rules.of(session.provider) is None:
            return asks(shown.text)
        return self.dialog(session, shown.text, title=shown.title, width=shown.width) is not None

    def dialog(self, session: Session, screen: str, *, title: str, width: int) -> Dialog | None:
        """The dialog that is open on the session's screen, as far as its provider's rules can tell."""
        rules = self._rules.of(session.provider)
        return None if rules is None else dialog_of(read(rules, screen, title=title, width=width))

    async def _dialog(self, session: Session, pane: PaneRef) -> Dialog | None:
        shown = await self._tmux.capture(pane, colours=False)
        return self.dialog(session, shown.text, title=shown.title, width=shown.width)

    async def answer(self, session_id: str, choice: str, expect: str) -> Answer:
        """Give a choice of the open dialog, if that is still the one that the caller saw.

        It is read right before the first key, and before Enter once more.

        Raises:
            NoPane: the session has ended, or has no pane.
        """
        return await self._alone(session_id, lambda: self._answered(session_id, choice, expect))

    async def _answered(self, session_id: str, choice: str, expect: str) -> Answer:
        session = self._session(session_id)
        pane = pane_of(session)
        if await self._person_is_typing(session):
            return _untouched("a person is typing in its window")
        dialog = await self._dialog(session, pane)
        if dialog is None:
            return _untouched("no question is open that could be read")
        if not is_expected(dialog, expect):
            return _untouched(f"another question is open now: {dialog.text} ({offered(dialog)})")
        place = meant(dialog, choice)
        if place is None:
            return _untouched(f"it offers no such choice: {offered(dialog)}")
        number = dialog.choices[place].number
        keys = steps(dialog, place) if number is None else (str(number),)
        if keys is None:
            return _untouched("none of its choices is marked")
        if keys:
            await self._tmux.send_keys(pane, *keys)
        return await self._settled(session, pane, dialog, place)

    async def _settled(self, session: Session, pane: PaneRef, dialog: Dialog, place: int) -> Answer:
        """See the dialog go; with the mark on the choice Enter is what it waits for."""
        entered = False
        for _ in range(round(CONFIRM_S / LOOK_S)):
            await asyncio.sleep(LOOK_S)
            now = await self._dialog(session, pane)
            if now is None or now.digest != dialog.digest:
                return Answer(Result.SUBMITTED)
            if now.choices[place].chosen and not entered:
                entered = True
                await self._tmux.send_keys(pane, "Enter")
        return Answer(Result.NOT_DELIVERED, "the question is still open")

    async def _person_is_typing(self, session: Session) -> bool:
        """Whether somebody who is attached to the agent's window has pressed a key there a moment ago."""
        window = session.pane.window if session.pane is not None else ""
        now_s = self._engine.clock.now() / 1000
        viewers = await self._tmux.viewers()
        return any(window in {"", v.window_id} and now_s - v.active_at_s < HANDS_OFF_S + 1 for v in viewers)

    async def _taken(self, pane: PaneRef, text: str, since: int | None) -> bool:
        """Whether the text left the composer, or the agent gave a sign of work since it was typed.

        An agent at work gives signs of that all the time: for it ``since`` is None, and only the screen counts.
        """
        begun = time.monotonic()
        empty = 0
        held: bool | None = None
        while time.monotonic() - begun < CONFIRM_S:
            await asyncio.sleep(LOOK_S)
            if since is not None and self._gave_sign(pane.session_id, since):
                return True
            if time.monotonic() - begun < DRAWN_S:
                continue
            held = holds((await self._tmux.capture(pane, colours=False)).text, text)
            empty = empty + 1 if held is False else 0
            if empty >= LOOKS:
                return True
        return held is None and since is None

    def _gave_sign(self, session_id: str, since: int) -> bool:
        told = any(e.at >= since and e.doing is not Doing.IDLE for e in self._observer.evidence(session_id))
        return told or self._observer.heard_at(session_id) >= since

    def _session(self, session_id: str) -> Session:
        found = self._engine.state.table(Noun.SESSION).get(session_id)
        if not isinstance(found, Session):
            raise NoPane(f"session {session_id} is not there any more")
        return found


def _stranger(session: Session) -> str:
    """Who would get what is typed instead of the agent; empty when it is the agent."""
    pid = session.pane.pid if session.pane is not None else None
    if pid is None:
        return ""
    if is_shell(pid):
        return "a shell has taken the agent's place"
    return "" if Look(pid).is_in_front else "another program has the agent's terminal"


def pane_of(session: Session) -> PaneRef:
    """The pane of a live session.

    Raises:
        NoPane: it has ended, or was not launched.
    """
    if session.pane is None or session.status not in LIVE_SESSION:
        raise NoPane(
            f"session {session.id} is {session.status} and has no living pane", hint="Resume it, or start another."
        )
    try:
        return PaneRef(session.pane.pane, session.id)
    except ValueError as error:
        raise NoPane(str(error)) from error


def _untouched(reason: str) -> Answer:
    return Answer(Result.NOT_DELIVERED, reason, typed=False)


def _queued() -> Answer:
    return Answer(Result.QUEUED, "the agent is at work, and takes it up when its turn is over")
