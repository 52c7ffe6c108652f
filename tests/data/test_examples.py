"""Documents to contexts of the grammar."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codegem.data.encoded import Encoder
from codegem.data.examples import load_encoder, tokenise_repository
from codegem.data.packing import Order
from codegem.data.recipe import DataRecipe
from codegem.data.records import Document
from codegem.text.fim import Hole, parse
from codegem.text.syntax import parse as parse_syntax
from codegem.text.tokenizer import Tokenizer

RECIPE = DataRecipe(context_length=128)
TEXTS = {f"pkg/{n}.py": "".join(f"def f{i}():\n    return {i}\n\n\n" for i in range(n * 9)) for n in range(1, 6)}
DOCUMENTS = [Document("r", path, text, "python", "MIT", "") for path, text in TEXTS.items()]


@pytest.mark.parametrize("order", ["alphabetical", "none"])
@pytest.mark.parametrize("with_trees", [True, False])
def test_documents_become_contexts_of_the_grammar(bpe_tokenizer: Tokenizer, order: Order, with_trees: bool):
    trees = {path: parse_syntax(text.encode(), path) for path, text in TEXTS.items()} if with_trees else None
    recipe = replace(RECIPE, order=order)
    rows = list(tokenise_repository(DOCUMENTS, recipe, Encoder(bpe_tokenizer), trees))
    assert [row["index"] for row in rows] == list(range(len(rows)))
    read: dict[str | None, str] = {}
    for row in rows:
        tokens = np.frombuffer(row["tokens"], np.int32).tolist()
        assert row["repository"] == "r"
        assert len(tokens) == len(row["roles"]) <= RECIPE.context_length
        assert tokens[0] == bpe_tokenizer.special.bos
        files = parse(tokens, bpe_tokenizer)
        assert order != "none" or len(files) == 1
        for file in files:
            hole = file.content
            text = hole.prefix + hole.middle + hole.suffix if isinstance(hole, Hole) else hole
            read[file.path] = read.get(file.path, "") + text
    assert read == TEXTS


def test_contexts_do_not_depend_on_what_was_encoded_before(bpe_tokenizer: Tokenizer):
    fresh, used = Encoder(bpe_tokenizer), Encoder(bpe_tokenizer)
    list(tokenise_repository(DOCUMENTS[::-1], RECIPE, used))
    assert list(tokenise_repository(DOCUMENTS, RECIPE, used)) == list(tokenise_repository(DOCUMENTS, RECIPE, fresh))


def test_an_encoder_is_read_once(bpe_tokenizer: Tokenizer, tmp_path: Path):
    bpe_tokenizer.save(tmp_path / "tokenizer.json")
    encoder = load_encoder(str(tmp_path))
    assert encoder is load_encoder(str(tmp_path))
    assert encoder.tokenizer.hash == bpe_tokenizer.hash
