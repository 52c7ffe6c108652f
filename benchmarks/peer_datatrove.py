"""The stages of `data_line.py` that datatrove has too, on the same texts: run by a Python that has datatrove.

    PYTHON_OF_DATATROVE benchmarks/peer_datatrove.py TEXTS.parquet TOKENIZER.json QUESTIONS.json

TEXTS holds a column `text`; QUESTIONS a list of {"query", "label"}. Prints seconds of processor time for each stage
as JSON. Everything with datatrove's defaults, one task, in this process.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from datatrove.data import Document
from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter, NGramsDecontIndexer
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.filters import GopherQualityFilter
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.pipeline.tokens import DocumentTokenizer

# It asks for lighteval, which it needs only to fetch benchmarks.
NGramsDecontIndexer._requires_dependencies = []


def main() -> None:
    """Run every stage on documents of its own."""
    texts = pq.read_table(sys.argv[1])["text"].to_pylist()
    questions = json.loads(Path(sys.argv[3]).read_text(encoding="utf-8"))

    def documents() -> list[Document]:
        return [Document(text=text, id=str(number), metadata={}) for number, text in enumerate(texts)]

    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        _time(seconds, "filter", lambda: _run(GopherQualityFilter(), documents()))
        _time(seconds, "personal data", lambda: _run(PIIFormatter(), documents()))
        _minhash(seconds, documents, folder)
        config = NGramsDecontConfig()
        _index(questions, config, Path(folder, "index"))
        _time(seconds, "contamination", lambda: _run(NGramsDecontFilter(f"{folder}/index", config), documents()))
        tokenizer = DocumentTokenizer(f"{folder}/tokens", tokenizer_name_or_path=sys.argv[2], shuffle_documents=False)
        _time(seconds, "tokens", lambda: _run(tokenizer, documents()))
    print(json.dumps(seconds))


def _minhash(seconds: dict[str, float], documents: Callable[[], list[Document]], folder: str) -> None:
    config = MinhashConfig()
    signatures, buckets, clusters = (f"{folder}/{name}" for name in ("signatures", "buckets", "clusters"))
    _time(seconds, "signatures", lambda: _run(MinhashDedupSignature(signatures, config), documents()))

    def search() -> None:
        step = MinhashDedupBuckets(signatures, buckets, config=config)
        for rank in range(config.num_buckets):
            step.run(None, rank, config.num_buckets)
        MinhashDedupCluster(buckets, clusters, config).run(None, 0, 1)
        _run(MinhashDedupFilter(clusters), documents())

    _time(seconds, "near-duplicates", search)


def _index(questions: list[dict[str, str]], config: NGramsDecontConfig, folder: Path) -> None:
    """What the indexer's `run` writes, which can't go on without lighteval."""
    indexer = NGramsDecontIndexer(str(folder), config=config)
    hashes = {h for q in questions for h in indexer.compute_hashes(q["label"], q["query"])}
    folder.mkdir()
    np.array(sorted(hashes), dtype=config.hash_config.np_descr).tofile(folder / "all:0.index.hashes")


def _run(step, documents: list[Document]) -> None:  # noqa: ANN001: datatrove's steps share no type for this
    for _ in step.run(iter(documents), 0, 1) or ():
        pass


def _time(seconds: dict[str, float], stage: str, work: Callable[[], object]) -> None:
    start = time.process_time()
    work()
    seconds[stage] = time.process_time() - start


if __name__ == "__main__":
    main()
