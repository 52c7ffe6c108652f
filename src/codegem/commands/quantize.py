"""`codegem quantize`."""

from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from codegem.commands.arguments import parse
from codegem.errors import UserError


def quantize(words: list[str]) -> None:
    """`codegem quantize`."""

    def run(
        source: Positional[str], destination: Positional[Path], /, bits: Literal[8, 4] = 4, overwrite: bool = False
    ) -> None:
        """Write a model with weights of 8 or 4 bits: codegem quantize google/codegemma-2b codegemma-2b-int4 --bits 4

        Matrices are read, rounded and written one at a time. The embedding, which is the output too, keeps 8 bits
        where 4 would disturb the model's predictions.

        Args:
            source: nano, a directory, a .gguf file, or a hub id such as google/codegemma-2b; not quantized yet.
            destination: the directory to write; `codegem complete --model` and `codegem.load` take it.
            bits: of a weight.
            overwrite: replace a model that was quantized before.
        """
        from codegem.checkpoints import quantized
        from codegem.checkpoints.open import open_model
        from codegem.commands.terminal import Bars

        _require_free(destination, overwrite)
        opened = open_model(source, lazy=True)
        with Bars() as shown:
            quantized.save(
                destination,
                opened.model,
                opened.tokenizer,
                bits,
                order=opened.order,
                derived_from=opened.derived_from,
                chats=opened.chats,
                report=lambda done, total: shown.update("quantizing", done, total, "weights"),
            )

        size = sum(path.stat().st_size for path in destination.iterdir())
        count = opened.model.config.parameters
        print(f"{destination}: {count / 1e6:,.1f} M parameters in {bits} bits, {size / 1e6:,.1f} MB.")

    parse(run, "quantize", words)


def _require_free(destination: Path, overwrite: bool) -> None:
    """Raise unless the destination is new, empty, or a quantized model that may be replaced."""
    from codegem.checkpoints.locate import Kind, locate

    if destination.exists() and not destination.is_dir():
        raise UserError(f"{destination} is a file; a quantized model is a directory of several.")
    if not destination.exists() or not any(destination.iterdir()):
        return
    if not overwrite:
        raise UserError(f"{destination} is there already; give another destination, or --overwrite to replace it.")
    if locate(destination.absolute()).kind is not Kind.QUANTIZED:
        raise UserError(f"{destination} holds something else than a quantized model; give another destination.")
