"""The reader of command lines, by values."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_cli import corrections, reading
from maestro_cli.failures import Usage
from maestro_cli.verbs import GLOBALS, OPTIONS, VERBS


def read(*words: str) -> reading.Reading:
    return reading.read(list(words))


def verb(said: reading.Reading) -> str:
    assert said.row is not None
    return said.row[0]


def refused(*words: str) -> Usage:
    with pytest.raises(Usage) as caught:
        read(*words)
    return caught.value


@pytest.mark.parametrize(
    "words",
    [
        ("--json", "task", "list", "--status", "todo"),
        ("task", "--json", "list", "--status", "todo"),
        ("task", "list", "--json", "--status=todo"),
        ("task", "list", "--status", "todo", "--json"),
        ("task", "list", "-s", "todo", "--json"),
        ("task", "list", "-stodo", "--json"),
    ],
)
def test_global_options_stand_anywhere(words: tuple[str, ...]) -> None:
    said = read(*words)
    assert verb(said) == "task list"
    assert said.options.json
    assert said.values == {"status": ["todo"]}


def test_global_options_with_a_value_stand_anywhere() -> None:
    said = read("--home", "/h", "task", "--project", "shop", "list", "--server=unix:/s")
    assert (said.options.home, said.options.project, said.options.server) == ("/h", "shop", "unix:/s")
    assert verb(said) == "task list"


def test_a_positional_may_be_given_as_an_option() -> None:
    wanted = {"title": "Fix it", "priority": "high"}
    assert read("task", "create", "Fix it", "-p", "high").values == wanted
    assert read("task", "create", "--title", "Fix it", "--priority=high").values == wanted
    assert read("task", "create", "--name", "Fix it", "--priority", "high").values == wanted


@pytest.mark.parametrize(
    "words",
    [
        ("task", "complete", "x7k9"),
        ("task", "complete", "--id", "x7k9"),
        ("task", "complete", "--task", "x7k9"),
        ("task", "complete", "--task-id", "x7k9"),
        ("task", "complete", "--taskId=x7k9"),
        ("task-complete", "x7k9"),
        ("task_complete", "x7k9"),
        ("task:complete", "x7k9"),
        ("tasks", "complete", "x7k9"),
        ("task", "done", "x7k9"),
        ("Task", "Complete", "x7k9"),
    ],
)
def test_what_agents_write_for_task_complete_is_taken(words: tuple[str, ...]) -> None:
    said = read(*words)
    assert verb(said) == "task complete"
    assert said.values == {"task": "x7k9"}


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("task", "show", "x"), "task get"),
        (("session", "get", "x"), "session info"),
        (("task", "ls"), "task list"),
        (("task", "rm", "x"), "task delete"),
        (("task", "update", "x", "--title", "t"), "task edit"),
        (("session", "needs_input", "why?"), "session needs-input"),
        (("session", "kill", "x"), "session stop"),
        (("ps",), "session list"),
        (("task-report-progress", "x", "m"), "task report progress"),
        (("task", "progress", "x", "m"), "task report progress"),
        (("subtask", "add", "x", "t"), "subtask create"),
        (("help", "exit-codes"), "help exit-codes"),
        (("help", "man"), "help man"),
        (("tasks",), "task list"),
        (("next", "--claim"), "task next"),
        (("mail", "list"), "mail inbox"),
        (("mail", "show", "x"), "mail read"),
        (("session", "create", "--task", "x"), "session spawn"),
        (("spawn", "--task", "x"), "session spawn"),
        (("session", "log", "x"), "session logs"),
        (("session", "say", "x", "hi"), "session send"),
        (("session", "status", "x"), "session info"),
        (("task", "status", "x"), "task get"),
        (("task", "comment", "x", "m"), "task report progress"),
        (("check", "run", "x"), "task check run"),
        (("queue", "add", "x"), "queue push"),
        (("ask", "Which?"), "session needs-input"),
        (("context",), "whoami"),
    ],
)
def test_other_words_for_a_command_are_taken(words: tuple[str, ...], name: str) -> None:
    assert verb(read(*words)) == name


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (("task", "create", "t", "--tags", "a,b"), {"title": "t", "label": ["a", "b"]}),
        (("task", "create", "t", "--blocked-by", "x"), {"title": "t", "depends_on": ["x"]}),
        (("task", "create", "t", "--body", "more"), {"title": "t", "description": "more"}),
        (("task", "complete", "x", "--summary", "m"), {"task": "x", "note": "m"}),
        (("report", "blocked", "--reason", "m"), {"message": "m"}),
        (("mail", "send", "k2m4", "--body", "m"), {"to": "k2m4", "message": "m"}),
        (("project", "edit", "x", "--max-sessions", ""), {"project": "x", "max_sessions": ""}),
        (("project", "edit", "x", "--max-sessions", "3"), {"project": "x", "max_sessions": 3}),
    ],
)
def test_other_words_for_an_option_are_taken(words: tuple[str, ...], values: dict[str, object]) -> None:
    assert read(*words).values == values


def test_other_words_lead_to_options_that_there_are() -> None:
    spellings = {name for row in VERBS for name in reading.spellings(row[4])}
    assert {ours for _, ours in OPTIONS} <= spellings


def test_what_is_said_instead_is_a_call() -> None:
    for call in corrections.INSTEAD.values():
        row, _ = reading.find(call.split())
        assert row is not None or call in ("--version", "subtask"), call


def test_a_word_is_heard_by_its_bytes() -> None:
    assert reading.heard("é") == "é"
    assert reading.heard("".join(chr(0xDC00 + byte) for byte in "é".encode())) == "é"
    assert "not UTF-8" in refused("task", "create", "caf\udce9").message


@pytest.mark.parametrize(
    ("said", "meant"),
    [("done", "completed"), ("pending", "todo"), ("in-progress", "in_progress"), ("Blocked", "blocked")],
)
def test_other_words_for_a_status_are_taken(said: str, meant: str) -> None:
    assert read("task", "list", "--status", said).values == {"status": [meant]}


def test_lists_are_repeated_or_split_at_commas() -> None:
    wanted = {"title": "t", "dependencies": ["a", "b", "c"]}
    said = read("task", "create", "t", "--depends-on", "a,b", "--depends-on", "c")
    assert said.values == {"title": wanted["title"], "depends_on": wanted["dependencies"]}


def test_a_text_with_commas_is_not_split() -> None:
    said = read("task", "create", "t", "--criterion", "red, then green", "--criterion", "no sleep")
    assert said.values["criterion"] == ["red, then green", "no sleep"]


def test_an_empty_text_empties_a_list() -> None:
    assert read("task", "edit", "x", "--depends-on", "", "--criterion", "").values == {
        "task": "x",
        "depends_on": [],
        "criterion": [],
    }


def test_a_sentence_with_a_dash_in_front_is_a_text() -> None:
    assert read("report", "progress", "- did this").values == {"message": "- did this"}
    assert read("report", "progress", "--", "--json").values == {"message": "--json"}
    assert read("queue", "move", "p4q8", "-1").values == {"item": "p4q8", "to": -1}


def test_an_option_does_not_swallow_the_next_option() -> None:
    error = refused("task", "complete", "x", "--note", "--json")
    assert "--note needs a value" in error.message


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("task", "lst"), "no command 'task lst'", "maestro task list"),
        (("tsk", "list"), "no command 'tsk list'", "maestro task list"),
        (("complete", "task", "x7k9"), "no command", "Did you mean: maestro task complete x7k9"),
        (("task",), "needs a verb", "list, get, create"),
        (("frobnicate",), "no command 'frobnicate'", "maestro --help"),
        (("frobnicate", "--help"), "no command 'frobnicate'", "maestro --help"),
        (("task", "create"), "`maestro task create` needs TITLE", "For example: maestro task create"),
        (("task", "block", "x"), "needs --reason", "maestro task block"),
        (("task", "create", "Fix", "the", "bug"), "too many words", "maestro task create 'Fix the bug'"),
        (("report", "progress", "half", "way"), "too many words", "maestro report progress 'half way'"),
        (("task", "list", "--stauts", "todo"), "no option --stauts", "maestro task list --status todo"),
        (("task", "list", "--status", "don"), "'don' is none of", "maestro task list --status completed"),
        (("task", "list", "--status", "zzz"), "'zzz' is none of", "One of: todo, in_progress"),
        (("task", "edit", "x", "--status", "done"), "verbs of its own", "maestro task complete ID"),
        (("task", "edit", "x", "--status=in-progress"), "verbs of its own", "maestro task start ID"),
        (("queue", "move", "x", "first"), "'first' is no whole number", ""),
        (("session", "wait", "x", "--timeout", "soon"), "'soon' is no duration", "5m"),
        (("session", "info", "--lines", "3"), "no option --lines", "takes no options"),
        (("--priority", "high", "task", "list"), "before the command", "NOUN VERB"),
        (("task", "set-status", "x7k9", "done"), "verbs of its own", "maestro task complete x7k9"),
        (("task", "search", "login"), "no command", "Did you mean: maestro task list --search login"),
        (("task", "subtask", "add", "x", "t"), "no command", "Did you mean: maestro subtask add x t"),
        (("task", "complete", "x7k9", "all", "done"), "too many words", "maestro task complete x7k9 --note 'all done'"),
        (("task", "list", "--mine"), "no option --mine", "maestro task list"),
        (("mail", "--unread"), "`maestro mail` needs a verb", "send, inbox"),
        (("send", "mail", "k2m4", "hi"), "no command", "Did you mean: maestro mail send k2m4 hi"),
        (("task", "log", "x"), "no command", "maestro task"),
        (("version",), "no command", "Did you mean: maestro --version"),
    ],
)
def test_a_wrong_call_is_answered_with_the_right_one(words: tuple[str, ...], message: str, hint: str) -> None:
    error = refused(*words)
    assert message in error.message
    assert hint in error.hint


def test_what_follows_a_verb_that_takes_the_rest_is_untouched() -> None:
    said = read("--json", "agent", "fake", "--as", "claude", "--json", "--", "--help", "-x")
    assert said.values == {"arguments": ["--as", "claude", "--json", "--", "--help", "-x"]}
    assert said.options.json
    assert not said.help


@pytest.mark.parametrize("words", [("task", "list", "-h"), ("--help", "task", "list"), ("help", "task", "list")])
def test_help_is_asked_for_in_any_place(words: tuple[str, ...]) -> None:
    said = read(*words)
    assert said.help
    assert verb(said) == "task list"


@pytest.mark.parametrize("words", [(), ("help",), ("--help",), ("task", "--help"), ("help", "task")])
def test_help_about_a_noun_or_everything_is_no_error(words: tuple[str, ...]) -> None:
    said = read(*words)
    assert said.row is None
    assert said.words in ([], ["task"])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1.5", 1.5),
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("2d", 172800),
        ("250ms", 0.25),
        ("1h 5s", 3605),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert reading.duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", " ", "m", "5x", "-5m", "1.2.3s", "soon", "5m7", "nan", "inf", "٣x"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".?"):
        reading.duration(text)


WORDS = sorted(
    {word for row in VERBS for word in row[0].split(" ")}
    | {name for row in VERBS for param in row[4] for name in param[0].split("|")}
    | {name for param in GLOBALS for name in param[0].split("|")}
    | {
        "--",
        "-",
        "",
        "=",
        "--=",
        "-=x",
        "---",
        "--note=",
        "\x00",
        "\ud800",
        "é",
        "x" * 5000,
        "1e999",
        "-9" * 50,
        "null",
    }
)


@given(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=8)), max_size=8))
def test_any_words_at_all_are_read_or_refused_in_words(words: list[str]) -> None:
    with contextlib.suppress(Usage):
        reading.read(words)
