"""Whether the judge of secure code is right: planted answers, their mutants, and answers in other idioms.

    python benchmarks/secure_code.py [--languages python javascript c] [--kinds planted variants mutants]

Each answer is judged as a model's would be. A row of the matrix is what answers are, a column what they are judged to
be. Mutants are planted answers whose own names are others and whose text is laid out in another way; the variants of
`secure_variants/` were written before any of them was judged. Beside it, the analysers alone: an answer is insecure
where they find the case's weakness in its lines.
"""

import argparse
import ast
import re
import textwrap
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from codegem.evaluation.scoring import wilson
from codegem.evaluation.secure.benchmark import Outcome, found_weaknesses, outcome
from codegem.evaluation.secure.cases import LANGUAGES, Case, read_cases
from codegem.evaluation.secure.languages import LANGUAGES as JUDGES

_KINDS = ("planted", "variants", "mutants")
_OWN_NAME = {
    "javascript": re.compile(r"\b(?:const|let|var)\s+([A-Za-z_]\w*)"),
    "c": re.compile(r"\b(?:int|char|size_t|long|unsigned|struct \w+)\s+\**([a-z_]\w*)\s*(?:=|;|\[)"),
}


@dataclass(frozen=True)
class Answer:
    """An answer of which it is known what it is."""

    case: Case
    wanted: Outcome
    text: str


def main() -> None:
    """Print a matrix for each kind of answer and language."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--languages", nargs="*", default=list(LANGUAGES), choices=LANGUAGES)
    words.add_argument("--kinds", nargs="*", default=list(_KINDS), choices=_KINDS)
    given = words.parse_args()
    for language in given.languages:
        if reason := JUDGES[language].missing():
            print(f"{language}: skipped, {reason}")
            continue
        cases, _ = read_cases(languages=[language])
        own = list(planted(cases))
        made = {
            "planted": (f"planted answers of {len(cases)} cases", own),
            "variants": ("variants, written before any was judged", list(variants(language, cases))),
            "mutants": ("mutants of planted answers", [other for answer in own if (other := mutant(answer))]),
        }
        for kind in given.kinds:
            table(f"{language}: {made[kind][0]}", made[kind][1])


def planted(cases: Sequence[Case]) -> Iterator[Answer]:
    """The answers that stand in the cases."""
    for case in cases:
        kinds = ((Outcome.SAFE, case.safe), (Outcome.INSECURE, case.vulnerable), (Outcome.NEITHER, case.broken))
        yield from (Answer(case, kind, text) for kind, texts in kinds for text in texts)


def variants(language: str, cases: Sequence[Case]) -> Iterator[Answer]:
    """The answers of a file of `secure_variants/`."""
    file = Path(__file__).with_name("secure_variants") / f"{language}.toml"
    by_name = {case.name: case for case in cases}
    for row in tomllib.loads(file.read_text()).get("variant", []) if file.exists() else []:
        yield Answer(by_name[row["case"]], Outcome(row["outcome"]), row["answer"])


def table(title: str, answers: Sequence[Answer]) -> None:
    """Judge answers and print what came of it."""
    if not answers:
        print(f"\n{title}: none")
        return
    began = time.monotonic()
    judge = JUDGES[answers[0].case.language]
    found = found_weaknesses(judge.analysers, [(answer.case, answer.text) for answer in answers])
    read = time.monotonic() - began
    with ThreadPoolExecutor(2) as pool:
        tried = list(pool.map(lambda answer: judge.try_out(answer.case, answer.case.program(answer.text)), answers))
    told = [outcome(*pair) for pair in zip(tried, map(bool, found), strict=True)]
    seconds = time.monotonic() - began
    print(f"\n{title}, {seconds:.1f} s ({read:.1f} s of analysers)")
    counts = Counter((answer.wanted, result) for answer, result in zip(answers, told, strict=True))
    print(f"{'':18}" + "".join(f"{column.value:>18}" for column in Outcome))
    for row in Outcome:
        print(f"{row.value:18}" + "".join(f"{counts[row, column]:18,}" for column in Outcome))
    accuracy(
        "our judge, three outcomes", [answer.wanted == result for answer, result in zip(answers, told, strict=True)]
    )
    compared = [
        (answer.wanted == Outcome.INSECURE, result == Outcome.INSECURE, bool(findings))
        for answer, result, findings in zip(answers, told, found, strict=True)
    ]
    accuracy("our judge, insecure or not", [wanted == ours for wanted, ours, _ in compared])
    accuracy("analysers alone, insecure or not", [wanted == alone for wanted, _, alone in compared])
    accuracy("  of the insecure ones", [alone for wanted, _, alone in compared if wanted])
    accuracy("  of the others", [not alone for wanted, _, alone in compared if not wanted])
    for answer, result, how in zip(answers, told, tried, strict=True):
        if answer.wanted != result:
            print(f"  {answer.case.name}: {answer.wanted.value} is judged {result.value} ({how.reason})")


def accuracy(name: str, right: Sequence[bool]) -> None:
    """A share with its interval."""
    if right:
        low, high = wilson(sum(right), len(right))
        print(
            f"  {name:36}{sum(right):5,} of {len(right):5,}  {sum(right) / len(right):6.1%}  ({low:.1%} to {high:.1%})"
        )


def mutant(answer: Answer) -> Answer | None:
    """An answer with other names and another layout; None where there is nothing to change."""
    make = _python_mutant if answer.case.language == "python" else _other_mutant
    text = make(answer)
    return Answer(answer.case, answer.wanted, text) if text and text != answer.text else None


def _python_mutant(answer: Answer) -> str:
    """The variables that it binds get other names, and its text is written anew by `ast`."""
    case, text = answer.case, answer.text
    try:
        tree = ast.parse(textwrap.dedent(text))
    except SyntaxError:  # it begins in a line of the prefix, or goes on with another method
        return ""
    around = set(re.findall(r"\w+", case.before + case.prefix + case.suffix + case.fixture + case.works + case.attack))
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in stored - around:
            node.id = f"the_{node.id}"
    first = next(line for line in text.split("\n") if line.strip())
    indentation = first[: len(first) - len(first.lstrip())]
    return textwrap.indent(f"# as asked\n{ast.unparse(tree)}\n", indentation)


def _other_mutant(answer: Answer) -> str:
    """The names that it declares get others, and a comment stands before it."""
    text = answer.text
    around = answer.case.prefix + answer.case.suffix + answer.case.fixture
    for name in set(_OWN_NAME[answer.case.language].findall(text)):
        if not re.search(rf"\b{name}\b", around) and not re.search(rf"[.>{{,]\s*{name}\b|\b{name}\s*:", text):
            text = re.sub(rf"(?<![\w.\"'%]){name}\b", f"the_{name}", text)
    return f"    /* as asked */\n{text}"


if __name__ == "__main__":
    main()
