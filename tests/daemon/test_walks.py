"""A whole list in parts: nobody twice, nobody from after its beginning, and an end whatever happens meanwhile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestrod.api.lists import Few, Rows, Walk
from maestrod.domain.changes import Delete, Put
from maestrod.domain.model import Noun, Task, TaskStatus
from maestrod.domain.state import State

PARTS = 100
"""More than any walk here needs."""


def task(number: int, status: TaskStatus = TaskStatus.TODO) -> Task:
    return Task(
        id=f"task_{number:09}_a", created_at=0, updated_at=0, project_id="proj_1_a", title=str(number), status=status
    )


def state_of(*numbers: int) -> State:
    state = State()
    state.fill(Noun.TASK, [task(number) for number in numbers])
    return state


def everything(state: State) -> Rows:
    return Rows(Noun.TASK, (state.ordered[Noun.TASK],))


def rest(walk: Walk, state: State, most: int = 3) -> list[str]:
    """What is left, in parts."""
    found: list[str] = []
    for _ in range(PARTS):
        if walk.ended:
            return found
        found += [each.title for each in walk.take(state, most) if isinstance(each, Task)]
    raise AssertionError("the walk does not end")


@pytest.mark.parametrize("most", [1, 2, 3, 7, 8, 100])
@pytest.mark.parametrize("count", [0, 1, 7, 8])
def test_the_parts_together_are_the_list(count: int, most: int) -> None:
    state = state_of(*range(count))
    up = [str(number) for number in range(count)]
    assert rest(Walk(everything(state), descending=False), state, most) == up
    assert rest(Walk(everything(state), descending=True), state, most) == up[::-1]


def test_a_walk_that_comes_out_even_ends_without_an_empty_part() -> None:
    state = state_of(1, 2, 3)
    walk = Walk(everything(state), descending=False)
    assert len(walk.take(state, 3)) == 3
    assert walk.ended


@pytest.mark.parametrize("descending", [False, True])
def test_what_is_made_meanwhile_does_not_make_the_walk_longer(descending: bool) -> None:
    state = state_of(*range(10, 20))
    walk = Walk(everything(state), descending=descending)
    walk.take(state, 3)
    state.apply_all(Put(Noun.TASK, task(number)) for number in range(20, 40))
    assert len(rest(walk, state)) == 7


@pytest.mark.parametrize("descending", [False, True])
def test_a_walk_ends_also_when_its_last_one_is_deleted(descending: bool) -> None:
    state = state_of(*range(10, 20))
    walk = Walk(everything(state), descending=descending)
    walk.take(state, 3)
    gone = 10 if descending else 19
    state.apply(Delete(Noun.TASK, task(gone).id))
    state.apply(Put(Noun.TASK, task(99)))
    assert len(rest(walk, state)) == 6


def test_a_task_that_changes_its_group_meanwhile_is_not_seen_twice() -> None:
    state = state_of(1, 2, 3, 4)
    state.apply(Put(Noun.TASK, task(5, TaskStatus.BLOCKED)))
    groups = tuple(state.groups["tasks-by-status", status] for status in (TaskStatus.BLOCKED, TaskStatus.TODO))
    walk = Walk(Rows(Noun.TASK, groups), descending=False)
    seen = [each.title for each in walk.take(state, 2) if isinstance(each, Task)]
    state.apply(Put(Noun.TASK, task(1, TaskStatus.BLOCKED)))
    assert seen + rest(walk, state) == ["1", "2", "3", "4", "5"]


def test_a_part_in_which_nobody_fits_is_empty_and_not_the_end() -> None:
    state = state_of(*range(10))
    walk = Walk(Rows(Noun.TASK, (state.ordered[Noun.TASK],), lambda e: e.id == task(8).id), descending=False)
    assert walk.take(state, 3) == []
    assert not walk.ended
    assert rest(walk, state) == ["8"]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=30), st.integers(1, 5), st.booleans())
def test_who_stays_from_beginning_to_end_is_seen_exactly_once(
    deeds: list[tuple[bool, int]], most: int, descending: bool
) -> None:
    state = state_of(*range(0, 30, 2))
    stays = {str(number) for number in range(0, 30, 2)} - {str(number) for comes, number in deeds if not comes}
    walk = Walk(everything(state), descending=descending)
    seen: list[str] = []
    for comes, number in deeds:
        if not walk.ended:
            seen += [each.title for each in walk.take(state, most) if isinstance(each, Task)]
        state.apply(Put(Noun.TASK, task(number)) if comes else Delete(Noun.TASK, task(number).id))
    seen += rest(walk, state, most)
    assert len(seen) == len(set(seen))
    assert stays <= set(seen)
    assert seen == sorted(seen, key=int, reverse=descending)


def test_a_list_that_is_there_comes_in_parts_too() -> None:
    state = state_of()
    few = Few([task(number) for number in range(3)])
    assert [len(few.take(state, 2)), few.ended, len(few.take(state, 2)), few.ended] == [2, False, 1, True]
    assert list(Few([]).take(state, 2)) == []
