"""`maestro task next`, `task graph` and `plan`, as processes against a real daemon."""

from pathlib import Path

from tests.cli.program import Maestro


def test_the_next_task_is_shown_claimed_and_then_there_is_none(maestro: Maestro) -> None:
    low = maestro.id("task", "create", "Low", "--priority", "low")
    high = maestro.id("task", "create", "High", "--priority", "high", "--label", "ui")
    shown = maestro("task", "next")
    assert (shown.code, shown.out.splitlines()[0]) == (0, "High")
    for task in (high, low):
        claimed = maestro("task", "next", "--claim", "--json")
        assert claimed.code == 0
        assert claimed.document["data"]["task"]["id"] == task  # type: ignore[index]
    nothing = maestro("task", "next", "--claim")
    assert (nothing.code, nothing.out, nothing.err) == (9, "nothing to do\n", "")
    assert maestro("task", "next", "--json").document["data"] == {"task": None, "empty": True}
    assert maestro("task", "next", "--label", "db").code == 9


def test_a_plan_shows_waves_and_the_longest_chain(maestro: Maestro) -> None:
    first = maestro.id("task", "create", "First")
    second = maestro.id("task", "create", "Second", "--depends-on", first)
    gone = maestro.id("task", "create", "Gone")
    lost = maestro.id("task", "create", "Lost", "--depends-on", gone)
    maestro.ok("task", "cancel", gone)
    short = {id_: id_[-5:] for id_ in (first, second, lost)}
    assert maestro("plan").out.splitlines() == [
        "wave 1: 1 task",
        f"  {short[first]}  todo  First",
        "wave 2: 1 task",
        f"  {short[second]}  todo  Second",
        f"longest chain: {short[first]} → {short[second]}  (2 tasks)",
        "stuck: they wait for what was given up",
        f"  {short[lost]}  todo  Lost",
    ]
    drawn = maestro("task", "graph").out.splitlines()
    assert drawn[1] == f"{short[second]}  todo  Second  ← {short[first]}"
    data = maestro.ok("plan")
    assert isinstance(data, dict)
    assert data["criticalPath"] == [first, second]


def test_a_project_without_open_tasks_has_an_empty_plan(maestro: Maestro) -> None:
    assert maestro("plan").out == "no open tasks\n"
    assert maestro("task", "graph").out == "no open tasks\n"
    nowhere = maestro("plan", "--json", cwd=Path("/"))
    assert (nowhere.code, nowhere.error) == (3, "project_not_found")
    assert maestro("plan", "--project", maestro.cwd.name.replace("_", "-")).code == 0
