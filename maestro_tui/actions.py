"""What people ask for by keys and by the palette: moves between screens, and deeds."""

import asyncio
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, cast

import msgspec
from textual.app import App, SuspendNotSupported
from textual.events import Event, Key, MouseDown

from maestro_tui import asking, programs
from maestro_tui.bindings import FIRST, MODES
from maestro_tui.cells import plain
from maestro_tui.deeds import UNDO, Deed, Done, Outcome, Refused, delete_session, delete_task, move_task, stop_session
from maestro_tui.desk import Desk
from maestro_tui.faces import face_of_session
from maestro_tui.mirror import UNKNOWN
from maestro_tui.past import path_of, read_commit
from maestro_tui.screens.framed import Framed
from maestro_tui.spotlight import Spotlight, Subject
from maestro_tui.teller import Teller
from maestro_tui.themes import THEMES
from maestro_tui.view.history import what_is_back, what_was_undone
from maestro_tui.view.notices import Looked
from maestro_tui.view.sessions import what_stopping_loses
from maestro_tui.view.tasks import spawnable, what_deleting_loses
from maestro_tui.widgets.guarded import Guarded
from maestrod.domain.model import LIVE_SESSION, Noun, Project, Session, Task

if TYPE_CHECKING:
    from maestro_tui.screens.dialog import Dialog, Drafts
    from maestro_tui.screens.small import Perform


AGAIN_S = 5.0
"""How long the second press of what grants more than this once is waited for."""


class Actions(Guarded, App[None]):
    """Acts on what the screen that is shown looks at."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._came_from = FIRST
        self._attached_once = False
        self._pressed: tuple[object, float] = (None, 0.0)
        self.given_away = False
        """Whether the terminal is somebody else's for now."""
        self.teller = Teller(desk, self)
        self._drafts: Drafts = {}

    # -- who looks, and what is told -------------------------------------------------------------

    def on_app_focus(self) -> None:
        """The terminal has the focus again."""
        self.teller.gained()

    def on_app_blur(self) -> None:
        """The terminal has it no more."""
        self.teller.lost()

    async def on_event(self, event: Event) -> None:
        """Whoever presses a key is here."""
        if isinstance(event, Key | MouseDown):
            self.teller.touched()
        await super().on_event(event)

    def on_key(self, event: Key) -> None:
        """A letter that nobody took was typed ahead of the key that led to a field: it goes there."""
        field = self.focused
        if field is None or not field.check_consume_key(event.key, event.character):
            return
        from textual.widgets import Input, TextArea

        if isinstance(field, Input | TextArea):  # they let no letter pass that reaches them
            event.prevent_default()
            _ = field.post_message(Key(event.key, event.character))

    @property
    def looked(self) -> Looked:
        """What is on the screen, large."""
        if not self.screen_stack:
            return Looked()
        session = self.here.session
        ids = {subject[1] for subject in [self.spot.subject] if subject is not None}
        return Looked(frozenset(ids | ({session.id} if session is not None else set())), self.current_mode == "inbox")

    def on_mount(self) -> None:
        """Know when the terminal is given away."""
        self.app_suspend_signal.subscribe(self, self._gave, immediate=True)
        self.app_resume_signal.subscribe(self, self._got_back, immediate=True)

    def _gave(self, _app: object) -> None:
        self.given_away = True

    def _got_back(self, _app: object) -> None:
        self.given_away = False

    def outside(self, sequence: str) -> None:
        """Say something to the terminal itself, while it is not given away."""
        if self._driver is not None and not self.is_headless and not self.given_away:
            self._driver.write(sequence)

    def action_notices(self) -> None:
        """What happened lately."""
        from maestro_tui.screens.reading import News

        self.open(News(self.teller.log, self.desk.moment()))

    @property
    def here(self) -> Framed:
        """The screen that is shown, below its dialogs."""
        return cast(Framed, self.screen_stack[0])

    @property
    def spot(self) -> Spotlight:
        """What it looks at."""
        return self.here.spot

    # -- screens ---------------------------------------------------------------------------------

    def action_show(self, name: str) -> None:
        """Show the screen of this name as it was left."""
        self._show(name, self.spot.subject)

    def _show(self, name: str, subject: Subject | None) -> None:
        if name == self.current_mode:
            self.here.home()
            return
        self._came_from = self.current_mode
        before = self.here
        before.left()
        _ = self.switch_mode(name)
        self.here.entered(subject)

    def go_back(self) -> None:
        """Show the screen where one came from; from the first there is no way back."""
        if self.current_mode != FIRST:
            self.action_show(self._came_from if self._came_from != self.current_mode else FIRST)

    def go_to(self, noun: Noun, id_: str) -> None:
        """Show it: here where this screen can, else on Mission; a mail on its own screen."""
        if noun is Noun.MAIL and self.current_mode != "mail":
            self.action_show("mail")
        if not self.here.go_to(noun, id_) and noun is not Noun.MAIL:
            self.show_on_mission(noun, id_)

    def show_on_mission(self, noun: Noun, id_: str) -> None:
        """Show it on Mission."""
        if self.current_mode != FIRST:
            self.action_show(FIRST)
        self.here.go_to(noun, id_)

    def show_details(self, noun: Noun, id_: str) -> None:
        """Show all there is about it, in tabs."""
        if self.current_mode == "details":
            self.here.go_to(noun, id_)
        else:
            self._show("details", (noun, id_))

    def action_screens(self) -> None:
        """Ask which screen."""
        from maestro_tui.screens.small import Screens

        self.open(Screens(self.action_show))

    # -- commands --------------------------------------------------------------------------------

    async def run_here(self, action: str) -> None:
        """Run an action as if its key had been pressed: what has the focus hears it first, then the screen."""
        hears = self.here.focused if self.hears(action) else None
        await self.run_action(action, default_namespace=hears or self.here)

    def hears(self, action: str) -> bool:
        """Whether what has the focus on the screen knows the action itself."""
        return hasattr(self.here.focused, f"action_{action.partition('(')[0]}")

    def use_theme(self, name: str) -> None:
        """Dark or light."""
        self.theme = THEMES[name].name
        self.desk.theme = name
        self.desk.remember()

    def start_daemon(self) -> None:
        """Start the daemon when it does not run."""
        self.begin(self._started)

    async def _started(self) -> None:
        self._told(await self.desk.start_daemon())
        self.desk.reconnect()

    def move_task(self, verb: str) -> None:
        """Ask for a move of the task that is shown."""
        if (task := self.spot.task) is not None:
            self.ask(move_task(task.id, verb, plain(task.title)))

    def ask(self, deed: Deed) -> None:
        """Ask the daemon for a deed, and tell what came of it."""
        self._do_and_tell(partial(self.desk.do, deed))

    def _do_and_tell(self, perform: "Perform") -> None:
        async def done() -> None:
            self._told(await perform())

        self.begin(done)

    def _told(self, outcome: Outcome | None) -> None:
        if isinstance(outcome, Done) and outcome.session_id in self.desk.mirror.state.table(Noun.SESSION):
            self.go_to(Noun.SESSION, outcome.session_id)
        if isinstance(outcome, Done) and outcome.task_id:
            self.here.come_to(Noun.TASK, outcome.task_id)
        if outcome is None or not outcome.words:
            return
        severity = "information" if isinstance(outcome, Done) else "error"
        self.notify(outcome.words, severity=severity, markup=False)  # type: ignore[arg-type]

    def open(self, dialog: "Dialog") -> None:
        """Show a dialog, and tell what came of it."""
        dialog.drafts = self._drafts
        _ = self.push_screen(dialog, self._told)

    def _say(self, words: str) -> None:
        self.notify(words, severity="warning", markup=False)

    # -- deeds -----------------------------------------------------------------------------------

    def action_help(self) -> None:
        """Every key."""
        from maestro_tui.screens.small import Help

        self.open(Help(self.here.mode, self.desk.keymap))

    def action_undo(self) -> None:
        """Take back the newest of what one did."""
        self._do_and_tell(self._undone)

    async def _undone(self) -> Outcome:
        outcome = await self.desk.do(UNDO)
        if not isinstance(outcome, Done) or not outcome.undone:
            return outcome
        told = await self.desk.told(path_of(outcome.undone))
        try:
            commit = read_commit(told) if isinstance(told, bytes) else None
        except msgspec.MsgspecError:
            commit = None
        if commit is None:
            return outcome
        if (kept := what_is_back(commit)) is not None:
            self.here.come_to(*kept)
        return Done(what_was_undone(self.desk.mirror.state, commit))

    def action_new_task(self) -> None:
        """Ask for a new task."""
        from maestro_tui.screens.new_task import NewTask

        projects = [p for p in self.desk.mirror.state.table(Noun.PROJECT).values() if isinstance(p, Project)]
        live = [p for p in projects if p.archived_at is None]
        self.open(NewTask(self.desk, live, self.spot.project_id))

    def action_edit_task(self) -> None:
        """Ask what is to be different about the task."""
        from maestro_tui.screens.new_task import EditTask

        if (task := self.spot.task) is None:
            self._say("There is no task here; put the cursor on one.")
        else:
            self.open(EditTask(self.desk, task))

    def action_new_project(self) -> None:
        """Ask for a directory."""
        from maestro_tui.screens.new_project import NewProject

        self.open(NewProject(self.desk))

    def action_spawn(self) -> None:
        """Ask for an agent."""
        from maestro_tui.screens.spawn import SpawnDialog

        project_id = self.spot.project_id
        if project_id is None:
            self._say("Put the cursor on a project or a task first; P makes a project.")
            return
        task = self.spot.task
        tasks = spawnable(self.desk.mirror, project_id, task)
        chosen = [task.id] if task is not None else []
        self.open(SpawnDialog(self.desk, project_id, tasks, chosen))

    def _session(self) -> Session | None:
        session = self.here.session
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
        words = what_stopping_loses(self.desk.mirror, session)
        self.open(
            Question(
                f"Stop {session.name}?",
                "stop it",
                words,
                lambda: self.desk.do(deed),
                strict=self.desk.preferences.strict,
            )
        )

    def action_resume(self) -> None:
        """Bring an ended session back."""
        session = self._session()
        if session is None:
            return
        if session.status in LIVE_SESSION:
            self._say(f"{plain(session.name)} has not ended.")
            return
        self._do_and_tell(partial(self.desk.resume, session.id, plain(session.name)))

    def action_delete(self) -> None:
        """Delete a task, or forget an ended session, after showing what is lost."""
        from maestro_tui.screens.small import Question

        match self.spot.entity:
            case Task() as task:
                lost = what_deleting_loses(self.desk.mirror.state, task)
                deed = delete_task(task.id, plain(task.title))
                self.open(
                    Question(
                        f"Delete “{task.title}”?",
                        "delete it",
                        lost,
                        lambda: self.desk.do(deed),
                        strict=self.desk.preferences.strict,
                        head="This goes; u takes it back:",
                    )
                )
            case Session() as session if session.status in LIVE_SESSION:
                self._say(f"{plain(session.name)} is alive; stop it first with x.")
            case Session() as session:
                lost = ["its reports, attempts and queue go with it"]
                deed = delete_session(session.id, plain(session.name))
                self.open(
                    Question(
                        f"Forget {session.name}?",
                        "forget it",
                        lost,
                        lambda: self.desk.do(deed),
                        strict=self.desk.preferences.strict,
                    )
                )
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
        self.open(Tell(self.desk, session.id, session.name, asked))

    def answer(self, session_id: str, pressed: str) -> None:
        """Answer a session's question by a digit, or by ``yes`` or ``no``; where none is open a digit is a screen's."""
        session = self.desk.mirror.state.table(Noun.SESSION).get(session_id)
        if not isinstance(session, Session) or not session.needs_input.active:
            if pressed.isdecimal():
                self._go_by(pressed)
            else:
                known = (
                    f"{plain(session.name)} asks nothing" if isinstance(session, Session) else "Nobody asks anything"
                )
                self._say(f"{known} now.")
            return
        if session_id in self.desk.asking.busy:
            return
        name, dialog = plain(session.name), self.desk.asking.dialogs.get(session_id)
        if dialog is None or not dialog.choices:
            self._say(f"{name} offers no choices that could be read; i answers in words.")
            return
        choice = asking.picked(dialog, pressed) if pressed.isdecimal() else asking.meant(dialog, pressed)
        if choice is None:
            offered = " · ".join(f"{digit} {plain(each.label)}" for digit, each in asking.numbered(dialog))
            self._say(f"{name} offers no “{pressed}”: {offered}")
            return
        if asking.goes_beyond(choice) and not self._pressed_again((session_id, pressed, dialog.digest)):
            self._say(f"Press {pressed[:1]} again: “{plain(choice.label)}” grants more than this once.")
            return
        self._do_and_tell(partial(self.desk.answer, session_id, name, choice, dialog))

    def _go_by(self, pressed: str) -> None:
        for mode in MODES:
            if mode.key == pressed:
                self.action_show(mode.name)

    def _pressed_again(self, pressed: object) -> bool:
        before, self._pressed = self._pressed, (pressed, monotonic())
        return before[0] == pressed and self._pressed[1] - before[1] < AGAIN_S

    # -- attaching -------------------------------------------------------------------------------

    async def action_attach(self) -> None:
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
        back = await programs.way_back(self.desk.environ)
        words = ["You get the agent's own terminal.", "", *back]
        self.open(Leave(f"Attach to {session.name}?", "attach", words, self._agreed(session)))

    def _agreed(self, session: Session) -> "Perform":
        async def agreed() -> Outcome:
            self._attached_once = True
            self.begin(partial(self._give_terminal, session))
            return Done("")

        return agreed

    async def edit(self, text: str, name: str) -> str | None:
        """Change a text in one's editor; nothing when that could not be done, which is told."""
        try:
            with self.batch_update(), self.suspend():
                told = await programs.edit(text, name, self.desk.environ)
        except SuspendNotSupported:
            self._say("This terminal cannot be given to an editor; use `maestro template edit`.")
            return None
        self.refresh()
        if isinstance(told, Refused):
            self.notify(told.words, severity="error", markup=False)
            return None
        return told

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
