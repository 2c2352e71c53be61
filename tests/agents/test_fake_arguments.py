"""Command lines that real launchers write, as the fake understands them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_cli.fake.arguments import BadUsage, FaceName, invocation, launch

UUID = "22222222-2222-4222-8222-222222222222"


def test_claude_is_launched_with_everything() -> None:
    given_ = invocation(
        "claude",
        [
            *("--session-id", UUID, "--name", "a1", "--settings", "/x/settings.json"),
            *("--append-system-prompt-file", "/x/system.md", "--permission-mode", "acceptEdits"),
            *("--allowedTools", "Bash(maestro *)", "Read", "--model", "sonnet", "--", "do\n--it"),
        ],
    )
    assert (given_.session, given_.session_id, given_.name, given_.model) == ("new", UUID, "a1", "sonnet")
    assert given_.settings == ("/x/settings.json",)
    assert given_.system_files == ("/x/system.md",)
    assert given_.mode == "acceptEdits"
    assert given_.prompt == "do\n--it"
    assert given_.unknown == ()
    assert not given_.headless


def test_claude_defaults_to_auto_and_calls_manual_default() -> None:
    assert invocation("claude", []).mode == "auto"
    assert invocation("claude", ["--permission-mode", "manual"]).mode == "default"
    assert invocation("claude", ["--dangerously-skip-permissions"]).bypass


def test_claude_resumes_and_forks() -> None:
    resumed = invocation("claude", ["--resume", UUID, "go on"])
    assert (resumed.session, resumed.session_id, resumed.prompt) == ("resume", UUID, "go on")
    forked = invocation("claude", ["--resume", UUID, "--fork-session", "--session-id", UUID[::-1], "x"])
    assert (forked.session, forked.session_id, forked.new_id) == ("fork", UUID, UUID[::-1])
    latest = invocation("claude", ["-c"])
    assert (latest.session, latest.session_id) == ("resume", None)


def test_codex_is_launched_with_everything() -> None:
    given_ = invocation(
        "codex",
        [
            *("--no-daemon", "--no-alt-screen", "-m", "gpt-5.4", "-a", "on-request", "-s", "workspace-write"),
            *("-C", "/work", "-c", "sandbox_workspace_write.network_access=true"),
            *("-c", 'developer_instructions="be brief"', "--dangerously-bypass-hook-trust", "do it"),
        ],
    )
    assert (given_.prompt, given_.directory, given_.model) == ("do it", "/work", "gpt-5.4")
    assert given_.system == ('"be brief"',)
    assert given_.trusts_hooks
    assert not given_.alternate
    assert not given_.bypass
    assert given_.mode == "default"


def test_codex_resumes_by_a_subcommand() -> None:
    given_ = invocation("codex", ["resume", UUID, "--no-daemon", "go on"])
    assert (given_.session, given_.session_id, given_.prompt) == ("resume", UUID, "go on")
    assert invocation("codex", ["resume", "--last", "hi"]).session_id is None
    assert invocation("codex", ["fork", UUID]).session == "fork"


@pytest.mark.parametrize("trust", ['hooks.state={a={trusted_hash="x"}}', 'hooks.state.a.trusted_hash="x"'])
def test_codex_trusts_hooks_whose_hashes_are_given(trust: str) -> None:
    assert not invocation("codex", []).trusts_hooks
    assert not invocation("codex", ["-c", "hooks.state={}"]).trusts_hooks
    assert invocation("codex", ["-c", trust]).trusts_hooks


def test_codex_exec_has_no_screen_and_asks_nothing() -> None:
    given_ = invocation("codex", ["exec", "--json", "--skip-git-repo-check", "do"])
    assert given_.headless
    assert given_.bypass
    assert given_.form == "json"
    assert invocation("codex", ["-c", "x=1", "app-server"]).action == "app-server"
    assert invocation("codex", ["login", "status"]).action == "login"


def test_gemini_is_launched_with_everything() -> None:
    given_ = invocation(
        "gemini",
        ["--model=flash", "--approval-mode=auto_edit", "--skip-trust", f"--session-id={UUID}", "-i", "do it"],
    )
    assert (given_.prompt, given_.session_id, given_.mode, given_.model) == ("do it", UUID, "acceptEdits", "flash")
    assert not given_.headless
    assert invocation("gemini", ["-p", "x"]).headless
    assert invocation("gemini", ["-y"]).bypass
    assert invocation("gemini", ["--resume", "latest", "-i", "x"]).session_id is None


@pytest.mark.parametrize("face", ["claude", "codex", "gemini", "plain"])
def test_unknown_options_are_kept_and_ignored(face: FaceName) -> None:
    given_ = invocation(face, ["--new-thing", "7", "--newer=8", "--newest", "--", "the prompt"])
    assert given_.prompt == "the prompt"
    assert given_.unknown == ("--new-thing", "7", "--newer=8", "--newest")
    assert invocation(face, ["--new-thing", "the prompt"]).prompt == "the prompt"


@pytest.mark.parametrize("face", ["claude", "codex", "gemini", "plain"])
@given(words=st.lists(st.one_of(st.text(max_size=8), st.sampled_from(["-c", "-p", "-i", "--resume", "-m", "--", "-"]))))
def test_no_command_line_breaks_it(face: FaceName, words: list[str]) -> None:
    invocation(face, words)


def test_our_own_options_end_at_two_dashes() -> None:
    asked = launch(["--as", "codex", "--script=s.txt", "--", "--as", "x", "--", "y"])
    assert (asked.face, asked.script, asked.rest) == ("codex", "s.txt", ("--as", "x", "--", "y"))


@pytest.mark.parametrize("argv", [[], ["--as"], ["--as", "copilot"], ["--as", "claude", "prompt"], ["--loud"]])
def test_a_wrong_call_is_refused(argv: list[str]) -> None:
    with pytest.raises(BadUsage):
        launch(argv)
