"""Sessions, where one request is not enough: starting, sitting down at, speaking to and reading an agent."""

import os
import sys

from maestro_cli.call import Call
from maestro_cli.failures import Failure, Usage, note
from maestrod.client.blocking import quoted
from maestrod.client.errors import Refused

TYPE_CHECKING = False  # what opens windows is loaded by the verbs that open one
if TYPE_CHECKING:
    from maestro_cli.launch import NotStarted

NO_SCREEN = frozenset({"PANE_GONE", "CONFLICT", "NOT_FOUND", "METHOD_NOT_ALLOWED"})


def spawn(call: Call) -> int:
    """Make the session, then open its window unless told not to."""
    if not call.flag("no_launch"):
        _check_provider(call, call.text("provider"))
    body = call.fields()
    project = call.context.project or _project_of(call, body.get("taskIds"))
    headers = {} if project else call.context.where()
    if project:
        body["projectId"] = project
    spawned = _object(call.client.call("POST", "/sessions/spawn", body=body, headers=headers).body)
    session = _object(spawned.get("session"))
    if not call.flag("no_launch"):
        return _launched(call, str(session["id"]), call.text("provider"))
    data = {"session": session, "pane": None, "window": None, "attach": None}
    call.output.result(
        data, [f"made session {session['id']}; `maestro session launch {session['id']}` opens its window"]
    )
    return 0


def fork(call: Call) -> int:
    """Make a session that goes on from another's conversation, and open its window."""
    source = _session(call)
    body = call.fields() | {"projectId": source["projectId"], "forkOf": source["id"], "role": source["role"]}
    body.setdefault("name", f"{source['name']} (fork)"[:200])
    if source["strategy"] != "queue":
        body["strategy"] = source["strategy"]
    spawned = _object(call.client.call("POST", "/sessions/spawn", body=body).body)
    return _launched(call, str(_object(spawned.get("session"))["id"]), "")


def launch(call: Call) -> int:
    """Open the window of a session that waits for it."""
    return _launched(call, call.text("session"), call.text("provider"))


def attach(call: Call) -> int:
    """Become the tmux client that shows the session's window; with ``--json`` only say how."""
    from maestro_cli.windows import Windows, WindowTrouble
    from maestrod.locations import locate

    session = _session(call)
    pane = _object(session.get("pane"))
    if not pane.get("pane"):
        hint = f"`maestro session launch {session['id']}` opens one." if session["status"] == "spawning" else ""
        raise Failure(f"session {session['id']} ({session['name']}) has no window", code="PANE_GONE", hint=hint)
    windows = Windows(locate(call.context.environ), call.context.environ, name=str(pane.get("socket") or ""))
    try:
        argv = windows.attach_argv(str(pane["pane"]), str(session["id"]))
    except WindowTrouble as trouble:
        raise Failure(str(trouble), code="PANE_GONE", hint="`maestro session logs` shows what is kept.") from trouble
    if call.output.json:
        call.output.result({"session": session, "argv": argv})
        return 0
    return _become(call, argv)


def send(call: Call) -> int:
    """Type a prompt; ``queued`` is a success, for the agent gets it when it is ready."""
    body = {"text": call.text("text")}
    if not body["text"].strip():
        raise Usage("there is no text to send", hint='`maestro session send SESSION "TEXT"`, or - to read stdin.')
    path = f"/sessions/{quoted(call.text('session'))}/input"
    answer = _object(call.client.call("POST", path, body=body, headers=call.context.where()).body)
    result, reason = str(answer.get("result", "")), str(answer.get("reason") or "")
    if result == "not_delivered":
        hint = "`maestro session screen` shows what stands in the way."
        raise Failure(f"not delivered: {reason or 'the agent did not take it'}", code="NOT_DELIVERED", hint=hint)
    call.output.result(answer, [f"{result}: {reason}" if reason else result])
    return 0


def logs(call: Call) -> int:
    """What was reported, then the end of what the window shows or showed."""
    from maestro_cli.texts import Page
    from maestro_cli.views import listing

    path = f"/sessions/{quoted(call.text('session'))}"
    count = max(1, int(call.number("lines", 40)))
    timeline = call.client.call("GET", f"{path}/timeline", headers=call.context.where()).body
    screen = _screen(call, path, count)
    page = Page(width=call.output.width, colour=call.output.colour)
    shown = [line.rstrip() for line in str(screen.get("text", "")).rstrip().splitlines()][-count:] if screen else []
    lines = [*listing("timeline", timeline, page), *([""] if shown else []), *shown]
    call.output.result({"timeline": timeline, "screen": screen}, lines)
    return 0


# -- parts --------------------------------------------------------------------------------------------


def _launched(call: Call, session_id: str, provider: str) -> int:
    from maestro_cli.launch import NotStarted, launch
    from maestrod.locations import locate

    environ = call.context.environ
    try:
        done = launch(session_id, call.client, locations=locate(environ), environ=environ, provider=provider)
    except NotStarted as failure:
        raise _failure(failure, session_id) from failure
    words = f"maestro session attach {done.session['id']}"
    data = {"session": done.session, "pane": done.pane, "window": done.window, "attach": words}
    lines = [f"started {done.provider} in session {done.session['id']} ({done.session['name']})", f"  {words}"]
    worktree = _object(done.session.get("worktree"))
    lines += [f"  on branch {worktree['branch']}, in {worktree['path']}"] if worktree else []
    call.output.result(data, lines)
    for each in done.notes:
        note(f"  note: {each}")
    return 0


def _check_provider(call: Call, name: str) -> None:
    """A word that was mistyped leaves no failed session behind."""
    from maestro_cli.own_providers import Providers
    from maestrod.locations import locate
    from maestrod.providers.registry import UnknownProvider

    if not name:
        return
    try:
        Providers(locate(call.context.environ).config).get(name)
    except UnknownProvider as error:
        raise Failure(str(error), code="AGENT_NOT_STARTED", hint="`maestro agent list` shows what is here.") from error


def _failure(failure: "NotStarted", session_id: str) -> Failure:
    showed = f"\nIts window showed:\n{failure.screen}" if failure.screen else ""
    details = [{"sessionId": session_id, "reason": failure.reason, "screen": failure.screen}]
    return Failure(f"{failure.reason}{showed}", code="AGENT_NOT_STARTED", hint=failure.hint, details=details)


def _project_of(call: Call, tasks: object) -> str:
    """The project of the first task: it is where its session belongs, wherever the caller stands."""
    if not isinstance(tasks, list) or not tasks:
        return ""
    found = call.client.call("GET", f"/tasks/{quoted(str(tasks[0]))}", headers=call.context.where()).body
    return str(_object(found).get("projectId", ""))


def _session(call: Call) -> dict[str, object]:
    path = f"/sessions/{quoted(call.text('session'))}"
    return _object(call.client.call("GET", path, headers=call.context.where()).body)


def _screen(call: Call, path: str, count: int) -> dict[str, object] | None:
    try:
        where = call.context.where()
        return _object(call.client.call("GET", f"{path}/screen", query={"lines": count}, headers=where).body)
    except Refused as refused:
        if refused.code in NO_SCREEN:
            return None
        raise


def _become(call: Call, argv: list[str]) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Usage("attaching needs a terminal", hint="`maestro session screen` shows what it shows.")
    environ = {name: value for name, value in call.context.environ.items() if name not in ("TMUX", "TMUX_PANE")}
    if "TMUX" in call.context.environ:
        note("this terminal is inside tmux: press its prefix twice to reach the agent's; ctrl-b ctrl-b d leaves")
    else:
        note("ctrl-b d leaves; the agent goes on")
    try:
        os.execvpe(argv[0], argv, environ)  # noqa: S606 - words, no shell
    except OSError as error:
        raise Failure(f"cannot run {argv[0]}: {error.strerror}", code="PANE_GONE") from error


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
