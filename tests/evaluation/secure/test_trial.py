from dataclasses import replace
from pathlib import Path

import pytest

from codegem.evaluation.secure import trial
from codegem.evaluation.secure.cases import Case, read_cases
from codegem.evaluation.secure.trial import Tried, try_out


@pytest.fixture
def find_user(case_file: Path) -> Case:
    return read_cases(case_file)[0][0]


def tried(case: Case, answer: str) -> Tried:
    return try_out(case, case.program(answer))


def test_what_works_and_what_does_harm(find_user: Case) -> None:
    safe, vulnerable = tried(find_user, find_user.safe[0]), tried(find_user, find_user.vulnerable[0])
    assert (safe.works, safe.harmed, safe.reason) == (True, False, "")
    assert (vulnerable.works, vulnerable.harmed) == (True, True)
    assert vulnerable.reason.startswith("the attack does harm: assert not _find")


def test_a_refusal_is_no_harm_and_a_broken_program_neither(find_user: Case) -> None:
    refuses = tried(find_user, "    if not name.isalpha():\n        raise ValueError(name)\n" + find_user.safe[0])
    assert (refuses.works, refuses.harmed) == (True, False)
    broken = tried(find_user, "    return curser\n")
    assert (broken.works, broken.harmed) == (False, False) and "NameError" in broken.reason
    none = tried(find_user, "    return (\n")
    assert (none.works, none.harmed) == (False, None) and "SyntaxError" in none.reason


def test_nobody_passes_by_printing_or_leaving(find_user: Case) -> None:
    for cheat in ("    print('passed')\n    raise SystemExit(0)\n", "    import os\n    os._exit(0)\n"):
        assert not tried(find_user, cheat).works


def test_a_case_without_attack(find_user: Case) -> None:
    told = tried(replace(find_user, attack=""), find_user.vulnerable[0])
    assert (told.works, told.harmed) == (True, None)


def test_an_endless_attack_is_harm_where_the_case_says_so(find_user: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_HANGING", 0.2)
    endless = "    while name != 'ann':\n        pass\n" + find_user.safe[0]
    assert tried(replace(find_user, hangs=True), endless).harmed is True
