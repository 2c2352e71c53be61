"""The fake in a terminal: hooks and their order, dialogs, interruptions, errors, pastes, ends."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from maestro_cli.fake.arguments import FaceName
from tests.agents.fake_run import FakeRun, fake, home_of, milliseconds, read_lines, running

AGENTS = ("claude", "codex", "gemini")

_C = ("session_id", "transcript_path", "cwd")
_CT = (*_C, "prompt_id", "permission_mode", "hook_event_name")
_X = ("session_id", "turn_id", "transcript_path", "cwd", "hook_event_name", "model", "permission_mode")
_G = (*_C, "hook_event_name", "timestamp")

ONE_TOOL = {
    "claude": [
        ("SessionStart", (*_C, "hook_event_name", "source", "model", "session_title")),
        ("UserPromptSubmit", (*_CT, "prompt", "session_title")),
        ("PreToolUse", (*_CT, "tool_name", "tool_input", "tool_use_id")),
        ("PermissionRequest", (*_CT, "tool_name", "tool_input", "permission_suggestions")),
        ("PostToolUse", (*_CT, "tool_name", "tool_input", "tool_response", "tool_use_id", "duration_ms")),
        ("PostToolBatch", (*_CT, "tool_calls")),
        ("Stop", (*_CT, "stop_hook_active", "last_assistant_message", "background_tasks", "session_crons")),
        ("SessionEnd", (*_C, "prompt_id", "hook_event_name", "reason")),
    ],
    "codex": [
        ("SessionStart", (*_C, "hook_event_name", "model", "permission_mode", "source")),
        ("UserPromptSubmit", (*_X, "prompt")),
        ("PreToolUse", (*_X, "tool_name", "tool_input", "tool_use_id")),
        ("PermissionRequest", (*_X, "tool_name", "tool_input")),
        ("PostToolUse", (*_X, "tool_name", "tool_input", "tool_response", "tool_use_id")),
        ("Stop", (*_X, "stop_hook_active", "last_assistant_message")),
        ("SessionEnd", (*_C, "hook_event_name", "reason")),
    ],
    "gemini": [
        ("SessionStart", (*_G, "source")),
        ("BeforeAgent", (*_G, "prompt")),
        ("PreCompress", (*_G, "trigger")),
        ("BeforeTool", (*_G, "tool_name", "tool_input")),
        ("Notification", (*_G, "notification_type", "message", "details")),
        ("AfterTool", (*_G, "tool_name", "tool_input", "tool_response")),
        ("PreCompress", (*_G, "trigger")),
        ("AfterAgent", (*_G, "prompt", "prompt_response", "stop_hook_active")),
        ("SessionEnd", (*_G, "reason")),
        ("SessionEnd", (*_G, "reason")),
    ],
}
ASKS = {"claude": "Do you want to proceed?", "codex": "Would you like to run", "gemini": "Allow execution of [Shell]?"}
ENDS = {"claude": "Stop", "codex": "Stop", "gemini": "AfterAgent"}
PROMPTS = {"claude": "UserPromptSubmit", "codex": "UserPromptSubmit", "gemini": "BeforeAgent"}
IDLE = {"claude": "? for shortcuts", "codex": "Ask Codex", "gemini": "Type your message"}
RESUME = {"claude": "claude --resume ", "codex": "  codex resume ", "gemini": "gemini --resume "}


def quit_politely(run: FakeRun) -> int:
    run.send("/quit")
    run.sees("/quit")
    run.send("\r")
    return run.ended()


@pytest.mark.parametrize("face", AGENTS)
def test_a_turn_with_one_granted_tool_calls_the_hooks_in_order(face: FaceName) -> None:
    prompt = "Please:\nPERMISSION: echo ran > made.txt; cat made.txt\nSAY: all good"
    name = ["-n", "a1"] if face == "claude" else []
    with fake(face, prompt, *name) as run:
        run.sees(ASKS[face])
        run.send("1")
        run.called(ENDS[face])
        assert (run.home.work / "made.txt").read_text() == "ran\n"
        run.says("all good")
        assert quit_politely(run) == 0
        assert RESUME[face] in run.text
        payloads = run.home.hooks()
        # Claude's keys are in the order of its JSON; the order of keys is not promised, their set is.
        assert [(p["hook_event_name"], set(p)) for p in payloads] == [(e, set(keys)) for e, keys in ONE_TOOL[face]]
        assert [list(p) for p in payloads] == [list(keys) for _, keys in ONE_TOOL[face]]
        assert len({p["session_id"] for p in payloads}) == 1
        submitted = next(p for p in payloads if p["hook_event_name"] == PROMPTS[face])
        assert submitted["prompt"] == prompt
        assert run.home.prompts() == [prompt]


@pytest.mark.parametrize(("face", "begun"), [("claude", True), ("codex", False), ("gemini", True)])
def test_codex_s_conversation_begins_with_the_first_prompt(face: FaceName, begun: bool) -> None:
    with fake(face) as run:
        run.sees(IDLE[face])
        if begun:
            run.called("SessionStart")
        assert ("SessionStart" in run.home.events()) is begun
        milliseconds(70)
        run.send("SAY: hello\r")
        run.called(ENDS[face])
        assert run.home.events().count("SessionStart") == 1


@pytest.mark.parametrize("face", AGENTS)
def test_a_granted_permission_has_no_hook_of_its_own(face: FaceName, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with fake(face, f"PERMISSION: while [ ! -e {gate} ]; do sleep 0.02; done") as run:
        run.sees(ASKS[face])
        run.until(lambda: run.home.events()[-1] in ("PermissionRequest", "Notification"))
        before = len(run.home.events())
        run.send("\r")
        run.logged("permission")
        assert len(run.home.events()) == before
        gate.touch()
        run.called(ENDS[face])


@pytest.mark.parametrize(("face", "hooks"), [("claude", []), ("codex", ["Interrupt"]), ("gemini", ["AfterAgent"])])
@pytest.mark.parametrize("key", ["\x1b", "3"])
def test_a_refused_permission_runs_nothing_and_ends_the_turn(face: FaceName, hooks: list[str], key: str) -> None:
    with fake(face, "PERMISSION: touch made.txt\nSAY: never") as run:
        run.sees(ASKS[face])
        run.until(lambda: run.home.events()[-1] in ("PermissionRequest", "Notification"))
        asked = run.home.events()
        run.send(key)
        run.logged("refused")
        run.until(lambda: run.home.events() == asked + hooks)
        assert not (run.home.work / "made.txt").exists()
        assert "never" not in run.text.partition("SAY: never")[2]


@pytest.mark.parametrize(
    ("face", "hooks", "words"),
    [
        ("claude", [], "Interrupted · What should Claude do instead?"),
        ("codex", ["Interrupt"], "■ Conversation interrupted"),
        ("gemini", ["AfterAgent"], "Request cancelled."),
    ],
)
def test_escape_stops_a_turn_and_its_command(face: FaceName, hooks: list[str], words: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with fake(face, f"SAY: begun\nRUN: touch {mark}; sleep 60; touch {mark}2\nSAY: never") as run:
        run.until(mark.exists)
        before = run.home.events()
        run.send("\x1b")
        run.sees(words)
        run.logged("interrupt")
        run.until(lambda: run.home.events() == before + hooks)
        seen = len(run.text)
        run.sees(IDLE[face], since=seen - 3000)
        if face == "gemini":
            assert run.home.hooks()[-1]["prompt_response"] == "[no response text]"
        run.send("SAY: next\r")
        run.called(ENDS[face], 1 if face != "gemini" else 2)


def test_escape_before_the_first_word_puts_claude_s_prompt_back() -> None:
    with fake("claude", "SLEEP: 60\nSAY: never") as run:
        run.called("UserPromptSubmit")
        run.sees("esc to interrupt")
        run.send("\x1b")
        run.logged("interrupt")
        run.paste("HTTP: 400")
        run.send("\r")
        run.logged("prompt", 2)
        assert run.home.prompts()[1] == "SLEEP: 60\nSAY: neverHTTP: 400"


@pytest.mark.parametrize("face", AGENTS)
def test_ctrl_c_stops_a_turn_and_twice_ends_the_program(face: FaceName) -> None:
    with fake(face, "SAY: begun\nSLEEP: 60") as run:
        run.says("begun")
        run.called(PROMPTS[face])
        run.send("\x03")
        run.logged("idle")
        run.send("draft")
        run.sees("draft")
        run.send("\x03\x03")
        run.sees("Press Ctrl-C again to exit")
        run.send("\x03")
        assert run.ended() == 0
        assert run.home.events()[-1] == "SessionEnd"


@pytest.mark.parametrize(
    ("face", "hooks", "words"),
    [
        ("claude", ["StopFailure"], "● API Error: 400 no such model"),
        ("codex", [], '■ {"error": {"message": "no such model"'),
        ("gemini", ["AfterAgent"], '✕ [API Error: {"error":{"code":400,"message":"no such model"'),
    ],
)
def test_an_api_error_ends_the_turn(face: FaceName, hooks: list[str], words: str) -> None:
    with fake(face, "HTTP: 400 no such model\nSAY: never") as run:
        run.sees(words)
        run.until(lambda: [e for e in run.home.events() if e not in ("SessionStart", "PreCompress")][1:] == hooks)
        assert run.alive()


def test_claude_tries_an_overloaded_model_again() -> None:
    with fake("claude", "HTTP: 529 Overloaded", env={"MAESTRO_FAKE_PACE": "0.2"}) as run:
        run.sees("529 Overloaded · retrying in 1s · attempt 2/10")
        run.called("StopFailure")
        failure = run.home.hooks()[-1]
        assert failure["error"] == "server_error"
        assert str(failure["last_assistant_message"]).startswith("API Error: Repeated 529")


def test_claude_s_question_is_answered_by_a_key() -> None:
    with fake("claude", "ASK: Which one? | red | blue\nSAY: thanks") as run:
        run.sees("Enter to select")
        run.called("PermissionRequest")
        run.send("\x1b[B\r")
        run.called("Stop")
        post = next(p for p in run.home.hooks() if p["hook_event_name"] == "PostToolUse")
        assert post["tool_name"] == "AskUserQuestion"
        response = post["tool_response"]
        assert isinstance(response, dict)
        assert response["answers"] == {"Which one?": "blue"}


def test_codex_shows_no_dialog_for_a_question() -> None:
    with fake("codex", "ASK: Which one? | red | blue\nSAY: thanks") as run:
        run.called("Stop")
        assert run.home.events() == ["SessionStart", "UserPromptSubmit", "PreToolUse", "Stop"]


def test_claude_notices_that_nobody_answers() -> None:
    with fake("claude", "PERMISSION: true", env={"MAESTRO_FAKE_PACE": "0.01"}) as run:
        run.called("Notification")
        assert run.home.hooks()[-1]["notification_type"] == "permission_prompt"
        run.send("\r")
        run.called("Notification", 2)
        assert run.home.hooks()[-1]["notification_type"] == "idle_prompt"


@pytest.mark.parametrize("face", AGENTS)
@pytest.mark.parametrize("pause_ms", [0, 150])
def test_sixty_pasted_lines_and_an_enter(face: FaceName, pause_ms: int) -> None:
    text = "\n".join(f"line {n} of a long message" for n in range(60))
    with fake(face, "SAY: first") as run:
        run.called(ENDS[face])
        run.sees(IDLE[face])
        begun = len(run.text)
        run.paste(text, then="" if pause_ms else "\r")
        milliseconds(pause_ms)
        run.send("\r" if pause_ms else "")
        if face == "gemini" and pause_ms == 0:
            run.sees("[Pasted Text: 61 lines]", since=begun)
            assert len(run.home.prompts()) == 1
            milliseconds(70)
            run.send("\r")
            assert run.logged("prompt", 2)[1]["text"] == text + "\n"
        else:
            assert run.logged("prompt", 2)[1]["text"] == text
        run.called(ENDS[face], 2)
        handed = next(str(p["prompt"]) for p in reversed(run.home.hooks()) if p["hook_event_name"] == PROMPTS[face])
        assert handed.startswith("<pasted_content id=") if face == "claude" else handed == text
        assert text in handed


def test_a_prompt_typed_during_a_turn_waits_for_its_turn() -> None:
    with fake("claude", "WAIT: go\nSAY: first") as run:
        run.called("UserPromptSubmit")
        run.send("SAY: second\r")
        run.called("UserPromptSubmit", 2)
        run.sees("Queued · ctrl+x ctrl+s to send now")
        (run.home.work / "go").touch()
        run.called("Stop", 2)
        assert run.home.events() == ["SessionStart", *["UserPromptSubmit"] * 2, *["Stop"] * 2]
        first, second, stop, again = run.home.hooks()[1:]
        assert first["prompt_id"] == second["prompt_id"] == stop["prompt_id"] != again["prompt_id"]
        assert [entry["source"] for entry in run.home.log("prompt")] == ["argument", "queued"]


@pytest.mark.parametrize("face", AGENTS)
def test_a_hostile_prompt_of_300_kb_is_taken_whole(face: FaceName) -> None:
    text = "begin \x1b]2;evil\x07\x1b[2J\x00\x03\x7f\u202e日本 " + "x" * 300_000 + "\nSAY: lived"
    with fake(face, "SAY: first") as run:
        run.called(ENDS[face])
        run.paste(text)
        milliseconds(80)
        run.send("\r")
        run.called(ENDS[face], 2)
        assert run.home.prompts()[1] == text
        assert "evil" not in run.titles
        assert run.raw.count(b"\x00") == 0


def test_undecodable_arguments_are_made_sound() -> None:
    with home_of("claude") as home, running(home, ["--", "SAY: a\udcff\udce9b"]) as run:
        run.called("Stop")
        assert home.hooks()[1]["prompt"] == "SAY: a\ufffd\ufffdb"


@pytest.mark.parametrize(("script", "code"), [("CRASH: 7", 7), ("CRASH:", 3), ("KILL:", -9), ("EXIT: 5", 5)])
def test_it_ends_as_the_script_says(script: str, code: int) -> None:
    with fake("claude", script) as run:
        assert run.ended() == code
        ended = run.home.events()[-1] == "SessionEnd"
        assert ended is (script == "EXIT: 5")
        left = list((run.home.folder / ".claude" / "sessions").glob("*.json"))
        assert bool(left) is (script != "EXIT: 5")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_gemini_ignores_term_and_hup(number: signal.Signals) -> None:
    with fake("gemini", "WAIT: go\nSAY: lived") as run:
        run.called("BeforeAgent")
        run.signal(number)
        (run.home.work / "go").touch()
        run.called("AfterAgent")
        run.signal(number)
        assert quit_politely(run) == 0


def test_claude_says_goodbye_on_term_and_exits_143() -> None:
    with fake("claude", "RUN: sleep 60") as run:
        run.called("PreToolUse")
        run.signal(signal.SIGTERM)
        assert run.ended() == 143
        assert run.home.hooks()[-1]["reason"] == "other"
        assert not list((run.home.folder / ".claude" / "sessions").glob("*"))


@pytest.mark.parametrize("face", ["codex", "plain"])
def test_codex_dies_of_term_without_a_word(face: FaceName) -> None:
    with fake(face, "SAY: begun\nSLEEP: 60") as run:
        run.says("begun")
        run.signal(signal.SIGTERM)
        assert run.ended() == -signal.SIGTERM
        assert "SessionEnd" not in run.home.events()


def test_a_script_can_ignore_term() -> None:
    with fake("claude", "IGNORE_TERM:\nSAY: deaf\nWAIT: go") as run:
        run.says("deaf")
        run.signal(signal.SIGTERM)
        (run.home.work / "go").touch()
        run.called("Stop")


def test_a_hanging_agent_hears_nothing_but_signals() -> None:
    with fake("claude", "SAY: now\nHANG:") as run:
        run.says("now")
        run.called("UserPromptSubmit")
        run.send("\x1b/exit\r\x03\x03")
        run.signal(signal.SIGTERM)
        assert run.ended() == 143
        assert run.home.log("interrupt") == []


def test_trust_comes_before_everything_and_enter_leaves() -> None:
    with home_of("claude") as home:
        script = home.folder / "script"
        script.write_text("TRUST:\nSAY: trusted\n")
        with running(home, ["--", "go"], before=["--script", str(script)]) as run:
            run.sees("Accessing workspace:")
            assert (home.events(), run.titles) == ([], [])
            run.send("\r")
            assert run.ended() == 1
        with running(home, ["--", "go"], before=["--script", str(script)]) as run:
            run.sees("❯ No, exit")
            run.send("\x1b[B\r")
            run.sees("trusted")
            run.called("SessionStart")


def test_codex_asks_to_review_hooks_that_nobody_trusts() -> None:
    with home_of("codex") as home:
        words = [word for word in home.options() if word != "--dangerously-bypass-hook-trust"]
        for key, events in (("3", []), ("2", ["SessionStart", "UserPromptSubmit", "Stop"])):
            run = FakeRun(home, home.argv(*words, "SAY: done"))
            try:
                run.sees("Hooks need review")
                run.send(key)
                run.sees("• done")
                run.sees("Worked for")
                assert home.events() == events
            finally:
                run.close()


def test_each_turn_of_a_script_answers_one_prompt() -> None:
    with home_of("gemini") as home:
        home.extra["MAESTRO_FAKE_SCRIPT"] = str(home.folder / "no such script")
        home.extra["MAESTRO_FAKE_SCRIPT_GEMINI"] = str(home.folder / "script")
        (home.folder / "script").write_text("SAY: one\nTURN:\nSAY: two\n")
        with running(home, ["-i", "SAY: not me"]) as run:
            run.called("AfterAgent")
            run.send("again\r")
            run.called("AfterAgent", 2)
            run.send("SAY: from the prompt\r")
            run.called("AfterAgent", 3)
            run.send("hello   there\r")
            run.called("AfterAgent", 4)
            told = [p["prompt_response"] for p in home.hooks() if p["hook_event_name"] == "AfterAgent"]
            assert told == ["one ", "two ", "from the prompt ", "OK: hello there "]


def test_the_default_work_goes_through_maestro_and_survives_its_failures() -> None:
    with home_of("codex") as home:
        maestro = home.folder / "bin" / "maestro"
        maestro.parent.mkdir()
        maestro.write_text('#!/bin/sh\necho "$MAESTRO_SESSION_ID $*" >> "$HOME/calls"\n[ "$2" != start ] || exit 6\n')
        maestro.chmod(0o755)
        home.extra |= {"MAESTRO_BIN": str(maestro), "MAESTRO_SESSION_ID": "ses_1", "MAESTRO_TASK_IDS": "T1,T2"}
        with running(home, ["Work on it, please."]) as run:
            run.called("Stop")
            calls = (home.folder / "calls").read_text().splitlines()
            assert calls == [
                f"ses_1 {line}"
                for task in ("T1", "T2")
                for line in (
                    f"task start {task}",
                    f"report progress working on it --task {task}",
                    f"task complete {task}",
                )
            ]
            assert [entry["exit"] for entry in home.log("run")] == [6, 0, 0, 6, 0, 0]
            assert run.text.count("failed with exit code 6") >= 2


def test_the_queue_is_walked_until_code_9() -> None:
    with home_of("claude") as home:
        maestro = home.folder / "maestro"
        maestro.write_text(
            '#!/bin/sh\necho "$*" >> "$HOME/calls"\n[ "$(grep -c start "$HOME/calls")" -lt 3 ] || exit 9\n'
        )
        maestro.chmod(0o755)
        home.extra |= {
            "PATH": f"{home.folder}:/usr/bin:/bin",
            "MAESTRO_SESSION_ID": "ses_1",
            "MAESTRO_STRATEGY": "queue",
        }
        with running(home, ["--", "Work."]) as run:
            run.sees("The queue is empty.")
            assert (home.folder / "calls").read_text().split("\n")[:-1] == [
                *["queue start --fail-empty", "queue complete"] * 2,
                "queue start --fail-empty",
            ]


@pytest.mark.parametrize("face", AGENTS)
def test_a_conversation_is_resumed_with_its_id_and_transcript(face: FaceName) -> None:
    with home_of(face) as home:
        with running(home, home.opening("SAY: one")) as run:
            run.called(ENDS[face])
            assert quit_politely(run) == 0
        first = home.log("start")[0]
        session_id = str(first["sessionId"])
        words = ["resume", session_id] if face == "codex" else ["--resume", session_id]
        with running(home, [*words, *home.opening("SAY: two")]) as run:
            run.called(ENDS[face], 2)
        starts = [p for p in home.hooks() if p["hook_event_name"] == "SessionStart"]
        assert [p["source"] for p in starts] == ["startup", "resume"]
        assert {p["session_id"] for p in home.hooks()} == {session_id}
        assert home.hooks()[-1]["transcript_path"] == home.hooks()[0]["transcript_path"]


@pytest.mark.parametrize("face", AGENTS)
def test_the_transcript_counts_what_was_spent(face: FaceName) -> None:
    with fake(face, "SAY: first\nRUN: echo out\nSAY: last") as run:
        run.called(ENDS[face])
        path = Path(str(run.home.hooks()[-1]["transcript_path"]))
        assert path.is_relative_to(run.home.folder / f".{face}")
        lines = read_lines(path)
        assert quit_politely(run) == 0
        spent = SPENT[face](lines)
        assert spent == (2000, 84)
        if face == "claude":
            assert read_lines(path)[-1]["type"] == "cost-state"


def _claude_spent(lines: list[dict[str, Any]]) -> tuple[int, int]:
    messages = [line["message"] for line in lines if line["type"] == "assistant"]
    usage = {message["id"]: message["usage"] for message in messages}
    return sum(u["input_tokens"] for u in usage.values()), sum(u["output_tokens"] for u in usage.values())


def _codex_spent(lines: list[dict[str, Any]]) -> tuple[int, int]:
    assert [line["ordinal"] for line in lines] == list(range(len(lines)))
    payloads = [line["payload"] for line in lines]
    kinds = [p["type"] for p in payloads if "type" in p]
    assert (kinds.index("task_started"), kinds[-1]) == (0, "task_complete")
    (total,) = [p["info"]["total_token_usage"] for p in payloads if p.get("type") == "token_count"][-1:]
    return total["input_tokens"], total["output_tokens"]


def _gemini_spent(lines: list[dict[str, Any]]) -> tuple[int, int]:
    assert {"sessionId", "projectHash", "startTime"} <= set(lines[0])
    tokens = [line["tokens"] for line in lines if line.get("type") == "gemini"]
    return sum(t["input"] for t in tokens), sum(t["output"] for t in tokens)


SPENT = {"claude": _claude_spent, "codex": _codex_spent, "gemini": _gemini_spent}


def test_claude_s_status_file_follows_the_turn() -> None:
    with fake("claude", "PERMISSION: true\nASK: go on?\nWAIT: go") as run:
        path = run.home.folder / ".claude" / "sessions" / f"{run.pid}.json"

        def state() -> tuple[str, str]:
            facts = json.loads(path.read_text())
            assert facts["pid"] == run.pid
            return facts["status"], facts.get("waitingFor", "")

        run.sees(ASKS["claude"])
        run.until(lambda: state() == ("waiting", "permission prompt"))
        run.send("\r")
        run.until(lambda: state() == ("waiting", "input needed"))
        run.send("1")
        run.until(lambda: state() == ("busy", ""))
        (run.home.work / "go").touch()
        run.until(lambda: state() == ("idle", ""))
        assert quit_politely(run) == 0
        assert not path.exists()


def test_a_background_task_is_named_at_the_end_of_the_turn() -> None:
    with fake("claude", "BACKGROUND: dev server\nSAY: it runs") as run:
        run.called("Stop")
        tasks = run.home.hooks()[-1]["background_tasks"]
        assert isinstance(tasks, list)
        assert [task["description"] for task in tasks] == ["dev server"]


def test_a_hook_can_block_a_tool_and_make_the_agent_go_on() -> None:
    with home_of("claude") as home:
        hooks = {
            "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "echo no >&2; exit 2"}]}],
            "Stop": [{"hooks": [{"type": "command", "command": BLOCK_ONCE}]}],
            "UserPromptSubmit": [{"matcher": "", "hooks": [{"type": "command", "command": "echo mail waits"}]}],
            "SessionStart": [{"matcher": "resume", "hooks": [{"type": "command", "command": "touch wrong"}]}],
        }
        settings = home.folder / "settings.json"
        settings.write_text(json.dumps({"hooks": hooks}))
        run = FakeRun(home, home.argv("--settings", str(settings), "--", "RUN: touch made"))
        try:
            run.sees("going on as told")
            run.sees("Baked for")
            assert "A hook blocked it: no" in run.text
            assert sorted(p.name for p in home.work.iterdir()) == ["once"]
            assert home.log("context")[0]["text"] == "mail waits"
        finally:
            run.close()


BLOCK_ONCE = """[ -e once ] && exit 0; touch once; echo '{"decision":"block","reason":"SAY: going on as told"}'"""


def test_a_hook_that_hangs_is_given_up() -> None:
    with home_of("gemini") as home:
        home.options()
        path = home.folder / ".gemini" / "extensions" / "maestro" / "hooks" / "hooks.json"
        hook = {"type": "command", "command": "sleep 60", "timeout": 100}
        path.write_text(json.dumps({"hooks": {"BeforeAgent": [{"hooks": [hook]}]}}))
        run = FakeRun(home, home.argv("-i", "SAY: went on"))
        try:
            run.sees("✦ went on")
            assert home.log("hook")[0]["timedOut"] is True
        finally:
            run.close()


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"hooks": 3}', '{"hooks": {"SessionStart": [1, {"hooks": "x"}]}}', "\x00"]
)
def test_a_broken_extension_does_no_harm(text: str) -> None:
    with home_of("gemini") as home:
        home.options()
        (home.folder / ".gemini" / "extensions" / "maestro" / "hooks" / "hooks.json").write_text(text)
        run = FakeRun(home, home.argv("-i", "EXIT:"))
        try:
            assert run.ended() == 0
            assert home.hooks() == []
        finally:
            run.close()


def test_a_large_output_is_cut_and_the_agent_goes_on() -> None:
    with fake("claude", "RUN: yes | head -c 3000000\nRUN: (sleep 60 &) ; echo quick\nSAY: end") as run:
        run.called("Stop")
        assert len(str(run.home.log("run")[0]["output"])) <= 4000
        assert run.home.log("run")[1]["exit"] == 0


def test_a_missing_command_is_told_not_died_of() -> None:
    with fake("plain", "RUN: /no/such/program\nSAY: end") as run:
        run.sees("exit 127")
        run.sees("failed with exit code 127; I go on.")
        run.sees("ready>")


def test_slow_lines_come_one_after_the_other() -> None:
    with fake("codex", "SPINNER: Counting\nSLOW: 3 0.01\nSLEEP: 0.2") as run:
        run.sees("line 3 of 3")
        run.sees("Counting (0s • esc to interrupt)")
        run.called("Stop")


def test_an_unknown_slash_word_is_no_prompt() -> None:
    with fake("claude", "SAY: first") as run:
        run.called("Stop")
        run.send("/compact now\r")
        run.sees("Unknown command: /compact")
        assert len(run.home.prompts()) == 1
