"""A state filled at once is the state that grew change by change."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from maestrod.domain import indexes
from maestrod.domain.changes import Command, Put
from maestrod.domain.indexes import Ordered
from maestrod.domain.model import Noun
from maestrod.domain.state import State
from maestrod.domain.tasks import CreateTask
from maestrod.domain.work import CancelTask, CompleteTask, StartTask
from tests.domain.world import World, contents

MOVES: list[Callable[[str], Command] | None] = [
    None,
    lambda task: CompleteTask(task_id=task),
    lambda task: CancelTask(task_id=task),
    lambda task: StartTask(task_id=task, force=True),
]


def filled(state: State) -> State:
    """The same entities, put all at once, noun by noun."""
    other = State()
    for noun in Noun:
        other.fill(noun, state.table(noun).values())
    return other


def assert_same(one: State, other: State) -> None:
    assert contents(one) == contents(other)
    assert one.ordered == other.ordered
    assert one.groups == other.groups
    assert one.labels == other.labels
    assert one.unmet == other.unmet
    assert one.projects_by_dir == other.projects_by_dir


def test_a_state_without_anything_is_filled_with_nothing() -> None:
    assert_same(filled(State()), State())


@settings(max_examples=40)
@given(st.data())
def test_filling_gives_the_state_that_changes_gave(data: st.DataObject) -> None:
    world = World()
    project = world.project()
    tasks: list[str] = []
    for number in range(data.draw(st.integers(0, 12))):
        waits = tuple(data.draw(st.lists(st.sampled_from(tasks), max_size=3, unique=True))) if tasks else ()
        made = CreateTask(project_id=project, title=f"task {number % 3}", dependencies=waits)
        tasks.append(world.do(made)[0].id)
    for task in tasks:
        move = data.draw(st.sampled_from(MOVES))
        if move is not None:
            world.do(move(task))
    assert_same(filled(world.state), world.state)


def test_a_filled_state_goes_on_like_any_other() -> None:
    world = World()
    project = world.project()
    first = world.do(CreateTask(project_id=project, title="first"))[0].id
    second = world.do(CreateTask(project_id=project, title="second", dependencies=(first,)))[0].id
    state = filled(world.state)
    for change in world.do(CompleteTask(task_id=first)):
        state.apply(change)
    assert state.is_ready(state.task(second))
    assert_same(state, world.state)


@given(st.sets(st.text(alphabet="abc", min_size=1, max_size=6)))
def test_strings_made_at_once_are_those_added_one_by_one(items: set[str]) -> None:
    one_by_one = Ordered()
    for item in items:
        one_by_one.add(item)
    assert Ordered.of(sorted(items)) == one_by_one
    assert len(Ordered.of(sorted(items))) == len(items)


def test_more_strings_than_a_run_are_found_again() -> None:
    items = sorted(f"{number:06d}" for number in range(3 * indexes.RUN + 1))
    made = Ordered.of(items)
    assert list(made) == items
    assert items[indexes.RUN] in made
    assert list(made.after(items[-2])) == items[-1:]


def test_putting_again_what_was_filled_changes_nothing() -> None:
    world = World()
    world.do(CreateTask(project_id=world.project(), title="first"))
    state = filled(world.state)
    for noun in Noun:
        for entity in list(state.table(noun).values()):
            state.apply(Put(noun, entity))
    assert_same(state, world.state)
