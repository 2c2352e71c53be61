"""Rule 4: who may do what, from a table written out here, over every command, role and object."""

from collections.abc import Callable
from functools import cache
from itertools import product

import pytest
from msgspec import structs

from maestrod.domain import permissions
from maestrod.domain.batch import BatchTasks
from maestrod.domain.changes import DAEMON, USER, Actor, Command
from maestrod.domain.checks import AddCheck, RecordChecks, RunChecks
from maestrod.domain.claims import ClaimNext
from maestrod.domain.docs import AddDoc, DeleteDoc
from maestrod.domain.editing import DependTask, MoveAttempt, UndependTask
from maestrod.domain.errors import NotAllowed, NotFound
from maestrod.domain.imports import ImportEntities, Source
from maestrod.domain.keys import CreateKey, RevokeKey, RotateKey, UseKey
from maestrod.domain.mail import AckMail, DeleteMail, ExpireMail, HoldMail, ReadMail, SendMail, SurfaceMail
from maestrod.domain.model import AssignmentStatus, Noun, Ordered, Pane, Role, Scope
from maestrod.domain.orderings import SetOrdering
from maestrod.domain.permissions import RIGHTS, Reach
from maestrod.domain.projects import ArchiveProject, CreateProject, DeleteProject, EditProject
from maestrod.domain.queues import (
    CompleteItem,
    FailItem,
    MoveItem,
    PauseQueue,
    PushItem,
    ResumeQueue,
    SkipItem,
    StartItem,
)
from maestrod.domain.registry import RULES
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
from maestrod.domain.state import State
from maestrod.domain.subtasks import CreateSubtask, DeleteSubtask, EditSubtask, OrderSubtasks
from maestrod.domain.tasks import CreateTask, DeleteTask, EditTask
from maestrod.domain.templates import CreateTemplate, DeleteTemplate, EditTemplate, ResetTemplate
from maestrod.domain.timeline import Report
from maestrod.domain.undo import UndoCommit
from maestrod.domain.work import (
    ArchiveTask,
    AssignTask,
    BlockTask,
    CancelTask,
    CompleteTask,
    ReopenTask,
    ReviewTask,
    StartTask,
    UnassignTask,
    UnblockTask,
)
from maestrod.domain.worktrees import (
    MergeWorktree,
    PlanWorktree,
    RecordWorktree,
    RemoveWorktree,
    RestoreWorktree,
    SettleWorktree,
)
from tests.domain.world import World, actor

# What a session may do to a task: its own, one under it, one that nobody has, one of a session beside it,
# one of another project.  `+` may, `-` may not.
TASKS = ("own", "child", "free", "sibling", "other")
ON_TASKS = {
    # command: worker, orchestrator
    "CreateTask": ("++---", "++++-"),
    "EditTask": ("-----", "++++-"),
    "DeleteTask": ("-----", "++++-"),
    "StartTask": ("++++-", "++++-"),
    "CompleteTask": ("++---", "++++-"),
    "ReviewTask": ("++---", "++++-"),
    "BlockTask": ("++---", "++++-"),
    "UnblockTask": ("++---", "++++-"),
    "CancelTask": ("-----", "++++-"),
    "ReopenTask": ("-----", "++++-"),
    "ArchiveTask": ("-----", "++++-"),
    "AssignTask": ("-----", "++++-"),
    "UnassignTask": ("-----", "++++-"),
    "CreateSubtask": ("++---", "++++-"),
    "EditSubtask": ("++---", "++++-"),
    "DeleteSubtask": ("++---", "++++-"),
    "OrderSubtasks": ("++---", "++++-"),
    "PushItem": ("++++-", "++++-"),
    "DependTask": ("-----", "++++-"),
    "UndependTask": ("-----", "++++-"),
    "MoveAttempt": ("++---", "++++-"),
    "ClaimNext": ("++++-", "++++-"),
    "AddCheck": ("-----", "++++-"),
    "RunChecks": ("++---", "++++-"),
    "RecordChecks": ("-----", "-----"),
    "Report": ("++---", "++++-"),
    "AddDoc": ("++---", "++++-"),
    "DeleteDoc": ("-----", "++++-"),
}

# What a session may do to a session: itself, one that it spawned, one beside it, one of another project.
SESSIONS = ("self", "below", "beside", "other")
ON_SESSIONS = {
    "SpawnSession": ("----", "++--"),
    "LaunchSession": ("----", "++--"),
    "RegisterSession": ("+---", "+---"),
    "EditSession": ("+---", "++--"),
    "RecordTurn": ("----", "----"),
    "NeedInput": ("+---", "+---"),
    "CompleteSession": ("+---", "+---"),
    "StopSession": ("----", "++--"),
    "RecordExit": ("+---", "++--"),
    "ResumeSession": ("----", "++--"),
    "DeleteSession": ("----", "----"),
    "PlanWorktree": ("----", "++--"),
    "RecordWorktree": ("----", "++--"),
    "MergeWorktree": ("----", "----"),
    "RemoveWorktree": ("----", "----"),
    "RestoreWorktree": ("----", "----"),
    "SettleWorktree": ("----", "----"),
    "StartItem": ("+---", "++--"),
    "CompleteItem": ("+---", "++--"),
    "FailItem": ("+---", "++--"),
    "SkipItem": ("+---", "++--"),
    "PushItem": ("+---", "++--"),
    "PauseQueue": ("+---", "++--"),
    "ResumeQueue": ("+---", "++--"),
    "MoveItem": ("+---", "++--"),
    "StartTask": ("+---", "++--"),
    "CompleteTask": ("+---", "++--"),
    "ReviewTask": ("+---", "++--"),
    "BlockTask": ("+---", "++--"),
    "UnblockTask": ("+---", "++--"),
    "MoveAttempt": ("+---", "++--"),
    "ClaimNext": ("+---", "++--"),
    "RunChecks": ("+---", "++--"),
    "AssignTask": ("----", "++--"),
    "UnassignTask": ("----", "++--"),
    "Report": ("+---", "++--"),
    "AddDoc": ("+---", "++--"),
    "DeleteDoc": ("+---", "++--"),
    "SendMail": ("+++-", "+++-"),
    "ReadMail": ("+---", "+---"),
    "AckMail": ("+---", "+---"),
    "SurfaceMail": ("----", "----"),
    "HoldMail": ("----", "----"),
    "ExpireMail": ("----", "----"),
}
# What a session may do to mail: what it got, what it sent, what others of its project wrote, another project's.
MAILS = ("got", "sent", "others", "other")
ON_MAILS = {
    "SendMail": ("++--", "+++-"),
    "ReadMail": ("++--", "++--"),
    "AckMail": ("++--", "++--"),
    "DeleteMail": ("----", "+++-"),
}
BY_THE_DAEMON = {"SettleWorktree", "RecordTurn", "RecordChecks", "SurfaceMail", "HoldMail", "ExpireMail", "UseKey"}
ON_PROJECTS = ("CreateProject", "EditProject", "ArchiveProject", "DeleteProject")
FOR_PEOPLE = (
    "UndoCommit",
    "ImportEntities",
    *("CreateTemplate", "EditTemplate", "DeleteTemplate", "ResetTemplate"),
    *("CreateKey", "RotateKey", "RevokeKey", "UseKey"),
)
IN_PROJECTS = ("SetOrdering",)

BARE: dict[str, Command] = {
    type(command).__name__: command
    for command in (
        CreateProject(name="Works", working_dir="/more"),
        EditProject(project_id=""),
        ArchiveProject(project_id=""),
        DeleteProject(project_id=""),
        CreateTask(title="Build"),
        EditTask(task_id="", title="Other"),
        DeleteTask(task_id=""),
        StartTask(task_id=""),
        CompleteTask(task_id=""),
        ReviewTask(task_id=""),
        BlockTask(task_id="", reason="rain"),
        UnblockTask(task_id=""),
        CancelTask(task_id=""),
        ReopenTask(task_id=""),
        ArchiveTask(task_id=""),
        AssignTask(task_id="", session_id=""),
        UnassignTask(task_id="", session_id=""),
        CreateSubtask(task_id="", title="Step"),
        EditSubtask(subtask_id="", completed=True),
        DeleteSubtask(subtask_id=""),
        OrderSubtasks(task_id="", ordered_ids=()),
        SpawnSession(project_id=""),
        LaunchSession(session_id="", holder="test"),
        RegisterSession(session_id="", pane=Pane(socket="maestro-test")),
        EditSession(session_id="", name="Other"),
        RecordTurn(session_id=""),
        NeedInput(session_id=""),
        CompleteSession(session_id=""),
        StopSession(session_id=""),
        RecordExit(session_id="", code=0),
        ResumeSession(session_id=""),
        DeleteSession(session_id=""),
        StartItem(session_id=""),
        CompleteItem(session_id=""),
        FailItem(session_id="", reason="rain"),
        SkipItem(session_id=""),
        PushItem(session_id="", task_id=""),
        PauseQueue(session_id=""),
        ResumeQueue(session_id=""),
        MoveItem(session_id="", item_id="", to=0),
        DependTask(task_id="", dependencies=()),
        UndependTask(task_id="", dependencies=()),
        MoveAttempt(task_id="", session_status=AssignmentStatus.WORKING),
        BatchTasks(items=()),
        ClaimNext(),
        AddCheck(task_id="", check="make test"),
        RunChecks(task_id=""),
        RecordChecks(task_id="", results=()),
        Report(message="hello"),
        AddDoc(title="Notes"),
        DeleteDoc(doc_id=""),
        CreateKey(name="ci", prefix="mk_a", hash="a" * 64),
        RotateKey(key_id="key_1_x", prefix="mk_a", hash="a" * 64),
        RevokeKey(key_id="key_1_x"),
        UseKey(key_id="key_1_x"),
        CreateTemplate(name="Strict", role=Role.WORKER, content="Be strict."),
        EditTemplate(template_id="tmpl_0_worker"),
        DeleteTemplate(template_id="tmpl_0_worker"),
        ResetTemplate(template_id="tmpl_0_worker"),
        SetOrdering(project_id="", entity_type=Ordered.TASK, ordered_ids=()),
        SendMail(subject="Hello"),
        ReadMail(mail_id=""),
        AckMail(mail_id=""),
        DeleteMail(mail_id=""),
        SurfaceMail(session_id="", mail_ids=()),
        HoldMail(session_id="", mail_ids=(), reason="busy"),
        ExpireMail(mail_id=""),
        PlanWorktree(session_id="", folder="/w", base_commit="a" * 40),
        RecordWorktree(session_id=""),
        MergeWorktree(session_id=""),
        RemoveWorktree(session_id=""),
        RestoreWorktree(session_id="", folder="/w", branch="maestro/x", base_commit="a" * 40),
        SettleWorktree(session_id="", done=True),
        UndoCommit(seq=1),
        ImportEntities(source=Source.EXPORT, digest=""),
    )
}


class Stage:
    """Two projects with everybody in them; ids by the words of the tables above."""

    def __init__(self, role: Role) -> None:
        self.world = world = World(checked=False)
        self.project, self.elsewhere = world.project(), world.project(working_dir="/elsewhere")
        own = world.task(self.project, "Own")
        beside = world.task(self.project, "Sibling's")
        far = world.task(self.elsewhere, "Far")
        self.tasks = {
            "own": own,
            "child": world.task(self.project, "Child", parent_id=world.task(self.project, parent_id=own)),
            "free": world.task(self.project, "Free"),
            "sibling": beside,
            "other": far,
        }
        self.subtasks = {word: world.subtask(id_) for word, id_ in self.tasks.items()}
        me = world.worker(self.project, own, role=role)
        below = world.worker(self.project, world.task(self.project), parent_session_id=me)
        self.sessions = {
            "self": me,
            "below": world.worker(self.project, parent_session_id=below),
            "beside": world.worker(self.project, beside),
            "other": world.worker(self.elsewhere, far),
        }
        self.docs = {word: world.doc(task_id=id_) for word, id_ in self.tasks.items()}
        self.docs |= {word: world.doc(session_id=id_) for word, id_ in self.sessions.items() if word != "other"}
        self.docs["stranger's"] = world.doc(session_id=self.sessions["other"])
        self.keys = {scope: world.key(scope, scopes=(scope,)) for scope in Scope}
        self.actor = actor(me)
        self.mails = {
            "got": world.mail(self.sessions["beside"], me),
            "sent": world.mail(me, self.sessions["beside"]),
            "others": world.mail(self.sessions["below"], self.sessions["beside"]),
            "other": world.mail(None, self.sessions["other"]),
        }

    def on_task(self, name: str, word: str) -> Command:
        """The command on that task, for the session itself where it names one."""
        command = BARE[name]
        known = command.__struct_fields__
        if name in {"AssignTask", "UnassignTask", "PushItem"}:
            command = structs.replace(command, session_id=self.sessions["self"])
        if "doc_id" in known:
            return structs.replace(command, doc_id=self.docs[word])
        if "subtask_id" in known:
            return structs.replace(command, subtask_id=self.subtasks[word])
        return structs.replace(command, **{"task_id" if "task_id" in known else "parent_id": self.tasks[word]})

    def on_session(self, name: str, word: str) -> Command:
        """The command on that session, on the actor's own task where it names one."""
        command = BARE[name]
        if name == "SpawnSession":
            return structs.replace(command, project_id=self.project, parent_session_id=self.sessions[word])
        if name == "DeleteDoc":
            return structs.replace(command, doc_id=self.docs["stranger's" if word == "other" else word])
        if name == "SendMail":
            return structs.replace(command, to_session_id=self.sessions[word])
        fields = {"session_id": self.sessions[word]} if name != "ExpireMail" else {}
        if "mail_id" in command.__struct_fields__:
            fields["mail_id"] = self.mails["got"]
        if "task_id" in command.__struct_fields__:
            fields["task_id"] = self.tasks["own"]
        return structs.replace(command, **fields)

    def on_mail(self, name: str, word: str) -> Command:
        """The command on that mail; to send is to answer it."""
        field = "reply_to_mail_id" if name == "SendMail" else "mail_id"
        return structs.replace(BARE[name], **{field: self.mails[word]})

    def may(self, command: Command) -> bool:
        """Whether the session is let through."""
        try:
            permissions.authorize(self.world.state, command, self.actor)
        except NotAllowed:
            return False
        return True


ROLES = (Role.WORKER, Role.ORCHESTRATOR)


@cache
def stage_of(role: Role) -> Stage:
    """The stage as nobody changes it."""
    return Stage(role)


def test_every_command_has_a_rule_a_right_and_a_row_here() -> None:
    assert RULES.keys() == RIGHTS.keys() == BARE.keys()
    known = ON_TASKS.keys() | ON_SESSIONS.keys() | ON_MAILS.keys() | {*ON_PROJECTS, *IN_PROJECTS, *FOR_PEOPLE}
    assert known | {"BatchTasks"} == RULES.keys()


@pytest.mark.parametrize(("name", "role"), list(product(ON_TASKS, ROLES)))
def test_a_session_does_to_tasks_what_its_role_reaches(name: str, role: Role) -> None:
    stage = stage_of(role)
    row = "".join("-+"[stage.may(stage.on_task(name, word))] for word in TASKS)
    assert row == ON_TASKS[name][ROLES.index(role)]


@pytest.mark.parametrize(("name", "role"), list(product(ON_SESSIONS, ROLES)))
def test_a_session_does_to_sessions_what_its_role_reaches(name: str, role: Role) -> None:
    stage = stage_of(role)
    row = "".join("-+"[stage.may(stage.on_session(name, word))] for word in SESSIONS)
    assert row == ON_SESSIONS[name][ROLES.index(role)]


@pytest.mark.parametrize(("name", "role"), list(product(ON_MAILS, ROLES)))
def test_a_session_does_to_mail_what_its_role_reaches(name: str, role: Role) -> None:
    stage = stage_of(role)
    row = "".join("-+"[stage.may(stage.on_mail(name, word))] for word in MAILS)
    assert row == ON_MAILS[name][ROLES.index(role)]


def test_only_an_orchestrator_writes_to_a_whole_project_and_only_to_its_own() -> None:
    for role in ROLES:
        stage = stage_of(role)
        assert stage.may(SendMail(subject="All")) == (role is Role.ORCHESTRATOR)
        assert stage.may(SendMail(subject="All", project_id=stage.project)) == (role is Role.ORCHESTRATOR)
        assert not stage.may(SendMail(subject="All", project_id=stage.elsewhere))


@pytest.mark.parametrize(
    ("role", "boxes", "mails"), [(Role.WORKER, "++--", "++--"), (Role.ORCHESTRATOR, "++--", "+++-")]
)
def test_a_session_sees_its_own_mail_and_an_orchestrator_that_of_its_project(
    role: Role, boxes: str, mails: str
) -> None:
    stage = stage_of(role)
    state = stage.world.state

    def sees(look: Callable[[State, Actor, str], None], id_: str) -> bool:
        look(state, USER, id_)
        try:
            look(state, stage.actor, id_)
        except NotAllowed:
            return False
        return True

    assert "".join("-+"[sees(permissions.authorize_mailbox, stage.sessions[w])] for w in SESSIONS) == boxes
    assert "".join("-+"[sees(permissions.authorize_mail, stage.mails[w])] for w in MAILS) == mails


@pytest.mark.parametrize(("name", "role"), list(product(ON_PROJECTS, ROLES)))
def test_no_session_touches_a_project(name: str, role: Role) -> None:
    stage = stage_of(role)
    command = BARE[name]
    if "project_id" in command.__struct_fields__:
        command = structs.replace(command, project_id=stage.project)
    assert not stage.may(command)


@pytest.mark.parametrize(("name", "role"), list(product(IN_PROJECTS, ROLES)))
def test_an_orchestrator_arranges_its_own_project(name: str, role: Role) -> None:
    stage = stage_of(role)
    own, other = (structs.replace(BARE[name], project_id=id_) for id_ in (stage.project, stage.elsewhere))
    assert stage.may(own) == (role is Role.ORCHESTRATOR)
    assert not stage.may(other)


@pytest.mark.parametrize(("name", "role"), list(product(FOR_PEOPLE, ROLES)))
def test_no_session_does_what_is_for_people(name: str, role: Role) -> None:
    assert not stage_of(role).may(BARE[name])


@pytest.mark.parametrize("name", BARE)
def test_people_and_keys_of_theirs_may_all_but_what_is_the_daemons_and_the_daemon_may_all(name: str) -> None:
    state = stage_of(Role.WORKER).world.state
    permissions.authorize(state, BARE[name], DAEMON)
    for person in (USER, Actor("key", stage_of(Role.WORKER).keys[Scope.ADMIN])):
        if name in BY_THE_DAEMON:
            with pytest.raises(NotAllowed):
                permissions.authorize(state, BARE[name], person)
        else:
            permissions.authorize(state, BARE[name], person)


@pytest.mark.parametrize("name", BARE)
def test_an_actor_that_nobody_knows_may_nothing(name: str) -> None:
    state = stage_of(Role.WORKER).world.state
    for kind in ("", "guest", "User", "sessions"):
        with pytest.raises(NotAllowed):
            permissions.authorize(state, BARE[name], Actor(kind, "x"))
    with pytest.raises(NotFound):
        permissions.authorize(state, BARE[name], actor("sess_1_gone"))


ID_FIELDS = {
    "project_id": "PROJECT_NOT_FOUND",
    "task_id": "TASK_NOT_FOUND",
    "parent_id": "TASK_NOT_FOUND",
    "subtask_id": "SUBTASK_NOT_FOUND",
    "doc_id": "DOC_NOT_FOUND",
    "session_id": "SESSION_NOT_FOUND",
    "parent_session_id": "SESSION_NOT_FOUND",
    "to_session_id": "SESSION_NOT_FOUND",
    "mail_id": "MAIL_NOT_FOUND",
    "reply_to_mail_id": "MAIL_NOT_FOUND",
}


@pytest.mark.parametrize(("name", "role"), list(product(BARE, ROLES)))
def test_what_does_not_exist_is_not_found_for_all_who_may_give_the_command(name: str, role: Role) -> None:
    stage = stage_of(role)
    right = RIGHTS[name]
    reach = right.worker if role is Role.WORKER else right.orchestrator
    for field, code in ID_FIELDS.items():
        if field not in BARE[name].__struct_fields__:
            continue
        command = structs.replace(BARE[name], **{field: "none_1_x"})
        if reach is Reach.NEVER:
            assert not stage.may(command)
        else:
            with pytest.raises(NotFound) as refused:
                permissions.authorize(stage.world.state, command, stage.actor)
            assert refused.value.code == code


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("StartTask", "force"),
        ("DeleteTask", "force"),
        ("SpawnSession", "force"),
        ("CompleteTask", "override"),
        ("EditTask", "override"),
    ],
)
def test_force_and_override_are_for_people(role: Role, name: str, field: str) -> None:
    stage = stage_of(role)
    command = stage.on_session(name, "self") if name == "SpawnSession" else stage.on_task(name, "own")
    forced = structs.replace(command, **{field: True})
    with pytest.raises(NotAllowed, match=f"'{field}' is for people"):
        permissions.authorize(stage.world.state, forced, stage.actor)
    permissions.authorize(stage.world.state, forced, USER)


@pytest.mark.parametrize("role", ROLES)
def test_cascade_is_for_people(role: Role) -> None:
    stage = stage_of(role)
    command = DeleteProject(project_id=stage.project, cascade=True)
    assert not stage.may(command)
    permissions.authorize(stage.world.state, command, USER)


def test_every_refusal_says_who_may() -> None:
    stage = stage_of(Role.WORKER)
    hints, said = {}, {}
    for name in ("DeleteSession", "EditTask", "CreateTask", "CompleteTask", "SendMail"):
        bare = name in {"DeleteSession", "SendMail"}
        command = BARE[name] if bare else stage.on_task(name, "free")
        with pytest.raises(NotAllowed) as refused:
            permissions.authorize(stage.world.state, command, stage.actor)
        hints[name], said[name] = refused.value.hint, refused.value.message.partition(" may not ")[2]
        assert refused.value.details[0]["command"] == name
        assert refused.value.code == "FORBIDDEN"
    assert hints["DeleteSession"] == "Only a person may do this."
    assert "orchestrator" in hints["EditTask"]
    assert "--parent" in hints["CreateTask"]
    assert "all at once" in hints["SendMail"]
    assert len(set(hints.values())) == 5
    assert (said["EditTask"], said["SendMail"]) == ("edit a task here", "send mail here")


# -- what the table cannot show ----------------------------------------------------------------------


def test_a_worker_makes_tasks_only_under_its_own() -> None:
    stage = stage_of(Role.WORKER)
    assert not stage.may(CreateTask(title="Build", project_id=stage.project))


def test_an_orchestrator_makes_tasks_only_in_its_project() -> None:
    stage = stage_of(Role.ORCHESTRATOR)
    assert stage.may(CreateTask(title="Build"))
    assert stage.may(CreateTask(title="Build", project_id=stage.project))
    assert not stage.may(CreateTask(title="Build", project_id=stage.elsewhere))
    assert not stage.may(CreateTask(title="Build", parent_id=stage.tasks["other"]))


def test_an_orchestrator_spawns_only_in_its_project() -> None:
    stage = stage_of(Role.ORCHESTRATOR)
    assert stage.may(SpawnSession(project_id=stage.project))
    assert not stage.may(SpawnSession(project_id=stage.elsewhere))


def test_the_tasks_under_a_task_that_was_given_back_are_no_longer_its_own() -> None:
    stage = Stage(Role.WORKER)
    stage.world.do(UnassignTask(task_id=stage.tasks["own"], session_id=stage.sessions["self"]))
    assert stage.may(stage.on_task("Report", "own"))
    assert not stage.may(stage.on_task("Report", "child"))


def test_a_session_moves_its_own_attempt_by_reports_and_never_the_task() -> None:
    stage = Stage(Role.WORKER)
    stage.world.do(StartTask(task_id=stage.tasks["own"]), stage.actor)
    for outcome, status in (("blocked", "blocked"), ("completed", "completed")):
        command = Report(message="so far", task_id=stage.tasks["own"], outcome=outcome)  # type: ignore[arg-type]
        stage.world.do(command, stage.actor)
        assert stage.world.assignment(stage.tasks["own"], stage.sessions["self"]).status == status
    assert stage.world.state.task(stage.tasks["own"]).status == "in_progress"


def test_a_report_for_another_session_is_refused_from_a_worker() -> None:
    stage = stage_of(Role.WORKER)
    beside = stage.sessions["beside"]
    for command in (
        Report(message="done", session_id=beside, task_id=stage.tasks["sibling"]),
        CompleteTask(session_id=beside, task_id=stage.tasks["sibling"]),
        CompleteItem(session_id=beside),
    ):
        assert not stage.may(command)


def test_naming_no_session_means_oneself() -> None:
    stage = stage_of(Role.WORKER)
    assert stage.may(Report(message="hello"))
    me = stage.world.state.session(stage.sessions["self"])
    assert permissions.is_descendant(stage.world.state, None, me)
    assert len(stage.world.state.table(Noun.SESSION)) == 5
