"""Reads a command line by the table of verbs. Pure: nothing is looked up but the words themselves.

Two steps, so that both parsers share the second: words → raw texts by parameter, raw texts → values.
"""

import os

from maestro_cli.context import Options
from maestro_cli.failures import Usage
from maestro_cli.request import key
from maestro_cli.verbs import GLOBALS, NOUNS, VERBS

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maestro_cli.call import Value
    from maestro_cli.verbs import Param, Row

    Raw = dict[str, list[str]]
    """What was given, by the parameter's key; a flag is ``["true"]``."""

MOST_WORDS = 3
REFERENCE = (["exit-codes"], ["man"])
"""What stands after ``help`` and is no command to be helped with."""
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Reading:
    """What a line says: a verb with its values, or a wish for help about the words so far."""

    __slots__ = ("help", "options", "row", "values", "version", "words")

    def __init__(self) -> None:
        self.options = Options()
        self.row: Row | None = None
        self.words: list[str] = []
        self.values: dict[str, Value] = {}
        self.help = False
        self.version = False


class _Line:
    """One pass over the words of a line."""

    def __init__(self, argv: "Sequence[str]") -> None:
        self.argv = list(argv)
        self.reading = Reading()
        self.globals = spellings(GLOBALS)

    def verb(self) -> "tuple[Row | None, list[str]]":
        """The row that the leading words name, and all other words of the line."""
        places: list[int] = []
        index = 0
        while index < len(self.argv) and len(places) < MOST_WORDS:
            word = self.argv[index]
            if not is_option(word):
                places.append(index)
            elif word == "--" or (param := self.globals.get(word.partition("=")[0])) is None:
                break
            elif param[1] != "flag" and "=" not in word:
                index += 1
            index += 1
        words = [self.argv[place] for place in places]
        row, used = find(words)
        self.reading.row = row
        self.reading.words = words[:used] if row else words
        taken = set(places[:used])
        return row, [word for place, word in enumerate(self.argv) if place not in taken]

    def rest(self, row: "Row") -> "tuple[Sequence[str], Sequence[str]]":
        """For a verb that takes the rest untouched: the global options before it, and that rest."""
        last = row[0].rpartition(" ")[2]
        place = self.argv.index(last) + 1 if last in self.argv else len(self.argv)
        before = [word for word in self.argv[:place] if word not in row[0].split(" ")]
        return before, self.argv[place:]


def read(argv: "Sequence[str]") -> Reading:
    """What the line says.

    Raises:
        Usage: it makes no sense; the hint is the call that does.
    """
    argv = [heard(word) for word in argv]
    if list(argv[:1]) == ["help"] and list(argv[1:2]) not in REFERENCE:
        argv = [*argv[1:], "--help"]
    line = _Line(argv)
    row, words = line.verb()
    reading = line.reading
    if row is not None and any(param[1] == "rest" for param in row[4]):
        before, rest = line.rest(row)
        reading.values = {key(row[4][-1]): list(rest)}
        words = list(before)
        sort(row, words, reading, argv)
        return reading
    if row is None and reading.words and not _asks_about(reading.words, words):
        from maestro_cli.corrections import unknown_command

        raise unknown_command(reading.words, argv)
    raw = sort(row, words, reading, argv)
    if row is not None and not reading.help and not reading.version:
        reading.values = values(row, raw, argv)
    return reading


def heard(word: str) -> str:
    """The word as its bytes say it, whatever the locale took them for.

    Raises:
        Usage: it is not UTF-8.
    """
    if word.isascii():
        return word
    try:
        word.encode()
        return word
    except UnicodeEncodeError:
        try:
            return os.fsencode(word).decode()
        except UnicodeError:
            raise Usage(f"{word!a} is not UTF-8", hint="Names, texts and paths are UTF-8 everywhere.") from None


def _asks_about(words: "Sequence[str]", line: "Sequence[str]") -> bool:
    """Whether words that are no command are to be told about: a noun with a wish for help, or the version."""
    noun = any(noun == " ".join(words) for noun, _ in NOUNS)
    return "--version" in line or (noun and ("--help" in line or "-h" in line))


def find(words: "Sequence[str]") -> "tuple[Row | None, int]":
    """The row that the words begin with, and how many of them name it."""
    for used in range(min(len(words), MOST_WORDS), 0, -1):
        wanted = " ".join(words[:used])
        for row in VERBS:
            if row[0] == wanted:
                return row, used
    if words:
        from maestro_cli.corrections import spelled

        return spelled(words)
    return None, 0


def sort(row: "Row | None", words: "list[str]", reading: Reading, argv: "Sequence[str]" = ()) -> "Raw":
    """The words by parameter; global options go to the reading."""
    params = row[4] if row else ()
    known = spellings(GLOBALS) | spellings(params)
    raw: Raw = {}
    loose: list[str] = []
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if word == "--":
            loose += words[index:]
            break
        if not is_option(word):
            loose.append(word)
            continue
        name, given, value = word.partition("=")
        param = known.get(name) or _otherwise(row, known, words[index - 1 :], argv)
        if len(name) > 2 and name[1] != "-" and name not in known:
            given, value = "=", word[2:]
        if param[1] == "flag":
            value = value or "true"
        elif not given:
            if index == len(words) or words[index] in known:
                raise Usage(f"{name} needs a value", hint=_example(row))
            value = words[index]
            index += 1
        _keep(param, value, raw, reading)
    if row is not None:
        _place(row, loose, raw)
    return raw


def spellings(params: "Sequence[Param]") -> "dict[str, Param]":
    """Every declared spelling of the options; a positional's own name is one, too."""
    known: dict[str, Param] = {}
    for param in params:
        first, *others = param[0].split("|")
        known[first if first.startswith("-") else "--" + key(param).replace("_", "-")] = param
        for other in others:
            known.setdefault(other, param)
    return known


def is_option(word: str) -> bool:
    """Whether a word is meant as an option: ``-``, ``-5`` and a sentence with a dash in front are not."""
    return len(word) > 1 and word[0] == "-" and not word[1].isdigit() and " " not in word.partition("=")[0]


def values(row: "Row", raw: "Raw", argv: "Sequence[str]" = ()) -> "dict[str, Value]":
    """The raw texts as values of their types.

    Raises:
        Usage: a value is wrong, or one is missing.
    """
    found: dict[str, Value] = {}
    for param in row[4]:
        name = key(param)
        kind, _, default = param[1].partition("=")
        if name in raw:
            found[name] = _value(param, kind.rstrip("!?"), raw[name], argv)
        elif default:
            found[name] = _value(param, kind, [default], argv)
        elif kind.endswith("!") or param[0][0] not in "-[":
            raise Usage(f"`maestro {row[0]}` needs {shown(param)}", hint=_example(row))
    return found


def shown(param: "Param") -> str:
    """How the parameter is called in a message."""
    first = param[0].partition("|")[0]
    return first if first.startswith("-") else first.strip("[]")


def duration(text: str) -> float:
    """Seconds in ``90``, ``90s``, ``5m``, ``1h30m``.

    Raises:
        ValueError: it is none.
    """
    if text.replace(".", "", 1).isdecimal():
        return float(text)
    total, number, unit = 0.0, "", ""
    for c in f"{text.lower()} ":
        if unit and (c.isdecimal() or c in " ."):
            total += float(number) * UNITS.get(unit, float("nan"))
            number, unit = "", ""
        if c.isdecimal() or c == ".":
            number += c
        elif c != " ":
            unit += c
    if number or total != total or not text.strip():
        raise ValueError(text)
    return total


def _otherwise(
    row: "Row | None", known: "Mapping[str, Param]", words: "Sequence[str]", argv: "Sequence[str]"
) -> "Param":
    from maestro_cli.corrections import other_spelling, unknown_option

    found = other_spelling(row[4] if row else (), known, words[0])
    if found is None:
        raise unknown_option(row, known, words, argv)
    return found


def _keep(param: "Param", value: str, raw: "Raw", reading: Reading) -> None:
    name = key(param)
    if param in GLOBALS or param[1] == "project":
        if name in ("help", "version"):
            setattr(reading, name, True)
        elif param[1] == "flag":
            setattr(reading.options, name, value == "true")
        else:
            setattr(reading.options, name, value)
    else:
        raw.setdefault(name, []).append(value)


def _place(row: "Row", loose: "list[str]", raw: "Raw") -> None:
    """Give each loose word to the next positional that has none."""
    for param in row[4]:
        name = key(param)
        if not loose or param[0].startswith("-") or name in raw:
            continue
        if param[1] == "texts":
            raw[name], loose = loose, []
        else:
            raw[name] = [loose[0]]
            loose = loose[1:]
    if loose:
        from maestro_cli.corrections import too_many

        raise too_many(row, loose, raw)


def _value(param: "Param", kind: str, given: "list[str]", argv: "Sequence[str]") -> "Value":
    last = given[-1]
    name, _, inside = kind.rstrip(")").partition("(")
    match name:
        case "flag":
            return last.lower() in ("true", "1", "yes", "on")
        case "int":
            return "" if not last and param[1].endswith("?") else _number(param, last)
        case "duration":
            try:
                return duration(last)
            except ValueError:
                raise Usage(f"{shown(param)}: '{last}' is no duration", hint="Say 90s, 5m, 2h or 1d.") from None
        case "choice":
            return _choice(param, inside, last, argv)
        case "choices":
            return [_choice(param, inside, word, argv) for word in _split(given)]
        case "words" | "ids":
            return _split(given)
        case "texts" | "rest":
            return [] if given == [""] else given
        case _:
            return last


def _number(param: "Param", text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Usage(f"{shown(param)}: '{text}' is no whole number") from None


def _choice(param: "Param", inside: str, word: str, argv: "Sequence[str]") -> str:
    choices = inside.split(",")
    if word in choices:
        return word
    from maestro_cli.corrections import chosen

    return chosen(param, choices, word, argv)


def _split(given: "list[str]") -> list[str]:
    return [word.strip() for text in given for word in text.split(",") if word.strip()]


def _example(row: "Row | None") -> str:
    return f"For example: {row[5][0]}" if row else ""
