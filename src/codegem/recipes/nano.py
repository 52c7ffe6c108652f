"""Nano, the model that ships: 5.9 million parameters, trained on two CPU cores in half an hour of their time.

    codegem data fetch corpora/python.toml --out corpus
    codegem data fetch corpora/polyglot.toml --out corpus
    codegem data build corpus/train --benchmarks BENCHMARKS --out data/nano
    codegem train nano --data data/nano --out runs/nano

The learning rate falls in a second run, on the same files with holes that end where a line ends:

    codegem data build corpus/train --recipe nano-infill --tokenizer data/nano/tokenizer.json --benchmarks BENCHMARKS \
        --out data/nano-infill
    codegem train nano-infill --data data/nano-infill --start runs/nano/model --out runs/nano-infill

What came out, and how it was measured, stands in src/codegem/assets/nano/README.md. `nano-gpu` is the run that a GPU
would make, at four times the size, ready to start; it needs no second one.

    codegem data build corpus/train --recipe nano-gpu --benchmarks BENCHMARKS --out data/nano-gpu
    codegem train nano-gpu --data data/nano-gpu --out runs/nano-gpu
"""

from dataclasses import replace

from codegem.data.filters import FilterRules
from codegem.data.fim_sampling import FimRules
from codegem.data.recipe import DataRecipe
from codegem.model.config import PRESETS
from codegem.recipes.recipe import Recipe
from codegem.text.fim import Order
from codegem.train.recipe import TrainRecipe

_MODEL = PRESETS["nano"]

NANO = Recipe(
    data=DataRecipe(
        context_length=512,
        vocab_size=_MODEL.vocab_size,
        order="dependency",
        filters=FilterRules(languages=("python", "cpp", "csharp", "go", "java", "javascript", "kotlin", "rust")),
        # CodeGemma's rate is 0.8, and 0.9 for the 2B 1.1. Short middles, because a small model is asked
        # for lines: a third of the middles are one line, and none has more than four.
        fim=FimRules(rate=0.9, psm_share=0.5, middle="lines", suffix_start="syntax", max_lines=4),
    ),
    train=TrainRecipe(
        model=_MODEL,
        steps=3104,
        batch_size=16,
        micro_batch=16,
        learning_rate=6e-3,
        warmup_steps=100,
        # Muon had learned more from the same tokens (docs/ABLATIONS.md). The learning rate stays to the end, so
        # that the run can be stopped when time is up; `NANO_INFILL` lets it fall.
        optimizer="muon",
        schedule="wsd",
        decay_share=1e-4,
    ),
)

NANO_INFILL = Recipe(
    # Nano is asked for lines above all: the suffix begins at the end of one.
    data=replace(NANO.data, fim=replace(NANO.data.fim, suffix_start="line")),
    train=replace(
        NANO.train,
        # It reads 512 tokens, what it was trained on, and answers with up to 64.
        model=replace(_MODEL, context_length=576),
        prompt_order=Order.SPM,
        steps=1200,
        warmup_steps=20,
        decay_share=1.0,
        final_learning_rate_share=0.02,
    ),
)

# For a GPU, where one is at hand: 24.0 million parameters, 47.9 MB in bfloat16, and 1.05 billion tokens of a corpus
# of 140 million laid out eight times, each time with other holes. It has not been run. Its last fifth is the fall
# that `NANO_INFILL` is for `NANO`.
_LARGER = replace(_MODEL, num_layers=6, d_model=512, num_heads=8, d_mlp=1760)

NANO_GPU = Recipe(
    data=replace(NANO.data, context_length=1024, passes=8),
    train=replace(
        NANO.train,
        model=replace(_LARGER, context_length=1024 + 64),
        prompt_order=Order.SPM,
        steps=8000,
        batch_size=128,
        micro_batch=64,
        learning_rate=4e-3,
        warmup_steps=200,
        decay_share=0.2,
        final_learning_rate_share=0.02,
    ),
)
