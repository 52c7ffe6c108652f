"""Documents of a repository to the tokens of its contexts."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codegem.data.encoded import Encoder
from codegem.data.packing import pack_repository
from codegem.data.recipe import DataRecipe
from codegem.data.records import Document
from codegem.data.rendering import render_context
from codegem.text.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from tree_sitter import Tree


def tokenise_repository(
    documents: Sequence[Document],
    recipe: DataRecipe,
    encoder: Encoder,
    trees: "Mapping[str, Tree | None] | None" = None,
) -> Iterator[dict[str, Any]]:
    """The contexts of one repository as rows of `rows.CONTEXTS`. Each document is encoded once.

    Args:
        documents: in the order of `recipe.order`.
        trees: path -> the syntax tree of the file, as `syntax.parse` gives it.
    """
    length, together = recipe.context_length, recipe.order != "none"
    index = 0
    for context in pack_repository(documents, encoder, length, together=together):
        for turn in range(recipe.passes):
            for tokens, roles in render_context(context, encoder, recipe.fim, recipe.seed + turn, length, trees):
                yield {
                    "repository": context.repository,
                    "index": index,
                    "tokens": tokens.tobytes(),
                    "roles": roles.tobytes(),
                }
                index += 1


@lru_cache(maxsize=1)
def load_encoder(location: str) -> Encoder:
    """The encoder of a tokenizer, read once in every worker process; it remembers words from source to source."""
    return Encoder(load_tokenizer(Path(location)))
