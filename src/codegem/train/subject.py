"""What is tuned: an adapter beside a model of any kind, or all the weights of one."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
from jax.typing import DTypeLike

from codegem.checkpoints.adapter import open_adapter, save_adapter
from codegem.checkpoints.adapter_base import base_hash
from codegem.checkpoints.locate import SHIPPED, Kind, locate
from codegem.checkpoints.open import Opened, open_to_train
from codegem.data.shards import Manifest
from codegem.errors import UsageError, UserError
from codegem.kernels.matrix import QuantizedMatrix
from codegem.model.config import ModelConfig
from codegem.model.lora import ALPHA, RANK, TARGETS, Adapter, init_adapter, join, join_to_train, merge, merge_to_train
from codegem.model.transformer import Transformer
from codegem.text.tokenizer import Tokenizer, load_tokenizer

ADAPTER, MODEL = "adapter", "model"  # what a run leaves in its folder
KEEP = 0.2  # of full tuning
SMALL = 100_000_000  # parameters below which an adapter is merged in every step


@dataclass(frozen=True)
class Tuning:
    """What of a model is trained.

    Attributes:
        method: "lora" trains an adapter beside the weights, "full" the weights.
        rank: of the adapter's matrices; default 16.
        alpha: the adapter is added alpha / rank times; default 32, at which good learning rates depend little on the
            rank.
        targets: layers with an adapter; default all seven: q k v o gate up down.
        keep: share of the model as it was in what is saved, keep · old + (1 - keep) · new, which forgets less of other
            code (arXiv 2109.01903); default 0 for LoRA and 0.2 for all weights.
    """

    method: Literal["lora", "full"] = "lora"
    rank: int | None = None
    alpha: float | None = None
    targets: tuple[str, ...] = ()
    keep: float | None = None

    def __post_init__(self):
        if self.keep is not None and not 0 <= self.keep < 1:
            raise UsageError(f"keep is {self.keep}; it must be at least 0 and below 1.")
        if self.method == "full" and (self.rank or self.alpha or self.targets):
            raise UsageError("rank, alpha and targets are those of an adapter, and --method full trains none.")


@dataclass(frozen=True)
class Subject:
    """A model and what of it is trained.

    Attributes:
        trained: an `Adapter`, or a `Transformer` in float32.
        frozen: the model that an adapter stands beside; its matrices are arrays or codes.
        join: for `step.make_step`.
        base: by which the model is found again that the adapter belongs to.
        identity: plain values that must be the same when a run goes on.
    """

    name: str
    trained: Adapter | Transformer
    frozen: Transformer | None
    join: Callable[[Any, Any], Transformer] | None
    opened: Opened
    base: str
    identity: dict[str, Any]
    keep: float = 0.0

    @property
    def config(self) -> ModelConfig:
        """The shape of the model."""
        return self.opened.model.config

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's own."""
        return self.opened.tokenizer

    def model(self, trained: Any) -> Transformer:
        """The model to compute with: what is trained, beside what is not."""
        return trained if self.frozen is None else join(trained, self.frozen)

    def mixed(self, trained: Any) -> Any:
        """What was trained, with the share of the model as it was that is to stay."""
        if not self.keep:
            return trained
        new = 1 - self.keep
        if isinstance(trained, Adapter):
            blocks = ({name: replace(pair, b=new * pair.b) for name, pair in block.items()} for block in trained.blocks)
            return replace(trained, blocks=tuple(blocks))
        old = _whole_model(self.name)  # read again: what the training started from is not there any more
        return jax.tree.map(lambda before, after: self.keep * before + new * after, old.model, trained)

    def path(self, out: Path) -> Path:
        """The folder that `save` writes."""
        return out / (MODEL if self.frozen is None else ADAPTER)

    def save(self, trained: Any, out: Path, *, chats: bool) -> Path:
        """Write `out`/adapter, or `out`/model, of what `mixed` made; the folder.

        Args:
            chats: whether it was tuned to answer questions.

        Raises:
            UserError: the folder can't be written.
        """
        chats, origin = chats or self.opened.chats, self.opened.derived_from
        if isinstance(trained, Adapter):
            digest = self.identity["model"]
            save_adapter(self.path(out), trained, base=self.base, base_hash=digest, chats=chats, derived_from=origin)
            return self.path(out)
        from codegem.checkpoints import huggingface

        huggingface.save(
            self.path(out), trained, self.tokenizer, order=self.opened.order, derived_from=origin, chats=chats
        )
        return self.path(out)

    def require_data(self, manifest: Manifest, data: Path, out: Path) -> None:
        """Raise a UserError unless the model can read a data set.

        Args:
            out: where the model's tokenizer is written to if it lies in no file of its own.
        """
        command = "codegem data instructions" if manifest.counts.get("conversations") else "codegem data build SOURCE"
        if not same_ids(self.tokenizer, load_tokenizer(data)):
            raise UserError(
                f"The data in {data} were encoded by another tokenizer than that of {self.name}; build them by "
                f"`{command} --tokenizer {self._tokenizer_file(out)} --context-length "
                f"{min(self.config.context_length, manifest.context_length)} --out DIR`."
            )
        if manifest.context_length > self.config.context_length:
            raise UserError(
                f"The examples in {data} have {manifest.context_length} tokens and {self.name} reads "
                f"{self.config.context_length}; build them by `{command} --tokenizer {self._tokenizer_file(out)} "
                f"--context-length {self.config.context_length} --out DIR`."
            )
        if not manifest.examples("train"):
            raise UserError(f"The data set in {data} has no training examples; build it from more files.")

    def _tokenizer_file(self, out: Path) -> Path:
        beside = self.opened.source / "tokenizer.json"
        if beside.is_file():
            return beside
        out.mkdir(parents=True, exist_ok=True)
        self.tokenizer.save(out / "tokenizer.json")
        return out / "tokenizer.json"


def open_subject(name: str, tuning: Tuning, *, dtype: DTypeLike = "bfloat16", seed: int = 0) -> Subject:
    """A model by its name, and what is trained of it.

    Where the name is that of an adapter, LoRA goes on with it, and full tuning starts from the merged weights.

    Args:
        dtype: of frozen matrices that are not quantized.
        seed: of an adapter's first values.

    Raises:
        UserError: the model can't be read; or all the weights are to be trained, and they are codes.
        UsageError: a layer or a rank does not exist in it.
    """
    if tuning.method == "full":
        opened = _whole_model(name)
        identity = {"model": base_hash(opened.model), "tokenizer": opened.tokenizer.hash, "method": "full"}
        keep = KEEP if tuning.keep is None else tuning.keep
        return Subject(name, opened.model, None, None, opened, name, identity, keep)
    opened, adapter = open_to_train(name, dtype)
    if adapter is not None and tuning.keep:
        raise UsageError(f"{name} is an adapter already, and what it was can't be a share of it; leave --keep away.")
    identity = {"model": base_hash(opened.model), "tokenizer": opened.tokenizer.hash, "method": "lora"}
    if adapter is None:
        adapter = _new(opened.model.config, tuning, seed)
    else:
        _require_like(adapter, tuning, name)
        identity["start"] = hash_of(adapter)
    identity |= {"rank": adapter.rank, "alpha": adapter.alpha, "targets": list(adapter.targets)}
    keep, whole = tuning.keep or 0.0, merge_to_train if opened.model.config.parameters < SMALL else join_to_train
    return Subject(name, adapter, opened.model, whole, opened, _lasting(name), identity, keep)


def hash_of(tree: Any) -> str:
    """SHA-256 over the values of a tree of arrays."""
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(tree):
        digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()


def _whole_model(name: str) -> Opened:
    """A model in float32, all of which can be trained; an adapter is merged into its base.

    Raises:
        UserError: it is quantized.
    """
    opened, adapter = open_to_train(name, "float32")
    if isinstance(opened.model.embedding, QuantizedMatrix):
        raise UserError(f"{name} is quantized, and codes can't be trained; tune it by --method lora.")
    return opened if adapter is None else replace(opened, model=merge(adapter, opened.model))


def _new(config: ModelConfig, tuning: Tuning, seed: int) -> Adapter:
    rank, alpha, targets = tuning.rank or RANK, tuning.alpha or ALPHA, tuning.targets or TARGETS
    return init_adapter(config, seed, rank=rank, alpha=alpha, targets=targets)


def _require_like(adapter: Adapter, tuning: Tuning, name: str) -> None:
    wanted = {"rank": tuning.rank, "alpha": tuning.alpha, "targets": tuple(t for t in TARGETS if t in tuning.targets)}
    for field, value in wanted.items():
        if value and value != getattr(adapter, field):
            raise UsageError(
                f"{name} is an adapter with {field} {getattr(adapter, field)}, which it keeps; leave --{field} away."
            )


def _lasting(name: str) -> str:
    """By what a base is found again, from whatever folder."""
    located = locate(name)
    if located.kind is Kind.ADAPTER and located.path is not None:
        return open_adapter(located.path).base
    if located.path is None or name in SHIPPED:
        return name
    return str(located.path.absolute())


def same_ids(one: Tokenizer, other: Tokenizer) -> bool:
    """Whether two tokenizers give the same ids.

    Their files may differ: a tokenizer that was read from a GGUF file has no hash in common with the tokenizer.json
    that it was made of.
    """
    if one.hash == other.hash:
        return True
    mine, its = one.definition["model"], other.definition["model"]
    return one.special == other.special and all(mine.get(key) == its.get(key) for key in ("vocab", "merges"))
