"""Completes a line for a shell: the table says what may stand there, the daemon which ids there are.

``maestro __complete SHELL WORD…`` is called by the scripts of ``maestro completion`` whenever somebody presses a key.
The last word is the one under the cursor. A line of the answer is ``VALUE TAB DESCRIPTION``; ``:files`` alone leaves
the rest to the shell. It starts no daemon, waits for none, and whatever is wrong, it says nothing.
"""

from maestro_cli.context import Context, Options
from maestro_cli.output import Output, plain
from maestro_cli.reading import is_option, spellings
from maestro_cli.request import key
from maestro_cli.verbs import GLOBALS, NOUNS, VERBS

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from maestro_cli.verbs import Param, Row

    Found = tuple[str, str]
    """What may stand there, and what it is."""

FILES = ":files"
PLACES = ("file", "dir", "folder")
"""Texts that are files all the same."""
BREAKS = "=:"
"""Where bash ends a word though the line goes on."""
NO_LIST = ("37", "42")
"""What bash says when it inserts one candidate after the other, and lists none."""
PROVIDERS = ("claude", "codex", "gemini")
WIDEST = 60
SEVERAL = ("choices", "ids", "words")


class Files(Exception):
    """A file stands here: the shell knows them better."""


class Place:
    """What the words before the cursor say: the command, what was given, and whose value comes next."""

    __slots__ = ("command", "given", "known", "loose", "options", "over", "row", "wanted")

    def __init__(self, words: "Sequence[str]") -> None:
        self.command: list[str] = []
        self.row: Row | None = None
        self.given: dict[str, list[str]] = {}
        self.known = spellings(GLOBALS)
        self.loose: list[Param] = []
        self.options = Options()
        self.over = False
        self.wanted: Param | None = None
        for word in words:
            self._read(word)
        self.options.no_start = True

    def _read(self, word: str) -> None:
        if self.wanted is not None:
            self._keep(self.wanted, word)
            self.wanted = None
        elif self.over or not is_option(word):
            self._placed(word)
        elif word == "--":
            self.over = True
        else:
            name, equals, value = word.partition("=")
            param = self.known.get(name)
            if param is not None and (equals or param[1] == "flag"):
                self._keep(param, value)
            else:
                self.wanted = param

    def _placed(self, word: str) -> None:
        if self.row is None:
            self.command.append(word)
            named = " ".join(self.command)
            self.row = next((row for row in VERBS if row[0] == named), None)
            if self.row is not None:
                self.known |= spellings(self.row[4])
                self.loose = [param for param in self.row[4] if not param[0].startswith("-")]
        elif self.loose:
            self._keep(self.loose[0], word)
            if self.loose[0][1] not in ("texts", "rest"):
                self.loose = self.loose[1:]

    def _keep(self, param: "Param", value: str) -> None:
        name = key(param)
        self.given.setdefault(name, []).append(value)
        if name in ("project", "server", "home") and not param[0].startswith(("P", "[")):
            setattr(self.options, name, value)


def main(words: "Sequence[str]", environ: "Mapping[str, str]") -> int:
    """Print what may stand where the last word stands."""
    shell, *line = words or [""]
    try:
        lines = told(shell, line or [""], environ)
    except Exception:  # noqa: BLE001 - the rim: a line that is being typed is not the place for complaints
        lines = []
    Output().result(None, lines)
    return 0


def told(shell: str, line: "Sequence[str]", environ: "Mapping[str, str]") -> "list[str]":
    """The lines of the answer; for bash as it shows them, which knows no descriptions."""
    whole = joined(line) if shell == "bash" else list(line)
    try:
        found = [(value, about) for value, about in candidates(whole, environ) if is_safe(value)]
    except Files:
        return [FILES]
    if shell != "bash":
        return [f"{value}\t{about}" for value, about in found]
    shown = len(whole[-1]) - len(line[-1])
    if line[-1] and line[-1] in BREAKS:
        shown += 1
    found = [(value[shown:], about) for value, about in found]
    if len(found) < 2 or environ.get("COMP_TYPE") in NO_LIST:
        return [value for value, _ in found]
    longest = max(len(value) for value, _ in found)
    return [f"{value:<{longest}}  ({about})" if about else value for value, about in found]


def joined(words: "Sequence[str]") -> "list[str]":
    """The words of bash with those put together again that it broke at ``=`` and ``:``."""
    whole: list[str] = []
    glue = False
    for word in words:
        breaks = bool(word) and all(c in BREAKS for c in word)
        if whole and (glue or breaks):
            whole[-1] += word
        else:
            whole.append(word)
        glue = breaks
    return whole


def is_safe(value: str) -> bool:
    """Whether the value stands on a line without quotes."""
    return bool(value) and all(c.isalnum() or c in "-_.:/,@=+" for c in value)


def candidates(line: "Sequence[str]", environ: "Mapping[str, str]") -> "Iterable[Found]":
    """What may stand in the place of the last word.

    Raises:
        Files: a file.
    """
    *before, word = line
    place = Place(before)
    if place.wanted is not None:
        return values(place, place.wanted, word, environ)
    if not place.over and word.startswith("-"):
        name, equals, value = word.partition("=")
        if not equals:
            return options(place, word)
        param = place.known.get(name)
        found = values(place, param, value, environ) if param is not None else ()
        return [(f"{name}={value}", about) for value, about in found]
    if place.row is None:
        return commands(place.command, word)
    if place.loose:
        return values(place, place.loose[0], word, environ)
    return options(place, word) if not word and not place.over else ()


def commands(before: "Sequence[str]", word: str) -> "Iterator[Found]":
    """The next word of the commands that begin so; each once, with what it is."""
    about = dict(NOUNS)
    seen = set()
    for row in VERBS:
        words = row[0].split(" ")
        if words[: len(before)] != before or len(words) == len(before) or not words[len(before)].startswith(word):
            continue
        name = words[len(before)]
        if name not in seen:
            seen.add(name)
            so_far = " ".join([*before, name])
            yield name, row[1] if row[0] == so_far else about.get(so_far, "")


def options(place: Place, word: str) -> "Iterator[Found]":
    """The options that are still to be given; those of everywhere only when asked for by a dash."""
    params = place.row[4] if place.row else ()
    own = {param[0] for param in params}
    everywhere = [param for param in GLOBALS if (word or place.row is None) and param[0] not in own]
    for param in (*params, *everywhere):
        names = param[0].split("|")
        again = param[1].partition("(")[0] in (*SEVERAL, "texts")
        if not names[0].startswith("-") or (key(param) in place.given and not again):
            continue
        named = next((name for name in names if name.startswith(word)), "")
        if named:
            yield named, param[3]


def values(place: Place, param: "Param", word: str, environ: "Mapping[str, str]") -> "Iterable[Found]":
    """What the parameter takes that begins with the word.

    Raises:
        Files: a file.
    """
    kind, _, inside = param[1].partition("=")[0].rstrip("!?)").partition("(")
    name = key(param)
    if kind in ("path", "rest") or name in PLACES:
        raise Files
    head, comma, tail = word.rpartition(",") if kind in SEVERAL or name == "to" else ("", "", word)
    before = set(head.split(","))
    return [
        (head + comma + value, about)
        for value, about in _of(place, kind, inside, name, tail, environ)
        if value.startswith(tail) and value not in before
    ]


def _of(place: Place, kind: str, inside: str, name: str, word: str, environ: "Mapping[str, str]") -> "Iterable[Found]":
    if kind in ("choice", "choices"):
        return [(choice, "") for choice in inside.split(",")]
    if name == "provider":
        return [(provider, "") for provider in PROVIDERS]
    noun = inside if kind in ("id", "ids", "own") else name
    from maestro_cli import candidates as asked

    if noun not in asked.SOURCES:
        return ()
    context = Context(place.options, environ)
    found = asked.found(asked.Asking(context, place.command, place.given, word), noun)
    return [(value, shortened(about)) for value, about in found]


def shortened(text: str) -> str:
    """The text on one line, and not too long for a list."""
    line = plain(text)
    return line if len(line) <= WIDEST else f"{line[: WIDEST - 1].rstrip()}…"
