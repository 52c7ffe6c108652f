"""The shape of a model, and the presets."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelConfig:
    """Everything that fixes a Gemma 1 model's arrays and arithmetic.

    Attributes:
        d_mlp: hidden size of each of gate and up.
        context_length: positions the model is trained for, in tokens.
    """

    vocab_size: int
    num_layers: int
    d_model: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    d_mlp: int
    context_length: int = 8192
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-6

    def __post_init__(self):
        if self.num_heads % self.num_kv_heads:
            raise ValueError(f"{self.num_heads} query heads can't share {self.num_kv_heads} key/value heads evenly")
        if self.head_dim % 2:
            raise ValueError(f"head_dim {self.head_dim} must be even: RoPE rotates pairs")

    @property
    def parameters(self) -> int:
        """Number of parameters; the embedding is tied and counted once.

        >>> PRESETS["gemma_2b"].parameters, PRESETS["gemma_7b"].parameters
        (2506172416, 8537680896)
        """
        attention = 2 * self.d_model * self.head_dim * (self.num_heads + self.num_kv_heads)
        block = attention + 3 * self.d_model * self.d_mlp + 2 * self.d_model
        return self.vocab_size * self.d_model + self.num_layers * block + self.d_model


PRESETS: dict[str, ModelConfig] = {
    "gemma_2b": ModelConfig(
        vocab_size=256_000, num_layers=18, d_model=2048, num_heads=8, num_kv_heads=1, head_dim=256, d_mlp=16_384
    ),
    "gemma_7b": ModelConfig(
        vocab_size=256_000, num_layers=28, d_model=3072, num_heads=16, num_kv_heads=16, head_dim=256, d_mlp=24_576
    ),
    "nano": ModelConfig(
        vocab_size=8192,
        num_layers=4,
        d_model=256,
        num_heads=4,
        num_kv_heads=1,
        head_dim=64,
        d_mlp=1024,
        context_length=2048,
    ),
}
