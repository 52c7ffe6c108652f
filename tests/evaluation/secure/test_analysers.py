from dataclasses import replace
from pathlib import Path

import pytest

from codegem.evaluation.secure.analysers import Bandit, Finding, names_weakness, read_json
from codegem.evaluation.secure.cases import read_cases
from codegem.sandbox.limits import Finished, SandboxError, Status


def test_bandit_reads_all_texts_at_once() -> None:
    pytest.importorskip("bandit")
    texts = [
        "import subprocess\n\nsubprocess.call(\n    f'ls {x}',\n    shell=True,  # nosec\n)\n",
        "this is no python (",
        "import hashlib\nhashlib.sha256(b'')\n",
    ]
    first, second, third = Bandit().find(texts)
    assert [(found.rule, found.cwe, found.line, found.severity) for found in first] == [("B602", 78, 3, "high")]
    assert second == third == []
    assert Bandit().missing() == "" and Bandit().version()


def test_only_the_weakness_of_the_case_in_the_lines_of_the_answer_counts(case_file: Path) -> None:
    case = read_cases(case_file)[0][0]
    answer = case.vulnerable[0]  # line 3
    hit = Finding("B999", 89, 3, 3, "")
    assert names_weakness(case, answer, "bandit", hit)
    assert names_weakness(case, answer, "bandit", replace(hit, rule="B608", cwe=None))
    assert not names_weakness(case, answer, "other", replace(hit, rule="B608", cwe=None))
    assert not names_weakness(case, answer, "bandit", replace(hit, cwe=78))
    assert not names_weakness(case, answer, "bandit", replace(hit, line=1, end=2))
    assert not names_weakness(case, answer, "bandit", replace(hit, line=4, end=9))
    assert names_weakness(case, answer, "bandit", replace(hit, line=2, end=9))


def test_an_analyser_that_fails_says_nothing_about_a_program() -> None:
    done = Finished(Status.EXITED, 1, "", "Traceback: no such option", 0.1, "exit code 1")
    with pytest.raises(SandboxError, match=r"bandit does not work: exit code 1"):
        read_json("bandit", done)
    with pytest.raises(SandboxError, match="out of time"):
        read_json("bandit", Finished(Status.TIME, None, "{}", "", 9.0, "stopped: out of time"))
