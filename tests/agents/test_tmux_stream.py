"""The control stream: pure, total, and the same for every way to cut the bytes."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from maestrod.tmux.stream import ControlStream, Message, Notice, Reply, Stray

SOUND = (
    b"%begin 17 1 0\n%end 17 1 0\n%session-changed $0 maestro\n"
    b"%begin 17 2 1\nfirst\n\n%end 17 3 1\nlast\n%end 17 2 1\n"
    b"%window-add @3\n%begin 18 4 1\ncan't find pane: %9\n%error 18 4 1\n%exit\n"
)
READ: list[Message] = [
    Reply(ok=True, own=False, text=""),
    Notice(kind="session-changed", rest="$0 maestro"),
    Reply(ok=True, own=True, text="first\n\n%end 17 3 1\nlast"),
    Notice(kind="window-add", rest="@3"),
    Reply(ok=False, own=True, text="can't find pane: %9"),
    Notice(kind="exit", rest=""),
]


def in_pieces(data: bytes, cuts: list[int], **options: int) -> list[Message]:
    stream = ControlStream(**options)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [message for start, end in pairwise(edges) for message in stream.feed(data[start:end])]


@given(st.lists(st.integers(0, 1000), max_size=10))
def test_where_the_bytes_are_cut_makes_no_difference(cuts: list[int]) -> None:
    assert in_pieces(SOUND, cuts) == READ


def test_only_its_own_guard_ends_a_block() -> None:
    screen = b"%end 1 1 1\n%error 17 2 0\n%begin 17 2 1\n %end 17 2 1\n%end 17 2 1 "

    assert in_pieces(b"%begin 17 2 1\n" + screen + b"\n%end 17 2 1\n", []) == [
        Reply(ok=True, own=True, text=screen.decode())
    ]


def test_text_outside_of_blocks_is_told_as_stray() -> None:
    assert in_pieces(b"hello\n\n%begin x\n", []) == [Stray(text="hello"), Stray(text="%begin x")]


def test_an_endless_block_ends_at_the_limit() -> None:
    stream = ControlStream(limit=10_000)
    stream.feed(b"%begin 1 1 1\n")

    told = [message for _ in range(100) for message in stream.feed(b"x" * 150 + b"\n")]

    assert isinstance(told[0], Stray)
    assert stream.feed(b"%begin 1 2 1\nback\n%end 1 2 1\n") == [Reply(ok=True, own=True, text="back")]


def test_an_endless_line_ends_at_the_limit() -> None:
    stream = ControlStream(limit=10_000)

    told = [message for _ in range(3) for message in stream.feed(b"x" * 4_000)]

    assert told == [Stray(text="more than 10000 bytes in one message")]


def test_what_is_not_utf_8_is_replaced() -> None:
    assert in_pieces(b"%begin 1 1 1\n\xff\xfe\n%end 1 1 1\n", []) == [Reply(ok=True, own=True, text="\ufffd\ufffd")]


LINES = st.sampled_from(
    [b"%begin 1 1 1", b"%end 1 1 1", b"%error 1 1 1", b"%begin 1 2 0", b"%end 1 2 0", b"%begin ", b"%", b"", b"text"]
)


@example(b"%begin 1 1 1\n%begin 1 1 1\n%end 1 1 1\n", [])
@given(st.one_of(st.binary(max_size=300), st.lists(LINES, max_size=20).map(b"\n".join)), st.lists(st.integers(0, 300)))
def test_any_bytes_in_any_pieces_are_read_the_same(data: bytes, cuts: list[int]) -> None:
    assert in_pieces(data, cuts, limit=10_000) == in_pieces(data, [], limit=10_000)
