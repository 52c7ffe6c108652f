"""Prompts that lay a hole out with the names of tokens."""

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.text import fim_text
from codegem.text.fim import Order, prompt, prompt_text
from codegem.text.fim_text import LaidOut, parse_ids, parse_prompt
from codegem.text.tokenizer import ByteTokenizer

TOKENIZER = ByteTokenizer()
CODE = st.text(st.characters(codec="utf-8", exclude_characters="<|"), max_size=40)
PATHS = st.from_regex(r"[a-z]{1,8}(/[A-Za-z0-9_-]{1,8}){0,3}\.[a-z]{1,4}", fullmatch=True)


@given(CODE, CODE, st.none() | PATHS, st.lists(st.tuples(PATHS, CODE), max_size=3), st.sampled_from(["psm", "spm"]))
def test_what_codegem_lays_out_is_read_back(prefix, suffix, path, context, order):
    laid_out = prompt_text(prefix, suffix, path=path, context=context, order=Order(order))
    assert parse_prompt(laid_out) == LaidOut(prefix, suffix, path, tuple(context))


@given(CODE, CODE, st.none() | PATHS, st.lists(st.tuples(PATHS, CODE), max_size=2), st.sampled_from(["psm", "spm"]))
def test_token_ids_are_read_back(prefix, suffix, path, context, order):
    ids = prompt(prefix, suffix, TOKENIZER, path=path, context=context, order=Order(order))
    assert parse_ids(ids, TOKENIZER) == LaidOut(prefix, suffix, path, tuple(context))


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_other_text_is_no_hole(text):
    assert parse_prompt(text) is None
    assert parse_ids(TOKENIZER.encode(text), TOKENIZER) == text


@pytest.mark.parametrize(
    ("laid_out", "expected"),
    [
        # Zed and llama.vscode's template
        ("<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>", LaidOut("a", "b")),
        # Twinny's template for codegemma, and Continue's for models it does not know
        ("<fim_prefix>a<fim_suffix>b<fim_middle>", LaidOut("a", "b")),
        ("<repo_name>it<fim_prefix>a<fim_suffix>b<fim_middle>", None),
        (
            "<repo_name>me/it<file_sep>x.py\none<file_sep>y.py\n<fim_prefix>a<fim_suffix>b<fim_middle>",
            LaidOut("a", "b", "y.py", (("x.py", "one"),)),
        ),
        # Qwen's, which Continue sends with files that are open
        (
            "<|repo_name|>it\n<|file_sep|>x.py\none\n<|file_sep|>y.py\n<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>",
            LaidOut("a", "b", "y.py", (("x.py", "one\n"),)),
        ),
        ("my notes/to do.md\n<|fim_suffix|>b<|fim_prefix|>a<|fim_middle|>", LaidOut("a", "b", "my notes/to do.md")),
        ("app/[id]/(x)/page.tsx\n<|fim_prefix|><|fim_suffix|><|fim_middle|>", LaidOut("", "", "app/[id]/(x)/page.tsx")),
        # the first mark of a kind counts: what stands behind it is the user's text
        ("<|fim_prefix|>a<|fim_suffix|>x<|fim_suffix|>y<|fim_middle|>", LaidOut("a", "x<|fim_suffix|>y")),
        ("<|fim_prefix|>a<|fim_middle|>b<|fim_suffix|>c<|fim_middle|>", LaidOut("a<|fim_middle|>b", "c")),
    ],
)  # fmt: skip
def test_what_clients_send(laid_out: str, expected: LaidOut | None):
    assert parse_prompt(laid_out) == expected


@pytest.mark.parametrize(
    "code",
    [
        "print('<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>",
        "x = '<|fim_prefix|>'\ny = '<|fim_suffix|>'\nz = '<|fim_middle|>",
        "import os\n<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>c",
        "<|fim_prefix|>a<|fim_middle|>",
        "<|fim_middle|>",
        "<fim_prefix>a<|fim_suffix|>b<fim_middle>",
        "def f():\n    return 1\n<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>",
    ],
)
def test_source_code_with_names_of_tokens_stays_text(code: str):
    assert parse_prompt(code) is None


def test_this_very_module_is_completed_as_text():
    source = inspect.getsource(fim_text)
    for end in range(0, len(source), 7):
        assert parse_prompt(source[:end]) is None


def test_unknown_ids():
    with pytest.raises(ValueError, match="999"):
        parse_ids([2, 999], TOKENIZER)
