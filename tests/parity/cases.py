"""Small models with known random weights, the same on every machine.

Weights are not stored: they are made from the raw stream of PCG64, which NumPy promises never to change,
by steps that IEEE arithmetic rounds in one way only. Nothing here imports JAX, torch or codegem.
"""

from dataclasses import dataclass
from zlib import crc32

import numpy as np


@dataclass(frozen=True)
class Case:
    """A model of `config` (the fields of ModelConfig), and the tokens that it is given.

    Attributes:
        first_position: RoPE position of the first token.
    """

    name: str
    config: dict[str, int]
    length: int
    first_position: int = 0

    @property
    def tokens(self) -> np.ndarray:
        """Token ids, [1, T]."""
        return (_bits(f"{self.name} tokens", self.length) % self.config["vocab_size"]).astype(np.int32)[None]

    @property
    def positions(self) -> np.ndarray:
        """RoPE positions, [1, T]."""
        return np.arange(self.first_position, self.first_position + self.length, dtype=np.int32)[None]

    def tensor(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """The weight of Hugging Face's `name`, uniform, of a size that keeps activations near 1.

        Queries and keys are larger, so that attention is sharp and a wrong rotation shows; norm scales
        are far from 0, so that a forgotten or doubled +1 shows.
        """
        uniform = (_bits(f"{self.name} {name}", int(np.prod(shape))) >> np.uint32(8)).astype(np.float32)
        uniform *= np.float32(2.0**-23)
        uniform -= np.float32(1)
        larger = 2.0 if "q_proj" in name or "k_proj" in name else 1.0
        size = 0.3 if len(shape) == 1 else larger * (3 / shape[-1]) ** 0.5
        uniform *= np.float32(size)
        return uniform.reshape(shape)


def _bits(seed: str, count: int) -> np.ndarray:
    raw = np.random.PCG64(crc32(seed.encode())).random_raw((count + 1) // 2)
    return raw.astype("<u8").view("<u4")[:count]


def _random(seed: int) -> Case:
    """A small configuration; heads · head_dim is never d_model."""
    name = f"random {seed}"
    vocab, layers, width, kv, groups, head, mlp = (int(bit) for bit in _bits(name, 7))
    num_kv_heads = (1, 2, 3, 1)[kv % 4]
    num_heads = num_kv_heads * (1, 2, 4)[groups % 3]
    head_dim = (4, 8, 10, 16)[head % 4]
    d_model = 12 + width % 40
    config = {
        "vocab_size": 40 + vocab % 60,
        "num_layers": 1 + layers % 3,
        "d_model": d_model + (d_model == num_heads * head_dim),
        "num_heads": num_heads,
        "num_kv_heads": num_kv_heads,
        "head_dim": head_dim,
        "d_mlp": 16 + mlp % 80,
    }
    return Case(name, config, length=12)


def _wide(name: str, d_model: int, num_heads: int, num_kv_heads: int, d_mlp: int) -> Case:
    """One layer at the full width of a released model, with a small vocabulary."""
    heads = {"num_heads": num_heads, "num_kv_heads": num_kv_heads, "head_dim": 256}
    config = {"vocab_size": 512, "num_layers": 1, "d_model": d_model, "d_mlp": d_mlp, **heads}
    return Case(name, config, length=8)


_SMALL = {"vocab_size": 64, "num_layers": 2, "d_model": 24, "head_dim": 8, "d_mlp": 48}
CASES = (
    Case("multi-query", {**_SMALL, "num_heads": 4, "num_kv_heads": 1}, length=12),
    Case("multi-head", {**_SMALL, "num_heads": 4, "num_kv_heads": 4}, length=12),
    Case("late positions", {**_SMALL, "num_heads": 4, "num_kv_heads": 1}, length=12, first_position=8100),
    *(_random(seed) for seed in range(6)),
    _wide("one layer of 2B", d_model=2048, num_heads=8, num_kv_heads=1, d_mlp=16_384),
    _wide("one layer of 7B", d_model=3072, num_heads=16, num_kv_heads=16, d_mlp=24_576),
)
