"""Mail as lines for people: what a terminal obeys is left out of it, as of everything."""

from maestro_cli import texts
from maestro_cli.texts import line
from maestro_cli.views import Page

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from maestro_cli.views import Document, Form

TEXTS = ("message", "question", "answer", "instructions", "details")
"""The keys of a body that hold its text."""


def cells(mail: "Document", page: Page) -> list[str]:
    """A row of a mailbox."""
    delivery = mail.get("delivery")
    state = delivery.get("state") if isinstance(delivery, dict) else ""
    return [
        page.short(mail.get("id")),
        page.status(state),
        line(mail.get("type")),
        sender(mail),
        page.when(mail.get("createdAt")),
        line(mail.get("subject")),
    ]


def receipt_cells(receipt: "Document", page: Page) -> list[str]:
    """How far a mail got with one receiver."""
    return [
        page.short(receipt.get("sessionId")),
        page.status(receipt.get("state")),
        page.when(receipt.get("at")),
        line(receipt.get("channel")),
        line(receipt.get("sessionName")),
        line(receipt.get("reason")),
    ]


def sender(mail: "Document") -> str:
    """Who wrote."""
    return line(mail.get("fromName") or mail.get("fromUser") or mail.get("fromSessionId")) or "-"


def told(past: str, data: object) -> list[str]:
    """What was done to a mail, and how it stands with who got it."""
    if not isinstance(data, dict):
        return [line(data)]
    rows = data.get("deliveries")
    got = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    lines = [f"{past} {line(data.get('id'))}  {line(data.get('subject'))}".rstrip()]
    lines += [f"  {_receiver(row)}" for row in got[:10]]
    lines += [f"  and {len(got) - 10} more"] if len(got) > 10 else []
    return lines if got else [*lines, "  to nobody: no other session lives"]


def _receiver(row: "Document") -> str:
    reason = line(row.get("reason"))
    return f"{line(row.get('sessionName'))}: {line(row.get('state'))}" + (f", {reason}" if reason else "")


def whole(mail: "Document", page: Page) -> list[str]:
    """One mail with all that is in it."""
    body = mail.get("body")
    parts = body if isinstance(body, dict) else {}
    text = "\n".join(str(parts[name]) for name in TEXTS if isinstance(parts.get(name), str))
    others = {name: value for name, value in parts.items() if name not in TEXTS}
    pairs = [
        ("id", line(mail.get("id"))),
        ("from", " ".join(filter(None, (sender(mail), _session(mail))))),
        ("type", line(mail.get("type"))),
        ("sent", page.when(mail.get("createdAt"))),
        ("answers", line(mail.get("replyToMailId"))),
        *((line(name), line(value)) for name, value in others.items()),
    ]
    head = texts.bold(line(mail.get("subject")), colour=page.colour)
    said = [f"  {line(part, keep=True)}" for part in text.rstrip().split("\n")] if text.strip() else []
    return [head, *texts.pairs(pairs), *(["", *said] if said else [])]


def _session(mail: "Document") -> str:
    id_ = line(mail.get("fromSessionId"))
    return f"({id_})" if id_ else ""


LISTS: "dict[str, Form]" = {
    "mail": (("ID", "STATE", "TYPE", "FROM", "SENT", "SUBJECT"), cells),
    "receipt": (("SESSION", "STATE", "SINCE", "BY", "NAME", "REASON"), receipt_cells),
}
