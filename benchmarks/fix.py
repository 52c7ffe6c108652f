"""How many planted syntax errors `assist.fix` mends: python benchmarks/fix.py HELD_OUT... --out fix.jsonl

Errors are planted, by a seed, in files that parse: a bracket, a quote, a colon, comma or semicolon is taken out, a
keyword gets a slip of the keyboard, the rest of a line or a whole line is cut; each leaves a syntax error. Counted is
how many proposals parse and how many are the file as it was; with --model, that ranks and fills, else repairs alone.
"""

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from codegem.assist.fix import Fix, fix
from codegem.assist.fix_code import Code
from codegem.assist.fix_repairs import keywords
from codegem.data.reading import read_documents
from codegem.data.recipe import DataRecipe
from codegem.data.rules.filter_rules import FilterRules
from codegem.text.languages import language_of
from codegem.text.syntax import TooHardToParse

LANGUAGES = ("python", "javascript", "java", "kotlin", "go", "rust", "cpp", "csharp")
KINDS = ("bracket", "quote", "colon", "keyword", "rest", "line")
LARGEST = 60_000  # bytes of a file


@dataclass(frozen=True)
class Planted:
    """A file with an error, and as it was."""

    language: str
    kind: str
    path: str
    text: str
    original: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("held_out", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="default none: repairs alone")
    parser.add_argument("--out", type=Path, help="a row of JSON for each error")
    options = parser.parse_args()
    planted = list(plant_all(options.held_out, options.count, options.seed))
    mend = mender(options.model)
    rows = [measured(each, mend) for each in planted]
    if options.out:
        options.out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    show(rows)


def mender(model: str | None):
    """A function of (text, path) that proposes an edit."""
    if model is None:
        return fix
    import codegem

    loaded = codegem.load(model)
    return lambda text, path: fix(text, path, loaded.engine, loaded.window)


def plant_all(sources: list[Path], count: int, seed: int) -> Iterator[Planted]:
    """Errors of every kind in files of every language, as evenly as `count` allows."""
    chance = random.Random(seed)
    recipe = DataRecipe(filters=FilterRules(languages=LANGUAGES, unknown_licence=True, max_error_share=1.0))
    files: dict[str, list[tuple[str, str]]] = {language: [] for language in LANGUAGES}
    for document in read_documents(sources, recipe):
        language = language_of(document.path)
        if language in files and len(document.text) < LARGEST and parses(document.text, document.path):
            files[language].append((document.path, document.text))
    for number in range(count):
        language, kind = LANGUAGES[number % len(LANGUAGES)], KINDS[number // len(LANGUAGES) % len(KINDS)]
        if not files[language]:
            sys.exit(f"The sources hold no file in {language} that parses.")
        yield plant(chance, language, kind, files[language])


def plant(chance: random.Random, language: str, kind: str, files: list[tuple[str, str]]) -> Planted:
    """One error that the parser notices."""
    while True:
        path, text = chance.choice(files)
        if (broken := SPOILERS[kind](chance, text, path)) is not None and not parses(broken, path):
            return Planted(language, kind, path, broken, text)


def parses(text: str, path: str) -> bool:
    try:
        return Code(text.encode(), path).is_sound
    except TooHardToParse:
        return False


def without_token(pattern: str):
    """A spoiler that takes out one token of the tree that a pattern matches."""

    def spoil(chance: random.Random, text: str, path: str) -> str | None:
        data = text.encode()
        found = [
            leaf for leaf in Code(data, path).leaves if re.fullmatch(pattern, data[leaf.start : leaf.end].decode())
        ]
        if not found:
            return None
        leaf = chance.choice(found)
        return (data[: leaf.start] + data[leaf.end :]).decode()

    return spoil


def slip(chance: random.Random, text: str, path: str) -> str | None:
    """A keyword with two letters exchanged, or one left out or doubled."""
    data, known = text.encode(), keywords(path)
    found = [leaf for leaf in Code(data, path).leaves if leaf.type in known and leaf.end - leaf.start > 1]
    if not found:
        return None
    leaf = chance.choice(found)
    word = data[leaf.start : leaf.end].decode()
    at = chance.randrange(len(word) - 1)
    slips = (
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at] * 2 + word[at + 1 :],
    )
    return (data[: leaf.start] + chance.choice(slips).encode() + data[leaf.end :]).decode()


def cut_rest(chance: random.Random, text: str, path: str) -> str | None:
    """A line without what stands behind one of its tokens."""
    lines = text.split("\n")
    number = chance.randrange(len(lines))
    borders = [match.end() for match in re.finditer(r"\w+|[^\w\s]", lines[number])][:-1]
    if not borders:
        return None
    lines[number] = lines[number][: chance.choice(borders)]
    return "\n".join(lines)


def cut_line(chance: random.Random, text: str, path: str) -> str | None:
    """The file without a line."""
    lines = text.split("\n")
    number = chance.randrange(len(lines))
    return "\n".join(lines[:number] + lines[number + 1 :])


SPOILERS = {
    "bracket": without_token(r"[()\[\]{}]"),
    "quote": without_token(r"[\"'`]"),
    "colon": without_token(r"[:;,]"),
    "keyword": slip,
    "rest": cut_rest,
    "line": cut_line,
}


def measured(planted: Planted, mend) -> dict:
    """What became of one error."""
    started = time.perf_counter()
    proposal: Fix = mend(planted.text, planted.path)
    return {
        "language": planted.language,
        "kind": planted.kind,
        "path": planted.path,
        "parses": proposal.parses and parses(proposal.after, planted.path),
        "same": proposal.after == planted.original,
        "alike": "".join(proposal.after.split()) == "".join(planted.original.split()),
        "how": "+".join(proposal.kinds),
        "seconds": time.perf_counter() - started,
        "bytes": len(planted.text),
        "planted": Fix(planted.path, planted.original, planted.text, (), False).diff,
        "proposed": proposal.diff,
    }


def show(rows: list[dict]) -> None:
    table = Table("errors", "count", "parse", "as it was", "but for white space", "seconds: median, p95")
    groups = [("all", rows)]
    groups += [(kind, [row for row in rows if row["kind"] == kind]) for kind in KINDS]
    groups += [(language, [row for row in rows if row["language"] == language]) for language in LANGUAGES]
    for name, group in groups:
        if group:
            times = sorted(row["seconds"] for row in group)
            shares = [f"{sum(row[key] for row in group) / len(group):.1%}" for key in ("parses", "same", "alike")]
            table.add_row(
                name, str(len(group)), *shares, f"{times[len(times) // 2]:.2f}, {times[int(len(times) * 0.95)]:.2f}"
            )
    Console().print(table)
    print(
        "found as:",
        ", ".join(f"{how or 'nothing'} {count}" for how, count in Counter(row["how"] for row in rows).most_common()),
    )


if __name__ == "__main__":
    main()
