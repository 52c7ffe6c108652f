"""Solutions of benchmarks are found, also in disguise; ordinary code is not.

Where the benchmarks themselves lie beside the checkout, all of HumanEval and MBPP is planted; the cases that
need nothing but this file run everywhere.
"""

import builtins
import gzip
import io
import json
import keyword
import random
import tokenize
from pathlib import Path

import pytest

from codegem.data.decontamination import BenchmarkIndex, ContaminationRules, Hit
from codegem.errors import UserError

DATA = Path(__file__).parents[3] / "shared" / "data"
SOURCE = Path(__file__).parents[2] / "src"
PROMPT = '''from typing import List


def closest_pair_gap(values: List[float]) -> float:
    """ Find the least difference between any two of the given values, and return
    zero where there are fewer than two of them in the list.
    >>> closest_pair_gap([1.0, 4.0, 2.5])
    1.5
    """
'''
SOLUTION = """    ordered = sorted(values)
    best = None
    for left, right in zip(ordered, ordered[1:]):
        if best is None or right - left < best:
            best = right - left
    return 0.0 if best is None else best
"""
SHORT = "def squares(limit):\n    return [n ** 2 for n in range(limit) if n % 2]\n"
QUESTION = "A farmer has seventeen sheep and all but nine of them run away through a broken fence; how many are left?"


def disguised(code: str, seed: int, docstring: bool) -> str:
    """The same program: other names, indentation, spaces, comments and blank lines."""
    draw, names, lines, line, level, last = random.Random(seed), {}, [], [], 0, None
    indent, space = draw.choice(["\t", "  ", "   ", "        "]), draw.choice(["", " "])
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        kind, text = token.type, token.string
        if kind in (tokenize.INDENT, tokenize.DEDENT):
            level += 1 if kind == tokenize.INDENT else -1
        elif kind == tokenize.NEWLINE:
            if line and (docstring or not line[0].startswith(('"""', "'''"))):
                lines += draw.choice([[], [""], [indent * level + "# it's so: " + str(draw.random())]])
                lines.append(indent * level + space.join(line).replace(". ", ".").replace(" .", "."))
            line, last = [], None
        elif kind not in (tokenize.NL, tokenize.COMMENT, tokenize.ENDMARKER):
            if kind == tokenize.NAME and not keyword.iskeyword(text) and not hasattr(builtins, text) and last != ".":
                text = names.setdefault(text, draw.choice(["acc", "node", "fooBar", "_q"]) + str(len(names)))
            wordy = kind in (tokenize.NAME, tokenize.NUMBER, tokenize.STRING)
            line.append(f" {text} " if wordy and not space and kind == tokenize.NAME else text)
            last = token.string
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> BenchmarkIndex:
    folder = tmp_path_factory.mktemp("benchmarks")
    records = [
        {"task_id": "T/0", "prompt": PROMPT, "canonical_solution": SOLUTION},
        {"task_id": "T/1", "code": SHORT},
        {"task_id": "T/2", "question": QUESTION},
        {"task_id": "T/3", "question": "Which of the nine muses invented the lyre?"},
        {"task_id": "T/4", "text": "one 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 a b c d e f g h i"},
    ]
    (folder / "own.jsonl").write_text("\n".join(map(json.dumps, records)))
    return BenchmarkIndex.load([folder])


def clean() -> list[str]:
    return [path.read_text() for path in sorted(SOURCE.rglob("*.py"))]


def hosts() -> list[str]:
    return [text for text in clean() if "\n\n\ndef " in text]


def only(index: BenchmarkIndex, text: str, path: str = "a.py") -> Hit | None:
    return index.find([text], [path])[0]


def test_quotations_are_found_with_their_place(index: BenchmarkIndex):
    assert only(index, "import os\n\n" + PROMPT + SOLUTION) == Hit("own", "T/0", "program", "words", 3)
    assert only(index, f"# {QUESTION.upper().replace(' ', chr(10) + '# ')}", "a.go") == Hit(
        "own", "T/2", "question", "words", 1
    )
    assert only(index, "\n\nWhich of the\nnine muses\tinvented the lyre", "a.md") == Hit(
        "own", "T/3", "question", "words", 3
    )
    assert only(index, "nine muses invented the lyre, and which of the others a flute?", "a.md") is None
    assert only(index, "2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 a b c d e f g h i") is None, "numbers and letters"


@pytest.mark.parametrize("docstring", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_a_solution_in_disguise_is_found_wherever_it_stands(index: BenchmarkIndex, seed: int, docstring: bool):
    text, host = disguised(PROMPT + SOLUTION, seed, docstring), hosts()[seed]
    place = host.index("\n\n\ndef ") + 3
    hit = only(index, host[:place] + text + "\n\n" + host[place:])
    assert hit and (hit.record, hit.kind) == ("T/0", "words" if docstring else "shape")
    if not docstring:
        assert (host[:place] + text).split("\n")[hit.line - 1].lstrip().startswith(("def", "from"))


def test_the_body_alone_is_found_under_another_signature(index: BenchmarkIndex):
    body = SOLUTION.replace("ordered", "sequence").replace("best", "_least").replace("left", "a")
    assert only(index, f"async def other(self, values, key=None):\n{SOLUTION}") is not None
    hit = only(index, f"async def other(self, values, key=None):\n{body}")
    assert hit and (hit.record, hit.kind) == ("T/0", "shape")


def test_a_short_solution_counts_as_a_whole_function_only(index: BenchmarkIndex):
    other = "def f(a):\n\treturn [x**2 for x in range(a) if x%2]\n"
    assert only(index, other) == Hit("own", "T/1", "code", "shape", 1)
    assert only(index, other + "g = 1\n") == Hit("own", "T/1", "code", "shape", 1)
    assert only(index, "def f(a):\n    return [x**2 for x in range(a) if x%2] + a\n") is None
    assert only(index, "def f(a):\n    return [x**2 for x in range(a) if x%3]\n") is None


def test_what_is_found_does_not_depend_on_the_batch(index: BenchmarkIndex):
    texts = [*clean(), PROMPT + SOLUTION, "", SHORT * 2, "x" * 2_000_000, QUESTION]
    together = index.find(texts, ["a.py"] * len(texts))
    assert together == [only(index, text) for text in texts]
    assert [hit is not None for hit in together[-5:]] == [True, False, True, False, True]
    assert not any(together[:-5]), "this project's own code is clean"
    assert index.find([], []) == []
    assert only(index, "\ud800 " + QUESTION) is not None, "half of a surrogate pair"


def test_the_hash_is_of_contents_and_rules(tmp_path: Path):
    (tmp_path / "a.txt").write_text(QUESTION)
    one = BenchmarkIndex.load([tmp_path])
    assert one.hash == BenchmarkIndex.load([tmp_path]).hash
    assert one.hash != BenchmarkIndex.load([tmp_path], ContaminationRules(words=12)).hash
    (tmp_path / "a.txt").write_text(QUESTION + "!")
    assert one.hash != BenchmarkIndex.load([tmp_path]).hash


@pytest.mark.parametrize("wrong", [{"min_words": 14}, {"min_words": 1}, {"min_shape": 41}, {"min_named": 21}])
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, int]):
    with pytest.raises(UserError, match=str(next(iter(wrong.values())))):
        ContaminationRules(**wrong).check()


@pytest.fixture(scope="module")
def published() -> BenchmarkIndex:
    if not DATA.is_dir():
        pytest.skip("the benchmarks do not lie beside the checkout")
    return BenchmarkIndex.load([DATA / "humaneval", DATA / "mbpp"])


def records(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).split(b"\n") if line]


@pytest.mark.parametrize("docstring", [True, False])
def test_every_humaneval_solution_is_found(published: BenchmarkIndex, docstring: bool):
    rows = records(DATA / "humaneval" / "HumanEval.jsonl.gz")
    texts = [row["prompt"] + row["canonical_solution"] for row in rows]
    planted = [disguised(text, seed, docstring) for seed, text in enumerate(texts)]
    assert all(published.find(texts, ["a.py"] * len(texts)))
    assert all(published.find(planted, ["a.py"] * len(planted)))


def test_mbpp_solutions_are_found_without_their_prompts(published: BenchmarkIndex):
    rows = records(DATA / "mbpp" / "mbpp.jsonl.gz")
    texts = [row["code"].replace("\r\n", "\n") for row in rows]
    planted = [disguised(text, seed, True) for seed, text in enumerate(texts)]
    assert all(published.find([f'"""{row["text"]}"""\n{row["code"]}' for row in rows], ["a.py"] * len(rows)))
    assert sum(map(bool, published.find(planted, ["a.py"] * len(planted)))) / len(rows) > 0.97
