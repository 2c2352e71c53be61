"""Skills & templates: what hides what, reading one, and changing templates in an editor."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from maestro_tui.lines import cells_of, text_of
from maestro_tui.screens.shelf import Shelves
from maestro_tui.view.shelf import Book, Shelf, Template, book_rows, face_of_book, shelf_line, shelf_rows, template_rows
from maestrod.domain.projects import CreateProject
from maestrod.domain.templates import EditTemplate
from tests.support.world import World
from tests.tui.conftest import Seen, looking
from tests.tui.test_view import HOSTILE

SIZES = [(60, 20), (80, 24), (120, 40), (200, 60)]
WORKER = Template("tmpl_0_worker", "worker", "worker", "You are a worker.", is_default=True)
OWN = Template("tmpl_1", "strict", "worker", "Be strict.", version=3)
SHIPPED = Book("house", "shipped", "/m/house", "How we work.", "Tests first.")
HERE = Book("house", "project-agents", "/p/house", "How we work here.", "Tests last.")
BAD = Book("odd", "claude", "/c/odd", trouble="no name")
SHELF = Shelf((WORKER, OWN), (SHIPPED, BAD, HERE))


def told(rows: object, cells: int = 60) -> list[str]:
    return [" ".join(text_of(rows.lines(at, cells)[0]).split()) for at in range(len(rows))]  # type: ignore[arg-type, attr-defined]


def test_templates_and_skills_stand_by_place_with_what_hides_what() -> None:
    assert told(shelf_rows(SHELF, "", 60)) == [
        "Templates",
        "● worker worker · as shipped",
        "○ strict worker · edited",
        "Skills · shipped",
        "◌ house hidden by project-agents",
        "Skills · claude",
        "✕ odd broken",
        "Skills · project-agents",
        "✓ house hides shipped · in use",
    ]
    assert told(shelf_rows(SHELF, "STRICT", 60)) == ["Templates", "○ strict worker · edited"]
    assert face_of_book(SHELF, SHIPPED).word == "hidden"


def test_the_text_is_told_with_where_it_lies() -> None:
    assert told(book_rows(SHELF, HERE, 60))[:4] == [
        "✓ in use",
        "/p/house",
        "it hides that of shipped",
        "How we work here.",
    ]
    assert "hidden by /p/house" in told(book_rows(SHELF, SHIPPED, 60))
    assert "no name" in told(book_rows(SHELF, BAD, 60))
    assert told(template_rows(WORKER, None, 60)) == [
        "worker · default of its role · as shipped",
        "",
        "You are a worker.",
    ]
    assert told(template_rows(OWN, "My draft", 60))[1:] == [
        "This draft was not saved: e goes on with it.",
        "",
        "My draft",
    ]
    assert text_of(shelf_line(SHELF, "shop", 100)) == (
        "▸ shop   1 skills in use   ✕ 1 broken   later places hide earlier ones"
    )


@pytest.mark.parametrize("cells", [14, 20, 30])
def test_what_is_known_is_told_whole_where_there_is_little_room(cells: int) -> None:
    assert " ".join(told(template_rows(WORKER, None, cells))).startswith("worker · default of its role · as shipped ")
    assert "it hides that of shipped" in " ".join(told(book_rows(SHELF, HERE, cells)))


@pytest.mark.parametrize("cells", [1, 3, 8, 20, 60])
def test_hostile_texts_stay_in_their_width(cells: int) -> None:
    evil = Book(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE * 9, HOSTILE)
    shelf = Shelf((Template("t", HOSTILE, HOSTILE, HOSTILE),), (evil,))
    rows = [
        shelf_rows(shelf, "", cells),
        book_rows(shelf, evil, cells),
        template_rows(shelf.templates[0], HOSTILE, cells),
    ]
    for each in rows:
        for at in range(len(each)):
            line = each.lines(at, cells)[0]
            assert cells_of(line) <= cells
            assert "\x1b" not in text_of(line)


# -- under the fingers


async def on_shelf(seen: Seen) -> Shelves:
    await seen.until(lambda: seen.app.desk.mirror.whole, "everything is read")
    await seen.press("9")
    await seen.until(lambda: isinstance(seen.app.screen, Shelves), "the shelf is shown")
    found = seen.app.screen
    assert isinstance(found, Shelves)
    return found


def words(seen: Seen) -> str:
    return " ".join(toast.message for toast in seen.app._notifications)


def skill(folder: Path, name: str, text: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "SKILL.md").write_text(f"---\nname: {name}\ndescription: About {name}.\n---\n{text}\n")


@pytest.fixture
async def home(world: World, tmp_path: Path) -> Path:
    """A home with a skill that a project's own hides."""
    await world.made(CreateProject(name="shop", working_dir=str(tmp_path / "shop")))
    skill(tmp_path / ".claude" / "skills", "house", "Tests first.")
    skill(tmp_path / "shop" / ".agents" / "skills", "house", "Tests last.")
    (tmp_path / ".claude" / "skills" / "odd").mkdir()
    (tmp_path / ".claude" / "skills" / "odd" / "SKILL.md").write_text("nothing")
    return tmp_path


@pytest.mark.parametrize("size", SIZES)
async def test_every_label_of_the_shelf_is_whole(world: World, home: Path, size: tuple[int, int]) -> None:
    async with looking(world, size, HOME=str(home)) as seen:
        await on_shelf(seen)
        await seen.shows("maestro", "● connected", "▸ shop", "Templates", "● Worker", "as shipped", "e edit", "r reset")
        await seen.press("G")
        await seen.shows("Skills · project-agents", "✓ house", "in use", "it hides that of claude", "? help")
        await seen.press("enter", "G")
        await seen.shows("Tests last.")


async def test_a_template_is_changed_in_the_editor_and_a_refused_draft_is_kept(
    world: World, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "Ask first.\\n" >> "$1"\n')
    editor.chmod(0o755)
    world.refuses["/templates/tmpl_0_worker"] = (400, {"code": "INVALID", "message": "{{NOTHING}} is no placeholder"})
    async with looking(world, HOME=str(home), EDITOR=str(editor)) as seen:
        await on_shelf(seen)
        monkeypatch.setattr(seen.app, "suspend", nullcontext)
        await seen.shows("● Worker")
        await seen.press("j", "e")
        await seen.until(lambda: "is no placeholder" in words(seen))
        await seen.shows("This draft was not saved: e goes on with it.")
        del world.refuses["/templates/tmpl_0_worker"]
        await seen.press("e")
        await seen.shows("edited")
        content = str(world.asked[-1][2]["content"])
        assert content.endswith("Ask first.\nAsk first.\n")
        await seen.press("r")
        await seen.shows("Reset “Worker”?", "u takes that back")
        await seen.press("y")
        await seen.shows("as shipped")


async def test_what_is_as_shipped_is_not_reset_and_a_skill_is_not_edited(world: World, home: Path) -> None:
    async with looking(world, HOME=str(home)) as seen:
        await on_shelf(seen)
        await seen.shows("● Worker")
        await seen.press("r")
        await seen.until(lambda: "is as it is shipped" in words(seen))
        await seen.press("G", "e")
        await seen.until(lambda: "skills are files" in words(seen))
    assert world.asked == []


async def test_what_others_change_is_read_again(world: World, home: Path) -> None:
    async with looking(world, HOME=str(home)) as seen:
        await on_shelf(seen)
        await seen.shows("● Worker")
        await world.do(EditTemplate(template_id="tmpl_0_worker", content="Now then."))
        await seen.press("j")
        await seen.shows("Now then.", "edited")
        await seen.press("slash", *"house")
        await seen.until(lambda: "● Worker" not in seen.text)
        await seen.press("escape", "f5")
        await seen.shows("● Worker")


async def test_templates_that_cannot_be_read_say_why(world: World, home: Path) -> None:
    world.secret = "not for you"
    async with looking(world, HOME=str(home)) as seen:
        await on_shelf(seen)
        await seen.shows("not for you")
