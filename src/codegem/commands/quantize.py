"""`codegem quantize`."""

from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from codegem.commands.arguments import parse


def quantize(words: list[str]) -> None:
    """`codegem quantize`."""

    def run(source: Positional[str], destination: Positional[Path], /, bits: Literal[8, 4] = 4) -> None:
        """Write a model with weights of 8 or 4 bits: codegem quantize google/codegemma-2b codegemma-2b-int4 --bits 4

        Matrices are read, rounded and written one at a time. The embedding, which is the output too, keeps 8 bits
        where 4 would disturb the model's predictions.

        Args:
            source: nano, a directory, a .gguf file, or a hub id such as google/codegemma-2b; not quantized yet.
            destination: the directory to write; `codegem complete --model` and `codegem.load` take it.
            bits: of a weight.
        """
        from codegem.checkpoints import quantized
        from codegem.checkpoints.open import open_model
        from codegem.commands.terminal import Bars

        opened = open_model(source, lazy=True)
        with Bars() as shown:
            quantized.save(
                destination,
                opened.model,
                opened.tokenizer,
                bits,
                order=opened.order,
                derived_from=opened.derived_from,
                report=lambda done, total: shown.update("quantizing", done, total, "weights"),
            )

    parse(run, "quantize", words)
