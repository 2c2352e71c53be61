"""Each listed fault is noticed by the tests that are named for it."""

from collections import Counter

import pytest

from tests.architecture.house import CHECKOUT, PACKAGES
from tests.mutants.copy import Copy
from tests.mutants.listed import Mutant, mutants

MUTANTS = mutants()
PACKAGE = next(package for package in PACKAGES if package.name == "maestrod")
ROOMS = ("engine", "store")
QUICK = "engine/clock.py"
each_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("copy"))


def text_of(mutant: Mutant) -> str:
    return (PACKAGE / mutant.file).read_text(encoding="utf-8")


# -- the list -------------------------------------------------------------------------------------


def test_the_place_of_every_mutant_is_found_once() -> None:
    astray = {each.name: count for each in MUTANTS if (count := text_of(each).count(each.old)) != 1}
    assert astray == {}


def test_every_mutant_is_another_text() -> None:
    assert [mutant.name for mutant in MUTANTS if mutant.old == mutant.new] == []


def test_every_test_that_a_mutant_names_is_there() -> None:
    for mutant in MUTANTS:
        assert mutant.tests, mutant.name
        for test in mutant.tests:
            file, _, name = test.partition("::")
            assert f"def {name.partition('[')[0]}(" in (CHECKOUT / "tests" / file).read_text(encoding="utf-8"), test


def test_no_two_mutants_have_one_name() -> None:
    assert max(Counter(mutant.name for mutant in MUTANTS).values()) == 1


def test_every_module_of_both_rooms_has_mutants() -> None:
    modules = {path.relative_to(PACKAGE).as_posix() for room in ROOMS for path in (PACKAGE / room).glob("[!_]*.py")}
    assert {mutant.file for mutant in MUTANTS} == modules


# -- the runs -------------------------------------------------------------------------------------


def check_noticed(copy: Copy, mutant: Mutant) -> None:
    """Its tests fail, and they have imported the copy alone, the mutant with it."""
    with copy.planted(mutant):
        run = copy.run(mutant.tests, timeout_s=10)
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, run.stdout + run.stderr
    assert copy.root / "maestrod" / mutant.file in copy.imported()
    assert all(path.is_relative_to(copy.root) for path in copy.imported())


def check_passed(copy: Copy, chosen: list[Mutant]) -> None:
    run = copy.run(sorted({test for mutant in chosen for test in mutant.tests}), timeout_s=60)
    assert run.returncode == pytest.ExitCode.OK, run.stdout + run.stderr


@pytest.mark.slow
def test_a_mutant_fails_its_tests_and_the_copy_passes_them_once_it_is_gone(copy: Copy) -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.file == QUICK)
    check_noticed(copy, mutant)
    check_passed(copy, [mutant])


@pytest.mark.slow
def test_without_a_mutant_all_tests_of_the_list_pass(copy: Copy) -> None:
    check_passed(copy, MUTANTS)


@pytest.mark.slow
@each_mutant
def test_a_mutant_is_noticed(copy: Copy, mutant: Mutant) -> None:
    check_noticed(copy, mutant)
