"""Comments on the lines of a patch, and the prompt that they become; pure."""

from collections.abc import Iterable, Sequence

import msgspec

from maestro_tui.cells import plain
from maestro_tui.view.patch import NEW, OLD, Patch

MOST = 200
"""Comments on one session's patch."""
LONGEST = 4_000
"""Characters of one comment."""
PROMPT = 10_000
"""Characters of a prompt that the daemon takes."""
QUOTED = 8
"""Lines that are quoted; of more the first and the last."""
WIDE = 160
"""Characters of a quoted line."""
FIRST = "Comments on your changes:"


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """A comment on the lines ``first`` to ``last`` of one side of a file; both are 0 when it is on the whole file."""

    id: int
    path: str
    side: str = NEW
    first: int = 0
    last: int = 0
    quoted: tuple[str, ...] = ()
    text: str = ""

    @property
    def reference(self) -> str:
        """File and line, as people write it."""
        path = plain(self.path)
        if not self.last:
            return path
        lines = f"{path}:{self.first}" + (f"-{self.last}" if self.last != self.first else "")
        return f"{lines} (removed)" if self.side == OLD else lines


class Placed(msgspec.Struct, frozen=True):
    """A comment with the place below which it stands; no place when its file is no longer in the patch."""

    remark: Remark
    at: int | None
    stands: bool
    """Whether the line is still as it was quoted."""


def on_lines(patch: Patch, first: int, last: int) -> Remark | None:
    """A comment without words on the lines of the file that ``last`` is in; nothing where there is no file."""
    file = patch.file_of(last)
    if file is None:
        return None
    places = range(max(patch.files[file], min(first, last)), min(patch.end_of(file), max(first, last) + 1))
    path = patch.paths[file]
    for side in (NEW, OLD):
        chosen = [at for at in places if patch.number(at, side)]
        if not chosen:
            continue
        text = [patch.shown(at)[:WIDE] for at in places if patch.number(at, NEW) or patch.number(at, OLD)]
        quoted = [*text[: QUOTED // 2], "…", *text[-QUOTED // 2 + 1 :]] if len(text) > QUOTED else text
        ends = (patch.number(chosen[0], side), patch.number(chosen[-1], side))
        return Remark(id=0, path=path, side=side, first=ends[0], last=ends[1], quoted=tuple(quoted))
    return Remark(id=0, path=path)


def with_text(remarks: Sequence[Remark], remark: Remark, text: str) -> tuple[Remark, ...]:
    """The comments with this one as it reads now; a new one gets a number."""
    if remark.id:
        return tuple(msgspec.structs.replace(r, text=text) if r.id == remark.id else r for r in remarks)
    number = max((each.id for each in remarks), default=0) + 1
    return (*remarks, msgspec.structs.replace(remark, id=number, text=text))


def placed(patch: Patch, remarks: Iterable[Remark]) -> list[Placed]:
    """Where they stand, in the order of the patch; those without a place come last."""
    found = [_place(patch, remark) for remark in remarks]
    return sorted(found, key=lambda each: (each.at is None, each.at or 0, each.remark.id))


def _place(patch: Patch, remark: Remark) -> Placed:
    at = patch.find(remark.path, remark.side, remark.last)
    if at is None:
        return Placed(remark, patch.find(remark.path, remark.side, 0), stands=False)
    stands = not remark.last or not remark.quoted or patch.shown(at)[:WIDE] in remark.quoted
    return Placed(remark, at, stands)


def prompt(remarks: Sequence[Remark], first: str = "") -> str:
    """All of them as one prompt; when that is too long, less is quoted."""
    whole = _prompt(remarks, first or FIRST, QUOTED)
    return whole if len(whole) <= PROMPT else _prompt(remarks, first or FIRST, 1)


def _prompt(remarks: Sequence[Remark], first: str, most: int) -> str:
    blocks = [first.strip()]
    for number, each in enumerate(remarks, start=1):
        quoted = [f"> {line}" for line in each.quoted[-most:]]
        blocks.append("\n".join([f"{number}. {each.reference}", *quoted, each.text.strip()]))
    return "\n\n".join(blocks)
