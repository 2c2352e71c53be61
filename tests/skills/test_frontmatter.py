"""The head of a SKILL.md: what is understood, what is refused and on which line, and that nothing else happens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestrod.skills.frontmatter import Malformed, parse


def head(*rows: str) -> dict[str, object]:
    fields, _ = parse("\n".join(("---", *rows, "---", "body")))
    return dict(fields)


@pytest.mark.parametrize(
    ("rows", "fields"),
    [
        (("name: a-b", "description: What it does."), {"name": "a-b", "description": "What it does."}),
        (('a: "x: \\"y\\" \\n z"', "b: 'it''s'"), {"a": 'x: "y" \n z', "b": "it's"}),
        (("a: |", "  one", "   two", "", "  three"), {"a": "one\n two\n\nthree"}),
        (("a: >", "  one", "  two", "", "  three", "b: x"), {"a": "one two\nthree", "b": "x"}),
        (("a: [x, y z]", "b: []"), {"a": ("x", "y z"), "b": ()}),
        (("a:", "  - x", "  - 'y: z'", "b:", "- q"), {"a": ("x", "y: z"), "b": ("q",)}),
        (("a:", "  x: 1", '  y: "2"'), {"a": {"x": "1", "y": "2"}}),
        (
            ("# said aside", "", "a:", "b: true", "allowed-tools: Bash(git *)"),
            {"a": "", "b": "true", "allowed-tools": "Bash(git *)"},
        ),
        (("a: http://x/y", "b: 10:30"), {"a": "http://x/y", "b": "10:30"}),
        ((), {}),
    ],
)
def test_the_part_of_yaml_that_skills_need_is_understood(rows: tuple[str, ...], fields: dict[str, object]) -> None:
    assert head(*rows) == fields


@pytest.mark.parametrize(
    "row",
    [
        "a: &anchor x",
        "a: *anchor",
        "a: !tag x",
        "a: {b: c}",
        "a: [b, [c]]",
        "a: [b",
        "a: b: c",
        "a: ends:",
        "a: b # said",
        "a: - b",
        'a: "open',
        "a: 'it's'",
        'a: "x"y"',
        'a: "\\x41"',
        'a: "x\\',
        "just words",
        "1: x",
        "\ta: x",
        "a: x\0",
        "a: \u2028",
        "<<: x",
        "  a: x",
    ],
)
def test_what_is_not_certain_is_refused_with_its_line(row: str) -> None:
    with pytest.raises(Malformed) as refused:
        head("name: x", row)
    assert refused.value.line == 3
    assert "line 3" in str(refused.value)


@pytest.mark.parametrize(
    "rows", [("a: x", "a: y"), ("a:", "  b: x", "  b: y"), ("a:", "  - x", "    - y"), ("a:", "  -", "  - x")]
)
def test_doubled_and_nested_things_are_refused(rows: tuple[str, ...]) -> None:
    with pytest.raises(Malformed):
        head(*rows)


@pytest.mark.parametrize("text", ["", "name: x", "--- \nname: x", "----\n---", "---\nname: x\n--", "\n---\n---"])
def test_a_head_begins_and_ends(text: str) -> None:
    with pytest.raises(Malformed):
        parse(text)


def test_the_text_after_the_head_is_left_as_it_is() -> None:
    assert parse("\ufeff---\r\nname: x\r\n---\r\n\r\n# Title\r\n\r\n---\r\nmore\r\n") == (
        {"name": "x"},
        "# Title\n\n---\nmore\n",
    )


def test_a_head_has_an_end() -> None:
    with pytest.raises(Malformed, match="longer"):
        head("a: " + "x" * 20_000)


@given(st.text(alphabet="ab:-#|>[]{}\"'\\ \n\t&*!,\0", max_size=60))
def test_any_head_is_read_or_refused(text: str) -> None:
    try:
        fields, _ = parse(f"---\n{text}\n---\n")
    except Malformed as refused:
        assert refused.line >= 1  # noqa: PT017 - read or refused, nothing else
    else:
        assert all(isinstance(value, str | tuple | dict) for value in fields.values())


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z-]{0,8}", fullmatch=True),
        st.text(
            alphabet=st.characters(min_codepoint=32, max_codepoint=0x2000, exclude_characters="\x7f\x85"), max_size=20
        ),
    )
)
def test_quoted_texts_come_back_as_they_were(fields: dict[str, str]) -> None:
    rows = [key + ': "' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for key, value in fields.items()]
    assert head(*rows) == fields
