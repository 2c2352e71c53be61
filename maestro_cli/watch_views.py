"""What is known of an agent, and how, as lines for people. Pure."""

from maestro_cli.texts import line
from maestro_cli.views import Page, rows_of

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    Document = dict[str, object]

NEWEST = 8
"""Pieces of evidence that are shown."""


def explained(data: "Document", page: Page) -> list[str]:
    """The verdict, what was said against it and why that lost, and the newest evidence."""
    verdict = _inner(data, "verdict")
    evidence, _ = rows_of(data.get("evidence"))
    lost, _ = rows_of(verdict.get("lost"))
    return [
        *_verdict(verdict, line(data.get("process")), page),
        *(["", "not believed:"] if lost else []),
        *(f"  {_said(row, page)}: {line(row.get('why'))}" for row in lost),
        *(["", "evidence, newest first:"] if evidence else []),
        *(f"  {_said(row, page)}{_words(row)}" for row in list(reversed(evidence))[:NEWEST]),
    ]


def _verdict(verdict: "Document", process: str, page: Page) -> list[str]:
    since = page.when(verdict.get("since")) if verdict.get("since") else ""
    source, sure = line(verdict.get("source")), verdict.get("confidence")
    told = f"{source}, {round(sure * 100)} %" if isinstance(sure, float | int) and sure else source
    background = verdict.get("background")
    return [
        f"{page.status(_doing(verdict))}{_kind(verdict)}  {since}".rstrip(),
        *([f"  {line(verdict.get('text'))}"] if verdict.get("text") else []),
        f"  known from  {line(verdict.get('rule'))}  ({told})",
        *([f"  background  {background} still running"] if background else []),
        f"  process     {process}",
    ]


def _said(row: "Document", page: Page) -> str:
    source = line(row.get("source")).lower()
    again = row.get("samples")
    times = f", seen {again} times" if isinstance(again, int) and again > 1 else ""
    rule = line(row.get("rule"))
    return f"{page.when(row.get('at')):<12} {source:<10} {_doing(row)}{_kind(row)}  ({rule}{times})"


def _doing(row: "Document") -> str:
    return line(row.get("doing")).replace("_", " ")


def _kind(row: "Document") -> str:
    return f" ({line(row.get('kind'))})" if row.get("kind") else ""


def _words(row: "Document") -> str:
    return f"  {line(row.get('text'))}" if row.get("text") else ""


def _inner(data: "Document", name: str) -> "Document":
    value = data.get(name)
    return value if isinstance(value, dict) else {}
