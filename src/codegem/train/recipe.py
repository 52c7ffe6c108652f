"""Everything that decides a training run, as one value."""

from dataclasses import dataclass
from typing import Literal

from codegem.errors import UsageError
from codegem.model.config import ModelConfig
from codegem.text.fim import Order


@dataclass(frozen=True)
class TrainRecipe:
    """A training run: the same recipe on the same data gives the same losses.

    Attributes:
        model: the shape of the model, which starts from random weights.
        steps: optimizer steps.
        batch_size: sequences of a step.
        micro_batch: sequences computed at once; a step runs batch_size / micro_batch of them in turn. It
            bounds the memory, and changes the result by rounding only.
        learning_rate: at the end of the warm-up.
        warmup_steps: the learning rate grows linearly over these, then falls along half a cosine.
        final_learning_rate_share: learning rate of the last step, as a share of `learning_rate`.
        weight_decay: of AdamW, on matrices; norm scales have none.
        beta1: decay of AdamW's mean of gradients.
        beta2: decay of AdamW's mean of squared gradients.
        clip_norm: longer gradients are scaled down to this norm.
        seed: of the weights and of the order of the examples.
        dtype: of the arithmetic; the weights that are trained are float32.
        validate_every: steps from one validation to the next; one more stands at the end.
        validation_examples: the first so many of the validation split are used, all where it has fewer.
        checkpoint_every: steps from one checkpoint to the next.
        prompt_order: the layout in which the model is to be asked to fill a hole; it is written with the weights.
    """

    model: ModelConfig
    steps: int
    batch_size: int
    micro_batch: int
    learning_rate: float
    warmup_steps: int
    final_learning_rate_share: float = 0.1
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.95
    clip_norm: float = 1.0
    seed: int = 0
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    validate_every: int = 250
    validation_examples: int = 64
    checkpoint_every: int = 100
    prompt_order: Order = Order.PSM

    def __post_init__(self):
        for name in ("steps", "batch_size", "micro_batch", "validate_every", "validation_examples", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if self.batch_size % self.micro_batch:
            raise UsageError(
                f"batch_size {self.batch_size} is not a multiple of micro_batch {self.micro_batch}; choose one that is."
            )
        if not 0 <= self.warmup_steps < self.steps:
            raise UsageError(
                f"warmup_steps is {self.warmup_steps}; it must be between 0 and steps - 1 = {self.steps - 1}."
            )
