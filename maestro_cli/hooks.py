"""What the agents' own hooks call: fast, never fails, prints nothing but what the agent asked for.

The event goes to the daemon, or into a spool file when nobody answers, so that nothing is lost. The agent
waits for this process, so all of it together takes at most two seconds. Exit 2 would block the agent: even
a wrong call ends with 0.
"""

import os
import time
from select import select

from maestro_cli.environment import run_folder, spool_folder, spooled
from maestrod.client import jsontext

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maestro_cli.call import Call

LIMIT_S = 2.0
READING_S = 1.0
"""How long the payload may take to arrive on stdin; agents write it at once."""
RESERVE_S = 0.2
READ_LIMIT = 4 << 20
PAYLOAD_LIMIT = 56 << 10
LONGEST_TEXT = 4_000
SPOOL_LIMIT = 16 << 20
"""A spool file that is larger takes nothing more."""
TOLD = frozenset({"SessionStart", "UserPromptSubmit", "PostToolUse", "BeforeAgent", "AfterTool"})
"""The moments at which agents take context."""
CARRIED = frozenset({"claude", "codex"})
"""Agents that Maestro launches with hooks of their own; those of a plugin would say everything twice."""


def main(words: "Sequence[str]", environ: "Mapping[str, str]") -> int:
    """Serve ``maestro hook PROVIDER [EVENT] [--plugin]``: always 0, and nothing on stdout but context for the agent."""
    named = [word for word in words if not word.startswith("-")]
    if not environ.get("MAESTRO_SESSION_ID", "").strip() or ("--plugin" in words and doubled(named, environ)):
        return 0
    try:
        answer = told(*(*named, "", "")[:2], environ=environ)
        if answer:
            os.write(1, answer.encode())
    except Exception:  # noqa: BLE001, S110 - the rim: an agent must not stumble over us
        pass
    return 0


def run(call: "Call") -> int:
    """The same, for a line that was read by the table."""
    plugin = ["--plugin"] if call.flag("plugin") else []
    return main([call.text("provider"), call.text("event"), *plugin], call.context.environ)


def doubled(named: "Sequence[str]", environ: "Mapping[str, str]") -> bool:
    """Whether a plugin's hook repeats what the launch's own says, or is that of an agent within the session's agent."""
    launched = environ.get("MAESTRO_PROVIDER")
    return bool(launched) and (launched in CARRIED or named[:1] != [launched])


def told(provider: str, event: str, *, environ: "Mapping[str, str]") -> str:
    """Bring the event to the daemon, or into the spool; the answer is what stdout is to say."""
    deadline = time.monotonic() + LIMIT_S
    payload = read(received(time.monotonic() + READING_S))
    event = event or str(payload.get("hook_event_name") or "unknown")
    return said(provider, event, bring(provider, event, payload, environ=environ, deadline=deadline))


def bring(
    provider: str,
    event: str,
    payload: "dict[str, object]",
    *,
    environ: "Mapping[str, str]",
    deadline: float | None = None,
) -> str:
    """Bring an event to the daemon, or into the spool; the answer is context for the agent, or nothing."""
    deadline = time.monotonic() + LIMIT_S if deadline is None else deadline
    body: dict[str, object] = {
        "provider": provider or "unknown",
        "event": event,
        "hookId": os.urandom(12).hex(),
        "at": int(time.time() * 1000),
        "payload": payload,
    }
    try:
        context = posted(environ, body, deadline - RESERVE_S)
        return "\n".join(filter(None, (context, *delivered(event, environ, deadline - RESERVE_S))))
    except Exception:  # noqa: BLE001 - whatever kept it from the daemon, it must not be lost
        spool(environ, body)
        return ""


def delivered(event: str, environ: "Mapping[str, str]", deadline: float) -> "list[str]":
    """Send what the agent said while no daemon could be reached; what came of it, when it can be told."""
    session = environ["MAESTRO_SESSION_ID"].strip()
    if not spooled(environ, session):
        return []
    from maestro_cli import flushing, spool
    from maestro_cli.context import Context, Options

    client = Context(Options(), environ).client
    client.patience, client.start = 0.0, None
    try:
        place = spool_folder(environ, session)
        came = flushing.flush(place, client, deadline)
        return flushing.lines(came, spool.untold(place)) if event in TOLD else []
    except Exception:  # noqa: BLE001 - the event itself has arrived; what waits is sent with the next
        return []


def posted(environ: "Mapping[str, str]", body: "dict[str, object]", deadline: float) -> str:
    """Send the event; the answer is context for the agent, or nothing."""
    from maestro_cli.context import Context, Options
    from maestrod.client.blocking import quoted

    context = Context(Options(), environ)
    client = context.client
    client.patience = 0.0
    if client.start is not None:
        client.start = lambda: context.start(limit=max(0.0, deadline - time.monotonic()))
    path = f"/sessions/{quoted(context.session)}/hook"
    answer = client.call("POST", path, body=body, timeout=max(0.05, deadline - time.monotonic())).body
    found = answer.get("context") if isinstance(answer, dict) else None
    return found if isinstance(found, str) else ""


def received(deadline: float) -> bytes:
    """What lies on stdin until it ends; a writer that does not close it is not waited for."""
    parts: list[bytes] = []
    size = 0
    while size < READ_LIMIT and not _is_terminal():
        left = deadline - time.monotonic()
        if left <= 0 or not select([0], [], [], left)[0]:
            break
        part = os.read(0, 1 << 16)
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _is_terminal() -> bool:
    try:
        return os.isatty(0)
    except OSError:
        return True


def read(raw: bytes) -> "dict[str, object]":
    """The payload, cut to what the daemon takes; what is no JSON object is kept as text."""
    try:
        document = jsontext.read(raw)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return {"text": raw[:LONGEST_TEXT].decode("utf-8", "replace")} if raw.strip() else {}
    if len(raw) <= PAYLOAD_LIMIT:
        return document
    kept: dict[str, object] = {}
    size = 0
    for name, value in document.items():
        small = cut(value)
        size += len(name) + len(jsontext.write(small))
        if size > PAYLOAD_LIMIT:
            break
        kept[name] = small
    return kept


def cut(value: object) -> object:
    """A value that is small enough: a long text loses its end, a large structure becomes the text of its beginning."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else value[:LONGEST_TEXT] + "…"
    if isinstance(value, dict | list):
        text = jsontext.write(value)
        return value if len(text) <= LONGEST_TEXT else {"cut": text[:LONGEST_TEXT]}
    return value


def said(provider: str, event: str, context: str) -> str:
    """What goes to stdout: context in the provider's own form, else nothing; Gemini always wants an object."""
    if not context:
        return "{}" if provider == "gemini" else ""
    specific: dict[str, object] = {"additionalContext": context}
    if provider != "gemini":
        specific["hookEventName"] = event
    return jsontext.write({"hookSpecificOutput": specific})


def spool(environ: "Mapping[str, str]", body: "dict[str, object]") -> None:
    """Append the event to the session's spool file; one write, so that lines never mix."""
    folder = os.path.join(run_folder(environ), "spool")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    session = environ["MAESTRO_SESSION_ID"]
    name = "".join(c for c in session if c.isascii() and (c.isalnum() or c in "_-"))[:80] or "unknown"
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(os.path.join(folder, f"hooks-{name}.jsonl"), flags, 0o600)
    try:
        if os.fstat(descriptor).st_size < SPOOL_LIMIT:
            os.write(descriptor, (jsontext.write(body) + "\n").encode())
    finally:
        os.close(descriptor)
