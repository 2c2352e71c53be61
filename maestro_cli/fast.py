"""Serves the straightforward call: the line is read from the table, one request is made, its answer shown.

Help, which it does not give itself, it leaves to ``maestro_cli.app``; a handler named in the
table is loaded and called.
"""

import os
import sys

from maestro_cli import reading
from maestro_cli.call import Call
from maestro_cli.context import Context
from maestro_cli.environment import spooled
from maestro_cli.failures import Failure, Usage, document, exit_code, tell
from maestro_cli.output import Output
from maestro_cli.request import build, key, seal
from maestrod.client.errors import ClientError, Refused

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from maestro_cli.call import Value
    from maestro_cli.request import Request
    from maestro_cli.verbs import Param, Row

STDIN_LIMIT = 10 << 20


def main(argv: "Sequence[str]", environ: "Mapping[str, str]") -> int:
    """Carry out the line and answer its exit code; every failure is told here and nowhere else."""
    try:
        return served(argv, environ)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except (Failure, ClientError) as error:
        return _tell(error, argv)
    except OSError as error:
        what = ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)
        return _tell(Failure(what, code="IO_ERROR", hint="Is the disk full, or something not readable?"), argv)
    except Exception as error:  # the rim: people get a sentence, `MAESTRO_LOG=debug` the traceback
        if environ.get("MAESTRO_LOG") == "debug":
            raise
        failure = Failure(f"{type(error).__name__}: {error}", code="BUG", hint="MAESTRO_LOG=debug shows where.")
        return _tell(failure, argv)


def served(argv: "Sequence[str]", environ: "Mapping[str, str]") -> int:
    """Carry out the line."""
    said = reading.read(argv)
    if said.version:
        return _version(said)
    if said.help or said.row is None:
        return _app([*said.words, "--help"])
    context = Context(said.options, environ)
    options = said.options
    output = Output(json=options.json, quiet=options.quiet, no_color=options.no_color)
    try:
        return run(Call(said.row, said.values, context, output))
    except Refused as refused:
        from maestro_cli.corrections import as_typed

        refused.message = as_typed(said.row, refused.message, refused.details)
        raise


def run(call: Call) -> int:
    """Fill in what the environment knows, then ask the daemon or the verb's own handler."""
    held = _held_up(call)
    call.values = settled(call.row, call.values, call.context)
    route = call.row[2]
    if " " not in route:
        return handler(route)(call)
    if call.flag("watch"):
        return handler("maestro_cli.commands.live:live")(call)
    request = build(call.row, call.values, project=call.context.project)
    if not request.anywhere:
        request.headers.update(call.context.where())
    if call.context.session and request.body is not None:
        seal(request, call.words)
        if held is not None:
            from maestro_cli import offline

            if offline.kept(call, request, held):
                return 0
    try:
        answer = call.client.call(
            request.method, request.path, query=request.query, body=request.body, headers=request.headers
        )
    except (ClientError, Failure) as lost:
        if not call.context.session or not _instead(call, request, lost):
            raise
        return 0
    if call.output.json and call.row[3] != "whoami":
        call.output.raw_result(answer.raw)
    else:
        from maestro_cli import shapes

        call.output.result(*shapes.shown(call, answer.body))
    return _exit(call, answer.raw)


def _held_up(call: Call) -> "ClientError | Failure | None":
    """Why something that the session said before still waits for the daemon, after another try to send it."""
    if not call.context.session or not spooled(call.context.environ, call.context.session):
        return None
    from maestro_cli import offline

    return offline.held_up(call)


def _instead(call: Call, request: "Request", lost: "ClientError | Failure") -> bool:
    from maestro_cli import offline

    return offline.instead(call, request, lost)


def handler(name: str) -> "Callable[[Call], int]":
    """The function that a row names as ``module:function``."""
    import importlib

    module, _, function = name.partition(":")
    found: Callable[[Call], int] = getattr(importlib.import_module(module), function)
    return found


def settled(row: "Row", given: "Mapping[str, Value]", context: Context) -> "dict[str, Value]":
    """The values with what the environment, the working directory and stdin add.

    Raises:
        Usage: something that must be known is not.
    """
    values = dict(given)
    for param in row[4]:
        name, kind = key(param), param[1]
        value = values.get(name)
        if kind.startswith("own(") and value in (None, ""):
            own = _own(row, param, context)
            if own:
                values[name] = own
        elif kind.startswith("path") and isinstance(value, str):
            values[name] = os.path.abspath(os.path.expanduser(value))
        elif kind.rstrip("!?") == "long" and value == "-":
            values[name] = _stdin()
        elif kind.startswith("moment") and value:
            from maestro_cli.moments import moment

            values[name] = moment(str(value))
    return values


def _own(row: "Row", param: "Param", context: Context) -> str:
    """The task, session or project at hand."""
    noun = param[1].partition("(")[2].rstrip("?!)")
    found = {"session": [context.session], "project": [context.project], "task": context.tasks}[noun]
    found = [one for one in found if one]
    if len(found) == 1 or (not found and param[1].endswith("?")):
        return found[0] if found else ""
    say = f"--{key(param)} ID" if param[0].startswith("-") else "its id"
    if found:
        from maestro_cli.at_hand import begun

        if one := begun(context):
            return one
        raise Usage(
            f"you hold several tasks: {', '.join(found)}", hint=f"Say which one: `maestro {row[0]}` with {say}."
        )
    raise Usage(f"`maestro {row[0]}` needs a {noun}", hint=f"Say {say}; for example: {row[5][0]}")


def _exit(call: Call, raw: bytes) -> int:
    nothing = call.row[3] == "item" and call.flag("fail_empty") and b'"empty":true' in raw.replace(b" ", b"")
    return 9 if nothing else 0


def _stdin() -> str:
    if sys.stdin is None:
        raise Usage("there is nothing to read from stdin")
    raw = sys.stdin.buffer.read(STDIN_LIMIT + 1)
    if len(raw) > STDIN_LIMIT:
        raise Usage(f"more than {STDIN_LIMIT} bytes on stdin")
    return raw.decode("utf-8", "replace").rstrip("\n")


def _tell(error: "Failure | ClientError", argv: "Sequence[str]") -> int:
    """Tell the failure; whether as JSON is judged from the line as it was written, for it may make no sense."""
    before = list(argv[: argv.index("--")]) if "--" in argv else argv
    if "--json" not in before:
        tell(error, no_color="--no-color" in before or "--no-colour" in before)
        return exit_code(error.code)
    Output(json=True).failure(document(error))
    return exit_code(error.code)


def _version(said: reading.Reading) -> int:
    import maestrod

    Output(json=said.options.json).result({"version": maestrod.__version__}, [f"maestro {maestrod.__version__}"])
    return 0


def _app(argv: "Sequence[str]") -> int:
    from maestro_cli.app import main as app

    return app(argv)
