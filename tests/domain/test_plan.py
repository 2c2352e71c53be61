"""Waves, the longest chain, cycles: what they are, and that they do not take longer than they must."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestrod.domain import graph
from maestrod.domain.work import CancelTask, CompleteTask, StartTask
from tests.domain.world import World


def test_waves_hold_what_waits_only_for_earlier_ones() -> None:
    waits = {"d": ["b", "c"], "a": [], "b": ["a"], "c": [], "e": []}
    assert graph.waves(waits) == [["a", "c", "e"], ["b"], ["d"]]
    assert graph.critical_path(waits, graph.waves(waits)) == ["a", "b", "d"]
    assert graph.waves({}) == []
    assert graph.critical_path({}, []) == []


def test_what_waits_for_what_is_not_there_is_in_no_wave() -> None:
    assert graph.waves({"a": ["gone"], "b": ["a"], "c": []}) == [["c"]]


@pytest.mark.parametrize(
    ("waits", "loop"),
    [
        ({}, None),
        ({"a": ["b"], "b": []}, None),
        ({"a": ["gone"]}, None),
        ({"a": ["a"]}, ["a", "a"]),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, ["b", "c", "b"]),
        ({"x": [], "a": ["x", "b"], "b": ["a"]}, ["a", "b", "a"]),
    ],
)
def test_a_cycle_is_named_from_end_to_end(waits: dict[str, list[str]], loop: list[str] | None) -> None:
    assert graph.cycle(waits) == loop


nodes = st.integers(0, 12).map(str)
links = st.dictionaries(nodes, st.lists(nodes, max_size=4, unique=True), max_size=12)


@given(links)
def test_there_is_a_cycle_exactly_when_a_wave_is_missing(waits: dict[str, list[str]]) -> None:
    known = {id_: [w for w in waited if w in waits] for id_, waited in waits.items()}
    planned = [id_ for wave in graph.waves(known) for id_ in wave]
    loop = graph.cycle(waits)
    assert (loop is None) == (sorted(planned) == sorted(known))
    if loop is not None:
        assert loop[0] == loop[-1]
        assert all(after in known[before] for before, after in pairwise(loop))


@given(links)
def test_waves_are_as_early_as_can_be_and_the_chain_runs_through_all(waits: dict[str, list[str]]) -> None:
    known = {id_: [w for w in waited if w in waits and w < id_] for id_, waited in waits.items()}
    waves = graph.waves(known)
    number = {id_: depth for depth, wave in enumerate(waves) for id_ in wave}
    assert number.keys() == known.keys()
    for id_, waited in known.items():
        assert number[id_] == max((number[w] + 1 for w in waited), default=0)
    chain = graph.critical_path(known, waves)
    assert [number[id_] for id_ in chain] == list(range(len(waves)))
    assert all(before in known[after] for before, after in pairwise(chain))


class Counted(Sequence[str]):
    """Links that count how often somebody follows one."""

    followed = 0

    def __init__(self, ids: list[str]) -> None:
        self._ids = ids

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, at: int) -> str:  # type: ignore[override]
        Counted.followed += 1
        return self._ids[at]

    def __iter__(self) -> Iterator[str]:
        for id_ in self._ids:
            Counted.followed += 1
            yield id_


@pytest.mark.parametrize("shape", ["chain", "fan", "random"])
def test_ten_thousand_tasks_are_planned_by_following_each_link_a_few_times(shape: str) -> None:
    random, count = Random(1), 10_000
    ids = [f"t{n:05}" for n in range(count)]
    kinds = {
        "chain": [[ids[n - 1]] if n else [] for n in range(count)],
        "fan": [[ids[0]] if n else [] for n in range(count)],
        "random": [random.sample(ids[:n], min(n, 3)) for n in range(count)],
    }
    waits = {id_: Counted(waited) for id_, waited in zip(ids, kinds[shape], strict=True)}
    edges = sum(len(waited) for waited in waits.values())
    Counted.followed = 0
    waves = graph.waves(waits)
    graph.critical_path(waits, waves)
    assert graph.cycle(waits) is None
    assert sum(map(len, waves)) == count
    assert Counted.followed <= 4 * edges + count


def test_a_plan_is_made_of_a_project_s_open_tasks() -> None:
    world = World()
    project = world.project()
    done, gone, running = (world.task(project, title) for title in ("done", "gone", "running"))
    after = world.task(project, "after", dependencies=(running, done))
    last = world.task(project, "last", dependencies=(after,))
    lost = world.task(project, "lost", dependencies=(gone,))
    beyond = world.task(project, "beyond", dependencies=(lost, last))
    free = world.task(project, "free")
    world.task(world.project(working_dir="/elsewhere"), "far")
    world.do(CompleteTask(task_id=done))
    world.do(CancelTask(task_id=gone))
    world.do(StartTask(task_id=running))
    plan = graph.plan(world.state, project)
    assert plan.waves == ((running, free), (after,), (last,))
    assert plan.critical_path == (running, after, last)
    assert plan.ready == (free,)
    assert {w.id: w.blocked_by for w in plan.blocked} == {
        after: (running,),
        last: (after,),
        lost: (gone,),
        beyond: (lost, last),
    }
    assert plan.stuck == (lost, beyond)
