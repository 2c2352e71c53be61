"""The composition root: what the daemon is made of, what it starts first and stops last."""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from maestrod.api.addresses import Listener
from maestrod.api.ancestry import PaneProcesses
from maestrod.api.backups import BackupCalls
from maestrod.api.checks import Checks
from maestrod.api.commits import Commits
from maestrod.api.control import Control
from maestrod.api.door import Door
from maestrod.api.events import Streams
from maestrod.api.guard import Guard
from maestrod.api.guests import Guests
from maestrod.api.history import History
from maestrod.api.identity import Callers, Credentials
from maestrod.api.imports import Imports
from maestrod.api.limits import Limits
from maestrod.api.listening import listening
from maestrod.api.mail import MailCalls
from maestrod.api.panes import Panes
from maestrod.api.reads import Daemon, Reads
from maestrod.api.server import Api, Handler
from maestrod.api.sessions import SessionCalls
from maestrod.api.skills import SkillCalls
from maestrod.api.worktrees import WorktreeCalls
from maestrod.api.writes import Writes
from maestrod.domain.model import Noun, SessionStatus
from maestrod.engine.backups import Backups
from maestrod.engine.clock import Clock
from maestrod.engine.engine import Engine
from maestrod.engine.history import Checkpoints, Loaded, load
from maestrod.engine.hub import Hub
from maestrod.engine.live import Live
from maestrod.engine.past import Past
from maestrod.invariants import Monitor
from maestrod.locations import Locations
from maestrod.settings import Settings
from maestrod.store.files import Files
from maestrod.store.lock import HomeLock
from maestrod.systemd import Systemd
from maestrod.tmux.control import ControlClient
from maestrod.tmux.errors import TmuxError
from maestrod.tmux.oneshot import Tmux
from maestrod.tmux.server import server_name
from maestrod.watch import folders
from maestrod.watch.courier import Courier
from maestrod.watch.ender import Ender
from maestrod.watch.liveness import Liveness
from maestrod.watch.looker import Looker
from maestrod.watch.observer import Observer
from maestrod.watch.postman import Postman
from maestrod.watch.prover import Prover
from maestrod.watch.restarter import Restarter
from maestrod.watch.rulebook import Rulebook
from maestrod.watch.typist import Typist
from maestrod.watch.worktrees import Worktrees

log = logging.getLogger(__name__)


async def serve(
    settings: Settings, places: Locations, listeners: Sequence[Listener], systemd: Systemd | None = None
) -> None:
    """Run the daemon until it is told to stop.

    Raises:
        StoreError: another daemon has the home, or the disk cannot be believed.
        OSError: a listener cannot be opened.
    """
    for folder in (places.config, places.data, places.run, places.logs):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with HomeLock(places.run / "lock", data=places.data):
        loaded = await asyncio.to_thread(
            load,
            places.data,
            journal_folder=places.journal,
            snapshots=places.snapshots,
            durability=settings.durability,
        )
        try:
            await House(settings, places, loaded, listeners=listeners, systemd=systemd).run()
        except BaseExceptionGroup as group:
            raise _only(group) from group
        finally:
            await asyncio.to_thread(loaded.journal.close)


def _only(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error of a group; of several the group itself."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


class House:
    """The parts of a running daemon and how they are wired; what is made first is used by what comes later."""

    def __init__(
        self,
        settings: Settings,
        places: Locations,
        loaded: Loaded,
        *,
        listeners: Sequence[Listener] = (),
        systemd: Systemd | None = None,
        clock: Clock | None = None,
        files: Files | None = None,
    ) -> None:
        self._places = places
        self._settings = settings
        self._listeners = listeners
        self._systemd = systemd or Systemd()
        self._journal = loaded.journal
        self._stop = asyncio.Event()
        self._clock = clock or Clock()
        self._engine = Engine(
            loaded.state, loaded.journal, self._clock, keys=loaded.keys, stall_s=settings.disk_stall_s
        )
        self._hub, self._live = Hub(), Live()
        self._credentials = Credentials(places.run / "sessions")
        self._credentials.load(loaded.state.table(Noun.SESSION))
        self._checkpoints = Checkpoints(
            self._engine, loaded.journal, places.snapshots, every=settings.snapshot_every, files=files
        )
        self._past = Past(loaded.journal, places.snapshots)
        backups = Backups(places.data, loaded.journal, self._checkpoints, self._past)
        self._backups = BackupCalls(backups, most=settings.backups_most, days=settings.backups_days)
        self._monitor = Monitor(self._engine, self._hub, quiet_s=settings.quiet_s)
        self._watch(settings)
        self._serve(settings, loaded)
        heard = (
            self._hub.publish,
            self._credentials.heard,
            self._pane_processes.heard,
            self._guests.heard,
            self._observer.heard,
            self._ender.heard,
            self._courier.heard,
            self._restarter.heard,
            self._prover.heard,
        )
        for listener in heard:
            self._engine.listen(listener)
        self._live.listen(self._hub.publish_live)

    def _control(self) -> ControlClient:
        """The door to tmux."""
        return ControlClient(Tmux(server_name(str(self._places.home)), self._places.tmux_conf, os.environ))

    def _changes(self, *places: Path, stop: asyncio.Event | None = None) -> folders.Changes:
        """The door to what the system tells of folders."""
        return folders.changes(*places, stop=stop)

    def _open(self) -> AbstractAsyncContextManager[None]:
        """The door for callers, open for as long as the block runs."""
        return listening(self._api, self._places, self._settings, self._listeners, self._systemd.sockets)

    def _watch(self, settings: Settings) -> None:
        engine, live, places = self._engine, self._live, self._places
        tmux = self._tmux = self._control()
        observer = self._observer = Observer(engine, live, idle_end_s=settings.idle_end_s)
        self._postman = Postman(engine)
        self._rules = Rulebook(places.config, self._changes)
        self._typist = Typist(engine, observer, tmux, self._rules)
        self._courier = Courier(
            engine, observer, self._typist, queue_rest_s=settings.queue_rest_s, stuck_s=settings.stuck_s
        )
        self._liveness = Liveness(engine, live, observer, tmux, places)
        self._looker = Looker(engine, observer, tmux, self._rules, start_limit_s=settings.start_limit_s)
        self._worktrees = Worktrees(engine, places, os.environ)
        self._restarter = Restarter(engine, places, pace=settings.restart_pace)
        self._prover = Prover(engine, places, limit_s=settings.check_limit_s)
        self._ender = Ender(engine, observer, tmux, places, grace_s=settings.stop_grace_s, turn_s=settings.idle_end_s)

    def _serve(self, settings: Settings, loaded: Loaded) -> None:
        daemon = Daemon(
            boot_id=secrets.token_hex(8),
            started_at=self._clock.now(),
            home=str(self._places.home),
            warnings=tuple(loaded.warnings),
        )
        self._skills = SkillCalls(self._engine, self._changes)
        reads = Reads(self._engine, self._live, daemon, self._monitor, self._skills, self._rules)
        folder = self._places.data / "sessions"
        self._checks = Checks(self._engine)
        writes = Writes(
            self._engine,
            self._live,
            self._credentials,
            self._checks,
            sessions=folder,
            worktrees=self._places.worktrees,
        )
        self._streams = Streams(self._engine, self._hub, most=settings.stream_clients, ping_s=settings.stream_ping_s)
        self._panes = Panes(self._engine, self._typist, self._tmux, self._places)
        self._pane_processes = PaneProcesses(loaded.state.live_sessions())
        self._guests = Guests(self._clock.now)
        callers = Callers(self._credentials, self._engine, self._pane_processes)
        self._api = Api(
            self._engine,
            reads,
            writes,
            Door(callers, Limits(settings, self._clock.now), self._guests, Guard(self._listeners, settings)),
            self._handlers(),
            spoke=self._observer.spoke,
            settings=settings,
        )

    def _handlers(self) -> dict[str, Handler]:
        sessions = self._sessions = SessionCalls(self._engine, self._live, self._observer, self._postman)
        mail = self._mail = MailCalls(self._engine)
        history = History(self._engine, self._past)
        trees = WorktreeCalls(self._engine, self._worktrees)
        return {
            "events": self._streams.serve,
            "shutdown": Control(self._stop).shutdown,
            "commits": Commits(self._engine).answer,
            "state": history.state,
            "ws_status": self._streams.status,
            "undo": history.undo,
            "import": Imports(self._engine).answer,
            "backups": self._backups.listed,
            "backup": self._backups.create,
            "hook": sessions.hook,
            "wait": sessions.wait,
            "explain": sessions.explain,
            "checks": self._checks.answer,
            "mail_wait": mail.wait,
            "screen": self._panes.screen,
            "screen_stream": self._panes.screen_stream,
            "input": self._panes.input,
            "skills": self._skills.listed,
            "skills_of_role": self._skills.of_role,
            "skill": self._skills.one,
            "skill_reload": self._skills.reload,
            "worktrees": trees.listed,
            "worktree": trees.one,
            "worktree_diff": trees.diff,
            "worktree_merge": trees.merge,
            "worktree_remove": trees.remove,
            "trash": trees.trash,
            "trash_restore": trees.restore,
        }

    async def run(self) -> None:
        """Serve until told to stop; sessions are reconciled first, streams are closed first."""
        self._engine.start()
        async with asyncio.TaskGroup() as group:
            hub = (self._hub.run, self._hub.run_live, self._streams.run)
            rooms = (self._engine.run, *hub, self._checkpoints.run, self._monitor.run)
            workers = (self._tmux.serve, self._ender.run, self._prover.run, self._postman.run)
            watchers = (self._worktrees.run, self._skills.run, self._rules.run)
            tasks = [group.create_task(run()) for run in (*rooms, *workers, *watchers)]
            await self._liveness.reconcile()
            await self._ender.remember()
            await self._prover.remember()
            self._courier.remember()
            self._restarter.remember()
            facts = (self._liveness.run, self._liveness.listen, self._looker.run)
            watching = (*facts, self._courier.run, self._restarter.run)
            tasks += [group.create_task(run()) for run in watching]
            if (every := self._systemd.watchdog_s) is not None:
                tasks.append(group.create_task(self._reassure(every)))
            async with self._open():
                await self._until_stopped()
            await self._checkpoints.write()
            for task in tasks:
                task.cancel()
        await self._put_out_lights()

    async def _put_out_lights(self) -> None:
        """Leave no tmux server behind that holds nobody, unless somebody is about to open a window in it."""
        if any(s.status is SessionStatus.SPAWNING and s.launch for s in self._engine.state.live_sessions()):
            return
        with contextlib.suppress(TmuxError, OSError):
            await asyncio.to_thread(self._tmux.tmux.end_if_empty)

    async def _until_stopped(self) -> None:
        _on_signals(self._stop)
        seq, home = self._engine.seq, str(self._places.home)
        log.info("serving", extra={"event": "started", "seq": seq, "home": home})
        self._systemd.tell(ready=1, status=f"serving {home}")
        await self._stop.wait()
        log.info("stopping", extra={"event": "stopping", "seq": self._engine.seq})
        self._systemd.tell(stopping=1, status="stopping")
        self._api.draining = True
        self._sessions.close()
        self._checks.close()
        self._mail.close()
        await self._streams.close()
        await self._panes.close()

    async def _reassure(self, every: float) -> None:
        """Tell a watchdog that all is well: the loop turns, and the thread that writes lives."""
        while self._journal.writing:
            sessions = sum(1 for _ in self._engine.state.live_sessions())
            self._systemd.tell(watchdog=1, status=f"serving {self._places.home}, live sessions: {sessions}")
            await asyncio.sleep(every)


def _on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
