"""Ordered sets and groups: the same items in any order make the same index."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestrod.domain import indexes
from maestrod.domain.indexes import Groups, Ordered

WORDS = st.text("abc", max_size=3)


@pytest.fixture(autouse=True, scope="module", params=[1_000, 2, 1], ids=["long runs", "pairs", "single items"])
def _runs(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indexes, "RUN", request.param)
        yield


def ordered(items: list[str]) -> Ordered:
    made = Ordered()
    for item in items:
        made.add(item)
    return made


@given(st.lists(WORDS), st.lists(WORDS))
def test_an_ordered_set_is_a_sorted_set(items: list[str], gone: list[str]) -> None:
    made = ordered(items)
    for item in gone:
        made.discard(item)
    expected = sorted(set(items) - set(gone))
    assert list(made) == expected
    assert len(made) == len(expected)
    assert all((word in made) == (word in expected) for word in [*items, *gone, "abcd"])


@given(st.lists(WORDS), WORDS | st.none())
def test_a_page_begins_behind_an_item_in_either_direction(items: list[str], after: str | None) -> None:
    made = ordered(items)
    assert list(made.after(after)) == [i for i in made if after is None or i > after]
    assert list(made.after(after, descending=True)) == [i for i in reversed(list(made)) if after is None or i < after]


@given(st.lists(WORDS), WORDS, st.integers(0, 5))
def test_what_begins_alike_stands_together(items: list[str], prefix: str, limit: int) -> None:
    made = ordered(items)
    assert made.starting_with(prefix, limit=limit) == [i for i in made if i.startswith(prefix)][:limit]


@given(st.lists(WORDS, unique=True).map(sorted), st.lists(WORDS))
def test_sorted_items_are_taken_over_at_once(items: list[str], more: list[str]) -> None:
    made = Ordered.of(items)
    assert made == ordered(items)
    for item in more:
        made.add(item)
    assert list(made) == sorted({*items, *more})
    assert all(item in made for item in [*items, *more])


def test_ordered_sets_are_compared_by_their_items() -> None:
    assert ordered(["b", "a"]) == ordered(["a", "b", "b"])
    assert ordered(["a"]) != ordered([])
    assert ordered(["a"]) != ["a"]


def test_a_group_goes_with_its_last_item() -> None:
    groups, empty = Groups(), Groups()
    assert list(groups["tasks", "p"]) == []
    groups.add(("tasks", "p"), "t1")
    assert groups != empty
    groups.discard(("tasks", "p"), "t2")
    groups.discard(("tasks", "q"), "t1")
    assert list(groups["tasks", "p"]) == ["t1"]
    groups.discard(("tasks", "p"), "t1")
    assert groups == empty
    assert groups != {}


def test_one_item_stands_for_its_group_until_the_set_is_asked_for() -> None:
    groups, other = Groups(), Groups()
    for made in (groups, other):
        made.add(("a",), "x")
        made.add(("a",), "x")
    assert list(groups.items(("a",))) == ["x"]
    assert list(groups.items(("b",))) == []
    asked = groups["a",]
    assert list(asked) == ["x"]
    assert groups == other
    groups.add(("a",), "w")
    assert list(asked) == list(groups.items(("a",))) == ["w", "x"]
    groups.discard(("a",), "w")
    groups.discard(("a",), "x")
    assert list(asked) == []
    other.discard(("a",), "w")
    assert groups != other
    other.discard(("a",), "x")
    assert groups == other == Groups()


def test_groups_are_made_of_sorted_members() -> None:
    groups, filled = Groups(), Groups()
    for item in ("t1", "t2"):
        groups.add(("tasks", "p"), item)
    filled.fill({("tasks", "p"): ["t1", "t2"]})
    assert groups == filled


def test_an_item_moves_between_groups() -> None:
    groups = Groups()
    groups.move((), (("a",), ("b",)), "x")
    groups.move((("a",), ("b",)), (("b",), ("c",)), "x")
    assert [list(groups[key,]) for key in "abc"] == [[], ["x"], ["x"]]
    groups.move((("b",),), (("b",),), "x")
    groups.move((("b",), ("c",)), (), "x")
    assert groups == Groups()
