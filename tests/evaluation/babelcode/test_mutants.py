import pytest

from .mutants import mutants
from .running import GOLDEN


def test_each_mutant_differs_in_one_place() -> None:
    code = 'function f(x) {\n    if (x <= 1 && x !== "a") { // 5 == 5\n        return [true, x - 2.5];\n    }\n}\n'
    found = mutants(code)
    assert len(found) == len(set(found)) == 8
    for each in found:
        assert each != code and each.splitlines()[0] == code.splitlines()[0] and "// 5 == 5" in each
    assert mutants(code, 3) == mutants(code, 3) and set(mutants(code, 3)) < set(found)


@pytest.mark.parametrize("language", ["javascript", "go", "rust"])
def test_every_golden_solution_has_a_mutant(language: str) -> None:
    files = list((GOLDEN / language).iterdir())
    assert len(files) >= 40
    assert not [file for file in files if not mutants(file.read_text())]
