"""Vocabularies as pieces and scores: the way there and back keeps every id, and SentencePiece agrees."""

import argparse
import inspect
import io
import json
import math
import random
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import codegem
from codegem.checkpoints import pieces
from codegem.checkpoints.pieces import Kind, Piece, from_tokenizer, is_lossless, to_tokenizer
from codegem.errors import UserError
from codegem.text.tokenizer import NAMES, Tokenizer, load_tokenizer

NANO = Path(codegem.__file__).parent / "assets" / "nano"
HARD = [
    "",
    " ",
    "\t",
    "\n",
    "def f(x):\n    return x\n",
    "\tif x:\n\t\t\treturn  1   # two, three\n",
    " " * 31 + "x" + " " * 70 + "\t" * 40 + "\n" * 40,
    "a  b\t c \t\td\n \n  \n",
    "▁ is not ▁▁ a space",
    "<bos><|fim_prefix|><start_of_turn><mask><unused60> [@BOS@] <0x41> <unk>",
    "<table><tr><td>cell</td></tr></table><h1>",
    "naïve café 東京 🧙‍♀️ ﷽ \u0000\u0001\x7f \u2028 ａｂｃ",
    "𐍈𝕏 Straße İ ǅ ﬁ",
    "0123456789 3.14e-10 0xFF",
    "==== ----- ====== ******* ///////",
    "x" * 300,
    "\r\n\r\n\v\f",
]
text = st.text(st.sampled_from("ab_ \t\n.=0é東🧙▁<>|/"), max_size=60) | st.text(max_size=30)


@pytest.fixture(scope="module")
def nano() -> Tokenizer:
    return load_tokenizer(NANO)


@pytest.fixture(scope="module")
def nano_again(nano: Tokenizer) -> Tokenizer:
    return to_tokenizer(from_tokenizer(nano))


def code() -> list[str]:
    modules = (argparse, json, textwrap, random, io)
    return [line for module in modules for line in inspect.getsource(module).splitlines(keepends=True)]


def byte_pieces() -> list[Piece]:
    return [Piece(f"<0x{byte:02X}>", 0.0, Kind.BYTE) for byte in range(256)]


def small(*normal: str | Piece) -> list[Piece]:
    """A vocabulary of special tokens, bytes, and these pieces; a text's score falls with its place."""
    names = [aliases[0] for aliases in NAMES.values()]
    special = [Piece(name, 0.0, Kind.UNKNOWN if name == "<unk>" else Kind.CONTROL) for name in names]
    rest = [
        piece if isinstance(piece, Piece) else Piece(piece, -float(at), Kind.NORMAL) for at, piece in enumerate(normal)
    ]
    return special + byte_pieces() + rest


def words(tokenizer: Tokenizer, string: str) -> list[str]:
    return [tokenizer.decode([token]) for token in tokenizer.encode(string)]


class TestGemma:
    def test_the_way_there_and_back_loses_nothing(self, gemma: Tokenizer):
        there = from_tokenizer(gemma)
        assert len(there) == 256_000 and is_lossless(gemma, there)
        assert there[107] == Piece("<end_of_turn>", there[107].score, Kind.CONTROL)
        assert there[67].text == "<|fim_prefix|>" and there[3].kind is Kind.UNKNOWN and there[2].kind is Kind.CONTROL
        # As in Google's file, where the tab is a byte; the tokenizer.json names it by its character.
        assert there[226].text == "<0x09>" and {piece.text for piece in there[217:473]} == {
            p.text for p in byte_pieces()
        }
        scores = [there[token].score for token in (109, 138, 473, 255_969, 474, 475)]
        assert scores == sorted(scores, reverse=True)

    def test_runs_as_user_defined_pieces_give_the_same_ids_up_to_31(self, gemma: Tokenizer):
        """Google's SentencePiece file finds runs in the text; the tokenizer.json joins them from pairs."""
        there = from_tokenizer(gemma)
        for token, piece in enumerate(there):
            if 109 <= token <= 216 or 255_969 <= token <= 255_998:
                there[token] = piece._replace(kind=Kind.USER_DEFINED)
        again = to_tokenizer(there)
        lines = [line for line in code() if " " * 32 not in line]
        for string in [*lines, *(run * n + "x" for run in (" ", "\t", "\n") for n in range(1, 32))]:
            assert again.encode(string) == gemma.encode(string), string
        longer = [[len(word) for word in words(tokenizer, " " * 38)] for tokenizer in (again, gemma)]
        assert longer == [[31, 7], [16, 22]]
        assert words(again, "<table>") == ["<table>"] != words(gemma, "<table>")


class TestOurOwn:
    def test_nano_gives_the_same_ids(self, nano: Tokenizer, nano_again: Tokenizer):
        assert nano_again.special == nano.special and nano_again.vocab_size == nano.vocab_size
        for string in HARD + code():
            if "▁" not in string:  # which pieces can't tell from a space
                assert nano_again.encode(string) == nano.encode(string), string

    def test_nanos_rules_are_more_than_its_pieces(self, nano: Tokenizer):
        assert not is_lossless(nano, from_tokenizer(nano))

    @given(text.filter(lambda string: "▁" not in string))
    def test_any_text_decodes_to_itself(self, nano_again: Tokenizer, string: str):
        assert nano_again.decode(nano_again.encode(string)) == string

    def test_pieces_of_pieces_are_the_same(self, nano: Tokenizer, nano_again: Tokenizer):
        once = from_tokenizer(nano_again)
        assert is_lossless(nano_again, once) and from_tokenizer(to_tokenizer(once)) == once

    def test_ids_without_a_piece_are_unused(self, bytes_tokenizer: Tokenizer):
        definition = json.loads(json.dumps(dict(bytes_tokenizer.definition)))
        definition["model"]["vocab"]["far"] = 300
        there = from_tokenizer(Tokenizer(definition))
        assert [piece.kind for piece in there[266:]] == [Kind.UNUSED] * 34 + [Kind.NORMAL]
        assert to_tokenizer(there).vocab_size == 301

    def test_a_space_and_its_mark_in_one_vocabulary(self, bytes_tokenizer: Tokenizer):
        definition = json.loads(json.dumps(dict(bytes_tokenizer.definition)))
        definition["model"]["vocab"] |= {" ": 266, "▁": 267}
        with pytest.raises(UserError, match="can't tell apart"):
            from_tokenizer(Tokenizer(definition))


class TestRules:
    def test_the_highest_score_is_joined_first(self):
        assert words(to_tokenizer(small("bc", "ab", "a", "b", "c")), "abc") == ["a", "bc"]
        assert words(to_tokenizer(small("ab", "bc", "a", "b", "c")), "abc") == ["ab", "c"]

    def test_scores_decide_and_not_places(self):
        turned = [Piece("ab", -5.0, Kind.NORMAL), Piece("bc", -1.0, Kind.NORMAL), "a", "b", "c"]
        assert words(to_tokenizer(small(*turned)), "abc") == ["a", "bc"]

    def test_user_defined_pieces_are_found_before_anything_is_joined(self):
        defined = Piece("▁▁", 0.0, Kind.USER_DEFINED)
        pieces_of = to_tokenizer(small("▁▁a", "▁a", "▁", "a", defined))
        assert words(pieces_of, "   a") == ["  ", " a"]

    def test_the_longest_user_defined_piece_is_found(self):
        runs = [Piece("▁" * n, 0.0, Kind.USER_DEFINED) for n in (2, 3, 5)]
        assert [len(word) for word in words(to_tokenizer(small("▁", *runs)), " " * 14)] == [5, 5, 3, 1]

    def test_control_pieces_are_never_found(self):
        mask = Piece("<mask>", 0.0, Kind.USER_DEFINED)  # as Google's file has it
        tokenizer = to_tokenizer(small(mask, "<", "mask", ">"))
        assert len(tokenizer.special.__dict__) == 10
        assert tokenizer.vocab_size - 4 not in tokenizer.encode("<mask><bos>")

    def test_what_has_no_piece_is_spelled_in_bytes(self):
        assert to_tokenizer(small("a")).encode("é") == [10 + byte for byte in "é".encode()]

    def test_unused_pieces_are_not_joined(self):
        assert words(to_tokenizer(small(Piece("ab", 0.0, Kind.UNUSED), "a", "b")), "ab") == ["a", "b"]


class TestDamage:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda p: p.append(Piece("a", 0.0, Kind.NORMAL)), "twice"),
            (lambda p: p.append(Piece("", 0.0, Kind.NORMAL)), "0 characters"),
            (lambda p: p.append(Piece("b", math.nan, Kind.NORMAL)), "finite"),
            (lambda p: p.append(Piece("b" * 257, 0.0, Kind.NORMAL)), "257 characters"),
            (lambda p: p.pop(20), "<0x0A>"),
            (lambda p: p.pop(4), r"<\|fim_prefix\|>"),
        ],
    )
    def test_one_sentence(self, change: Callable[[list[Piece]], object], words: str):
        damaged = small("a")
        change(damaged)
        with pytest.raises(UserError, match=words) as refused:
            to_tokenizer(damaged)
        assert "\n" not in str(refused.value) and str(refused.value).endswith(".")

    def test_too_many_characters(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(pieces, "MOST_CHARACTERS", 1000)
        with pytest.raises(UserError, match="more than 1,000"):
            to_tokenizer(small("a"))


def test_sentencepiece_agrees(tmp_path: Path):
    """A vocabulary trained by SentencePiece itself: the same ids for code, white space and rare characters."""
    spm = pytest.importorskip("sentencepiece")
    control = [aliases[0] for name, aliases in NAMES.items() if name not in ("pad", "eos", "bos", "unk")]
    runs = [mark * n for mark in ("▁", "\t", "\n") for n in range(2, 9)]
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(code()),
        model_prefix=str(tmp_path / "spm"),
        model_type="bpe",
        vocab_size=1500,
        byte_fallback=True,
        split_digits=True,
        split_by_whitespace=True,
        allow_whitespace_only_pieces=True,
        remove_extra_whitespaces=False,
        add_dummy_prefix=False,
        normalization_rule_name="identity",
        control_symbols=control,
        user_defined_symbols=runs,
        pad_id=0,
        eos_id=1,
        bos_id=2,
        unk_id=3,
        pad_piece="<pad>",
        eos_piece="<eos>",
        bos_piece="<bos>",
        minloglevel=2,
    )
    peer = spm.SentencePieceProcessor(model_file=str(tmp_path / "spm.model"))

    def kind(token: int) -> Kind:
        tests = {"IsUnknown": Kind.UNKNOWN, "IsControl": Kind.CONTROL, "IsByte": Kind.BYTE, "IsUnused": Kind.UNUSED}
        found = [known for test, known in tests.items() if getattr(peer, test)(token)]
        return found[0] if found else Kind.USER_DEFINED if peer.IdToPiece(token) in runs else Kind.NORMAL

    ours = to_tokenizer([Piece(peer.IdToPiece(i), peer.GetScore(i), kind(i)) for i in range(peer.GetPieceSize())])
    for string in HARD + code():
        assert ours.encode(string) == peer.encode(string), string
