"""The same table of verbs as a Typer application: help, and a second reader of every line."""

import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import TypeVar

import typer

from maestro_cli.output import Output
from maestro_cli.request import key
from maestro_cli.verbs import GLOBALS, NOUNS, VERBS, Param, Row

Raw = dict[str, list[str]]
Carry = Callable[[Row, Raw], int]
Function = TypeVar("Function", bound=Callable[..., object])

ABOUT = """The control room for coding agents on your machine.

`maestro NOUN VERB`. People and agents use the same commands; the daemon starts by itself."""
SETTINGS: dict[str, object] = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
SHOWN = {"long": "TEXT", "texts": "TEXT", "words": "WORD", "ids": "ID", "id": "ID", "own": "ID", "moment": "WHEN"}


def main(argv: Sequence[str]) -> int:
    """Show help."""
    code = 0
    with redirect_stdout(StringIO()) as shown:
        try:
            build(_unread)(args=list(argv), prog_name="maestro")
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    Output().drawn(shown.getvalue())
    return code


def build(carry: Carry) -> typer.Typer:
    """The application; ``carry`` gets what was read: the row, and the raw texts by parameter."""
    app = _group(ABOUT)
    groups = {"": app}
    for noun, about in NOUNS:
        groups[noun] = _group(about)
        above, _, name = noun.rpartition(" ")
        groups[above].add_typer(groups[noun], name=name)
    _global_options(app)
    for row in VERBS:
        noun, _, verb = row[0].rpartition(" ")
        _add(groups[noun], verb, row, carry)
    return app


def _group(about: str) -> typer.Typer:
    return typer.Typer(
        help=about,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings=dict(SETTINGS),
        pretty_exceptions_enable=False,
    )


def _global_options(app: typer.Typer) -> None:
    given = [param for param in GLOBALS if key(param) != "help"]
    app.callback()(_signed(lambda **_: None, given))


def _add(group: typer.Typer, verb: str, row: Row, carry: Carry) -> None:
    def command(**values: object) -> int:
        return carry(row, raw(row[4], values))

    rest = any(param[1] == "rest" for param in row[4])
    settings = SETTINGS | {"ignore_unknown_options": rest, "allow_interspersed_args": not rest}
    epilog = "\b\nExamples:\n" + "\n".join(f"  {example}" for example in row[5])
    group.command(verb, help=row[1], short_help=row[1], epilog=epilog, context_settings=settings)(
        _signed(command, row[4])
    )


def raw(params: Iterable[Param], values: dict[str, object]) -> Raw:
    """What Typer read, in the form of our own reader."""
    found: Raw = {}
    for param in params:
        value = values.get(key(param))
        if isinstance(value, list | tuple) and value:
            found[key(param)] = [str(part) for part in value]
        elif isinstance(value, str):
            found[key(param)] = [value]
        elif value is True:
            found[key(param)] = ["true"]
    return found


def _signed(function: Function, params: Sequence[Param]) -> Function:
    """The function with the signature from which Typer makes a command."""
    parameters = [_parameter(param) for param in params]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return function


def _parameter(param: Param) -> inspect.Parameter:
    kind = param[1].partition("=")[0].rstrip("!?").partition("(")[0]
    many = kind in ("texts", "words", "ids", "choices", "rest")
    annotation = bool if kind == "flag" else list[str] if many else str
    return inspect.Parameter(
        key(param), inspect.Parameter.KEYWORD_ONLY, default=_declared(param, kind, many=many), annotation=annotation
    )


def _declared(param: Param, kind: str, *, many: bool) -> object:
    names = param[0].split("|")
    choices = _choices(param)
    default: object = False if kind == "flag" else [] if many else None
    usual = param[1].partition("=")[2]
    about = f"{param[3]} [default: {usual}]" if usual not in ("", "-") else param[3]
    if names[0].startswith("-"):
        shown = None if kind == "flag" else "|".join(choices) if choices else SHOWN.get(kind, kind.upper())
        required = param[1].endswith("!")
        return typer.Option(... if required else default, *names, help=about, metavar=shown, show_default=False)
    optional = names[0].startswith("[") or many
    return typer.Argument(
        default if optional else ...,
        help=about,
        metavar=names[0].strip("[]"),
        show_default=False,
    )


def _choices(param: Param) -> list[str]:
    kind, _, inside = param[1].partition("(")
    return inside.partition(")")[0].split(",") if kind in ("choice", "choices") else []


def _unread(row: Row, _given: Raw) -> int:
    """Our own reader has read the line before Typer gets it, so this is never reached by a call that makes sense."""
    sys.stderr.write(f"error: `maestro {row[0]}` was not understood\n")
    return 2
