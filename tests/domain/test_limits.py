"""How long, how many, how large; and what comes as no value at all."""

import math
from collections.abc import Callable
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from maestrod.domain.changes import DAEMON, Command
from maestrod.domain.docs import AddDoc
from maestrod.domain.errors import Invalid, Rejected
from maestrod.domain.keys import CreateKey
from maestrod.domain.limits import Fields
from maestrod.domain.model import NeedsInput, Pane, Role, SessionStatus, Turn
from maestrod.domain.projects import CreateProject
from maestrod.domain.registry import RULES
from maestrod.domain.sessions import (
    CompleteSession,
    EditSession,
    LaunchSession,
    NeedInput,
    RecordExit,
    RecordTurn,
    RegisterSession,
    SpawnSession,
    StopSession,
)
from maestrod.domain.subtasks import CreateSubtask
from maestrod.domain.tasks import CreateTask, EditTask
from maestrod.domain.templates import CreateTemplate
from maestrod.domain.timeline import Report
from maestrod.domain.work import BlockTask, CancelTask, CompleteTask, ReviewTask
from tests.domain.world import World


class Scene:
    """One of each thing that the commands below name."""

    def __init__(self) -> None:
        self.world = World(checked=False)
        project = self.world.project()
        task = self.world.task(project)
        self.ids = {"project_id": project, "task_id": task, "session_id": self.world.queue(project, task)}

    def aimed(self, command: Command) -> Command:
        """The command with the ids that it needs."""
        fields = {f: v for f, v in self.ids.items() if getattr(command, f, None) == ""}
        return structs.replace(command, **fields)

    def wrong(self, command: Command) -> list[str]:
        """The fields that are refused."""
        return [p.path for p in self.world.refuse(Invalid, self.aimed(command), DAEMON).problems]


PANE = Pane(socket="maestro-test")
# command without the field, field, path, limit
TEXTS: list[tuple[Command, str, str, int]] = [
    (CreateProject(name="", working_dir="/w"), "name", "name", 200),
    (CreateProject(name="N", working_dir="/w"), "description", "description", 10_000),
    (CreateProject(name="N", working_dir="/w"), "setup_command", "setupCommand", 10_000),
    (CreateTask(title="", project_id=""), "title", "title", 200),
    (CreateTask(title="T", project_id=""), "description", "description", 10_000),
    (CreateTask(title="T", project_id=""), "initial_prompt", "initialPrompt", 10_000),
    (CreateTask(title="T", project_id=""), "provider", "provider", 200),
    (CreateTask(title="T", project_id=""), "model", "model", 200),
    (EditTask(task_id=""), "title", "title", 200),
    (EditTask(task_id=""), "description", "description", 10_000),
    (CreateSubtask(task_id="", title=""), "title", "title", 200),
    (CreateSubtask(task_id="", title="T"), "description", "description", 10_000),
    (CompleteTask(task_id=""), "note", "note", 10_000),
    (ReviewTask(task_id=""), "note", "note", 10_000),
    (BlockTask(task_id="", reason=""), "reason", "reason", 10_000),
    (CancelTask(task_id=""), "reason", "reason", 10_000),
    (SpawnSession(project_id=""), "name", "name", 200),
    (SpawnSession(project_id=""), "provider", "provider", 200),
    (SpawnSession(project_id=""), "model", "model", 200),
    (SpawnSession(project_id=""), "prompt", "prompt", 10 * 1024 * 1024),
    (LaunchSession(session_id="", holder=""), "holder", "holder", 200),
    (RegisterSession(session_id="", pane=PANE), "hostname", "hostname", 200),
    (EditSession(session_id=""), "name", "name", 200),
    (RecordTurn(session_id=""), "conversation_id", "conversationId", 200),
    (RecordTurn(session_id=""), "transcript_path", "transcriptPath", 4096),
    (NeedInput(session_id=""), "message", "message", 65_536),
    (CompleteSession(session_id=""), "note", "note", 10_000),
    (StopSession(session_id=""), "reason", "reason", 10_000),
    (RecordExit(session_id=""), "reason", "reason", 10_000),
    (Report(message="", task_id=""), "message", "message", 65_536),
    (CreateKey(name="", prefix="mk_a", hash="a" * 64), "name", "name", 200),
    (CreateTemplate(name="", role=Role.WORKER, content="x"), "name", "name", 200),
    (CreateTemplate(name="N", role=Role.WORKER, content=""), "content", "content", 65_536),
    (AddDoc(title="", task_id=""), "title", "title", 200),
    (AddDoc(title="T", task_id=""), "content", "content", 10 * 1024 * 1024),
    (AddDoc(title="T", task_id=""), "file_path", "filePath", 4096),
    (AddDoc(title="T", task_id=""), "doc_kind", "docKind", 100),
]


def where(row: object) -> str | None:
    return type(row).__name__ if isinstance(row, Command) else None


@pytest.mark.parametrize(("command", "field", "path", "limit"), TEXTS, ids=where)
def test_a_text_is_as_long_as_its_limit_and_no_longer(command: Command, field: str, path: str, limit: int) -> None:
    scene = Scene()
    scene.world.do(scene.aimed(structs.replace(command, **{field: "x" * limit})), DAEMON)
    over = structs.replace(command, **{field: "x" * (limit + 1)})
    scene = Scene()
    refused = scene.world.refuse(Invalid, scene.aimed(over), DAEMON)
    assert [p.path for p in refused.problems] == [path]
    assert str(limit) in refused.message
    assert len(refused.message) < 200


@pytest.mark.parametrize(("command", "field", "path", "limit"), TEXTS, ids=where)
@pytest.mark.parametrize("text", ["a\ud800b", "\udfff"])
def test_a_lone_surrogate_is_refused_wherever_it_stands(
    command: Command, field: str, path: str, limit: int, text: str
) -> None:
    assert Scene().wrong(structs.replace(command, **{field: text})) == [path]


@pytest.mark.parametrize(("command", "field", "path", "limit"), TEXTS, ids=where)
def test_control_characters_stand_in_documents_only(command: Command, field: str, path: str, limit: int) -> None:
    for character in "\0\x1b\x7f\x9b":
        hostile = structs.replace(command, **{field: f"a{character}b"})
        if field == "content" and isinstance(command, AddDoc):
            scene = Scene()
            scene.world.do(scene.aimed(hostile), DAEMON)
        else:
            assert Scene().wrong(hostile) == [path]


@pytest.mark.parametrize("line", ["", " ", "\t", "\u2003", "a\nb", "a\rb", "a\tb"])
def test_a_line_is_one_line_and_not_blank(line: str) -> None:
    assert Scene().wrong(CreateTask(title=line, project_id="")) == ["title"]


def test_text_has_tabs_and_line_ends() -> None:
    scene = Scene()
    scene.world.do(scene.aimed(CreateTask(title="T", project_id="", description="a\n\tb\r\n")))


LISTS = [
    ("acceptance_criteria", "acceptanceCriteria", 10_000),
    ("checks", "checks", 10_000),
    ("labels", "labels", 100),
    ("skill_ids", "skillIds", 200),
    ("dependencies", "dependencies", 200),
    ("reference_task_ids", "referenceTaskIds", 200),
]


@pytest.mark.parametrize(("field", "path", "limit"), LISTS)
def test_a_list_has_a_thousand_entries_of_its_limit(field: str, path: str, limit: int) -> None:
    bare = CreateTask(title="T", project_id="")
    assert Scene().wrong(structs.replace(bare, **{field: ("x",) * 1001})) == [path]
    assert Scene().wrong(structs.replace(bare, **{field: ("x", "x" * (limit + 1))})) == [f"{path}[1]"]
    assert Scene().wrong(structs.replace(bare, **{field: ("\x1b",)})) == [f"{path}[0]"]


def test_everything_wrong_is_told_at_once() -> None:
    command = CreateTask(title="", project_id="", description="\0", labels=("a\0", "b", "x" * 101), due_at=-1)
    assert Scene().wrong(command) == ["title", "description", "labels[0]", "labels[2]", "dueAt"]


NUMBERS: list[tuple[Command, str, int | None]] = [
    (CreateTask(title="T", project_id=""), "position", None),
    (EditTask(task_id=""), "due_at", 0),
    (RecordExit(session_id=""), "code", None),
    (RecordExit(session_id=""), "signal", 0),
]


@pytest.mark.parametrize(("command", "field", "least"), NUMBERS, ids=where)
def test_numbers_are_such_that_every_reader_keeps_them(command: Command, field: str, least: int | None) -> None:
    for value in (2**53, 10**4000):
        assert Scene().wrong(structs.replace(command, **{field: value})) == [field.replace("_a", "A")]
    below = -1 if least == 0 else -(2**53)
    assert Scene().wrong(structs.replace(command, **{field: below})) == [field.replace("_a", "A")]
    scene = Scene()
    scene.world.do(scene.aimed(structs.replace(command, **{field: 2**53 - 1})), DAEMON)


HOSTILE_METADATA: dict[str, Callable[[], dict[str, object]]] = {
    "long": lambda: {"a": "x" * 16_384},
    "many": lambda: {f"k{n}": n for n in range(3_000)},
    "surrogate": lambda: {"a": "\ud800"},
    "surrogate key": lambda: {"\ud800": 1},
    "deep": lambda: _nested(5_000),
    "no JSON": lambda: {"a": object()},
}


def _nested(depth: int) -> dict[str, object]:
    found: dict[str, object] = {}
    for _ in range(depth):
        found = {"a": found}
    return found


@pytest.mark.parametrize("word", HOSTILE_METADATA)
def test_metadata_is_json_of_bounded_size(word: str) -> None:
    made = HOSTILE_METADATA[word]
    for command in (
        CreateTask(title="T", project_id="", metadata=made()),
        EditSession(session_id="", metadata=made()),
        Report(message="m", task_id="", metadata=made()),
    ):
        assert Scene().wrong(command) == ["metadata"]


def test_metadata_of_its_limit_is_kept() -> None:
    scene = Scene()
    scene.world.do(scene.aimed(CreateTask(title="T", project_id="", metadata={"a": "x" * 16_376})))


def test_what_a_pane_says_of_itself_is_bounded() -> None:
    hostile = Pane(socket="", window="x" * 201, pane="\x1b", pid=0, pid_started_at=-1, supervisor_pid=-(2**70))
    command = RegisterSession(session_id="", pane=hostile, hostname="a\0", platform="x" * 201)
    paths = ["socket", "window", "pane", "pid", "supervisorPid", "pidStartedAt"]
    assert Scene().wrong(command) == [*(f"pane.{p}" for p in paths), "hostname", "platform"]


def test_what_evidence_says_is_bounded() -> None:
    command = RecordTurn(
        session_id="",
        status=SessionStatus.FAILED,
        turn=Turn(state="x" * 101, source="\0", since=-1),
        needs_input=NeedsInput(active=True, message="x" * 65_537, since=2**60),
    )
    paths = ["status", "turn.state", "turn.source", "turn.since", "needsInput.message", "needsInput.since"]
    assert Scene().wrong(command) == paths


# -- through the codec: wrong types --------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("kind", RULES)
@settings(max_examples=20)
@given(data=st.data())
def test_a_body_of_wrong_types_is_a_wrong_body(kind: str, data: st.DataObject) -> None:
    command = RULES[kind].command
    fields = [f.encode_name for f in structs.fields(command)]
    document = data.draw(st.dictionaries(st.sampled_from([*fields, "extra"]), JSON, max_size=len(fields)))
    try:
        made = msgspec.convert(document, command, strict=True)
    except msgspec.ValidationError:
        return
    assert "extra" not in document
    scene = Scene()
    with suppress(Rejected):
        scene.world.do(scene.aimed(made), DAEMON)


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("CreateTask", {"title": 7}),
        ("CreateTask", {}),
        ("CreateTask", {"title": "T", "priority": "urgent"}),
        ("CreateTask", {"title": "T", "dependencies": "task_1_a"}),
        ("CreateTask", {"title": "T", "colour": "red"}),
        ("CreateTask", {"title": "T", "position": 1.5}),
        ("CreateTask", {"title": "T", "position": math.inf}),
        ("EditTask", {"taskId": "t", "title": None}),
        ("EditTask", {"taskId": None}),
        ("StartTask", {"taskId": "t", "force": "yes"}),
        ("SpawnSession", {"projectId": "p", "role": "boss"}),
        ("SpawnSession", {"projectId": "p", "env": {"A": 1}}),
        ("RegisterSession", {"sessionId": "s", "pane": "%1"}),
        ("Report", {"message": ["a"]}),
        ("Report", {"message": "m", "metadata": []}),
    ],
)
def test_a_field_of_a_wrong_type_does_not_become_a_command(kind: str, document: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(document, RULES[kind].command, strict=True)


def test_values_that_were_not_sent_are_not_judged() -> None:
    fields = Fields().line("a", msgspec.UNSET, 1).text("b", None, 1).lines("c", msgspec.UNSET, 1)
    fields.lines("d", "text", 1).number("e", None).metadata("f", msgspec.UNSET).absolute("g", msgspec.UNSET).end()
