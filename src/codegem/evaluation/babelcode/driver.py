"""Run a candidate on a question's inputs, and compare what it prints with what is expected.

The program that runs the candidate holds the inputs alone. Its lines carry a number that no other run has, so
that what a candidate prints by chance is no answer; a candidate that finds it out (it can read its own program)
gains nothing, as it would still have to know the right values. Each test has to be answered exactly once.

Verdicts are BabelCode's, in this order: a run that passes its time is timed out; one that did not compile, ended
with another code than 0, passed another limit, said nothing, or left out a test is an error; so is one with an
exception in a test; one wrong value makes it failed.
"""

import secrets
from collections.abc import Sequence

from codegem.evaluation.babelcode.languages.language import Calls, Language
from codegem.evaluation.babelcode.schema import Prompt, Question
from codegem.evaluation.task import Judgement, Verdict
from codegem.sandbox.limits import Status
from codegem.sandbox.programs import Ran, run_programs
from codegem.sandbox.toolchains import Toolchain

_LONGEST = 200  # characters of a reason


def judge(language: Language, toolchain: Toolchain, answers: Sequence[tuple[Question, Prompt, str]]) -> list[Judgement]:
    """A judgement of each (question, prompt, candidate); a candidate is the whole text: prompt and completion.

    Raises:
        UserError, SandboxError: nothing can be run here.
    """
    nonces = [secrets.token_hex(16) for _ in answers]
    sources = [
        language.program(calls(question, prompt), candidate, nonce)
        for (question, prompt, candidate), nonce in zip(answers, nonces, strict=True)
    ]
    ran = run_programs(toolchain, sources)
    return [
        _timed(judged(language, question, nonce, each), each)
        for (question, _, _), nonce, each in zip(answers, nonces, ran, strict=True)
    ]


def calls(question: Question, prompt: Prompt) -> Calls:
    """What a program may know: everything but the outputs."""
    inputs = tuple((case.idx, case.inputs) for case in question.cases)
    return Calls(prompt.function, prompt.class_name, question.params, question.returns, inputs)


def judged(language: Language, question: Question, nonce: str, ran: Ran) -> Judgement:
    """The verdict of a run."""
    for stage in (ran.built, ran.ran):
        if stage is not None and stage.status == Status.TIME:
            return Judgement(Verdict.TIMED_OUT, "the compiler ran out of time" if stage is ran.built else stage.reason)
    if ran.ran is None:
        said = _first_line(ran.built.stderr + "\n" + ran.built.stdout, "error") if ran.built else ""
        return Judgement(Verdict.ERROR, f"it does not compile: {said}" if said else "it does not compile")
    if not ran.ran.passed:
        said = _first_line(ran.ran.stderr, "panic", "Error", "Exception")
        return Judgement(Verdict.ERROR, f"{ran.ran.reason}: {said}" if said else ran.ran.reason)
    lines = answered(nonce, ran.ran.stdout)
    if not lines:
        return Judgement(Verdict.ERROR, "it ended before the first test" if ran.ran.stdout else "it printed nothing")
    return _compared(language, question, lines)


def answered(nonce: str, stdout: str) -> list[tuple[str, str, str]]:
    """(idx, "value" or "raised", the rest) of each line with the nonce, as text.

    >>> answered("ab12", "hello\\nab12 0 value [1, 2]\\nab12 1\\n")
    [('0', 'value', '[1, 2]'), ('1', '', '')]
    """
    found = [line.split(" ", 3) for line in stdout.split("\n") if line.startswith(nonce + " ")]
    return [(*words[1:], "", "")[:3] for words in found]  # type: ignore[misc]


def _compared(language: Language, question: Question, lines: Sequence[tuple[str, str, str]]) -> Judgement:
    known = {str(case.idx): case for case in question.cases}
    names = [idx for idx, _, _ in lines]
    if strange := [idx for idx in names if idx not in known or names.count(idx) > 1]:
        return Judgement(Verdict.ERROR, f"test {strange[0][:20]} is unknown or answered twice")
    if missing := [idx for idx in known if idx not in names]:
        return Judgement(Verdict.ERROR, f"it ended before test {missing[0]}")
    wrong = ""
    for idx, told, data in lines:
        if told != "value":
            return Judgement(Verdict.ERROR, f"test {idx} raised {data[:_LONGEST]}")
        try:
            right = language.matches(question.returns, known[idx].output, data)
        except (ValueError, RecursionError) as error:
            return Judgement(Verdict.ERROR, f"test {idx} printed no {question.returns}: {str(error)[:_LONGEST]}")
        except (TypeError, OverflowError) as error:
            return Judgement(Verdict.ERROR, f"test {idx} raised {type(error).__name__}: {str(error)[:_LONGEST]}")
        if not right and not wrong:
            gave, expected = language.shown(data)[:_LONGEST], repr(known[idx].output)[:_LONGEST]
            wrong = f"test {idx} gave {gave}, expected {expected}"
    return Judgement(Verdict.FAILED, wrong) if wrong else Judgement(Verdict.PASSED)


def _first_line(said: str, *words: str) -> str:
    """The first line of a complaint, one with such a word if there is one."""
    lines = [line.strip() for line in said.split("\n") if line.strip()]
    told = [line for line in lines if any(word in line for word in words)] or lines
    return told[0][:_LONGEST] if told else ""


def _timed(judgement: Judgement, ran: Ran) -> Judgement:
    seconds = sum(stage.seconds for stage in (ran.built, ran.ran) if stage is not None)
    return Judgement(judgement.verdict, judgement.reason, judgement.measures, seconds)
