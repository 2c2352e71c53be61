"""Bodies from bytes, strictly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestrod.domain.errors import Invalid
from maestrod.protocol.codec import DEPTH, parse_object


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b"", {}),
        (b" \r\n", {}),
        (b"{}", {}),
        (b'{"a":1,"b":[1.5,"x",null,true]}', {"a": 1, "b": [1.5, "x", None, True]}),
        (b'{"a":"\\ud83e\\udd8a"}', {"a": "🦊"}),
        ('{"a":"🦊"}'.encode(), {"a": "🦊"}),
        (b'{"a":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\"[[["}', {"a": "[" * 38 + '"[[['}),
        (b'{"a":"\\\\"}', {"a": "\\"}),
    ],
)
def test_a_json_object_is_read(body: bytes, document: dict[str, object]) -> None:
    assert parse_object(body) == document


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[]", "must be a JSON object"),
        (b"7", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"{", "not valid JSON"),
        (b"{'a':1}", "not valid JSON"),
        (b'{"a":1}{"b":2}', "not valid JSON"),
        (b'{"a":1,"b":2,"a":3}', "the key 'a' comes twice"),
        (b'{"a":{"b":1,"b":2}}', "the key 'b' comes twice"),
        (b'{"a":NaN}', "NaN is no JSON number"),
        (b'{"a":-Infinity}', "-Infinity is no JSON number"),
        (b'{"a":1e999}', "out of range"),
        (b'{"a":[-1.0e400]}', "out of range"),
        (b'{"a":"\\ud800"}', "not valid UTF-8"),
        (b'{"\\udfff":1}', "not valid UTF-8"),
        (b'{"a":"\xff"}', "not valid UTF-8"),
        (b'{"a":"a\x00b"}', "not valid JSON"),
        (b'{"a":' + b"9" * 5_000 + b"}", "not valid JSON"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "nested more than 32 deep"),
        (b"[" * 1_000_000, "nested more than 32 deep"),
        (b'{"a":' * 200_000, "nested more than 32 deep"),
    ],
)
def test_anything_else_is_refused_with_a_word_on_why(body: bytes, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_object(body)
    assert words in refused.value.message
    assert len(refused.value.message) < 200


def test_the_depth_is_that_of_the_brackets_outside_of_strings() -> None:
    parse_object(b'{"a":' * (DEPTH - 1) + b"{}" + b"}" * (DEPTH - 1))
    parse_object(b'{"a":[' + b",".join([b"[]"] * 100) + b"]}")
    with pytest.raises(Invalid):
        parse_object(b'{"a":' * DEPTH + b"[]" + b"}" * DEPTH)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.booleans())
def test_what_json_writes_is_read_back(document: dict[str, object], ascii_only: bool) -> None:
    assert parse_object(json.dumps(document, ensure_ascii=ascii_only).encode()) == document


@given(st.binary() | st.text('{}[]":,\\u0da1 ').map(str.encode))
def test_any_bytes_are_an_object_or_refused(body: bytes) -> None:
    try:
        assert isinstance(parse_object(body), dict)
    except Invalid as refused:
        assert refused.code == "VALIDATION_ERROR"  # noqa: PT017 - either outcome is right
