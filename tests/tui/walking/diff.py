"""What the keys do in the diff of a session's worktree."""

from typing import Any

from textual.widgets import TextArea

from maestro_tui.screens.diff import Diff
from maestro_tui.screens.remark import Comment, SendComments
from maestro_tui.screens.small import Question
from maestro_tui.view.tabs import Tab
from maestrod.domain.model import Noun
from tests.tui.walking.walk import Walk, does


async def on_diff(walk: Walk) -> Diff:
    """The diff of the builder, with the cursor on its first hunk, and nothing marked."""
    walk.app.show_details(Noun.SESSION, walk.town.ids["builder"])
    await walk.until(lambda: walk.here.spot.session is not None)
    walk.here._show_tab(Tab.DIFF)
    diff: Diff = walk.here._diff
    await walk.until(
        lambda: diff._patch is not None and len(diff._patch.hunks) > 2 and len(diff._patch.files) > 1,
        "the diff is read",
    )
    diff.focus()
    diff.unmark()
    diff.action_first()
    await walk.keys("J")
    await walk.until(lambda: line(diff).startswith("@@"), "the cursor is on a hunk")
    return diff


def line(diff: Diff) -> str:
    """The line of the patch that the cursor is on."""
    assert diff._patch is not None
    return str(diff._patch.lines[diff._here]) if diff._here is not None else ""


def remarks(walk: Walk) -> tuple[Any, ...]:
    """The comments that are not sent yet."""
    return walk.app.desk.remarks.get(walk.town.ids["builder"], ())


async def on_line(walk: Walk) -> Diff:
    """The cursor on a line of the first hunk, and no comments."""
    diff = await on_diff(walk)
    walk.app.desk.remark(walk.town.ids["builder"], ())
    await walk.keys("j")
    await walk.until(lambda: line(diff)[:1] in {" ", "+", "-"})
    return diff


async def with_comment(walk: Walk) -> Diff:
    """One comment alone, with the cursor on it."""
    diff = await on_line(walk)
    await walk.keys("c")
    await walk.until(lambda: isinstance(walk.app.screen, Comment))
    await walk.keys(*"why")
    await walk.closes("ctrl+s")
    await walk.until(
        lambda: len(remarks(walk)) == 1 and diff._under is not None, "there is one comment, under the cursor"
    )
    return diff


@does("next-hunk", "hunk-before", "next-file", "file-before")
async def _jump(walk: Walk) -> None:
    diff = await on_diff(walk)
    if walk.key.name.endswith("before"):
        await walk.keys("G")
    at = diff._here
    await walk.press()
    await walk.until(lambda: diff._here is not None and diff._here != at, "the cursor has moved")
    head = "@@" if "hunk" in walk.key.name else "diff "
    assert line(diff).startswith(head), line(diff)
    assert at is None or (diff._here > at) is walk.key.name.startswith("next")  # type: ignore[operator]


@does("mark-lines")
async def _mark_lines(walk: Walk) -> None:
    diff = await on_line(walk)
    await walk.press()
    await walk.keys("j")
    await walk.until(lambda: len(diff._marked) == 2, "two lines are marked")
    await walk.press()
    await walk.until(lambda: not diff._marked, "none is marked")


@does("comment-line")
async def _comment_line(walk: Walk) -> None:
    await on_line(walk)
    await walk.opens(Comment, "Comment on", "Ctrl+S keep")
    await walk.keys(*"why so")
    await walk.closes("ctrl+s")
    await walk.until(lambda: [remark.text for remark in remarks(walk)] == ["why so"])


@does("edit-comment")
async def _edit_comment(walk: Walk) -> None:
    await with_comment(walk)
    await walk.opens(Comment, "Comment on", "why")
    walk.app.screen.query_one("#text", TextArea).text = "why not"
    await walk.closes("ctrl+s")
    await walk.until(lambda: [remark.text for remark in remarks(walk)] == ["why not"])


@does("delete-comment")
async def _delete_comment(walk: Walk) -> None:
    await with_comment(walk)
    await walk.opens(Question, "Delete the comment on", "y delete it")
    await walk.closes("y")
    await walk.until(lambda: not remarks(walk))


@does("send-comments")
async def _send_comments(walk: Walk) -> None:
    await with_comment(walk)
    await walk.opens(SendComments, "Send 1 comment to builder", "Ctrl+S send")
    await walk.closes("escape")
    assert len(remarks(walk)) == 1, "what was not sent stays"
