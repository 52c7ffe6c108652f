"""Whether every question of BabelCode gives a program that compiles and runs, in every language.

    python benchmarks/babelcode_stubs.py DATA [--languages cpp java] [--sets humaneval mbpp_sanitized]

DATA is a folder with `bc_<set>_questions.jsonl.gz` and `bc_<set>_prompts.jsonl.gz`. Each prompt is continued by a
body that only throws, so each test has to be answered by that exception: what else happens is printed and counted.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

from codegem.evaluation.babelcode import driver
from codegem.evaluation.babelcode.languages.language import Language
from codegem.evaluation.babelcode.languages.registry import LANGUAGES
from codegem.evaluation.babelcode.schema import Prompt, Question, read_prompts, read_questions
from codegem.evaluation.task import Judgement
from codegem.sandbox import toolchains
from codegem.sandbox.toolchains import Toolchain

# (what a body is, what its exception is told as)
_BODIES = {
    "cpp": ('\n    throw std::logic_error("stub");\n}\n', "std::logic_error"),
    "csharp": ("\n        throw new NotImplementedException();\n    }\n}\n", "System.NotImplementedException"),
    "go": ('\n\tpanic("stub")\n}\n', "stub"),
    "java": (
        "\n        throw new UnsupportedOperationException();\n    }\n}\n",
        "java.lang.UnsupportedOperationException",
    ),
    "javascript": ('\n    throw new TypeError("stub");\n}\n', "TypeError: stub"),
    "kotlin": ("\n    throw UnsupportedOperationException()\n}\n", "java.lang.UnsupportedOperationException"),
    "python": ("\n    raise NotImplementedError\n", "NotImplementedError: "),
    "rust": ('\n    panic!("stub");\n}\n', "panic: stub"),
}
_THREADS = 2


def main() -> None:
    """Judge all stubs and print a table; the exit code is 1 where one does something else than throw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--languages", nargs="+", choices=list(_BODIES), default=list(_BODIES))
    parser.add_argument("--sets", nargs="+", default=["humaneval", "mbpp_sanitized"])
    options = parser.parse_args()
    table = Table("language", "set", "programs", "as expected", "seconds")
    console, wrong = Console(), 0
    for name in options.languages:
        found = toolchains.find(name)
        if found is None:
            console.print(f"{name}: skipped, {toolchains.missing(name)}")
            continue
        for each in options.sets:
            stubs, started = _stubs(options.data, each, LANGUAGES[name]), time.perf_counter()
            judged = _judge(LANGUAGES[name], found, stubs)
            seconds = time.perf_counter() - started
            odd = [
                f"{name} {each} {question.qid}: {judgement.verdict}, {judgement.reason}"
                for (question, _, _), judgement in zip(stubs, judged, strict=True)
                if judgement.reason != f"test {question.cases[0].idx} raised {_BODIES[name][1]}"
            ]
            console.print(*odd, sep="\n", markup=False)
            table.add_row(name, each, str(len(stubs)), str(len(stubs) - len(odd)), f"{seconds:.1f}")
            wrong += len(odd)
    console.print(table)
    sys.exit(bool(wrong))


def _stubs(folder: Path, name: str, language: Language) -> list[tuple[Question, Prompt, str]]:
    questions, _ = read_questions(folder / f"bc_{name}_questions.jsonl.gz")
    prompts, _ = read_prompts(folder / f"bc_{name}_prompts.jsonl.gz")
    body = _BODIES[language.name][0]
    ours = [prompt for prompt in prompts if prompt.language == language.babelcode]
    return [(questions[prompt.qid], prompt, prompt.text + body) for prompt in ours]


def _judge(
    language: Language, toolchain: Toolchain, answers: Sequence[tuple[Question, Prompt, str]]
) -> list[Judgement]:
    groups = [answers[at : at + toolchain.batch] for at in range(0, len(answers), toolchain.batch)]
    with ThreadPoolExecutor(_THREADS) as pool:
        done = pool.map(lambda group: driver.judge(language, toolchain, group), groups)
        return [judgement for group in done for judgement in group]


if __name__ == "__main__":
    main()
