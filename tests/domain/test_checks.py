"""Rule 5: an agent completes a task with checks only when each of them stands."""

import pytest

from maestrod.domain import proving
from maestrod.domain.batch import BatchTasks, Item, ItemsRefused
from maestrod.domain.changes import DAEMON, USER, Command
from maestrod.domain.checks import AddCheck, RecordChecks, Result, RunChecks
from maestrod.domain.errors import Conflict, Invalid, NotAllowed
from maestrod.domain.evidence import Claim, claims
from maestrod.domain.model import Check, CheckStatus, Noun, TaskStatus
from maestrod.domain.queues import CompleteItem, StartItem
from maestrod.domain.sessions import DeleteSession, StopSession
from maestrod.domain.tasks import DeleteTask, EditTask
from maestrod.domain.work import AssignTask, CompleteTask, ReopenTask, StartTask
from tests.domain.world import World, actor

TWO = ("make test", "make lint")
PASSED, FAILED = CheckStatus.PASSED, CheckStatus.FAILED


class Bench:
    """A worker at a task with two checks."""

    def __init__(self, *, checks: tuple[str, ...] = TWO) -> None:
        self.world = world = World()
        self.project = world.project()
        self.task = world.task(self.project, checks=checks)
        self.worker = world.worker(self.project, self.task)
        world.do(StartTask(task_id=self.task), actor(self.worker))

    def complete(self, **fields: object) -> TaskStatus:
        """The worker says that it is done; how the task stands then."""
        self.world.do(CompleteTask(task_id=self.task, **fields), actor(self.worker))  # type: ignore[arg-type]
        return self.status

    @property
    def status(self) -> TaskStatus:
        return self.world.state.task(self.task).status

    @property
    def reason(self) -> str:
        return self.world.state.task(self.task).review_reason or ""

    def runs(self) -> dict[str, Check]:
        return {check.command: check for check in self.world.state.checks(self.task)}


def test_a_task_without_checks_is_completed_at_once() -> None:
    assert Bench(checks=()).complete() is TaskStatus.COMPLETED


def test_a_task_whose_checks_never_ran_goes_to_review_and_says_what_is_missing() -> None:
    bench = Bench()
    assert bench.complete(note="done") is TaskStatus.IN_REVIEW
    assert bench.reason == (
        "`make test` has not been run; `make lint` has not been run. "
        f"Then `maestro task check run {bench.task}`, and complete it again."
    )
    assert bench.world.assignment(bench.task, bench.worker).status == "working"
    [entry] = [e for e in bench.world.entries("task", bench.task) if e.type == "status_changed"]
    assert [m["command"] for m in (entry.metadata or {})["missing"]] == list(TWO)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (FAILED, "failed"),
        (CheckStatus.TIMED_OUT, "took too long"),
        (CheckStatus.INTERRUPTED, "was interrupted"),
    ],
)
def test_whatever_is_not_a_pass_keeps_the_task_in_review(status: CheckStatus, why: str) -> None:
    bench = Bench()
    bench.world.proven(bench.task, status)
    assert bench.complete() is TaskStatus.IN_REVIEW
    assert f"`make test` {why}" in bench.reason


def test_a_failure_names_its_exit_code() -> None:
    bench = Bench(checks=("make test",))
    bench.world.do(RunChecks(task_id=bench.task))
    [check] = bench.world.state.checks(bench.task)
    failed = Result(check_id=check.id, run=1, status=FAILED, exit_code=2, output="1 failed")
    bench.world.do(RecordChecks(task_id=bench.task, results=(failed,), commit="3f2a"), DAEMON)
    bench.complete()
    assert "failed with exit code 2" in bench.reason
    assert (bench.runs()["make test"].output, bench.runs()["make test"].commit) == ("1 failed", "3f2a")


def test_a_check_that_still_runs_is_missing() -> None:
    bench = Bench()
    bench.world.do(RunChecks(task_id=bench.task), actor(bench.worker))
    assert bench.complete() is TaskStatus.IN_REVIEW
    assert "is still running" in bench.reason


def test_when_all_have_passed_the_agent_completes_it() -> None:
    bench = Bench()
    bench.complete()
    bench.world.proven(bench.task)
    assert bench.complete() is TaskStatus.COMPLETED
    assert bench.world.assignment(bench.task, bench.worker).status == "completed"
    assert bench.reason == ""


def test_saying_again_what_is_missing_changes_nothing() -> None:
    bench = Bench()
    bench.complete()
    bench.world.nothing(CompleteTask(task_id=bench.task), actor(bench.worker))
    bench.world.proven(bench.task, FAILED)
    bench.complete()
    assert "failed" in bench.reason


def test_a_pass_counts_only_while_the_work_is_what_it_was() -> None:
    bench = Bench()
    bench.world.proven(bench.task, work="tree-1")
    bench.world.work = {bench.task: "tree-2"}
    assert bench.complete() is TaskStatus.IN_REVIEW
    assert "passed before the work changed" in bench.reason
    bench.world.work = {bench.task: "tree-1"}
    assert bench.complete() is TaskStatus.COMPLETED


def test_a_pass_counts_for_nothing_when_nobody_looked_at_the_work() -> None:
    bench = Bench()
    bench.world.proven(bench.task, work="tree-1")
    assert bench.complete() is TaskStatus.IN_REVIEW


def test_a_pass_does_not_count_when_the_work_changed_while_it_ran() -> None:
    bench = Bench()
    bench.world.proven(bench.task, steady=False)
    assert bench.complete() is TaskStatus.IN_REVIEW
    assert "while the work was changing" in bench.reason


def test_a_check_that_was_added_is_missing_and_one_that_was_taken_out_is_forgotten() -> None:
    bench = Bench()
    bench.world.proven(bench.task)
    bench.world.do(EditTask(task_id=bench.task, checks=("make test", "make docs")))
    assert bench.runs().keys() == {"make test"}
    assert bench.complete() is TaskStatus.IN_REVIEW
    assert "`make docs` has not been run" in bench.reason
    assert "make test" not in bench.reason
    bench.world.do(EditTask(task_id=bench.task, checks=TWO))
    bench.complete()
    assert "`make lint` has not been run" in bench.reason


def test_an_orchestrator_is_an_agent_too() -> None:
    bench = Bench()
    boss = bench.world.orchestrator(bench.project)
    bench.world.do(CompleteTask(task_id=bench.task), actor(boss))
    assert bench.status is TaskStatus.IN_REVIEW
    bench.world.refuse(NotAllowed, CompleteTask(task_id=bench.task, override=True), actor(boss))


def test_an_agent_adds_checks_and_takes_none_away() -> None:
    bench = Bench()
    boss = actor(bench.world.orchestrator(bench.project))
    for left in ((), ("make lint",), ("true",)):
        for deed in (EditTask(task_id=bench.task, checks=left), EditTask(task_id=bench.task, checks=left, title="x")):
            bench.world.refuse(NotAllowed, deed, boss)
            bench.world.refuse(ItemsRefused, BatchTasks(items=(Item(deed=deed),)), boss)
    bench.world.nothing(EditTask(task_id=bench.task, checks=TWO), boss)
    bench.world.do(EditTask(task_id=bench.task, checks=("make docs", *reversed(TWO))), boss)
    assert bench.world.state.task(bench.task).checks == ("make docs", "make lint", "make test")
    bench.world.do(EditTask(task_id=bench.task, checks=()))
    assert bench.complete() is TaskStatus.COMPLETED


def test_a_person_overrides_by_saying_so_and_it_is_recorded() -> None:
    bench = Bench()
    bench.world.proven(bench.task, FAILED)
    bench.world.do(CompleteTask(task_id=bench.task))
    assert bench.status is TaskStatus.IN_REVIEW
    bench.world.do(CompleteTask(task_id=bench.task, override=True))
    assert bench.status.value == "completed"
    last = bench.world.entries("task", bench.task)[-1]
    assert last.metadata == {
        "overridden": [{"command": "make test", "reason": "failed"}, {"command": "make lint", "reason": "failed"}]
    }


def test_overriding_what_stands_is_no_override() -> None:
    bench = Bench()
    bench.world.proven(bench.task)
    bench.world.do(CompleteTask(task_id=bench.task, override=True))
    assert bench.world.entries("task", bench.task)[-1].metadata is None


def test_an_item_of_a_queue_waits_for_the_checks_of_its_task() -> None:
    world = World()
    project = world.project()
    task = world.task(project, checks=TWO)
    queue = world.queue(project, task)
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(CompleteItem(session_id=queue), actor(queue))
    assert world.state.task(task).status is TaskStatus.IN_REVIEW
    assert world.item(queue, task).status == "processing"
    world.proven(task)
    assert [t.id for t, _ in proving.to_prove(world.state, CompleteItem(session_id=queue))] == [task]
    world.do(CompleteItem(session_id=queue), actor(queue))
    assert world.state.task(task).status is TaskStatus.COMPLETED
    assert world.item(queue, task).status == "completed"
    assert proving.to_prove(world.state, CompleteItem(session_id=queue)) == []


def test_only_the_last_attempt_waits_for_the_checks() -> None:
    bench = Bench()
    other = bench.world.worker(bench.project)
    bench.world.do(AssignTask(task_id=bench.task, session_id=other))
    bench.complete()
    assert bench.world.assignment(bench.task, bench.worker).status == "completed"
    bench.world.do(CompleteTask(task_id=bench.task), actor(other))
    assert bench.world.assignment(bench.task, other).status == "queued"
    assert bench.status is TaskStatus.IN_REVIEW


def test_a_task_in_review_is_taken_up_again_by_starting_it() -> None:
    bench = Bench()
    bench.complete()
    bench.world.do(StartTask(task_id=bench.task), actor(bench.worker))
    assert (bench.status, bench.reason) == (TaskStatus.IN_PROGRESS, "")


def test_what_is_missing_is_told_in_few_words_whatever_the_checks_are() -> None:
    bench = Bench(checks=("", "a\nb", *(f"step {n} {'x' * 9_000}" for n in range(20))))
    bench.complete()
    assert "`` has not been run; `a` has not been run" in bench.reason
    assert "17 more" in bench.reason
    assert len(bench.reason) < 2_000


# -- running --------------------------------------------------------------------------------------


def test_a_run_is_for_the_session_that_asks_else_for_the_only_one_at_work() -> None:
    bench = Bench()
    bench.world.do(RunChecks(task_id=bench.task))
    assert {c.session_id for c in bench.runs().values()} == {bench.worker}
    other = bench.world.worker(bench.project)
    bench.world.do(AssignTask(task_id=bench.task, session_id=other))
    bench.world.proven(bench.task)
    bench.world.do(RunChecks(task_id=bench.task))
    assert {c.session_id for c in bench.runs().values()} == {None}
    bench.world.proven(bench.task)
    bench.world.do(RunChecks(task_id=bench.task), actor(other))
    assert {(c.session_id, c.directory) for c in bench.runs().values()} == {(other, "/works")}


def test_what_runs_is_not_begun_again_and_what_has_ended_is() -> None:
    bench = Bench()
    bench.world.do(RunChecks(task_id=bench.task))
    bench.world.nothing(RunChecks(task_id=bench.task))
    bench.world.proven(bench.task)
    bench.world.do(RunChecks(task_id=bench.task))
    assert {(c.run, c.status) for c in bench.runs().values()} == {(2, CheckStatus.RUNNING)}


def test_an_outcome_that_nobody_waits_for_is_dropped() -> None:
    bench = Bench(checks=("make test",))
    bench.world.proven(bench.task)
    [check] = bench.world.state.checks(bench.task)
    for result in (
        Result(check_id=check.id, run=check.run, status=FAILED),
        Result(check_id="chk_1_gone", run=1, status=PASSED),
    ):
        bench.world.nothing(RecordChecks(task_id=bench.task, results=(result,)), DAEMON)
    bench.world.do(RunChecks(task_id=bench.task))
    late = Result(check_id=check.id, run=check.run, status=PASSED)
    never = Result(check_id=check.id, run=check.run + 1, status=CheckStatus.RUNNING)
    bench.world.nothing(RecordChecks(task_id=bench.task, results=(late, never)), DAEMON)


def test_there_must_be_something_to_run() -> None:
    world = World()
    project, elsewhere = world.project(), world.project(working_dir="/elsewhere")
    task = world.task(project)
    refused = world.refuse(Conflict, RunChecks(task_id=task))
    assert "task check add" in refused.hint
    orchestrator = actor(world.orchestrator(project))
    assert "task check add" in world.refuse(Conflict, RunChecks(task_id=task), orchestrator).hint
    worker = actor(world.worker(project, task))
    assert "maestro" not in world.refuse(Conflict, RunChecks(task_id=task), worker).hint
    world.do(AddCheck(task_id=task, check="make test"))
    world.refuse(Invalid, RunChecks(task_id=task, session_id=world.worker(elsewhere)))


def test_a_check_is_added_once_and_must_say_something() -> None:
    world = World()
    task = world.task(world.project(), checks=("make lint",))
    world.do(AddCheck(task_id=task, check="make test"))
    world.nothing(AddCheck(task_id=task, check="make test"))
    assert world.state.task(task).checks == ("make lint", "make test")
    world.refuse(Invalid, AddCheck(task_id=task, check=" "))
    full = world.task(world.project(working_dir="/full"), checks=tuple(str(n) for n in range(1000)))
    assert "1000" in world.refuse(Invalid, AddCheck(task_id=full, check="x")).message


def test_runs_go_with_their_task_and_forget_a_session_that_goes() -> None:
    bench = Bench()
    bench.world.proven(bench.task)
    bench.world.do(StopSession(session_id=bench.worker))
    bench.world.do(DeleteSession(session_id=bench.worker))
    assert {c.session_id for c in bench.runs().values()} == {None}
    bench.world.do(DeleteTask(task_id=bench.task))
    assert not bench.world.state.table(Noun.CHECK)


# -- looking at the work --------------------------------------------------------------------------


def test_the_work_is_looked_at_only_where_it_can_decide() -> None:
    bench = Bench()
    command: Command = CompleteTask(task_id=bench.task)
    assert proving.to_prove(bench.world.state, command) == []
    bench.world.proven(bench.task)
    assert [t.id for t, _ in proving.to_prove(bench.world.state, command)] == [bench.task]
    assert proving.to_prove(bench.world.state, CompleteTask(task_id=bench.task, override=True)) == []
    assert proving.to_prove(bench.world.state, CompleteTask(task_id="task_1_gone")) == []
    assert proving.to_prove(bench.world.state, ReopenTask(task_id=bench.task)) == []


# -- evidence -------------------------------------------------------------------------------------


def test_evidence_is_shown_with_who_claimed_it() -> None:
    bench = Bench()
    bench.complete(evidence=("commit:3f2a", "file: report.txt", "seen it", "url:https://x"))
    bench.world.do(CompleteTask(task_id=bench.task, evidence=("commit:3f2a",), override=True), USER)
    told = [(c.kind, c.value, c.session_id) for c in claims(bench.world.state, bench.world.state.task(bench.task))]
    own = [("commit", "3f2a"), ("file", "report.txt"), ("note", "seen it"), ("url", "https://x")]
    assert told == [*[(kind, value, bench.worker) for kind, value in own], ("commit", "3f2a", None)]


def test_evidence_of_a_completion_that_went_to_review_stays_with_the_attempt() -> None:
    bench = Bench()
    bench.complete(evidence=("commit:3f2a",))
    assert bench.world.assignment(bench.task, bench.worker).evidence == ("commit:3f2a",)
    before = bench.world.assignment(bench.task, bench.worker)
    bench.complete(evidence=("commit:3f2a",))
    assert bench.world.assignment(bench.task, bench.worker) == before
    bench.complete(evidence=("commit:4b",))
    [claim, *_] = claims(bench.world.state, bench.world.state.task(bench.task))
    assert isinstance(claim, Claim)
