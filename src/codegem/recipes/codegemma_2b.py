"""CodeGemma 2B and 2B 1.1, as far as they are public: Gemma 2B, trained on with code alone to fill in the middle.

    codegem data build CORPUS... --recipe codegemma-2b --tokenizer gemma/tokenizer.json --benchmarks DIR --out data/2b
    codegem train codegemma-2b --data data/2b --start gemma-2b --out runs/2b

From the report (arXiv 2406.11409) and the model card: the shape of the model, 8,192 tokens, 500 billion of them
(a trillion for 1.1), code alone, a fill-in-the-middle rate of 80% (90% for 1.1), half of it in either order, files
of a repository in the order of their dependencies with each test beside its source, suffixes that start at
syntactically natural places. Not published, and chosen here: how the length of a middle is drawn, the languages,
the thresholds of every filter, the batch and the learning rate.
"""

from dataclasses import replace

from codegem.data.filters import FilterRules
from codegem.data.fim_sampling import FimRules
from codegem.data.recipe import DataRecipe
from codegem.model.config import PRESETS
from codegem.model.mesh import MeshShape
from codegem.recipes.recipe import Recipe
from codegem.text.languages import CODE
from codegem.train.recipe import TrainRecipe

_MODEL = PRESETS["gemma_2b"]
_BATCH = 512  # sequences: 4.2 million tokens a step, Gemma's order of magnitude
_TOKENS = 500 * 10**9

CODEGEMMA_2B = Recipe(
    data=DataRecipe(
        context_length=8192,
        vocab_size=_MODEL.vocab_size,
        order="dependency",
        filters=FilterRules(languages=CODE),
        fim=FimRules(rate=0.8, psm_share=0.5, middle="characters", suffix_start="syntax"),
    ),
    train=TrainRecipe(
        model=_MODEL,
        steps=_TOKENS // (_BATCH * 8192),
        batch_size=_BATCH,
        micro_batch=1,
        learning_rate=5e-5,  # a tenth of what a model of this size is trained with from random weights
        warmup_steps=1000,
        # 16 chips of a TPU v5e, with 10 of their 16 GB (docs/SCALE.md). One GPU of 80 GB: --mesh.fsdp 1.
        mesh=MeshShape(fsdp=16),
        remat="blocks",  # 18 inputs of blocks are 0.6 GB a row; all that a backward pass wants would be 23
        scan_layers=True,  # one block is compiled instead of 18
    ),
)

CODEGEMMA_2B_1_1 = Recipe(
    data=replace(CODEGEMMA_2B.data, fim=replace(CODEGEMMA_2B.data.fim, rate=0.9)),
    train=replace(CODEGEMMA_2B.train, steps=2 * CODEGEMMA_2B.train.steps),
)
