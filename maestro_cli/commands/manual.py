"""The manual page, ``man maestro``: roff, from the table of verbs."""

from collections.abc import Iterator

from maestro_cli.call import Call
from maestro_cli.commands.reference import usage
from maestro_cli.failures import EXITS
from maestro_cli.verbs import GLOBALS, NOUNS, VERBS, Param, Row

ABOUT = (
    "People, scripts and agents use the same `maestro`: a noun, a verb, and what it is about. The daemon `maestrod` "
    "owns everything and starts by itself at the first command; `--no-start` or `MAESTRO_NO_AUTOSTART=1` forbids it.",
    "Where you are decides: the project is that of the session or of the directory; `maestro init` makes a directory "
    "one. Ids can be shortened to any ending that is unambiguous; tasks, sessions and projects also answer to the "
    "beginning of their name.",
    "`--json` prints one document on stdout, also for errors; what is a stream prints one document a line. Everything "
    "else goes to stderr. What a command shows as `TITLE` may be given as `--title`; `--` ends the options.",
)
VARIABLES = (
    ("`MAESTRO_HOME`", "where everything lies, instead of the platform's own places"),
    ("`MAESTRO_SERVER`", "the daemon: `unix:PATH` or a URL (also `MAESTRO_SERVER_URL`, `MAESTRO_API_URL`)"),
    ("`MAESTRO_API_KEY`, `MAESTRO_API_KEY_FILE`", "the key for a daemon behind a URL"),
    (
        "`MAESTRO_SESSION_ID`, `MAESTRO_PROJECT_ID`, `MAESTRO_TASK_IDS`",
        "what is at hand; set in every agent's window",
    ),
    ("`MAESTRO_PROJECT_DIR`, `MAESTRO_WORKTREE_PATH`, `MAESTRO_WORKTREE_BRANCH`", "set in a worktree"),
    ("`MAESTRO_CREDENTIAL_FILE`", "the session's credential; set in every agent's window"),
    (
        "`MAESTRO_TIMEOUT`, `MAESTRO_RETRIES`",
        "how long a call may take with all its retries (10 s), and how many there are",
    ),
    ("`MAESTRO_NO_AUTOSTART`", "`1`: never start the daemon"),
    ("`MAESTRO_LOG`", "`debug`: a failure of the command itself shows where"),
    ("`NO_COLOR`", "no colours"),
)
"""What the command reads from the environment, and what it means."""


def manual(call: Call) -> int:
    """The manual page, for `man -l -`."""
    text = page()
    call.output.result({"roff": text}, text.rstrip("\n").split("\n"))
    return 0


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield '.TH MAESTRO 1 "" "Agent Maestro" "User Commands"'
    yield from (".SH NAME", roff("maestro - the control room for coding agents"))
    yield from (".SH SYNOPSIS", ".B maestro", r"[\fIOPTIONS\fR] \fINOUN VERB\fR [\fIARGUMENTS\fR]")
    yield ".SH DESCRIPTION"
    for place, part in enumerate(ABOUT):
        yield from ([".PP"] if place else [])
        yield roff(part)
    yield ".SH OPTIONS"
    yield "These may stand anywhere on the line."
    yield from _parameters(GLOBALS)
    yield ".SH COMMANDS"
    about = dict(NOUNS)
    for noun in dict.fromkeys(_noun(row) for row in VERBS):
        if noun:
            yield from (".PP", rf"\fB{roff(noun)}\fR: {roff(about[noun])}")
        for row in VERBS:
            if _noun(row) == noun:
                yield from _command(row)
    yield ".SH EXIT STATUS"
    for code, meaning, errors in EXITS:
        yield from (
            ".TP",
            f".B {code}",
            roff(meaning + (f" ({', '.join(e.lower() for e in errors)})" if errors else "")),
        )
    yield ".SH ENVIRONMENT"
    for names, meaning in VARIABLES:
        yield from (".TP", roff(names), roff(meaning))
    yield from (".SH SEE ALSO", ".BR tmux (1),", ".BR git (1)")


def _noun(row: Row) -> str:
    """The first word of a command that has several; the others stand first."""
    return row[0].partition(" ")[0] if " " in row[0] else ""


def _command(row: Row) -> Iterator[str]:
    yield f'.SS "{roff("maestro " + usage(row))}"'
    yield roff(row[1])
    yield from _parameters(row[4])
    yield from (".PP", ".nf", *(rf"    {roff(example)}" for example in row[5]), ".fi")


def _parameters(params: tuple[Param, ...]) -> Iterator[str]:
    for param in params:
        names = ", ".join(rf"\fB{roff(name)}\fR" for name in param[0].strip("[]").split("|"))
        kind, _, inside = param[1].partition("=")[0].rstrip("!?)").partition("(")
        takes = inside.replace(",", "|") if kind in ("choice", "choices") else "" if kind == "flag" else kind
        yield from (".TP", f"{names} {roff(takes)}".rstrip(), roff(param[3]))


def roff(text: str) -> str:
    """The text as roff shows it as it is: what is between backquotes in bold."""
    parts = ["".join(map(_shown, part)) for part in text.split("`")]
    marked = "".join(
        rf"\fB{part}\fR" if place % 2 and place < len(parts) - 1 else part for place, part in enumerate(parts)
    )
    return rf"\&{marked}" if marked[:1] in (".", "'") else marked


def _shown(c: str) -> str:
    return {"\\": r"\e", "-": r"\-", "'": r"\(aq", '"': r"\(dq", "^": r"\(ha", "~": r"\(ti"}.get(c) or (
        c if c.isascii() else rf"\[u{ord(c):04X}]"
    )
