"""What the rules of assist/ make of a model's text, at places of code that it has not seen.

    python benchmarks/rules.py CORPUS…                  # packages, as for `codegem data build`
    python benchmarks/rules.py CORPUS… --texts a.jsonl  # keeps what the model wrote, and takes it from there next time

Every text is written once, greedily, and measured as it is and with the rules. The holes are seeded, as many of each
kind in each language:

    line       from the first character of a line to its end
    rest       from between two words of a line to its end
    brackets   between two brackets of a line, whose closing one stands there, as an editor puts it
    word       from within a word to the end of the line
    block      a block of 2 to 12 lines, such as the body of a function
    statement  from the first character of a line of a block to the end of the block

Measured is the file that comes out, beside the one that was there:

    exact      the same text, white space at its end aside
    parses     no syntax error more than there was (of files that had none)
    brackets   texts with a closing bracket that nothing in them opens, where the file then has more closing brackets
               that close nothing than without the text
    suffixes   texts whose last line, or a longer end, stands again right behind them, where it did not
    saved      characters of the text's longest right beginning, of all characters that were to be written
    wrong      characters shown behind that beginning, for each character that was to be written
    stopped    texts that end before the most tokens
"""

import argparse
import json
import random
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from rich.console import Console
from rich.table import Table

import codegem
from codegem.assist.completion import Settings, plan
from codegem.assist.draft import Draft
from codegem.assist.place import Place
from codegem.data.reading import read_documents
from codegem.data.recipe import DataRecipe
from codegem.data.records import Document
from codegem.data.rules.filter_rules import FilterRules
from codegem.evaluation.repository.files import Files, walk
from codegem.evaluation.repository.places import all_places
from codegem.generate import Infill, StopReason
from codegem.text.languages import CODE
from codegem.text.syntax import TooHardToParse, parse

KINDS = ("line", "rest", "brackets", "word", "block", "statement")
MAX_TOKENS = {"block": 160, "statement": 160}
SIDE_BY_SIDE = 16
MOST_FILES, MOST_CHARACTERS = 60, 20_000  # of each language, and of a file
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_INSIDE = re.compile(r"\(([^()\n]*)\)|\[([^\[\]\n]*)\]|\{([^{}\n]*)\}")
_BOUNDARY = re.compile(r"(?<=\w)\b|(?<=\s)(?=\S)")
_WORD = re.compile(r"\w{4,}")
_PARTS = re.compile(r"(?s).{1,3}")


@dataclass(frozen=True)
class Hole:
    """A piece of a file, from `start` to `end` in characters."""

    kind: str
    document: Document
    start: int
    end: int

    @property
    def parts(self) -> tuple[str, str, str]:
        """The text before, in and behind it."""
        text = self.document.text
        return text[: self.start], text[self.start : self.end], text[self.end :]

    @property
    def name(self) -> str:
        """One for each hole."""
        return f"{self.kind}/{self.document.repository}/{self.document.path}:{self.start}:{self.end}"


@dataclass(frozen=True)
class Written:
    """What a model wrote in a hole.

    Attributes:
        parts: the texts of its chunks.
    """

    hole: str
    parts: tuple[str, ...]
    stop_reason: str


@dataclass(frozen=True)
class Figures:
    """Of one text in one hole; None where it says nothing."""

    exact: float
    parses: float | None
    brackets: float | None
    suffixes: float
    saved: int
    wrong: int
    truth: int
    stopped: float
    shown: float


class Some(Files):
    """Random files of each language that are not long, without what each needs of the others."""

    def __init__(self, paths: Sequence[Path], seed: int):
        recipe = DataRecipe(filters=FilterRules(languages=CODE))
        groups: dict[str, list[Document]] = defaultdict(list)
        for document in read_documents(paths, recipe):
            if len(document.text) <= MOST_CHARACTERS:
                groups[document.language].append(document)
        rng = random.Random(seed)
        self.documents = [
            each for _, group in sorted(groups.items()) for each in rng.sample(group, min(MOST_FILES, len(group)))
        ]


def main() -> None:
    """Write, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="+")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--count", type=int, default=40, help="of each kind in each language")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--heal", action="store_true", help="write the word at the cursor anew")
    parser.add_argument("--show", help="print the texts where this figure is worse with the rules, such as exact")
    options = parser.parse_args()
    holes = find_holes(Some(options.corpus, options.seed), options.count, options.seed)
    written = read(options.texts) if options.texts and options.texts.exists() else {}
    if missing := [hole for hole in holes if hole.name not in written]:
        for each in write(missing, options.model, options.heal):
            written[each.hole] = each
        if options.texts:
            options.texts.write_text("".join(json.dumps(asdict(each)) + "\n" for each in written.values()))
    rows = [(hole, *measured(hole, written[hole.name])) for hole in holes]
    report(rows, f"{options.model}, {time.strftime('%Y-%m-%d')}")
    ideal = {hole.name: Written(hole.name, (hole.parts[1],), "stop") for hole in holes}
    endless = {hole.name: Written(hole.name, tuple(_PARTS.findall(on_and_on(hole))), "length") for hole in holes}
    for title, texts in (("what stood there", ideal), ("what stood there, and on without an end", endless)):
        report([(hole, *measured(hole, texts[hole.name], parsed=False)) for hole in holes], title)
    if options.show:
        texts = {"endless": endless, "ideal": ideal}.get(options.show, written)
        show(holes, texts, "exact" if texts is not written else options.show)


def find_holes(files: Files, count: int, seed: int) -> list[Hole]:
    """So many of each kind in each language, the same ones for the same seed."""
    found: dict[tuple[str, str], list[Hole]] = defaultdict(list)
    for place in all_places(files, "lines"):
        for kind, start, end in line_holes(place.document.text, place.start, place.end, seed):
            found[place.document.language, kind].append(Hole(kind, place.document, start, end))
    for place in all_places(files, "blocks"):
        for kind, start, end in block_holes(place.document.text, place.start, place.end, seed):
            found[place.document.language, kind].append(Hole(kind, place.document, start, end))
    rng = random.Random(seed)
    return [hole for key in sorted(found) for hole in rng.sample(found[key], min(count, len(found[key])))]


def line_holes(text: str, start: int, end: int, seed: int) -> Iterator[tuple[str, int, int]]:
    """A hole of each kind within a line of code, where there is one."""
    line, rng = text[start:end].rstrip(), random.Random(f"{seed} {start}")
    end = start + len(line)
    yield "line", start, end
    if cuts := [at.start() for at in _BOUNDARY.finditer(line) if 0 < at.start() < len(line)]:
        yield "rest", start + rng.choice(cuts), end
    if words := [at for at in _WORD.finditer(line)]:
        word = rng.choice(words)
        yield "word", start + rng.randrange(word.start() + 1, word.end() - 1), end
    if pairs := [at.span(at.lastindex or 0) for at in _INSIDE.finditer(line) if at[at.lastindex or 0].strip()]:
        first, last = rng.choice(pairs)
        yield "brackets", start + first, start + last


def block_holes(text: str, start: int, end: int, seed: int) -> Iterator[tuple[str, int, int]]:
    """A block that ends its line, and the end of what is in it from one of its own lines on."""
    end = start + len(text[start:end].rstrip())
    if text[end : end + 200].partition("\n")[0].strip():
        return
    yield "block", start, end
    body = text[start:end]
    last = end - 1 if body[0] == "{" else end
    lines = [(start + at.start(1), len(at[0]) - len(at[1])) for at in re.finditer(r"(?m)^[ \t]*(\S.*)$", body)]
    lines = [line for line in lines if line[0] < last][1:]
    own = [at for at, width in lines if width == min(width for _, width in lines)]
    if own:
        at = random.Random(f"{seed} {start}").choice(own)
        yield "statement", at, at + len(text[at:last].rstrip())


def write(holes: Sequence[Hole], name: str, heal: bool) -> Iterator[Written]:
    """The model's own texts."""
    model = codegem.load(name)
    for kind in KINDS:
        mine = [hole for hole in holes if hole.kind == kind]
        for first in range(0, len(mine), SIDE_BY_SIDE):
            some = mine[first : first + SIDE_BY_SIDE]
            settings = Settings(MAX_TOKENS.get(kind, 64), rules=False, heal=heal)
            requests = [plan(infill(hole), model.window, settings).request for hole in some]
            parts: list[list[str]] = [[] for _ in some]
            for chunk in model.engine.generate(requests):
                parts[chunk.index].append(chunk.text)
                if chunk.stop_reason:
                    yield Written(some[chunk.index].name, tuple(parts[chunk.index]), str(chunk.stop_reason))


def read(path: Path) -> dict[str, Written]:
    """What was kept of an earlier run."""
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return {each["hole"]: Written(each["hole"], tuple(each["parts"]), each["stop_reason"]) for each in records}


def on_and_on(hole: Hole) -> str:
    """What stood there, and what stands behind it."""
    _, middle, after = hole.parts
    return middle + after[:300]


def infill(hole: Hole) -> Infill:
    """The question."""
    before, _, after = hole.parts
    return Infill(before, after, hole.document.path)


def shown(hole: Hole, written: Written, rules: bool) -> tuple[str, bool]:
    """The suggestion, and whether it ended by itself."""
    draft = Draft(Place.of(infill(hole)), rules=rules)
    for part in written.parts:
        draft.push(part)
        if not draft.wants_more:
            break
    stopped = not draft.wants_more or written.stop_reason == "stop"
    draft.finish(StopReason.STOP if stopped else StopReason.LENGTH)
    return draft.text, stopped


def measured(hole: Hole, written: Written, parsed: bool = True) -> tuple[Figures, Figures]:
    """Without the rules and with them."""
    plain, ruled = (figures(hole, *shown(hole, written, rules), parsed) for rules in (False, True))
    return plain, ruled


def figures(hole: Hole, text: str, stopped: bool, parsed: bool) -> Figures:
    """What the text alone says, whatever made it."""
    before, truth, after = hole.parts
    right = common_beginning(text, truth)
    parses = brackets = None
    clean = true_syntax(hole.document) if parsed else None
    broken = syntax(hole.document.path, before + text + after) if clean and not clean[0] else None
    if broken:
        alone = syntax(hole.document.path, before + after) if broken[1] else None
        own = unmatched(character for character in text if character in "()[]{}")
        parses, brackets = float(not broken[0]), float(bool(own and alone) and broken[1] > alone[1])
    doubled = repeats(before, text, after) and not repeats(before, truth, after)
    exact = float(text.rstrip() == truth.rstrip())
    wrong = len(text) - right
    return Figures(exact, parses, brackets, float(doubled), right, wrong, len(truth), float(stopped), float(bool(text)))


def common_beginning(left: str, right: str) -> int:
    """How many characters are the same."""
    return next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))


@cache
def true_syntax(document: Document) -> tuple[bool, int] | None:
    """`syntax` of the file as it is."""
    return syntax(document.path, document.text)


def syntax(path: str, text: str) -> tuple[bool, int] | None:
    """Whether a file has an error, and how many of its brackets close nothing; None where it can't be parsed."""
    try:
        tree = parse(text.encode(errors="replace"), path)
    except TooHardToParse:
        return None
    if tree is None:
        return None
    if not tree.root_node.has_error:
        return False, 0
    found = (node.type for node in walk(tree) if not node.child_count and not node.is_missing)
    return True, unmatched(token for token in found if token in "()[]{}")


def unmatched(brackets: Iterable[str]) -> int:
    """Closing brackets that close nothing; opening ones that stay open are another fault."""
    opened: list[str] = []
    count = 0
    for bracket in brackets:
        if bracket not in _BRACKETS:
            opened.append(bracket)
        elif _BRACKETS[bracket] in opened:
            while opened.pop() != _BRACKETS[bracket]:
                pass
        else:
            count += 1
    return count


def repeats(before: str, text: str, after: str) -> bool:
    """Whether the end of a text stands again behind it: the rest of the line, or the next line that is not blank."""
    if not text.strip():
        return False
    rest, _, below = after.partition("\n")
    if rest.strip():
        return text.rstrip().endswith(rest.strip())
    line = (before + text).rstrip().rpartition("\n")[2].strip()
    following = next((each.strip() for each in below.split("\n") if each.strip()), "")
    return ("\n" in text.strip("\n") and line == following) or text.strip() == following


def report(rows: Sequence[tuple[Hole, Figures, Figures]], title: str) -> None:
    """By kind, and by language."""
    names = ("exact", "parses", "brackets", "suffixes", "saved", "wrong", "stopped", "shown")
    table = Table("", "holes", "", *names, title=title)
    keys = [("kind", lambda hole: hole.kind), ("language", lambda hole: hole.document.language), ("", lambda _: "all")]
    for _, key in keys:
        groups: dict[str, list[tuple[Figures, Figures]]] = defaultdict(list)
        for hole, plain, ruled in rows:
            groups[key(hole)].append((plain, ruled))
        for name, group in sorted(groups.items(), key=lambda item: KINDS.index(item[0]) if item[0] in KINDS else 0):
            for side, label in enumerate(("as it is", "with rules")):
                first = (name, str(len(group))) if not side else ("", "")
                table.add_row(*first, label, *cells([each[side] for each in group]))
        table.add_section()
    Console(width=130).print(table)


def cells(figures: Sequence[Figures]) -> list[str]:
    """One row."""
    truth = sum(each.truth for each in figures)

    def share(values: Iterable[float | None]) -> str:
        known = [value for value in values if value is not None]
        return f"{statistics.fmean(known):.1%}" if known else ""

    return [
        share(each.exact for each in figures),
        share(each.parses for each in figures),
        f"{sum(each.brackets or 0 for each in figures):.0f}",
        f"{sum(each.suffixes for each in figures):.0f}",
        f"{sum(each.saved for each in figures) / truth:.1%}",
        f"{sum(each.wrong for each in figures) / truth:.2f}",
        share(each.stopped for each in figures),
        share(each.shown for each in figures),
    ]


def show(holes: Sequence[Hole], written: dict[str, Written], figure: str) -> None:
    """The holes where the rules do harm, or where the fault stays."""
    for hole in holes:
        plain, ruled = (getattr(each, figure) for each in measured(hole, written[hole.name], figure != "exact"))
        if ruled if figure in ("brackets", "suffixes") else (plain or 0) > (ruled or 0):
            prefix, truth, suffix = hole.parts
            print("=" * 100, hole.name, sep="\n")
            print(prefix[-300:] + "├" + shown(hole, written[hole.name], False)[0] + "┤" + suffix[:200])
            print("--- with rules:", repr(shown(hole, written[hole.name], True)[0]))
            print("--- truth:", repr(truth))


if __name__ == "__main__":
    main()
