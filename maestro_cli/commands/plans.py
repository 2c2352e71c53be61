"""What to do next, and in which order the rest."""

from maestro_cli import views, work_views
from maestro_cli.call import Call
from maestro_cli.commands.projects import here
from maestrod.client.blocking import quoted

NOTHING = 9

Document = dict[str, object]


def following(call: Call) -> int:
    """Show the next task or claim it; 9 when there is none."""
    where, headers = call.where()
    sent = {**where, **call.fields()}
    if call.flag("claim"):
        answer = call.client.call("POST", "/tasks/claim-next", body=sent, headers=headers).body
    else:
        answer = call.client.call("GET", "/tasks/claim-next", query=sent, headers=headers).body
    found = answer if isinstance(answer, dict) else {}
    task = found.get("task")
    lines = views.one("task", task, _page(call)) if isinstance(task, dict) else ["nothing to do"]
    call.output.result(found, lines)
    return 0 if isinstance(task, dict) else NOTHING


def graph(call: Call) -> int:
    """Each open task with what it waits for."""
    found = _graph(call)
    call.output.result(found, work_views.graph(found, _page(call)))
    return 0


def plan(call: Call) -> int:
    """The waves, and the longest chain."""
    found = _graph(call)
    call.output.result(found, work_views.plan(found, _page(call)))
    return 0


def _graph(call: Call) -> Document:
    found = call.client.call("GET", f"/projects/{quoted(here(call))}/graph", headers=call.context.where()).body
    return found if isinstance(found, dict) else {}


def _page(call: Call) -> views.Page:
    return views.Page(width=call.output.width, colour=call.output.colour)
