"""Our comparison of final answers beside those of others, on the planted pairs of the tests.

    python benchmarks/mathematics.py [PAIRS] [--lm-eval .../lm_eval/tasks] [--list]

Peers, where they can be imported: math-verify (both answers in dollar signs), and lm-eval's minerva_math (its
normalisation, then SymPy's parse_latex, which needs antlr4-python3-runtime 4.11). lm-eval's tasks are read from the
folder that is named, by default from the installed package.
"""

import argparse
import importlib.util
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from codegem.evaluation.mathematics.symbolic import answers_equal, tools

PAIRS = Path(__file__).parents[1] / "tests" / "evaluation" / "mathematics" / "pairs.tsv"
Pair = tuple[str, str, str, str]
Judge = Callable[[Sequence[tuple[str, str]]], list[bool]]


def main() -> None:
    """Print right, wrong and missed of each, by notation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", nargs="?", type=Path, default=PAIRS)
    parser.add_argument("--lm-eval", type=Path)
    parser.add_argument("--list", action="store_true", help="every pair that somebody gets wrong")
    options = parser.parse_args()
    pairs = read(options.pairs)
    asked = [(given, expected) for _, _, given, expected in pairs]
    print(f"{len(pairs)} pairs, {sum(pair[1] == '=' for pair in pairs)} of which are equal; {tools()}")
    verdicts = {}
    for name, judge in judges(options.lm_eval).items():
        started = time.perf_counter()
        verdicts[name] = judge(asked)
        missed, wrong = errors(pairs, verdicts[name])
        seconds = time.perf_counter() - started
        print(f"{name:12} right answers missed {missed:3}, wrong ones taken {wrong:3}, {seconds:6.1f} s")
    table(pairs, verdicts)
    if options.list:
        for number, pair in enumerate(pairs):
            if off := [name for name, found in verdicts.items() if found[number] != (pair[1] == "=")]:
                print(f"{pair[0]:24} {pair[1]} {pair[2]!r} {pair[3]!r}: wrong by {', '.join(off)}")


def read(file: Path) -> list[Pair]:
    """(notation, = or !, given, expected) of each line."""
    found, notation = [], ""
    for line in file.read_text(encoding="utf-8").splitlines()[1:]:
        if line.startswith("# "):
            notation = line[2:]
        else:
            sign, given, expected = line.split("\t")
            found.append((notation, sign, given, expected))
    return found


def errors(pairs: Sequence[Pair], found: Sequence[bool]) -> tuple[int, int]:
    """Right answers that were not seen, and wrong ones that were taken for right."""
    missed = sum(pair[1] == "=" and not equal for pair, equal in zip(pairs, found, strict=True))
    return missed, sum(pair[1] == "!" and equal for pair, equal in zip(pairs, found, strict=True))


def table(pairs: Sequence[Pair], verdicts: dict[str, list[bool]]) -> None:
    """Errors of each by notation, where anybody has one."""
    errors_of = {
        name: Counter(pair[0] for pair, equal in zip(pairs, found, strict=True) if equal != (pair[1] == "="))
        for name, found in verdicts.items()
    }
    print(f"{'errors by notation':28}{'pairs':>6}" + "".join(f"{name:>14}" for name in verdicts))
    for notation, count in Counter(pair[0] for pair in pairs).items():
        if any(found[notation] for found in errors_of.values()):
            print(f"{notation:28}{count:6}" + "".join(f"{found[notation]:14}" for found in errors_of.values()))


def judges(place: Path | None) -> dict[str, Judge]:
    """Ours, and the peers that are at hand."""
    found: dict[str, Judge] = {"codegem": lambda pairs: [one.equal is True for one in answers_equal(pairs)]}
    for name, make in (("math-verify", _math_verify), ("lm-eval", lambda: _lm_eval(place))):
        try:
            found[name] = make()
        except (ImportError, AssertionError, FileNotFoundError, TypeError) as error:
            print(f"{name} is not at hand: {str(error)[:100]}")
    return found


def _math_verify() -> Judge:
    from math_verify import parse, verify

    logging.disable(logging.WARNING)

    def judge(pairs: Sequence[tuple[str, str]]) -> list[bool]:
        parsed = [(parse(f"${given}$"), parse(f"${expected}$")) for given, expected in pairs]
        return [bool(verify(expected, given)) for given, expected in parsed]

    return judge


def _lm_eval(place: Path | None) -> Judge:
    if place is None:
        spec = importlib.util.find_spec("lm_eval")
        if spec is None or spec.origin is None:
            raise ImportError("lm_eval is not installed")
        place = Path(spec.origin).with_name("tasks")
    spec = importlib.util.spec_from_file_location("minerva", place / "minerva_math" / "utils.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def judge(pairs: Sequence[tuple[str, str]]) -> list[bool]:
        normal = module.normalize_final_answer
        return [module.is_equiv(normal(given), normal(expected)) for given, expected in pairs]

    return judge


if __name__ == "__main__":
    main()
