"""Everything that decides a training run, as one value."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from codegem.errors import UsageError
from codegem.model.config import ModelConfig
from codegem.model.mesh import MeshShape
from codegem.text.fim import Order

_POSITIVE = (
    "steps",
    "batch_size",
    "micro_batch",
    "validate_every",
    "validation_examples",
    "checkpoint_every",
    "bad_steps",
)
_ONE_DEVICE = MeshShape()


@dataclass(frozen=True)
class TrainRecipe:
    """A training run: the same recipe on the same data gives the same losses.

    Attributes:
        model: the shape of the model, which starts from random weights.
        steps: optimizer steps.
        batch_size: sequences of a step.
        micro_batch: sequences that a device computes at once; it runs its part of a batch in slices of so many. It
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
        bad_steps: a step whose loss or gradients are not finite changes nothing; so many in a row end the run.
        optimizer: "adamw"; or "muon" for the matrices of layers, with AdamW for the embedding and norms.
        schedule: of the learning rate after the warm-up: "cosine" to the end, or "wsd", which stays and falls late.
        decay_share: with "wsd", the share of the steps at the end in which it falls.
        muon_rms: with "muon", root mean square of a matrix's change per unit of learning rate.
        remat: what the backward pass computes again rather than keep: "none", "mlp", or whole "blocks".
        scan_layers: the blocks as one loop, which large models compile in a fraction of the time.
        mesh: the devices of the run and what is cut over them; one device by default.
    """

    FREE: ClassVar[tuple[str, ...]] = (
        "validate_every",
        "validation_examples",
        "checkpoint_every",
        "prompt_order",
        "bad_steps",
        "mesh",
        "remat",
        "scan_layers",
    )
    """Fields that a run may go on with others of: the losses are the same whatever they are, up to rounding."""

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
    bad_steps: int = 10
    optimizer: Literal["adamw", "muon"] = "adamw"
    schedule: Literal["cosine", "wsd"] = "cosine"
    decay_share: float = 0.2
    muon_rms: float = 0.2
    remat: Literal["none", "mlp", "blocks"] = "none"
    scan_layers: bool = False
    mesh: MeshShape = _ONE_DEVICE

    def __post_init__(self):
        for name in _POSITIVE:
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
        if not 0 < self.decay_share <= 1:
            raise UsageError(f"decay_share is {self.decay_share}; it must be above 0 and at most 1.")
        self.mesh.check(self.model, self.batch_size)

    def fixed(self) -> dict[str, Any]:
        """The fields that a run must go on with, as plain values: all but `FREE`."""
        return {name: value for name, value in asdict(self).items() if name not in self.FREE}
