"""`maestro why`, as a process against a real daemon."""

from tests.cli.program import Maestro


def test_why_says_the_causes_and_what_to_do(maestro: Maestro) -> None:
    first = maestro.id("task", "create", "First")
    second = maestro.id("task", "create", "Second", "--depends-on", first)
    said = maestro("why", second)
    assert said.code == 0
    assert said.out.splitlines()[0].startswith("\u2022 It waits for \u2018First\u2019")
    assert said.out.splitlines()[1] == f"    \u2192 `maestro why {first}`"
    assert "nobody has it" in maestro("why").out
    assert maestro("why", "gone-1").code == 3
    data = maestro.ok("why", second)
    assert isinstance(data, dict)
    assert data["about"] == "task"
