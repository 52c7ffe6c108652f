"""A training recipe for tuning, worked out from the size of the model and of the data."""

from dataclasses import dataclass
from typing import Any, Literal

from codegem.errors import UsageError
from codegem.model.config import ModelConfig
from codegem.model.mesh import MeshShape
from codegem.text.fim import Order
from codegem.train.recipe import TrainRecipe

_EPOCHS = 3.0
_TOKENS = 2048, 16384  # of a step: where the data are few, and at most
_STEPS_OF_EPOCH = 400  # from which on steps have more tokens rather than being more
_ACTIVATIONS = 1 << 30  # bytes that the activations of a micro-batch may take
# Usual for a model of the 2B's width; narrower ones learn best at more (docs/TUNING.md: 4.5e-3 and 9e-4 for nano).
_RATES, _WIDTH, _POWER = {"lora": 2e-4, "full": 4e-5}, 2048, 1.5
_LARGE = 500_000_000  # parameters from which blocks are computed again rather than kept


@dataclass(frozen=True)
class Schedule:
    """How a model is tuned; what is left out is worked out from its size and that of the data.

    Attributes:
        epochs: how often each example is seen; default 3.
        steps: optimizer steps, instead of epochs.
        batch_size: sequences of a step; default 2,048 to 16,384 tokens, by the size of the data.
        micro_batch: sequences that are computed at once, which bounds the memory.
        learning_rate: at the end of the warm-up; default by the model's width, five times as high for LoRA as for all
            weights.
        warmup_steps: default a tenth of the steps, at most 100.
        weight_decay: of AdamW; default 0 for LoRA and 0.1 for all weights.
        seed: of an adapter's first values and of the order of the examples.
        dtype: of the arithmetic.
        validate_every: steps from one validation to the next; default ten in a run, and one before the first step.
        validation_examples: the first so many of the validation split are used, all where it has fewer.
        checkpoint_every: steps from one checkpoint to the next; default as validations.
        remat: what the backward pass computes again rather than keep; default blocks for large models.
        mesh: the devices of the run; one by default.
    """

    epochs: float | None = None
    steps: int | None = None
    batch_size: int | None = None
    micro_batch: int | None = None
    learning_rate: float | None = None
    warmup_steps: int | None = None
    weight_decay: float | None = None
    seed: int = 0
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    validate_every: int | None = None
    validation_examples: int = 256
    checkpoint_every: int | None = None
    remat: Literal["none", "mlp", "blocks"] | None = None
    mesh: MeshShape = MeshShape()  # noqa: RUF009  # frozen

    def __post_init__(self):
        if self.epochs is not None and self.steps is not None:
            raise UsageError("--epochs and --steps say the same in two ways; give one of them.")
        if self.epochs is not None and not 0 < self.epochs < float("inf"):
            raise UsageError(f"epochs is {self.epochs}; it must be above 0.")


def tune_recipe(
    config: ModelConfig, examples: int, tokens: int, method: str, schedule: Schedule, order: Order = Order.PSM
) -> TrainRecipe:
    """The recipe by which a model is tuned.

    Args:
        examples: that there are to train on.
        tokens: of an example.
        method: "lora" or "full".
        order: the layout in which the model is asked to fill a hole.

    Raises:
        UsageError: a field makes no sense.

    Example:
        >>> from codegem.model.config import PRESETS
        >>> recipe = tune_recipe(PRESETS["nano"], 1000, 256, "lora", Schedule())
        >>> recipe.steps, recipe.batch_size, recipe.micro_batch
        (375, 8, 8)
    """
    batch = schedule.batch_size or _batch_size(examples, tokens, schedule.mesh.row_groups)
    steps = schedule.steps or max(1, round((schedule.epochs or _EPOCHS) * examples / batch))
    now_and_then = max(1, -(-steps // 10))
    remat = schedule.remat or ("blocks" if config.parameters > _LARGE else "none")
    given: dict[str, Any] = {
        "learning_rate": _learning_rate(config, method),
        "warmup_steps": min(steps // 10, 100),
        "weight_decay": 0.0 if method == "lora" else 0.1,
        "validate_every": now_and_then,
        "checkpoint_every": now_and_then,
        "micro_batch": _micro_batch(config, batch // schedule.mesh.row_groups, tokens, remat == "blocks"),
    }
    given = {
        name: value if getattr(schedule, name) is None else getattr(schedule, name) for name, value in given.items()
    }
    return TrainRecipe(
        model=config,
        steps=steps,
        batch_size=batch,
        seed=schedule.seed,
        dtype=schedule.dtype,
        validation_examples=schedule.validation_examples,
        prompt_order=order,
        remat=remat,
        mesh=schedule.mesh,
        **given,
    )


def _batch_size(examples: int, tokens: int, groups: int) -> int:
    """A power of two for each group of devices."""
    few, most = (size // tokens for size in _TOKENS)
    wanted = min(max(examples // _STEPS_OF_EPOCH, few), most, examples // groups)
    return groups << (max(1, wanted // groups).bit_length() - 1)


def _learning_rate(config: ModelConfig, method: str) -> float:
    return _RATES[method] * (_WIDTH / config.d_model) ** _POWER


def _micro_batch(config: ModelConfig, rows: int, tokens: int, again: bool) -> int:
    """The largest divisor of a device's rows whose activations take no more than they may."""
    block = 2 * (10 * config.d_model + 4 * config.d_mlp)  # bytes for a token
    kept = 2 * config.d_model * config.num_layers + block if again else block * config.num_layers
    fits = max(1, _ACTIVATIONS // (kept * tokens))
    return max(part for part in range(1, rows + 1) if rows % part == 0 and part <= fits)
