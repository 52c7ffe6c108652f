"""Whether the measures of memorisation measure it: secrets and passages planted in a small training run.

    python benchmarks/canaries.py --out OUT [--seeds 0] [--each 16] [--rows 3000]

Python's own library is the text around them. Canaries (a sentence with a random number of five digits) and passages (a
page of code that stands nowhere else) are planted 0, 1, 4, 16, 64 and 256 times; the machinery of `codegem train` goes
once through all of it with a model of 0.5 million parameters. What must come out: exposure and repeated passages rise
with the number of times, up to all that there is to know; of what was planted 0 times, and by a model that was not
trained, nothing is known. Exposure is worked out by going through all 100,000 secrets, and by the distribution of 1,000
random ones. Passages are asked for by their beginnings, and from random places in them.
"""

import argparse
import math
import random
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import fmean, median

import jax
import jax.numpy as jnp
import numpy as np

from codegem.data.records import TrainingExample
from codegem.data.shards import Manifest, ShardWriter, manifest_hash, write_manifest
from codegem.evaluation.memorisation.canaries import Canary, draw_canaries, rows_of
from codegem.evaluation.memorisation.evaluate import run as measure
from codegem.evaluation.memorisation.exposure import exposure, extrapolated
from codegem.evaluation.memorisation.windows import Places
from codegem.inference.continuing import Continuing
from codegem.inference.engine import Engine
from codegem.model.attention import LayerCache
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.fim import SourceFile
from codegem.text.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from codegem.train.pretraining import train
from codegem.train.recipe import TrainRecipe

TIMES = (0, 1, 4, 16, 64, 256)
LENGTH = 256
DIGITS = 5
_PASSAGE = 560  # characters, so that one takes most of a row
_SAMPLE = 1000  # random secrets that the distribution is laid through
_AT_ONCE = 1000
_ALIKE = (
    "encodings",
    "lib2to3",
    "site-packages",
    "dist-packages",
    "pydoc_data",
    "test",
)  # folders of texts that repeat
_WINDOWS = 64
_MODEL = ModelConfig(
    vocab_size=1024, num_layers=2, d_model=128, num_heads=4, num_kv_heads=1, head_dim=32, d_mlp=512, context_length=256
)


@dataclass(frozen=True)
class Planted:
    """A data set, and what was planted in it: rows of the passages by the number of times."""

    data: Path
    canaries: Sequence[Canary]
    passages: dict[int, list[int]]
    rows: int


def main() -> None:
    """Plant, train, measure; print a table for each seed."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--out", type=Path, required=True)
    words.add_argument("--seeds", type=int, nargs="*", default=[0])
    words.add_argument("--each", type=int, default=16, help="canaries and passages for each number of times")
    words.add_argument("--rows", type=int, default=3000, help="of text around them")
    given = words.parse_args()
    for seed in given.seeds:
        out = given.out / str(seed)
        planted = _plant(out / "data", seed, given.each, given.rows)
        recipe = _recipe(planted.rows, seed)
        result = train(recipe, planted.data, out / "run")
        tokenizer = load_tokenizer(planted.data)
        untrained = Transformer.init(recipe.model, jax.random.key(seed))
        print(f"\nseed {seed}: {planted.rows:,} rows of {LENGTH}, {result.tokens:,} tokens, each row seen once")
        _print(planted, tokenizer, {"trained": result.model, "untrained": untrained}, out, seed)


def _plant(data: Path, seed: int, each: int, rows: int) -> Planted:
    """The data set on disk: passages first, so that their rows are known, then the text with the canaries in it."""
    rng = random.Random(seed)
    folders = [path for path in Path(sysconfig.get_path("stdlib")).iterdir() if path.name not in _ALIKE]
    texts = list(_pieces(sorted(path for folder in folders for path in folder.glob("*.py"))))
    rng.shuffle(texts)
    tokenizer = train_tokenizer((str(file.content) for file in texts[:rows]), _MODEL.vocab_size)
    data.mkdir(parents=True, exist_ok=True)
    tokenizer.save(data / "tokenizer.json")
    # Such as fill most of a row.
    pieces = (file for file in texts if 150 < len(tokenizer.encode(str(file.content))) < LENGTH - 32)
    passages = {count: list(islice(pieces, each)) for count in TIMES}
    held_out = list(islice(pieces, 64))
    around = list(islice(pieces, rows))

    canaries = draw_canaries(TIMES, each, DIGITS, seed)
    examples: list[TrainingExample] = []
    places: dict[int, list[int]] = {}
    for count, files in passages.items():
        made = rows_of([file for file in files for _ in range(count)], LENGTH, tokenizer)
        places[count] = list(range(len(examples), len(examples) + len(made)))
        examples += made
    examples += rows_of(
        [*around, *(canary.file for canary in canaries for _ in range(canary.times))], LENGTH, tokenizer
    )
    unseen = rows_of(passages[0], LENGTH, tokenizer)  # stands in the validation split, as what was planted 0 times
    _write(data, examples, [*unseen, *rows_of(held_out, LENGTH, tokenizer)])
    return Planted(data, canaries, places, len(examples))


def _pieces(paths: Sequence[Path]) -> Iterator[SourceFile]:
    """Parts of files, each about a row long."""
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for start in range(0, min(len(text), 20 * _PASSAGE) - _PASSAGE, _PASSAGE):
            yield SourceFile(f"{path.parent.name}/{path.name}", text[start : start + _PASSAGE])


def _write(data: Path, train_rows: Sequence[TrainingExample], validation: Sequence[TrainingExample]) -> None:
    writer = ShardWriter(data, shard_examples=1 << 16)
    for example in train_rows:
        writer.add("train", example)
    for example in validation:
        writer.add("validation", example)
    shards = writer.close()
    write_manifest(data, Manifest(manifest_hash(shards), {}, "", {}, LENGTH, {}, {}, shards))


def _recipe(rows: int, seed: int) -> TrainRecipe:
    return TrainRecipe(
        model=_MODEL,
        steps=rows // 8,
        batch_size=8,
        micro_batch=8,
        learning_rate=4e-3,
        warmup_steps=20,
        seed=seed,
        checkpoint_every=1000,
    )


def _print(planted: Planted, tokenizer: Tokenizer, models: dict[str, Transformer], out: Path, seed: int) -> None:
    most = math.log2(10**DIGITS)
    print(
        f"exposure in bits of {most:.1f}: mean (median) over all secrets, and mean by the distribution of {_SAMPLE:,}"
    )
    print(f"{'':<33} {'by':>14}  {'beginnings':>18}  {'anywhere':>18}")
    print(f"{'model':<10} {'times':>5}  {'exposure':>14}  {'distribution':>12}" + 2 * f"  {'exact':>7}  {'nearly':>9}")
    for name, model in models.items():
        reader = Reader(model, tokenizer)
        source = Continuing(Engine(model, tokenizer, name=name))
        for times in TIMES:
            bits = [reader.exposures(canary, seed) for canary in planted.canaries if canary.times == times]
            whole, sampled = zip(*bits, strict=True)
            rates = [
                rate
                for places in ("beginnings", "anywhere")
                for rate in _repeated(source, planted, times, places, out / f"{name}-{places}-{times}")
            ]
            print(
                f"{name:<10} {times:>5}  {fmean(whole):>6.2f} ({median(whole):>5.2f})  {fmean(sampled):>12.2f}  "
                + "  ".join(f"{rate:>{8 + place % 2:d}.1%}" for place, rate in enumerate(rates))
            )


def _repeated(source: Continuing, planted: Planted, times: int, places: Places, out: Path) -> Iterator[float]:
    """What is repeated of the passages; of those planted 0 times, which are in no training row, the control tells."""
    rows = planted.passages[times] or planted.passages[1]
    findings = measure(source, out, data=planted.data, seen=rows, places=places, limit=_WINDOWS)
    rates = {figure.name: figure.value for figure in findings.figures}
    for name in ("exact", "approximate"):
        yield rates[name if times else f"{name}.control"] or 0.0


class Reader:
    """Losses of all secrets of a canary under one model."""

    def __init__(self, model: Transformer, tokenizer: Tokenizer):
        self._model, self._tokenizer = model, tokenizer
        self._digits = np.array([tokenizer.encode(f"{digit}")[-1] for digit in range(10)], np.int32)

    def exposures(self, canary: Canary, seed: int) -> tuple[float, float]:
        """By going through all secrets, and by the distribution of random others."""
        losses = self.losses(canary)
        own = float(losses[int(canary.secret)])
        others = np.delete(losses, int(canary.secret))
        sample = np.random.default_rng(seed).choice(others, _SAMPLE, replace=False)
        return exposure(own, losses), extrapolated(own, sample, canary.space)

    def losses(self, canary: Canary) -> np.ndarray:
        """float64 [10 ** DIGITS], minus the log-probability of each secret, in their order.

        All but the last digit are read; what stands before is read once.
        """
        special, file = self._tokenizer.special, canary.file
        before = [special.bos, *self._tokenizer.encode(f"{file.path}\n"), *self._tokenizer.encode(canary.before)]
        whole = self._tokenizer.encode(str(file.content))[:-1]
        assert whole == [*self._tokenizer.encode(canary.before), *self._digits[[int(d) for d in canary.secret]]]
        read = np.indices((10,) * (DIGITS - 1)).reshape(DIGITS - 1, -1).T
        parts = [
            _secrets(
                self._model, np.array([before], np.int32), self._digits[read[start : start + _AT_ONCE]], self._digits
            )
            for start in range(0, len(read), _AT_ONCE)
        ]
        steps = np.concatenate([np.asarray(part, np.float64) for part in parts])  # [10 ** 4, DIGITS, 10]
        taken = np.take_along_axis(steps[:, :-1], read[:, :, None], axis=2)[:, :, 0].sum(axis=1)
        return -(taken[:, None] + steps[:, -1]).reshape(-1)


@jax.jit
def _secrets(model: Transformer, before: jax.Array, read: jax.Array, digits: jax.Array) -> jax.Array:
    """float32 [B, T + 1, 10]: log-probabilities of the ten digits before, between and behind T digits that are read."""
    rows, length = read.shape
    cache = model.init_cache(1, before.shape[1] + length, jnp.float32)
    first, cache = model.extend(before, cache, jnp.zeros(1, jnp.int32), jnp.array([before.shape[1] - 1]))
    spread = tuple(
        LayerCache(*(jnp.repeat(part, rows, axis=0) for part in (layer.keys, layer.values))) for layer in cache
    )
    hidden, _ = model.extend(read, spread, jnp.full(rows, before.shape[1], jnp.int32))
    hidden = jnp.concatenate([jnp.repeat(first, rows, axis=0), hidden], axis=1)
    return jax.nn.log_softmax(model.unembed(hidden), axis=-1)[:, :, digits]


if __name__ == "__main__":
    main()
