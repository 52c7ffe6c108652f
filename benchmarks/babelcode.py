"""Judge right and wrong solutions of BabelCode in every language: how many pass, how many mistakes are seen, how fast.

    python benchmarks/babelcode.py DATA [--languages python rust] [--mutants 6] [--programs 161] [--threads 2]

DATA is a folder with `bc_<set>_questions.jsonl.gz` and `bc_<set>_prompts.jsonl.gz`. In Python the data's own
solutions are judged; in the other languages those of tests/golden/babelcode, which were written by hand, and
mutants of them that differ in one operator, constant or text. A mutant may be right as well ("survived").
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from codegem.evaluation.babelcode import driver
from codegem.evaluation.babelcode.languages.language import Language
from codegem.evaluation.babelcode.languages.registry import LANGUAGES
from codegem.evaluation.babelcode.schema import Prompt, Question, read_prompts, read_questions
from codegem.evaluation.task import Judgement, Verdict
from codegem.sandbox import toolchains
from codegem.sandbox.toolchains import Toolchain

_TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(_TESTS / "evaluation" / "babelcode"))
from mutants import mutants  # noqa: E402

Answer = tuple[Question, Prompt, str]
_KILLED = (Verdict.FAILED, Verdict.ERROR, Verdict.TIMED_OUT)


def main() -> None:
    """Print the tables; the exit code is 1 where a right solution does not pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--languages", nargs="+", choices=list(LANGUAGES), default=list(LANGUAGES))
    parser.add_argument("--mutants", type=int, default=6, help="of each solution, at most")
    parser.add_argument("--programs", type=int, default=161, help="right solutions to judge for the time, in turn")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    console, bad = Console(width=120), 0
    table = Table("language", "right", "passed", "programs", "seconds", "mutants", *_KILLED, "survived", "unseen")
    for name in options.languages:
        toolchain = toolchains.find(name)
        if toolchain is None:
            console.print(f"{name}: skipped, {toolchains.missing(name)}")
            continue
        language = LANGUAGES[name]
        if name == "python":
            _canonical(console, options.data, language, toolchain, options.threads)
            continue
        answers = golden(options.data, language)
        told, _ = judge(language, toolchain, answers, options.threads)
        wrong = [
            (asked[0].qid, each) for asked, each in zip(answers, told, strict=True) if each.verdict != Verdict.PASSED
        ]
        bad += len(wrong)
        for qid, each in wrong:
            console.print(f"{name} {qid}: {each.verdict}, {each.reason}", markup=False, soft_wrap=True)
        timed = list(islice(cycle(answers), options.programs))
        _, seconds = judge(language, toolchain, timed, options.threads)
        row = [str(len(answers)), str(len(answers) - len(wrong)), str(len(timed)), f"{seconds:.1f}"]
        table.add_row(name, *row, *_mutants(console, language, toolchain, answers, options))
    console.print(table)
    sys.exit(bool(bad))


def golden(data: Path, language: Language) -> list[Answer]:
    """The solutions written by hand."""
    questions, prompts = read(data, "humaneval", language)
    files = sorted((_TESTS / "golden" / "babelcode" / language.name).iterdir(), key=lambda file: int(file.stem))
    return [(questions[file.stem], prompts[file.stem], file.read_text(encoding="utf-8")) for file in files]


def read(data: Path, name: str, language: Language) -> tuple[dict[str, Question], dict[str, Prompt]]:
    """Questions, and the prompts of one language, by qid."""
    questions, _ = read_questions(data / f"bc_{name}_questions.jsonl.gz")
    prompts, _ = read_prompts(data / f"bc_{name}_prompts.jsonl.gz")
    return questions, {prompt.qid: prompt for prompt in prompts if prompt.language == language.babelcode}


def judge(
    language: Language, toolchain: Toolchain, answers: Sequence[Answer], threads: int
) -> tuple[list[Judgement], float]:
    """Judgements, and the seconds that they took."""
    groups = [answers[at : at + toolchain.batch] for at in range(0, len(answers), toolchain.batch)]
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        done = pool.map(lambda group: driver.judge(language, toolchain, group), groups)
        told = [each for group in done for each in group]
    return told, time.perf_counter() - started


def _canonical(console: Console, data: Path, language: Language, toolchain: Toolchain, threads: int) -> None:
    for name in ("humaneval", "mbpp_sanitized"):
        questions, prompts = read(data, name, language)
        answers = [(each, prompts[qid], f"{prompts[qid].text}\n{each.solution}") for qid, each in questions.items()]
        told, seconds = judge(language, toolchain, answers, threads)
        wrong = [(qid, each) for qid, each in zip(questions, told, strict=True) if each.verdict != Verdict.PASSED]
        passed = len(answers) - len(wrong)
        console.print(f"python, {name}: {passed} of {len(answers)} canonical solutions pass, {seconds:.1f} s")
        for qid, each in wrong:
            console.print(f"    {qid}: {each.verdict}, {each.reason}", markup=False, soft_wrap=True)


def _mutants(
    console: Console, language: Language, toolchain: Toolchain, answers: Sequence[Answer], options: argparse.Namespace
) -> list[str]:
    """How many mutants there are, how they ended, and how many solutions have none that fails in a test."""
    changed = [
        (question, prompt, code) for question, prompt, right in answers for code in mutants(right, options.mutants)
    ]
    told, _ = judge(language, toolchain, changed, options.threads)
    counted = Counter(each.verdict for each in told)
    seen = {asked[0].qid for asked, each in zip(changed, told, strict=True) if each.verdict == Verdict.FAILED}
    unseen = [question.qid for question, _, _ in answers if question.qid not in seen]
    if unseen and changed:
        console.print(f"{language.name}: no mutant failed a test of {', '.join(unseen)}")
    ended = [f"{counted[verdict]}" for verdict in (*_KILLED, Verdict.PASSED)]
    return [str(len(changed)), *ended, str(len(unseen))]


if __name__ == "__main__":
    main()
