"""Names for things: ids, endings of ids, beginnings of slugs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestrod.domain.changes import Delete, Put
from maestrod.domain.errors import Ambiguous, NotFound
from maestrod.domain.labels import slug
from maestrod.domain.model import Noun, Project, QueueItem, Session, Subtask, Task, TimelineEntry
from maestrod.domain.names import resolve, title
from maestrod.domain.state import State


def named(*titles: str, project_id: str = "proj_1_p") -> State:
    """Tasks with these titles; the ids end in `x0`, `x1`, …"""
    state = State()
    for number, words in enumerate(titles):
        task = Task(id=f"task_170{number}_abcdefx{number}", project_id=project_id, title=words)
        state.apply(Put(Noun.TASK, task))
    return state


FIX, FIXTURES, DOCS = "task_1700_abcdefx0", "task_1701_abcdefx1", "task_1702_abcdefx2"


@pytest.fixture
def state() -> State:
    return named("Fix the login", "Fixtures for the tests", "Write docs")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (FIX, FIX),
        ("x0", FIX),
        ("abcdefx2", DOCS),
        ("1702_abcdefx2", DOCS),
        ("fix-lo", FIX),
        ("fix-the-login", FIX),
        ("Fix the Login!", FIX),
        ("FIXT", FIXTURES),
        ("w", DOCS),
        ("write_docs", DOCS),
    ],
)
def test_an_id_an_ending_or_the_beginning_of_a_slug_names_a_task(state: State, name: str, found: str) -> None:
    assert resolve(state, Noun.TASK, name) == found


@pytest.mark.parametrize("name", ["", "-", "!!!", "fax", "x9", "task_1700_abcdefx9", "login", "the-login", " ", "\0"])
def test_what_fits_nothing_is_not_found(state: State, name: str) -> None:
    with pytest.raises(NotFound) as refused:
        resolve(state, Noun.TASK, name)
    assert (refused.value.code, refused.value.name) == ("TASK_NOT_FOUND", name)
    assert "task list" in refused.value.hint


def test_what_fits_several_names_the_candidates(state: State) -> None:
    with pytest.raises(Ambiguous) as refused:
        resolve(state, Noun.TASK, "fix")
    assert [d["id"] for d in refused.value.details] == [FIX, FIXTURES]
    assert "Fix the login" in refused.value.message
    assert refused.value.code == "VALIDATION_ERROR"


def test_at_most_eight_candidates_are_named() -> None:
    state = named(*["Fix it"] * 30)
    with pytest.raises(Ambiguous) as refused:
        resolve(state, Noun.TASK, "fix")
    assert len(refused.value.details) == 8
    for number in range(10, 30):
        state.apply(Put(Noun.TASK, Task(id=f"task_9_{number}y", project_id="p", title="x")))
    with pytest.raises(Ambiguous) as refused:
        resolve(state, Noun.TASK, "y")
    assert len(refused.value.details) == 8


def test_a_whole_slug_wins_over_a_longer_one() -> None:
    state = named("Login", "Login page", "Loginess")
    assert resolve(state, Noun.TASK, "login") == "task_1700_abcdefx0"
    with pytest.raises(Ambiguous):
        resolve(named("Login", "Login"), Noun.TASK, "login")


def test_an_id_wins_over_an_ending_and_an_ending_over_a_slug() -> None:
    state = named("x1", "other")
    assert resolve(state, Noun.TASK, "x1") == "task_1701_abcdefx1"
    state.apply(Put(Noun.TASK, Task(id="x1", project_id="p", title="bare")))
    assert resolve(state, Noun.TASK, "x1") == "x1"


def test_a_slug_is_looked_up_in_the_own_project_first() -> None:
    state = named("Fix it", project_id="proj_1_p")
    state.apply(Put(Noun.TASK, Task(id="task_5_zzz", project_id="proj_1_q", title="Fix it")))
    assert resolve(state, Noun.TASK, "fix", project_id="proj_1_q") == "task_5_zzz"
    assert resolve(state, Noun.TASK, "fix", project_id="proj_1_p") == "task_1700_abcdefx0"
    with pytest.raises(Ambiguous):
        resolve(state, Noun.TASK, "fix")
    with pytest.raises(Ambiguous):
        resolve(state, Noun.TASK, "fix", project_id="proj_1_none")


def test_a_new_title_is_found_and_the_old_one_is_not(state: State) -> None:
    state.apply(Put(Noun.TASK, Task(id=DOCS, project_id="proj_1_p", title="Print docs")))
    assert resolve(state, Noun.TASK, "print") == DOCS
    with pytest.raises(NotFound):
        resolve(state, Noun.TASK, "write")
    state.apply(Delete(Noun.TASK, DOCS))
    for name in ("print", "x2", DOCS):
        with pytest.raises(NotFound):
            resolve(state, Noun.TASK, name)


def test_projects_and_sessions_have_slugs_subtasks_and_items_have_endings() -> None:
    state = State()
    state.apply(Put(Noun.PROJECT, Project(id="proj_1_a1", name="My works", working_dir="/w")))
    state.apply(Put(Noun.SESSION, Session(id="sess_1_b1", project_id="proj_1_a1", name="Eve")))
    state.apply(Put(Noun.SUBTASK, Subtask(id="sub_1_c1", task_id="t", title="Step")))
    state.apply(Put(Noun.ITEM, QueueItem(id="item_1_d1", queue_id="q", session_id="s", task_id="t")))
    assert resolve(state, Noun.PROJECT, "my-w", project_id="proj_1_a1") == "proj_1_a1"
    assert resolve(state, Noun.SESSION, "eve") == "sess_1_b1"
    assert resolve(state, Noun.SUBTASK, "c1") == "sub_1_c1"
    assert resolve(state, Noun.ITEM, "d1") == "item_1_d1"
    with pytest.raises(NotFound):
        resolve(state, Noun.SUBTASK, "step")
    assert [title(state, n, i) for n, i in ((Noun.PROJECT, "proj_1_a1"), (Noun.SESSION, "sess_1_b1"))] == [
        "My works",
        "Eve",
    ]
    assert (title(state, Noun.ITEM, "item_1_d1"), title(state, Noun.TASK, "task_1_x")) == ("", "")


def test_what_no_command_names_is_found_by_its_whole_id_only() -> None:
    state = State()
    state.apply(Put(Noun.TIMELINE, TimelineEntry(id="evt_1_a1", type="progress")))  # type: ignore[arg-type]
    assert resolve(state, Noun.TIMELINE, "evt_1_a1") == "evt_1_a1"
    with pytest.raises(NotFound):
        resolve(state, Noun.TIMELINE, "a1")


def test_ambiguous_endings_of_untitled_things_are_named_by_id() -> None:
    state = State()
    for id_ in ("sub_1_ac1", "sub_1_bc1"):
        state.apply(Put(Noun.SUBTASK, Subtask(id=id_, task_id="t", title="Step")))
    with pytest.raises(Ambiguous, match="sub_1_ac1, sub_1_bc1"):
        resolve(state, Noun.SUBTASK, "c1")


@pytest.mark.parametrize(
    "name", ["a" * 1_000_000, "task_1_" + "9" * 1_000_000, "-" * 100_000, "\0" * 9, "../../etc", "'; --", "🦊" * 99]
)
def test_a_hostile_name_is_not_found_with_a_short_word(state: State, name: str) -> None:
    with pytest.raises(NotFound) as refused:
        resolve(state, Noun.TASK, name)
    assert len(refused.value.message) < 200


def test_an_ambiguous_hostile_name_is_shortened() -> None:
    state = named(*["a" * 200] * 2)
    with pytest.raises(Ambiguous) as refused:
        resolve(state, Noun.TASK, "A" * 150)
    assert len(refused.value.message) < 700


@given(st.text(max_size=40))
def test_every_name_answers_or_is_refused(name: str) -> None:
    for noun in Noun:
        try:
            assert resolve(named("Fix", "!!!", "ß", name or "-"), noun, name)
        except (NotFound, Ambiguous) as refused:
            assert refused.hint  # noqa: PT017 - either outcome is right


@given(st.text(max_size=200))
def test_a_slug_is_made_of_words_and_single_hyphens(text: str) -> None:
    made = slug(text)
    assert made == made.strip("-")
    assert "--" not in made
    assert "\0" not in made
    assert slug(made) == made or not made.isascii()


def test_articles_are_left_out_of_slugs() -> None:
    assert slug("Fix the flaky login test") == "fix-flaky-login-test"
    assert slug("The A") == "the-a"


@given(st.text(st.characters(max_codepoint=127), max_size=40))
def test_words_are_the_same_in_any_company(text: str) -> None:
    assert slug(f"x {text} é") == "-".join(part for part in ("x", slug(f"{text} x")[:-1].rstrip("-"), "é") if part)


@pytest.mark.parametrize(
    ("noun", "words"),
    [
        (Noun.TASK, "maestro task list"),
        (Noun.SUBTASK, "maestro subtask list TASK"),
        (Noun.DOC, "maestro task docs list TASK"),
        (Noun.MAIL, "maestro mail inbox SESSION"),
        (Noun.ITEM, "maestro queue list --session SESSION"),
        (Noun.CHECK, "maestro status"),
    ],
)
def test_what_does_not_exist_is_refused_with_where_to_look(noun: Noun, words: str) -> None:
    with pytest.raises(NotFound) as refused:
        resolve(State(), noun, "nowhere")
    assert refused.value.hint == f"`{words}` shows what there is."


def test_an_index_of_names_is_like_no_other_thing() -> None:
    assert State().labels == State().labels
    assert State().labels != object()
