"""What is kept among the user's own settings: only after a yes, never in place of another's, and taken back whole."""

import json
import subprocess
from pathlib import Path

import pytest

from maestro_cli import trust
from maestro_cli.consents import Consents
from maestrod.locations import locate
from maestrod.providers import claude, gemini
from tests.cli.program import Maestro, Said

CWD = "/srv/shop"


class User:
    """A person with a home, settings in it, and a Maestro."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.claude = folder / ".claude.json"
        self.extension = folder / ".gemini" / "extensions" / "maestro"
        self.environ = {"HOME": str(folder), "MAESTRO_HOME": str(folder / "maestro")}
        self.maestro = Maestro(folder / "maestro", cwd=folder, env=self.environ)
        self.consents = Consents(locate(self.environ), self.environ)

    def hooks(self, *words: str, env: dict[str, str] | None = None) -> Said:
        return self.maestro("agent", "hooks", *words, "--json", env=env)

    def standing(self, agent: str) -> tuple[str, str]:
        """What was said, and what is there."""
        found = self.hooks("status").data
        assert isinstance(found, list)
        [row] = [row for row in found if row["agent"] == agent]
        return row["answer"], row["state"]

    def launch(self, cwd: str = CWD) -> None:
        """What a launch of Claude Code does to the settings."""
        self.consents.apply("claude", claude.trust(cwd))

    def files(self) -> set[str]:
        """Everything outside of Maestro's own home."""
        places = [p for p in self.folder.rglob("*") if p.is_file() and self.folder / "maestro" not in p.parents]
        return {str(place.relative_to(self.folder)) for place in places}


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


# -- asking -------------------------------------------------------------------------------------------


def test_without_a_yes_nothing_is_touched(user: User) -> None:
    user.claude.write_text("{}")
    user.launch()
    user.consents.apply("gemini", None)
    assert user.claude.read_text() == "{}"
    assert user.files() == {".claude.json"}
    assert user.standing("claude") == ("not asked", "absent")
    assert user.standing("codex") == ("not asked", "not needed")


@pytest.mark.parametrize("agent", ["claude", "gemini"])
def test_where_nobody_can_be_asked_a_flag_must_say_yes(user: User, agent: str) -> None:
    said = user.hooks("install", agent)
    assert (said.code, said.error) == (2, "usage")
    assert f"maestro agent hooks install {agent} --yes" in str(said.document["suggestion"])
    assert user.files() == set()


@pytest.mark.parametrize("verb", [("install", "gemini", "--yes"), ("remove", "gemini")])
def test_an_agent_does_not_decide_about_the_settings_of_a_person(user: User, verb: tuple[str, ...]) -> None:
    said = user.hooks(*verb, env={"MAESTRO_SESSION_ID": "sess_1_a"})
    assert said.code == 4
    assert user.files() == set()


def test_what_was_answered_is_not_asked_again(user: User) -> None:
    user.claude.write_text("{}")
    assert user.consents.is_open("claude", CWD)
    assert user.consents.is_open("gemini", CWD)
    assert not user.consents.is_open("codex", CWD)
    user.consents.say("claude", agreed=False)
    user.hooks("install", "gemini", "--yes")
    assert not user.consents.is_open("claude", CWD)
    assert not user.consents.is_open("gemini", CWD)
    assert user.standing("claude") == ("declined", "absent")


def test_what_is_answered_already_or_has_no_place_is_not_asked(user: User) -> None:
    assert not user.consents.is_open("claude", CWD)  # it has never run here
    user.claude.write_text(json.dumps({"projects": {CWD: {"hasTrustDialogAccepted": True}}}))
    assert not user.consents.is_open("claude", CWD)
    assert user.consents.is_open("claude", "/srv/other")


# -- Claude's answer ----------------------------------------------------------------------------------


def test_after_a_yes_a_directory_is_trusted_and_what_was_there_is_kept_beside(user: User) -> None:
    user.claude.write_text('{"numStartups":1}')
    user.hooks("install", "claude", "--yes")
    assert user.claude.read_text() == '{"numStartups":1}'
    user.launch()
    user.launch("/srv/other")
    assert trust.is_granted(user.claude, claude.trust(CWD).keys)
    kept = user.folder / ".claude.json.before-maestro"
    assert kept.read_text() == '{"numStartups":1}'
    assert kept.stat().st_mode & 0o777 == 0o600
    assert user.standing("claude") == ("agreed", "installed")


def test_only_our_own_answers_are_taken_back(user: User) -> None:
    theirs = {"projects": {"/mine": {"hasTrustDialogAccepted": True}, CWD: {"lastCost": 1}}}
    user.claude.write_text(json.dumps(theirs))
    user.hooks("install", "claude", "--yes")
    for cwd in ("/mine", CWD, "/srv/other"):
        user.launch(cwd)
    assert user.hooks("remove", "claude").code == 0
    assert json.loads(user.claude.read_text()) == theirs
    assert user.files() == {".claude.json"}
    assert user.standing("claude") == ("declined", "absent")
    user.launch()
    assert json.loads(user.claude.read_text()) == theirs


def test_an_answer_that_was_changed_since_is_not_taken_back(user: User) -> None:
    user.claude.write_text("{}")
    user.hooks("install", "claude", "--yes")
    user.launch()
    user.claude.write_text('{"projects": {"/srv/shop": {"hasTrustDialogAccepted": false}}}')
    user.hooks("remove", "claude")
    assert user.claude.read_text() == '{"projects": {"/srv/shop": {"hasTrustDialogAccepted": false}}}'


@pytest.mark.parametrize("text", ['{"projects": {"/srv/sh', "[]", '{"a": 1, "a": 2}', '{"a": NaN}', '{"a": 1e999}'])
def test_settings_that_cannot_be_written_again_are_refused_without_change(user: User, text: str) -> None:
    user.claude.write_text(text)
    user.hooks("install", "claude", "--yes")
    user.launch()
    assert user.claude.read_text() == text
    assert user.hooks("remove", "claude").code == 0
    assert user.claude.read_text() == text
    assert user.files() == {".claude.json"}


def test_a_file_that_is_protected_or_no_file_at_all_is_left_alone(user: User) -> None:
    user.hooks("install", "claude", "--yes")
    user.claude.mkdir()
    user.launch()
    user.claude.rmdir()
    subprocess.run(["mkfifo", str(user.claude)], check=True)
    user.launch()  # nobody ever writes to it
    user.claude.unlink()
    user.claude.write_text("{}")
    user.claude.chmod(0o400)
    user.launch()
    assert user.claude.read_text() == "{}"


def test_a_record_of_ours_that_is_broken_counts_as_no_answer(user: User) -> None:
    user.claude.write_text("{}")
    (user.folder / "maestro" / "data").mkdir(parents=True)
    for text in ("", "{", '{"claude": 1}', "[]"):
        (user.folder / "maestro" / "data" / "agents.json").write_text(text)
        user.launch()
        assert user.standing("claude") == ("not asked", "absent")
    assert user.claude.read_text() == "{}"


# -- Gemini's extension -------------------------------------------------------------------------------


def test_the_extension_calls_maestro_in_its_own_windows_alone(user: User, tmp_path: Path) -> None:
    assert user.hooks("install", "gemini", "--yes").code == 0
    assert user.standing("gemini") == ("agreed", "installed")
    hooks = json.loads((user.extension / "hooks" / "hooks.json").read_text())["hooks"]
    assert set(hooks) == set(gemini.EVENTS)
    [command] = [hook["command"] for entry in hooks["AfterAgent"] for hook in entry["hooks"]]
    program = tmp_path / "with space" / "maestro"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    ran = {
        name: subprocess.run(["sh", "-c", command], env=env, capture_output=True, text=True, check=True).stdout
        for name, env in (("ours", {"MAESTRO_BIN": str(program)}), ("another", {"PATH": "/usr/bin:/bin"}))
    }
    assert ran == {"ours": "hook gemini AfterAgent\n", "another": ""}


def test_an_older_extension_of_ours_is_replaced_whole_and_a_half_written_one_as_well(user: User) -> None:
    user.hooks("install", "gemini", "--yes")
    (user.extension / "hooks" / "hooks.json").write_text('{"hooks": {"Sess')
    (user.extension / "left.txt").touch()
    assert user.standing("gemini") == ("agreed", "outdated")
    user.consents.apply("gemini", None)
    assert user.standing("gemini") == ("agreed", "installed")
    assert not (user.extension / "left.txt").exists()
    assert [p.name for p in user.extension.parent.iterdir()] == ["maestro"]


def test_an_extension_of_that_name_which_is_not_ours_stays(user: User) -> None:
    user.extension.mkdir(parents=True)
    (user.extension / "gemini-extension.json").write_text("{}")
    for verb in (("install", "gemini", "--yes"), ("remove", "gemini")):
        said = user.hooks(*verb)
        assert (said.code, said.error) == (6, "conflict")
    assert user.standing("gemini")[1] == "foreign"
    assert (user.extension / "gemini-extension.json").read_text() == "{}"


def test_a_link_in_its_place_is_not_followed(user: User) -> None:
    theirs = user.folder / "theirs"
    theirs.mkdir()
    (theirs / ".agent-maestro").touch()
    user.extension.parent.mkdir(parents=True)
    user.extension.symlink_to(theirs)
    assert user.hooks("remove", "gemini").code == 6
    assert [p.name for p in theirs.iterdir()] == [".agent-maestro"]


def test_removing_leaves_nothing_and_installs_no_more(user: User) -> None:
    user.hooks("install", "gemini", "--yes")
    assert user.hooks("remove", "gemini").code == 0
    assert user.files() == set()
    user.consents.apply("gemini", None)
    assert user.files() == set()
    assert user.hooks("remove", "gemini").code == 0
    assert user.standing("gemini") == ("declined", "absent")


def test_a_folder_that_cannot_be_written_is_said_so(user: User) -> None:
    (user.folder / ".gemini").write_text("a file")
    said = user.hooks("install", "gemini", "--yes")
    assert (said.code, said.error) == (1, "io_error")
    assert str(user.folder / ".gemini") in str(said.document["message"])
