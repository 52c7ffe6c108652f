"""codegem: an open, independent implementation of CodeGemma in Python and JAX.

    import codegem

    model = codegem.load("nano")
    done = model.complete("def add(a, b):\\n    ", "\\n\\nprint(add(1, 2))\\n", path="add.py")
    print(done.text, done.stop_reason)

This module is the public face. It imports nothing heavy until a model is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codegem.errors import UsageError, UserError

if TYPE_CHECKING:
    import numpy as np

    from codegem.assist.completion import Completion
    from codegem.assist.context import Window
    from codegem.inference.engine import Engine
    from codegem.text.fim import Order

__version__ = "0.1.0"

__all__ = ["Model", "UsageError", "UserError", "load", "models"]

SHIPPED = ("nano",)


class Model:
    """A model that is ready to write; made by `load`.

    Attributes:
        name: as it was asked for.
        engine: fulfils `codegem.generate.TextSource`.
    """

    def __init__(self, name: str, engine: Engine):
        self.name = name
        self.engine = engine

    @property
    def parameters(self) -> int:
        """Number of parameters, the tied embedding counted once."""
        return self.engine.model.config.parameters

    @property
    def window(self) -> Window:
        """How much code the model reads."""
        from codegem.assist.context import Window

        return Window(self.engine.tokenizer, self.engine.context_length)

    def complete(
        self,
        prefix: str,
        suffix: str = "",
        *,
        path: str | None = None,
        context: Sequence[tuple[str, str]] = (),
        max_tokens: int = 64,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        on_text: Callable[[str], object] | None = None,
    ) -> Completion:
        """What fits between `prefix` and `suffix`.

        Args:
            path: of the file, relative to its repository; recommended.
            context: other files as (path, text), the nearest to the cursor last.
            temperature: 0 takes the likeliest token each time; else tokens are sampled from the likeliest
                that together have probability `top_p`, the same ones for the same `seed`.
            on_text: gets the model's text as it comes, before it is trimmed; returning False cancels.

        Returns:
            Completion: `text`, `stop_reason` (stop, length or cancelled), `tokens` (how many) and `timings`
            (`first_token` and `total`, in seconds). Code that the model can't hold is cut far from the hole.

        Raises:
            UserError: an argument is out of range.
        """
        from codegem.assist.completion import Settings, complete
        from codegem.generate import Infill

        return complete(
            self.engine,
            self.window,
            Infill(prefix, suffix, path, tuple(context)),
            Settings(max_tokens, temperature, top_p, seed),
            on_text,
        )

    def generate(
        self,
        ids: Sequence[int],
        max_tokens: int = 64,
        *,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> Iterator[int]:
        """Token ids after `ids` as they are made, up to a stop id or `max_tokens`; no BOS is added.

        Raises:
            UserError: `ids` is empty, holds an unknown id, or leaves no room for `max_tokens`.
        """
        from codegem.inference.sampling import sampler
        from codegem.text.fim import stop_ids

        return self.engine.stream(
            ids,
            max_tokens=max_tokens,
            choose=sampler(temperature, top_p, seed),
            stop_ids=stop_ids(self.engine.tokenizer),
        )

    def logits(self, ids: Sequence[int]) -> np.ndarray:
        """Float32 logits [T, V] of the token after each of T ids; no BOS is added.

        Raises:
            UserError: `ids` is empty, too long, or holds an unknown id.
        """
        return self.engine.logits(ids)


def load(name_or_path: str | Path = "nano", *, order: Order | None = None) -> Model:
    """A model by name, or from a directory in Hugging Face's layout.

    Args:
        name_or_path: "nano", which ships in the package, or a directory with config.json, tokenizer.json
            and model.safetensors, such as a download of `google/codegemma-2b`.
        order: the layout of prompts with a hole; default the model's own, PSM where it names none.

    Raises:
        UserError: there is no such model, or one of its files is absent or damaged.
    """
    directory = _directory(name_or_path)

    from codegem.compilation import enable_compilation_cache

    enable_compilation_cache()

    import jax

    from codegem.checkpoints.huggingface import load as read
    from codegem.checkpoints.huggingface import read_order
    from codegem.inference.engine import Engine

    # XLA multiplies bfloat16 on CPUs at half the speed of float32, in decoding and in reading a prompt.
    dtype = "float32" if jax.default_backend() == "cpu" else None
    transformer, tokenizer = read(directory, dtype=dtype)
    order = order or read_order(directory / "config.json")
    return Model(str(name_or_path), Engine(transformer, tokenizer, name=str(name_or_path), order=order))


def models() -> list[dict[str, Any]]:
    """The models that ship, each with its name, directory, number of parameters and context length."""
    from codegem.checkpoints.huggingface import read_config

    rows = []
    for name in SHIPPED:
        config = read_config(_directory(name) / "config.json")
        rows.append(
            {
                "name": name,
                "directory": str(_directory(name)),
                "parameters": config.parameters,
                "context_length": config.context_length,
            }
        )
    return rows


def _directory(name_or_path: str | Path) -> Path:
    shipped = Path(__file__).parent / "assets"
    if name_or_path in SHIPPED:
        return shipped / name_or_path
    directory = Path(name_or_path).expanduser()
    if str(name_or_path) and directory.is_dir():
        return directory
    raise UserError(
        f"There is no model {str(name_or_path)!r}; give {' or '.join(SHIPPED)}, or a directory with config.json, "
        "tokenizer.json and model.safetensors."
    )
