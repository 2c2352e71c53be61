"""The settings as people see and change them."""

import stat
from pathlib import Path

import pytest

from maestrod.settings import Settings, described
from tests.cli.program import SCRIPT, Maestro
from tests.support.daemon import daemon
from tests.support.eventually import eventually
from tests.support.terminal import Terminal


def file_of(maestro: Maestro) -> Path:
    return maestro.home / "config" / "config.toml"


def written(maestro: Maestro, text: str) -> Path:
    file = file_of(maestro)
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def shown(maestro: Maestro, *words: str, env: dict[str, str] | None = None) -> dict[str, dict[str, object]]:
    data = maestro.ok("config", "show", *words, env=env)
    assert isinstance(data, list)
    return {each["name"]: each for each in data}


def test_every_setting_is_shown_with_its_sentence_value_and_origin(alone: Maestro) -> None:
    written(alone, 'log = "warning"\nlisten = ""\n')
    found = shown(alone, env={"MAESTRO_IDLE_END_S": "3"})
    assert list(found) == list(Settings.__struct_fields__)
    assert all(str(each["sentence"]).endswith(".") and each["takes"] for each in found.values())
    assert (found["log"]["value"], found["log"]["origin"], found["log"]["default"]) == ("warning", "file", "info")
    assert (found["idle_end_s"]["value"], found["idle_end_s"]["origin"]) == (3, "environment")
    assert (found["lease_s"]["value"], found["lease_s"]["origin"]) == (900, "default")
    assert list(shown(alone, "--changed")) == ["log", "listen"]
    lines = alone("config", "show", env={"MAESTRO_IDLE_END_S": "3"}).out.splitlines()
    assert any(line.split()[:3] == ["idle_end_s", "3", "MAESTRO_IDLE_END_S"] for line in lines)


def test_a_setting_of_each_kind_says_what_it_takes() -> None:
    takes = {each.name: each.takes for each in described()}
    assert takes["durability"] == "always | batch | os"
    assert takes["idle_end_s"] == "number, 0 to 3,600"
    assert takes["stream_clients"] == "whole number, 1 or more"
    assert (takes["behind_proxy"], takes["listen"]) == ("true | false", "text")


def test_a_value_is_set_privately_and_read_back(alone: Maestro) -> None:
    assert alone.ok("config", "set", "idle_end_s", "30") == {
        "name": "idle_end_s",
        "value": 30,
        "path": str(file_of(alone)),
        "changed": True,
        "restart": False,
    }
    assert alone("config", "get", "MAESTRO_IDLE-END-S").out == "30\n"
    assert stat.S_IMODE(file_of(alone).stat().st_mode) == 0o600
    assert alone.ok("config", "path") == {"path": str(file_of(alone)), "exists": True}
    again = alone.ok("config", "set", "idle_end_s", "30")
    assert isinstance(again, dict)
    assert again["changed"] is False


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "log = 'x'\n"),
        ("# mine\nlease_s = 20", "# mine\nlease_s = 20\nlog = 'x'\n"),
        ("log = 'info' # why\nlease_s = 20\n", "log = 'x' # why\nlease_s = 20\n"),
        ("'log'='info'\n", "'log' = 'x'\n"),
        ("lease_s = 20\n\n# of the table\n[other]\nlog = 'theirs'\n", None),
        ("listen = 'a#b' # c\nlog='info'#d\n", "listen = 'a#b' # c\nlog = 'x'#d\n"),
    ],
)
def test_one_line_changes_and_the_rest_stays(alone: Maestro, before: str, after: str | None) -> None:
    after = after or "lease_s = 20\nlog = 'x'\n\n# of the table\n[other]\nlog = 'theirs'\n"
    file = written(alone, before)
    assert alone("config", "set", "log", "debug").code == 0
    assert file.read_text() == after.replace("'x'", '"debug"')
    assert alone("config", "set", "log", "--default").code == 0
    assert "debug" not in file.read_text()
    assert alone("config", "get", "log").out == "info\n"


def test_a_value_over_several_lines_is_left_to_the_person(alone: Maestro) -> None:
    text = 'listen = """\n127.0.0.1:1\n"""\n'
    file = written(alone, text)
    for words in (("listen", "127.0.0.1:2"), ("listen", "--default")):
        refused = alone("config", "set", *words, "--json")
        assert (refused.code, refused.error) == (2, "validation_error")
        assert file.read_text() == text


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("log", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("idle_end_s", "4000", "3600"),
        ("stream_clients", "many", "integer"),
        ("behind_proxy", "perhaps", "boolean"),
    ],
)
def test_a_wrong_value_is_refused_with_what_it_takes(alone: Maestro, name: str, value: str, said: str) -> None:
    refused = alone("config", "set", name, value, "--json")
    assert (refused.code, refused.error) == (2, "validation_error")
    assert said in str(refused.document["message"])
    assert str(refused.document["suggestion"]).startswith("It takes: ")
    assert not file_of(alone).exists()


def test_a_file_that_the_daemon_would_refuse_is_not_written_until_it_is_mended(alone: Maestro) -> None:
    file = written(alone, "lease_s = 0\n")
    refused = alone("config", "set", "log", "debug", "--json")
    assert (refused.code, refused.error) == (2, "validation_error")
    assert f"{file}:1: lease_s" in str(refused.document["message"])
    assert file.read_text() == "lease_s = 0\n"
    assert alone("config", "set", "lease_s", "20").code == 0
    assert alone("config", "set", "log", "debug").code == 0


def test_an_unknown_name_is_answered_with_the_nearest(alone: Maestro) -> None:
    refused = alone("config", "set", "idle_ends", "3", "--json")
    assert (refused.code, refused.document["suggestion"]) == (2, "Did you mean: maestro config set idle_end_s VALUE")
    assert alone("config", "get", "qqq").code == 2
    assert alone("config", "set", "log").code == 2
    assert alone("config", "set", "log", "info", "--default").code == 2


def test_values_of_names_that_are_no_settings_are_not_shown(alone: Maestro) -> None:
    written(alone, "lease_s = 20\nlease_ss = 'hunter2'\n[api_key]\nx = 'hunter2'\n")
    said = alone("config", "show")
    assert "hunter2" not in said.out + said.err
    assert f"{file_of(alone)}:2: there is no setting lease_ss; did you mean lease_s?" in said.err
    assert f"{file_of(alone)}:3: there is no setting api_key" in said.err


@pytest.mark.parametrize(
    ("text", "line"), [("lease_s = 20\nlog = 'loud'\n", ":2: log"), ("a =\n", "line 1"), ("\xff", "")]
)
def test_a_broken_file_is_named_with_its_line_and_can_be_edited(alone: Maestro, text: str, line: str) -> None:
    file = written(alone, "")
    file.write_bytes(text.encode("latin-1"))
    for words in (("show",), ("get", "log")):
        refused = alone("config", *words, "--json")
        assert (refused.code, refused.error) == (2, "validation_error")
        assert str(file) in str(refused.document["message"])
        assert line in str(refused.document["message"])
        assert "maestro config edit" in str(refused.document["suggestion"])


def test_a_file_that_is_a_link_stays_one(alone: Maestro, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.toml"
    kept.write_text("# kept\n")
    file_of(alone).parent.mkdir()
    file_of(alone).symlink_to(kept)
    assert alone("config", "set", "log", "debug").code == 0
    assert file_of(alone).is_symlink()
    assert kept.read_text() == '# kept\nlog = "debug"\n'


def test_a_variable_that_wins_and_a_daemon_that_runs_on_are_told_of() -> None:
    with daemon() as running:
        maestro = Maestro(running.home, env={"MAESTRO_NO_AUTOSTART": "1"})
        said = maestro("config", "set", "lease_s", "20", env={"MAESTRO_LEASE_S": "30"})
        assert (said.code, said.out) == (0, "lease_s = 20\n")
        assert "MAESTRO_LEASE_S is set here and wins" in said.err
        assert "maestro daemon restart" in said.err


def test_an_agent_may_look_and_not_change(alone: Maestro) -> None:
    pane = {"MAESTRO_SESSION_ID": "sess_1"}
    for words in (("set", "log", "debug"), ("edit",)):
        refused = alone("config", *words, "--json", env=pane)
        assert (refused.code, refused.error) == (4, "forbidden")
    assert alone("config", "get", "log", env=pane).code == 0


def editor(place: Path, script: str) -> dict[str, str]:
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o700)
    return {"VISUAL": f"{place} --wait", "EDITOR": "/nonexistent"}


def test_edit_begins_with_every_setting_and_takes_over_what_fits(alone: Maestro, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    env = editor(tmp_path / "editor", f'cp "$2" {seen}; echo "lease_s = 20" >> "$2"')
    assert alone("config", "edit", env=env).out == f"written: {file_of(alone)}\n"
    assert [name for name in Settings.__struct_fields__ if f"\n# {name} = " not in seen.read_text()] == []
    assert alone("config", "get", "lease_s").out == "20\n"
    assert alone("config", "edit", env={"EDITOR": "true"}).out == f"not changed: {file_of(alone)}\n"
    assert [each.name for each in (alone.home / "config").iterdir()] == ["config.toml"]


def test_edit_leaves_the_file_when_the_daemon_would_refuse_it(alone: Maestro, tmp_path: Path) -> None:
    file = written(alone, "lease_s = 20\n")
    env = editor(tmp_path / "editor", 'echo "lease_s = 0" > "$2"')
    refused = alone("config", "edit", "--json", env=env)
    assert (refused.code, refused.error) == (2, "validation_error")
    assert f"{file}:1: lease_s" in str(refused.document["message"])
    assert file.read_text() == "lease_s = 20\n"
    assert alone("config", "edit", env={"EDITOR": "false"}).code == 1
    assert alone("config", "edit", env={"EDITOR": "/nonexistent"}).code == 2
    assert [each.name for each in file.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(("answer", "kept"), [("n", "lease_s = 20\n"), ("y", "lease_s = 40\n")])
def test_edit_offers_the_way_on_and_the_way_back(alone: Maestro, tmp_path: Path, answer: str, kept: str) -> None:
    file = written(alone, "lease_s = 20\n")
    once = tmp_path / "once"
    script = f'if [ -e {once} ]; then echo "lease_s = 40" > "$2"; else touch {once}; echo "lease_s = 0" > "$2"; fi'
    env = alone.env | editor(tmp_path / "editor", script)
    with Terminal([str(SCRIPT), "config", "edit"], env=env, cwd=tmp_path) as terminal:
        eventually(lambda: "Edit it again?" in terminal.text)
        terminal.type(f"{answer}\n")
        assert terminal.ended() == (0 if answer == "y" else 2)
    assert file.read_text() == kept
