"""PURE: what stands in an agent's composer, and whether it asks something instead, read from its screen.

The marks are those of Claude Code 2.1.329, Codex 0.169.0 and Gemini CLI 0.61.0. A submitted prompt is shown with
the same mark, but above; the composer is the last of them.
"""

import re

MARKS = ("❯", "›", ">")
FRAME = " \u00a0│┃|"
FOLDED = "[Pasted"
"""How all three of them show a long paste."""
ROWS = 20
HEAD = 24

_CHOICE = re.compile(r"[❯›>●]\s*[0-9][.)]\s")


def standing(screen: str) -> str | None:
    """The first row of what stands in the composer; ``None`` when there is no composer to be seen."""
    for row in reversed(screen.rstrip().splitlines()[-ROWS:]):
        bare = row.strip(FRAME)
        if bare.startswith(MARKS):
            return bare[1:].strip(FRAME)
    return None


def holds(screen: str, text: str) -> bool | None:
    """Whether the composer still holds the text, or a paste; ``None`` when there is no composer to be seen."""
    found = standing(screen)
    if found is None:
        return None
    first = _tight(next(iter(text.strip().splitlines()), ""))
    shown = _tight(found)
    return found.startswith(FOLDED) or (bool(shown) and (first.startswith(shown) or first[:HEAD] in shown))


def drafted(screen: str, cursor_x: int, cursor_y: int) -> str | None:
    """What stands in the composer before the cursor, which no placeholder does; ``None`` when it is in no composer."""
    rows = screen.split("\n")[: cursor_y + 1]
    if len(rows) <= cursor_y:
        rows += [""] * (cursor_y + 1 - len(rows))
    rows[-1] = rows[-1][:cursor_x]
    written: list[str] = []
    for row in reversed(rows[-ROWS:]):
        bare = row.strip(FRAME)
        if bare.startswith(MARKS):
            return "\n".join([bare[1:].strip(FRAME), *reversed(written)]).strip()
        written.append(bare)
    return None


def is_same(shown: str, text: str) -> bool:
    """Whether what is shown is the text, wherever the screen broke its lines."""
    return _tight(shown) == _tight(text)


def asks(screen: str) -> bool:
    """Whether a numbered choice is open: whatever is typed answers it."""
    return any(_CHOICE.match(row.strip(FRAME)) for row in screen.rstrip().splitlines()[-ROWS:])


def _tight(text: str) -> str:
    return "".join(text.split())
