"""Text that would like to be more than text, put into everything that a screen shows."""

from collections.abc import Iterator, Sequence
from itertools import cycle

import msgspec
from msgspec import structs

from maestrod.domain.changes import USER, Put
from maestrod.domain.model import Doc, EntryType, NeedsInput, Noun, TimelineEntry
from maestrod.domain.tasks import CreateTask
from tests.support.world import World
from tests.tui.sample import CHOICES, PANE, Sample, fill, write

LINE = 1_000_000
CLIP = "52;c;T1dORUQ="

PLAIN = ("OWNED by nobody",)
HOSTILE = (
    "\x1b[2J\x1b[10;10H\x1b[31m\x9b5A\x08\x08\r\v\f\x07OWNED",
    f"OWNED\x1b]{CLIP}\x07 \x1b]{CLIP}\x1b\\ \x9d{CLIP}\x9c",
    f"OWNED \x1bPtmux;\x1b\x1b]{CLIP}\x07\x1b\\ \x1b_Gf=100;AAAA\x1b\\",
    f"OWNED \x1b]{CLIP}",
    "OWNED\x1b]0;OWNED\x07\x1b]2;OWNED\x1b\\\x1bkOWNED\x1b\\\x1b]8;;http://owned.example\x1b\\link\x1b]8;;\x1b\\",
    "OWNED [bold red]x[/] [@click=app.quit]quit[/] [link='http://owned.example']y[/link] $primary [/ [",
    "OWNED \u202eDENWO\u2066\u2067\u061c\u200f\u200b\ufeff אבג",
    "OWNED e" + "\u0301\u0316\u20dd" * 3_000 + "!",
    "OWNED " + "x" * LINE,
    "OWNED " + "日本語" * 400,
    "OW\0NED OWNED\0",
    "OWNED\u2028a\u2029b\x85c\nd\te",
    "OWNED 👨\u200d👩\u200d👧 👍🏽 ❤\ufe0f 🇩🇪",
    "OWNED \ue0b0\U000f0000\uffff",
)
"""Sequences, the clipboard in all its forms, titles and links, markup, directions, marks, length, nothing, width."""

FREE = {
    "name", "title", "description", "message", "subject", "note", "result", "reason", "blocked_reason", "model",
    "provider", "working_dir", "content", "body", "labels", "acceptance_criteria", "file_path", "kind", "text",
}  # fmt: skip
"""The fields of entities that hold words of others."""
NOUNS = (Noun.PROJECT, Noun.TASK, Noun.SUBTASK, Noun.SESSION, Noun.ASSIGNMENT, Noun.ITEM, Noun.TIMELINE, Noun.MAIL)


def worded(entity: msgspec.Struct, words: Iterator[str], **more: object) -> msgspec.Struct:
    """The entity with these words wherever it has words of others."""
    changes: dict[str, object] = {"version": 99}
    for name in FREE & set(entity.__struct_fields__):
        value = getattr(entity, name)
        if type(value) is str:
            changes[name] = next(words)
        elif isinstance(value, dict):
            changes[name] = {key: next(words) for key in value}
        elif isinstance(value, tuple):
            changes[name] = tuple(next(words) for _ in range(2))
    return structs.replace(entity, **(changes | more))


async def possessed(world: World, texts: Sequence[str]) -> Sample:
    """The sample, in which everything that can have words has these."""
    sample = await fill(world)
    await write(world, sample)
    words = cycle(texts)
    for noun in NOUNS:
        for entity in list(world.state.table(noun).values()):
            more = {}
            if noun is Noun.SESSION and entity.needs_input.active:  # type: ignore[attr-defined]
                more["needs_input"] = NeedsInput(active=True, message=next(words), since=world.now)
            await world.plant(worded(entity, words, **more), noun=noun)  # type: ignore[arg-type]
    task = world.state.task(sample.login)
    asked = CreateTask(title=next(words), project_id=sample.shop, description=next(words))
    await world._commit(asked, [Put(Noun.TASK, task)], [], USER)
    for text in texts:
        entry = TimelineEntry(
            id=world.new_id(Noun.TIMELINE), session_id=sample.api, task_id=None, type=EntryType.PROGRESS,
            message=text,
        )  # fmt: skip
        await world.plant(entry, noun=Noun.TIMELINE)
    choices = [choice | {"label": next(words)} for choice in CHOICES]
    dialog = {"kind": next(words), "text": next(words), "choices": choices, "digest": "d1"}
    pane = PANE + "\n".join(texts)
    await world.draw(sample.api, pane, width=120, height=40, cursorX=0, cursorY=5, dialog=dialog)
    await world.draw(sample.fix, pane, width=120, height=40, cursorX=2, cursorY=23)
    world.documents |= documents(sample, words)
    return sample


def documents(sample: Sample, words: Iterator[str]) -> dict[str, object]:
    """What is read beside the stream."""
    docs = [
        msgspec.to_builtins(Doc(id=f"doc_{n}", title=next(words), content=next(words), task_id=sample.login))
        for n in range(4)
    ]
    return {
        f"/tasks/{sample.login}/docs": {"data": docs, "pagination": {"nextCursor": None}},
        f"/tasks/{sample.login}/checks": {
            "checks": [{"command": next(words), "status": "failed", "output": next(words)} for _ in range(4)]
        },
        f"/sessions/{sample.fix}/explain": {
            "verdict": {"doing": next(words), "source": next(words), "rule": next(words), "text": next(words)},
            "evidence": [{"source": next(words), "doing": next(words), "text": next(words)} for _ in range(4)],
            "process": next(words),
        },
        f"/sessions/{sample.fix}/worktree/diff": {
            "branch": next(words),
            "files": [{"path": next(words), "added": 1, "removed": 1} for _ in range(4)],
            "patch": "\n".join(f"+{next(words)}" for _ in range(14)),
        },
        f"/mail/inbox/{sample.fix}": {
            "data": [{"id": f"mail_{n}", "subject": next(words), "fromName": next(words)} for n in range(4)]
        },
        "/templates": [
            {"id": f"tmpl_{n}", "name": next(words), "role": "worker", "content": next(words)} for n in range(4)
        ],
        "/skills": [{"name": next(words), "description": next(words)} for _ in range(4)],
    }
