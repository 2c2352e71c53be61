"""Ids: each later than all before, whatever the wall clock does."""

import re
from itertools import pairwise

import pytest

from maestrod.domain.model import Noun
from maestrod.engine.clock import Clock


class Hands(Clock):
    """A clock whose hands a test holds."""

    def __init__(self, at_ms: int) -> None:
        super().__init__(seed=1)
        self.at_ms = at_ms

    def now(self) -> int:
        return self.at_ms


def test_an_id_says_what_it_is_of_and_when_it_was_made() -> None:
    assert re.fullmatch(r"task_1700000000000_[0-9a-z]{9}", Hands(1_700_000_000_000).new_id(Noun.TASK))


@pytest.mark.parametrize("step_ms", [0, 1, -1])
def test_ids_sort_as_they_were_made_also_when_the_clock_stands_or_goes_back(step_ms: int) -> None:
    clock = Hands(1_700_000_000_000)
    ids = []
    for _ in range(1000):
        ids.append(clock.new_id(Noun.TASK))
        clock.at_ms += step_ms
    assert all(earlier < later for earlier, later in pairwise(ids))


def test_a_millisecond_that_is_full_gives_way_to_the_next() -> None:
    clock = Hands(1_700_000_000_000)
    clock._last_ms, clock._last_tail = clock.at_ms, 36**9 - 2
    full = f"task_{clock.at_ms}_zzzzzzzzz"
    following = clock.new_id(Noun.TASK)
    assert following > full
    assert following.startswith(f"task_{clock.at_ms + 1}_")
    assert clock.new_id(Noun.TASK) > following
