"""The real state and the reference, brought to one form; what differs is shown as two plain dictionaries."""

from collections import Counter
from typing import TypeVar, cast

from maestrod.domain import queues
from maestrod.domain.model import (
    Assignment,
    Check,
    Delivery,
    Doc,
    Entity,
    Key,
    Mail,
    Noun,
    Ordering,
    Project,
    QueueItem,
    Session,
    Task,
    Template,
    TimelineEntry,
)
from maestrod.domain.state import State
from tests.model.whole import Whole

E = TypeVar("E", bound=Entity)
Form = dict[str, object]


def real(state: State) -> Form:
    """What there is."""
    return {
        "projects": {
            p.id: (p.name, p.working_dir, p.limits.max_sessions, p.archived_at is not None)
            for p in _all(state, Noun.PROJECT, Project)
        },
        "tasks": {t.id: _task(state, t) for t in _all(state, Noun.TASK, Task)},
        "checklists": {
            t: [(s.id, s.title, s.completed) for s in state.subtasks(t)]
            for t in state.table(Noun.TASK)
            if state.subtasks(t)
        },
        "attempts": {
            (a.task_id, a.session_id, a.attempt): a.status.value for a in _all(state, Noun.ASSIGNMENT, Assignment)
        },
        "sessions": {s.id: _session(s) for s in _all(state, Noun.SESSION, Session)},
        "queues": {
            s: (queue.paused, [i.id for i in queues.in_order(state, s)])
            for s in state.table(Noun.SESSION)
            if (queue := state.queue_of(s))
        },
        "items": {
            i.id: (i.session_id, i.task_id, i.status.value, i.priority.value, i.attempts, i.not_before or 0)
            for i in _all(state, Noun.ITEM, QueueItem)
        },
        "told": Counter((e.type.value, e.task_id, e.session_id) for e in _all(state, Noun.TIMELINE, TimelineEntry)),
        "docs": {d.id: (d.kind, d.task_id, d.session_id) for d in _all(state, Noun.DOC, Doc)},
        "orderings": {
            (o.project_id, o.entity_type.value): list(o.ordered_ids) for o in _all(state, Noun.ORDERING, Ordering)
        },
        "runs": {
            c.id: (c.task_id, c.command, c.status.value, c.run, c.session_id) for c in _all(state, Noun.CHECK, Check)
        },
        "mails": {
            m.id: (m.project_id, m.from_session_id, m.to_session_id, m.reply_to_mail_id, m.expires_at)
            for m in _all(state, Noun.MAIL, Mail)
        },
        "sent": {d.id: (d.mail_id, d.session_id, d.state.value) for d in _all(state, Noun.DELIVERY, Delivery)},
        "templates": {
            t.id: (t.name, t.role.value, t.content, t.is_default) for t in _all(state, Noun.TEMPLATE, Template)
        },
        "keys": {
            k.id: (k.name, k.hash, sorted(k.scopes), list(k.project_ids), k.last_used_at)
            for k in _all(state, Noun.KEY, Key)
        },
    }


def _task(state: State, t: Task) -> tuple[object, ...]:
    blocked_by = sorted(b.id for b in state.blockers(t))
    links = (t.project_id, t.parent_id, list(t.dependencies), list(t.reference_task_ids))
    times = (t.started_at is not None, t.completed_at is not None)
    proof = (list(t.checks), t.review_reason is not None)
    return (t.title, t.status.value, t.priority.value, *links, *times, state.is_ready(t), blocked_by, *proof)


def _session(s: Session) -> tuple[object, ...]:
    launched = s.launch.at if s.launch else None
    asks = s.needs_input.message if s.needs_input.active else None
    kinship = (s.parent_session_id, s.root_session_id)
    return (s.name, s.status.value, s.role.value, s.strategy.value, *kinship, asks, s.pane, launched, bool(s.exit))


def expected(known: Whole) -> Form:
    """What there should be."""
    lists = {t: known.checklist(t) for t in known.tasks}
    return {
        "projects": {p.id: (p.name, p.folder, p.most, p.archived) for p in known.projects.values()},
        "tasks": {
            t.id: (
                t.title,
                t.status,
                t.priority,
                t.project,
                t.parent,
                t.waits,
                t.names,
                t.started,
                t.finished,
                known.ready(t),
                sorted(known.blockers(t)),
                t.checks,
                bool(t.review),
            )
            for t in known.tasks.values()
        },
        "checklists": {t: [(s.id, s.title, s.done) for s in steps] for t, steps in lists.items() if steps},
        "attempts": {(a.task, a.session, a.number): a.status for a in known.attempts},
        "sessions": {
            s.id: (s.name, s.status, s.role, s.strategy, s.parent, known.root(s), s.asks, s.pane, s.launched, s.exited)
            for s in known.sessions.values()
        },
        "queues": {s: (q.paused, [i.id for i in known.line_up(s)]) for s, q in known.queues.items()},
        "items": {i.id: (i.session, i.task, i.status, i.priority, i.tries, i.not_before) for i in known.items.values()},
        "told": Counter((t.kind, t.task, t.session) for t in known.told),
        "docs": {id_: (d.kind, d.task, d.session) for id_, d in known.docs.items()},
        "orderings": known.firsts,
        "runs": {r.id: (r.task, r.command, r.status, r.number, r.session) for r in known.runs.values()},
        "mails": {m.id: (m.project, m.sender, m.to, m.answers, m.until) for m in known.mails.values()},
        "sent": {c.id: (c.mail, c.session, c.state) for c in known.sent.values()},
        "templates": {t.id: (t.name, t.role, t.content, t.default) for t in known.templates.values()},
        "keys": {k.id: (k.name, k.hash, k.scopes, k.projects, k.used) for k in known.keys.values()},
    }


def agree(state: State, known: Whole) -> None:
    """Raises: AssertionError: the two differ; the first difference is shown."""
    found, wanted = real(state), expected(known)
    for part in wanted:
        assert found[part] == wanted[part], part


def _all(state: State, noun: Noun, type_: type[E]) -> list[E]:
    return cast(list[E], list(state.table(noun).values()))
