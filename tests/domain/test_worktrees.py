"""Worktrees of sessions: who gets one, where it begins, and what may be done to it when."""

import pytest
from msgspec import structs

from maestrod.api.calls import project_of_directory
from maestrod.domain import worktrees
from maestrod.domain.changes import DAEMON
from maestrod.domain.checks import RunChecks
from maestrod.domain.errors import Conflict, Invalid
from maestrod.domain.model import (
    Defaults,
    Isolation,
    Noun,
    PermissionMode,
    Role,
    Session,
    SessionStatus,
    TimelineEntry,
    Worktree,
    WorktreeDeed,
)
from maestrod.domain.projects import DeleteProject, EditProject
from maestrod.domain.sessions import (
    DeleteSession,
    LaunchSession,
    RecordTurn,
    ResumeSession,
    SpawnSession,
    StopSession,
)
from maestrod.domain.tasks import DeleteTask
from maestrod.domain.work import AssignTask, CompleteTask, StartTask
from maestrod.domain.worktrees import (
    MergeWorktree,
    PlanWorktree,
    RecordWorktree,
    RemoveWorktree,
    RestoreWorktree,
    SettleWorktree,
)
from maestrod.protocol.manifest import manifest_of
from maestrod.protocol.views import graph_json
from tests.domain.world import World, actor

BASE, LATER = "a" * 40, "b" * 40


def spawned(world: World, project: str, *tasks: str, worktree: bool | None = True, **fields: object) -> str:
    command = SpawnSession(project_id=project, task_ids=tasks, worktree=worktree, **fields)  # type: ignore[arg-type]
    return world.do(command)[0].id


def plan(session: str, **fields: str) -> PlanWorktree:
    return PlanWorktree(**{"session_id": session, "folder": "/w", "base_commit": BASE, "base_branch": "main", **fields})


def with_worktree(world: World, project: str, *tasks: str, ended: bool = True) -> str:
    """A session whose worktree was made."""
    session = spawned(world, project, *tasks)
    world.do(LaunchSession(session_id=session, holder="test"))
    world.do(plan(session))
    world.do(RecordWorktree(session_id=session))
    if ended:
        world.do(StopSession(session_id=session))
    return session


def own(world: World, session: str) -> Worktree:
    found = world.state.session(session).worktree
    assert found is not None
    return found


def told(world: World, session: str) -> list[str]:
    """What stands on the session's timeline."""
    entries = (world.state.table(Noun.TIMELINE)[id_] for id_ in world.state.groups["session-timeline", session])
    return [each.message for each in entries if isinstance(each, TimelineEntry)]


# -- who gets one -------------------------------------------------------------------------------------


def isolation(world: World, session: str) -> Isolation:
    return world.state.session(session).isolation


def test_what_is_said_counts_then_the_projects_default() -> None:
    world = World()
    project = world.project()
    assert isolation(world, spawned(world, project, worktree=True)) is Isolation.OWN
    world.do(EditProject(project_id=project, defaults=Defaults(worktree=True)))
    assert isolation(world, spawned(world, project, worktree=None)) is Isolation.OWN
    assert isolation(world, spawned(world, project, worktree=False)) is Isolation.SHARED
    world.do(EditProject(project_id=project, defaults=Defaults(worktree=False)))
    assert isolation(world, spawned(world, project, worktree=None)) is Isolation.SHARED


def test_unsaid_a_worker_beside_another_in_the_directory_gets_one_if_there_is_git() -> None:
    world = World()
    project = world.project()
    quiet = spawned(world, project, worktree=None, permission_mode=PermissionMode.READ_ONLY)
    boss = spawned(world, project, worktree=None, role=Role.ORCHESTRATOR)
    first = spawned(world, project, worktree=None)
    second = spawned(world, project, worktree=None)
    reader = spawned(world, project, worktree=None, permission_mode=PermissionMode.READ_ONLY)
    found = [isolation(world, id_) for id_ in (quiet, boss, first, second, reader)]
    assert found == ["shared", "shared", "shared", "ifGit", "shared"]
    world.do(StopSession(session_id=first))
    assert isolation(world, spawned(world, project, worktree=None)) is Isolation.SHARED


# -- making -------------------------------------------------------------------------------------------


def test_the_branch_has_the_sessions_name_and_the_end_of_its_id() -> None:
    world = World()
    project = world.project()
    names = {
        "Fix the -rf login; `x`": "fix-the-rf-login-x",
        "…": "worker",
        "Ünïcode": "n-code",
        "x" * 100: "x" * 40,
    }
    for name, slug in names.items():
        session = spawned(world, project, name=name)
        world.do(plan(session))
        assert own(world, session).branch == f"maestro/{slug}-{session[-4:]}"
        assert own(world, session).path == f"/w/{slug}-{session[-4:]}"


def test_no_two_sessions_get_the_same_branch() -> None:
    world = World()
    project = world.project()
    one, other = spawned(world, project, name="x"), spawned(world, project, name="x")
    world.do(plan(one))
    taken = f"/w/x-{other[-4:]}"
    one_has = structs.replace(world.state.session(one), worktree=structs.replace(own(world, one), path=taken))
    world.state.tables[Noun.SESSION][one] = one_has
    world.state.groups.add(("worktree", taken), one)
    world.state.groups.add(("worktree", f"/w/x-{other[-6:]}"), one)
    world.state.groups.add(("worktree", f"/w/x-{other[-9:]}"), one)
    changes = worktrees.plan_worktree(world.state, plan(other), world.context())
    [put] = changes
    assert isinstance(put.entity, Session)  # type: ignore[union-attr]
    assert put.entity.worktree is not None  # type: ignore[union-attr]
    assert put.entity.worktree.path == f"/w/x-{other[-9:]}"  # type: ignore[union-attr]


def test_planning_again_keeps_the_launch_and_what_is_made_is_not_planned_again() -> None:
    world = World()
    session = spawned(world, world.project())
    world.do(LaunchSession(session_id=session, holder="test"))
    claimed = world.state.session(session).launch
    assert claimed is not None
    world.now += 20_000
    world.do(plan(session))
    world.now += 20_000
    world.do(plan(session, base_commit=LATER))
    held = world.state.session(session).launch
    assert held is not None
    assert (held.holder, held.at > claimed.at + 40_000) == ("test", True)
    assert own(world, session).base_commit == LATER
    world.do(RecordWorktree(session_id=session, base_commit=BASE))
    assert (own(world, session).base_commit, own(world, session).made_at) == (BASE, world.now)
    world.nothing(RecordWorktree(session_id=session))
    world.refuse(Conflict, plan(session))
    world.refuse(Conflict, RecordWorktree(session_id=session, made=False))


def test_what_could_not_be_made_is_taken_back() -> None:
    world = World()
    session = spawned(world, world.project())
    world.nothing(RecordWorktree(session_id=session, made=False))
    world.refuse(Conflict, RecordWorktree(session_id=session))
    world.do(plan(session))
    world.do(RecordWorktree(session_id=session, made=False))
    assert world.state.session(session).worktree is None


@pytest.mark.parametrize(
    "fields",
    [
        {"base_commit": "HEAD"},
        {"base_commit": "a" * 39},
        {"directory": "../.."},
        {"directory": "/etc"},
        {"directory": "a/./b"},
        {"folder": "w"},
        {"base_branch": "x\x00"},
        {"base_branch": "x" * 201},
    ],
)
def test_a_plan_names_a_commit_and_a_place_within_the_repository(fields: dict[str, str]) -> None:
    world = World()
    session = spawned(world, world.project())
    world.refuse(Invalid, plan(session, **fields))
    world.refuse(Invalid, RecordWorktree(session_id=session, base_commit="x"))


def test_only_a_session_that_waits_for_its_launch_and_wants_one_gets_one() -> None:
    world = World()
    project = world.project()
    shared = spawned(world, project, worktree=False)
    world.refuse(Conflict, plan(shared))
    ended = spawned(world, project)
    world.do(StopSession(session_id=ended))
    world.refuse(Conflict, plan(ended))


# -- nothing takes one away ---------------------------------------------------------------------------


def test_sessions_and_projects_with_a_worktree_are_not_deleted_and_tasks_leave_it() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    one, two = with_worktree(world, project, task), with_worktree(world, project)
    refusal = world.refuse(Conflict, DeleteSession(session_id=one))
    assert refusal.details == ({"sessionId": one, "path": own(world, one).path},)
    refusal = world.refuse(Conflict, DeleteProject(project_id=project, cascade=True))
    assert [each["sessionId"] for each in refusal.details] == [one, two]
    world.do(DeleteTask(task_id=task))
    assert own(world, one).made_at


def test_a_session_is_resumed_with_its_worktree() -> None:
    world = World()
    session = with_worktree(world, world.project())
    before = own(world, session)
    world.do(ResumeSession(session_id=session))
    assert own(world, session) == before
    assert manifest_of(world.state, session).worktree.made  # type: ignore[union-attr]


# -- deeds --------------------------------------------------------------------------------------------


def test_a_merge_is_noted_then_settled() -> None:
    world = World()
    session = with_worktree(world, world.project())
    world.do(MergeWorktree(session_id=session))
    assert own(world, session).deed is WorktreeDeed.MERGE
    for deed in (MergeWorktree(session_id=session), RemoveWorktree(session_id=session)):
        assert "in the middle" in world.refuse(Conflict, deed).message
    world.do(SettleWorktree(session_id=session, done=True, commit=LATER, into="main"), DAEMON)
    found = own(world, session)
    assert (found.deed, found.merged_commit, found.merged_at) == (None, LATER, world.now)
    world.nothing(SettleWorktree(session_id=session, done=False), DAEMON)
    assert told(world, session)[-1].startswith("merged maestro/")


def test_a_deed_that_was_not_done_changes_nothing() -> None:
    world = World()
    session = with_worktree(world, world.project())
    before = own(world, session)
    for command in (MergeWorktree(session_id=session), RemoveWorktree(session_id=session, force=True)):
        world.do(command)
        world.do(SettleWorktree(session_id=session, done=False), DAEMON)
        assert own(world, session) == before


@pytest.mark.parametrize("kept", ["", "fix-x7k9"])
def test_what_is_removed_is_gone_and_the_trash_is_named(kept: str) -> None:
    world = World()
    session = with_worktree(world, world.project())
    world.do(RemoveWorktree(session_id=session))
    world.do(SettleWorktree(session_id=session, done=True, kept=kept), DAEMON)
    assert world.state.session(session).worktree is None
    assert (f"as {kept}" in told(world, session)[-1]) == bool(kept)
    world.refuse(Conflict, RemoveWorktree(session_id=session))
    world.do(DeleteSession(session_id=session))


@pytest.mark.parametrize("done", [True, False])
def test_what_is_restored_is_the_sessions_again(done: bool) -> None:
    world = World()
    session = with_worktree(world, world.project())
    before = own(world, session)
    restore = RestoreWorktree(
        session_id=session, folder="/w", branch=before.branch, base_commit=BASE, base_branch="main"
    )
    world.refuse(Conflict, restore)
    world.do(RemoveWorktree(session_id=session))
    world.do(SettleWorktree(session_id=session, done=True), DAEMON)
    world.do(restore)
    world.refuse(Conflict, RecordWorktree(session_id=session))
    world.do(SettleWorktree(session_id=session, done=done), DAEMON)
    found = world.state.session(session).worktree
    assert found == (structs.replace(before, made_at=world.now) if done else None)


def test_nothing_is_restored_under_the_feet_of_who_lives() -> None:
    world = World()
    session = spawned(world, world.project())
    restore = RestoreWorktree(session_id=session, folder="/w", branch="maestro/x", base_commit=BASE)
    world.refuse(Conflict, restore)


def test_while_an_agent_works_nothing_is_merged_and_while_it_lives_nothing_removed() -> None:
    world = World()
    session = with_worktree(world, world.project(), ended=False)
    world.refuse(Conflict, MergeWorktree(session_id=session))
    world.do(RecordTurn(session_id=session, status=SessionStatus.IDLE), DAEMON)
    world.refuse(Conflict, RemoveWorktree(session_id=session, force=True))
    world.do(MergeWorktree(session_id=session))


def test_what_was_never_made_cannot_be_merged_and_can_be_removed() -> None:
    world = World()
    session = spawned(world, world.project())
    world.do(plan(session))
    world.do(StopSession(session_id=session))
    assert "never made" in world.refuse(Conflict, MergeWorktree(session_id=session)).message
    world.do(RemoveWorktree(session_id=session))


# -- where work is ------------------------------------------------------------------------------------


def test_checks_run_where_the_session_works_or_where_the_task_was_last_worked_on() -> None:
    world = World()
    project = world.project(working_dir="/srv/shop")
    task = world.task(project, checks=("make",))
    session = with_worktree(world, project, task, ended=False)
    beside = spawned(world, project, worktree=False)
    path = own(world, session).path

    world.do(RunChecks(task_id=task, session_id=session))
    [check] = world.state.checks(task)
    assert check.directory == path
    assert worktrees.directory_of_task(world.state, world.state.task(task), beside) == path
    assert worktrees.directory_of_task(world.state, world.state.task(task)) == path
    world.do(AssignTask(task_id=task, session_id=beside))
    assert worktrees.directory_of_task(world.state, world.state.task(task), beside) == "/srv/shop"
    world.do(RecordTurn(session_id=session, status=SessionStatus.IDLE), DAEMON)
    world.do(MergeWorktree(session_id=session))
    world.do(SettleWorktree(session_id=session, done=True, commit=LATER), DAEMON)
    assert worktrees.directory_of_task(world.state, world.state.task(task)) == "/srv/shop"


def test_a_worktree_belongs_to_its_project() -> None:
    world = World()
    project = world.project(working_dir="/srv/shop")
    session = with_worktree(world, project)
    path = own(world, session).path
    assert project_of_directory(world.state, f"{path}/api") == project
    assert project_of_directory(world.state, "/w") is None


def test_the_directory_within_the_repository_is_the_same_in_the_worktree() -> None:
    world = World()
    session = spawned(world, world.project())
    world.do(plan(session, directory="api"))
    found = world.state.session(session)
    assert worktrees.directory_of(world.state, found) == world.state.project(found.project_id).working_dir
    world.do(RecordWorktree(session_id=session))
    assert worktrees.directory_of(world.state, world.state.session(session)) == f"{own(world, session).path}/api"


def test_a_dependency_is_begun_from_where_it_was_completed() -> None:
    world = World()
    project = world.project()
    one, two = world.task(project, "One"), world.task(project, "Two")
    then = world.task(project, "Then", dependencies=(one, two))
    session = with_worktree(world, project, one, ended=False)
    plain = spawned(world, project, two, worktree=False)
    for task, by in ((one, session), (two, plain)):
        world.do(StartTask(task_id=task), actor(by))
        world.do(CompleteTask(task_id=task), actor(by))
    waiting = spawned(world, project, then)
    told = manifest_of(world.state, waiting).worktree
    assert told is not None
    assert [(b.task_id, b.branch) for b in told.begins] == [(one, own(world, session).branch)]
    assert f'"beginsAt":["{own(world, session).branch}"]'.encode() in graph_json(world.state, project)
    assert manifest_of(world.state, plain).worktree is None
    assert worktrees.branches(world.state, world.state.task(one)) == [own(world, session).branch]
