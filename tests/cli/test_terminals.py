"""Every view in narrow terminals, in pipes, without colours and in locales that know little: it can be read."""

import re
from collections.abc import Iterator

import pytest

from maestro_cli import letters, texts, transcribing, views
from maestro_cli.verbs import VERBS
from tests.cli import faulty
from tests.cli.faulty import LOOKING
from tests.cli.program import Maestro
from tests.cli.test_faults import House
from tests.cli.test_output import in_terminal
from tests.support.daemon import daemon

LOOKS = [row for row in VERBS if row[2].startswith("GET ") or row[0] in LOOKING]
QUIET = {"help man", "completion"}
"""What is for programs."""
POOR = (
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "iso-8859-1"},
    {"PYTHONIOENCODING": "ascii"},
)
CODES = re.compile(r"\x1b\[[0-9;]*m")
TITLE = "Grüße … → 日本"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with daemon() as running:
        house = House(running, tmp_path_factory.mktemp("house"))
        house.maestro.ok("task", "edit", house.ids["task"], "--title", TITLE)
        house.maestro.ok("session", "rename", house.ids["session"], TITLE)
        yield house


@pytest.mark.parametrize("env", POOR, ids=lambda env: " ".join(env.values()))
def test_every_view_can_be_written_where_characters_lack(house: House, env: dict[str, str]) -> None:
    encoding = env.get("PYTHONIOENCODING", "ascii")
    for row in LOOKS:
        said = house.maestro(*faulty.line(row, house.ids), env=env)
        assert "Unicode" not in said.err, row[0]
        assert "Traceback" not in said.err, row[0]
        said.raw.decode(encoding)
    listed = house.maestro("task", "list", env=env).raw.decode(encoding)
    assert ("Grüße" if encoding == "iso-8859-1" else "Grusse") in listed
    assert "... -> \\u65e5\\u672c" in listed
    assert "?" not in listed


@pytest.mark.parametrize("env", POOR, ids=lambda env: " ".join(env.values()))
def test_help_can_be_written_where_characters_lack(alone: Maestro, env: dict[str, str]) -> None:
    for words in (("--help",), ("hook", "--help"), ("task", "docs", "add", "--help"), ("session", "keys", "--help")):
        said = alone(*words, env=env)
        assert (said.code, said.err) == (0, "")
        assert "?" not in said.out
        said.raw.decode(env.get("PYTHONIOENCODING", "ascii"))


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_no_view_has_colours_where_nobody_wants_them(house: House, env: dict[str, str]) -> None:
    for row in LOOKS[::4]:
        assert "\x1b" not in in_terminal(house.maestro, *faulty.line(row, house.ids), env=env), row[0]


def test_what_is_piped_is_plain_and_whole(house: House) -> None:
    for row in LOOKS:
        if row[0] not in QUIET:
            said = house.maestro(*faulty.line(row, house.ids), env={"TERM": "xterm-256color", "COLUMNS": "10"})
            assert "\x1b" not in said.out + said.err, row[0]


@pytest.mark.parametrize("noun", [*views.LISTS, *letters.LISTS])
@pytest.mark.parametrize("width", [20, 40, 80])
def test_every_list_fits_its_terminal(noun: str, width: int) -> None:
    names = "title name message reason subject workingDir filePath help text description"
    row = dict.fromkeys(names.split(), "words and more words " * 9)
    row |= {"id": "task_1_abcdefghi", "taskId": "task_1_bcdefghij", "sessionId": "sess_1_cdefghijk", "attempts": "2"}
    row |= {
        "status": "in_progress",
        "priority": "critical",
        "type": "progress",
        "createdAt": "1",
        "role": "orchestrator",
    }
    page = views.Page(width=width, colour=True, now=1e6)
    lines = views.listing(noun, [row, {**row, "id": "task_1_zyxwvutsr"}], page, letters.LISTS.get(noun))
    assert lines
    assert max(texts.cells(CODES.sub("", line)) for line in lines) <= width


def test_a_folded_row_keeps_all_but_the_end_of_its_last_cell() -> None:
    rows = [["x7k9a", "in_progress", "high", "Fix the login, " * 5]]
    lines = texts.table(["ID", "STATUS", "PRIORITY", "TITLE"], rows, 30)
    assert lines == ["x7k9a  Fix the login, Fix the…", "  in_progress  high"]


@pytest.mark.parametrize("width", [1, 2, 7, 20])
def test_text_is_wrapped_between_words_where_that_is_possible(width: int) -> None:
    text = "  one two 日本語 " + "x" * 25
    lines = texts.wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert max(map(texts.cells, lines)) <= max(2, width)
    assert texts.wrapped("", 5) == texts.wrapped("   ", 2) == []


@pytest.mark.parametrize(
    ("text", "plain"),
    [("Grüße", "Grusse"), ("…", "..."), ("a → b", "a -> b"), ("日", "\\u65e5"), ("“x”", '"x"'), ("½", "1/2")],
)
def test_every_character_has_one_that_every_stream_has(text: str, plain: str) -> None:
    assert text.encode("ascii", transcribing.NAME).decode() == plain
