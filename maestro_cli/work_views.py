"""Answers about work as a whole, as lines for people: checks, graphs, plans. Pure."""

from maestro_cli import library, watch_views
from maestro_cli.texts import line, short_ids
from maestro_cli.views import Page, raw, rows_of

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Callable

    Document = dict[str, object]
    Lines = Callable[[Document, Page], list[str]]

SHOWN = 20
"""Lines of a failed check's output."""


def shown(shape: str, data: object, page: Page) -> list[str]:
    """The lines of a shape; a shape that nobody knows is shown as it came."""
    lines = SHAPES.get(shape)
    return raw(data) if lines is None or not isinstance(data, dict) else lines(data, page)


# -- checks -------------------------------------------------------------------------------------------


def checks(data: "Document", page: Page) -> list[str]:
    """Each check with how it stands, the output of those that failed, and the evidence."""
    rows, _ = rows_of(data.get("checks"))
    lines = ["no checks"] if not rows else []
    for row in rows:
        stands, status = row.get("stands") is True, line(row.get("status")) or "never ran"
        mark = "ok" if stands else "…" if status == "running" else "no"
        told = [page.status(status), page.when(row.get("endedAt")), line(row.get("commit"))[:10]]
        why = "" if stands or status == "running" else f"  ({line(row.get('lack'))})"
        lines.append(f"{mark:<3} {line(row.get('command'))}  {'  '.join(filter(None, told))}{why}")
        if row.get("output") and not stands:
            lines += [f"      {line(text, keep=True)}" for text in str(row["output"]).rstrip().split("\n")[-SHOWN:]]
    evidence, _ = rows_of(data.get("evidence"))
    return [*lines, *(["evidence"] if evidence else []), *(_claimed(row) for row in evidence)]


def _claimed(row: "Document") -> str:
    by = line(row.get("sessionId")) or "a person"
    known = {True: "found", False: "not found"}.get(row.get("verified"), "not looked at")  # type: ignore[call-overload]
    return f"  {line(row.get('kind'))}: {line(row.get('value'))}  by {by}  ({known})"


# -- plans --------------------------------------------------------------------------------------------


def graph(found: "Document", page: Page) -> list[str]:
    """The open tasks in the order of the waves, each with what it waits for."""
    nodes = _nodes(found, page)
    waits = {str(row.get("id")): row.get("blockedBy") for row in rows_of(found.get("blocked"))[0]}
    lines = []
    for id_ in [*(id_ for wave in _waves(found) for id_ in wave), *_ids(found.get("stuck"))]:
        blockers = waits.get(id_)
        names = ", ".join(page.short(b) for b in blockers) if isinstance(blockers, list) else ""
        lines.append(f"{_node(id_, nodes, page)}{f'  ← {names}' if names else ''}")
    return lines or ["no open tasks"]


def plan(found: "Document", page: Page) -> list[str]:
    """What can be done at once, what then, the longest chain, and what is stuck."""
    nodes = _nodes(found, page)
    lines: list[str] = []
    for number, wave in enumerate(_waves(found), 1):
        lines.append(f"wave {number}: {len(wave)} task{'s' * (len(wave) != 1)}")
        lines += [f"  {_node(id_, nodes, page)}" for id_ in wave]
    path = _ids(found.get("criticalPath"))
    if len(path) > 1:
        lines.append(f"longest chain: {' → '.join(page.short(id_) for id_ in path)}  ({len(path)} tasks)")
    stuck = _ids(found.get("stuck"))
    lines += ["stuck: they wait for what was given up", *(f"  {_node(s, nodes, page)}" for s in stuck)] if stuck else []
    return lines or ["no open tasks"]


def why(found: "Document", _page: Page) -> list[str]:
    """The causes, the nearest first, each with what to do."""
    lines: list[str] = []
    for row in rows_of(found.get("causes"))[0]:
        lines.append(f"• {line(row.get('text'))}")
        lines += [f"    → {line(row['todo'])}"] if row.get("todo") else []
    return lines or ["nothing is known"]


def _nodes(found: "Document", page: Page) -> "dict[str, Document]":
    nodes = {str(row.get("id")): row for row in rows_of(found.get("tasks"))[0]}
    page.ids = short_ids(list(nodes))
    return nodes


def _node(id_: str, nodes: "dict[str, Document]", page: Page) -> str:
    task = nodes.get(id_, {})
    return f"{page.short(id_)}  {page.status(task.get('status'))}  {line(task.get('title'))}{_branches(task)}"


def _branches(task: "Document") -> str:
    """Where it is worked on, else where it would begin."""
    for word, key in (("on", "branches"), ("from", "beginsAt")):
        names = _ids(task.get(key))
        if names:
            return f"  ({word} {', '.join(map(line, names))})"
    return ""


def _waves(found: "Document") -> list[list[str]]:
    waves = found.get("waves")
    return [_ids(wave) for wave in waves] if isinstance(waves, list) else []


def _ids(value: object) -> list[str]:
    return [str(id_) for id_ in value] if isinstance(value, list) else []


SHAPES: "dict[str, Lines]" = {
    "checks": checks,
    "why": why,
    "secret": library.secret,
    "explained": watch_views.explained,
}
