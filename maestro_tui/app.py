"""The app: wiring, the clock, and the deeds that people ask for."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SuspendNotSupported
from textual.binding import BindingType
from textual.command import Provider

from maestro_tui import programs, view
from maestro_tui.cells import plain
from maestro_tui.deeds import Deed, Done, Outcome, delete_session, delete_task, move_task, stop_session
from maestro_tui.desk import Desk
from maestro_tui.faces import face_of_session
from maestro_tui.mirror import UNKNOWN
from maestro_tui.screens.mission import Mission
from maestro_tui.themes import THEMES
from maestro_tui.widgets.guarded import Guarded
from maestrod.domain.model import LIVE_SESSION, Noun, Project, Session, Task

if TYPE_CHECKING:
    from textual.screen import Screen

    from maestro_tui.screens.dialog import Dialog
    from maestro_tui.screens.small import Perform

log = logging.getLogger(__name__)

FRAME_S = 1 / 30
"""The shortest time between two drawings of what the daemon says."""
FAILURES = 20
"""After so many failures of our own the app ends after all."""


def _palette() -> type[Provider]:
    from maestro_tui.palette import Palette

    return Palette


class MaestroApp(Guarded, App[None]):
    """Mission, its dialogs, and one conversation with the daemon."""

    TITLE = "maestro"
    CSS_PATH = "maestro.tcss"
    BINDINGS: ClassVar[list[BindingType]] = []
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_palette}

    def __init__(self, desk: Desk, *, theme: str = "dark") -> None:
        super().__init__()
        self.desk = desk
        self.mission = Mission(desk)
        self.failures: list[BaseException] = []
        self._attached_once = False
        for each in THEMES.values():
            self.register_theme(each)
        self.theme = THEMES[theme].name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What a theme that is not ours lacks."""
        return THEMES["dark"].variables

    def get_default_screen(self) -> "Screen[None]":
        """Mission comes first."""
        return self.mission

    def on_mount(self) -> None:
        """What the daemon says comes after the first paint."""
        self.set_interval(1.0, self._tick)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.begin(self._live)

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.desk.follow())
            group.create_task(self._draw())

    async def _draw(self) -> None:
        while True:
            await self.desk.changed.wait()
            self.mission.redraw(self.desk.take_moved())
            self.mission.tell(self.desk.take_notices())
            await asyncio.sleep(FRAME_S)

    def _tick(self) -> None:
        if self.mission.is_mounted:
            self.mission.tick()

    def _handle_exception(self, error: Exception) -> None:
        """A failure of our own is told in a panel; the screen and the agents go on."""
        self.failures.append(error)
        log.error("the screen failed", exc_info=error)
        if not self.mission.is_mounted or not self.screen_stack or len(self.failures) > FAILURES:
            super()._handle_exception(error)
            return
        from maestro_tui.screens.small import Failure
        from maestrod.locations import locate

        if not isinstance(self.screen, Failure):
            self._open(Failure(error, str(locate(self.desk.environ).logs / "tui.log")))

    # -- commands --------------------------------------------------------------------------------

    async def run_on_mission(self, action: str) -> None:
        """Run an action as if its key had been pressed on Mission."""
        await self.run_action(action, default_namespace=self.mission)

    def use_theme(self, name: str) -> None:
        """Dark or light."""
        self.theme = THEMES[name].name

    def start_daemon(self) -> None:
        """Start the daemon when it does not run."""
        self.begin(self._started)

    async def _started(self) -> None:
        self._told(await self.desk.start_daemon())
        self.desk.reconnect()

    def move_task(self, verb: str) -> None:
        """Ask for a move of the task that is shown."""
        if (task := self.mission.spot.task) is not None:
            self._ask(move_task(task.id, verb, plain(task.title)))

    def _ask(self, deed: Deed) -> None:
        self.begin(partial(self._do, deed))

    async def _do(self, deed: Deed) -> None:
        self._told(await self.desk.do(deed))

    def _told(self, outcome: Outcome | None) -> None:
        if isinstance(outcome, Done) and outcome.session_id in self.desk.mirror.state.table(Noun.SESSION):
            self.mission.go_to(Noun.SESSION, outcome.session_id)
        if outcome is None or not outcome.words:
            return
        severity = "information" if isinstance(outcome, Done) else "error"
        self.notify(outcome.words, severity=severity, markup=False)  # type: ignore[arg-type]

    def _open(self, dialog: "Dialog") -> None:
        _ = self.push_screen(dialog, self._told)

    def _say(self, words: str) -> None:
        self.notify(words, severity="warning", markup=False)

    # -- deeds -----------------------------------------------------------------------------------

    def action_help(self) -> None:
        """Every key."""
        from maestro_tui.screens.small import Help

        self._open(Help())

    def action_new_task(self) -> None:
        """Ask for a new task."""
        from maestro_tui.screens.new_task import NewTask

        projects = [p for p in self.desk.mirror.state.table(Noun.PROJECT).values() if isinstance(p, Project)]
        live = [p for p in projects if p.archived_at is None]
        self._open(NewTask(self.desk, live, self.mission.spot.project_id))

    def action_spawn(self) -> None:
        """Ask for an agent."""
        from maestro_tui.screens.spawn import SpawnDialog

        project_id = self.mission.spot.project_id
        if project_id is None:
            self._say("Put the cursor on a project or a task first; `maestro init` makes a project.")
            return
        task = self.mission.spot.task
        tasks = view.spawnable(self.desk.mirror, project_id, task)
        chosen = [task.id] if task is not None else []
        self._open(SpawnDialog(self.desk, project_id, tasks, chosen))

    def _session(self) -> Session | None:
        session = self.mission.spot.session_about
        if session is None:
            self._say("There is no session here; put the cursor on one.")
        return session

    def action_stop(self) -> None:
        """Stop the session, after showing what is lost."""
        from maestro_tui.screens.small import Question

        session = self._session()
        if session is None:
            return
        if session.status not in LIVE_SESSION:
            self._say(f"{plain(session.name)} has ended already.")
            return
        deed = stop_session(session.id, plain(session.name))
        words = view.what_stopping_loses(self.desk.mirror, session)
        self._open(Question(f"Stop {session.name}?", "stop it", words, lambda: self.desk.do(deed)))

    def action_resume(self) -> None:
        """Bring an ended session back."""
        session = self._session()
        if session is None:
            return
        if session.status in LIVE_SESSION:
            self._say(f"{plain(session.name)} has not ended.")
            return
        self.begin(partial(self._resumed, session.id, plain(session.name)))

    async def _resumed(self, session_id: str, name: str) -> None:
        self._told(await self.desk.resume(session_id, name))

    def action_delete(self) -> None:
        """Delete a task, or forget an ended session, after showing what is lost."""
        from maestro_tui.screens.small import Question

        match self.mission.spot.entity:
            case Task() as task:
                lost = view.what_deleting_loses(self.desk.mirror.state, task)
                deed = delete_task(task.id, plain(task.title))
                self._open(Question(f"Delete “{task.title}”?", "delete it", lost, lambda: self.desk.do(deed)))
            case Session() as session if session.status in LIVE_SESSION:
                self._say(f"{plain(session.name)} is alive; stop it first with x.")
            case Session() as session:
                lost = ["its reports, attempts and queue go with it"]
                deed = delete_session(session.id, plain(session.name))
                self._open(Question(f"Forget {session.name}?", "forget it", lost, lambda: self.desk.do(deed)))
            case Project() | None:
                self._say("Only tasks and ended sessions are deleted here.")

    def action_message(self) -> None:
        """Type a line to the session."""
        from maestro_tui.screens.small import Tell

        session = self._session()
        if session is None:
            return
        if session.status not in LIVE_SESSION:
            self._say(f"{plain(session.name)} has ended; r brings it back.")
            return
        asked = session.needs_input.message if session.needs_input.active else None
        self._open(Tell(self.desk, session.id, session.name, asked))

    # -- attaching -------------------------------------------------------------------------------

    def action_attach(self) -> None:
        """Give the terminal to the session's own, after showing the key that comes back."""
        from maestro_tui.screens.small import Leave

        session = self._session()
        if session is None:
            return
        if session.pane is None or session.status not in LIVE_SESSION:
            face = face_of_session(session, self.desk.mirror.live.get(session.id, UNKNOWN))
            self._say(f"{plain(session.name)} has no terminal: it is {face.word}.")
            return
        if self._attached_once:
            self.begin(partial(self._give_terminal, session))
            return
        words = ["You get the agent's own terminal.", "", "Ctrl+B, then D, brings you back here."]
        self._open(Leave(f"Attach to {session.name}?", "attach", words, self._agreed(session)))

    def _agreed(self, session: Session) -> "Perform":
        async def agreed() -> Outcome:
            self._attached_once = True
            self.begin(partial(self._give_terminal, session))
            return Done("")

        return agreed

    async def _give_terminal(self, session: Session) -> None:
        from maestrod.locations import locate
        from maestrod.tmux.oneshot import TmuxError

        assert session.pane is not None
        conf = locate(self.desk.environ).tmux_conf
        try:
            argv = await asyncio.to_thread(programs.attach_argv, session.pane, session.id, conf, self.desk.environ)
            with self.batch_update(), self.suspend():
                code = await programs.attach(argv, self.desk.environ)
        except TmuxError as error:
            self._say(str(error))
            return
        except SuspendNotSupported:
            self._say("This terminal cannot be given away; use `maestro session attach` in another one.")
            return
        self.refresh()
        if code:
            self._say(f"tmux ended with exit code {code}.")
