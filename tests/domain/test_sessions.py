"""Sessions from their spawning to their end; rule 8 is what an end does."""

from typing import Any

import pytest
from msgspec import structs

from maestrod.domain.changes import DAEMON, USER, Actor
from maestrod.domain.docs import AddDoc
from maestrod.domain.errors import AlreadyClaimed, Conflict, Invalid, NotFound
from maestrod.domain.model import (
    AssignmentStatus,
    Conversation,
    Defaults,
    Effort,
    EntryType,
    ItemStatus,
    Limits,
    NeedsInput,
    Noun,
    Pane,
    PermissionMode,
    Role,
    SessionStatus,
    SpawnSource,
    Strategy,
    Turn,
)
from maestrod.domain.projects import ArchiveProject, EditProject
from maestrod.domain.queues import StartItem
from maestrod.domain.sessions import (
    CompleteSession,
    DeleteSession,
    EditSession,
    LaunchSession,
    NeedInput,
    RecordExit,
    RecordTurn,
    RegisterSession,
    ResumeSession,
    SpawnSession,
    StopSession,
)
from maestrod.domain.timeline import Report
from maestrod.domain.work import AssignTask, BlockTask, CancelTask, CompleteTask, StartTask
from tests.domain.world import BEGIN, World, actor

# -- spawning -----------------------------------------------------------------------------------------


def test_a_spawned_session_has_its_assignments_and_its_queue_in_one_commit() -> None:
    world = World()
    project = world.project()
    tasks = [world.task(project, f"Task {n}") for n in range(3)]
    seq = len(world.records)
    queue = world.queue(project, *tasks, tasks[0])
    assert len(world.records) == seq + 1
    assert world.names()[-1] == "session:spawn"
    assert [i.task_id for i in world.state.items(queue)] == tasks
    assert [world.assignment(t, queue).status for t in tasks] == ["queued"] * 3
    found = world.state.queue_of(queue)
    assert found is not None
    assert found.session_id == queue


def test_a_session_takes_what_was_not_said_from_its_task_then_its_project() -> None:
    world = World()
    defaults = Defaults(provider="gemini", model="pro", permission_mode=PermissionMode.READ_ONLY)
    project = world.project(defaults=defaults)
    task = world.task(project, "Paint", provider="codex")
    session = world.state.session(world.worker(project, task))
    assert (session.name, session.provider, session.model) == ("Paint", "codex", "pro")
    assert session.permission_mode is PermissionMode.READ_ONLY
    said = world.state.session(world.worker(project, task, name="Eve", provider="claude", model="best"))
    assert (said.name, said.provider, said.model) == ("Eve", "claude", "best")
    bare = world.state.session(world.orchestrator(world.project(working_dir="/bare")))
    assert (bare.name, bare.provider, bare.model) == ("orchestrator", "", None)
    assert (bare.strategy, bare.permission_mode) == (Strategy.DEFAULT, PermissionMode.ACCEPT_EDITS)


def test_sessions_of_one_project_that_nobody_named_are_told_apart() -> None:
    world = World()
    project, other = world.project(), world.project("Elsewhere", "/elsewhere")
    task, long = world.task(project, "Fix login"), world.task(project, "x" * 200)
    spawned = [
        *(world.worker(project, task) for _ in range(3)),
        world.worker(project, task, name="Fix login"),
        *(world.orchestrator(project) for _ in range(2)),
        world.orchestrator(other),
        *(world.worker(project, long) for _ in range(2)),
    ]
    assert [world.state.session(id_).name for id_ in spawned] == [
        *("Fix login", "Fix login 2", "Fix login 3"),
        "Fix login",
        *("orchestrator", "orchestrator 2"),
        "orchestrator",
        *("x" * 200, f"{'x' * 198} 2"),
    ]


def test_how_an_agent_is_run_is_taken_from_its_project_when_it_is_not_said() -> None:
    world = World()
    project = world.project(defaults=Defaults(effort=Effort.HIGH, mcp_config="/srv/mcp.json", network=False))
    taken = world.state.session(world.worker(project))
    assert (taken.effort, taken.mcp_config, taken.network) == ("high", "/srv/mcp.json", False)
    said = world.state.session(world.worker(project, effort=Effort.LOW, mcp_config="/other.json", network=True))
    assert (said.effort, said.mcp_config, said.network) == ("low", "/other.json", True)
    bare = world.state.session(world.worker(world.project(working_dir="/bare")))
    assert (bare.effort, bare.mcp_config, bare.network) == (None, None, True)
    for wrong in ("mcp.json", "/a/../b", ""):
        with pytest.raises(Invalid, match="mcpConfig"):
            world.worker(project, mcp_config=wrong)


# -- going on from another's conversation -------------------------------------------------------------


def spoken(world: World, project: str, **fields: Any) -> str:
    """A session whose conversation is known."""
    session = world.worker(project, provider="codex", **fields)
    world.do(RecordTurn(session_id=session, conversation_id="c-1", transcript_path="/t/c-1.jsonl"), DAEMON)
    return session


def test_a_fork_takes_agent_model_and_modes_with_the_conversation() -> None:
    world = World()
    project = world.project(defaults=Defaults(provider="gemini", model="pro"))
    how: dict[str, Any] = {
        "model": "gpt",
        "permission_mode": PermissionMode.READ_ONLY,
        "effort": Effort.MAX,
        "network": False,
    }
    old = spoken(world, project, mcp_config="/m.json", **how)
    task = world.task(project, provider="claude", model="opus")
    fork = world.state.session(world.worker(project, task, fork_of=old))
    assert fork.fork_of == Conversation(id="c-1", transcript_path="/t/c-1.jsonl")
    assert (fork.provider, fork.mcp_config, fork.conversation_id) == ("codex", "/m.json", None)
    assert {name: getattr(fork, name) for name in how} == how
    other = world.state.session(world.worker(project, fork_of=old, model="small", network=True))
    assert (other.model, other.network) == ("small", True)
    assert world.state.session(old).fork_of is None


def test_only_a_known_conversation_of_the_same_project_and_agent_is_gone_on_from() -> None:
    world = World()
    project, elsewhere = world.project(), world.project(working_dir="/else")
    old = spoken(world, project)
    with pytest.raises(Invalid, match="another project"):
        world.worker(elsewhere, fork_of=old)
    with pytest.raises(Invalid, match="one of codex"):
        world.worker(project, fork_of=old, provider="claude")
    with pytest.raises(Conflict, match="no conversation"):
        world.worker(project, fork_of=world.worker(project))
    with pytest.raises(NotFound):
        world.worker(project, fork_of="sess_1_nobody")


def test_a_fork_outlives_the_session_it_came_from() -> None:
    world = World()
    project = world.project()
    old = spoken(world, project)
    fork = world.worker(project, fork_of=old)
    world.do(StopSession(session_id=old))
    world.do(DeleteSession(session_id=old))
    kept = world.state.session(fork).fork_of
    assert kept is not None
    assert kept.id == "c-1"


def test_a_strategy_fits_its_role() -> None:
    world = World()
    project = world.project()
    for role, fitting in ((Role.WORKER, "simple queue tree"), (Role.ORCHESTRATOR, "default batching dag")):
        for strategy in Strategy:
            command = SpawnSession(project_id=project, role=role, strategy=strategy)
            if strategy in fitting.split():
                world.do(command)
            else:
                assert "strategy" in world.refuse(Invalid, command).message


def test_a_session_knows_who_spawned_it_and_the_top_of_its_tree() -> None:
    world = World()
    project = world.project()
    boss = world.orchestrator(project, spawn_source=SpawnSource.API)
    lead = world.orchestrator(project, by=actor(boss), spawn_source=SpawnSource.USER)
    worker = world.state.session(world.worker(project, parent_session_id=lead))
    assert world.state.session(boss).root_session_id == boss
    assert world.state.session(boss).spawn_source == "api"
    assert world.state.session(lead).parent_session_id == boss
    assert world.state.session(lead).spawn_source == "session"
    assert (worker.parent_session_id, worker.root_session_id, worker.spawn_source) == (lead, boss, "user")
    with pytest.raises(NotFound):
        world.worker(project, parent_session_id="sess_1_x")


def test_a_project_has_at_most_as_many_live_sessions_as_it_allows() -> None:
    world = World()
    project = world.project(limits=Limits(max_sessions=1))
    first = world.worker(project)
    refused = world.refuse(Conflict, SpawnSession(project_id=project))
    assert "at most 1" in refused.message
    world.do(StopSession(session_id=first))
    world.worker(project)
    world.refuse(Conflict, ResumeSession(session_id=first))
    world.do(EditProject(project_id=project, limits=Limits()))
    world.do(ResumeSession(session_id=first))


def test_secrets_and_wrong_names_are_kept_out_of_the_environment() -> None:
    world = World()
    project = world.project()
    wrong = {
        "GITHUB_TOKEN": "secret",
        "api_key": "secret",
        "MAESTRO_ROLE": "set by Maestro",
        "A=B": "no name",
        "": "no name",
        "1ST": "no name",
        "x" * 5000 + "-": "no name",
    }
    for name, words in wrong.items():
        refused = world.refuse(Invalid, SpawnSession(project_id=project, env={name: "value"}))
        assert words in refused.message
        assert len(refused.message) < 300
    world.refuse(Invalid, SpawnSession(project_id=project, env={"EDITOR": "vi\0"}))
    world.refuse(Invalid, SpawnSession(project_id=project, env={"EDITOR": "x" * 20_000}))
    session = world.worker(project, env={"EDITOR": "vi", "_x": ""})
    assert world.state.session(session).env == {"EDITOR": "vi", "_x": ""}


# -- launching and registering ------------------------------------------------------------------------


def test_one_launcher_wins_until_its_claim_is_30_seconds_old() -> None:
    world = World()
    session = world.worker(world.project())
    world.do(LaunchSession(session_id=session, holder="terminal 1", provider="codex"))
    assert world.state.session(session).provider == "codex"
    second = LaunchSession(session_id=session, holder="terminal 2")
    assert world.refuse(AlreadyClaimed, second).holder == "terminal 1"
    world.pass_time(29_000)
    world.refuse(AlreadyClaimed, second)
    world.pass_time(1_000)
    world.do(second)
    found = world.state.session(session)
    assert found.launch is not None
    assert (found.launch.holder, found.provider) == ("terminal 2", "codex")


def test_a_registered_session_is_not_launched_again() -> None:
    world = World()
    session = world.worker(world.project())
    world.register(session)
    world.pass_time(60_000)
    assert world.refuse(AlreadyClaimed, LaunchSession(session_id=session, holder="late")).holder == "its pane"
    world.do(RecordTurn(session_id=session, status=SessionStatus.IDLE), DAEMON)
    world.refuse(Conflict, LaunchSession(session_id=session, holder="late"))


def test_registering_tells_the_start_once() -> None:
    world = World()
    session = world.worker(world.project(), provider="claude")
    pane = Pane(socket="maestro-test", window="@1", pane="%1", pid=7, pid_started_at=BEGIN)
    command = RegisterSession(session_id=session, pane=pane, hostname="box", platform="linux")
    world.do(command, actor(session))
    found = world.state.session(session)
    assert (found.pane, found.hostname, found.started_at) == (pane, "box", world.now)
    world.nothing(command, actor(session))
    other = structs.replace(pane, pid=8)
    world.do(RegisterSession(session_id=session, pane=other), actor(session))
    found = world.state.session(session)
    assert (found.pane, found.hostname, found.started_at) == (other, "box", world.now - 2)
    assert [e.message for e in world.entries("session", session)] == ["claude started"]


def test_an_ended_session_registers_no_pane() -> None:
    world = World()
    session = world.worker(world.project())
    world.do(StopSession(session_id=session))
    world.refuse(Conflict, RegisterSession(session_id=session, pane=Pane(socket="maestro-test")))


def test_renaming_a_session_changes_what_was_said_and_nothing_else() -> None:
    world = World()
    session = world.worker(world.project())
    world.do(EditSession(session_id=session, name="Eve", keep_open=True, metadata={"a": 1}))
    found = world.state.session(session)
    assert (found.name, found.keep_open, found.metadata) == ("Eve", True, {"a": 1})
    world.nothing(EditSession(session_id=session, name="Eve"))
    world.do(EditSession(session_id=session, metadata=None))
    assert world.state.session(session).metadata is None


# -- turns and questions ------------------------------------------------------------------------------


def test_only_edges_of_a_turn_are_committed() -> None:
    world = World()
    session = world.worker(world.project())
    seen = RecordTurn(
        session_id=session,
        status=SessionStatus.WORKING,
        turn=Turn(state="working", source="hook", confidence=0.9, since=world.now),
        needs_input=NeedsInput(active=True, message="May I?", since=world.now),
        conversation_id="c1",
        transcript_path="/log.jsonl",
    )
    world.do(seen, DAEMON)
    assert "notify:needs_input" in world.names()
    world.nothing(seen, DAEMON)
    world.nothing(RecordTurn(session_id=session), DAEMON)
    world.do(structs.replace(seen, needs_input=NeedsInput()), DAEMON)
    assert world.names() == ["session:updated"]
    found = world.state.session(session)
    assert (found.status, found.conversation_id, found.transcript_path) == ("working", "c1", "/log.jsonl")


def test_a_question_keeps_the_time_when_it_was_first_asked() -> None:
    world = World()
    session = world.worker(world.project())
    world.nothing(NeedInput(session_id=session, active=False), actor(session))
    world.do(NeedInput(session_id=session, message="Which colour?"), actor(session))
    since = world.now
    assert world.told("notify:needs_input") == [session]
    world.nothing(NeedInput(session_id=session, message="Which colour?"), actor(session))
    world.do(NeedInput(session_id=session, message="Which shade?"), actor(session))
    assert world.told("notify:needs_input") == []
    asked = world.state.session(session).needs_input
    assert (asked.active, asked.message, asked.since) == (True, "Which shade?", since)
    world.do(NeedInput(session_id=session, active=False), actor(session))
    assert world.state.session(session).needs_input == NeedsInput()
    world.do(NeedInput(session_id=session), actor(session))
    assert world.entries("session", session)[-1].message == "needs input"


def test_an_ended_session_asks_nothing() -> None:
    world = World()
    session = world.worker(world.project())
    world.do(NeedInput(session_id=session, message="Which colour?"), actor(session))
    world.do(StopSession(session_id=session))
    assert not world.state.session(session).needs_input.active
    world.refuse(Conflict, NeedInput(session_id=session, message="Which colour?"))


def test_late_evidence_revives_nothing() -> None:
    world = World()
    session = world.worker(world.project())
    world.do(StopSession(session_id=session))
    for adopt in (False, True):
        world.nothing(RecordTurn(session_id=session, turn=Turn(state="working"), adopt=adopt), DAEMON)
    world.nothing(RecordTurn(session_id=session, status=SessionStatus.WORKING), DAEMON)


# -- ends ---------------------------------------------------------------------------------------------


def working(world: World) -> tuple[str, str, str, str]:
    """A worker with a task that is completed, one under way, one that was not begun."""
    project = world.project()
    done, doing, later = (world.task(project, title) for title in ("Done", "Doing", "Later"))
    worker = world.worker(project, done, doing, later)
    world.register(worker)
    world.do(StartTask(task_id=done), actor(worker))
    world.do(CompleteTask(task_id=done), actor(worker))
    world.do(StartTask(task_id=doing), actor(worker))
    return worker, done, doing, later


@pytest.mark.parametrize(
    ("command", "result"),
    [
        (CompleteSession(session_id=""), "ended without a report"),
        (StopSession(session_id="", reason="lunch"), "ended without a report: lunch"),
        (StopSession(session_id=""), "ended without a report: stopped by user"),
        (RecordExit(session_id="", code=3), "ended without a report: exited with code 3"),
        (RecordExit(session_id="", signal=9), "ended without a report: killed by signal 9"),
        (RecordExit(session_id=""), "ended without a report: gone"),
    ],
)
def test_at_its_end_what_a_session_did_not_report_has_failed(
    command: CompleteSession | StopSession | RecordExit, result: str
) -> None:
    world = World()
    worker, done, doing, later = working(world)
    world.do(structs.replace(command, session_id=worker))
    own = [world.assignment(task, worker) for task in (done, doing, later)]
    assert [a.status for a in own] == ["completed", "failed", "failed"]
    assert [a.result for a in own] == [None, result, result]
    assert [world.state.task(t).status for t in (done, doing, later)] == ["completed", "todo", "todo"]
    assert world.entries("session", worker)[-1].type is EntryType.SESSION_STOPPED
    assert world.state.session(worker).completed_at == world.now


def test_an_end_leaves_alone_what_others_hold() -> None:
    world = World()
    project = world.project()
    task, mine = world.task(project), world.task(project)
    ann, bob = world.worker(project, task), world.worker(project, task, mine)
    world.do(StartTask(task_id=task), actor(ann))
    world.do(StartTask(task_id=task), actor(bob))
    world.do(StartTask(task_id=mine))
    world.do(StopSession(session_id=bob))
    assert [world.state.task(t).status for t in (task, mine)] == ["in_progress", "in_progress"]
    assert world.assignment(task, ann).status == "working"


def test_a_blocked_attempt_fails_with_its_session_and_the_task_stays_blocked() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    worker = world.worker(project, task)
    world.do(StartTask(task_id=task), actor(worker))
    world.do(BlockTask(task_id=task, reason="rain"), actor(worker))
    world.do(StopSession(session_id=worker))
    assert (world.assignment(task, worker).status, world.state.task(task).status) == ("failed", "blocked")


def test_a_session_says_that_it_is_done() -> None:
    world = World()
    worker, *_ = working(world)
    world.do(CompleteSession(session_id=worker, note="all well"), actor(worker))
    assert world.entries("session", worker)[-1].message == "completed: all well"
    assert "notify:session_completed" in world.names()
    world.nothing(CompleteSession(session_id=worker), actor(worker))
    world.nothing(StopSession(session_id=worker))


@pytest.mark.parametrize(
    ("code", "signal", "reports", "alive", "status"),
    [
        (0, None, ("completed",), True, "completed"),
        (0, None, ("completed", "failed"), True, "completed"),
        (0, None, ("completed",), False, "completed"),
        (0, None, ("completed", None), True, "stopped"),
        (0, None, ("failed",), True, "stopped"),
        (0, None, (), True, "stopped"),
        (0, None, (), False, "failed"),
        (0, None, ("failed",), False, "failed"),
        (1, None, ("completed",), True, "failed"),
        (0, 15, ("completed",), True, "failed"),
        (None, 9, ("completed",), True, "failed"),
        (None, None, (), True, "failed"),
    ],
)
def test_how_a_process_ended_is_judged_with_what_was_reported(
    code: int | None, signal: int | None, reports: tuple[str | None, ...], alive: bool, status: str
) -> None:
    world = World()
    project = world.project()
    tasks = [world.task(project) for _ in reports]
    worker = world.worker(project, *tasks)
    if alive:
        world.do(RecordTurn(session_id=worker, status=SessionStatus.IDLE), DAEMON)
    for task, outcome in zip(tasks, reports, strict=True):
        if outcome is not None:
            world.do(Report(message="so", task_id=task, outcome=AssignmentStatus(outcome)), actor(worker))
    world.do(RecordExit(session_id=worker, code=code, signal=signal, reason="" if code == 0 else "odd"), actor(worker))
    session = world.state.session(worker)
    assert session.status == status
    assert session.exit is not None
    assert (session.exit.code, session.exit.signal, session.exit.at) == (code, signal, world.now)


def test_the_exit_of_an_ended_session_is_noted_once() -> None:
    world = World()
    worker, *_ = working(world)
    world.do(StopSession(session_id=worker))
    world.do(RecordExit(session_id=worker, code=143), actor(worker))
    session = world.state.session(worker)
    assert session.exit is not None
    assert (session.status, session.exit.code) == ("stopped", 143)
    world.nothing(RecordExit(session_id=worker, code=0), actor(worker))


def test_an_ended_session_has_its_item_back_in_the_queue_three_times_at_most() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    queue = world.queue(project, task)
    seen = []
    for _ in range(3):
        world.do(StartItem(session_id=queue), actor(queue))
        world.do(RecordExit(session_id=queue, code=1))
        item = world.item(queue, task)
        seen.append((item.status, item.attempts))
        if item.status is ItemStatus.QUEUED:
            assert (item.started_at, item.completed_at) == (None, None)
            world.do(ResumeSession(session_id=queue))
    assert seen == [("queued", 1), ("queued", 2), ("failed", 3)]
    assert "queue:item_failed" in world.names()
    assert world.item(queue, task).fail_reason == "ended without a report: exited with code 1"


# -- resuming, adopting, deleting ---------------------------------------------------------------------


def test_a_resumed_session_has_again_what_its_end_took_from_it() -> None:
    world = World()
    worker, done, doing, later = working(world)
    world.do(Report(message="no", task_id=later, outcome=AssignmentStatus.FAILED), actor(worker))
    world.do(RecordExit(session_id=worker, code=1), actor(worker))
    world.do(ResumeSession(session_id=worker))
    assert "session:resume" in world.names()
    session = world.state.session(worker)
    assert (session.pane, session.launch, session.exit, session.completed_at) == (None, None, None, None)
    assert session.started_at is not None
    assert [a.status for a in world.attempts(doing, worker)] == ["failed", "queued"]
    assert [a.attempt for a in world.attempts(doing, worker)] == [1, 2]
    assert len(world.attempts(done, worker)) == len(world.attempts(later, worker)) == 1
    world.do(StartTask(task_id=doing), actor(worker))
    world.do(CompleteTask(task_id=doing), actor(worker))
    assert world.state.task(doing).status == "completed"


def test_ends_within_one_millisecond_take_a_task_from_a_session_once() -> None:
    world = World()
    task = world.task(world.project())
    session = world.worker(world.state.task(task).project_id, task)
    for _ in range(3):
        world.pass_time(-1)
        world.do(StopSession(session_id=session))
        world.pass_time(-1)
        world.do(ResumeSession(session_id=session))
    statuses = [a.status for a in world.attempts(task, session)]
    assert statuses == [*[AssignmentStatus.FAILED] * 3, AssignmentStatus.QUEUED]


def test_a_resumed_session_does_not_take_what_others_have_or_what_is_over() -> None:
    world = World()
    worker, _, doing, later = working(world)
    project = world.state.task(doing).project_id
    other = world.worker(project)
    world.do(StopSession(session_id=worker))
    world.do(StartTask(task_id=doing), actor(other))
    world.do(CancelTask(task_id=later))
    world.do(ResumeSession(session_id=worker))
    assert len(world.attempts(doing, worker)) == len(world.attempts(later, worker)) == 1


def test_an_old_end_gives_nothing_back_at_a_new_resumption() -> None:
    world = World()
    worker, _, doing, later = working(world)
    world.do(StopSession(session_id=worker))
    world.do(ResumeSession(session_id=worker))
    for task in (doing, later):
        world.do(CompleteTask(task_id=task), actor(worker))
    world.do(CompleteSession(session_id=worker), actor(worker))
    world.do(ResumeSession(session_id=worker))
    assert len(world.attempts(doing, worker)) == 2


@pytest.mark.parametrize(("outcome", "words"), [("failed", "no"), ("completed", "ended without a report")])
def test_what_was_reported_in_the_moment_of_the_end_is_not_given_back(outcome: str, words: str) -> None:
    world = World()
    worker, _, doing, _ = working(world)
    world.do(Report(message=words, task_id=doing, outcome=AssignmentStatus(outcome)), actor(worker))
    world.pass_time(-1)
    world.do(StopSession(session_id=worker))
    assert world.assignment(doing, worker).ended_at == world.state.session(worker).completed_at
    world.do(ResumeSession(session_id=worker))
    assert len(world.attempts(doing, worker)) == 1


def test_nothing_is_resumed_in_an_archived_project() -> None:
    world = World()
    project = world.project()
    worker = world.worker(project)
    world.do(StopSession(session_id=worker))
    world.do(ArchiveProject(project_id=project))
    assert "archived" in world.refuse(Conflict, ResumeSession(session_id=worker)).message


def test_an_adopted_session_goes_on_with_its_tasks() -> None:
    world = World()
    worker, _, doing, _ = working(world)
    world.do(RecordExit(session_id=worker, reason="the process was not seen"), DAEMON)
    world.do(RecordTurn(session_id=worker, status=SessionStatus.WORKING, adopt=True), DAEMON)
    session = world.state.session(worker)
    assert (session.status, session.exit, session.pane is not None) == ("working", None, True)
    world.do(CompleteTask(task_id=doing), actor(worker))
    assert world.state.task(doing).status == "completed"


@pytest.mark.parametrize("by", [USER, DAEMON])
def test_a_live_session_is_not_deleted(by: Actor) -> None:
    world = World()
    worker, *_ = working(world)
    assert "Stop it first" in world.refuse(Conflict, DeleteSession(session_id=worker), by).hint


def test_a_deleted_session_takes_all_that_is_its_own_and_no_task() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    queue = world.queue(project, task)
    world.do(Report(message="half", task_id=task), actor(queue))
    world.do(AddDoc(title="Notes", session_id=queue), actor(queue))
    world.do(StopSession(session_id=queue))
    world.do(DeleteSession(session_id=queue))
    left = {noun for noun in Noun if world.state.table(noun)}
    assert left == {Noun.PROJECT, Noun.TASK}
    assert {"session:deleted", "queue:deleted", "queue:item_deleted", "assignment:deleted"} <= set(world.names())
    assert {"timeline:deleted", "doc:deleted", "task:session_removed"} <= set(world.names())


def test_sessions_below_a_deleted_one_get_a_new_root() -> None:
    world = World()
    project = world.project()
    top = world.orchestrator(project)
    middle = world.orchestrator(project, parent_session_id=top)
    low = world.orchestrator(project, parent_session_id=middle)
    lowest = world.worker(project, parent_session_id=low)
    for session in (middle, top):
        world.do(StopSession(session_id=session))
        world.do(DeleteSession(session_id=session))
    assert world.state.session(low).parent_session_id is None
    assert {world.state.session(s).root_session_id for s in (low, lowest)} == {low}


def test_attempts_are_not_numbered_twice_after_a_session_was_deleted() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    ann, bob, eve = (world.worker(project) for _ in range(3))
    for worker in (ann, bob):
        world.do(AssignTask(task_id=task, session_id=worker))
    world.do(StopSession(session_id=ann))
    world.do(DeleteSession(session_id=ann))
    world.do(AssignTask(task_id=task, session_id=eve))
    assert world.assignment(task, eve).attempt == 3


def test_the_live_sessions_are_those_that_have_not_ended() -> None:
    world = World()
    project = world.project()
    ann, bob = world.worker(project), world.worker(project)
    world.do(StopSession(session_id=ann))
    assert [s.id for s in world.state.live_sessions()] == [bob]
    assert [s.id for s in world.state.sessions_of_project(project)] == [ann, bob]
