"""What is told while a person types to an agent, and when that has ended."""

from collections.abc import Sequence

from maestro_tui.cells import plain
from maestro_tui.keyboard import Ended
from maestro_tui.lines import Hint, Line, Span, Tone, kept_whole


def typing_line(name: str, leave: str, cells: int) -> tuple[Line, tuple[Hint, ...]]:
    """The footer: that every key is the agent's, and the one that is not; a click leaves."""
    parts: list[tuple[int, Line]] = [
        (1, (Span("LIVE", Tone.WARN),)),
        (0, (Span(leave, Tone.ACCENT), Span(" leaves", Tone.DIM))),
        (2, (Span(f"every other key goes to {plain(name)}", Tone.DIM),)),
    ]
    return (Span(" "), *kept_whole(parts, cells - 2, " · ")), (Hint(0, cells, "stop_typing"),)


def typing_ended(name: str, ended: Ended) -> Sequence[str]:
    """Why nothing more goes to the agent, and what of that which was typed did not."""
    words = [f"Your keys do not go to {plain(name)} any more:", f"{plain(ended.reason)}.", ""]
    if ended.lost:
        words.append(f"{_keys(ended.lost)} not delivered, and will not be.")
    if ended.perhaps:
        words.append(f"Of {_keys(ended.perhaps, said='')} it is not known; nothing is sent again.")
    return [*words, *([] if ended.lost or ended.perhaps else ["All that you typed before was delivered."])]


def _keys(number: int, said: str | None = None) -> str:
    verb = (" was" if number == 1 else " were") if said is None else said
    return f"{number} {'key' if number == 1 else 'keys'}{verb}"
