"""The line where prompts are written: typing, pasting and the key that sends; pure."""

from __future__ import annotations

from typing import NamedTuple

from maestro_cli.fake.cells import clean
from maestro_cli.fake.face import Face
from maestro_cli.fake.terminal import Key, Pasted, Pressed, Typed

PASTE_CHARS = 1_000


class Submission(NamedTuple):
    """A prompt that was sent, exactly as it was typed."""

    text: str
    pasted: bool = False


class Chunk(NamedTuple):
    """A piece of the text; ``folded`` pieces are shown as a placeholder and erased whole."""

    text: str
    folded: bool = False


class Composer:
    """Holds what is typed until Enter sends it."""

    def __init__(self, face: Face, *, swallow_s: float | None = None) -> None:
        self._face = face
        self._swallow_s = face.swallow_s if swallow_s is None else swallow_s
        self._chunks: list[Chunk] = []
        self._pasted = False
        self._pasted_at = float("-inf")

    @property
    def text(self) -> str:
        """What would be sent."""
        return "".join(chunk.text for chunk in self._chunks)

    @property
    def draft(self) -> str:
        """What is shown."""
        return "".join(
            self._face.placeholder(chunk.text) if chunk.folded else clean(chunk.text) for chunk in self._chunks
        )

    def clear(self) -> None:
        """Forget everything."""
        self._chunks, self._pasted = [], False

    def put(self, text: str) -> None:
        """Add text as if it had been typed."""
        if self._chunks and not self._chunks[-1].folded:
            text = self._chunks.pop().text + text
        self._chunks.append(Chunk(text))

    def press(self, key: Key, at: float) -> Submission | None:
        """Take a key; ``at`` is when it came, in seconds of a steady clock. Returns what Enter sent."""
        match key:
            case Typed(text):
                self.put(text)
            case Pasted(text):
                self._paste(text, at)
            case Pressed("enter"):
                return self._enter(at)
            case Pressed("newline"):
                self.put("\n")
            case Pressed("backspace"):
                self._back()
            case Pressed("erase"):
                self._erase_line()
            case Pressed("erase-word"):
                self._erase_word()
            case Pressed():
                pass
        return None

    def _paste(self, text: str, at: float) -> None:
        self._pasted, self._pasted_at = True, at
        if text.count("\n") >= self._face.paste_lines or len(text) > PASTE_CHARS:
            self._chunks.append(Chunk(text, folded=True))
        else:
            self.put(text)

    def _enter(self, at: float) -> Submission | None:
        if at - self._pasted_at < self._swallow_s:
            last = self._chunks.pop() if self._chunks else Chunk("")
            self._chunks.append(Chunk(last.text + "\n", last.folded))
            return None
        sent = Submission(self.text, self._pasted)
        if not sent.text.strip():
            return None
        self.clear()
        return sent

    def _back(self) -> None:
        if not self._chunks:
            return
        last = self._chunks.pop()
        if not last.folded and len(last.text) > 1:
            self._chunks.append(Chunk(last.text[:-1]))

    def _erase_line(self) -> None:
        while self._chunks and (self._chunks[-1].folded or "\n" not in self._chunks[-1].text):
            self._chunks.pop()
        if not self._chunks:
            return
        kept, _, erased = self._chunks.pop().text.rpartition("\n")
        self._chunks.append(Chunk(kept if not erased and self._face.clears_lines else f"{kept}\n"))

    def _erase_word(self) -> None:
        if not self._chunks:
            return
        last = self._chunks.pop()
        kept = "" if last.folded else last.text.rstrip().rpartition(" ")[0]
        if kept:
            self._chunks.append(Chunk(f"{kept} "))
