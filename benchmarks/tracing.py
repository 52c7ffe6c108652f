"""The index of a corpus: how long a lookup takes, what it misses, what it tells wrongly, and how large it is.

    python benchmarks/tracing.py data/nano corpus/held-out [--copies 6000] [--texts 10000]

The data set has an index (`codegem data build --trace`); planted copies are 50 tokens of `--tokenizer` from random
places of its files, between code that it does not have. What the index tells of other texts is compared with the
stored files by plain Python. The peers are a dictionary of all runs of 20 tokens and a suffix array, both of a part of
the same text, and ours of that part beside them.
"""

import argparse
import bisect
import itertools
import json
import random
import re
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from codegem.data.reading import read_documents
from codegem.data.recipe import DataRecipe
from codegem.data.tracing.index import LEAST, Copy, TraceIndex
from codegem.data.tracing.layout import FILE_TEXT, folder_of
from codegem.data.tracing.merging import merge
from codegem.data.tracing.parts import Part, TracedFile, write_part
from codegem.data.tracing.visible import Visible
from codegem.recipes import find
from codegem.text.tokenizer import Tokenizer, load_tokenizer

ROOT = Path(__file__).parents[1]
COMPLETION = 128  # tokens
PLANTED = 50
PARTS = ["lookups", "copies", "texts", "sizes"]


def main() -> None:
    """Measure everything on one index and print four tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a data set with an index")
    parser.add_argument("held_out", type=Path, nargs="+", help="repositories that are not in it")
    parser.add_argument("--tokenizer", type=Path, default=ROOT / "src/codegem/assets/nano/tokenizer.json")
    parser.add_argument("--copies", type=int, default=6000)
    parser.add_argument("--texts", type=int, default=10000)
    parser.add_argument("--lookups", type=int, default=1000)
    parser.add_argument("--megabytes", type=float, default=5, help="of text that the peers index")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    index, corpus = TraceIndex.open(options.data), Corpus(options.data)
    tokenizer, draw = load_tokenizer(options.tokenizer), random.Random(options.seed)
    recipe: DataRecipe = find("nano").data
    others = [document.text for document in read_documents(options.held_out, recipe)]
    console = Console(width=120)
    if "lookups" in options.parts:
        console.print(table("lookups", *lookups(index, corpus, others, tokenizer, options.lookups, draw)))
    if "copies" in options.parts:
        console.print(table("planted copies", *planted(index, corpus, others, tokenizer, options.copies, draw)))
    if "texts" in options.parts:
        console.print(table("other texts", *alarms(index, corpus, others, tokenizer, options.texts, draw)))
    if "sizes" in options.parts:
        console.print(table("size and peers", *sizes(index, corpus, tokenizer, options.megabytes, draw)))


class Corpus:
    """The files of an index, read as plainly as can be."""

    def __init__(self, data: Path):
        self.folder = folder_of(data)
        self.starts = np.load(self.folder / "files.npy")[FILE_TEXT]
        self.pieces = np.load(self.folder / "pieces.npy")
        self.stored = (self.folder / "text.bin").read_bytes()
        rows = (self.folder / "files.jsonl").read_text("utf-8").splitlines()
        self.names = {tuple(json.loads(row)[:2]): number for number, row in enumerate(rows)}

    def __len__(self) -> int:
        return len(self.starts) - 1

    def text(self, file: int) -> str:
        """A whole file."""
        begin, end = int(self.starts[file]), int(self.starts[file + 1])
        first = bisect.bisect_right(self.pieces[1], begin) - 1
        last = bisect.bisect_left(self.pieces[1], end)
        cuts = self.pieces[0, first : last + 1].tolist()
        data = b"".join(zlib.decompress(self.stored[a:b]) for a, b in itertools.pairwise(cuts))
        offset = begin - int(self.pieces[1, first])
        return data[offset : offset + end - begin].decode("utf-8", "replace")

    def holds(self, text: str, copy: Copy) -> bool:
        """Whether what is told of a text is true."""
        lines = self.text(self.names[copy.repository, copy.path]).split("\n")
        return bare(text[copy.start : copy.end]) in bare("\n".join(lines[copy.line - 1 : copy.last_line]))


def bare(text: str) -> bytes:
    """A text without its blanks."""
    return bytes(byte for byte in text.encode("utf-8", "replace") if byte > 32)


def windows(texts: Callable[[], str], tokenizer: Tokenizer, length: int) -> Iterator[str]:
    """So many tokens each, from random places of random texts, whole characters only."""
    draw = random.Random(length)
    while True:
        ids = tokenizer.encode(texts())
        if len(ids) > length:
            start = draw.randrange(len(ids) - length)
            data = b"".join(tokenizer.piece_bytes(token) for token in ids[start : start + length])
            text = data.decode("utf-8", "replace")
            if "\ufffd" not in text:
                yield text


# Time


def lookups(
    index: TraceIndex, corpus: Corpus, others: Sequence[str], tokenizer: Tokenizer, count: int, draw: random.Random
) -> tuple[list[str], list[list[str]]]:
    """Milliseconds of one lookup each, of texts that are seen for the first time in a warm index."""
    kinds = {
        "code that it does not have": windows(lambda: draw.choice(others), tokenizer, COMPLETION),
        "copies": windows(lambda: corpus.text(draw.randrange(len(corpus))), tokenizer, COMPLETION),
        "recombined": recombined(others, draw),
    }
    rows = []
    for name, texts in kinds.items():
        chosen = [next(texts) for _ in range(count)]
        for text in chosen:
            index.find(text)
        seconds = []
        for text in chosen:
            begun = time.perf_counter()
            index.find(text)
            seconds.append(time.perf_counter() - begun)
        milliseconds = np.percentile(np.array(seconds) * 1e3, [50, 90, 99, 100])
        rows.append([name, str(count), *(f"{value:.2f}" for value in milliseconds)])
    return [f"{COMPLETION} tokens of", "lookups", "p50 ms", "p90", "p99", "slowest"], rows


# Copies


def planted(
    index: TraceIndex, corpus: Corpus, others: Sequence[str], tokenizer: Tokenizer, count: int, draw: random.Random
) -> tuple[list[str], list[list[str]]]:
    """How many copies of exactly 50 tokens are found, as they are and indented anew."""
    around = windows(lambda: draw.choice(others), tokenizer, 40)
    copies = windows(lambda: corpus.text(draw.randrange(len(corpus))), tokenizer, PLANTED)
    changes: dict[str, Callable[[str], str]] = {
        "as they are": lambda text: text,
        "deeper, by spaces": lambda text: text.replace("\n", "\n        "),
        "tabs": lambda text: re.sub(r"(?m)^( {4})+|^ {2}", "\t\t", text),
        "CRLF, less deep": lambda text: re.sub(r"\n {1,4}", "\n", text).replace("\n", "\r\n"),
        "no indentation": lambda text: re.sub(r"(?m)^[ \t]+", "", text),
    }
    counts = {name: [0, 0, 0] for name in changes}
    mere = 0
    missed: list[str] = []
    for _ in range(count):
        copy = next(copies)
        visible = Visible.of(copy.encode())
        if not visible.is_enough(0, len(visible.data), 0):
            mere += 1
            continue
        before, after = f"{next(around)}§", f"§{next(around)}"
        for name, change in changes.items():
            text = before + change(copy) + after
            covered = np.zeros(len(text) + 1, bool)
            for found in index.find(text):
                covered[found.start : found.end] = True
            wanted = [place for place in range(len(before), len(text) - len(after)) if text[place] > " "]
            share = covered[wanted].mean()
            counts[name][0] += 1
            counts[name][1] += share == 1
            counts[name][2] += share > 0
            if share == 0 and name == "as they are":
                missed.append(copy)
    rows = [[name, str(all_), str(found), str(all_ - part)] for name, (all_, found, part) in counts.items()]
    rows.append([f"left out, mere numbers and marks: {mere}", "", "", ""])
    for copy in missed[:10]:
        rows.append([repr(copy), "", "", ""])
    return [f"{PLANTED} tokens, planted", "copies", "found whole", "missed"], rows


# Other texts


def recombined(others: Sequence[str], draw: random.Random) -> Iterator[str]:
    """Runs of 1 to 12 words of code that the corpus does not have, in a random order."""
    words = [re.findall(r"\s*\S+", text) for text in others]
    while True:
        pieces: list[str] = []
        while sum(map(len, pieces)) < 400:
            chosen = draw.choice(words)
            begin = draw.randrange(len(chosen))
            pieces += chosen[begin : begin + draw.randint(1, 12)]
        yield "".join(pieces)


def alarms(
    index: TraceIndex, corpus: Corpus, others: Sequence[str], tokenizer: Tokenizer, count: int, draw: random.Random
) -> tuple[list[str], list[list[str]]]:
    """What is told of texts that were not copied, and how much of it is false."""
    kinds = {
        "held-out code": windows(lambda: draw.choice(others), tokenizer, COMPLETION),
        "recombined held-out code": recombined(others, draw),
    }
    rows = []
    for name, texts in kinds.items():
        told, false, by_length = 0, 0, [0, 0, 0]
        for _ in range(count // len(kinds)):
            text = next(texts)
            copies = index.find(text)
            told += len(copies)
            false += sum(not corpus.holds(text, copy) for copy in copies)
            longest = max((copy.tokens for copy in copies), default=0)
            by_length = [n + (longest >= least) for n, least in zip(by_length, (LEAST, 32, 50), strict=True)]
        rows.append([name, str(count // len(kinds)), str(told), str(false), *map(str, by_length)])
    columns = ["texts", "of them", "copies told of", "false", f"texts with ≥ {LEAST} tokens", "≥ 32", "≥ 50"]
    return columns, rows


# Size


def sizes(
    index: TraceIndex, corpus: Corpus, tokenizer: Tokenizer, megabytes: float, draw: random.Random
) -> tuple[list[str], list[list[str]]]:
    """Bytes for each byte of text, and the time of a lookup, beside peers over the same part of the corpus."""
    header = index.header
    rows = [["the whole index", f"{header.text_bytes / 1e6:.1f}", f"{header.bytes / header.text_bytes:.3f}", "", ""]]
    files: list[TracedFile] = []
    while sum(len(file.text) for file in files) < megabytes * 1e6:
        number = draw.randrange(len(corpus))
        files.append(TracedFile("corpus", str(number), "MIT", "python", corpus.text(number)))
    total = sum(len(file.text.encode()) for file in files)
    chosen = windows(lambda: draw.choice(files).text, tokenizer, COMPLETION)
    asked = [next(chosen) for _ in range(300)]
    for name, peer in (("this index", ours), ("dictionary of 20 tokens", dictionary), ("suffix array", suffixes)):
        begun = time.perf_counter()
        size, lookup = peer(files)
        built = time.perf_counter() - begun
        begun = time.perf_counter()
        found = sum(map(lookup, asked))
        each = (time.perf_counter() - begun) / len(asked)
        rows.append(
            [name, f"{total / 1e6:.1f}", f"{size / total:.3f}", f"{total / 1e6 / built:.1f}", f"{each * 1e3:.2f}"]
        )
        rows[-1][0] += f", {found} of {len(asked)} found"
    return ["index", "MB of text", "bytes a byte", "built, MB/s", "ms a copy looked up"], rows


def ours(files: Sequence[TracedFile]) -> tuple[int, Callable[[str], bool]]:
    """Our index of some files, in one process."""
    folder = Path(tempfile.mkdtemp(prefix="codegem-tracing-"))
    part = Part(folder / "part")
    write_part(part, files)
    header = merge([part], folder / "trace", dataset="")
    index = TraceIndex.open(folder / "trace")
    return header.bytes, lambda text: bool(index.find(text))


def dictionary(files: Sequence[TracedFile]) -> tuple[int, Callable[[str], bool]]:
    """Where each run of 20 tokens stands, as a dictionary of Python by its hash."""
    table: dict[int, tuple[int, int]] = {}
    for number, file in enumerate(files):
        tokens = re.findall(r"\w+|[^\w\s]", file.text)
        for place in range(len(tokens) - LEAST + 1):
            table.setdefault(hash(tuple(tokens[place : place + LEAST])), (number, place))
    size = table.__sizeof__() + len(table) * (32 + 56)  # an int of 64 bits; a pair, its small numbers shared

    def lookup(text: str) -> bool:
        tokens = re.findall(r"\w+|[^\w\s]", text)
        return any(hash(tuple(tokens[place : place + LEAST])) in table for place in range(len(tokens) - LEAST + 1))

    return size, lookup


def suffixes(files: Sequence[TracedFile]) -> tuple[int, Callable[[str], bool]]:
    """All places of the visible text in the order of what follows, as infini-gram has of tokens."""
    data = b"\n".join(bare(file.text) for file in files)
    padded = np.frombuffer(data + b"\0" * 48, np.uint8)
    eights = np.ndarray((len(data) + 40,), ">u8", padded, strides=(1,))
    order = np.lexsort([eights[offset : offset + len(data)] for offset in (32, 24, 16, 8, 0)]).astype(np.int32)

    def lookup(text: str) -> bool:
        visible = bare(text)
        for place in range(len(visible) - 39):
            wanted = visible[place : place + 40]
            at = bisect.bisect_left(order, wanted, key=lambda start: data[start : start + 40])
            if at < len(order) and data[order[at] : order[at] + 40] == wanted:
                return True
        return False

    return len(data) + order.nbytes, lookup


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Rows as they are printed."""
    made = Table(*columns, title=title)
    for row in rows:
        made.add_row(*row)
    return made


if __name__ == "__main__":
    main()
