"""Skills and templates as rows: what agents are given, where it was found, and what hides what."""

from collections.abc import Sequence

import msgspec

from maestro_tui.cells import folded, plain
from maestro_tui.faces import Face
from maestro_tui.lines import FixedRows, Line, Span, Tone, cropped, kept_whole, spread
from maestro_tui.view.words import has_all, wanted

LONGEST = 2_000
"""Lines of one text that are shown."""
IN_USE = Face("✓", "in use", Tone.GOOD)
HIDDEN = Face("◌", "hidden", Tone.DIM)
BROKEN = Face("✕", "broken", Tone.BAD)
DEFAULT = Face("●", "default", Tone.ACCENT)
OTHER = Face("○", "template")


class Template(msgspec.Struct, frozen=True, rename="camel"):
    """What an agent of a role is told of itself; version 0 is as it is shipped."""

    id: str
    name: str = ""
    role: str = ""
    content: str = ""
    is_default: bool = False
    version: int = 0


class Book(msgspec.Struct, frozen=True):
    """A skill as it was found in one place, or why it cannot be used there."""

    name: str
    scope: str
    path: str
    description: str = ""
    text: str = ""
    trouble: str = ""


class Shelf(msgspec.Struct, frozen=True):
    """All templates, and the skills of every place, later places win."""

    templates: tuple[Template, ...] = ()
    books: tuple[Book, ...] = ()

    def winner(self, name: str) -> Book | None:
        """The skill of this name that agents get."""
        return next((book for book in reversed(self.books) if book.name == name and not book.trouble), None)


def key_of(book: Book) -> str:
    """What a row of it is called."""
    return f"skill {book.scope} {book.path}"


def face_of_book(shelf: Shelf, book: Book) -> Face:
    """Whether agents get it."""
    if book.trouble:
        return BROKEN
    return IN_USE if shelf.winner(book.name) == book else HIDDEN


def shelf_rows(shelf: Shelf, words: str, cells: int) -> FixedRows:
    """Templates by role, then skills by place."""
    asked = wanted(words)
    rows: list[tuple[str, Line]] = []
    templates = [t for t in shelf.templates if has_all(f"{t.name} {t.role} {t.content}", asked)]
    rows += _headed("Templates", [(t.id, _template_line(t, cells)) for t in templates])
    for scope in dict.fromkeys(book.scope for book in shelf.books):
        books = [b for b in shelf.books if b.scope == scope and has_all(f"{b.name} {b.description} {b.path}", asked)]
        rows += _headed(f"Skills · {plain(scope)}", [(key_of(b), _book_line(shelf, b, cells)) for b in books])
    return FixedRows(rows)


def _headed(heading: str, rows: list[tuple[str, Line]]) -> list[tuple[str, Line]]:
    return [(heading, (Span(heading, Tone.STRONG),)), *rows] if rows else []


def _template_line(template: Template, cells: int) -> Line:
    face = DEFAULT if template.is_default else OTHER
    head: Line = (Span(f"{face.glyph} ", face.tone), Span(plain(template.name)))
    parts: list[tuple[int, Line]] = [(1, (Span(plain(template.role), Tone.DIM),))]
    parts.append(
        (0, (Span("edited" if template.version else "as shipped", Tone.WARN if template.version else Tone.DIM),))
    )
    return cropped(spread(head, kept_whole(parts, max(0, cells - 16), " · "), cells), cells)


def _book_line(shelf: Shelf, book: Book, cells: int) -> Line:
    face = face_of_book(shelf, book)
    head: Line = (Span(f"{face.glyph} ", face.tone), Span(plain(book.name), Tone.DIM if face is HIDDEN else Tone.PLAIN))
    winner = shelf.winner(book.name)
    word = f"hidden by {plain(winner.scope)}" if face is HIDDEN and winner is not None else face.word
    over = _hides(shelf, book) if face is IN_USE else []
    parts: list[tuple[int, Line]] = [(1, (Span(f"hides {', '.join(over)}", Tone.DIM),))] if over else []
    right = kept_whole([*parts, (0, (Span(word, face.tone),))], max(0, cells - 16), " · ")
    return cropped(spread(head, right, cells), cells)


def _hides(shelf: Shelf, book: Book) -> list[str]:
    """The places whose skill of that name is hidden by this one."""
    return [plain(each.scope) for each in shelf.books if each.name == book.name and each != book and not each.trouble]


def template_rows(template: Template, draft: str | None, cells: int) -> FixedRows:
    """The template's text; a draft that was refused instead, when there is one."""
    facts = [
        template.role,
        "default of its role" if template.is_default else "",
        "edited" if template.version else "as shipped",
    ]
    head = _words(" · ".join(plain(fact) for fact in facts if fact), Tone.DIM, cells)
    if draft is not None:
        head += _words("This draft was not saved: e goes on with it.", Tone.WARN, cells)
    return _text(head, template.content if draft is None else draft, cells)


def book_rows(shelf: Shelf, book: Book, cells: int) -> FixedRows:
    """The skill's text, with where it lies and what it hides."""
    face = face_of_book(shelf, book)
    head = [*_words(f"{face.glyph} {face.word}", face.tone, cells), *_words(book.path, Tone.DIM, cells)]
    winner = shelf.winner(book.name)
    if face is HIDDEN and winner is not None:
        head += _words(f"hidden by {winner.path}", Tone.WARN, cells)
    over = _hides(shelf, book) if face is IN_USE else []
    head += _words(f"it hides that of {', '.join(over)}", Tone.WARN, cells) if over else []
    head += _words(book.trouble, Tone.BAD, cells)
    head += _words(book.description, Tone.STRONG, cells)
    return _text(head, book.text, cells)


def _words(text: str, tone: Tone, cells: int) -> list[Line]:
    return [(Span(line, tone),) for line in folded(text, cells)]


def _text(head: Sequence[Line], text: str, cells: int) -> FixedRows:
    lines = [*head, (), *((Span(line),) for line in folded(text, cells, most=LONGEST))]
    return FixedRows([(f"line {at}", cropped(line, cells)) for at, line in enumerate(lines)])


def shelf_line(shelf: Shelf, project: str, cells: int) -> Line:
    """For which project it is, and how much there is."""
    used = sum(face_of_book(shelf, book) is IN_USE for book in shelf.books)
    broken = sum(bool(book.trouble) for book in shelf.books)
    parts: list[tuple[int, Line]] = [(0, (Span("▸ ", Tone.DIM), Span(plain(project) or "no project", Tone.STRONG)))]
    parts.append((1, (Span(f"{used} skills in use"),)))
    parts += [(1, (Span(f"{BROKEN.glyph} {broken} broken", BROKEN.tone),))] if broken else []
    parts.append((2, (Span("later places hide earlier ones", Tone.DIM),)))
    return kept_whole(parts, cells, "   ")
