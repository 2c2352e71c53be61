"""The copy of the state: changes come in, what moved comes out."""

from maestro_tui.mirror import TIMELINE, Live, Mirror
from maestrod.domain.changes import Delete, Put
from maestrod.domain.model import EntryType, Noun, Project, Session, Task, TimelineEntry

SHOP = Project(id="proj_1", name="shop", working_dir="/shop")


def task(id_: str = "task_1", *, version: int = 1, title: str = "one") -> Task:
    return Task(id=id_, version=version, title=title, project_id="proj_1")


def test_a_newer_version_wins_and_an_older_one_is_passed_over() -> None:
    mirror = Mirror()
    assert mirror.apply([Put(Noun.TASK, task(version=2, title="two"))]).ids == {"task_1"}
    assert not mirror.apply([Put(Noun.TASK, task(version=1))]).anything
    assert mirror.state.task("task_1").title == "two"


def test_the_same_change_twice_moves_nothing_the_second_time() -> None:
    mirror = Mirror()
    mirror.apply([Put(Noun.TASK, task())])
    assert not mirror.apply([Put(Noun.TASK, task())]).anything


def test_long_texts_that_a_list_left_out_are_filled_in_at_the_same_version() -> None:
    mirror = Mirror()
    mirror.apply([Put(Noun.TASK, task())])
    whole = Task(id="task_1", version=1, title="one", project_id="proj_1", description="long")
    assert mirror.apply([Put(Noun.TASK, whole)]).nouns == {Noun.TASK}
    assert mirror.state.task("task_1").description == "long"


def test_deleting_what_is_gone_moves_nothing() -> None:
    mirror = Mirror()
    assert not mirror.apply([Delete(Noun.TASK, "task_1")]).anything


def test_the_first_reading_is_seen_as_it_comes() -> None:
    mirror = Mirror()
    mirror.begin()
    assert mirror.read(Noun.TASK, [task()], {}).ids == {"task_1"}
    assert not mirror.whole
    assert mirror.end().everything
    assert mirror.whole


def test_a_later_reading_replaces_everything_at_once_when_it_is_complete() -> None:
    mirror = Mirror()
    mirror.begin()
    mirror.read(Noun.PROJECT, [SHOP], {})
    mirror.read(Noun.TASK, [task("task_1"), task("task_2")], {"sess_1": {"process": "alive"}})
    mirror.end()
    mirror.outline.fold("proj_1")
    mirror.begin()
    mirror.read(Noun.PROJECT, [SHOP], {})
    mirror.read(Noun.TASK, [task("task_2")], {})
    assert set(mirror.state.table(Noun.TASK)) == {"task_1", "task_2"}
    mirror.end()
    assert set(mirror.state.table(Noun.TASK)) == {"task_2"}
    assert mirror.live == {}
    assert len(mirror.outline) == 1


def test_what_a_first_look_saw_and_the_reading_does_not_confirm_is_dropped() -> None:
    mirror = Mirror()
    mirror.glance(Noun.TASK, [task("task_1"), task("task_2")], {})
    mirror.begin()
    mirror.read(Noun.TASK, [task("task_2")], {})
    mirror.end()
    assert set(mirror.state.table(Noun.TASK)) == {"task_2"}


def test_live_facts_are_replaced_whole_and_odd_ones_are_no_facts() -> None:
    mirror = Mirror()
    assert mirror.know({"sess_1": {"process": "alive", "tool": "Bash"}}).ids == {"sess_1"}
    assert not mirror.know({"sess_1": {"process": "alive", "tool": "Bash"}}).anything
    mirror.know({"sess_1": {"process": "unreachable", "somethingNew": 3}})
    assert mirror.live["sess_1"] == Live(process="unreachable")
    mirror.know({"sess_1": {"process": 7}})
    assert mirror.live["sess_1"] == Live()


def test_a_deleted_session_takes_its_live_facts_along() -> None:
    mirror = Mirror()
    mirror.apply([Put(Noun.SESSION, Session(id="sess_1", project_id="proj_1", name="s"))])
    mirror.know({"sess_1": {"process": "alive"}})
    mirror.apply([Delete(Noun.SESSION, "sess_1")])
    assert mirror.live == {}


def test_a_timeline_keeps_its_newest_entries_only() -> None:
    mirror = Mirror()
    for n in range(TIMELINE + 50):
        entry = TimelineEntry(id=f"evt_{n:05}", type=EntryType.PROGRESS, session_id="sess_1")
        mirror.apply([Put(Noun.TIMELINE, entry)])
    kept = list(mirror.state.groups["session-timeline", "sess_1"])
    assert len(kept) == TIMELINE
    assert kept[-1] == f"evt_{TIMELINE + 49:05}"
