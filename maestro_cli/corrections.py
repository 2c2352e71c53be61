"""What somebody meant who wrote something else: other spellings that are taken, and calls to suggest."""

import difflib
import re
import shlex
from collections.abc import Mapping, Sequence

from maestro_cli.failures import Usage
from maestro_cli.request import field, key
from maestro_cli.verbs import MOVES, NOUNS, OPTIONS, SPELLINGS, VALUES, VERBS, Param, Row

SEPARATORS = re.compile(r"[-_:.]")
INSTEAD = {
    "version": "--version",
    "task search": "task list --search",
    "task find": "task list --search",
    "task assign": "session spawn --task",
    "task subtask": "subtask",
    "task subtasks": "subtask list",
    "task fail": "task report error",
    "subtask toggle": "subtask complete",
    "queue next": "queue start",
    "queue pop": "queue start",
    "doc add": "session docs add",
    "doc list": "session docs list",
    "backup now": "backup create",
    "worker spawn": "session spawn --role worker",
    "orchestrator spawn": "session spawn --role orchestrator",
    "agent spawn": "session spawn",
    "agent start": "session spawn",
}
"""What is said for which calls: those that do the same, but are not written the same."""
SETTING = ("set-status", "update-status", "mark")
SAID = ("note", "reason", "message", "description")
"""What a sentence is given by where a command takes none as it stands."""


def spelled(words: Sequence[str]) -> tuple[Row | None, int]:
    """The row that the words name in another spelling, and how many of them do."""
    rows = {row[0]: row for row in VERBS}
    split = [part for part in SEPARATORS.split(words[0]) if part]
    longer = [(list(words[:n]), n) for n in (3, 2) if n <= len(words)]
    for taken, used in (*longer, (split, 1), (list(words[:1]), 1)):
        found = _row(rows, taken)
        if found is not None and (used > 1 or _may_follow(found, words[1:])):
            return found, used
    joined = [part for word in words[:2] for part in SEPARATORS.split(word) if part]
    found = _row(rows, joined) if len(words) > 1 else None
    return found, 2 if found else 0


def _may_follow(row: Row, words: Sequence[str]) -> bool:
    """Whether these words can follow one that means the row: they are its own, and no noun after its verb."""
    takes = any(not param[0].startswith("-") for param in row[4])
    return not words or (takes and words[0] not in {noun for noun, _ in NOUNS})


def _row(rows: Mapping[str, Row], words: Sequence[str]) -> Row | None:
    """The one row that the words mean when some of them are replaced by ours."""
    readings = [""]
    for word in words:
        lower = word.lower()
        ours = [lower, *(own for said, own in SPELLINGS if said == lower)]
        readings = [f"{before} {own}".strip() for before in readings for own in ours]
    hyphened = [" ".join(words).lower().replace("_", "-")]
    found = [rows[name] for name in [*readings, *hyphened] if name in rows]
    return found[0] if found else None


def unknown_command(words: Sequence[str], argv: Sequence[str]) -> Usage:
    """No command has this name."""
    said = " ".join(words)
    nouns = [noun for noun, _ in NOUNS]
    if said in nouns:
        return Usage(f"`maestro {said}` needs a verb", hint=f"One of: {', '.join(verbs_of(said))}.")
    rest = list(argv)[len(words) :] if list(argv[: len(words)]) == list(words) else []
    if words[0] == "task" and words[1:2] and words[1] in SETTING:
        return _moved([*words, *rest][-1], [*words, *rest][2])
    for count in (2, 1):
        call = INSTEAD.get(" ".join(words[:count]))
        if call is not None:
            return Usage(f"no command '{said}'", hint=f"Did you mean: maestro {_called(call, [*words[count:], *rest])}")
    swapped = " ".join([*words[1::-1], *words[2:]])
    known = [row[0] for row in VERBS]
    found, used = spelled(swapped.split(" ")) if len(words) > 1 else (None, 0)
    if found is not None and used > 1:
        call = _called(found[0], [*words[used:], *rest])
        return Usage(f"no command '{said}'", hint=f"Did you mean: maestro {call}")
    near = _near(known, words)
    if near:
        return Usage(f"no command '{said}'", hint="Did you mean: " + " or ".join(f"maestro {name}" for name in near))
    if words[0] in nouns:
        return Usage(f"no command '{said}'", hint=f"`maestro {words[0]}` has: {', '.join(verbs_of(words[0]))}.")
    return Usage(f"no command '{said}'", hint="`maestro --help` lists them.")


def _called(call: str, rest: Sequence[str]) -> str:
    return f"{call} {shlex.join(rest)}".strip()


def _near(known: Sequence[str], words: Sequence[str]) -> list[str]:
    for count in (3, 2, 1):
        said = " ".join(words[:count])
        found = difflib.get_close_matches(said, known, n=2, cutoff=0.75)
        if found and count <= len(words):
            return found
    return [name for name in known if name.split(" ")[-1] == words[0]][:4]


def verbs_of(noun: str) -> list[str]:
    """The verbs of a noun, in the order of the table."""
    return [row[0].removeprefix(noun + " ") for row in VERBS if row[0].startswith(noun + " ")]


def other_spelling(params: Sequence[Param], known: Mapping[str, Param], word: str) -> Param | None:
    """The parameter that an option means which is not spelled as declared."""
    name = word.partition("=")[0]
    kebab = re.sub(r"(?<=[a-z])([A-Z])", r"-\1", name).replace("_", "-").lower()
    if kebab in known:
        return known[kebab]
    for said, ours in OPTIONS:
        if said == kebab and known.get(ours) in params:
            return known[ours]
    if name[1:2] != "-" and name[:2] in known and known[name[:2]][1] != "flag":
        return known[name[:2]]
    for param in params:
        kind, _, noun = param[1].rstrip("!?)").partition("(")
        own = key(param).replace("_", "-")
        others = {f"--{own}-id", f"--{own}s", f"--{own}-ids"}
        if kind in ("id", "own", "ids") and not param[0].startswith("-"):
            others |= {"--id", f"--{noun}", f"--{noun}-id"}
        if kebab in others:
            return param
    return None


def unknown_option(row: Row | None, known: Mapping[str, Param], words: Sequence[str], argv: Sequence[str]) -> Usage:
    """No option has the name of the first word."""
    name, _, value = words[0].partition("=")
    if row is None:
        return Usage(f"no option {name} before the command", hint="Say the command first: maestro NOUN VERB … " + name)
    if row[0] in ("task edit", "task create") and name == "--status":
        return _moved(value or " ".join(words[1:2]), "ID")
    message = f"no option {name} for `maestro {row[0]}`"
    names = [n for n, param in known.items() if n.startswith("--") and param in row[4]]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near and words[0] in argv:
        call = shlex.join([near[0] + part[len(name) :] if part == words[0] else part for part in argv])
        return Usage(message, hint=f"Did you mean: maestro {call}")
    own = ", ".join(sorted({param[0].partition("|")[0] for param in row[4] if param[0].startswith("-")}))
    return Usage(message, hint=f"`maestro {row[0]}` takes {own}." if own else f"`maestro {row[0]}` takes no options.")


def _moved(status: str, task: str) -> Usage:
    wanted = dict(VALUES).get(status, status.replace("-", "_"))
    verb = dict(MOVES).get(wanted)
    call = f"maestro task {verb or 'start|complete|review|block|cancel|reopen|archive'} {shlex.quote(task)}"
    return Usage("a task's status moves by verbs of its own", hint=f"Did you mean: {call}")


def as_typed(row: Row, message: str, details: Sequence[object]) -> str:
    """What the daemon refused, with options and words of the command in the place of the API's fields."""
    typed = {field(param): param[0].partition("|")[0].strip("[]") for param in row[4]}
    paths = [str(detail.get("path")) for detail in details if isinstance(detail, dict)]
    for path in paths:
        if path in typed and not path.islower():
            message = message.replace(f"{path}: ", f"{typed[path]}: ", 1)
    return message


def too_many(row: Row, loose: Sequence[str], raw: Mapping[str, list[str]]) -> Usage:
    """More words than parameters; most often a sentence without its quotes."""
    positionals = [param for param in row[4] if not param[0].startswith("-")]
    extra = shlex.join(loose)
    message = f"too many words for `maestro {row[0]}`: {extra}"
    if not positionals:
        return Usage(message, hint=f"For example: {row[5][0]}")
    given = [raw[key(param)][-1] for param in positionals if key(param) in raw]
    if positionals[-1][1] in ("text", "long") and given:
        given[-1] = " ".join([given[-1], *loose])
        return Usage(message, hint=f"Did you mean: maestro {row[0]} {shlex.join(given)}")
    sentence = next((param for param in row[4] if key(param) in SAID and param[0].startswith("-")), None)
    if sentence is not None and key(sentence) not in raw:
        told = shlex.join([*given, sentence[0].partition("|")[0], " ".join(loose)])
        return Usage(message, hint=f"Did you mean: maestro {row[0]} {told}")
    return Usage(message, hint=f"For example: {row[5][0]}")


def chosen(param: Param, choices: Sequence[str], word: str, argv: Sequence[str]) -> str:
    """The choice that a word means.

    Raises:
        Usage: none; the hint is the call with the nearest one, or names them all.
    """
    flat = {_flat(choice): choice for choice in choices}
    means = next((own for said, own in VALUES if said == word.lower() and own in choices), None)
    found = flat.get(_flat(word)) or means
    if found:
        return found
    name = param[0].partition("|")[0].strip("[]")
    flat |= {said: own for said, own in VALUES if own in choices}
    near = difflib.get_close_matches(_flat(word), flat, n=1, cutoff=0.6)
    if near and word in argv:
        call = shlex.join([flat[near[0]] if part == word else part for part in argv])
        hint = f"Did you mean: maestro {call}"
    else:
        hint = f"One of: {', '.join(choices)}."
    return _raise(Usage(f"{name}: '{word}' is none of {', '.join(choices)}", hint=hint))


def _flat(word: str) -> str:
    return re.sub(r"[-_ ]", "", word).lower()


def _raise(error: Usage) -> str:
    raise error
