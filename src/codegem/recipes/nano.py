"""Nano, the model that ships: 5.9 million parameters, trained on two CPU cores in an hour and a half.

    codegem data fetch corpora/python.toml --out corpus
    codegem data build corpus/train --out data/nano
    codegem train nano --data data/nano --out runs/nano

A context of 2,048 tokens holds one hole or two, so a run as short as this one sees few of them. A second one
goes on with short pieces of files, each with a hole of its own:

    codegem data build corpus/train --recipe nano-infill --tokenizer data/nano/tokenizer.json --out data/nano-infill
    codegem train nano-infill --data data/nano-infill --start runs/nano/model --out runs/nano-infill

What came out, and how it was measured, stands in src/codegem/assets/nano/README.md. The weights that ship are of the
recipe's first form: contexts of 1,024 tokens, files in alphabetical order, and no stage for safety or near-duplicates.
"""

from dataclasses import replace

from codegem.data.fim_sampling import FimRules
from codegem.data.recipe import DataRecipe
from codegem.model.config import PRESETS
from codegem.recipes.recipe import Recipe
from codegem.text.fim import Order
from codegem.train.recipe import TrainRecipe

_MODEL = PRESETS["nano"]

NANO = Recipe(
    data=DataRecipe(
        context_length=_MODEL.context_length,
        vocab_size=_MODEL.vocab_size,
        order="dependency",
        # CodeGemma's rate is 0.8, and 0.9 for the 2B 1.1. Short middles, because a small model is asked
        # for lines: a third of the middles are one line, and none has more than eight.
        fim=FimRules(rate=0.9, psm_share=0.5, middle="lines", suffix_start="line", max_lines=8),
    ),
    train=TrainRecipe(
        model=_MODEL,
        steps=4500,
        batch_size=2,
        micro_batch=1,
        learning_rate=3e-3,
        warmup_steps=200,
    ),
)

NANO_INFILL = Recipe(
    data=replace(NANO.data, context_length=256, fim=replace(NANO.data.fim, max_lines=4)),
    train=replace(
        NANO.train,
        # It reads what it was trained on last, 256 tokens, and answers with up to 64. Longer prompts made it
        # worse: 2.3% instead of 4.0% of 300 lines right. Asked in PSM it fills fewer, 0.9% (docs/LOG.md).
        model=replace(_MODEL, context_length=320),
        prompt_order=Order.SPM,
        steps=600,
        batch_size=32,
        micro_batch=8,
        learning_rate=1.5e-3,
        warmup_steps=20,
    ),
)
