"""What can be called, and what the exit codes mean: read from the same tables as everything else."""

from maestro_cli import allowed, texts
from maestro_cli.call import Call
from maestro_cli.failures import EXITS, Failure
from maestro_cli.request import key
from maestro_cli.verbs import GLOBALS, VERBS, Param, Row


def commands(call: Call) -> int:
    """Every command, or those that begin with the words.

    Raises:
        Failure: none does, or the one that is asked for may not be run.
    """
    if call.text("check"):
        return allowed.check(call, call.text("check"))
    begins = " ".join(call.texts("command"))
    rows = [row for row in VERBS if f"{row[0]} ".startswith(f"{begins} " if begins else "")]
    if not rows:
        raise Failure(f"no command '{begins}'", code="NOT_FOUND", hint="`maestro commands` lists them.")
    data = {"commands": [described(row) for row in rows], "globals": [_parameter(param) for param in GLOBALS]}
    lines = texts.table(["COMMAND", "WHAT IT DOES"], [[usage(row), row[1]] for row in rows], call.output.width)
    call.output.result(data, lines)
    return 0


def exit_codes(call: Call) -> int:
    """What the exit codes mean, and which errors lead to them."""
    data = [
        {"exit": exit_, "meaning": meaning, "errors": [c.lower() for c in codes]} for exit_, meaning, codes in EXITS
    ]
    rows = [[str(exit_), meaning, ", ".join(code.lower() for code in codes)] for exit_, meaning, codes in EXITS]
    call.output.result(data, texts.table(["EXIT", "MEANING", "ERRORS"], rows, call.output.width))
    return 0


def described(row: Row) -> dict[str, object]:
    """A command as data."""
    words, about, route, _, params, examples = row
    return {
        "command": words,
        "usage": f"maestro {usage(row)}",
        "help": about,
        "route": route if " " in route else None,
        "parameters": [_parameter(param) for param in params],
        "examples": list(examples),
    }


def usage(row: Row) -> str:
    """The command with its positionals and required options."""
    parts = [row[0]]
    for param in row[4]:
        name = param[0].partition("|")[0]
        if not name.startswith("-"):
            parts.append(name)
        elif param[1].endswith("!"):
            parts.append(f"{name} {key(param).upper()}")
    options = any(param[0].startswith("-") and not param[1].endswith("!") for param in row[4])
    return " ".join([*parts, *(["[OPTIONS]"] if options else [])])


def _parameter(param: Param) -> dict[str, object]:
    names = param[0].split("|")
    kind, _, default = param[1].partition("=")
    word, _, inside = kind.rstrip("!?").partition("(")
    positional = not names[0].startswith("-")
    return {
        "name": names[0].strip("[]"),
        "aliases": names[1:],
        "type": word,
        "of": inside.rstrip(")").split(",") if inside else [],
        "positional": positional,
        "required": kind.endswith("!") or (positional and not names[0].startswith("[")),
        "repeatable": word in ("texts", "words", "ids", "choices", "rest"),
        "default": default if default not in ("", "-") else None,
        "help": param[3],
    }
