"""Checks and choosing what is next, told a second time."""

from dataclasses import dataclass, field
from typing import Any

from tests.model.mailing import Mailroom
from tests.model.reference import _alive, _sent
from tests.model.things import RANK, No, Run, Session, Task, said

DAY = 86_400_000


@dataclass
class Prover(Mailroom):
    """The works whose tasks may have checks. ``Run.work`` is empty where the work is as it was."""

    runs: dict[str, Run] = field(default_factory=dict)

    def create_task(self, c: Any) -> None:
        super().create_task(c)
        task = list(self.tasks.values())[-1]
        task.checks, task.made = list(c.checks), self.now

    def edit_task(self, c: Any) -> None:
        task = self.task(c.task_id)
        left = list(c.checks) if _sent(c.checks) else task.checks
        super().edit_task(c)
        task.checks = left
        self.runs = {k: v for k, v in self.runs.items() if v.task != task.id or v.command in left}

    def _before_links(self, task: Task, c: Any) -> None:
        if self.me is not None and _sent(c.checks) and not set(task.checks) <= set(c.checks):
            raise No("NotAllowed")

    def add_check(self, c: Any) -> None:
        task = self.task(c.task_id)
        said(c.check)
        task.checks = [*task.checks, *([] if c.check in task.checks else [c.check])]

    def run_checks(self, c: Any) -> None:
        task = self.task(c.task_id)
        session = c.session_id or self.me
        if session is not None and self.session(session).project != task.project:
            raise No("Invalid")
        if session is None and len(self.at(task.id)) == 1:
            session = self.at(task.id)[0].session
        if not task.checks:
            raise No("Conflict")
        for command in dict.fromkeys(task.checks):
            run = self._run(task, command)
            if run is None:
                run = Run(self.new("check"), task.id, command)
                self.runs[run.id] = run
            if run.status != "running":
                run.status, run.number, run.steady, run.work = "running", run.number + 1, True, ""
                run.session = session

    def _run(self, task: Task, command: str) -> Run | None:
        return next((r for r in self.runs.values() if r.task == task.id and r.command == command), None)

    def record_checks(self, c: Any) -> None:
        for result in c.results:
            run = self.runs.get(result.check_id)
            awaited = run is not None and run.status == "running" and run.number == result.run
            if run is not None and awaited and result.status.value != "running":
                run.status, run.steady, run.work = result.status.value, c.steady, c.work

    def lacking(self, task: Task) -> list[tuple[str, str]]:
        """Which checks do not stand, and why."""
        found = [(command, self._lack(self._run(task, command))) for command in dict.fromkeys(task.checks)]
        return [(command, why) for command, why in found if why]

    def _lack(self, run: Run | None) -> str:
        if run is None or run.status != "passed":
            return "never" if run is None else run.status
        return "unsteady" if not run.steady else "changed" if run.work else ""

    def _finish(self, task: Task, session: Session | None, *, alone: bool, override: bool = False) -> None:
        all_end = len(self._ending(task, session, alone=alone)) == len(self.at(task.id))
        lacking = self.lacking(task) if all_end and task.status != "completed" else []
        if not lacking or override or not self._may_complete(task):
            super()._finish(task, session, alone=alone, override=override)
        elif task.status != "in_review" or task.review != lacking:
            self._set(task, "in_review")
            task.review = lacking
            self.note("status_changed", task.id, session.id if session else None)

    def _forget(self, tasks: list[str], sessions: list[str]) -> None:
        super()._forget(tasks, sessions)
        self.runs = {k: v for k, v in self.runs.items() if v.task not in tasks}
        for run in self.runs.values():
            run.session = None if run.session in sessions else run.session

    # -- what is next ----------------------------------------------------------------------------

    def claim_next(self, c: Any) -> None:
        chosen = c.session_id or self.me
        session = self.session(chosen) if chosen else None
        parent = self.task(c.parent_id) if c.parent_id is not None else None
        home = session.project if session else parent.project if parent else None
        project = c.project_id or home
        if project is None or (session and session.project != project):
            raise No("Invalid")
        self.project(project)
        if session is not None:
            _alive(session)
            working = [a.task for a in self.attempts if a.session == session.id and a.status == "working"]
            if any(self.tasks[id_].status == "in_progress" for id_ in working):
                return
        there = [t for t in self.tasks.values() if t.project == project and self.ready(t)]
        fitting = [t for t in there if c.parent_id is None or c.parent_id in set(self.above(t.parent))]
        given = [t for t in fitting if session and (own := self.own(t.id, session.id)) and own.status == "queued"]
        free = given or [t for t in fitting if not self.at(t.id)]
        if free:
            self._begin(min(free, key=self._place), session)

    def _place(self, task: Task) -> tuple[int, str]:
        rank = RANK[task.priority]
        return max(0, rank - (self.now - task.made > DAY)), task.id
