"""CodeGemma 7B, as far as it is public: Gemma 7B, trained on with 80% code and 20% natural language.

    codegem data build CORPUS... --recipe codegemma-7b --tokenizer gemma/tokenizer.json --benchmarks DIR --out data/7b
    codegem train codegemma-7b --data data/7b --start gemma-7b --out runs/7b

Besides what `codegemma_2b` says: the natural language is said to be web documents and mathematics; in which
proportion is not published, and is half and half here. A corpus for it needs prose and LaTeX beside the code; give
them as folders, or as files of JSON lines (`data/jsonl.py`).
"""

from dataclasses import replace

from codegem.data.filters import FilterRules
from codegem.model.config import PRESETS
from codegem.model.mesh import MeshShape
from codegem.recipes.codegemma_2b import CODEGEMMA_2B
from codegem.recipes.recipe import Recipe
from codegem.text.languages import LANGUAGES

CODEGEMMA_7B = Recipe(
    data=replace(
        CODEGEMMA_2B.data,
        filters=FilterRules(languages=tuple(language.name for language in LANGUAGES)),
        mixture=(("code", 0.8), ("prose", 0.1), ("mathematics", 0.1)),
    ),
    # 64 chips of a TPU v5e hold it (docs/SCALE.md).
    train=replace(CODEGEMMA_2B.train, model=PRESETS["gemma_7b"], learning_rate=2.5e-5, mesh=MeshShape(fsdp=64)),
)
