"""The diff: read right, walked through, commented on, and the comments sent as one prompt."""

import subprocess
from pathlib import Path
from random import Random

import msgspec
import pytest

from maestro_tui.lines import Rows, cells_of, text_of
from maestro_tui.memory import REMARKS, Memory, recall, remember
from maestro_tui.preferences import DEFAULTS
from maestro_tui.screens.details import Details
from maestro_tui.screens.diff import Diff
from maestro_tui.screens.remark import Comment, SendComments
from maestro_tui.screens.small import Question
from maestro_tui.view.diff import DiffRows
from maestro_tui.view.patch import NEW, OLD, Patch, patch_of, patched
from maestro_tui.view.remarks import PROMPT, Remark, on_lines, placed, prompt, with_text
from maestrod.domain.model import Noun
from tests.support.world import World
from tests.tui.conftest import SIZE, Seen, looking
from tests.tui.sample import fill
from tests.tui.test_view import HOSTILE

PATCH = """\
diff --git a/a.py b/a.py
index 1..2 100644
--- a/a.py
+++ b/a.py
@@ -1,4 +1,5 @@ def first():
 one
--- two
+++ two
+diff --git a/fake b/fake
 three
 four
\\ No newline at end of file
@@ -10 +11,2 @@
 ten
+eleven
diff --git a/logo.png b/logo.png
Binary files a/logo.png and b/logo.png differ
diff --git a/gone dir/b.txt b/gone dir/b.txt
deleted file mode 100644
--- a/gone dir/b.txt
+++ /dev/null
@@ -1,2 +0,0 @@
-first
-last
"""
FILES = [
    {"path": "a.py", "added": 3, "removed": 1},
    {"path": "logo.png", "added": None, "removed": None},
    {"path": "gone dir/b.txt", "added": 0, "removed": 2},
]
DIFF: dict[str, object] = {"branch": "maestro/fix-login", "files": FILES, "patch": PATCH, "cut": False}


def patch(text: str = PATCH, **more: object) -> Patch:
    found = patch_of(msgspec.json.encode(DIFF | {"patch": text} | more))
    assert found is not None
    return found


def texts(rows: Rows, cells: int = 80) -> list[str]:
    return [text_of(line).rstrip() for at in range(len(rows)) for line in rows.lines(at, cells)]


# -- read right


def test_lines_have_the_numbers_of_their_files_and_are_never_taken_for_heads() -> None:
    found = patch()
    assert found.paths == ["a.py", "logo.png", "gone dir/b.txt"]
    assert [found.lines[at] for at in found.hunks] == [
        "@@ -1,4 +1,5 @@ def first():",
        "@@ -10 +11,2 @@",
        "@@ -1,2 +0,0 @@",
    ]
    numbers = [(line, found.number(at, OLD), found.number(at, NEW)) for at, line in enumerate(found.lines)]
    assert numbers[5:16] == [
        (" one", 1, 1),
        ("--- two", 2, 0),
        ("+++ two", 0, 2),
        ("+diff --git a/fake b/fake", 0, 3),
        (" three", 3, 4),
        (" four", 4, 5),
        ("\\ No newline at end of file", 0, 0),
        ("@@ -10 +11,2 @@", 0, 0),
        (" ten", 10, 11),
        ("+eleven", 0, 12),
        ("diff --git a/logo.png b/logo.png", 0, 0),
    ]
    assert found.find("a.py", NEW, 12) == 14
    assert found.find("gone dir/b.txt", OLD, 2) == len(found.lines) - 1
    assert found.find("a.py", NEW, 99) is found.find("nowhere", NEW, 1) is None


def test_every_number_is_that_of_git(tmp_path: Path) -> None:
    chance, before, after = Random(7), tmp_path / "before", tmp_path / "after"
    lines = [
        chance.choice(["", "--- a", "+++ b", "@@ -1 +1 @@", "diff --git a/x b/x", "\x0c", "\u2028", "é"])
        for _ in range(400)
    ]
    before.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    kept = [line for line in lines if chance.random() > 0.1]
    for _ in range(30):
        kept.insert(chance.randrange(len(kept)), "new")
    after.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    command = ["git", "diff", "--no-index", "--no-color", str(before), str(after)]
    text = subprocess.run(command, capture_output=True, check=False, timeout=20).stdout.decode()
    found = patch(text, files=[])
    numbered = [at for at in range(len(found.lines)) if found.number(at, NEW) or found.number(at, OLD)]
    assert len(numbered) > 100
    for at in numbered:
        if number := found.number(at, NEW):
            assert found.lines[at][1:] == kept[number - 1]
        if number := found.number(at, OLD):
            assert found.lines[at][1:] == lines[number - 1]


def test_what_is_no_patch_is_none() -> None:
    assert patch_of(b"nonsense") is None
    assert patch("").lines == []
    assert patch("\n\n@@ -1 +1 @@\n+x\nnothing known\n").files == []
    assert on_lines(patch("@@ -1 +1 @@\n-x\n+y\n"), 0, 1) is None


def test_one_walks_by_hunk_and_file() -> None:
    found = patch()
    assert found.step(found.hunks, -1, 1) == 4
    assert found.step(found.hunks, 4, 1) == 12
    assert found.step(found.hunks, 12, -1) == 4
    assert found.step(found.hunks, 4, -1) is None
    assert found.step(found.files, 12, 1) == 15
    assert found.step(found.files, 14, -1) == 0
    assert found.step(found.files, 99, 1) is None


# -- comments by values


def test_a_comment_is_on_a_line_on_lines_or_on_a_file() -> None:
    found = patch()
    line = on_lines(found, 7, 7)
    assert line == Remark(id=0, path="a.py", side=NEW, first=2, last=2, quoted=("+++ two",))
    lines = on_lines(found, 9, 6)
    assert lines is not None
    assert (lines.first, lines.last, lines.quoted[0], len(lines.quoted)) == (2, 4, "--- two", 4)
    removed = on_lines(found, 6, 6)
    assert removed is not None
    assert removed.reference == "a.py:2 (removed)"
    whole = on_lines(found, 16, 16)
    assert whole is not None
    assert whole.reference == "logo.png"
    across = on_lines(found, 5, len(found.lines) - 1)
    assert across is not None
    assert across.reference == "gone dir/b.txt:1-2 (removed)", "a comment stays in one file"


def test_comments_follow_their_lines_or_say_that_these_have_changed() -> None:
    remark = on_lines(patch(), 14, 14)
    assert remark is not None
    remarks = with_text([], remark, "why?")
    (first,) = placed(patch(), remarks)
    assert (first.at, first.stands) == (14, True)
    (other,) = placed(patch(PATCH.replace("+eleven", "+twelve")), remarks)
    assert (other.at, other.stands) == (14, False)
    (gone,) = placed(patch(PATCH.replace("@@ -10 +11,2 @@\n ten\n+eleven\n", "")), remarks)
    assert (gone.at, gone.stands) == (0, False)
    (lost,) = placed(patch("", files=[]), remarks)
    assert lost.at is None
    assert "✎ a.py:12  no longer in the diff · why?" in texts(DiffRows(patch("", files=[]), [lost], 80))


def test_a_comment_changes_and_keeps_its_number() -> None:
    remarks = with_text(with_text([], Remark(id=0, path="a"), "one"), Remark(id=0, path="b"), "two")
    assert [(each.id, each.text) for each in remarks] == [(1, "one"), (2, "two")]
    assert [each.text for each in with_text(remarks, remarks[0], "three")] == ["three", "two"]


def test_the_prompt_has_file_line_quote_and_words() -> None:
    line = on_lines(patch(), 7, 7)
    assert line is not None
    remarks = with_text(with_text([], line, "why\ntwice?"), Remark(id=0, path="logo.png"), "too big")
    assert prompt(remarks) == ("Comments on your changes:\n\n1. a.py:2\n> +++ two\nwhy\ntwice?\n\n2. logo.png\ntoo big")
    assert prompt(remarks, "Please mend:").startswith("Please mend:\n\n1. a.py:2")


def test_a_prompt_that_is_too_long_quotes_less() -> None:
    many = [Remark(id=n, path="a.py", first=1, last=8, quoted=("x" * 160,) * 8, text="no") for n in range(30)]
    assert len(prompt(many)) <= PROMPT
    assert prompt(many).count("> ") == 30


def test_quotes_and_paths_are_words_alone() -> None:
    found = patch(f"diff --git a/x b/x\n@@ -0,0 +1 @@\n+{HOSTILE}\x9b31m\n", files=[{"path": f"x{HOSTILE}"}])
    remark = on_lines(found, 2, 2)
    assert remark is not None
    text = prompt(with_text([], remark, "no"))
    assert not any((ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160 for char in text)


# -- rows


def remarked(found: Patch, *places: tuple[int, int, str]) -> list[Remark]:
    remarks: tuple[Remark, ...] = ()
    for first, last, text in places:
        remark = on_lines(found, first, last)
        assert remark is not None
        remarks = with_text(remarks, remark, text)
    return list(remarks)


def test_comments_stand_below_their_lines_and_every_row_can_be_found() -> None:
    found = patch()
    remarks = remarked(found, (7, 8, "why two of them, and why here of all places?"), (14, 14, "no"), (14, 14, "yes"))
    rows = DiffRows(found, placed(found, remarks), 30)
    shown = texts(rows, 30)
    assert shown[:8] == [
        "maestro/fix-login",
        "a.py                     +3 -1",
        "logo.png",
        "gone dir/b.txt           +0 -2",
        "✎ a.py:2-3  why two of them,…",
        "✎ a.py:12  no",
        "✎ a.py:12  yes",
        "",
    ]
    at = shown.index("▎    3 +diff --git a/fake b/f…")
    assert shown[at - 1] == "▎    2 +++ two"
    assert shown[at + 1 : at + 4] == ["     ✎ why two of them, and", "       why here of all places?", "     4  three"]
    at = shown.index("▎   12 +eleven")
    assert shown[at + 1 : at + 3] == ["     ✎ no", "     ✎ yes"]
    keys = [rows.key(at) for at in range(len(rows))]
    assert len(set(keys)) == len(keys)
    assert [rows.find(key) for key in keys] == list(range(len(rows)))
    assert rows.line_of("F1") == 15
    assert rows.line_of("C2.0") == rows.line_of("R2") == 14
    for key in ("L999", "C9.0", "F99", "x", "L", "C"):
        assert rows.find(key) is None


@pytest.mark.parametrize("cells", [3, 12, 40])
def test_hostile_texts_stay_in_their_cells(cells: int) -> None:
    long = "y" * 1_000_000
    found = patch(
        f"diff --git a/x b/x\n@@ -0,0 +1,2 @@\n+{HOSTILE}\n+{long}\n", branch=HOSTILE, files=[{"path": HOSTILE}]
    )
    remarks = remarked(found, (2, 3, HOSTILE))
    rows = DiffRows(found, placed(found, remarks), cells)
    for at in range(len(rows)):
        for line in rows.lines(at, cells):
            assert cells_of(line) <= cells
            assert not {"\x1b", "\x07", "\u202e"} & set(text_of(line))
    assert patched(f"+\tindented {HOSTILE}").startswith("+    indented ")


# -- under the fingers


async def on_diff(world: World, seen: Seen, session_id: str, told: dict[str, object] = DIFF) -> Diff:
    world.documents[f"/sessions/{session_id}/worktree/diff"] = told
    await seen.until(lambda: seen.app.desk.mirror.whole, "everything is read")
    seen.app.show_details(Noun.SESSION, session_id)
    await seen.until(lambda: isinstance(seen.app.screen, Details), "the details are shown")
    details = seen.app.here
    assert isinstance(details, Details)
    details.action_show_tab("DIFF")
    diff = details.query_one(Diff)
    await seen.until(lambda: diff.key == "B", "the diff is read")
    return diff


async def say(seen: Seen, words: str) -> None:
    await seen.until(lambda: isinstance(seen.app.screen, Comment), "a comment is written")
    await seen.press(*words, "ctrl+s")
    await seen.until(lambda: len(seen.app.screen_stack) == 1, "it is kept")


@pytest.mark.parametrize("size", [(60, 20), SIZE])
async def test_comments_are_written_changed_deleted_and_sent(world: World, size: tuple[int, int]) -> None:
    sample = await fill(world)
    async with looking(world, size) as seen:
        diff = await on_diff(world, seen, sample.fix)
        await seen.shows("c comment")
        await seen.press("ctrl+s")
        await seen.shows("There are no comments yet")
        await seen.press("J", "j", "j", "j", "c")
        await seen.shows("Comment on a.py:2", "+++ two")
        await say(seen, "why")
        assert diff.key == "L7"
        await seen.press("J", "j", "space", "j", "c")
        await seen.shows("Comment on a.py:11-12")
        await say(seen, "both")
        await seen.press("L", "L", "c")
        await say(seen, "keep it")
        await seen.press("g", "j", "j", "j", "j", "enter")
        assert diff.key == "C1.0"
        await seen.press("e")
        await say(seen, " so")
        await seen.press("g", "j", "j", "j", "j", "j", "j", "d")
        await seen.until(lambda: isinstance(seen.app.screen, Question))
        await seen.shows("gone dir/b.txt", "keep it")
        await seen.press("y")
        await seen.until(lambda: len(seen.app.screen_stack) == 1)
        assert [each.text for each in seen.app.desk.remarks[sample.fix]] == ["why so", "both"]
        await seen.press("ctrl+s")
        await seen.until(lambda: isinstance(seen.app.screen, SendComments))
        await seen.shows("Send 2 comments to fix-login", "✎ a.py:2  why so", "✎ a.py:11-12  both")
        assert world.asked == []
        await seen.press("ctrl+s")
        await seen.until(lambda: len(seen.app.screen_stack) == 1)
        await seen.shows("sent to fix-login")
        assert sample.fix not in seen.app.desk.remarks
    text = "Comments on your changes:\n\n1. a.py:2\n> +++ two\nwhy so\n\n2. a.py:11-12\n>  ten\n> +eleven\nboth"
    assert world.asked == [("POST", f"/sessions/{sample.fix}/input", {"text": text})]


async def test_a_refusal_is_shown_where_it_happened_and_nothing_is_lost(world: World, tmp_path: Path) -> None:
    sample = await fill(world)
    memory = tmp_path / "tui.json"
    async with looking(world, SIZE, DEFAULTS, memory) as seen:
        await on_diff(world, seen, sample.fix)
        await seen.press("J", "j", "enter")
        await say(seen, "why")
        world.typed = {"result": "not_delivered", "reason": "a dialog is open"}
        await seen.press("ctrl+s")
        await seen.until(lambda: isinstance(seen.app.screen, SendComments))
        await seen.press("ctrl+s")
        await seen.shows("not delivered: a dialog is open", "✎ a.py:1  why")
        assert len(seen.app.desk.remarks[sample.fix]) == 1
        await seen.press("escape")
        await seen.until(lambda: len(seen.app.screen_stack) == 1)
        await seen.shows("✎ why")
    world.typed = {"result": "submitted", "reason": ""}
    async with looking(world, SIZE, DEFAULTS, memory) as seen:
        await on_diff(world, seen, sample.fix)
        await seen.shows("✎ why")
        await seen.press("ctrl+s", *"Mend", "enter")
        await seen.shows("sent to fix-login")
    assert recall(memory).remarks == {}
    assert str(world.asked[-1][2]["text"]).startswith("Mend\n\n1. a.py:1\n>  one\nwhy")


async def test_a_worktree_in_which_nothing_has_changed_says_so(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_diff(world, seen, sample.fix, DIFF | {"files": [], "patch": ""})
        await seen.shows("maestro/fix-login · nothing has changed")


async def test_read_again_comments_say_that_their_line_has_changed(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_diff(world, seen, sample.fix)
        await seen.press("J", "J", "j", "j", "c")
        await say(seen, "why")
        told = DIFF | {"patch": PATCH.replace("+eleven", "+twelve")}
        world.documents[f"/sessions/{sample.fix}/worktree/diff"] = told
        await seen.press("f5")
        await seen.shows("+twelve", "✎ the line has changed since:", "why")


async def test_marks_are_seen_and_escape_ends_them(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_diff(world, seen, sample.fix)
        await seen.press("J", "j", "space", "j", "j")
        await seen.shows("▌    1  one", "▌    2 +++ two")
        await seen.press("escape")
        await seen.until(lambda: "▌" not in seen.text)
        await seen.press("d")
        await seen.shows("There is no comment here.")
        await seen.press("escape")
        await seen.until(lambda: seen.app.screen is seen.app.mission)


async def test_a_patch_of_100_000_lines_builds_what_is_seen(world: World) -> None:
    sample = await fill(world)
    lines = [f"+line {n}" for n in range(100_000)]
    huge = "\n".join(["diff --git a/a.py b/a.py", "@@ -0,0 +1,100000 @@", *lines, ""])
    async with looking(world) as seen:
        diff = await on_diff(world, seen, sample.fix, DIFF | {"patch": huge})
        await seen.press("G")
        await seen.shows("100000 +line 99999")
        await seen.press("c")
        await seen.shows("Comment on a.py:100000")
        await say(seen, "too long")
        await seen.press("K")
        await seen.shows("1 +line 0")
        assert diff.built < 2_000


async def test_no_worktree_is_told_in_the_place_of_the_diff(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole)
        seen.app.show_details(Noun.SESSION, sample.fix)
        await seen.until(lambda: isinstance(seen.app.screen, Details))
        details = seen.app.here
        assert isinstance(details, Details)
        details.action_show_tab("DIFF")
        await seen.shows("no route /sessions/")
        await seen.press("c", "J", "L", "space", "e")
        await seen.shows("Put the cursor on a line")


def test_of_too_many_comments_the_newest_sessions_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "tui.json"
    long = (Remark(id=1, path="a", text="x" * (REMARKS // 3)),)
    remember(path, Memory(remarks={f"sess_{n}": long for n in range(5)}))
    assert sorted(recall(path).remarks) == ["sess_3", "sess_4"]
