"""Providers of one's own: what their files may say, what is made of it, and that the shipped examples work."""

import os
import time
from pathlib import Path

import pytest

from maestro_cli.own_providers import Providers
from maestrod.domain.model import Conversation, Effort, PermissionMode
from maestrod.providers import custom
from maestrod.providers.plan import LaunchPlan, Unfit
from maestrod.providers.registry import UnknownProvider
from tests.agents.manifests import CONVERSATION, FRESH, manifest
from tests.agents.test_providers import HOSTILE, PROMPT, SYSTEM, context
from tests.architecture.house import CHECKOUT
from tests.cli.program import Maestro

EXAMPLES = CHECKOUT / "contrib" / "providers"

WHOLE = """
start = [
  "own", "{mode}", "{model}", "{effort}", "--in={cwd}", "--system", "{system_file}", "--id={conversation}", "{prompt}"
]
resume = ["own", "--again", "{conversation}", "{prompt}"]
fork = ["own", "--copy", "{conversation}", "{prompt}"]
model = ["-m", "{model}"]
effort = ["--think={effort}"]
models = { opus = "big" }
env = { OWN_QUIET = "1" }
[modes]
acceptEdits = ["--edit"]
readOnly = []
"""


def planned(text: str, **changes: object) -> LaunchPlan:
    return custom.plan(custom.parse(text), "own", manifest(provider="own", **changes), context())


# -- what is made of a file ---------------------------------------------------------------------------


def test_each_place_is_filled_in_and_a_word_of_its_own_becomes_several_or_none() -> None:
    plan = planned(WHOLE, model="opus", effort=Effort.LOW)
    folder = "/home/user/data/sessions/s1"
    assert plan.argv == (
        *("/opt/bin/agent", "--edit", "-m", "big", "--think=low", "--in=/srv/shop"),
        *("--system", f"{folder}/system.md", f"--id={FRESH}", PROMPT),
    )
    assert (plan.env, plan.conversation_id, plan.notes) == ({"OWN_QUIET": "1"}, FRESH, ())
    assert {file.name: file.content for file in plan.files} == {"system.md": SYSTEM, "prompt.md": PROMPT}
    bare = planned(WHOLE, permission_mode=PermissionMode.READ_ONLY, model="small")
    assert bare.argv[1:4] == ("-m", "small", "--in=/srv/shop")


def test_who_it_is_goes_in_front_of_the_prompt_where_there_is_no_other_place() -> None:
    assert planned('start = ["own", "{prompt}"]').argv[1] == f"{SYSTEM}\n\n{PROMPT}"
    by_file = planned('start = ["own", "{prompt_file}"]')
    assert by_file.argv[1] == "/home/user/data/sessions/s1/prompt.md"
    assert by_file.files[1].content == f"{SYSTEM}\n\n{PROMPT}"


def test_it_is_resumed_and_forked_where_its_file_says_how() -> None:
    back = planned(WHOLE, resume=True, conversation_id=CONVERSATION)
    assert back.argv[1:] == ("--again", CONVERSATION, f"{SYSTEM}\n\n{PROMPT}")
    assert planned(WHOLE, resume=True).argv[1] == "--edit"
    copy = planned(WHOLE, fork_of=Conversation(id=CONVERSATION))
    assert copy.argv[1:3] == ("--copy", CONVERSATION)
    assert copy.conversation_id is None
    with pytest.raises(Unfit, match="no `fork`"):
        planned('start = ["own"]', fork_of=Conversation(id=CONVERSATION))


def test_it_never_gets_more_than_it_was_allowed() -> None:
    with pytest.raises(Unfit, match="no permission mode interactive; it has acceptEdits, readOnly"):
        planned(WHOLE, permission_mode=PermissionMode.INTERACTIVE)
    with pytest.raises(Unfit, match="it has acceptEdits"):
        planned('start = ["own"]', permission_mode=PermissionMode.READ_ONLY)


def test_what_it_has_no_word_for_is_said() -> None:
    notes = planned('start = ["own"]', model="opus", effort=Effort.LOW).notes
    assert [note.split(":")[0] for note in notes] == ["own has no word for model", "own has no word for effort"]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:24]))
def test_hostile_text_stays_one_argument(text: str) -> None:
    for name in (text, "{model} {prompt} {mode}"):
        argv = planned('start = ["own", "{name}", "{model}"]\nmodel = ["-m", "{model}"]', name=name, model=text).argv
        assert argv == ("/opt/bin/agent", name, "-m", text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "start"),
        ("start = []", "first word"),
        ('start = [""]', "first word"),
        ('start = ["{prompt}"]', "first word"),
        ('start = "own --prompt {prompt}"', "array"),
        ('start = ["own", "{promt}"]', "there is no {promt}; there are conversation, cwd"),
        ('start = ["own", "-m{model}"]', "a word of its own"),
        ('start = ["own", "{model}"]\nmodel = ["-m"]', "none of its words"),
        ('start = ["own"]\nshell = true', "shell"),
        ('start = ["own"]\n[modes]\nyolo = []', "yolo"),
        ('start = ["own"]\n[env]\nN = 1', "env"),
        ('start = ["own"', "Unclosed"),
        ("start = [" + '"x", ' * 101 + "]", "100"),
        ("x" * (custom.SIZE + 1), "larger"),
        ("a = " + "[" * 5_000, ""),
    ],
)
def test_a_file_that_cannot_be_used_says_where(text: str, why: str) -> None:
    with pytest.raises(custom.BadProvider) as refused:
        custom.parse(text)
    assert why in str(refused.value)


# -- where files are ----------------------------------------------------------------------------------


def test_files_that_cannot_be_used_harm_no_others(tmp_path: Path) -> None:
    folder = tmp_path / "providers"
    (folder / "dir.toml").mkdir(parents=True)
    for name, text in {"own": WHOLE, "claude": WHOLE, "Bad Name": WHOLE, "half": 'start = ["x'}.items():
        (folder / f"{name}.toml").write_text(text)
    (folder / "binary.toml").write_bytes(b"\xff\x00")
    os.mkfifo(folder / "pipe.toml")
    found = Providers(tmp_path)
    assert list(found.all()) == ["claude", "codex", "gemini", "own"]
    assert {Path(path).stem for path in found.troubles} == {"dir", "claude", "Bad Name", "half", "binary", "pipe"}
    with pytest.raises(UnknownProvider, match=r"half\.toml: "):
        found.get("half")
    with pytest.raises(UnknownProvider, match="there are claude, codex, gemini, own"):
        found.get("other")


# -- the shipped examples -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("mode", PermissionMode)
def test_an_example_is_sound(path: Path, mode: PermissionMode) -> None:
    found = custom.parse(path.read_text())
    told = manifest(provider=path.stem, permission_mode=mode, model="own/model")
    if mode in (found.modes or (PermissionMode.ACCEPT_EDITS,)):
        assert custom.plan(found, path.stem, told, context()).argv
    else:
        with pytest.raises(Unfit):
            custom.plan(found, path.stem, told, context())


# -- what there is ------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path) -> Maestro:
    (tmp_path / "bin").mkdir()
    env = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", "MAESTRO_NO_AUTOSTART": "1"}
    return Maestro(tmp_path, cwd=tmp_path, env=env)


def program(here: Maestro, name: str, does: str) -> None:
    place = here.home / "bin" / name
    place.write_text(f"#!/bin/sh\n{does}\n")
    place.chmod(0o755)


def listed(here: Maestro, **env: str) -> dict[str, dict[str, object]]:
    found = here("agent", "list", "--json", env=env or None).data
    assert isinstance(found, list)
    return {row["name"]: row for row in found}


def test_programs_that_hang_fail_or_never_stop_are_listed_all_the_same(here: Maestro) -> None:
    program(here, "claude", "sleep 600 & sleep 600")
    program(here, "codex", "yes codex-cli")
    program(here, "gemini", "echo no; exit 3")
    own = here.home / "config" / "providers"
    own.mkdir(parents=True)
    (own / "own.toml").write_text('start = ["own"]\ntitle = "Mine"')
    (own / "half.toml").write_text("start")
    program(here, "own", 'sleep 600 & printf "own\\033[2J 1.2\\nmore\\n"')
    begun = time.monotonic()
    said = here("agent", "list", "--json")
    assert time.monotonic() - begun < 20
    assert "half.toml" in said.err
    rows = said.data
    assert isinstance(rows, list)
    assert [(row["name"], row["installed"], row["version"]) for row in rows] == [
        *(("claude", True, None), ("codex", True, None), ("gemini", True, None)),
        ("own", True, "own[2J 1.2"),
    ]


def test_whether_an_agent_is_logged_in_is_told_by_what_lies_here(here: Maestro) -> None:
    states = {name: row["login"] for name, row in listed(here).items()}
    assert states == {"claude": "no", "codex": "no", "gemini": "no"}
    files = {".claude/.credentials.json": "{", ".codex/auth.json": '{"tokens": null}', ".gemini/oauth_creds.json": "[]"}
    for name, text in files.items():
        (here.home / name).parent.mkdir()
        (here.home / name).write_text(text)
    assert {name: row["login"] for name, row in listed(here).items()} == states
    for name in files:
        (here.home / name).write_text('{"token": "abc"}')
    assert {row["login"] for row in listed(here).values()} == {"yes"}


def test_a_key_in_the_environment_is_a_login_and_is_not_shown(here: Maestro) -> None:
    said = here("agent", "list", "--json", env={"GEMINI_API_KEY": "a-secret", "CLAUDE_CODE_USE_BEDROCK": "1"})
    assert isinstance(said.data, list)
    assert [row["login"] for row in said.data] == ["unknown", "no", "yes"]
    assert "a-secret" not in said.out + said.err
