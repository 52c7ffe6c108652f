from collections.abc import Generator, Iterator, Sequence
from typing import Any

import pytest

pytest.importorskip("lm_eval", reason="the tasks need lm-eval")
from hypothesis import given
from hypothesis import strategies as st
from lm_eval.api.instance import Instance

from codegem.evaluation.language.lm import CodegemLM, Remembered, rolling_windows, token_pairs
from codegem.generate import Chunk, Request, StopReason
from codegem.text.tokenizer import ByteTokenizer, Tokenizer

BOS = ByteTokenizer().special.bos


class Counting:
    """A scorer that says a number of its tokens, and remembers what it was asked."""

    context_length = 32

    def __init__(self) -> None:
        self.asked: list[tuple[list[int], list[int]]] = []

    def scores(self, asked: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Iterator[tuple[int, float, bool]]:
        self.asked += [(list(before), list(scored)) for before, scored in asked]
        for index, (before, scored) in reversed(list(enumerate(asked))):
            yield index, -float(len(before) + 100 * len(scored)), len(scored) == 1


class Echo:
    """A source that says the prompt's last character, in capitals."""

    name = "echo"

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def generate(self, requests: Sequence[Request]) -> Generator[Chunk]:
        self.asked += requests
        for index, request in enumerate(requests):
            yield Chunk(index, str(request.prompt)[-1].upper(), 1, StopReason.STOP)


def instances(kind: Any, *arguments: tuple[Any, ...]) -> list[Instance]:
    return [Instance(kind, {}, args, number) for number, args in enumerate(arguments)]


def lm(scorer: Counting, **settings: Any) -> CodegemLM:
    return CodegemLM(scorer, ByteTokenizer(), **settings)


@given(st.text("ab \n", max_size=40), st.text("cd ", min_size=1, max_size=12), st.integers(13, 60))
def test_bos_is_there_once_whatever_was_cut(context: str, continuation: str, length: int) -> None:
    tokenizer = ByteTokenizer()
    ((before, scored),), cut = token_pairs([(context, continuation)], tokenizer, length)
    assert [*before, *scored].count(BOS) == 1 and before[0] == BOS
    assert len(before) + len(scored) - 1 <= length
    whole = tokenizer.encode(context + continuation)
    assert [*before, *scored][1:] == whole[len(whole) - len(before) - len(scored) + 1 :]
    assert cut == (len(whole) > length)


def test_white_space_at_the_end_of_a_context_is_scored(bpe_tokenizer: Tokenizer) -> None:
    ((before, scored),), _ = token_pairs([("return  ", "self")], bpe_tokenizer, 50)
    assert bpe_tokenizer.decode(before) == "return"
    assert bpe_tokenizer.decode(scored) == "  self"


def test_both_are_encoded_together(bpe_tokenizer: Tokenizer) -> None:
    """ " self" is one token, which " " and "self" would not give."""
    ((_, scored),), _ = token_pairs([("return", " self")], bpe_tokenizer, 50)
    assert scored == bpe_tokenizer.encode("return self")[len(bpe_tokenizer.encode("return")) :]
    ((before, scored),), _ = token_pairs([("", "self")], bpe_tokenizer, 50)
    assert (before, scored) == ([bpe_tokenizer.special.bos], bpe_tokenizer.encode("self"))


def test_choices_of_a_question_are_cut_alike() -> None:
    pairs, cut = token_pairs([("x" * 40, " y"), ("x" * 40, " yyyyyyyyy"), ("short", " y")], ByteTokenizer(), 20)
    assert pairs[0][0] == pairs[1][0] and len(pairs[0][0]) == 11
    assert cut == 2


def test_the_text_of_a_special_token_is_text() -> None:
    ((before, scored),), _ = token_pairs([("<bos>a", "<bos>")], ByteTokenizer(), 50)
    assert [*before, *scored].count(BOS) == 1


@given(st.lists(st.integers(10, 20), max_size=30), st.integers(2, 9))
def test_rolling_windows_score_each_token_once_behind_bos(ids: list[int], length: int) -> None:
    windows = list(rolling_windows(ids, BOS, length))
    assert [token for _, scored in windows for token in scored] == ids
    assert all(before[0] == BOS and len(before) + len(scored) - 1 <= length for before, scored in windows)


def test_answers_are_in_the_order_of_the_requests_and_made_once() -> None:
    scorer, known = Counting(), Remembered()
    asked = instances("loglikelihood", ("a", " b"), ("a", " bc"), ("a", " b"), ("", "b"))
    first = lm(scorer, known=known).loglikelihood(asked)
    assert first == [(-202.0, False), (-302.0, False), (-202.0, False), (-101.0, True)]
    count = len(scorer.asked)
    told: list[tuple[int, int]] = []
    again = lm(scorer, known=known, progress=lambda stage, done, total, unit: told.append((done, total)))
    assert again.loglikelihood([*asked, *instances("loglikelihood", ("new", "x"))])[:4] == first
    assert len(scorer.asked) == count + 1
    assert told == [(4, 5), (5, 5)]
    assert again.loglikelihood_rolling(instances("loglikelihood_rolling", ("b",), ("x" * 40,)))[0] == -101.0


def test_answers_are_written_up_to_the_stops_and_made_once() -> None:
    source, known = Echo(), Remembered()
    made = CodegemLM(None, None, source, known=known, fit=lambda prompt, most: (prompt, most // 2, True))
    asked = instances("generate_until", ("say a", {"until": ["\n", ""], "max_gen_toks": 8}), ("b", {"until": "Q:"}))
    assert made.generate_until(asked) == made.generate_until(asked) == ["A", "B"]
    assert [(request.max_tokens, request.stop) for request in source.asked[:2]] == [(4, ("\n",)), (128, ("Q:",))]
    assert (made.cut, made.lowered) == (4, 4)
    assert len(source.asked) == 2


def test_a_model_without_likelihoods_gives_none() -> None:
    with pytest.raises(ValueError, match="no likelihoods"):
        CodegemLM(None, None).loglikelihood(instances("loglikelihood", ("a", "b")))
    with pytest.raises(ValueError, match="no source"):
        CodegemLM(None, None).generate_until(instances("generate_until", ("a", {})))
