"""Contexts to tokens: what `fim.render` gives, within the limit, and nothing lost."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.encoded import Encoder
from codegem.data.fim_sampling import FimRules, draw_hole, generator
from codegem.data.packing import pack_repository
from codegem.data.records import Document, FilePart, PackedContext
from codegem.data.rendering import render_context
from codegem.text.fim import Order, Role, SourceFile, parse, render
from codegem.text.syntax import parse as parse_syntax
from codegem.text.tokenizer import Tokenizer

RULES = FimRules()
TEXT = "".join(f"def f{n}(x):\n    y = x + {n}\n\n    return y\n\n\n" for n in range(20))
LINES = st.lists(
    st.sampled_from(["x = 1\n", "    return é\n", "\n", "def f(a, b):\n", "\t'日本語'\r\n", "#" * 70, " ", "end"]),
    min_size=1,
    max_size=40,
).map("".join)


def part(encoder: Encoder, path: str, text: str) -> FilePart:
    file, heading = encoder.encode([text, path + "\n"])
    return FilePart(path, heading.tokens, file, 0, len(file.data))


def context(encoder: Encoder, files: dict[str, str], repository: str = "r") -> PackedContext:
    return PackedContext(repository, tuple(part(encoder, path, text) for path, text in files.items()))


def rendered(
    context: PackedContext, encoder: Encoder, rules: FimRules = RULES, seed: int = 0, limit: int = 100_000
) -> list[int]:
    ((tokens, roles),) = render_context(context, encoder, rules, seed, limit)
    assert tokens.dtype == np.int32 and roles.dtype == np.uint8 and tokens.shape == roles.shape
    return tokens.tolist()


def text_of(file: SourceFile) -> str:
    hole = file.content
    return hole if isinstance(hole, str) else hole.prefix + hole.middle + hole.suffix


@given(
    texts=st.lists(LINES | st.text(min_size=1, max_size=60), min_size=1, max_size=4),
    seed=st.integers(0, 1000),
    rules=st.builds(
        FimRules,
        rate=st.sampled_from([0.5, 1.0]),
        spm=st.sampled_from([Order.SPM, Order.SPM_JOINED]),
        middle=st.sampled_from(["characters", "nodes", "lines", "random"]),
        suffix_start=st.sampled_from(["syntax", "line", "random"]),
    ),
    length=st.integers(80, 300),
)
def test_contexts_are_what_the_grammar_renders(
    tokenizer: Tokenizer, texts: list[str], seed: int, rules: FimRules, length: int
):
    """Token for token and role for role, whole files and parts, with the same draws as strings."""
    encoder = Encoder(tokenizer)
    documents = [Document("r", f"{n}.py", text, "python", None, "") for n, text in enumerate(texts)]
    trees = {document.path: parse_syntax(document.text.encode(), document.path) for document in documents}
    for packed in pack_repository(documents, encoder, length):
        files = []
        for file in packed.files:
            rng = generator(seed, "fim", "r", file.path, file.part, 0)
            hole = None
            if rng.random() < rules.rate:
                hole = draw_hole(file.text, rules, rng, trees[file.path], file.start)
            files.append(SourceFile(file.path, hole or file.text))
        ((tokens, roles),) = render_context(packed, encoder, rules, seed, 100_000, trees)
        expected = render(files, tokenizer)
        assert tokens.tolist() == expected.tokens and roles.tolist() == expected.roles


def test_the_choice_depends_on_the_name_alone(bytes_tokenizer: Tokenizer):
    encoder = Encoder(bytes_tokenizer)
    files = {f"{n}.py": TEXT[: 100 + n] for n in range(8)}

    def contents(files: dict[str, str], repository: str = "r", seed: int = 0) -> dict[str | None, object]:
        tokens = rendered(context(encoder, files, repository), encoder, seed=seed)
        return {file.path: file.content for file in parse(tokens, bytes_tokenizer)}

    first = contents(files)
    assert contents(dict(reversed(files.items()))) == first
    assert contents({"0.py": files["0.py"]}) == {"0.py": first["0.py"]}
    assert contents(files, repository="other") != first
    assert contents(files, seed=1) != first


@pytest.mark.parametrize("rate", [0.0, 0.6, 1.0])
def test_files_get_holes_at_the_rate(bytes_tokenizer: Tokenizer, rate: float):
    encoder = Encoder(bytes_tokenizer)
    files = {f"{n}.py": "def f(x):\n    return x + 1\n\n\nprint(f(2))\n" for n in range(400)}
    rules = replace(RULES, rate=rate)
    ((tokens, roles),) = render_context(context(encoder, files), encoder, rules, 0, 100_000)
    holes = tokens.tolist().count(bytes_tokenizer.special.fim_middle)
    assert abs(holes / 400 - rate) < 0.06
    assert roles.tolist().count(Role.PATH) == sum(len(path) + 1 for path in files)


@given(room=st.integers(0, 12))
def test_holes_that_do_not_fit_are_drawn_again_or_left(tokenizer: Tokenizer, room: int):
    encoder = Encoder(tokenizer)
    file = context(encoder, {"a.py": TEXT[:300]})
    limit = len(rendered(file, encoder, replace(RULES, rate=0.0))) + room
    tokens = rendered(file, encoder, limit=limit)
    assert len(tokens) <= limit
    (read,) = parse(tokens, tokenizer)
    assert text_of(read) == TEXT[:300]


@pytest.mark.parametrize("text", [TEXT[:300], "é" * 150, "\n" * 300])
def test_a_context_that_is_longer_than_counted_is_divided_without_loss(bytes_tokenizer: Tokenizer, text: str):
    encoder = Encoder(bytes_tokenizer)
    files = {"a.py": text, "b.py": "x" * 90, "c.py": "y"}
    texts: dict[str | None, str] = {}
    for tokens, _ in render_context(context(encoder, files), encoder, replace(RULES, rate=0.0), 0, 64):
        assert len(tokens) <= 64
        for file in parse(tokens.tolist(), bytes_tokenizer):
            texts[file.path] = texts.get(file.path, "") + text_of(file)
    assert texts == files
    assert list(texts) == list(files)


def test_a_context_that_cannot_hold_a_character_is_refused(bytes_tokenizer: Tokenizer):
    encoder = Encoder(bytes_tokenizer)
    with pytest.raises(ValueError, match="does not fit"):
        list(render_context(context(encoder, {"a.py": "xy"}), encoder, RULES, 0, 7))
