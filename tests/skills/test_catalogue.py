"""Skills from folders: both forms, scopes, clashes, links, sizes, and what was good before it broke."""

import json
import os
from pathlib import Path

import pytest

from maestrod.skills import reading
from maestrod.skills.catalogue import MOST, Catalogue, Scope, of_role, scopes, shipped
from maestrod.skills.reading import TEXT, Broken, files, read


def skill(root: Path, folder: str, *, name: str = "", about: str = "Does it well.", body: str = "Do it.") -> Path:
    place = root / folder
    place.mkdir(parents=True, exist_ok=True)
    (place / "SKILL.md").write_text(
        f"---\nname: {name or folder}\ndescription: {about}\n---\n\n{body}\n", encoding="utf-8"
    )
    return place


def view(*folders: Path) -> tuple[dict[str, str], list[str]]:
    found = Catalogue().look([Scope(folder.name, folder) for folder in folders])
    return {name: each.scope for name, each in found.skills.items()}, [t.message for t in found.troubles]


def test_what_is_shipped_can_be_read() -> None:
    found, troubles = view(shipped())
    assert found.keys() == {"maestro-cli", "maestro-worker", "maestro-orchestrator"}
    assert troubles == []
    for role in ("worker", "orchestrator"):
        assert set(of_role(role)) <= found.keys()


def test_both_forms_are_read(tmp_path: Path) -> None:
    skill(tmp_path, "one")
    older = tmp_path / "older"
    older.mkdir()
    (older / "manifest.json").write_text(
        json.dumps({"name": "two", "version": "1", "description": "D", "capabilities": ["x"]})
    )
    (older / "skill.md").write_text("Do that.")
    assert view(tmp_path) == ({"one": tmp_path.name, "two": tmp_path.name}, [])
    found = read(older, "x")
    assert (found.form, found.instructions, found.fields["capabilities"]) == ("manifest.json", "Do that.", ("x",))


def test_later_scopes_win(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for scope in (first, second):
        skill(scope, "shared")
    skill(first, "only")
    assert view(first, second, tmp_path / "missing") == ({"only": "first", "shared": "second"}, [])


def test_scopes_are_looked_at_in_their_order(tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    found = scopes({"HOME": str(home)}, str(project))
    assert [scope.name for scope in found] == [
        "shipped",
        "maestro",
        "claude",
        "agents",
        "project-claude",
        "project-agents",
    ]
    assert found[1].folder == home / ".agents-ui" / "maestro-skills"
    assert found[5].folder == project / ".agents" / "skills"
    assert scopes({"HOME": str(home), "SKILLS_DIR": "/opt/skills"})[1].folder == Path("/opt/skills")


def test_a_clash_within_a_scope_names_both_and_a_lower_scope_goes_on(tmp_path: Path) -> None:
    low, high = tmp_path / "low", tmp_path / "high"
    skill(low, "twin")
    one, two = skill(high, "a", name="twin"), skill(high, "b", name="twin")
    found, [message] = view(low, high)
    assert found == {"twin": "low"}
    assert str(one) in message
    assert str(two) in message


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"no head", "line 1"),
        (b"---\nname: x\n---\n", "'description' is missing"),
        (b"---\nname: ../x\ndescription: d\n---\n", "'name' must be"),
        (b"---\nname: a--b\ndescription: d\n---\n", "'name' must be"),
        (b"---\nname: " + b"x" * 65 + b"\ndescription: d\n---\n", "'name' must be"),
        (b"---\nname: x\ndescription: " + b"d" * 1_025 + b"\n---\n", "1025 characters"),
        (b"---\nname: [x]\ndescription: d\n---\n", "'name' is missing or no text"),
        (b"---\nname: x\ndescription: \xff\n---\n", "not UTF-8"),
        (b"---\nname: x\ndescription: d\n---\n" + b"x" * TEXT, "bytes"),
    ],
)
def test_a_broken_skill_says_what_is_wrong_and_where(tmp_path: Path, text: bytes, why: str) -> None:
    place = tmp_path / "x"
    place.mkdir()
    (place / "SKILL.md").write_bytes(text)
    with pytest.raises(Broken, match=str(place / "SKILL.md")) as refused:
        read(place, "here")
    assert why in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"name": 1}', "[" * 100_000, '{"name": "x", "description": "\\u0007"}']
)
def test_a_broken_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    (tmp_path / "skill.md").write_text("x")
    with pytest.raises(Broken):
        read(tmp_path, "here")


def test_links_are_not_followed_out_of_a_scope(tmp_path: Path) -> None:
    scope, outside = tmp_path / "scope", skill(tmp_path / "elsewhere", "secret")
    scope.mkdir()
    (scope / "linked").symlink_to(outside)
    mixed = scope / "mixed"
    mixed.mkdir()
    (mixed / "SKILL.md").symlink_to("/etc/passwd")
    inside = skill(scope, "real")
    (scope / "alias").symlink_to(inside)
    found, troubles = view(scope)
    assert "secret" not in found
    assert sum("leads out of" in message for message in troubles) == 2


def test_a_pipe_is_no_skill(tmp_path: Path) -> None:
    place = tmp_path / "pipe"
    place.mkdir()
    os.mkfifo(place / "SKILL.md")
    _, [message] = view(tmp_path)
    assert "no plain file" in message


def test_a_folder_that_breaks_keeps_what_was_good(tmp_path: Path) -> None:
    place = skill(tmp_path, "one", about="The first.")
    catalogue, wanted = Catalogue(), [Scope("here", tmp_path)]
    assert catalogue.look(wanted).skills["one"].description == "The first."
    (place / "SKILL.md").write_text("---\nname")
    assert catalogue.look(wanted).troubles == ()
    catalogue.changed([str(place / "SKILL.md")])
    broken = catalogue.look(wanted)
    assert broken.skills["one"].description == "The first."
    assert [(t.path, t.kept) for t in catalogue.troubles] == [(str(place), True)]
    skill(tmp_path, "one", about="The second.")
    catalogue.changed()
    assert catalogue.look(wanted).skills["one"].description == "The second."
    assert catalogue.troubles == ()


def test_a_scope_that_comes_and_goes_is_noticed(tmp_path: Path) -> None:
    scope = tmp_path / "skills"
    catalogue, wanted = Catalogue(), [Scope("here", scope)]
    assert catalogue.look(wanted).skills == {}
    skill(scope, "one")
    assert "one" in catalogue.look(wanted).skills
    assert catalogue.folders() == [scope, scope / "one"]


def test_very_many_folders_are_not_all_looked_at(tmp_path: Path) -> None:
    for number in range(MOST + 1):
        (tmp_path / f"f{number}").mkdir()
    _, [message] = view(tmp_path)
    assert str(MOST) in message


def test_a_skill_is_copied_whole_without_links_and_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = skill(tmp_path, "one")
    (place / "scripts").mkdir()
    (place / "scripts" / "run.sh").write_bytes(b"\x00echo")
    assert files(place).keys() == {"SKILL.md", "scripts/run.sh"}
    monkeypatch.setattr(reading, "FILES", 1)
    with pytest.raises(Broken, match="more than"):
        files(place)
    (place / "scripts" / "link").symlink_to("/etc")
    with pytest.raises(Broken, match="is a link"):
        files(place)
