"""How the devices of a training run stand: the sizes of one mesh, and what fits it."""

from dataclasses import dataclass

from codegem.errors import UsageError
from codegem.model.config import ModelConfig


@dataclass(frozen=True)
class MeshShape:
    """Devices of a run, data · fsdp · tensor of them.

    Attributes:
        data: groups of devices with the whole model each, and with rows of the batch of their own.
        fsdp: devices of a group over which weights and moments are cut; each has rows of its own, and gets the weights
            of a layer from the others when it computes it (fully sharded data parallel, arXiv 1910.02054).
        tensor: devices over which heads, MLP and vocabulary are cut; they compute the same rows together
            (arXiv 1909.08053).

    >>> MeshShape(data=2, fsdp=4).devices
    8
    """

    data: int = 1
    fsdp: int = 1
    tensor: int = 1

    def __post_init__(self):
        for name in ("data", "fsdp", "tensor"):
            if getattr(self, name) < 1:
                raise UsageError(f"mesh.{name} is {getattr(self, name)}; it must be at least 1.")

    @property
    def devices(self) -> int:
        """How many devices there must be."""
        return self.data * self.fsdp * self.tensor

    @property
    def row_groups(self) -> int:
        """Parts in which the rows of a batch are cut."""
        return self.data * self.fsdp

    def check(self, model: ModelConfig, batch_size: int) -> None:
        """Refuse what can't be cut evenly. Key/value heads may be fewer than `tensor`: each device then has a copy.

        Raises:
            UsageError: what can't be cut, in how many parts, and the way out.
        """
        cuts = [
            ("batch_size", batch_size, "mesh.data · mesh.fsdp", self.row_groups),
            ("model.d_model", model.d_model, "mesh.fsdp", self.fsdp),
            ("model.vocab_size", model.vocab_size, "mesh.tensor", self.tensor),
            ("model.num_heads", model.num_heads, "mesh.tensor", self.tensor),
            ("model.d_mlp", model.d_mlp, "mesh.tensor", self.tensor),
        ]
        for name, size, axis, parts in cuts:
            if size % parts:
                raise UsageError(
                    f"{name} is {size}, which {axis} = {parts} devices can't share evenly: "
                    f"choose a multiple of {parts}, such as {size + -size % parts}, or another mesh."
                )
