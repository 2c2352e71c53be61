"""What the screen works with: the mirror, the connection, the clock. All I/O goes through here."""

import asyncio
import gc
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from maestro_tui import programs
from maestro_tui.asking import Asking
from maestro_tui.bindings import KEYS, Keymap
from maestro_tui.deeds import Deed, Done, Outcome, Refused, create_project, done, give_choice, press, typed
from maestro_tui.frame import Broken, Connected, Link, Starting
from maestro_tui.glance import glance
from maestro_tui.keyboard import Batch, Undelivered
from maestro_tui.memory import Memory, recall, remember
from maestro_tui.mirror import ALL_MOVED, Mirror, Moved
from maestro_tui.moment import Moment
from maestro_tui.preferences import DEFAULTS, THEMES, Preferences
from maestro_tui.spotlight import Subject
from maestro_tui.view.remarks import Remark
from maestro_tui.view.shelf import Shelf, Template
from maestrod.domain.changes import Change, Put
from maestrod.domain.model import Delivery, DeliveryState, Noun, Project
from maestrod.protocol.dialogs import Choice, Dialog

if TYPE_CHECKING:
    from maestrod.client.streaming import Changes, Message, Screen, Snapshot, Stream

log = logging.getLogger(__name__)

TURN = 200
"""Entities applied between two turns of the loop, so that keys are heard while much is read."""
TIMELINE = 100
LETTERS = 500
"""Letters of a page."""
OWN, OWN_MS = 50, 10_000
"""Deeds of this screen that are no news to it, and for how long."""
RETURNED = frozenset({DeliveryState.BOUNCED, DeliveryState.EXPIRED})
SEEN_S = 0.02
"""For the first look to be drawn before the interpreter is busy with the rest."""


NOT_YET = Refused("not connected yet", "Wait a moment and try again.")


class Notice(msgspec.Struct, frozen=True):
    """Something that a person may want to be told: an event's name, the id it is about, and when (ms)."""

    event: str
    id: str
    at: int = 0


class Desk:
    """One conversation with one daemon. ``clock`` gives milliseconds; ``changed`` is set when something moved."""

    def __init__(
        self,
        server: str,
        *,
        environ: Mapping[str, str],
        clock: Callable[[], int],
        zone: tzinfo,
        autostart: bool = True,
        preferences: Preferences = DEFAULTS,
        memory: Path | None = None,
    ) -> None:
        self.environ = environ
        self.preferences = preferences
        self.keymap = Keymap(KEYS, preferences.keys, strict=preferences.strict)
        self._memory = memory
        known = recall(memory)
        self.trouble = known.trouble
        self.theme = preferences.theme or known.theme or THEMES[0]
        self.panels = dict(known.panels)
        self.mirror = Mirror()
        self.mirror.seen.update(known.seen)
        self.asking = Asking()
        self.link: Link = Starting("connecting")
        self.changed = asyncio.Event()
        self.noticed = asyncio.Event()
        self._notices: list[Notice] = []
        self._own: deque[tuple[str, int]] = deque(maxlen=OWN)
        self.last_spawn = known.spawn
        self.remarks: dict[str, tuple[Remark, ...]] = dict(known.remarks)
        """Comments on the diffs of sessions that were not sent yet."""
        self._server = server
        self._clock = clock
        self._zone = zone
        self._autostart = autostart
        self._moved = Moved()
        self._writes = 0
        self._unread = asyncio.Event()
        self._stream: Stream | None = None

    def moment(self) -> Moment:
        """Now."""
        return Moment(self._clock(), self._zone)

    def take_moved(self) -> Moved:
        """What has moved since this was asked last."""
        moved, self._moved = self._moved, Moved()
        self.changed.clear()
        return moved

    def take_notices(self) -> list[Notice]:
        """What happened since this was asked last; what this screen asked for itself is no news."""
        notices, self._notices = self._notices, []
        self.noticed.clear()
        return [notice for notice in notices if not self._asked_for(notice)]

    def _asked_for(self, notice: Notice) -> bool:
        return any(notice.id in path and notice.at - at < OWN_MS for path, at in self._own)

    def _notice(self, changes: "Changes") -> None:
        """Take note of what happened, before the mirror knows: mail that comes back is news once."""
        now = self._clock()
        found = [Notice(notice.event, notice.id, now) for notice in changes.notices]
        for change in changes.changes:
            got = change.entity if isinstance(change, Put) else None
            if isinstance(got, Delivery) and got.state in RETURNED and not self.mirror.post.is_known(got):
                found.append(Notice(f"mail:{got.state}", got.mail_id, now))
        if found:
            self._notices += found
            self.noticed.set()

    # -- following -------------------------------------------------------------------------------

    async def follow(self) -> None:
        """Keep the mirror true, for ever."""
        key = _key(self.environ)
        await self._glance(key)
        opened = await asyncio.to_thread(_door)
        async with opened(self._server, key=key) as stream:
            self._stream = stream
            self._unread.set()
            try:
                async with aclosing(stream.messages()) as messages:
                    async for message in messages:
                        await self._hear(message)
            finally:
                gc.unfreeze()

    async def _glance(self, key: str) -> None:
        seen = await asyncio.to_thread(glance, self._server, key)
        for noun, entities in seen.entities.items():
            self._tell(self.mirror.glance(noun, entities, seen.live if noun is Noun.SESSION else {}), self.link)
        await asyncio.sleep(SEEN_S if seen.entities else 0)

    async def _hear(self, message: "Message") -> None:
        from maestrod.client.streaming import Back, Changes, Lost, Snapshot

        match message:
            case Snapshot():
                await self._read(message)
            case Changes():
                self._notice(message)
                moved = self.mirror.apply(message.changes) | self.mirror.know(message.live)
                self._tell(moved, Connected(message.seq, self._writes))
            case Lost(reason=reason, retry_in=retry_in):
                await self._lost(reason, retry_in)
            case Back():
                self._tell(ALL_MOVED, self.link)

    async def _read(self, part: "Snapshot") -> None:
        if part.first:
            gc.unfreeze()
            self.mirror.begin()
        for noun, entities in part.entities.items():
            for start in range(0, len(entities), TURN):
                self._tell(self.mirror.read(noun, entities[start : start + TURN], {}), self.link)
                await asyncio.sleep(0)
        self._tell(self.mirror.read(Noun.SESSION, (), part.live), self.link)
        gc.freeze()  # what was read stays: looking through it for garbage would hold the keys up
        if part.last:
            gc.collect()  # of next to nothing: the collector counts from here, and comes as often as there is little
            self._tell(self.mirror.end(), Connected(part.seq, self._writes))

    async def _lost(self, reason: str, retry_in: float) -> None:
        if self._autostart and isinstance(self.link, Starting):
            self._autostart = False
            self._tell(Moved(), Starting("starting the daemon"))
            started = await self.start_daemon()
            if isinstance(started, Done):
                self.reconnect()
                return
            reason = started.message
        self._tell(Moved(), Broken(reason, self._clock() + int(retry_in * 1000)))

    def _tell(self, moved: Moved, link: Link) -> None:
        if moved.anything or link != self.link:
            if moved.everything or Noun.SESSION in moved.nouns:
                self._follow_questions()
            self._moved |= moved
            self.link = link
            self.changed.set()

    def reconnect(self) -> None:
        """Try again now."""
        if self._stream is not None:
            self._stream.retry_now()

    # -- questions -------------------------------------------------------------------------------

    def _follow_questions(self) -> None:
        self.asking.follow(self.mirror)
        if self.asking.unread():
            self._unread.set()

    def see(self, session_id: str) -> None:
        """A person looks at the session."""
        if self.mirror.see(session_id):
            self._tell(Moved(frozenset({Noun.SESSION}), frozenset({session_id})), self.link)

    def look_again(self) -> None:
        """Read the screens of those who ask and whose dialogs were not seen yet."""
        self.asking.again()
        if self.asking.unread():
            self._unread.set()

    async def read_questions(self) -> None:
        """Know what the open dialogs offer, for ever."""
        while True:
            await self._unread.wait()
            self._unread.clear()
            for session_id in self.asking.unread():
                await self.read_question(session_id)

    async def read_question(self, session_id: str) -> None:
        """Read a session's open dialog from its screen."""
        from maestrod.client.streaming import Refusal, Screen

        if self._stream is None:
            return
        before = self.asking.dialogs.get(session_id)
        screen = await self._stream.look(session_id)
        if isinstance(screen, Refusal) and not screen.status:
            return  # nobody answered: it is read when the daemon is back
        self.asking.tell(session_id, screen.dialog if isinstance(screen, Screen) else None)
        if self.asking.dialogs.get(session_id) != before:
            self._tell(Moved(frozenset({Noun.SESSION}), frozenset({session_id})), self.link)

    async def answer(self, session_id: str, name: str, choice: Choice, dialog: Dialog) -> Outcome:
        """Give a choice of the dialog that was seen; when another is open by now, it is read and nothing is sent."""
        self.asking.busy.add(session_id)
        self._tell(Moved(frozenset({Noun.SESSION}), frozenset({session_id})), self.link)
        try:
            outcome = await self.type_to(give_choice(session_id, name, choice, dialog))
        finally:
            self.asking.busy.discard(session_id)
        if isinstance(outcome, Done):
            self.asking.answered(session_id)
        else:
            await self.read_question(session_id)
        self._tell(Moved(frozenset({Noun.SESSION}), frozenset({session_id})), self.link)
        return outcome

    # -- asking ----------------------------------------------------------------------------------

    async def do(self, deed: Deed) -> Outcome:
        """Ask the daemon for a deed."""
        if self._stream is None:
            return NOT_YET
        from maestrod.client.streaming import Refusal

        self._count(1)
        self._own.append((deed.path, self._clock()))
        try:
            answer = await self._stream.write(deed.method, deed.path, deed.body)
        finally:
            self._count(-1)
        return Refused(answer.message, answer.hint) if isinstance(answer, Refusal) else done(answer.body, deed.said)

    async def make_project(self, where: str, name: str) -> Outcome:
        """Put a directory under coordination; where the daemon is elsewhere, the directory is one of its machine."""
        here = self._server.startswith("unix:")
        found = await asyncio.to_thread(programs.directory, where, self.environ) if here else Path(where)
        if isinstance(found, Refused):
            return found
        return await self.do(create_project(name or found.name or "project", str(found)))

    async def type_to(self, deed: Deed) -> Outcome:
        """Type to an agent; done only when it arrived."""
        if self._stream is None:
            return NOT_YET
        from maestrod.client.streaming import Refusal

        answer = await self._stream.write(deed.method, deed.path, deed.body)
        if isinstance(answer, Refusal):
            return Refused(answer.message, answer.hint)
        return typed(answer.body, deed.said)

    async def press(self, session_id: str, batch: Batch) -> Undelivered | None:
        """Give an agent what a person typed, once: what is not answered for is not sent again."""
        if self._stream is None:
            return Undelivered(NOT_YET.message)
        from maestrod.client.streaming import Refusal

        deed = press(session_id, batch)
        answer = await self._stream.once(deed.method, deed.path, deed.body)
        if isinstance(answer, Refusal):
            return Undelivered(answer.message, perhaps=answer.code in {"UNANSWERED", "INTERNAL_ERROR"})
        outcome = typed(answer.body, deed.said)
        return Undelivered(outcome.message) if isinstance(outcome, Refused) else None

    async def look(self, session_id: str) -> str:
        """The text on a session's screen now; empty when there is none."""
        if self._stream is None:
            return ""
        from maestrod.client.streaming import Refusal

        screen = await self._stream.look(session_id)
        return "" if isinstance(screen, Refusal) else screen.text

    def _count(self, step: int) -> None:
        self._writes += step
        if isinstance(self.link, Connected):
            self._tell(Moved(), Connected(self.link.seq, self._writes))

    async def told(self, path: str) -> bytes | Refused:
        """The document at a path, as it came."""
        if self._stream is None:
            return NOT_YET
        from maestrod.client.streaming import Refusal

        answer = await self._stream.get(path)
        return Refused(answer.message, answer.hint) if isinstance(answer, Refusal) else answer.body

    async def fetch(self, subject: Subject, *, docs: bool = False) -> None:
        """Read what lists leave out: long texts, checklist, queue, timeline. What cannot be read stays as it is."""
        noun, id_ = subject
        about = f"/{noun}s/{id_}"
        wanted = [(f"{about}/docs?limit={TIMELINE}", Noun.DOC)] if docs else []
        if noun in {Noun.TASK, Noun.SESSION}:
            wanted.append((f"{about}/timeline?limit={TIMELINE}&order=desc", Noun.TIMELINE))
        if noun is Noun.TASK:
            wanted += [(about, Noun.TASK), (f"{about}/subtasks", Noun.SUBTASK)]
        elif noun is Noun.SESSION:
            wanted += _queue_of(id_)
        await self._fetch(wanted)

    async def fetch_queue(self, session_id: str) -> None:
        """Read a session's queue and its items."""
        await self._fetch(_queue_of(session_id))

    async def _fetch(self, wanted: Sequence[tuple[str, Noun]]) -> None:
        """Read what stands at these paths at once, so that it is drawn at once."""
        stream = self._stream
        if stream is None:
            return
        changes: list[Change] = []
        answers = await asyncio.gather(*(stream.read(path, noun) for path, noun in wanted))
        for (path, noun), found in zip(wanted, answers, strict=True):
            if isinstance(found, msgspec.Struct):
                log.debug("could not read %s: %s", path, found)
            else:
                changes += [Put(noun, entity) for entity in found]
        self._tell(self.mirror.apply(changes), self.link)

    async def shelf(self, project: Project | None) -> Shelf | Refused:
        """The templates of the daemon, and the skills of every place that a project sees, as they lie here."""
        told = await self.told("/templates")
        if isinstance(told, Refused):
            return told
        try:
            templates = msgspec.json.decode(told, type=tuple[Template, ...])
        except msgspec.MsgspecError as error:
            return Refused(f"the templates cannot be read: {error}")
        directory = project.working_dir if project is not None else None
        return Shelf(templates, await asyncio.to_thread(programs.books, self.environ, directory))

    async def fetch_mail(self, older: str = "") -> Refused | None:
        """Read a page of the mail, the newest or what is ``older``; why not, when it cannot be read."""
        told = await self.told(f"/mail?order=desc&limit={LETTERS}{f'&cursor={older}' if older else ''}")
        if isinstance(told, Refused):
            return told
        try:
            self.mirror.post.read(told)
        except msgspec.MsgspecError as error:
            return Refused(f"the mail cannot be read: {error}")
        return None

    async def screens(self, session_id: str, *, fps: int = 10) -> "AsyncGenerator[Screen | str, None]":
        """The session's pane each time it changes; words instead when there is none."""
        if self._stream is None:
            yield "not connected yet"
            return
        from maestrod.client.streaming import ScreenGone

        async with aclosing(self._stream.screen(session_id, fps=fps)) as screens:
            try:
                async for screen in screens:
                    yield screen
            except ScreenGone as gone:
                yield str(gone)

    # -- remembering -----------------------------------------------------------------------------

    def remember(self) -> None:
        """Write down what is to be known the next time."""
        known = Memory(
            theme=self.theme,
            spawn=self.last_spawn,
            seen=self.mirror.seen,
            panels=self.panels,
            remarks=self.remarks,
        )
        remember(self._memory, known)

    def remark(self, session_id: str, remarks: tuple[Remark, ...]) -> None:
        """These are the comments on a session's diff now."""
        self.remarks[session_id] = remarks
        if not remarks:
            del self.remarks[session_id]
        self.remember()

    # -- programs --------------------------------------------------------------------------------

    async def start_daemon(self) -> Outcome:
        """Start the daemon as a process of its own."""
        return await programs.maestro(["daemon", "start"], self.environ, "the daemon runs")

    async def spawn(self, spawn: programs.Spawn) -> Outcome:
        """Start an agent; remembered for the next time."""
        self.last_spawn = spawn
        self.remember()
        words, said = programs.spawn_words(spawn), "the agent is starting"
        return await programs.maestro(words, self.environ, said, named="{} is starting")

    async def resume(self, session_id: str, name: str) -> Outcome:
        """Bring an ended session back."""
        return await programs.maestro(["session", "resume", session_id], self.environ, f"{name} is coming back")


def _queue_of(session_id: str) -> list[tuple[str, Noun]]:
    about = f"/sessions/{session_id}/queue"
    return [(about, Noun.QUEUE), (f"{about}/items", Noun.ITEM)]


def _door() -> "type[Stream]":
    """The live door; importing it takes as long as everything else together, so it is done beside the loop."""
    from maestrod.client.streaming import Stream

    return Stream


def _key(environ: Mapping[str, str]) -> str:
    path = environ.get("MAESTRO_API_KEY_FILE")
    if not path:
        return environ.get("MAESTRO_API_KEY", "")
    try:
        return Path(path).expanduser().read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        log.warning("cannot read the key in %s: %s", path, error)
        return ""
