"""Question-and-answer data: from collections, a generator and a model to token shards.

The shards are those of `codegem data build`: each example holds several conversations, as segments that do
not see each other, and training puts the loss on the answers alone (`text.chat`, `train.batches`). Every
question that was read is kept, or stands in `rejected.parquet` with its reason.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from codegem.data.accounts import REJECTED
from codegem.data.questions.conversations import Pair, Refused
from codegem.data.questions.oss_instruct import SOURCE as OSS_INSTRUCT
from codegem.data.questions.oss_instruct import OssRules
from codegem.data.questions.repeats import Repeats
from codegem.data.recipe import SMALLEST_CONTEXT
from codegem.data.rows import CONTEXTS, Contexts, plan_rows, write_rows
from codegem.data.shards import Manifest, ShardWriter, manifest_hash, publish, read_manifest, write_manifest, writing
from codegem.data.work import write_arrow, write_table
from codegem.errors import UserError
from codegem.text.chat import Turn, render_chat
from codegem.text.fim import Rendered
from codegem.text.tokenizer import Tokenizer

# Says of each text why it may not be learned from, or None: `decontamination.BenchmarkIndex` behind a function.
Screen = Callable[[Sequence[str]], Sequence[str | None]]
_BATCH = 512  # conversations that are screened and tokenised together


@dataclass(frozen=True)
class InstructionRecipe:
    """Everything that decides what a question-and-answer data set holds, besides its sources.

    Attributes:
        context_length: tokens of a training example; a longer conversation is rejected.
        seed: of every random choice.
        algebra: how many questions of algebra are made.
        oss: how exercises are asked for from a model.
        similarity: Jaccard similarity of word 5-grams from which an exercise of a model repeats an earlier one.
        validation_share: share of the tokens that training does not see.
        shard_tokens: tokens of a full shard, padding included.
    """

    context_length: int = 2048
    seed: int = 0
    algebra: int = 0
    oss: OssRules = field(default_factory=OssRules)
    similarity: float = 0.7
    validation_share: float = 0.01
    shard_tokens: int = 1 << 23

    def check(self) -> None:
        """Raises UserError where a value can't be."""
        if self.context_length < SMALLEST_CONTEXT:
            raise UserError(f"A context of {self.context_length} tokens is too short: at least {SMALLEST_CONTEXT}.")
        if self.algebra < 0 or self.oss.pairs < 0:
            raise UserError(f"{min(self.algebra, self.oss.pairs)} questions can't be made.")
        if not 0 < self.similarity <= 1:
            raise UserError(f"similarity is above 0 and at most 1, and not {self.similarity}.")
        if not 0 <= self.validation_share < 1:
            raise UserError(f"validation_share is a share below 1, and not {self.validation_share}.")


def build_instructions(
    questions: Iterable[Pair | Refused],
    out: Path,
    recipe: InstructionRecipe,
    tokenizer: Tokenizer,
    *,
    screen: Screen | None = None,
    progress: Callable[[int], object] = lambda read: None,
) -> Manifest:
    """Make a data set of conversations.

    Args:
        questions: in an order that the same sources and recipe give again; of two that are alike the first is kept.
        out: the folder to make.
        screen: says of texts why they may not be learned from, such as that they quote a benchmark.
        progress: called with the number of questions read.

    Raises:
        UserError: nothing is kept, `out` holds another data set, or writing failed.
    """
    recipe.check()
    contexts = out / "work" / "conversations.arrow"
    accounts = _Accounts(recipe, tokenizer, screen, progress)
    try:
        with writing(out):
            contexts.parent.mkdir(parents=True, exist_ok=True)
            write_arrow(contexts, accounts.batches(questions), CONTEXTS)
        manifest = _manifest(out, recipe, tokenizer, accounts)
        if (out / "manifest.json").exists():
            return _finished(out, manifest)
        with writing(out):
            publish(out / "tokenizer.json", tokenizer.save)
            write_table(out / "rejected.parquet", iter([accounts.rejected()]), REJECTED)
        shards, totals = _write(contexts, out, recipe, tokenizer.special.pad)
    finally:
        contexts.unlink(missing_ok=True)
    counts = manifest.pop("counts") | {name: totals[name] for name in ("examples", "conversations")}
    finished = Manifest(hash=manifest_hash(shards), **manifest, counts=counts, tokens=totals["tokens"], shards=shards)
    write_manifest(out, finished)
    return finished


class _Accounts:
    """Reads questions, keeps or rejects them, and counts."""

    def __init__(
        self, recipe: InstructionRecipe, tokenizer: Tokenizer, screen: Screen | None, progress: Callable[[int], object]
    ):
        self._recipe, self._tokenizer, self._screen, self._progress = recipe, tokenizer, screen, progress
        self._repeats = Repeats(recipe.similarity)
        self._digest = hashlib.sha256()
        self._read: Counter[str] = Counter()
        self._kept: Counter[str] = Counter()
        self._refused: list[Refused] = []

    def batches(self, questions: Iterable[Pair | Refused]) -> Iterator[pa.RecordBatch]:
        """The conversations that are kept, as rows of `CONTEXTS`."""
        waiting: list[Pair] = []
        for question in questions:
            self._read[question.source] += 1
            if isinstance(question, Refused):
                self._refused.append(question)
            else:
                waiting.append(question)
            if len(waiting) == _BATCH:
                yield self._rendered(waiting)
                waiting = []
        yield self._rendered(waiting)

    def rejected(self) -> pa.Table:
        """What is not learned from, as in every data set."""
        rows = [
            {
                "repository": refused.source,
                "path": refused.name,
                "stage": refused.stage,
                "reason": refused.reason,
                "detail": refused.detail,
                "size": refused.size,
            }
            for refused in self._refused
        ]
        return pa.Table.from_pylist(rows, REJECTED)

    def counts(self) -> dict[str, Any]:
        """For the manifest."""
        read, kept, rejected = sum(self._read.values()), sum(self._kept.values()), len(self._refused)
        if read != kept + rejected:
            raise RuntimeError(f"{read} questions were read, {kept} kept and {rejected} rejected")
        reasons = Counter(f"{refused.stage}: {refused.reason}" for refused in self._refused)
        of_source = {
            name: {"read": count, "kept": self._kept[name], "rejected": count - self._kept[name]}
            for name, count in sorted(self._read.items())
        }
        return {
            "read": read,
            "kept": kept,
            "rejected": rejected,
            "reasons": dict(sorted(reasons.items())),
            "sources": of_source,
        }

    @property
    def input(self) -> str:
        """SHA-256 over the conversations that are kept."""
        return self._digest.hexdigest()

    def _rendered(self, pairs: Sequence[Pair]) -> pa.RecordBatch:
        """Those of some pairs that are kept."""
        self._progress(sum(self._read.values()))
        told = self._screen([f"{pair.question}\n{pair.answer}" for pair in pairs]) if self._screen and pairs else []
        rows = []
        for pair, quoted in zip(pairs, told or [None] * len(pairs), strict=True):
            rendered = render_chat([Turn("user", pair.question), Turn("model", pair.answer)], self._tokenizer)
            if verdict := self._verdict(pair, quoted, len(rendered.tokens)):
                self._refused.append(_refused(pair, *verdict))
            else:
                self._kept[pair.source] += 1
                self._digest.update(json.dumps(asdict(pair)).encode())
                rows.append(_row(pair, rendered))
        return pa.RecordBatch.from_pylist(rows, CONTEXTS)

    def _verdict(self, pair: Pair, quoted: str | None, tokens: int) -> tuple[str, str, str] | None:
        """Why a pair is not learned from, as (stage, reason, detail)."""
        if not pair.question.strip() or not pair.answer.strip():
            return "filter", "empty", ""
        if tokens > self._recipe.context_length:
            return "filter", "too long", f"{tokens} tokens"
        if quoted is not None:
            return "contamination", "quotes a benchmark", quoted
        name, near = f"{pair.source}/{pair.name}", pair.source == OSS_INSTRUCT
        found = self._repeats.add(name, pair.question, near=near)
        return ("dedup", *found) if found else None


def _row(pair: Pair, rendered: Rendered) -> dict[str, Any]:
    return {
        "repository": f"{pair.source}/{pair.name}",
        "index": 0,
        "tokens": np.asarray(rendered.tokens, np.int32).tobytes(),
        "roles": np.asarray(rendered.roles, np.uint8).tobytes(),
    }


def _refused(pair: Pair, stage: str, reason: str, detail: str) -> Refused:
    size = len(f"{pair.question}{pair.answer}".encode("utf-8", "replace"))
    return Refused(pair.source, pair.name, stage, reason, detail, size)


def _manifest(out: Path, recipe: InstructionRecipe, tokenizer: Tokenizer, accounts: _Accounts) -> dict[str, Any]:
    counts = accounts.counts()
    if not counts["kept"]:
        reasons = ", ".join(f"{count} {name}" for name, count in counts["reasons"].items()) or "none was read"
        raise UserError(f"No question is kept ({reasons}): there is nothing to write into {out}.")
    return {
        "recipe": json.loads(json.dumps(asdict(recipe))),
        "input": accounts.input,
        "tokenizer": {"file": "tokenizer.json", "hash": tokenizer.hash, "vocab_size": tokenizer.vocab_size},
        "context_length": recipe.context_length,
        "counts": counts,
    }


def _finished(out: Path, wanted: dict[str, Any]) -> Manifest:
    """The finished data set, if it is the one that is wanted."""
    manifest = read_manifest(out)
    if any(getattr(manifest, name) != wanted[name] for name in ("recipe", "input", "tokenizer", "context_length")):
        raise UserError(f"{out} holds another data set: choose another folder, or delete this one.")
    return manifest


def _write(file: Path, out: Path, recipe: InstructionRecipe, pad: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Fit the conversations into rows and hand them to the writer; the shards, and totals for the manifest."""
    contexts = Contexts([file], recipe.seed)
    writer = ShardWriter(out, max(1, recipe.shard_tokens // recipe.context_length))
    plan = list(plan_rows(contexts, recipe.context_length, recipe.validation_share, recipe.seed))
    totals = write_rows(contexts, writer, plan, recipe.context_length, pad)
    return writer.close(), totals | {"conversations": len(contexts)}
