"""`maestro task check`: commands that prove a task, as processes against a real daemon."""

from pathlib import Path

from tests.cli.program import Maestro


def test_a_check_is_added_run_and_shown(maestro: Maestro, tmp_path: Path) -> None:
    task = maestro.id("task", "create", "Fix the login", "--check", "test -f done.txt")
    added = maestro("task", "check", "add", task, "echo hello")
    assert added.out == f"added a check to {task}  Fix the login  (todo)\n"
    assert "never ran  (has not been run)" in maestro("task", "check", "list", task).out
    ran = maestro("task", "check", "run", task)
    assert ran.code == 6
    assert ran.out.startswith("no  test -f done.txt  failed")
    assert "(failed with exit code 1)" in ran.out
    (tmp_path / "done.txt").write_text("x")
    ran = maestro("task", "check", "run", task)
    assert (ran.code, ran.err) == (0, "")
    assert [text[:3] for text in ran.out.splitlines()] == ["ok ", "ok "]


def test_a_run_answers_one_document_whatever_came_of_it(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "Fix the login", "--check", "echo bad; exit 3")
    ran = maestro("task", "check", "run", task, "--json")
    assert (ran.code, ran.document["success"]) == (6, True)
    data = ran.document["data"]
    assert isinstance(data, dict)
    assert (data["passed"], data["checks"][0]["exitCode"], data["checks"][0]["output"]) == (False, 3, "bad\n")
    begun = maestro("task", "check", "run", task, "--no-wait", "--json")
    assert (begun.code, begun.document["success"]) == (0, True)


def test_completing_says_what_is_missing_until_it_is_overridden(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "Fix the login", "--check", "false")
    said = maestro("task", "complete", task)
    assert said.out == (
        f"handed over {task}  Fix the login  (in_review)\n"
        f"  `false` has not been run. Then `maestro task check run {task}`, and complete it again.\n"
    )
    assert maestro("task", "complete", task, "--override").out == f"completed {task}  Fix the login\n"


def test_evidence_is_listed_with_who_claims_it(maestro: Maestro, tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_text("x")
    task = maestro.id("task", "create", "Fix the login")
    maestro.ok("task", "complete", task, "--evidence", "file:report.txt", "--evidence", "url:https://example.org")
    listed = maestro("task", "check", "list", task)
    assert listed.out.splitlines() == [
        "no checks",
        "evidence",
        "  file: report.txt  by a person  (found)",
        "  url: https://example.org  by a person  (not looked at)",
    ]


def test_a_task_without_checks_has_nothing_to_run(maestro: Maestro) -> None:
    task = maestro.id("task", "create", "Fix the login")
    ran = maestro("task", "check", "run", task, "--json")
    assert (ran.code, ran.error) == (6, "conflict")
    assert "task check add" in str(ran.document["suggestion"])
    assert maestro("task", "check", "run", "gone-1").code == 3
