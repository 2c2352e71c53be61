"""What Maestro must do, told a second time: plain objects, plain loops, no index, no event, no shared code.

``Reference.obey`` carries out a command or raises ``No`` with the name of the refusal. A new command gets one method
here (its name in snake case), its column of roles in ``roles``, and one row in ``asking``; ``test_machine`` says which
one is missing.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from maestrod.domain.tasks import EditTask
from tests.model import roles
from tests.model.things import (
    LIVE,
    MOVES,
    OPEN,
    OVER,
    RANK,
    Attempt,
    Item,
    No,
    Project,
    Queue,
    Session,
    Step,
    Task,
    Told,
    line,
    said,
    text,
)

if TYPE_CHECKING:
    from tests.model.whole import Whole

T = TypeVar("T")

LEASE = 30_000
FITTING = {"worker": {"simple", "queue", "tree"}, "orchestrator": {"default", "batching", "dag"}}


@dataclass
class Reference:
    """Everything there is. ``new`` gives the next id that the real one made for a noun."""

    projects: dict[str, Project] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    sessions: dict[str, Session] = field(default_factory=dict)
    queues: dict[str, Queue] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    docs: dict[str, Told] = field(default_factory=dict)
    firsts: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    now: int = 0
    me: str | None = None
    worker: bool = False
    by: str = ""

    def obey(self, kind: str, command: Any, by: str, now: int, new: Callable[[str], str]) -> None:
        """Raises: No: it is refused; nothing has changed."""
        self.new, self.now, self.by = new, now, by
        self.me = by.removeprefix("session:") if by.startswith("session:") else None
        roles.check(cast("Whole", self), kind, command, by)
        self.worker = self.me is not None and self.sessions[self.me].role == "worker"
        deed: Callable[[Any], None] = getattr(self, roles.snake(kind))
        deed(command)

    # -- finding ---------------------------------------------------------------------------------

    def project(self, id_: str) -> Project:
        return _found(self.projects, id_)

    def task(self, id_: str) -> Task:
        return _found(self.tasks, id_)

    def session(self, id_: str) -> Session:
        return _found(self.sessions, id_)

    def named(self, noun: str, prefix: str, wanted: str | None, there: Collection[str]) -> str:
        """A new id; one that was brought along looks like all others, and is nobody's."""
        if wanted is not None:
            head, middle, tail = (*wanted.split("_"), "", "")[:3]
            digits = len(middle) == 13 and all(c in "0123456789" for c in middle)
            letters = len(tail) == 9 and all(c in "0123456789abcdefghijklmnopqrstuvwxyz" for c in tail)
            if wanted.count("_") != 2 or head != prefix or not digits or not letters:
                raise No("Invalid")
            if wanted in there:
                raise No("Conflict")
        return self.new(noun)

    def done(self, id_: str) -> bool:
        task = self.tasks[id_]
        return task.status == "completed" or (task.status == "archived" and task.finished)

    def blockers(self, task: Task) -> list[str]:
        return [d for d in task.waits if not self.done(d)]

    def ready(self, task: Task) -> bool:
        return task.status == "todo" and not self.blockers(task)

    def at(self, task: str) -> list[Attempt]:
        return [a for a in self.attempts if a.task == task and a.status in OPEN]

    def last(self, task: str, session: str | None) -> Attempt | None:
        own = [a for a in self.attempts if a.task == task and a.session == session]
        return max(own, key=lambda a: a.number, default=None)

    def own(self, task: str, session: str) -> Attempt | None:
        last = self.last(task, session)
        return last if last is not None and last.status in OPEN else None

    def below(self, task: str) -> list[str]:
        children = [t.id for t in self.tasks.values() if t.parent == task]
        return children + [g for c in children for g in self.below(c)]

    def above(self, task: str | None) -> Iterator[str]:
        while task is not None:
            yield task
            task = self.tasks[task].parent

    def line_up(self, session: str) -> list[Item]:
        """The queued items as they will be handed out."""
        queued = [i for i in self.items.values() if i.session == session and i.status == "queued"]
        return sorted(queued, key=lambda i: (RANK[i.priority], i.position, i.id))

    def in_hand(self, session: str) -> Item | None:
        mine = (i for i in self.items.values() if i.session == session and i.status == "processing")
        return next(mine, None)

    def note(self, type_: str, task: str | None = None, session: str | None = None) -> None:
        self.told.append(Told(type_, task, session))

    # -- projects --------------------------------------------------------------------------------

    def _free(self, folder: str, own: str | None) -> None:
        if any(p.folder == folder and not p.archived and p.id != own for p in self.projects.values()):
            raise No("Conflict")

    def _idle(self, project: str) -> None:
        if any(s.project == project and s.status in LIVE for s in self.sessions.values()):
            raise No("Conflict")

    def create_project(self, c: Any) -> None:
        line(c.name)
        self._free(c.working_dir, None)
        id_ = self.new("project")
        self.projects[id_] = Project(id_, c.name, c.working_dir, c.limits.max_sessions)

    def edit_project(self, c: Any) -> None:
        project = self.project(c.project_id)
        line(c.name)
        folder = c.working_dir if isinstance(c.working_dir, str) else project.folder
        if folder != project.folder:
            self._free(folder, project.id)
        project.folder = folder
        project.name = c.name if isinstance(c.name, str) else project.name
        project.most = getattr(c.limits, "max_sessions", project.most)

    def archive_project(self, c: Any) -> None:
        project = self.project(c.project_id)
        if c.archived and not project.archived:
            self._idle(project.id)
        elif project.archived and not c.archived:
            self._free(project.folder, project.id)
        project.archived = c.archived

    def delete_project(self, c: Any) -> None:
        project = self.project(c.project_id)
        tasks = [t.id for t in self.tasks.values() if t.project == project.id]
        sessions = [s.id for s in self.sessions.values() if s.project == project.id]
        if (tasks or sessions) and not c.cascade:
            raise No("HasDependents")
        self._idle(project.id)
        self._forget(tasks, sessions)
        self.firsts = {k: v for k, v in self.firsts.items() if k[0] != project.id}
        del self.projects[project.id]

    def _forget(self, tasks: list[str], sessions: list[str]) -> None:
        """Tasks and sessions with all that cannot be without them."""

        def stays(task: str | None, session: str | None = None) -> bool:
            return task not in tasks and session not in sessions

        self.steps = {k: v for k, v in self.steps.items() if stays(v.task)}
        self.attempts = [a for a in self.attempts if stays(a.task, a.session)]
        self.items = {k: v for k, v in self.items.items() if stays(v.task, v.session)}
        self.queues = {k: v for k, v in self.queues.items() if stays(None, k)}
        self.told = [t for t in self.told if stays(t.task, t.session)]
        self.docs = {k: v for k, v in self.docs.items() if stays(v.task, v.session)}
        gone = {*tasks, *sessions}
        self.firsts = {k: [id_ for id_ in v if id_ not in gone] for k, v in self.firsts.items()}
        self.tasks = {k: v for k, v in self.tasks.items() if k not in tasks}
        self.sessions = {k: v for k, v in self.sessions.items() if k not in sessions}

    # -- tasks -----------------------------------------------------------------------------------

    def create_task(self, c: Any) -> None:
        line(c.title)
        project_id = c.project_id
        if project_id is None and c.parent_id is not None:
            project_id = self.task(c.parent_id).project
        if project_id is None:
            raise No("Invalid")
        project = self.project(project_id)
        if project.archived:
            raise No("Conflict")
        self._same_project(project.id, c.parent_id, c.dependencies, c.reference_task_ids)
        if set(c.dependencies) & set(self.above(c.parent_id)):
            raise No("Invalid")
        id_ = self.named("task", "task", c.id, self.tasks)
        self.tasks[id_] = Task(
            id_,
            project.id,
            c.title,
            c.parent_id,
            c.priority.value,
            list(dict.fromkeys(c.dependencies)),
            list(dict.fromkeys(c.reference_task_ids)),
        )

    def _same_project(self, project: str, parent: str | None, waits: tuple[str, ...], names: tuple[str, ...]) -> None:
        named = [*([parent] if parent is not None else []), *waits, *names]
        if any([self.task(id_).project != project for id_ in named]):  # noqa: C419 - all are looked up first
            raise No("Invalid")

    def edit_task(self, c: Any) -> None:
        task = self.task(c.task_id)
        line(c.title)
        self._before_links(task, c)
        links = (
            task.parent if not _sent(c.parent_id) else c.parent_id,
            task.waits if not _sent(c.dependencies) else list(dict.fromkeys(c.dependencies)),
            task.names if not _sent(c.reference_task_ids) else list(dict.fromkeys(c.reference_task_ids)),
        )
        before = (task.parent, task.waits, task.names)
        if links != before:
            self._same_project(task.project, links[0], tuple(links[1]), tuple(links[2]))
            task.parent, task.waits, task.names = links
            if not self._sound():
                task.parent, task.waits, task.names = before
                raise No("Invalid")
        task.title = c.title if _sent(c.title) else task.title
        task.priority = c.priority.value if _sent(c.priority) else task.priority

    def _before_links(self, task: Task, c: Any) -> None:
        """What is refused before links are looked at."""

    def depend_task(self, c: Any) -> None:
        waits = self.task(c.task_id).waits
        self.edit_task(EditTask(task_id=c.task_id, dependencies=(*waits, *c.dependencies)))

    def undepend_task(self, c: Any) -> None:
        waits = self.task(c.task_id).waits
        self.edit_task(EditTask(task_id=c.task_id, dependencies=tuple(w for w in waits if w not in c.dependencies)))

    def _sound(self) -> bool:
        """No circle of parents, none of dependencies, and nobody waits for an ancestor or a descendant."""
        for task in self.tasks.values():
            seen: list[str] = []
            at = task.parent
            while at is not None and at != task.id and at not in seen:
                seen.append(at)
                at = self.tasks[at].parent
            if at is not None:
                return False
            if any(w in seen or task.id in set(self.above(w)) for w in task.waits):
                return False
        return not any(self._waits_for(t, t, set()) for t in self.tasks)

    def _waits_for(self, start: str, goal: str, seen: set[str]) -> bool:
        for each in self.tasks[start].waits:
            if each == goal:
                return True
            if each not in seen:
                seen.add(each)
                if self._waits_for(each, goal, seen):
                    return True
        return False

    def delete_task(self, c: Any) -> None:
        doomed = [self.task(c.task_id).id, *self.below(c.task_id)]
        if not c.force and any(a.task in doomed and a.status == "working" for a in self.attempts):
            raise No("Conflict")
        self._forget(doomed, [])
        for task in self.tasks.values():
            task.waits = [w for w in task.waits if w not in doomed]
            task.names = [n for n in task.names if n not in doomed]

    # -- work on tasks ---------------------------------------------------------------------------

    def _acting(self, task: Task, named: str | None) -> Session | None:
        chosen = named or self.me
        if not chosen:
            return None
        session = self.session(chosen)
        if session.project != task.project:
            raise No("NotAllowed")
        return session

    def _for_itself(self, session: Session | None) -> bool:
        return session is not None and session.id == self.me and self.worker

    def _late(self, task: Task, session: Session | None) -> Attempt | None:
        """The attempt of a worker that speaks after its end."""
        own = self.last(task.id, session.id) if session else None
        return own if own is not None and own.status not in OPEN and self._for_itself(session) else None

    def _move(self, task: Task, status: str) -> bool:
        if task.status == status:
            return False
        if status not in MOVES[task.status]:
            raise No("IllegalMove")
        self._set(task, status)
        return True

    def _set(self, task: Task, status: str) -> None:
        task.started = task.started or status in {"in_progress", "completed"}
        task.finished = status == "completed" or (status == "archived" and task.finished)
        task.status, task.review = status, []

    def _open(self, task: str, session: str, status: str = "queued") -> None:
        number = 1 + max((a.number for a in self.attempts if a.task == task), default=0)
        self.attempts.append(Attempt(task, session, number, status))

    def _begin(self, task: Task, session: Session | None) -> None:
        if task.status != "in_progress":
            self._set(task, "in_progress")
        if session is not None:
            own = self.own(task.id, session.id)
            if own is None:
                self._open(task.id, session.id, "working")
            else:
                own.status = "working"
        self.note("task_started", task.id, session.id if session else None)

    def start_task(self, c: Any) -> None:
        task = self.task(c.task_id)
        session = self._acting(task, c.session_id)
        own = self.own(task.id, session.id) if session else None
        if task.status == "in_progress" and (session is None or (own is not None and own.status == "working")):
            return
        if session is not None:
            _alive(session)
            rivals = self.at(task.id) if self._for_itself(session) else self._workers(task.id)
            if own is None and rivals:
                raise No("AlreadyClaimed")
        if task.status in OVER:
            raise No("IllegalMove")
        if task.status in {"todo", "blocked"} and self.blockers(task) and not c.force:
            raise No("NotReady")
        self._begin(task, session)

    def _workers(self, task: str, but: str | None = None) -> list[Attempt]:
        return [a for a in self.at(task) if a.status == "working" and a.session != but]

    def complete_task(self, c: Any) -> None:
        task = self.task(c.task_id)
        text(c.note)
        session = self._acting(task, c.session_id)
        late = self._late(task, session)
        if late is not None:
            if late.status != "completed":
                self.note("task_completed", task.id, self.me)
            return
        alone = self._for_itself(session)
        if task.status == "completed" and not self._ending(task, session, alone=alone):
            return
        self._finish(task, session, alone=alone, override=c.override)

    def _ending(self, task: Task, session: Session | None, *, alone: bool) -> list[Attempt]:
        return [a for a in self.at(task.id) if not alone or (session is not None and a.session == session.id)]

    def _may_complete(self, task: Task) -> bool:
        return task.status == "completed" or "completed" in MOVES[task.status]

    def _finish(self, task: Task, session: Session | None, *, alone: bool, override: bool = False) -> None:
        ending = self._ending(task, session, alone=alone)
        last_one = len(ending) == len(self.at(task.id))
        if last_one and not self._may_complete(task):
            raise No("IllegalMove")
        for attempt in ending:
            mine = session is not None and attempt.session == session.id
            attempt.status = "completed" if mine or attempt.status != "queued" else "skipped"
        for item in self._waiting_items(task.id, session.id if alone and session else None):
            item.status = "completed" if item.status == "processing" else "skipped"
        if last_one:
            self._move(task, "completed")
        self.note("task_completed", task.id, session.id if session else None)

    def _waiting_items(self, task: str, session: str | None = None) -> list[Item]:
        live = (i for i in self.items.values() if i.task == task and i.status in {"queued", "processing"})
        return [i for i in live if session is None or i.session == session]

    def review_task(self, c: Any) -> None:
        task = self.task(c.task_id)
        text(c.note)
        session = self._acting(task, c.session_id)
        if self._late(task, session) or self._move(task, "in_review"):
            self.note("status_changed", task.id, session.id if session else None)

    def block_task(self, c: Any) -> None:
        task = self.task(c.task_id)
        said(c.reason)
        session = self._acting(task, c.session_id)
        late = self._late(task, session)
        if not late and not self._move(task, "blocked"):
            return
        own = self.last(task.id, session.id) if session else None
        if not late and own is not None and own.status == "working":
            own.status = "blocked"
        self.note("task_blocked", task.id, session.id if session else None)

    def unblock_task(self, c: Any) -> None:
        task = self.task(c.task_id)
        session = self._acting(task, c.session_id)
        if not self._late(task, session):
            if task.status in OVER:
                raise No("IllegalMove")
            if task.status != "blocked":
                return
            waiting = [a for a in self.at(task.id) if a.status == "blocked" and not self.blockers(task)]
            self._set(task, "in_progress" if waiting else "todo")
            for attempt in waiting:
                attempt.status = "working"
        self.note("status_changed", task.id, session.id if session else None)

    def cancel_task(self, c: Any) -> None:
        task = self.task(c.task_id)
        text(c.reason)
        if self._move(task, "cancelled"):
            self._skip_all(task)
            self.note("task_skipped", task.id)

    def reopen_task(self, c: Any) -> None:
        task = self.task(c.task_id)
        if task.status in OVER:
            self._set(task, "in_progress" if task.status == "completed" else "todo")
            self.note("status_changed", task.id)

    def archive_task(self, c: Any) -> None:
        task = self.task(c.task_id)
        if self._move(task, "archived"):
            self._skip_all(task)

    def _skip_all(self, task: Task) -> None:
        for attempt in self.at(task.id):
            attempt.status = "skipped"
        for item in self._waiting_items(task.id):
            item.status = "skipped"

    def assign_task(self, c: Any) -> None:
        task, session = self.task(c.task_id), self.session(c.session_id)
        _alive(session)
        if task.project != session.project:
            raise No("NotAllowed")
        if self.own(task.id, session.id) is None:
            if task.status in OVER:
                raise No("Conflict")
            self._open(task.id, session.id)

    def unassign_task(self, c: Any) -> None:
        task, session = self.task(c.task_id), self.session(c.session_id)
        own = self.own(task.id, session.id)
        if own is not None:
            self._release(task, own)
            own.status = "skipped"
            for item in self._waiting_items(task.id, session.id):
                item.status = "skipped"

    def move_attempt(self, c: Any) -> None:
        task = self.task(c.task_id)
        chosen = c.session_id or self.me
        if chosen is None:
            raise No("Invalid")
        session, status = self.session(chosen), c.session_status.value
        if session.project != task.project:
            raise No("Invalid")
        own = self.last(task.id, session.id)
        if own is not None and own.status == status:
            return
        if own is not None and own.status not in OPEN:
            self.note("status_changed", task.id, session.id)
        elif own is not None:
            own.status = status
        elif status != "working":
            raise No("Invalid")
        else:
            _alive(session)
            self._open(task.id, session.id, "working")

    def _release(self, task: Task, own: Attempt) -> None:
        """The task goes back to do when this attempt alone held it in progress."""
        if own.status == "working" and task.status == "in_progress" and not self._workers(task.id, own.session):
            self._set(task, "todo")

    # -- subtasks --------------------------------------------------------------------------------

    def checklist(self, task: str) -> list[Step]:
        return sorted((s for s in self.steps.values() if s.task == task), key=lambda s: s.place)

    def create_subtask(self, c: Any) -> None:
        task = self.task(c.task_id)
        line(c.title)
        id_ = self.named("subtask", "sub", c.id, self.steps)
        self.steps[id_] = Step(id_, task.id, c.title, len(self.checklist(task.id)))

    def edit_subtask(self, c: Any) -> None:
        step = _found(self.steps, c.subtask_id)
        line(c.title)
        step.title = c.title if _sent(c.title) else step.title
        step.done = c.completed if _sent(c.completed) else step.done

    def delete_subtask(self, c: Any) -> None:
        step = _found(self.steps, c.subtask_id)
        del self.steps[step.id]
        for place, each in enumerate(self.checklist(step.task)):
            each.place = place

    def order_subtasks(self, c: Any) -> None:
        there = self.checklist(self.task(c.task_id).id)
        if Counter(c.ordered_ids) != Counter(s.id for s in there):
            raise No("Invalid")
        for place, id_ in enumerate(c.ordered_ids):
            self.steps[id_].place = place

    # -- sessions --------------------------------------------------------------------------------

    def spawn_session(self, c: Any) -> None:
        line(c.name)
        project = self.project(c.project_id)
        tasks = [self.task(id_) for id_ in dict.fromkeys(c.task_ids)]
        role = c.role.value
        strategy = c.strategy.value if c.strategy else "simple" if role == "worker" else "default"
        if strategy not in FITTING[role] or any(t.project != project.id for t in tasks):
            raise No("Invalid")
        self._room(project)
        together = {t.id for t in tasks} if strategy == "queue" else set()
        for task in tasks:
            if task.status in OVER:
                raise No("Conflict")
            open_ = set(self.blockers(task)) - together if task.status in {"todo", "blocked"} else set()
            if open_ and not c.force and role == "worker":
                raise No("NotReady")
        if c.fork_of:
            self._forkable(c, project)
        parent = c.parent_session_id or self.me
        if parent and self.session(parent).project != project.id:
            raise No("Invalid")
        name = c.name or self._own_name(project, tasks[0].title if tasks else role)
        session = Session(self.new("session"), project.id, role, strategy, parent, name)
        self.sessions[session.id] = session
        for task in tasks:
            self._open(task.id, session.id)
        if strategy == "queue":
            self.queues[session.id] = Queue()
            for place, task in enumerate(tasks):
                self._add_item(session.id, task.id, place, task.priority)

    def _own_name(self, project: Project, words: str) -> str:
        name, number = words, 1
        while name in [s.name for s in self.sessions.values() if s.project == project.id]:
            number += 1
            name = f"{words[: 199 - len(str(number))].rstrip()} {number}"
        return name

    def _add_item(self, session: str, task: str, place: int, priority: str) -> None:
        id_ = self.new("queueItem")
        self.items[id_] = Item(id_, session, task, place, priority)

    def _forkable(self, c: Any, project: Project) -> None:
        old = self.session(c.fork_of)
        if old.project != project.id or c.provider:
            raise No("Invalid")
        if not old.conversation:
            raise No("Conflict")

    def _room(self, project: Project) -> None:
        live = sum(s.project == project.id and s.status in LIVE for s in self.sessions.values())
        if project.archived or (project.most is not None and live >= project.most):
            raise No("Conflict")

    def launch_session(self, c: Any) -> None:
        session = self.session(c.session_id)
        line(c.holder)
        if session.status != "spawning":
            raise No("Conflict")
        if session.pane is not None or (session.launched is not None and self.now - session.launched < LEASE):
            raise No("AlreadyClaimed")
        session.launched = self.now

    def register_session(self, c: Any) -> None:
        session = self.session(c.session_id)
        _alive(session)
        if session.pane == c.pane:
            return
        if session.pane is None:
            self.note("session_started", None, session.id)
        session.pane, session.exited = c.pane, False

    def edit_session(self, c: Any) -> None:
        session = self.session(c.session_id)
        line(c.name)
        session.name = c.name if _sent(c.name) else session.name
        session.keep_open = c.keep_open if _sent(c.keep_open) else session.keep_open

    def record_turn(self, c: Any) -> None:
        session = self.session(c.session_id)
        if c.status is not None and c.status.value not in {"idle", "working"}:
            raise No("Invalid")
        if session.status not in LIVE:
            if not (c.adopt and c.status is not None):
                return
            self._take_up_again(session)
            session.exited = False
        session.status = c.status.value if c.status is not None else session.status
        if c.needs_input is not None:
            session.asks = c.needs_input.message if c.needs_input.active else None
        session.conversation = session.conversation or c.conversation_id is not None

    def need_input(self, c: Any) -> None:
        session = self.session(c.session_id)
        text(c.message)
        _alive(session)
        asks = c.message if c.active else None
        if asks is not None and asks != session.asks:
            self.note("needs_input", None, session.id)
        session.asks = asks

    def complete_session(self, c: Any) -> None:
        session = self.session(c.session_id)
        text(c.note)
        if session.status != "completed":
            _alive(session)
            self._end(session, "completed")

    def stop_session(self, c: Any) -> None:
        session = self.session(c.session_id)
        text(c.reason)
        if session.status in LIVE:
            self._end(session, "stopped")

    def record_exit(self, c: Any) -> None:
        session = self.session(c.session_id)
        text(c.reason)
        if session.status in LIVE:
            self._end(session, self._exit_status(session, bad=bool(c.signal) or c.code != 0))
        session.exited = True

    def _exit_status(self, session: Session, *, bad: bool) -> str:
        if bad:
            return "failed"
        statuses = {a.status for a in self.attempts if a.session == session.id}
        if "completed" in statuses and not statuses & OPEN:
            return "completed"
        return "failed" if session.status == "spawning" else "stopped"

    def _end(self, session: Session, status: str) -> None:
        session.status, session.asks = status, None
        session.ended = self.now
        for own in [a for a in self.attempts if a.session == session.id and a.status in OPEN]:
            self._release(self.tasks[own.task], own)
            own.status, own.lost = "failed", self.now
        item = self.in_hand(session.id)
        if item is not None:
            item.tries += 1
            item.status = "queued" if item.tries < 3 else "failed"
        self.note("session_stopped", None, session.id)

    def resume_session(self, c: Any) -> None:
        session = self.session(c.session_id)
        if session.status in LIVE:
            return
        self._room(self.projects[session.project])
        self._take_up_again(session)
        session.status, session.pane, session.launched = "spawning", None, None
        session.exited, session.asks = False, None
        self.note("session_resumed", None, session.id)

    def _take_up_again(self, session: Session) -> None:
        """What its last end took from it, unless it is over or somebody else has it."""
        newest = [a for a in self.attempts if a.session == session.id and a is self.last(a.task, session.id)]
        lost = [a for a in newest if a.lost is not None and a.lost == session.ended]
        for attempt in lost:
            if self.tasks[attempt.task].status not in OVER and not self.at(attempt.task):
                self._open(attempt.task, session.id)

    def delete_session(self, c: Any) -> None:
        session = self.session(c.session_id)
        if session.status in LIVE:
            raise No("Conflict")
        self._forget([], [session.id])
        for each in self.sessions.values():
            if each.parent == session.id:
                each.parent = None

    def root(self, session: Session) -> str:
        while session.parent is not None:
            session = self.sessions[session.parent]
        return session.id

    # -- queues ----------------------------------------------------------------------------------

    def _queue(self, session_id: str) -> tuple[Session, Queue]:
        session = self.session(session_id)
        if session.id not in self.queues:
            raise No("Conflict")
        return session, self.queues[session.id]

    def start_item(self, c: Any) -> None:
        session, queue = self._queue(c.session_id)
        _alive(session)
        if queue.paused or self.in_hand(session.id):
            return
        for item in self.line_up(session.id):
            task = self.tasks[item.task]
            if item.not_before <= self.now and self._startable(task, session):
                item.status, item.not_before = "processing", 0
                self._begin(task, session)
                return

    def _startable(self, task: Task, session: Session) -> bool:
        if task.status in {"cancelled", "archived"}:
            return False
        if task.status in {"todo", "blocked"} and self.blockers(task):
            return False
        return self.own(task.id, session.id) is not None or not self.at(task.id)

    def _busy_with(self, session: Session) -> Item:
        item = self.in_hand(session.id)
        if item is None:
            raise No("Conflict")
        return item

    def complete_item(self, c: Any) -> None:
        session, _ = self._queue(c.session_id)
        text(c.note)
        self._finish(self.tasks[self._busy_with(session).task], session, alone=True)

    def fail_item(self, c: Any) -> None:
        session, _ = self._queue(c.session_id)
        text(c.reason)
        item = self._busy_with(session)
        task = self.tasks[item.task]
        own = self.own(task.id, session.id)
        if c.retry:
            item.status, item.not_before = "queued", self.now + min(5_000 * 2**item.tries, 300_000)
            item.tries += 1
            if own is not None:
                self._release(task, own)
                own.status = "queued"
            return
        item.status = "failed"
        if task.status == "in_progress" and not self._workers(task.id, session.id):
            self._set(task, "blocked")
        if own is not None:
            own.status = "failed"

    def skip_item(self, c: Any) -> None:
        session, _ = self._queue(c.session_id)
        text(c.reason)
        item = self._item_of(session, c.item_id) if c.item_id else self._busy_with(session)
        if item.status == "skipped":
            return
        if item.status not in {"queued", "processing"}:
            raise No("Conflict")
        item.status = "skipped"
        own = self.own(item.task, session.id)
        if own is not None:
            self._release(self.tasks[item.task], own)
            own.status = "skipped"

    def _item_of(self, session: Session, item_id: str) -> Item:
        item = _found(self.items, item_id)
        if item.session != session.id:
            raise No("NotFound")
        return item

    def push_item(self, c: Any) -> None:
        session, _ = self._queue(c.session_id)
        _alive(session)
        task = self.task(c.task_id)
        if task.project != session.project:
            raise No("Invalid")
        if task.status in {"cancelled", "archived"}:
            raise No("Conflict")
        if self._waiting_items(task.id, session.id):
            return
        places = [i.position for i in self.items.values() if i.session == session.id]
        place = 0 if not places else min(places) - 1 if c.first else max(places) + 1
        self._add_item(session.id, task.id, place, c.priority.value if c.priority else task.priority)
        if self.me != session.id and self.own(task.id, session.id) is None:
            self._open(task.id, session.id)

    def pause_queue(self, c: Any) -> None:
        self._queue(c.session_id)[1].paused = True

    def resume_queue(self, c: Any) -> None:
        self._queue(c.session_id)[1].paused = False

    def move_item(self, c: Any) -> None:
        session, _ = self._queue(c.session_id)
        item = self._item_of(session, c.item_id)
        if item.status != "queued":
            raise No("Conflict")
        row = [i for i in self.line_up(session.id) if i is not item]
        place = max(0, min(c.to, len(row)))
        if row:
            item.priority = row[min(place, len(row) - 1)].priority
        row.insert(place, item)
        for number, each in enumerate(row):
            each.position = number

    # -- timeline --------------------------------------------------------------------------------

    def _about(self, c: Any) -> str | None:
        session = c.session_id or self.me
        of_task = self.task(c.task_id).project if c.task_id is not None else None
        of_session = self.session(session).project if session is not None else None
        if of_task and of_session and of_task != of_session:
            raise No("Conflict")
        if not of_task and not of_session:
            raise No("Invalid")
        return session

    def report(self, c: Any) -> None:
        said(c.message)
        if c.outcome is not None and c.outcome.value not in {"completed", "blocked", "failed"}:
            raise No("Invalid")
        session = self._about(c)
        self.note(c.type.value, c.task_id, session)
        own = self.own(c.task_id, session) if c.task_id and session else None
        if c.outcome is not None and own is not None:
            own.status = c.outcome.value

    def add_doc(self, c: Any) -> None:
        line(c.title)
        session = self._about(c)
        self.docs[self.new("doc")] = Told(c.doc_kind, c.task_id, session)
        self.note("doc_added", c.task_id, session)

    def delete_doc(self, c: Any) -> None:
        _found(self.docs, c.doc_id)
        del self.docs[c.doc_id]

    # -- orderings -------------------------------------------------------------------------------

    def set_ordering(self, c: Any) -> None:
        project = self.project(c.project_id)
        of_task = c.entity_type.value == "task"
        there = [t.id for t in (self.tasks if of_task else self.sessions).values() if t.project == project.id]
        if len(set(c.ordered_ids)) < len(c.ordered_ids) or not set(there) >= set(c.ordered_ids):
            raise No("Invalid")
        self.firsts[project.id, c.entity_type.value] = list(c.ordered_ids)


def _sent(value: object) -> bool:
    return type(value).__name__ != "UnsetType"


def _alive(session: Session) -> None:
    if session.status not in LIVE:
        raise No("Conflict")


def _found(table: dict[str, T], id_: str) -> T:
    if id_ not in table:
        raise No("NotFound")
    return table[id_]
