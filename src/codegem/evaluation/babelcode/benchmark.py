"""BC-HumanEval and BC-MBPP: the questions of two benchmarks in eight languages, one row of the report for each.

A model continues the signature and docstring of a language; what it wrote is run on the inputs of the tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codegem.errors import UsageError, UserError
from codegem.evaluation.babelcode import driver
from codegem.evaluation.babelcode.languages.language import Language, completed
from codegem.evaluation.babelcode.languages.registry import LANGUAGES
from codegem.evaluation.babelcode.public import read_public
from codegem.evaluation.babelcode.schema import Prompt, Question, read_prompts, read_questions
from codegem.evaluation.task import DataFile, Judgement, Problem
from codegem.sandbox import toolchains
from codegem.sandbox.toolchains import Toolchain

MAX_TOKENS = 512
_PROTOCOL = (
    "0-shot, greedy, one sample: the model continues the translated signature with its docstring, up to BabelCode's "
    "stop words of the language or 512 tokens; a brace that the stop took away is put back and a class is closed. "
    "Each test's inputs are run in the sandbox and what comes back is compared outside, as the language's own "
    "equality in BabelCode's programs would (a float or a double by itself within 1e-6 or 1e-9; the order of a map's "
    "keys counts nowhere). In a language without stop words in BabelCode (Kotlin) they are ours."
)


@dataclass(frozen=True)
class Asked:
    """What judging an answer needs."""

    question: Question
    prompt: Prompt


@dataclass(frozen=True)
class BabelCode:
    """One set of questions in some languages, as a `task.Benchmark`."""

    name: str
    problems: Sequence[Problem]
    data: tuple[DataFile, ...]
    protocol: str = _PROTOCOL

    def completion(self, problem: Problem, text: str) -> str:
        """The answer up to its first stop, with what the stop took away."""
        return completed(LANGUAGES[problem.group], problem.details.prompt, text)

    def judge(self, answers: Sequence[tuple[Problem, str]]) -> Sequence[Judgement]:
        """A judgement of each completion; see `driver`.

        Raises:
            UserError, SandboxError: there is no toolchain, or the sandbox failed.
        """
        if not answers:
            return []
        group = answers[0][0].group
        asked: list[Asked] = [problem.details for problem, _ in answers]
        candidates = [
            (each.question, each.prompt, each.prompt.text + text)
            for each, (_, text) in zip(asked, answers, strict=True)
        ]
        return driver.judge(LANGUAGES[group], _toolchain(group), candidates)

    def batch(self, group: str) -> int:
        """As many as the language's compiler gains by."""
        return _toolchain(group).batch

    def missing(self, group: str) -> str:
        """Why the language can't be run here; "" if it can."""
        return toolchains.missing(group)

    def tools(self) -> Mapping[str, str]:
        """The toolchains of the languages that are asked for."""
        found = {name: toolchains.find(name) for name in dict.fromkeys(problem.group for problem in self.problems)}
        return {name: each.version for name, each in found.items() if each is not None}


def load(name: str, questions: Path, prompts: Path, languages: Sequence[str] = ()) -> BabelCode:
    """A benchmark from questions and prompts that BabelCode's programs have made.

    Args:
        name: "bc-humaneval" or "bc-mbpp"; what the problems are called by.
        languages: by our names; all of them by default.

    Raises:
        UserError: a file is damaged, or has not all the prompts of a language.
        UsageError: an unknown language.
    """
    asked, asked_file = read_questions(questions)
    texts, texts_file = read_prompts(prompts)
    return _made(name, asked, texts, (asked_file, texts_file), languages)


def load_public(
    name: str, questions: Path, corrections: Path | None = None, languages: Sequence[str] = ()
) -> BabelCode:
    """The same benchmark from the files that BabelCode publishes; see `public.read_public`.

    Raises:
        UserError: a file is damaged.
        UsageError: an unknown language.
    """
    return _made(name, *read_public(questions, corrections), languages)


def _made(
    name: str,
    asked: Mapping[str, Question],
    texts: Sequence[Prompt],
    files: tuple[DataFile, ...],
    languages: Sequence[str],
) -> BabelCode:
    wanted = languages or tuple(LANGUAGES)
    if unknown := [each for each in wanted if each not in LANGUAGES]:
        raise UsageError(f"{name} has no language {unknown[0]!r}; its languages are {', '.join(LANGUAGES)}.")
    problems = []
    for each in dict.fromkeys(wanted):
        language = LANGUAGES[each]
        ours = {prompt.qid: prompt for prompt in texts if prompt.language == language.babelcode}
        if lost := [qid for qid in asked if qid not in ours]:
            raise UserError(f"{files[-1].name} has no prompt in {language.babelcode} for question {lost[0]}.")
        problems += [_problem(name, language, question, ours[qid]) for qid, question in asked.items()]
    return BabelCode(name, tuple(problems), files)


def _problem(name: str, language: Language, question: Question, prompt: Prompt) -> Problem:
    task = f"{name}/{language.name}/{question.qid}"
    return Problem(task, prompt.text, language.stop, MAX_TOKENS, language.name, Asked(question, prompt))


def _toolchain(language: str) -> Toolchain:
    found = toolchains.find(language)
    if found is None:
        raise UserError(f"{language} can't be judged here: {toolchains.missing(language)}.")
    return found
