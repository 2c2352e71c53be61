"""Documents: what people and agents leave for others, with a task, a session, or both."""

from msgspec import UNSET, UnsetType

from maestrod.domain import limits
from maestrod.domain.changes import Change, Command, Context, Delete, Put
from maestrod.domain.model import Doc, EntryType, Noun
from maestrod.domain.state import State
from maestrod.domain.timeline import entry, project_of


class AddDoc(Command, frozen=True, kw_only=True):
    """Leave a document with a task or a session: its text, or where it lies."""

    title: str
    session_id: str | None = None
    task_id: str | None = None
    file_path: str | None | UnsetType = UNSET
    content: str = ""
    doc_kind: str = "note"


class DeleteDoc(Command, frozen=True, kw_only=True):
    """Take a document away; that it was added stays on the timeline."""

    doc_id: str


def add_doc(state: State, command: AddDoc, ctx: Context) -> list[Change]:
    """A document hangs on a task, a session, or both; adding one is told on the timeline."""
    fields = limits.Fields().line("title", command.title, limits.TITLE).line("docKind", command.doc_kind, limits.LABEL)
    fields.line("filePath", command.file_path, limits.PATH)
    fields.document("content", command.content, limits.PROMPT).end()
    session_id = command.session_id or ctx.actor.session_id
    project_id = project_of(state, command.task_id, session_id)
    doc = Doc(
        id=ctx.new_id(Noun.DOC),
        created_at=ctx.now,
        updated_at=ctx.now,
        title=command.title,
        project_id=project_id,
        session_id=session_id,
        task_id=command.task_id,
        file_path=command.file_path if isinstance(command.file_path, str) else None,
        content=command.content,
        kind=command.doc_kind,
    )
    told = entry(
        ctx,
        EntryType.DOC_ADDED,
        command.title,
        project_id=project_id,
        session_id=session_id,
        task_id=command.task_id,
        metadata={"docId": doc.id},
    )
    return [Put(Noun.DOC, doc), Put(Noun.TIMELINE, told)]


def delete_doc(state: State, command: DeleteDoc, ctx: Context) -> list[Change]:
    """A session takes away only what it left itself; an orchestrator also what its sessions left."""
    return [Delete(Noun.DOC, state.doc(command.doc_id).id)]
