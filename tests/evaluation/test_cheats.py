"""Programs that do anything but solve their problem; none may pass, and each one's problem can be solved honestly."""

import pytest

from codegem.evaluation.python_judge import Trial, judge
from codegem.evaluation.task import Verdict
from codegem.sandbox import toolchains
from codegem.sandbox.limits import SandboxLimits
from codegem.sandbox.sandbox import run

from .cheat_problems import CHEATS, PROBLEMS, cheat

_FOOLING = (
    "alarm_exits",
    "always_equal_dict",
    "always_equal_float",
    "always_equal_int",
    "always_equal_list",
    "always_equal_object",
    "always_equal_set",
    "always_equal_str",
    "argument_equals_everything",
    "child_answers_later",
    "child_outlives_it",
    "class_as_answer",
    "class_that_lies",
    "clears_what_is_compared",
    "constants_of_the_caller",
    "excepthook_exits",
    "exec_of_another_program",
    "exit_at_end",
    "exit_at_import",
    "exit_in_call",
    "exit_in_destructor",
    "fake_math_in_modules",
    "grows_equal_in_its_turn",
    "import_hook",
    "items_that_seem_equal",
    "memory_of_small_numbers",
    "os_exit_at_import",
    "os_exit_in_call",
    "patched_abs",
    "patched_math",
    "patched_random",
    "patched_sorted",
    "profile_ends_process",
    "raises_what_ends_tests",
    "reads_the_test_from_disk",
    "reads_the_test_through_proc",
    "source_of_the_caller",
    "trace_jumps_over_asserts",
)


pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.mark.parametrize("problem", PROBLEMS)
def test_an_honest_answer_passes(problem: str):
    asked = PROBLEMS[problem]
    assert judge(Trial(asked.honest, asked.test, ("solve",))).verdict == Verdict.PASSED


@pytest.mark.parametrize("name", CHEATS)
def test_no_cheat_passes(name: str):
    asked, program = cheat(name)
    told = judge(Trial(program, asked.test, ("solve",), seconds=0.25))
    assert told.verdict in (Verdict.FAILED, Verdict.ERROR, Verdict.TIMED_OUT), told
    assert told.reason


def test_many_cheats_fool_a_judge_that_runs_all_in_one_process():
    """So they are no straw men: the exit code of the program with its test behind it says that they are right."""
    toolchain = toolchains.find("python")
    assert toolchain is not None and len(CHEATS) >= 85
    places = {"read_only": toolchain.read_only, "hidden": toolchain.hidden}
    for name in _FOOLING:
        asked, program = cheat(name)
        files = {toolchain.file: program + asked.test}
        assert run(toolchain.command, files, SandboxLimits(seconds=5.0), **places).passed, name
