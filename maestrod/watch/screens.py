"""PURE: what an agent is doing, read from its screen by the rules of its provider.

A dialog stands where the composer was: as long as a composer is to be seen, whatever looks like a dialog above it or
in it is text about one. Every pass is bounded, whatever the screen holds.
"""

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from maestrod.protocol.dialogs import Choice as Choice
from maestrod.watch.evidence import Doing, error_kind
from maestrod.watch.rules import Condition, Dialogs, Region, Rule, RuleSet

ROWS = 60
"""So many rows from the bottom are looked at."""
COLUMNS = 300
CHARACTERS = 64 * 1024
FOOTER = 10
"""More rows than this below a composer are no footer."""
DRAFT_PARAGRAPHS = 3
CHOICES = 30
BETWEEN = 4
"""So many rows may describe one choice."""
TEXT = 2_000

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,300}(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SIDES = " \u00a0│┃|╭╮╰╯┌┐└┘├┤"
_LINE = re.compile(r"[─━═▀▄▔▁]{3,}(?: .{1,80} [─━═]{1,3})?")
_DOTS = re.compile(r"[╌╍┄┅┈┉]{3,}")
_DEAD = re.compile(r"Pane is dead\b")
_NUMBERED = re.compile(r"(\d{1,2})[.)]\s+(\S.*)")


class Reading(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a screen says, and the rule that read it.

    ``kind`` and ``text`` are those of a dialog (permission, question, trust, login) or of an error (limit, auth, api);
    ``choices`` are those of a dialog, from top to bottom. ``heading`` stands above what a dialog asks.
    """

    doing: Doing = Doing.UNKNOWN
    kind: str = ""
    text: str = ""
    choices: tuple[Choice, ...] = ()
    heading: str = ""
    rule: str = "no rule matched"


class Row(NamedTuple):
    """A row without frames and outer blanks; ``line`` when it is a line drawn across."""

    text: str
    line: bool = False


class _Dialog(NamedTuple):
    body: tuple[str, ...]
    choices: tuple[Choice, ...]


class _Sections(NamedTuple):
    """The parts of a screen; what is not there is None."""

    bottom: tuple[str, ...]
    composer: tuple[str, ...] | None
    footer: tuple[str, ...] | None
    above: tuple[str, ...] | None
    newest: tuple[str, ...] | None
    dialog: _Dialog | None

    def rows(self, region: Region, title: str) -> Sequence[str] | None:
        match region:
            case "title":
                return (title,)
            case "bottom":
                return self.bottom
            case "composer":
                return self.composer
            case "footer":
                return self.footer
            case "above":
                return self.above
            case "newest":
                return self.newest
            case "dialog":
                dialog = self.dialog
                return None if dialog is None else (*dialog.body, *(choice.label for choice in dialog.choices))


def read(rules: RuleSet, screen: str, *, title: str = "", width: int = 0) -> Reading:
    """What the screen says, as tmux captures it; with the pane's ``width`` in columns what it wrapped is made whole."""
    rows = clean(screen, width)
    if rows and _DEAD.match(rows[-1].text):
        return Reading(rule="the pane is dead")
    sections = _sections(rules, rows)
    for rule in rules.by_priority():
        if _holds(rule, sections, title[:COLUMNS]):
            return _reading(rules, rule, sections)
    return Reading()


def clean(screen: str, width: int = 0) -> list[Row]:
    """The last rows without control characters, blank ones at the end left out, wrapped ones made whole."""
    raw = screen.rstrip()[-CHARACTERS:].split("\n")[-ROWS:]
    plain = [_CONTROL.sub(" ", _SEQUENCE.sub("", row[: 4 * COLUMNS])).rstrip()[:COLUMNS] for row in raw]
    rows: list[Row] = []
    wrapped = ""
    for text in plain:
        row = _row(wrapped + text)
        if _is_wrapped(text, width) and len(wrapped) < COLUMNS:
            wrapped += text
            continue
        if wrapped and not _row(text).text:
            rows.append(_row(wrapped))
            row = _row(text)
        wrapped = ""
        rows.append(row)
    return [*rows, _row(wrapped)] if wrapped else rows


def _is_wrapped(text: str, width: int) -> bool:
    return 0 < len(text) == width and text[-1] not in _SIDES and bool(_row(text).text)


def _row(text: str) -> Row:
    bare = text.strip(_SIDES)
    if _LINE.fullmatch(bare):
        return Row("", line=True)
    return Row("") if _DOTS.fullmatch(bare) else Row(bare)


# -- parts of a screen ------------------------------------------------------------------------------


def _sections(rules: RuleSet, rows: Sequence[Row]) -> _Sections:
    bottom = _texts(rows)
    found = _composer(rules, rows)
    if found is None:
        dialog = _dialog(rules, rows)
        return _Sections(bottom, None, None, None, None, dialog)
    first, last = found
    above = rows[:first]
    return _Sections(
        bottom,
        _texts(rows[first:last]),
        _texts(rows[last:]),
        _texts(above),
        _newest(rules, above),
        None,
    )


def _texts(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(row.text for row in rows if row.text)


def _composer(rules: RuleSet, rows: Sequence[Row]) -> tuple[int, int] | None:
    """The first row of the composer, and the first below it."""
    if rules.composer is None:
        return None
    found = _boxed(rows) if rules.composer.boxed else _bare(rules, rows)
    if found is None:
        return None
    first, last = found
    draft, footer = _texts(rows[first:last]), _texts(rows[last:])
    begins = bool(draft) and _matches(rules.composer.begins, draft[0])
    hint = rules.dialogs.hint if rules.dialogs is not None else ""
    asks = bool(hint) and any(_matches(hint, text) for text in footer)
    return found if begins and not asks and rules.composer.footer <= len(footer) <= FOOTER else None


def _boxed(rows: Sequence[Row]) -> tuple[int, int] | None:
    """What lies between the last two drawn lines."""
    last = next((at for at in reversed(range(len(rows))) if rows[at].line), -1)
    end = last
    while last > 0 and rows[last - 1].line:
        last -= 1
    first = next((at for at in reversed(range(last)) if rows[at].line), -1)
    return (first + 1, end + 1) if 0 <= first < last - 1 else None


def _bare(rules: RuleSet, rows: Sequence[Row]) -> tuple[int, int] | None:
    """The last paragraphs but one, from the row with the mark on; what was said meanwhile is no draft."""
    paragraphs = _paragraphs(rows)
    if len(paragraphs) < 2 or rules.composer is None:
        return None
    end = paragraphs[-1][0]
    for first, last in list(reversed(paragraphs[:-1]))[:DRAFT_PARAGRAPHS]:
        if _matches(rules.composer.begins, rows[first].text):
            return first, end
        if rules.message and any(_matches(rules.message, row.text) for row in rows[first:last]):
            return None
    return None


def _paragraphs(rows: Sequence[Row]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for at, row in enumerate(rows):
        if not row.text:
            continue
        if found and found[-1][1] == at:
            found[-1] = (found[-1][0], at + 1)
        else:
            found.append((at, at + 1))
    return found


def _newest(rules: RuleSet, above: Sequence[Row]) -> tuple[str, ...] | None:
    """The newest message, to the end of its paragraph."""
    if not rules.message:
        return None
    for at in reversed(range(len(above))):
        if above[at].text and _matches(rules.message, above[at].text):
            end = next((n for n in range(at, len(above)) if not above[n].text), len(above))
            return _texts(above[at:end])
    return None


# -- dialogs ----------------------------------------------------------------------------------------


def _dialog(rules: RuleSet, rows: Sequence[Row]) -> _Dialog | None:
    """The choices nearest to the bottom and what is asked; nothing when text stands below that is no hint."""
    if rules.dialogs is None:
        return None
    found = _numbered(rules.dialogs, rows) or _listed(rules.dialogs, rows)
    if found is None:
        return None
    first, last, choices = found
    below = _texts(rows[last:])
    hint = rules.dialogs.hint
    bare = rules.dialogs.bare or not hint
    told = bool(hint) and _matches(hint, below[-1]) if below else bare
    return _Dialog(_body(rules, rows[:first]), choices) if told and len(below) <= BETWEEN else None


def _numbered(dialogs: Dialogs, rows: Sequence[Row]) -> tuple[int, int, tuple[Choice, ...]] | None:
    """Numbered choices, one of them marked: where they begin, where they end, and what they are."""
    found: dict[int, tuple[int, Choice]] = {}
    lowest = highest = 0
    for at in reversed(range(len(rows))):
        number, label, chosen = _choice(dialogs, rows[at].text)
        if number is None:
            if found and lowest - at > BETWEEN:
                break
            continue
        if found and number != min(found) - 1:
            break
        found[number] = (at, Choice(label=label, number=number, chosen=chosen))
        highest, lowest = highest or at, at
        if number == 1 or len(found) > CHOICES:
            break
    if not any(choice.chosen for _, choice in found.values()):
        return None
    return lowest, _end(rows, highest), tuple(found[number][1] for number in sorted(found))


def _choice(dialogs: Dialogs, text: str) -> tuple[int | None, str, bool]:
    chosen = text[:1] in dialogs.mark
    found = _NUMBERED.match(text[1:].lstrip() if chosen else text) if text else None
    return (int(found[1]), found[2], chosen) if found else (None, "", False)


def _listed(dialogs: Dialogs, rows: Sequence[Row]) -> tuple[int, int, tuple[Choice, ...]] | None:
    """Choices without numbers: the paragraph with the mark in it."""
    for first, last in reversed(_paragraphs(rows)):
        texts = [row.text for row in rows[first:last]]
        marked = [text[:1] in dialogs.mark and text[1:2].isspace() for text in texts]
        if sum(marked) == 1 and 2 <= len(texts) <= CHOICES:
            labels = [text[1:].strip() if mark else text for text, mark in zip(texts, marked, strict=True)]
            choices = tuple(Choice(label=label, chosen=mark) for label, mark in zip(labels, marked, strict=True))
            return first, last, choices
    return None


def _end(rows: Sequence[Row], last: int) -> int:
    """The first row behind the last choice and what describes it."""
    return next((at for at in range(last + 1, len(rows)) if not rows[at].text), len(rows))


def _body(rules: RuleSet, above: Sequence[Row]) -> tuple[str, ...]:
    """What is asked: from where such a text begins to the choices."""
    if rules.dialogs is not None and rules.dialogs.begins:
        for at in reversed(range(len(above))):
            if _matches(rules.dialogs.begins, above[at].text):
                return _texts(above[at:])
    for at in reversed(range(len(above))):
        if above[at].line or (rules.message and above[at].text and _matches(rules.message, above[at].text)):
            return _texts(above[at + 1 :])
    return _texts(above)


def _heading(rules: RuleSet, body: Sequence[str]) -> str:
    """The title above what is asked, if there is one; a question that is nothing else is no title."""
    pattern = rules.dialogs.heading if rules.dialogs is not None else ""
    return body[0] if pattern and len(body) > 1 and _matches(pattern, body[0]) else ""


# -- rules ------------------------------------------------------------------------------------------


def _holds(rule: Rule, sections: _Sections, title: str) -> bool:
    def met(condition: Condition) -> bool:
        return _met(condition, sections.rows(condition.region, title))

    return (
        all(met(condition) for condition in rule.all)
        and (not rule.any or any(met(condition) for condition in rule.any))
        and not any(met(condition) for condition in rule.none)
    )


def _met(condition: Condition, rows: Sequence[str] | None) -> bool:
    if rows is None:
        return False
    return not condition.match or any(_matches(condition.match, row) for row in rows[-condition.rows :])


def _reading(rules: RuleSet, rule: Rule, sections: _Sections) -> Reading:
    name = f"{rules.provider} screen: {rule.name}"
    text = rule.text
    if rule.says is Doing.NEEDS_INPUT and sections.dialog is not None:
        body, choices = sections.dialog
        heading = "" if text else _heading(rules, body)
        text = text or " ".join(body)[:TEXT].removeprefix(heading).lstrip()
        return Reading(doing=rule.says, kind=rule.kind, text=text, choices=choices, heading=heading, rule=name)
    if rule.says is Doing.ERROR:
        text = text or " ".join(sections.newest or ())[1:].strip()[:TEXT]
        return Reading(doing=rule.says, kind=rule.kind or error_kind(text), text=text, rule=name)
    return Reading(doing=rule.says, kind=rule.kind, text=text, rule=name)


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _matches(pattern: str, text: str) -> bool:
    return _compiled(pattern).search(text) is not None
