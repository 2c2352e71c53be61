"""What agents insist on keeping among the user's own settings: asked for, shown, taken back."""

from maestro_cli.call import Call
from maestro_cli.failures import Failure, Usage

TYPE_CHECKING = False  # what looks into settings is loaded by the verbs that do
if TYPE_CHECKING:
    from collections.abc import Callable

    from maestro_cli.consents import Consents


def status(call: Call) -> int:
    """How things stand with each agent; nothing is changed."""
    return _shown(call, _consents(call))


def install(call: Call) -> int:
    """Ask, remember the answer, and do at once what need not wait for a launch."""
    from maestro_cli.asking import can_ask, confirmed
    from maestrod.providers.registry import BUILT_IN

    _people_only(call)
    name, consents = call.text("agent"), _consents(call)
    consent = BUILT_IN[name].consent
    assert consent is not None  # the table names no other
    if call.flag("yes"):
        agreed = True
    elif can_ask(call.context.environ):
        agreed = confirmed(consent.question)
    else:
        raise Usage(f"nobody to ask: {consent.question}", hint=f"`maestro agent hooks install {name} --yes`")
    _done(lambda: consents.say(name, agreed=agreed))
    _done(lambda: consents.apply(name, None))
    return _shown(call, consents)


def remove(call: Call) -> int:
    """Take back what is ours, and do not ask again."""
    _people_only(call)
    consents = _consents(call)
    _done(lambda: consents.take_back(call.text("agent")))
    return _shown(call, consents)


def _consents(call: Call) -> "Consents":
    from maestro_cli.consents import Consents
    from maestrod.locations import locate

    return Consents(locate(call.context.environ), call.context.environ)


def _shown(call: Call, consents: "Consents") -> int:
    from maestro_cli.texts import table
    from maestrod.providers.registry import BUILT_IN

    found = [consents.standing(name) for name in BUILT_IN]
    rows = [[s.agent, s.answer, s.state, s.where or "-"] for s in found]
    data = [{"agent": s.agent, "answer": s.answer, "state": s.state, "where": s.where} for s in found]
    head = ["agent", "answer", "state", "where"]
    call.output.result(data, table(head, rows, call.output.width, colour=call.output.colour))
    return 0


def _people_only(call: Call) -> None:
    if call.context.environ.get("MAESTRO_SESSION_ID"):
        raise Failure("a person decides about their own settings", code="FORBIDDEN", hint="Ask one.")


def _done(deed: "Callable[[], None]") -> None:
    from maestro_cli.extension import Foreign

    try:
        deed()
    except Foreign as error:
        raise Failure(str(error), code="CONFLICT") from error
    except OSError as error:
        raise Failure(f"cannot write {error.filename or 'the settings'}: {error.strerror}", code="IO_ERROR") from error
