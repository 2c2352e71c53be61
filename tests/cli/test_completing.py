"""Lines are completed: by the table, by what the daemon knows, and in the shells themselves."""

import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_cli import candidates, completing
from maestro_cli.verbs import GLOBALS, NOUNS, VERBS
from maestrod.domain import labels, model, tables
from tests.cli.program import SCRIPT, Maestro

SHELLS = ("bash", "zsh", "fish")


def offered(maestro: Maestro, *line: str, shell: str = "fish", env: dict[str, str] | None = None) -> dict[str, str]:
    """What may stand in the place of the last word, each with what it is."""
    said = maestro("__complete", shell, *line, env=env)
    assert (said.code, said.err) == (0, "")
    return dict(row.partition("\t")[::2] for row in said.out.splitlines())


# -- by the table -------------------------------------------------------------------------------------


def test_every_command_is_offered_word_by_word() -> None:
    for row in VERBS:
        words = row[0].split()
        for place, word in enumerate(words):
            assert word in dict(completing.candidates([*words[:place], word[:1]], {})), row[0]
            assert word in dict(completing.candidates([*words[:place], ""], {})), row[0]


def test_every_word_that_is_offered_leads_to_a_command() -> None:
    names = {row[0] for row in VERBS}
    for noun in ("", *(name for name, _ in NOUNS)):
        for word, about in completing.candidates([*noun.split(), ""], {}):
            whole = f"{noun} {word}".strip()
            assert any(name == whole or name.startswith(f"{whole} ") for name in names), whole
            assert about, whole


@pytest.mark.parametrize("row", VERBS, ids=lambda row: row[0])
def test_every_option_is_offered_with_what_it_is_for(row: tuple[str, ...]) -> None:
    if any(param[1] == "rest" for param in row[4]):
        return
    found = dict(completing.candidates([*row[0].split(), "-"], {}))
    own = {param[0] for param in row[4]}
    for param in (*row[4], *(param for param in GLOBALS if param[0] not in own)):
        first = param[0].partition("|")[0]
        if first.startswith("-"):
            assert found[first] == param[3]


def test_choices_are_offered_in_each_way_to_write_them() -> None:
    assert "high" in dict(completing.candidates(["task", "create", "x", "--priority", ""], {}))
    assert "--priority=high" in dict(completing.candidates(["task", "create", "x", "--priority=h"], {}))
    assert "todo,blocked" in dict(completing.candidates(["task", "list", "-s", "todo,b"], {}))
    assert "todo,todo" not in dict(completing.candidates(["task", "list", "-s", "todo,"], {}))


def test_what_was_given_is_not_offered_again() -> None:
    again = dict(completing.candidates(["task", "create", "--priority", "low", "--label", "x", "-"], {}))
    assert "--priority" not in again
    assert "--label" in again


@pytest.mark.parametrize(
    "line",
    [
        ["nonsense", ""],
        ["task", "nonsense", ""],
        ["task", "list", "--nonsense", "x", ""],
        ["task", "create", ""],
        ["task", "list", "--nonsense=x"],
        ["task", "list", "--", "-"],
    ],
)
def test_where_nothing_is_known_nothing_is_offered(line: list[str]) -> None:
    assert [value for value, _ in completing.candidates(line, {}) if not value.startswith("--")] == []


@pytest.mark.parametrize(
    "line", [["init", ""], ["task", "batch", ""], ["task", "docs", "add", "x", "y", "--file", "n"]]
)
def test_files_are_left_to_the_shell(line: list[str]) -> None:
    assert completing.told("bash", line, {}) == [completing.FILES]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (["task", "list", "--status", "=", "to"], ["todo"]),
        (["task", "list", "--status", "="], ["todo", "in_progress"]),
        (["task", "list", "--status=todo,in_r"], ["todo,in_review"]),
    ],
)
def test_bash_gets_what_follows_where_it_breaks_words(line: list[str], found: list[str]) -> None:
    told = completing.told("bash", line, {"COMP_TYPE": "9"})
    whole = [f"--status={value}" for value in found] if "=" in line[-1] and len(line[-1]) > 1 else found
    assert [row.split()[0] for row in told][: len(found)] == whole


def test_bash_shows_descriptions_only_where_it_shows_a_list() -> None:
    assert all("(" in row for row in completing.told("bash", ["task", ""], {"COMP_TYPE": "63"}))
    assert all("(" not in row for row in completing.told("bash", ["task", ""], {"COMP_TYPE": "37"}))
    assert completing.told("bash", ["task", "unb"], {"COMP_TYPE": "9"}) == ["unblock"]


@given(st.lists(st.text(max_size=12), max_size=6), st.sampled_from(SHELLS))
def test_no_line_at_all_breaks_it(line: list[str], shell: str) -> None:
    environ = {"MAESTRO_HOME": "/nowhere/at/all", "MAESTRO_TIMEOUT": "0.01"}
    assert completing.main([shell, *line], environ) == 0


@given(st.text(max_size=30))
def test_names_are_those_that_the_daemon_takes(title: str) -> None:
    assert candidates.slug(title) == labels.slug(title)


# -- by what there is ---------------------------------------------------------------------------------


def test_the_states_of_a_command_are_those_it_leads_on_from() -> None:
    moves = {"start": "in_progress", "complete": "completed", "review": "in_review", "block": "blocked"}
    moves |= {"cancel": "cancelled", "archive": "archived"}
    for verb, status in moves.items():
        to = model.TaskStatus(status)
        able = {str(s) for s, targets in tables.TASK.items() if to in targets}
        assert set(candidates.STATUSES[f"task {verb}"].split(",")) <= able, verb
    words = {row[0] for row in VERBS}
    assert set(candidates.STATUSES) | set(candidates.SESSIONS) <= words
    statuses = {str(status) for status in model.TaskStatus}
    assert {one for value in candidates.STATUSES.values() for one in value.split(",")} <= statuses


def test_tasks_are_offered_by_id_and_by_name(maestro: Maestro) -> None:
    one = maestro.id("task", "create", "Fix the flaky login", "--priority", "high")
    two = maestro.id("task", "create", "Write it")
    found = offered(maestro, "task", "get", "")
    assert found == {one[-5:]: "Fix the flaky login  todo, high", two[-5:]: "Write it  todo, medium"}
    assert offered(maestro, "task", "get", "fix-f") == {"fix-flaky-login": "Fix the flaky login  todo, high"}
    assert list(offered(maestro, "task", "get", one[-5:-2])) == [one[-5:]]
    assert list(offered(maestro, "task", "get", one[:-3])) == [one]
    assert maestro("task", "get", "fix-flaky-login").code == 0
    assert offered(maestro, "session", "spawn", "--task", f"{one[-5:]},wr") == {
        f"{one[-5:]},write-it": "Write it  todo, medium"
    }


def test_only_what_makes_sense_is_offered(maestro: Maestro, tmp_path: Path) -> None:
    one, two = maestro.id("task", "create", "One"), maestro.id("task", "create", "Two")
    maestro.ok("task", "start", one)
    maestro.ok("task", "complete", two)
    assert list(offered(maestro, "task", "block", "")) == [one[-5:]]
    assert list(offered(maestro, "task", "reopen", "")) == [two[-5:]]
    assert len(offered(maestro, "task", "get", "")) == 2
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    maestro.ok("project", "create", f"Elsewhere {tmp_path.name}", "--dir", str(elsewhere))
    assert offered(maestro, "task", "get", "", env={"PWD": str(elsewhere)}) != {}
    assert offered(maestro, "--project", f"elsewhere-{tmp_path.name}", "task", "get", "") == {}


def test_everything_that_has_an_id_is_offered(maestro: Maestro, tmp_path: Path) -> None:
    task = maestro.id("task", "create", "One")
    step = maestro.id("subtask", "create", task, "A step")
    doc = maestro.id("task", "docs", "add", task, "Notes", "--content", "x")
    spawned = maestro.ok("session", "spawn", "--task", task, "--strategy", "queue", "--no-launch", "--name", "Ann")
    assert isinstance(spawned, dict)
    session = spawned["session"]["id"]
    mail = maestro.ok("mail", "send", session, "hello", "--subject", "Greeting")
    assert isinstance(mail, dict)
    maestro.id("key", "create", f"key {tmp_path.name}")
    own = {"MAESTRO_SESSION_ID": session, "MAESTRO_TASK_IDS": task}
    assert offered(maestro, "session", "info", "") == {session[-5:]: "Ann  spawning, no agent"}
    assert offered(maestro, "session", "resume", "") == {}
    assert list(offered(maestro, "session", "info", "an")) == ["ann"]
    assert offered(maestro, "mail", "reply", "") == {mail["id"][-5:]: "Greeting  notification"}
    assert list(offered(maestro, "subtask", "complete", "", env=own)) == [step[-5:]]
    assert offered(maestro, "subtask", "reopen", "", env=own) == {}
    assert offered(maestro, "doc", "get", "", env=own) == {doc[-5:]: "Notes  note"}
    assert len(offered(maestro, "queue", "skip", "", env=own)) == 1
    assert f"key {tmp_path.name}" in offered(maestro, "key", "revoke", "").values()
    assert any(about.startswith(tmp_path.name) for about in offered(maestro, "project", "get", "").values())
    assert offered(maestro, "template", "get", "")
    assert "maestro-worker" in offered(maestro, "skill", "info", "maestro-w")
    assert "codex" in offered(maestro, "session", "spawn", "--provider", "")


def test_a_title_cannot_harm_the_line(maestro: Maestro) -> None:
    maestro.ok("task", "create", "evil [31m $(touch x) `y` 'z")
    for shell in SHELLS:
        said = maestro("__complete", shell, "task", "get", "")
        assert "\x1b" not in said.out
        said = maestro("__complete", shell, "task", "get", "evil")
        assert said.out.split("\t")[0].split()[0].startswith("evil-31m-touch-x-y-z")


def test_without_a_daemon_it_is_silent_and_starts_none(alone: Maestro) -> None:
    for line in (["task", "get", ""], ["mail", "send", "x"], ["--server", "nonsense://", "task", "get", ""]):
        said = alone("__complete", "zsh", *line, env={"MAESTRO_NO_AUTOSTART": "0"})
        assert (said.code, said.out, said.err) == (0, "", "")
    assert not (alone.home / "run").exists()
    assert "--status" in offered(alone, "task", "list", "--")


# -- in the shells ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_put_where_the_shell_looks(alone: Maestro, shell: str) -> None:
    shown = alone("completion", shell).out
    data = alone.ok("completion", shell, "--install")
    assert isinstance(data, dict)
    assert Path(data["place"]).is_relative_to(alone.home)
    assert Path(data["place"]).read_text() == shown
    assert alone.ok("completion", env={"SHELL": f"/bin/{shell}"}) == {"shell": shell, "script": shown}


def test_a_shell_that_is_not_known_is_asked_for(alone: Maestro) -> None:
    assert alone("completion", env={"SHELL": "/bin/csh"}).code == 2
    assert alone("completion", "csh").code == 2


def ran(maestro: Maestro, shell: str, script: str) -> str:
    """What a real shell says."""
    if shutil.which(shell) is None or not SCRIPT.exists():
        pytest.skip(f"there is no {shell} here")
    environ = maestro.env | {"PATH": f"{SCRIPT.parent}{os.pathsep}{maestro.env['PATH']}", "TERM": "xterm"}
    done = subprocess.run(
        [shell, "-c", script], env=environ, cwd=maestro.cwd, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


BASH = """
source <(maestro completion bash)
tried() {
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9
    _maestro maestro "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    printf '%s\\n' "${COMPREPLY[@]}"
}
"""


def test_bash_completes(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "Fix the flaky login")
    (maestro.cwd / "a file").write_text("")
    assert ran(maestro, "bash", f"{BASH} tried maestro task get fi") == "fix-flaky-login\n"
    assert ran(maestro, "bash", f"{BASH} tried maestro task get ''") == f"{task[-5:]}\n"
    assert ran(maestro, "bash", f"{BASH} tried maestro task list --status = bl") == "blocked\n"
    assert "list " in ran(maestro, "bash", f"{BASH} tried maestro task ''")
    assert ran(maestro, "bash", f"{BASH} tried maestro task batch a") == "a file\n"
    assert ran(maestro, "bash", f"{BASH} tried maestro nonsense ''") == "\n"
    assert ran(maestro, "bash", "source <(maestro completion bash); complete -p maestro").endswith("maestro\n")


def test_fish_completes(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "Fix the flaky login")
    (maestro.cwd / "afile").write_text("")
    script = "maestro completion fish | source; complete -C "
    assert ran(maestro, "fish", f"{script} 'maestro task get fi'") == (
        "fix-flaky-login\tFix the flaky login  todo, medium\n"
    )
    assert ran(maestro, "fish", f"{script} 'maestro task get '").startswith(task[-5:])
    assert "--status=blocked" in ran(maestro, "fish", f"{script} 'maestro task list --status=bl'")
    assert "afile" in ran(maestro, "fish", f"{script} 'maestro task batch a'")
    assert "project\t" in ran(maestro, "fish", f"{script} 'maestro '")


def test_zsh_completes(maestro: Maestro) -> None:
    if shutil.which("zsh") is None or not SCRIPT.exists():
        pytest.skip("there is no zsh here")
    task = maestro.id("task", "create", "Fix the flaky login")
    assert "maestro task get fix-flaky-login" in typed(maestro, "maestro task get fi\t", "flaky-login")
    assert f"maestro task get {task[-5:]}" in typed(maestro, "maestro task get \t", task[-5:])
    assert "Tick an item." in typed(maestro, "maestro subtask \t\t", "Tick an item.")


def typed(maestro: Maestro, keys: str, until: str) -> str:
    """What a zsh in a terminal shows when these keys are pressed, to where that stands in it."""
    environ = maestro.env | {"PATH": f"{SCRIPT.parent}{os.pathsep}{maestro.env['PATH']}", "TERM": "dumb"}
    begin = "PS1='> '; autoload -U compinit; compinit -u -D; source <(maestro completion zsh); echo re''ady\n"
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["zsh", "-f", "-i"],
        env=environ,
        cwd=maestro.cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    try:
        for sent, awaited in ((begin, "ready"), (keys, until)):
            os.write(ours, sent.encode())
            while awaited not in shown.decode("utf-8", "replace"):
                shown += os.read(ours, 65536)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return shown.decode("utf-8", "replace")
