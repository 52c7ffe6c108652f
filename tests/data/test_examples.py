"""Contexts to rows: every context once, in a seeded order, divided into the two splits."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from codegem.data.examples import CONTEXTS, Rows, tokenise_repository
from codegem.data.packing import piece_widths
from codegem.data.recipe import DataRecipe
from codegem.data.records import Document
from codegem.text.fim import Hole, parse
from codegem.text.tokenizer import Tokenizer

RECIPE = DataRecipe(context_length=128)
PAD = 0


def contexts(lengths: list[int]) -> pa.Table:
    rows = [
        {
            "repository": f"r{number % 3}",
            "index": number,
            "tokens": np.full(length, number + 1, np.int32).tobytes(),
            "roles": np.full(length, 2, np.uint8).tobytes(),
        }
        for number, length in enumerate(lengths)
    ]
    return pa.Table.from_pylist(rows, schema=CONTEXTS)


@pytest.fixture(scope="module")
def lengths() -> list[int]:
    return np.random.default_rng(0).integers(5, 129, 300).tolist()


def test_every_context_is_in_one_row_as_one_segment(lengths: list[int]):
    rows = Rows(contexts(lengths), RECIPE, PAD)
    seen: Counter[int] = Counter()
    for number in range(len(rows)):
        example = rows[number]
        assert example.tokens.shape == example.segment_ids.shape == example.roles.shape == (128,)
        assert (example.tokens[example.segment_ids == 0] == PAD).all()
        for segment in range(1, example.segment_ids.max() + 1):
            inside = example.tokens[example.segment_ids == segment]
            (token,) = set(inside.tolist())
            seen[token] += len(inside)
    assert seen == {number + 1: length for number, length in enumerate(lengths)}
    assert rows.real_tokens == sum(lengths)
    assert rows.real_tokens / (128 * len(rows)) > 0.95


def test_the_rows_do_not_depend_on_the_order_in_which_contexts_come(lengths: list[int]):
    table = contexts(lengths)
    rows, again = Rows(table, RECIPE, PAD), Rows(table.take(list(range(len(table)))[::-1]), RECIPE, PAD)
    assert rows.validation == again.validation
    assert all((rows[n].tokens == again[n].tokens).all() for n in range(len(rows)))
    other = Rows(table, replace(RECIPE, seed=1), PAD)
    assert any((rows[n].tokens != other[n].tokens).any() for n in range(min(len(rows), len(other))))


def test_neighbouring_rows_are_of_several_repositories(lengths: list[int]):
    rows = Rows(contexts(lengths), RECIPE, PAD)
    assert {(int(rows[n].tokens[0]) - 1) % 3 for n in range(12)} == {0, 1, 2}


@pytest.mark.parametrize(
    ("share", "number", "least", "most"), [(0.0, 300, 0, 0), (0.2, 300, 30, 90), (1e-9, 19, 0, 0), (1e-9, 30, 1, 1)]
)
def test_a_share_of_the_rows_is_for_validation(share: float, number: int, least: int, most: int):
    rows = Rows(contexts([128] * number), replace(RECIPE, validation_share=share), PAD)
    assert least <= len(rows.validation) <= most
    assert rows.validation <= set(range(len(rows)))


def test_documents_become_contexts_of_the_grammar(bpe_tokenizer: Tokenizer):
    texts = {f"pkg/{n}.py": "".join(f"def f{i}():\n    return {i}\n\n\n" for i in range(n * 9)) for n in range(1, 6)}
    documents = [Document("r", path, text, "python", "MIT", "") for path, text in texts.items()]
    rows = list(tokenise_repository(documents, RECIPE, bpe_tokenizer, piece_widths(bpe_tokenizer)))
    assert [row["index"] for row in rows] == list(range(len(rows)))
    read: dict[str | None, str] = {}
    for row in rows:
        tokens = np.frombuffer(row["tokens"], np.int32).tolist()
        assert len(tokens) == len(row["roles"]) <= RECIPE.context_length
        assert tokens[0] == bpe_tokenizer.special.bos
        for file in parse(tokens, bpe_tokenizer):
            hole = file.content
            text = hole.prefix + hole.middle + hole.suffix if isinstance(hole, Hole) else hole
            read[file.path] = read.get(file.path, "") + text
    assert read == texts
