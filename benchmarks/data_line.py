"""The data line stage by stage and as a whole, in MB of source a second and core, beside datatrove.

    python benchmarks/data_line.py corpus/train --benchmarks DATA --tokenizer tokenizer.json
    python benchmarks/data_line.py corpus/train ... --peer /path/to/env/bin/python     # an environment with datatrove

Seconds are of processor time: of this process for each stage, and of a whole `codegem data build` and its workers
for the line. datatrove runs its own stages on the same texts, read from a parquet file, in the same run.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from codegem.data.benchmarks.benchmark_records import benchmark_files, read_benchmark
from codegem.data.decontamination import BenchmarkIndex
from codegem.data.dedup import find_duplicates, fingerprint
from codegem.data.dependencies import GraphFile, build_graph
from codegem.data.duplicates.near_duplicates import signatures
from codegem.data.encoded import Encoder
from codegem.data.examples import tokenise_repository
from codegem.data.reading import read_repository
from codegem.data.recipe import DataRecipe
from codegem.data.records import Document
from codegem.data.repositories import Source, find_repositories
from codegem.data.rows import CONTEXTS, Contexts, lay_out, plan_rows
from codegem.data.safety.safe import make_safe
from codegem.data.screening import Screens, read_source
from codegem.data.shards import ShardWriter
from codegem.data.work import Work, write_arrow
from codegem.recipes import find
from codegem.text.languages import language_of
from codegem.text.syntax import parse
from codegem.text.tokenizer import load_tokenizer

ROOT = Path(__file__).parents[1]
T = TypeVar("T")


def main() -> None:
    """Time every stage on the same files, the peer's, and the whole line; print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", type=Path)
    parser.add_argument("--benchmarks", type=Path, nargs="*", default=[])
    parser.add_argument("--tokenizer", type=Path, default=ROOT / "src/codegem/assets/nano/tokenizer.json")
    parser.add_argument("--recipe", default="codegemma-2b")
    parser.add_argument("--megabytes", type=float, default=40, help="of source for the stages")
    parser.add_argument("--peer", help="a Python with datatrove")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2], help="of the whole line")
    options = parser.parse_args()
    recipe = find(options.recipe).data
    with tempfile.TemporaryDirectory() as folder:
        stages = Stages(recipe, options, Path(folder))
        stages.run()
        peer = run_peer(options, stages, Path(folder)) if options.peer else {}
        print_stages(stages, peer)
        for workers in options.workers:
            whole(options, recipe, workers, Path(folder) / f"whole-{workers}")


class Stages:
    """Each stage's function on the same documents, one after another."""

    def __init__(self, recipe: DataRecipe, options: argparse.Namespace, folder: Path):
        self.recipe, self.options, self.folder = recipe, options, folder
        self.seconds: dict[str, float] = {}
        self.megabytes: dict[str, float] = {}
        self.texts: list[str] = []

    def time(self, stage: str, megabytes: float, work: Callable[[], T]) -> T:
        """Run a stage and note its processor time."""
        start = time.process_time()
        result = work()
        self.seconds[stage] = time.process_time() - start
        self.megabytes[stage] = megabytes
        return result

    def run(self) -> None:
        """All stages."""
        sources = self._sources()
        rows = self.time(
            "read and filter", 0, lambda: [row for s in sources for row in read_repository(s, self.recipe)]
        )
        source_bytes = sum(row["size"] for row in rows if row.get("language") in self.recipe.filters.languages)
        self.megabytes["read and filter"] = source_bytes / 1e6
        kept = [row for row in rows if row.get("text")]
        self.texts = [row["text"] for row in kept]
        paths = [row["path"] for row in kept]
        size = sum(len(text.encode()) for text in self.texts) / 1e6
        groups = list(_batches(self.texts))
        self.time(
            "secrets and personal data",
            size,
            lambda: [make_safe(self.texts[a:b], paths[a:b], self.recipe.safety) for a, b in groups],
        )
        if self.options.benchmarks:
            index = self.time(
                "(index of the benchmarks, once)", 0, lambda: BenchmarkIndex.load(self.options.benchmarks)
            )
            self.time("contamination", size, lambda: [index.find(self.texts[a:b], paths[a:b]) for a, b in groups])
        self.time(
            "signatures",
            size,
            lambda: [
                (
                    [fingerprint(t) for t in self.texts[a:b]],
                    signatures(pa.array(self.texts[a:b], pa.large_string()), self.recipe.dedup),
                )
                for a, b in groups
            ],
        )
        self._search(sources, size)
        self._pack(kept, size)

    def _sources(self) -> list[Source]:
        languages = self.recipe.filters.languages
        found = find_repositories(self.options.sources, lambda name: language_of(name) in languages)
        found.sort(key=lambda source: fingerprint(source.name))  # a mixed sample
        total, chosen = 0.0, []
        for source in found:
            chosen.append(source)
            total += source.location.stat().st_size / 1e6 * 3  # source code packs to about a third
            if total > self.options.megabytes:
                break
        return chosen

    def _search(self, sources: Sequence[Source], size: float) -> None:
        work = Work(self.folder / "work")
        work.open("benchmark")
        for source in sources:
            read_source(source, work=work, recipe=self.recipe, screens=Screens())
        files = [work.read(source) for source in sources]
        self.time("near-duplicates", size, lambda: find_duplicates(files, self.recipe.dedup))

    def _pack(self, kept: Sequence[dict], size: float) -> None:
        names = ("repository", "path", "text", "language", "licence", "sha256")
        documents = [Document(**{name: row[name] for name in names}) for row in kept]
        data = [document.text.encode() for document in documents]
        trees = self.time(
            "parse", size, lambda: [parse(text, document.path) for text, document in zip(data, documents, strict=True)]
        )
        of: dict[str, list[int]] = {}
        for number, document in enumerate(documents):
            of.setdefault(document.repository, []).append(number)

        def graphs() -> dict[str, tuple[str, ...]]:
            return {
                name: build_graph(
                    GraphFile(documents[n].path, data[n], documents[n].language, trees[n]) for n in numbers
                ).order
                for name, numbers in of.items()
            }

        orders = self.time("dependency graphs", size, graphs)
        encoder = Encoder(load_tokenizer(self.options.tokenizer))
        self.time(
            "tokens", size, lambda: [sum(1 for _ in encoder.encode(self.texts[a:b])) for a, b in _batches(self.texts)]
        )
        place = {(d.repository, d.path): n for n, d in enumerate(documents)}

        def pack() -> list[dict]:
            rows = []
            for name, order in orders.items():
                numbers = [place[name, path] for path in order]
                known = {documents[n].path: trees[n] for n in numbers}
                rows += tokenise_repository([documents[n] for n in numbers], self.recipe, encoder, known)
            return rows

        rows = self.time("pack and draw holes", size, pack)
        # Its texts were encoded before: most of that is remembered.
        write_arrow(self.folder / "contexts.arrow", iter([pa.RecordBatch.from_pylist(rows, CONTEXTS)]), CONTEXTS)

        def write() -> None:
            length = self.recipe.context_length
            contexts = Contexts([self.folder / "contexts.arrow"], 0)
            writer = ShardWriter(self.folder / "shards", (1 << 23) // length)
            for row in plan_rows(contexts, length, 0.005, 0):
                writer.add(row.split, lay_out(contexts, row, length, 0))
            writer.close()

        self.time("rows and shards", size, write)


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Ranges of about 8 MB."""
    ends = np.cumsum([len(text) for text in texts])
    start = 0
    while start < len(texts):
        end = int(np.searchsorted(ends, (ends[start - 1] if start else 0) + (8 << 20))) + 1
        yield start, min(end, len(texts))
        start = end


def run_peer(options: argparse.Namespace, stages: Stages, folder: Path) -> dict[str, float]:
    """datatrove's seconds for the stages that it has too."""
    pq.write_table(pa.table({"text": pa.array(stages.texts, pa.large_string())}), folder / "texts.parquet")
    questions = [
        {"query": "", "label": each.text}
        for name, path in benchmark_files(options.benchmarks)
        for each in read_benchmark(name, path)
    ]
    (folder / "questions.json").write_text(json.dumps(questions), encoding="utf-8")
    script = Path(__file__).with_name("peer_datatrove.py")
    files = [folder / "texts.parquet", options.tokenizer, folder / "questions.json"]
    done = subprocess.run(
        [options.peer, str(script), *map(str, files)],
        capture_output=True,
        text=True,
        env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
    )
    if done.returncode:
        sys.exit(f"datatrove failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


# Our stage and datatrove's.
PEERS = {
    "read and filter": "filter",
    "secrets and personal data": "personal data",
    "contamination": "contamination",
    "signatures": "signatures",
    "near-duplicates": "near-duplicates",
    "tokens": "tokens",
}


def print_stages(stages: Stages, peer: dict[str, float]) -> None:
    """A table of stages."""
    size = stages.megabytes["parse"]
    table = Table(title=f"{size:.1f} MB kept of {stages.megabytes['read and filter']:.1f} MB of source, one core")
    for name in ("stage", "s/MB", "MB/s", "datatrove MB/s", "ratio"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for stage, seconds in stages.seconds.items():
        megabytes = stages.megabytes[stage]
        if not megabytes:
            table.add_row(stage, f"{seconds:.1f} s", "", "", "")
            continue
        theirs = peer.get(PEERS.get(stage, ""))
        row = [stage, f"{seconds / megabytes:.4f}", f"{megabytes / seconds:,.1f}"]
        if theirs:
            row += [f"{size / theirs:.2f}", f"{(megabytes / seconds) / (size / theirs):.1f}"]
        table.add_row(*row)
    Console(width=120).print(table)


def whole(options: argparse.Namespace, recipe: DataRecipe, workers: int, out: Path) -> None:
    """`codegem data build` as a person calls it, on all of the sources."""
    command = [sys.executable, "-m", "codegem", "data", "build", *map(str, options.sources), "--out", str(out)]
    command += ["--recipe", options.recipe, "--tokenizer", str(options.tokenizer), "--workers", str(workers), "--json"]
    if options.benchmarks:
        command += ["--benchmarks", *map(str, options.benchmarks)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the build failed: {done.stderr[-2000:]}")
    seconds = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    counts = json.loads(done.stdout)["counts"]
    languages = [c for name, c in counts["by_language"].items() if name in recipe.filters.languages]
    read = sum(c["read_bytes"] for c in languages) / 1e6
    print(
        f"whole line, {workers} workers: {read:.0f} MB of source, {counts['kept_bytes'] / 1e6:.0f} kept, "
        f"{seconds:.0f} s; {cpu:.0f} s of processor time, {read / cpu:.2f} MB/s a core; "
        f"largest process {after.ru_maxrss / 1e6:.2f} GB"
    )


if __name__ == "__main__":
    main()
