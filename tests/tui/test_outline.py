"""The tree: which row stands where, without building any row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from maestro_tui.outline import ROOT, Outline
from maestrod.domain.changes import Change, Delete, Put
from maestrod.domain.model import Noun, Priority, Project, Task, TaskStatus


def project(id_: str, **more: object) -> Put:
    return Put(Noun.PROJECT, structs.replace(Project(id=id_, name=id_, working_dir=f"/{id_}"), **more))


def task(id_: str, parent: str = "p", **more: object) -> Put:
    parent_id = None if parent.startswith("p") else parent
    made = Task(id=id_, title=id_, project_id="p" if parent_id else parent, parent_id=parent_id)
    return Put(Noun.TASK, structs.replace(made, **more))


def outline(*changes: Change) -> Outline:
    made = Outline()
    for change in changes:
        made.follow(change)
    return made


def rows(tree: Outline) -> list[tuple[str, int]]:
    places = [tree.at(row) for row in range(len(tree))]
    return [(place.id, place.depth) for place in places]


def test_projects_are_open_and_tasks_are_closed_at_first() -> None:
    tree = outline(project("p"), task("a"), task("b", "a"))
    assert rows(tree) == [("p", 0), ("a", 1)]
    tree.unfold("a")
    assert rows(tree) == [("p", 0), ("a", 1), ("b", 2)]


def test_urgent_and_open_work_stands_first() -> None:
    tree = outline(
        project("p"),
        task("a", status=TaskStatus.COMPLETED, priority=Priority.CRITICAL),
        task("b", priority=Priority.LOW),
        task("c", priority=Priority.HIGH),
        task("d", priority=Priority.LOW, pinned=True),
        task("e", priority=Priority.LOW, position=1),
    )
    assert [id_ for id_, _ in rows(tree)] == ["p", "d", "c", "e", "b", "a"]


def test_a_task_that_starts_stays_where_it_is() -> None:
    tree = outline(project("p"), task("a"), task("b"), task("c"))
    tree.follow(task("b", status=TaskStatus.IN_PROGRESS, version=2))
    assert [id_ for id_, _ in rows(tree)] == ["p", "a", "b", "c"]


def test_what_is_archived_is_left_out() -> None:
    tree = outline(project("p"), task("a", status=TaskStatus.ARCHIVED), project("q", archived_at=1))
    assert rows(tree) == [("p", 0)]


def test_a_child_comes_to_light_when_its_parent_does() -> None:
    tree = outline(project("p"), task("b", "a"))
    tree.unfold("a")
    assert rows(tree) == [("p", 0)]
    tree.follow(task("a"))
    assert rows(tree) == [("p", 0), ("a", 1), ("b", 2)]


def test_a_task_follows_its_new_parent() -> None:
    tree = outline(project("p"), task("a"), task("b"), task("c", "a"))
    tree.unfold("a")
    tree.unfold("b")
    tree.follow(task("c", "b", version=2))
    assert rows(tree) == [("p", 0), ("a", 1), ("b", 1), ("c", 2)]


def test_a_closed_project_stays_closed_when_it_is_told_again() -> None:
    tree = outline(project("p"), task("a"))
    tree.fold("p")
    tree.follow(project("p", name="renamed", version=2))
    assert rows(tree) == [("p", 0)]


def test_what_is_searched_for_is_revealed() -> None:
    tree = outline(project("p"), task("a"), task("b", "a"), task("c", "b"))
    tree.fold("p")
    tree.reveal("c")
    assert tree.find("c") == 3


def test_a_circle_of_parents_hangs_nothing() -> None:
    tree = outline(project("p"), task("a", "b"), task("b", "a"))
    tree.reveal("a")
    assert rows(tree) == [("p", 0)]
    assert tree.find("a") is None


def test_a_very_deep_tree_can_be_opened() -> None:
    tree = outline(project("p"), task("t0"), *(task(f"t{n}", f"t{n - 1}") for n in range(1, 3_000)))
    tree.reveal("t2999")
    assert tree.find("t2999") == 3_000
    assert tree.at(3_000).depth == 3_000


def test_rows_beyond_the_end_do_not_exist() -> None:
    with pytest.raises(IndexError):
        outline(project("p")).at(1)
    with pytest.raises(IndexError):
        Outline().at(0)


def test_deleting_what_is_not_there_changes_nothing() -> None:
    tree = outline(project("p"), task("a"))
    tree.follow(Delete(Noun.TASK, "x"))
    assert rows(tree) == [("p", 0), ("a", 1)]


IDS = st.sampled_from("abcdefgh")
CHANGES = st.one_of(
    st.builds(
        lambda id_, parent, priority, status: task(id_, parent, priority=priority, status=status),
        IDS,
        st.sampled_from(["p", "pq", *"abcdefgh"]),
        st.sampled_from(Priority),
        st.sampled_from(TaskStatus),
    ),
    st.builds(lambda id_: Delete(Noun.TASK, id_), IDS),
    st.just(project("p")),
    st.just(project("pq")),
    st.just(Delete(Noun.PROJECT, "pq")),
)


@given(st.lists(CHANGES, max_size=40), st.sets(IDS))
def test_rows_are_those_of_a_plain_walk(changes: list[Change], opened: set[str]) -> None:
    tree = outline(*changes)
    for id_ in opened:
        tree.unfold(id_)
    fresh = outline(*_latest(changes))
    for id_ in opened:
        fresh.unfold(id_)
    assert rows(tree) == rows(fresh) == list(_walk(tree, ROOT, 0))
    assert all(tree.find(id_) == at for at, (id_, _) in enumerate(rows(tree)))


def _latest(changes: list[Change]) -> list[Change]:
    last: dict[str, Change] = {}
    for change in changes:
        last.pop(change.id, None)
        last[change.id] = change
    return [change for change in last.values() if isinstance(change, Put)]


def _walk(tree: Outline, parent: str, depth: int) -> list[tuple[str, int]]:
    found = []
    for _, id_ in tree._children.get(parent, []):
        found.append((id_, depth))
        if tree.is_open(id_):
            found += _walk(tree, id_, depth + 1)
    return found


def test_a_hundred_thousand_tasks_are_laid_out_without_being_walked() -> None:
    tree = outline(project("p"), *(task(f"t{n:06}") for n in range(100_000)))
    assert len(tree) == 100_001
    assert tree.at(77_778).id == "t077777"
    assert tree.find("t099999") == 100_000
    assert len(tree._laid()) == 2
