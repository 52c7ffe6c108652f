"""The rows of the ablation: one data set each, which differs from the default in one thing."""

from dataclasses import dataclass, replace
from typing import Any

from codegem.data.recipe import DataRecipe
from codegem.model.config import ModelConfig
from codegem.train.recipe import TrainRecipe

DEFAULT = "default"


@dataclass(frozen=True)
class Scale:
    """How large the whole ablation is; a data set is of this size in every row.

    Attributes:
        tokens: of a run, padding included.
        file_bytes: longer files are left out, so that several share a context.
    """

    tokens: int
    context_length: int = 1024
    file_bytes: int = 4000
    vocab_size: int = 2048
    num_layers: int = 2
    d_model: int = 128
    d_mlp: int = 384
    batch_size: int = 2
    learning_rate: float = 8e-3


@dataclass(frozen=True)
class Row:
    """A row of the table: what it changes of the default."""

    name: str
    group: str
    shown: str
    order: str | None = None
    fim: tuple[tuple[str, Any], ...] = ()


ROWS = (
    Row(DEFAULT, "default", "rate 0.9, PSM and SPM, syntactic, dependency"),
    *(Row(f"rate-{rate}", "rate", f"rate {rate}", fim=(("rate", rate),)) for rate in (0.0, 0.5, 0.8, 1.0)),
    Row("psm", "layout", "PSM alone", fim=(("psm_share", 1.0),)),
    Row("spm", "layout", "SPM alone", fim=(("psm_share", 0.0),)),
    Row("suffix-random", "suffix", "suffix at a random character", fim=(("suffix_start", "random"),)),
    Row("suffix-line", "suffix", "suffix at the end of a line", fim=(("suffix_start", "line"),)),
    Row("order-none", "packing", "each file alone", order="none"),
    Row("order-alphabetical", "packing", "files in alphabetical order", order="alphabetical"),
    Row("order-random", "packing", "files in random order", order="random"),
)


def find(name: str) -> Row:
    """The row of a name."""
    return next(row for row in ROWS if row.name == name)


def data_recipe(row: Row, scale: Scale) -> DataRecipe:
    """CodeGemma's recipe at the scale of the ablation, with the row's change."""
    recipe = DataRecipe(context_length=scale.context_length, vocab_size=scale.vocab_size, validation_share=0.0)
    filters = replace(recipe.filters, languages=("python",), max_bytes=scale.file_bytes)
    fim: Any = dict(row.fim)
    return replace(recipe, filters=filters, fim=replace(recipe.fim, **fim), order=row.order or recipe.order)  # type: ignore[arg-type]


def train_recipe(scale: Scale, seed: int) -> TrainRecipe:
    """The same run for every row; the seed is of the weights and of the order of the examples."""
    steps = scale.tokens // (scale.batch_size * scale.context_length)
    model = ModelConfig(
        vocab_size=scale.vocab_size,
        num_layers=scale.num_layers,
        d_model=scale.d_model,
        num_heads=scale.d_model // 64,
        num_kv_heads=1,
        head_dim=64,
        d_mlp=scale.d_mlp,
        context_length=scale.context_length,
    )
    return TrainRecipe(
        model=model,
        steps=steps,
        batch_size=scale.batch_size,
        micro_batch=min(scale.batch_size, 8),
        learning_rate=scale.learning_rate,
        warmup_steps=steps // 25,
        optimizer="muon",
        seed=seed,
        checkpoint_every=steps,
        validate_every=steps,
    )
