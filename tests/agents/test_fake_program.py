"""The fake without a terminal: versions, results, refusals, stand-ins for PATH."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import maestro_cli
from maestro_cli.fake.arguments import FaceName
from tests.agents.fake_run import FakeRun, Home, home_of

FACES = ("claude", "codex", "gemini", "plain")
UUID = "22222222-2222-4222-8222-222222222222"


def run(home: Home, argv: Sequence[str], *, stdin: bytes = b"") -> tuple[int, str, str]:
    done = subprocess.run(
        argv, input=stdin, capture_output=True, env=home.env(), cwd=home.work, timeout=20, check=False
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize(
    ("face", "line"),
    [
        ("claude", "2.1.329 (Claude Code)"),
        ("codex", "codex-cli 0.169.0"),
        ("gemini", "0.61.0"),
        ("plain", "plain 1.0.0"),
    ],
)
def test_the_version_has_the_provider_s_shape(face: FaceName, line: str) -> None:
    with home_of(face) as home:
        assert run(home, home.argv("--version")) == (0, f"{line}\n", "")
        assert home.log() == []


@pytest.mark.parametrize(
    ("face", "words", "lines"),
    [
        ("claude", ["-p"], ["finished"]),
        ("codex", ["exec"], ["finished"]),
        ("gemini", ["-p"], ["finished"]),
        ("plain", [], ["$ echo hi > f.txt", "exit 0", "finished", "done in 0s"]),
    ],
)
def test_a_prompt_without_a_terminal_prints_its_result(face: FaceName, words: list[str], lines: list[str]) -> None:
    with home_of(face) as home:
        code, out, err = run(home, home.argv(*home.options(), *words, "RUN: echo hi > f.txt\nSAY: finished"))
        assert (code, out.splitlines()[-len(lines) :], err) == (0, lines, "")
        assert (home.work / "f.txt").read_text() == "hi\n"
        ends = [event for event in home.events() if event == "SessionEnd"]
        assert ends == (["SessionEnd"] if face != "plain" else [])


def test_results_come_as_json_too() -> None:
    with home_of("claude") as home:
        _, out, _ = run(home, home.argv("-p", "--output-format", "json", "SAY: x"))
        result = json.loads(out)
        assert (result["result"], result["usage"]["input_tokens"], result["is_error"]) == ("x", 1000, False)
        _, out, _ = run(home, home.argv("-p", "--output-format", "stream-json", "--verbose", "SAY: x"))
        assert [json.loads(line)["type"] for line in out.splitlines()] == ["system", "assistant", "result"]
    with home_of("codex") as home:
        _, out, _ = run(home, home.argv("exec", "--json", "SAY: x"))
        assert json.loads(out.splitlines()[-1])["usage"]["output_tokens"] == 42
    with home_of("gemini") as home:
        _, out, _ = run(home, home.argv("-o", "json", "-p", "SAY: x"))
        assert json.loads(out)["response"] == "x"


@pytest.mark.parametrize(("face", "words"), [("claude", ["-p"]), ("codex", ["exec"]), ("gemini", ["-p"])])
def test_an_api_error_without_a_terminal_is_exit_1(face: FaceName, words: list[str]) -> None:
    with home_of(face) as home:
        assert run(home, home.argv(*words, "HTTP: 400 broken"))[:2] == (1, "API Error: 400 broken\n")


def test_nobody_can_be_asked_without_a_terminal() -> None:
    with home_of("claude") as home:
        code, _, _ = run(home, home.argv("-p", "PERMISSION: touch made\nASK: go on?\nSAY: end"))
        assert code == 0
        assert not (home.work / "made").exists()


@pytest.mark.parametrize("face", FACES)
def test_the_prompt_may_come_from_standard_input(face: FaceName) -> None:
    with home_of(face) as home:
        code, out, _ = run(home, home.argv(), stdin="SAY: heard é".encode())
        assert code == 0
        assert "heard é" in out.splitlines()
        assert home.log("prompt")[0]["text"] == "SAY: heard é"


def test_without_any_prompt_it_refuses() -> None:
    with home_of("claude") as home:
        code, out, err = run(home, home.argv("-p"))
        assert (code, out) == (1, "")
        assert err.startswith("Error: Input must be provided")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"SAY: x\nSLEEP: soon\n", "line 2: SLEEP: needs seconds"),
        (b"DANCE:\n", "line 1: unknown directive DANCE:"),
        (b"SAY: x\n\xff\n", "line 2: is not UTF-8"),
        (b"SAY: x", None),
        (None, "No such file or directory"),
    ],
)
def test_a_broken_script_is_exit_2_and_names_the_line(text: bytes | None, words: str | None) -> None:
    with home_of("claude") as home:
        script = home.folder / "script"
        if text is not None:
            script.write_bytes(text)
        code, _, err = run(home, home.argv("-p", "x", before=["--script", str(script)]))
        assert code == (0 if words is None else 2)
        if words:
            assert err.startswith(f"maestro agent fake: script {script}: {words}")
            assert err.count("\n") == 1


def test_a_wrong_call_is_exit_2_with_the_usage() -> None:
    with home_of("plain") as home:
        code, out, err = run(home, [sys.executable, "-P", "-m", "maestro_cli.fake", "--as", "copilot"])
        assert (code, out) == (2, "")
        assert "must be claude, codex, gemini or plain" in err
        assert "usage: maestro agent fake" in err


def test_a_log_that_cannot_be_written_is_told() -> None:
    with home_of("claude") as home:
        home.log_path = home.folder / "no" / "log"
        code, _, err = run(home, home.argv("-p", "SAY: x"))
        assert code == 2
        assert "No such file" in err


@pytest.mark.parametrize(("settings", "words"), [("/no/file", "Settings file not found"), ("{", "Invalid JSON")])
def test_claude_refuses_broken_settings(settings: str, words: str) -> None:
    with home_of("claude") as home:
        code, _, err = run(home, home.argv("-p", "--settings", settings, "x"))
        assert code == 1
        assert words in err


def test_an_id_can_be_used_once() -> None:
    with home_of("claude") as home:
        assert run(home, home.argv("-p", "--session-id", UUID, "SAY: x"))[0] == 0
        code, _, err = run(home, home.argv("-p", "--session-id", UUID, "SAY: x"))
        assert (code, err) == (1, f"Error: Session ID {UUID} is already in use.\n")
        assert run(home, home.argv("-p", "--resume", UUID, "SAY: x"))[0] == 0
        assert run(home, home.argv("-p", "--session-id", "../../x", "SAY: x"))[0] == 1


@pytest.mark.parametrize(
    ("face", "words", "code"),
    [
        ("claude", ["-p", "--resume", UUID], 1),
        ("codex", ["exec", "resume", UUID], 0),
        ("codex", ["resume", UUID], 1),
        ("gemini", ["--resume", UUID, "-p", "x"], 42),
        ("gemini", ["--resume", "../../*", "-p", "x"], 42),
    ],
)
def test_an_unknown_conversation_is_refused(face: FaceName, words: list[str], code: int) -> None:
    with home_of(face) as home:
        assert run(home, home.argv(*words, "SAY: x"))[0] == code


@pytest.mark.skipif(os.geteuid() != 0, reason="root only")
def test_claude_refuses_to_skip_permissions_as_root() -> None:
    with home_of("claude") as home:
        words = ["-p", "--dangerously-skip-permissions", "PERMISSION: touch made"]
        code, _, err = run(home, home.argv(*words))
        assert code == 1
        assert "cannot be used with root" in err
        home.extra["IS_SANDBOX"] = "1"
        assert run(home, home.argv(*words))[0] == 0
        assert (home.work / "made").exists()


def test_the_log_holds_what_was_asked_of_it() -> None:
    with home_of("claude") as home:
        system = home.folder / "system.md"
        system.write_text("You are a worker.")
        words = ["-p", "--append-system-prompt-file", str(system), "--brand-new", "7", "--session-id", UUID, "hello"]
        assert run(home, home.argv(*words))[:2] == (0, "OK: hello\n")
        start = home.log("start")[0]
        assert start["argv"] == words
        assert start["unknown"] == ["--brand-new", "7"]
        assert start["system"] == ["You are a worker."]
        assert start["sessionId"] == UUID
        assert [entry["event"] for entry in home.log()] == ["start", "prompt", "idle", "exit"]


def test_stand_ins_run_from_anywhere() -> None:
    with home_of("claude") as home:
        folder = home.folder / "a bin"
        code, out, _ = run(home, [sys.executable, "-P", "-m", "maestro_cli.fake", "--install", str(folder)])
        assert code == 0
        assert out.splitlines() == [str(folder / name) for name in ("claude", "codex", "gemini")]
        (home.work / "json.py").write_text("raise SystemExit('a module of the working directory was imported')")
        (home.work / "maestro_cli").mkdir()
        env = {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(home.folder), "MAESTRO_FAKE_LOG": str(home.log_path)}
        for argv, line in (
            (["claude", "--version"], "2.1.329 (Claude Code)"),
            (["codex", "exec", "SAY: from codex"], "from codex"),
            (["gemini", "-p", "SAY: it's $HOME"], "it's $HOME"),
        ):
            done = subprocess.run(argv, env=env, cwd=home.work, capture_output=True, text=True, timeout=20, check=False)
            assert (done.returncode, done.stdout, done.stderr) == (0, f"{line}\n", "")
        assert [entry["as"] for entry in home.log("start")] == ["codex", "gemini"]


def test_stand_ins_are_found_by_a_pane() -> None:
    with home_of("codex") as home:
        folder = home.folder / "bin"
        assert run(home, [sys.executable, "-P", "-m", "maestro_cli.fake", "--install", str(folder)])[0] == 0
        shown = FakeRun(home, [str(folder / "codex"), "SAY: in a pane"])
        try:
            shown.says("in a pane")
        finally:
            shown.close()


def test_codex_tells_the_hashes_of_its_hooks() -> None:
    with home_of("codex") as home:
        asked = b'{"id":1,"method":"initialize"}\nnonsense\n{"method":"initialized"}\n'
        asked += b'{"id":2,"method":"hooks/list","params":{"cwds":["/x"]}}\n{"id":3,"method":"dance"}\n'
        code, out, _ = run(home, home.argv(*home.options(), "app-server"), stdin=asked)
        first, listed, refused = [json.loads(line) for line in out.splitlines()]
        assert (code, first["id"], refused["error"]["code"]) == (0, 1, -32601)
        (data,) = listed["result"]["data"]
        assert data["cwd"] == "/x"
        assert data["hooks"][1]["key"] == "/<session-flags>/config.toml:user_prompt_submit:1:0"
        state = ",".join(f'"{h["key"]}"={{trusted_hash="{h["currentHash"]}"}}' for h in data["hooks"])
        words = [word for word in home.options() if word != "--dangerously-bypass-hook-trust"]
        run(home, home.argv(*words, "exec", "SAY: x"))
        assert home.events() == []
        run(home, home.argv(*words, "-c", f"hooks.state={{{state}}}", "exec", "SAY: x"))
        assert home.events() == ["SessionStart", "UserPromptSubmit", "Stop", "SessionEnd"]


def test_it_starts_with_the_standard_library_alone() -> None:
    code = (
        "import sys; import maestro_cli.fake; known = set(sys.stdlib_module_names); "
        "print([m for m in sys.modules if m.partition('.')[0] not in known and not m.startswith('__')"
        " and not m.startswith('maestro_cli.fake') and m != 'maestro_cli'])"
    )
    with home_of("plain") as home:
        installed = str(Path(maestro_cli.__file__).resolve().parents[1])
        done = subprocess.run(
            [sys.executable, "-S", "-P", "-c", code],
            env={"PYTHONPATH": installed},
            capture_output=True,
            text=True,
            cwd=home.work,
            timeout=20,
            check=False,
        )
        assert (done.stdout, done.stderr) == ("[]\n", "")
