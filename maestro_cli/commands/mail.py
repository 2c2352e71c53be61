"""Mail, where one request is not enough: several receivers, reading with a receipt, waiting for long."""

import time

from maestro_cli import letters, offline
from maestro_cli.call import Call
from maestro_cli.failures import Failure, Usage
from maestro_cli.request import Request, seal
from maestro_cli.views import Page, listing, rows_of
from maestrod.client.blocking import quoted
from maestrod.client.errors import TimedOut, Unreachable

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from maestro_cli.views import Document

STEP_S = 25.0
"""How long one request waits: less than the daemon allows a request."""
SLACK_S = 5.0
AT_ONCE = 20
"""Unread mails that are read with one call; the next call reads the next ones."""
UNREAD = ("queued", "surfaced")
EXTRAS = (("task", "task_id"), ("status", "status"), ("action", "action"))
"""Options that stand in the body, and how they are called there."""


def send(call: Call) -> int:
    """Write the same to each of the receivers."""
    receivers = [to.strip() for to in call.text("to").split(",") if to.strip()]
    if not receivers:
        raise Usage("nobody is named", hint=f"For example: {call.row[5][0]}")
    body = call.fields()
    extras = {name: call.text(option) for option, name in EXTRAS if call.text(option)}
    if "task_id" in extras:
        extras["task_id"] = _known(call, "tasks", extras["task_id"])
    if extras:
        body["body"] = extras
    if len(receivers) > 1:
        receivers = [_known(call, "sessions", to) for to in receivers]
    sent: list[object] = []
    lines: list[str] = []
    for to in receivers:
        mail, kept = _sent(call, body, to)
        sent.append(mail)
        lines += kept or letters.told("sent", mail)
    call.output.result(sent[0] if len(sent) == 1 else sent, lines)
    return 0


def _known(call: Call, nouns: str, name: str) -> str:
    """The whole id, so that nothing is written while something that is named is not there.

    While the daemon is away nobody knows; then it is looked at when the mail is delivered.
    """
    try:
        found = call.client.call("GET", f"/{nouns}/{quoted(name)}", headers=call.context.where()).body
    except Unreachable:
        return name
    return str(found.get("id")) if isinstance(found, dict) else name


def _sent(call: Call, body: "Document", to: str) -> tuple[object, list[str]]:
    request = Request("POST", "/mail")
    request.body = {**body, "toSessionId": to}
    request.headers = call.context.where()
    seal(request, call.words)
    return offline.say(call, request)


def read(call: Call) -> int:
    """Show mail whole; what is for one's own session is read then, what is another's stays as it is."""
    named = call.texts("mail")
    found = [_mail(call, id_) for id_ in named] if named else _unread(call)
    own = "" if call.flag("peek") else call.context.session
    for mail in found:
        if own and _waits_for(mail, own):
            path = f"/mail/{quoted(str(mail.get('id')))}/read"
            call.client.call("POST", path, body={"sessionId": own, "channel": "cli"})
    page = Page(width=call.output.width, colour=call.output.colour)
    lines = [text for mail in found for text in (*letters.whole(mail, page), "")]
    more = ["… more: run it again"] if not named and len(found) == AT_ONCE else []
    call.output.result(found, [*lines[:-1], *more] if found else ["nothing unread"])
    return 0


def wait(call: Call) -> int:
    """Return when unread mail is there; nothing is marked.

    Raises:
        Failure: the time ran out.
    """
    limit = call.number("timeout", 30.0)
    deadline = time.monotonic() + limit
    while (left := deadline - time.monotonic()) > 0:
        found = _waited(call, min(left, STEP_S))
        if found:
            page = Page(width=call.output.width, colour=call.output.colour)
            call.output.result(
                found, [*listing("mail", found, page, letters.LISTS["mail"]), "read: `maestro mail read`"]
            )
            return 0
    raise Failure(f"no mail within {limit:g} s", code="TIMEOUT", hint="`maestro mail inbox` shows what was read.")


def _waited(call: Call, seconds: float) -> "list[Document]":
    query: dict[str, object] = {"timeout": round(seconds, 3)}
    if call.text("type"):
        query["type"] = call.text("type")
    path = f"/mail/wait/{quoted(_session(call))}"
    try:
        return rows_of(
            call.client.call("GET", path, query=query, headers=call.context.where(), timeout=seconds + SLACK_S).body
        )[0]
    except TimedOut:
        return []


def _unread(call: Call) -> "list[Document]":
    query: dict[str, object] = {"unread": True, "limit": AT_ONCE}
    path = f"/mail/inbox/{quoted(_session(call))}"
    return rows_of(call.client.call("GET", path, query=query, headers=call.context.where()).body)[0]


def _session(call: Call) -> str:
    session = call.text("session")
    if not session:
        raise Usage("there is no session at hand", hint="Name the mail, or the session: `--session ID`.")
    return session


def _mail(call: Call, id_: str) -> "Document":
    found = call.client.call("GET", f"/mail/{quoted(id_)}").body
    return found if isinstance(found, dict) else {}


def _waits_for(mail: "Document", session: str) -> bool:
    """Whether the session has not read the mail yet."""
    rows = mail.get("deliveries")
    rows = [*rows, mail.get("delivery")] if isinstance(rows, list) else [mail.get("delivery")]
    own = [row for row in rows if isinstance(row, dict) and row.get("sessionId") == session]
    return any(row.get("state") in UNREAD for row in own)
