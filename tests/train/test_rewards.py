import pytest

from codegem.errors import UserError
from codegem.sandbox.limits import SandboxError
from codegem.train import rewards
from codegem.train.json_lines import read_json_lines
from codegem.train.rewards import Judge, read_task

SUM = {"prompt": "What is 2 + 3?", "answer": "5"}
ADD = {"prompt": "Write add.", "tests": ["assert add(2, 3) == 5", "assert add([1], []) == [1]"]}


def test_results_are_judged_by_what_they_say():
    task = read_task(SUM)
    answers = ["The answer is 5.", "2 + 3 = 5", "The answer is 6.", "Five."]
    assert Judge().rewards([task] * 4, answers) == [1.0, 1.0, 0.0, 0.0]


# Each tries to get a reward for nothing; what is expected is not where they run.
CHEATS = [
    "import os; os._exit(0)",
    "print('[(True, 5), (True, [1])]'); raise SystemExit(0)",
    "class Any:\n  def __eq__(s, o): return True\n  def __repr__(s): return 'Any()'\ndef add(a, b): return Any()",
    "def add(a, b): raise SystemExit(0)",
]
HONEST = ["def add(a, b):\n    print('noise')\n    return a + b", "So:\n```python\ndef add(a, b): return a + b\n```"]


def test_programs_are_judged_by_what_their_functions_give():
    judge = Judge()
    answers = [*HONEST, *CHEATS, "def add(a, b): return a - b", "not Python"]
    found = judge.rewards([read_task(ADD)] * len(answers), answers)
    assert found == [1.0] * len(HONEST) + [0.0] * (len(answers) - len(HONEST))


def test_a_program_is_run_once_and_a_sandbox_that_fails_gives_no_reward(monkeypatch):
    ran = []

    def one(self, toolchain, checks, code):
        ran.append(code)
        return SandboxError("no memory") if "odd" in code else 1.0

    monkeypatch.setattr(Judge, "_one", one)
    monkeypatch.setattr(rewards, "find", lambda name: object())
    judge, task = Judge(), read_task(ADD)
    assert judge.rewards([task] * 3, ["x", "odd", "x"]) == [1.0, None, 1.0]
    assert judge.rewards([task, read_task(SUM)], ["x", "5"]) == [1.0, 1.0]
    assert sorted(ran) == ["odd", "x"] and judge.dropped == 1
    with pytest.raises(UserError, match="failed for each of 1 programs"):
        judge.rewards([task], ["odd"])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "it is not JSON"),
        ("[1]", "must be an object"),
        ('{"prompt": "a"}', "it needs an 'answer', or 'tests'"),
        ('{"prompt": "a", "answer": "1", "tests": ["assert f() == 1"]}', "it needs an 'answer', or 'tests'"),
        ('{"prompt": "a", "answer": " "}', "'answer' is"),
        ('{"answer": "1"}', "'prompt' is absent"),
        ('{"prompt": [{"role": "assistant", "content": "a"}], "answer": "1"}', "no conversation"),
        ('{"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "answer": "1"}', "end"),
        ('{"prompt": "a", "tests": ["f() == 1"]}', "not of the form"),
        ('{"prompt": "a", "tests": ["assert f() == g()"]}', "not of the form"),
        ('{"prompt": "a", "tests": ["assert f() < 1"]}', "not of the form"),
        ('{"prompt": "a", "tests": [1]}', "not of the form"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(tmp_path, line, words):
    path = tmp_path / "tasks.jsonl"
    path.write_text('{"prompt": "a", "answer": "1"}\n\n' + line + "\n")
    with pytest.raises(UserError, match=words) as raised:
        read_json_lines(path, read_task)
    assert f"{path}, line 3: " in str(raised.value)
