"""Keys: made with a hash alone, tied, ended, rotated, revoked; and what each scope reaches."""

import pytest
from msgspec import structs

from maestrod.domain import keys, permissions
from maestrod.domain.changes import DAEMON, USER, Actor, Command
from maestrod.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from maestrod.domain.keys import CreateKey, RevokeKey, RotateKey, UseKey
from maestrod.domain.model import Noun, Scope
from maestrod.domain.names import resolve, title
from maestrod.domain.permissions import ADMIN, RIGHTS, Reach
from maestrod.domain.projects import CreateProject, DeleteProject
from maestrod.domain.sessions import SpawnSession
from maestrod.domain.subtasks import EditSubtask
from maestrod.domain.tasks import CreateTask, DeleteTask, EditTask
from maestrod.domain.timeline import Report
from maestrod.domain.work import CompleteTask
from tests.domain.test_permissions import BARE
from tests.domain.world import World

HASH = "ab" * 32


def create(**fields: object) -> CreateKey:
    return structs.replace(CreateKey(name="ci", prefix="mk_abcdef", hash=HASH), **fields)


def test_a_key_is_found_by_its_hash_and_named_by_its_name() -> None:
    world = World()
    id_ = world.key("Build farm", scopes=(Scope.WRITE, Scope.READ, Scope.WRITE))
    key = world.state.key(id_)
    assert keys.by_hash(world.state, key.hash) == key
    assert keys.by_hash(world.state, HASH) is None
    assert key.scopes == (Scope.READ, Scope.WRITE)
    assert resolve(world.state, Noun.KEY, "build-farm") == id_
    assert resolve(world.state, Noun.KEY, id_[-5:]) == id_
    assert title(world.state, Noun.KEY, id_) == "Build farm"


def test_a_key_reads_for_good_and_everywhere_unless_said_otherwise() -> None:
    world = World()
    key = world.state.key(world.key())
    assert (key.scopes, key.project_ids, key.expires_at, key.last_used_at) == ((Scope.READ,), (), None, None)
    assert not keys.is_over(key, 2**53)


def test_a_rotated_key_is_found_by_its_new_hash_alone() -> None:
    world = World()
    id_ = world.key(expires_at=world.now + 1_000)
    before = world.state.key(id_)
    world.do(RotateKey(key_id=id_, prefix="mk_other_", hash=HASH))
    assert keys.by_hash(world.state, before.hash) is None
    after = keys.by_hash(world.state, HASH)
    assert after is not None
    assert (after.id, after.prefix, after.expires_at) == (id_, "mk_other_", before.expires_at)
    world.do(RotateKey(key_id=id_, prefix="mk_other_", hash="cd" * 32, expires_at=None))
    assert world.state.key(id_).expires_at is None


def test_a_revoked_key_is_gone() -> None:
    world = World()
    id_ = world.key()
    hash_ = world.state.key(id_).hash
    world.do(RevokeKey(key_id=id_))
    assert world.names() == ["key:deleted"]
    assert keys.by_hash(world.state, hash_) is None
    world.refuse(NotFound, RevokeKey(key_id=id_))
    world.refuse(NotFound, RotateKey(key_id=id_, prefix="mk_abcdef", hash=HASH))


def test_a_key_ends_when_its_time_has_come() -> None:
    world = World()
    id_ = world.key(expires_at=world.now + 1_000)
    end = world.state.key(id_).expires_at
    assert end is not None
    assert [keys.is_over(world.state.key(id_), now) for now in (end - 1, end, end + 1)] == [False, True, True]
    world.pass_time(5_000)
    world.do(RotateKey(key_id=id_, prefix="mk_abcdef", hash=HASH, expires_at=world.now + 9_000))
    assert not keys.is_over(world.state.key(id_), world.now)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"scopes": ()}, "scopes"),
        ({"hash": ""}, "hash"),
        ({"hash": "AB" * 32}, "hash"),
        ({"hash": "ab" * 32 + "\n"}, "hash"),
        ({"prefix": ""}, "prefix"),
        ({"expires_at": 0}, "expiresAt"),
        ({"expires_at": 2**60}, "expiresAt"),
        ({"project_ids": ("x",) * 1_001}, "projectIds"),
    ],
)
def test_what_is_wrong_with_a_key_is_named(fields: dict[str, object], path: str) -> None:
    assert World().refuse(Invalid, create(**fields)).problems[0].path == path


def test_no_two_keys_have_one_secret() -> None:
    world = World()
    world.do(create())
    assert world.refuse(Invalid, create(name="twin")).problems[0].path == "hash"
    rotate = RotateKey(key_id=world.key(), prefix="mk_abcdef", hash=HASH)
    assert world.refuse(Invalid, rotate).problems[0].path == "hash"


def test_a_key_is_tied_to_projects_that_are_there() -> None:
    world = World()
    project = world.project()
    assert world.state.key(world.key(project_ids=(project, project))).project_ids == (project,)
    world.refuse(NotFound, create(project_ids=("proj_1_gone",)))


def test_there_is_an_end_to_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MOST", 1)
    world = World()
    world.key()
    world.refuse(Conflict, create())


def test_a_key_of_a_project_that_goes_never_reaches_more_than_before() -> None:
    world = World()
    one, two = world.project(), world.project(working_dir="/two")
    both, alone, free = world.key(project_ids=(one, two)), world.key(project_ids=(one,)), world.key()
    world.do(DeleteProject(project_id=one))
    assert world.state.key(both).project_ids == (two,)
    assert alone not in world.state.table(Noun.KEY)
    assert world.state.key(free).project_ids == ()


def test_the_use_of_a_key_is_noted_once_an_hour() -> None:
    world = World()
    id_ = world.key()
    world.do(UseKey(key_id=id_), DAEMON)
    used = world.state.key(id_).last_used_at
    world.nothing(UseKey(key_id=id_), DAEMON)
    world.pass_time(keys.USE_MS)
    world.do(UseKey(key_id=id_), DAEMON)
    assert used is not None
    assert (world.state.key(id_).last_used_at or 0) > used
    world.refuse(NotAllowed, UseKey(key_id=id_))


# -- what a key reaches -------------------------------------------------------------------------------


def may(world: World, key: str, command: Command) -> bool:
    try:
        permissions.authorize(world.state, command, Actor("key", key))
    except NotAllowed:
        return False
    return True


def test_the_commands_of_the_admin_scope_are_commands() -> None:
    assert RIGHTS.keys() >= ADMIN


def test_each_scope_includes_the_one_before() -> None:
    world = World()
    project = world.project()
    edit, delete = CreateTask(title="Build", project_id=project), DeleteProject(project_id=project)
    reach = {scope: [may(world, world.key(scopes=(scope,)), c) for c in (edit, delete, create())] for scope in Scope}
    assert reach == {"read": [False] * 3, "write": [True, False, False], "admin": [True] * 3}


def test_a_key_that_is_tied_reaches_only_what_is_in_its_projects() -> None:
    world = World()
    own, other = world.project(), world.project(working_dir="/other")
    mine, far = world.task(own), world.task(other)
    step, far_step = world.subtask(mine), world.subtask(far)
    key = world.key(scopes=(Scope.ADMIN,), project_ids=(own,))
    within: tuple[Command, ...] = (
        CreateTask(title="T", project_id=own),
        CreateTask(title="T", parent_id=mine),
        EditTask(task_id=mine),
        EditSubtask(subtask_id=step),
        SpawnSession(project_id=own),
        Report(message="m", session_id=world.worker(own)),
        DeleteProject(project_id=own),
    )
    outside: tuple[Command, ...] = (
        CreateTask(title="T", project_id=other),
        CreateTask(title="T", project_id=own, parent_id=far),
        CreateTask(title="T"),
        EditTask(task_id=far),
        EditSubtask(subtask_id=far_step),
        CreateProject(name="N", working_dir="/n"),
        create(),
        create(project_ids=(own,)),
        RevokeKey(key_id=key),
        DeleteProject(project_id=other),
    )
    assert [command for command in within if not may(world, key, command)] == []
    assert [command for command in outside if may(world, key, command)] == []


def test_a_key_that_was_revoked_meanwhile_may_nothing() -> None:
    world = World()
    assert not may(world, "key_1_gone", CreateProject(name="N", working_dir="/n"))


def test_a_refusal_says_what_is_missing() -> None:
    world = World()
    project = world.project()
    reader, tied = world.key("reader"), world.key("tied", scopes=(Scope.WRITE,), project_ids=(project,))
    command = CreateProject(name="N", working_dir="/n")
    refused = world.refuse(NotAllowed, command, Actor("key", reader))
    assert "'write'" in refused.message
    assert refused.details == ({"scopes": ["read"], "needed": "write"},)
    assert project in world.refuse(NotAllowed, command, Actor("key", tied)).message


def test_things_are_of_the_project_of_what_they_belong_to() -> None:
    world = World()
    project = world.project()
    task, session = world.task(project), world.worker(project)
    step = world.subtask(task)
    world.do(Report(message="m", session_id=session))
    report = next(iter(world.state.table(Noun.TIMELINE).values()))
    state = world.state
    for entity in (state.project(project), state.task(task), state.session(session), state.subtask(step), report):
        assert permissions.home_of(state, entity) == project
    assert permissions.home_of(state, state.key(world.key())) is None


def test_who_is_tied_to_nothing_has_no_bound() -> None:
    world = World()
    own = world.project()
    free, tied = world.key(), world.key("tied", project_ids=(own,))
    reach = [permissions.reach_of(world.state, who) for who in (USER, Actor("key", free), Actor("key", "key_1_gone"))]
    assert reach == [None, None, None]
    assert permissions.reach_of(world.state, Actor("key", tied)) == frozenset({own})


def test_a_sifted_answer_asks_for_no_project_and_allows_no_other() -> None:
    world = World()
    own, other = world.project(), world.project(working_dir="/other")
    key = Actor("key", world.key("tied", project_ids=(own,)))
    permissions.authorize_key(world.state, key, Scope.READ, {}, sifted=True)
    permissions.authorize_key(world.state, key, Scope.READ, {"project_id": own}, sifted=True)
    for named, sifted in (({}, False), ({"project_id": other}, True), ({"project_id": own, "task_id": "t"}, True)):
        if named.get("task_id"):
            named["task_id"] = world.task(other)
        with pytest.raises(NotAllowed):
            permissions.authorize_key(world.state, key, Scope.READ, named, sifted=sifted)


@pytest.mark.parametrize("kind", sorted(RIGHTS))
def test_of_whom_it_cannot_be_told_what_no_agent_may_is_refused(kind: str) -> None:
    right = RIGHTS[kind]
    command = BARE[kind]
    if right.worker is right.orchestrator is Reach.NEVER:
        with pytest.raises(NotAllowed):
            permissions.authorize_untold(command)
    else:
        permissions.authorize_untold(command)


@pytest.mark.parametrize("name", ["force", "override"])
def test_what_is_forced_is_refused_to_whom_it_cannot_be_told(name: str) -> None:
    forced = {"force": DeleteTask(task_id="t", force=True), "override": CompleteTask(task_id="t", override=True)}
    with pytest.raises(NotAllowed, match="cannot be told"):
        permissions.authorize_untold(forced[name])
