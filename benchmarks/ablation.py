"""What the parts of CodeGemma's recipe are worth, at a small scale: rows that differ from the default in one thing.

    python benchmarks/ablation.py --train SOURCES... --held-out SOURCES... --out OUT [--benchmarks DIR]
        [--rows NAME...] [--seeds 0 1] [--tokens 2000000] [--model-width 128 …]

Each row is a data set (`ablation_rows`) from the same sources with the same tokenizer, and a run of the same model for
each seed on it. What is measured on held-out files stands in `ablation_holes`. OUT keeps data sets, runs and losses:
whatever is there is not made again, and a run that was stopped goes on. The table is printed at the end.
"""

import argparse
import gc
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from ablation_rows import DEFAULT, ROWS, Row, Scale, data_recipe, find, train_recipe
from ablation_table import table

_SEED = 0  # of the questions


def main() -> None:
    """Make what is missing, and print the table."""
    given = _arguments()
    scale = Scale(**{field.name: getattr(given, field.name) for field in fields(Scale)})
    _remember(given.out, scale)
    if given.train:
        rows = [find(name) for name in given.rows]
        for row in (find(DEFAULT), *(row for row in rows if row.name != DEFAULT)):
            _build(row, scale, _chosen(given.train, given.archive_bytes), given)
        for seed in given.seeds:
            for row in rows:
                _run(row, scale, seed, given)
    print(table(given.out))


def _arguments() -> argparse.Namespace:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--out", type=Path, required=True)
    words.add_argument("--train", type=Path, nargs="*", default=[], help="without them the table alone is printed")
    words.add_argument("--held-out", type=Path, nargs="*", default=[])
    words.add_argument("--benchmarks", type=Path, nargs="*", default=[])
    words.add_argument("--rows", nargs="*", default=[row.name for row in ROWS])
    words.add_argument("--seeds", type=int, nargs="*", default=[0, 1])
    words.add_argument("--files", type=int, default=200, help="held-out files that are asked about")
    words.add_argument("--archive-bytes", type=int, default=1 << 60, help="of the sources, chosen by their names' hash")
    for field in fields(Scale):
        default = 2_000_000 if field.name == "tokens" else field.default
        words.add_argument(f"--{field.name.replace('_', '-')}", type=type(default), default=default)
    return words.parse_args()


def _remember(out: Path, scale: Scale) -> None:
    """One folder, one scale."""
    file = out / "scale.json"
    if file.exists() and json.loads(file.read_text()) != asdict(scale):
        raise SystemExit(f"{out} is of another scale, {file.read_text()}: choose another --out.")
    out.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(scale)))


def _chosen(sources: Sequence[Path], most: int) -> list[Path]:
    """Packages in the order of their names' hashes, until there are so many bytes of them."""
    packages = [each for source in sources for each in (sorted(source.iterdir()) if source.is_dir() else [source])]
    total, chosen = 0, []
    for package in sorted(packages, key=lambda path: hashlib.sha256(path.name.encode()).digest()):
        total += package.stat().st_size
        if total <= most:
            chosen.append(package)
    return sorted(chosen)


def _build(row: Row, scale: Scale, sources: Sequence[Path], given: argparse.Namespace) -> None:
    from codegem.data.pipeline import build

    folder = given.out / "data"
    if (folder / row.name / "manifest.json").exists():
        return
    tokenizer = None if row.name == DEFAULT else folder / DEFAULT / "tokenizer.json"
    recipe = data_recipe(row, scale)
    made = build(sources, folder / row.name, recipe, tokenizer=tokenizer, benchmarks=given.benchmarks, workers=1)
    print(f"{row.name}: {made.examples('train')} examples, {made.tokens}, holes {made.counts['fim_rate']}", flush=True)


def _run(row: Row, scale: Scale, seed: int, given: argparse.Namespace) -> None:
    """Train a row with one seed, ask the questions, write the losses."""
    from ablation_losses import losses

    from codegem.train.pretraining import train

    out = given.out / "runs" / f"{row.name}-{seed}"
    if (out / "losses.json").exists():
        return
    started = time.monotonic()
    result = train(train_recipe(scale, seed), given.out / "data" / row.name, out)
    if not result.finished:
        raise SystemExit("Stopped; the same command goes on from here.")
    trained = time.monotonic()
    found = {
        "row": row.name,
        "seed": seed,
        "tokens": result.tokens,
        "losses": losses(result.model, _questions(scale, given)),
        "seconds": [round(trained - started), round(time.monotonic() - trained)],
    }
    part = out / "losses.part"
    part.write_text(json.dumps(found))
    part.rename(out / "losses.json")
    print(f"{row.name}, seed {seed}: {found['seconds']} s", flush=True)
    gc.collect()


def _questions(scale: Scale, given: argparse.Namespace) -> list:
    """The same for every row: made once, and kept."""
    from ablation_holes import Question, questions

    from codegem.evaluation.repository.files import Files
    from codegem.text.tokenizer import load_tokenizer

    file = given.out / "questions.json"
    if not file.exists():
        tokenizer = load_tokenizer(given.out / "data" / DEFAULT)
        sources = list(_packages(given.held_out))
        files = Files(sources, data_recipe(find(DEFAULT), scale))
        asked = questions(files, tokenizer, scale.context_length, given.files, _SEED)
        file.write_text(json.dumps([asdict(each) for each in asked]))
    return [Question(**{**each, "tokens": tuple(each["tokens"])}) for each in json.loads(file.read_text())]


def _packages(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(folder.iterdir()) if folder.is_dir() else [folder]


if __name__ == "__main__":
    main()
