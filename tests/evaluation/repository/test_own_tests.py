import sys
from pathlib import Path

import pytest

from codegem.errors import UserError
from codegem.evaluation.repository.benchmark import RepositoryBenchmark
from codegem.evaluation.repository.files import Files
from codegem.evaluation.repository.own_tests import OwnTests
from codegem.evaluation.repository.places import Place, all_places
from codegem.sandbox.toolchains import find

pytestmark = pytest.mark.usefixtures("sandbox")
PYTHON = find("python")
assert PYTHON is not None
COMMAND = f"{PYTHON.command[0]} -m unittest -q test_shop"


def place(repository: Path, name: str) -> Place:
    (found,) = [each for each in all_places(Files([repository]), "lines") if each.name == name]
    return found


def test_answers_are_told_apart_by_the_tests(repository: Path) -> None:
    tests = OwnTests(repository, COMMAND)
    line = place(repository, "shop/shop.py:7")
    assert tests.pass_with(line, "amount = amount.plus(price)") is True
    assert tests.pass_with(line, "amount = Money(amount.cents + price.cents)") is True
    assert tests.pass_with(line, "amount = price") is False
    assert tests.pass_with(line, "raise SystemExit(0)") is False
    assert {path.name for path in repository.iterdir()} == {"money.py", "pyproject.toml", "shop.py", "test_shop.py"}


def test_a_place_that_the_tests_do_not_notice_says_nothing(repository: Path) -> None:
    tests = OwnTests(repository, COMMAND)
    assert tests.pass_with(place(repository, "shop/shop.py:8"), "anything(at, all)") is None


def test_they_are_a_measure(repository: Path) -> None:
    tests = OwnTests(repository, COMMAND)
    files = Files([repository])
    benchmark = RepositoryBenchmark(files, [place(repository, "shop/shop.py:7")], others=[False], own_tests=tests)
    (problem,) = benchmark.problems
    (found,) = benchmark.judge([(problem, "amount = Money(amount.cents + price.cents)")])
    assert found.verdict.value == "failed" and found.measures["tests_pass"] == 1.0
    assert "unittest" in benchmark.protocol


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (f"{sys.executable}-absent -m unittest", "names no program"),
        ("", "names no program"),
        (f"{PYTHON.command[0]} -m unittest -q absent", "does not pass in the sandbox as the repository stands"),
    ],
)
def test_tests_that_can_not_be_run_are_refused(repository: Path, command: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        OwnTests(repository, command)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a folder"):
        OwnTests(tmp_path / "absent", COMMAND)
