"""The shapes of answers: which view shows what a verb is answered with."""

from maestro_cli import letters, views, work_views
from maestro_cli.environment import spooled

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maestro_cli.call import Call


DEEDS: "dict[str, Callable[[str, object], list[str]]]" = {
    "did": views.did,
    "gone": views.gone,
    "mail": letters.told,
}
"""What was done, and to what."""

NONE = {"mail": "mail", "item": "items in the queue", "timeline": "entries in the timeline", "doc": "documents"}
"""What an empty list has none of, where that is not the noun with an s."""


def shown(call: "Call", data: object) -> "tuple[object, Sequence[str]]":
    """The answer for a document, and its lines by the verb's shape."""
    page = views.Page(width=call.output.width, colour=call.output.colour)
    shape, _, what = call.row[3].partition(":")
    match shape:
        case "list":
            lines = views.listing(what, data, page, letters.LISTS.get(what))
            return data, lines or ([f"no {NONE.get(what, f'{what}s')}"] if call.output.is_read_by_eye else [])
        case "one":
            return data, views.one(what, data, page)
        case "did" | "gone" | "mail":
            return data, DEEDS[shape](what, data)
        case "item":
            return data, views.item(data, page)
        case "queue":
            return data, views.queue(data, page)
        case "status":
            return data, [*views.status(data, page), *queued(call)]
        case "whoami":
            told, lines = views.whoami(call, data)
            return told, [*lines, *queued(call)]
        case "screen":
            return data, views.screen(data, colours=call.flag("colours") and call.output.colour)
        case _:
            return data, work_views.shown(shape, data, page)


def queued(call: "Call") -> list[str]:
    """A line about what sessions said that still waits, or was refused; none when there is none."""
    if not spooled(call.context.environ, call.context.session):
        return []
    from maestro_cli import spool

    said = spool.said(call.context.environ, call.context.session)
    return ["", f"queued calls: {said}"] if said else []
