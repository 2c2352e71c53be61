"""Templates: what an agent is told of itself, per role; those that are shipped are there without being stored."""

import re
from collections.abc import Iterator, Mapping

import msgspec
from msgspec import UNSET, UnsetType

from maestrod.domain import limits
from maestrod.domain.changes import Change, Command, Context, Delete, Put
from maestrod.domain.errors import Conflict, NotFound
from maestrod.domain.model import Noun, Role, Session, Template
from maestrod.domain.revision import given, revised
from maestrod.domain.shipped import ORCHESTRATOR, WORKER
from maestrod.domain.state import State

MOST = 1_000
"""Templates of one home."""

PLACEHOLDERS: Mapping[str, str] = {
    "SESSION_ID": "the session's id",
    "SESSION_NAME": "what the session is called",
    "STARTED_BY": "who started it, as a sentence",
    "ROLE": "worker or orchestrator",
    "PROJECT_NAME": "what the project is called",
    "PROJECT_DIR": "where it works",
    "PROJECT_DESCRIPTION": "what the project says of itself",
    "PERMISSIONS": "what it may do without asking, as a sentence; empty where its role leaves nothing to say",
    "STRATEGY": "how it walks its tasks, as a word",
    "WORKFLOW": "the phases of that strategy, numbered",
    "COMMANDS": "the commands that it may run, one a line",
    "WHEN_MISSING": "what to do when something outside is missing, as a list",
    "TASK_COUNT": "how many tasks it was given",
    "TASK_TITLE": "the title of the first of them",
    "ALL_TASKS": "all of them, one a line",
}
"""What may stand between ``{{`` and ``}}``, and what is put there."""

OLDER = {"STRATEGY_INSTRUCTIONS": "WORKFLOW", **{name: name for name in ("TASK_TITLE", "ALL_TASKS")}}
"""What older templates write as ``${…}``; every other ``${…}`` is text."""

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}|\$\{(" + "|".join(OLDER) + r")\}")

SHIPPED: Mapping[str, Template] = {
    made.id: made
    for made in (
        Template(id="tmpl_0_worker", version=0, name="Worker", role=Role.WORKER, content=WORKER, is_default=True),
        Template(
            id="tmpl_0_orchestrator",
            version=0,
            name="Orchestrator",
            role=Role.ORCHESTRATOR,
            content=ORCHESTRATOR,
            is_default=True,
        ),
    )
}
"""Version 0: as they are shipped with this version of Maestro."""


class CreateTemplate(Command, frozen=True, kw_only=True):
    """Add a template; as the default it takes the place of the one before."""

    name: str
    role: Role
    content: str
    is_default: bool = False


class EditTemplate(Command, frozen=True, kw_only=True):
    """Change a template, also one that is shipped; fields left out stay, and the role always does."""

    template_id: str
    name: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    is_default: bool | UnsetType = UNSET


class DeleteTemplate(Command, frozen=True, kw_only=True):
    """Forget a template; sessions that name it get the default of their role."""

    template_id: str


class ResetTemplate(Command, frozen=True, kw_only=True):
    """Go back to the text that is shipped for the role; a shipped template also gets its name back."""

    template_id: str


# -- looking ------------------------------------------------------------------------------------------


def shipped_of(role: Role) -> Template:
    """What is shipped for a role."""
    return next(each for each in SHIPPED.values() if each.role is role)


def find(state: State, template_id: str) -> Template | None:
    """The template as it was edited, else as it is shipped; None for one that is neither."""
    stored = state.template(template_id)
    if stored is not None or template_id not in SHIPPED:
        return stored
    made = SHIPPED[template_id]
    return msgspec.structs.replace(made, is_default=not state.groups["default-template", made.role])


def get(state: State, template_id: str) -> Template:
    """Raises: NotFound: there is none."""
    found = find(state, template_id)
    if found is None:
        raise NotFound(Noun.TEMPLATE, template_id)
    return found


def every(state: State) -> list[Template]:
    """All templates: those that are shipped first, then the oldest."""
    return [get(state, id_) for id_ in sorted({*SHIPPED, *state.table(Noun.TEMPLATE)})]


def default_of(state: State, role: Role) -> Template:
    """What sessions of the role get that name no template."""
    stored = next(iter(state.groups["default-template", role]), None)
    return get(state, stored or shipped_of(role).id)


def of_session(state: State, session: Session) -> Template:
    """What the session is told by."""
    own = find(state, session.template_id) if session.template_id else None
    return own or default_of(state, session.role)


def names_in(content: str) -> Iterator[str]:
    """The placeholders of a text, as they are written."""
    for found in PLACEHOLDER.finditer(content):
        if found[1]:
            yield found[1]


# -- rules --------------------------------------------------------------------------------------------


def create_template(state: State, command: CreateTemplate, ctx: Context) -> list[Change]:
    """Every placeholder must be known; at most 1,000 templates."""
    _check(command)
    if len(state.table(Noun.TEMPLATE)) >= MOST:
        raise Conflict(f"there are {MOST} templates already", hint="Edit one, or delete one: `maestro template list`.")
    made = Template(
        id=ctx.new_id(Noun.TEMPLATE),
        created_at=ctx.now,
        updated_at=ctx.now,
        name=command.name,
        role=command.role,
        content=command.content,
        is_default=command.is_default,
    )
    return [Put(Noun.TEMPLATE, made), *(_no_longer_default(state, made, ctx) if made.is_default else [])]


def edit_template(state: State, command: EditTemplate, ctx: Context) -> list[Change]:
    """One of each role is the default: what is shipped, unless another is."""
    old = get(state, command.template_id)
    _check(command)
    fields = given(name=command.name, content=command.content, is_default=command.is_default)
    if all(getattr(old, name) == value for name, value in fields.items()):
        return []
    if old.is_default and command.is_default is False and old.id in SHIPPED:
        raise Conflict(
            f"one template of each role is the default, and without it nothing is ({old.id})",
            hint="Make another one the default instead: `maestro template edit ID --default`.",
        )
    edited = _revised(old, ctx, **fields)
    changes: list[Change] = [Put(Noun.TEMPLATE, edited)]
    if edited.is_default and not old.is_default:
        changes += _no_longer_default(state, edited, ctx)
    if old.is_default and not edited.is_default:
        changes += _default_again(state, edited.role, ctx)
    return changes


def delete_template(state: State, command: DeleteTemplate, ctx: Context) -> list[Change]:
    """What is shipped cannot be deleted; when the default goes, what is shipped is the default again."""
    old = get(state, command.template_id)
    if old.id in SHIPPED:
        raise Conflict(
            f"template {old.id} is shipped with Maestro",
            hint=f"`maestro template reset {old.id}` goes back to its text; another one can be made the default.",
        )
    left = (state.session(id_) for id_ in state.groups["template-sessions", old.id])
    changes: list[Change] = [Put(Noun.SESSION, revised(session, ctx, template_id=None)) for session in left]
    if old.is_default:
        changes += _default_again(state, old.role, ctx)
    return [*changes, Delete(Noun.TEMPLATE, old.id)]


def reset_template(state: State, command: ResetTemplate, ctx: Context) -> list[Change]:
    """Whether it is the default stays as it is; what is as it was shipped is not changed."""
    old = get(state, command.template_id)
    if old.id in SHIPPED:
        return [Delete(Noun.TEMPLATE, old.id)] if old.version else []
    content = shipped_of(old.role).content
    return [] if old.content == content else [Put(Noun.TEMPLATE, _revised(old, ctx, content=content))]


def _revised(old: Template, ctx: Context, **fields: object) -> Template:
    """The next version; the first of one that is shipped is made now."""
    born = old.created_at if old.version else ctx.now
    return revised(old, ctx, created_at=born, **fields)


def _no_longer_default(state: State, new: Template, ctx: Context) -> list[Change]:
    before = (state.template(id_) for id_ in state.groups["default-template", new.role] if id_ != new.id)
    return [Put(Noun.TEMPLATE, revised(t, ctx, is_default=False)) for t in before if t is not None]


def _default_again(state: State, role: Role, ctx: Context) -> list[Change]:
    edited = state.template(shipped_of(role).id)
    return [Put(Noun.TEMPLATE, revised(edited, ctx, is_default=True))] if edited is not None else []


def _check(command: CreateTemplate | EditTemplate) -> None:
    fields = limits.Fields().line("name", command.name, limits.NAME)
    if isinstance(command.content, str):
        fields.said("content", command.content, limits.MESSAGE)
        unknown = [name for name in names_in(command.content) if name not in PLACEHOLDERS]
        for name in dict.fromkeys(unknown[:5]):
            fields.wrong("content", f"'{name[:50]}' is no placeholder; there are {', '.join(PLACEHOLDERS)}")
    fields.end(hint="`maestro template placeholders` says what each stands for.")
