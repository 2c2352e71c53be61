"""The small dialogs: a question, a line to an agent, the help, and what went wrong."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from maestro_tui import faces
from maestro_tui.bindings import MODES, Keymap, Mode, Place, everywhere_on, keys_in
from maestro_tui.cells import cut, folded, pad, plain
from maestro_tui.deeds import Outcome, answer_question, send_text
from maestro_tui.desk import Desk
from maestro_tui.faces import NEEDS_YOU, READY, UNREACHABLE, UNSEEN, WAITS
from maestro_tui.screens.dialog import Dialog, hanging, row
from maestro_tui.screens.reading import Reading

SHOWN = 8
"""Lines of a screen that are shown with a question."""

Perform = Callable[[], Awaitable[Outcome]]


class Question(Dialog):
    """Says what a deed costs and does it on ``y``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "agree", "yes", show=False),
        Binding("n", "cancel", "no", show=False),
    ]
    deed_key = "y"

    def __init__(
        self,
        title: str,
        deed: str,
        words: Sequence[str],
        perform: Perform,
        *,
        strict: bool = False,
        head: str = "This is lost:",
    ) -> None:
        self.title_words = plain(title)
        self.deed_word = deed
        self._strict = strict
        if strict:
            self.deed_key = "Ctrl+S"
        self._head = head
        self._lines = words
        self._perform = perform
        super().__init__()

    def parts(self) -> Iterable[Widget]:
        """What it costs."""
        lines = [line for words in self._lines for line in hanging("· ", plain(words), self.cells)]
        yield Static(Content("\n".join([self._head, *lines])), id="words", markup=False)

    def action_agree(self) -> None:
        """Do it; in strict mode a bare letter does nothing."""
        if not self._strict:
            self.action_submit()

    async def perform(self) -> Outcome | None:
        """Do it."""
        return await self._perform()


class Leave(Question):
    """Tells how to come back before the terminal is given away."""

    deed_key = "↵"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "yes", show=False)]

    def parts(self) -> Iterable[Widget]:
        """How to come back."""
        yield Static(Content("\n".join(self._lines)), id="words", markup=False)


class Tell(Dialog):
    """A line for a session. When it asks something, its screen is shown and the answer goes to that screen only."""

    deed_word = "send"
    deed_key = "↵"

    def __init__(self, desk: Desk, session_id: str, name: str, asked: str | None) -> None:
        self.title_words = f"Message to {plain(name)}" if asked is None else f"Answer {plain(name)}"
        self._desk = desk
        self._session_id = session_id
        self._name_shown = plain(name)
        self._asked = asked
        self._seen = ""
        super().__init__()

    def parts(self) -> Iterable[Widget]:
        """What it asks, and the answer."""
        if self._asked is not None:
            yield Static(Content("\n".join(folded(self._asked, self.cells, most=4))), id="words", markup=False)
            yield Static(id="screen", markup=False)
        placeholder = "a prompt" if self._asked is None else "one key, or a line to type"
        yield row("Say", Input(id="text", compact=True, placeholder=placeholder))

    def on_mount(self) -> None:
        """The question itself is read, for the answer must be an answer to that."""
        if self._asked is not None:
            self.begin(self._look)

    async def _look(self) -> None:
        self._seen = last_lines(await self._desk.look(self._session_id))
        lines = [cut(line, self.cells) for line in self._seen.splitlines()]
        self.query_one("#screen", Static).update(Content("\n".join(lines)))

    async def perform(self) -> Outcome | None:
        """Send it; an answer only when the question is still the one that was read."""
        text = self.query_one("#text", Input).value.strip()
        if not text:
            self.complain("There is nothing to send.")
            return None
        if self._asked is None:
            return await self._desk.type_to(send_text(self._session_id, self._name_shown, text))
        before = self._seen
        await self._look()
        if self._seen != before:
            self.complain("Its screen has changed meanwhile. Look again before you answer.")
            return None
        return await self._desk.type_to(answer_question(self._session_id, self._name_shown, text))

    def on_input_submitted(self) -> None:
        """Enter sends."""
        self.action_submit()


def last_lines(text: str) -> str:
    """The end of a screen: what a question would be in, without the lines drawn around it."""
    lines = [plain(line) for line in text.splitlines()]
    return "\n".join([line for line in lines if any(c.isalnum() for c in line)][-SHOWN:])


class Help(Reading):
    """Every key, from the one table."""

    title_words = "Keys and signs"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark", "cancel", "close", show=False)]

    def __init__(self, mode: Mode, keymap: Keymap) -> None:
        super().__init__()
        self._mode = mode
        self._keymap = keymap

    def lines(self, cells: int) -> list[str]:
        """By place."""
        return help_lines(self._mode, self._keymap, cells)


def help_lines(mode: Mode, keymap: Keymap, cells: int) -> list[str]:
    """Every key that the screen hears with what it does, by place, and every sign with its word."""
    lines: list[str] = []
    for place in (*mode.places, Place.EVERYWHERE):
        keys = keys_in(place) if place is not Place.EVERYWHERE else everywhere_on(mode)
        lines += ["", place.value[:1].upper() + place.value[1:]][not lines :] if keys else []
        for key in keys:
            lines += hanging(f"  {pad(keymap.shown(key), 10)} ", key.help, cells)
    tasks, sessions = (READY, WAITS, *faces.TASKS.values()), (NEEDS_YOU, UNSEEN, UNREACHABLE, *faces.SESSIONS.values())
    for name, signs in (("Signs of tasks", tasks), ("Signs of sessions", sessions)):
        lines += ["", name, *(f"  {pad(face.glyph, 10)} {face.word}" for face in signs)]
    return lines


class Screens(Dialog):
    """The screens, each with its number and what it is for."""

    title_words = "Screens"
    deed_key = "0-9"
    deed_word = "go there"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(mode.key, f"go('{mode.name}')", mode.title, show=False) for mode in MODES
    ]

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__()
        self._show = show

    def parts(self) -> Iterable[Widget]:
        """One line for each."""
        lines = [line for m in MODES for line in hanging(f"{m.key}  {pad(m.title, 18)} ", m.words, self.cells)]
        yield Static(Content("\n".join(lines)), id="words", markup=False)

    def action_go(self, name: str) -> None:
        """Show it."""
        _ = self.dismiss(None)
        self.app.call_later(self._show, name)


class Failure(Dialog):
    """Something of ours failed; the rest goes on."""

    title_words = "Something failed"
    deed_word = "go on"
    deed_key = "↵"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "cancel", "go on", show=False)]

    def __init__(self, error: BaseException, log: str) -> None:
        self._failed = error
        self._log = log
        super().__init__()

    def parts(self) -> Iterable[Widget]:
        """What failed, and where it is written down."""
        told = f"{type(self._failed).__name__}: {plain(str(self._failed)) or 'no words'}"
        words = [told, "", "Your agents are not touched by this; they run on.", f"The whole of it is in {self._log}."]
        yield Static(Content("\n".join(words)), id="words", markup=False)
