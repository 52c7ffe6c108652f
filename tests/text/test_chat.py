"""Conversations: rendering and parsing are inverse, text stays text, and an answer begins where a prompt ends."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.text.chat import Turn, fold_system, parse_chat, prompt_chat, render_chat, stop_ids
from codegem.text.fim import Role
from codegem.text.tokenizer import ByteTokenizer, Tokenizer

from .strings import strings

PAD, EOS, BOS, UNK, PREFIX, MIDDLE, SUFFIX, END, TURN, DONE = range(10)


@st.composite
def conversations(draw, system: bool = True) -> list[Turn]:
    """Turns in their order, any number of them."""
    texts = draw(st.lists(strings, max_size=5))
    turns = [Turn("model" if number % 2 else "user", text) for number, text in enumerate(texts)]
    return [Turn("system", draw(strings)), *turns] if system and turns and draw(st.booleans()) else turns


@given(conversations(), st.booleans())
def test_parse_undoes_render(tokenizer: Tokenizer, turns: list[Turn], bos: bool):
    assert parse_chat(render_chat(turns, tokenizer, bos=bos).tokens, tokenizer) == fold_system(turns)


@given(
    st.lists(st.sampled_from([*range(-1, 10), *(10 + byte for byte in b"user\nmodel\n a")]), max_size=16)
    | st.lists(st.sampled_from(["<", "user\n", "model\n", "a", " ", ">", "\n", ">\n<"]), max_size=12).map(
        lambda parts: ids("".join(parts))
    )
)
def test_render_undoes_parse(tokens: list[int]):
    """Whatever `parse_chat` accepts is exactly what `render_chat` makes: anything else is refused."""
    tokenizer = ByteTokenizer()
    try:
        turns = parse_chat(tokens, tokenizer)
    except ValueError:
        return
    assert render_chat(turns, tokenizer, bos=tokens[:1] == [BOS]).tokens == tokens


@given(conversations())
def test_special_tokens_come_from_the_layout_alone(tokenizer: Tokenizer, turns: list[Turn]):
    special = {getattr(tokenizer.special, name) for name in vars(tokenizer.special)}
    found = [token for token in render_chat(turns, tokenizer).tokens if token in special]
    pair = [tokenizer.special.start_of_turn, tokenizer.special.end_of_turn]
    assert found == [tokenizer.special.bos, *pair * len(fold_system(turns))]


@given(conversations(), strings)
def test_a_prompt_begins_what_training_shows(tokenizer: Tokenizer, turns: list[Turn], answer: str):
    asked = turns if turns and turns[-1].speaker == "user" else [*turns, Turn("user", "Why?")]
    if turns and turns[-1].speaker == "system":
        return
    shown = render_chat([*asked, Turn("model", answer)], tokenizer).tokens
    ends = [*tokenizer.encode(answer.strip()), tokenizer.special.end_of_turn, *tokenizer.encode("\n")]
    assert prompt_chat(asked, tokenizer) + ends == shown


@given(conversations())
def test_roles_say_what_is_learned(tokenizer: Tokenizer, turns: list[Turn]):
    rendered = render_chat(turns, tokenizer)
    assert len(rendered.tokens) == len(rendered.roles)

    def of(role: Role) -> list[int]:
        return [token for token, found in zip(rendered.tokens, rendered.roles, strict=True) if found == role]

    texts = fold_system(turns)
    answers = [
        [*tokenizer.encode(turn.text), tokenizer.special.end_of_turn] for turn in texts if turn.speaker == "model"
    ]
    questions = [tokenizer.encode(turn.text) for turn in texts if turn.speaker == "user"]
    assert of(Role.ANSWER) == list(chain.from_iterable(answers))
    assert of(Role.QUESTION) == list(chain.from_iterable(questions))
    assert {*rendered.roles} <= {Role.CONTROL, Role.QUESTION, Role.ANSWER}


def ids(text: str) -> list[int]:
    """Bytes as ids, and ^ < > for <bos>, <start_of_turn> and <end_of_turn>."""
    special = {"^": BOS, "<": TURN, ">": DONE}
    return [special.get(c, 10 + ord(c)) for c in text]


# What Gemma's published template writes for these messages, with ^ < > for its three special tokens.
GOLDEN = [
    ([Turn("user", "Hi")], "^<user\nHi>\n"),
    ([Turn("user", "  Hi \n"), Turn("model", "\n\nHello.  ")], "^<user\nHi>\n<model\nHello.>\n"),
    (
        [Turn("user", "a"), Turn("model", "b"), Turn("user", "c\n\nd")],
        "^<user\na>\n<model\nb>\n<user\nc\n\nd>\n",
    ),
    ([Turn("system", " Be brief. "), Turn("user", " Hi")], "^<user\nBe brief.\n\nHi>\n"),
    ([], "^"),
]


@pytest.mark.parametrize(("turns", "shown"), GOLDEN)
def test_layout(turns: list[Turn], shown: str):
    assert render_chat(turns, ByteTokenizer()).tokens == ids(shown)
    assert render_chat(turns, ByteTokenizer(), bos=False).tokens == ids(shown[1:])
    if turns and turns[-1].speaker == "user":
        assert prompt_chat(turns, ByteTokenizer()) == ids(shown + "<model\n")


@given(conversations())
def test_the_released_vocabulary_sees_the_template(gemma: Tokenizer, turns: list[Turn]):
    """Encoding the template's whole text, cut at special tokens only, gives the same ids."""
    expected = [gemma.special.bos]
    for turn in fold_system(turns):
        inside = gemma.encode(f"{turn.speaker}\n{turn.text}")
        expected += [gemma.special.start_of_turn, *inside, gemma.special.end_of_turn, *gemma.encode("\n")]
    assert render_chat(turns, gemma).tokens == expected


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([Turn("model", "a")], "turn 1 is of 'model'"),
        ([Turn("user", "a"), Turn("user", "b")], "turn 2 is of 'user'"),
        ([Turn("user", "a"), Turn("system", "b")], "turn 2 is of 'system'"),
        ([Turn("system", "a")], "without a question"),
        ([Turn("system", "a"), Turn("model", "b")], "turn 1 is of 'model'"),
    ],
)
def test_roles_out_of_turn_are_refused(turns: list[Turn], reason: str):
    with pytest.raises(ValueError, match=reason):
        render_chat(turns, ByteTokenizer())


@pytest.mark.parametrize("turns", [[], [Turn("user", "a"), Turn("model", "b")]])
def test_a_prompt_ends_with_a_question(turns: list[Turn]):
    with pytest.raises(ValueError, match="ends with a question"):
        prompt_chat(turns, ByteTokenizer())


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [
        (ids("^user\na>\n"), "does not begin a whole turn"),
        (ids("^<user\na"), "does not begin a whole turn"),
        (ids("^<user\na>"), "no line break follows"),
        (ids("^<user\na><model\nb>\n"), "no line break follows"),
        (ids("^<system\na>\n"), "a turn of 'system'"),
        (ids("^<user>\n"), "a turn of 'user'"),
        (ids("^<model\na>\n"), "turn 1 is of 'model'"),
        (ids("^<user\n a>\n"), "white space"),
        ([*ids("^<user\na"), END, *ids(">\n")], "id 7 stands for no text"),
    ],
)
def test_malformed_conversations_are_refused(tokens: list[int], reason: str):
    with pytest.raises(ValueError, match=reason):
        parse_chat(tokens, ByteTokenizer())


def test_stop_ids():
    assert stop_ids(ByteTokenizer()) == {EOS, PREFIX, MIDDLE, SUFFIX, END, DONE}
