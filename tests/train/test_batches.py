import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from codegem.data.records import TrainingExample
from codegem.text.chat import Turn, render_chat
from codegem.text.fim import Hole, SourceFile, render
from codegem.text.tokenizer import ByteTokenizer
from codegem.train.batches import to_row, training_batches, validation_batches


def example(tokens, segments) -> TrainingExample:
    tokens, segments = np.array(tokens, np.int32), np.array(segments, np.int32)
    return TrainingExample(tokens, segments, np.zeros(len(tokens), np.uint8))


def test_a_row_is_as_documented():
    row = to_row(example([2, 5, 6, 1, 2, 7, 1, 0], [1, 1, 1, 1, 2, 2, 2, 0]))
    assert row["targets"].tolist() == [5, 6, 1, 2, 7, 1, 0, 0]
    assert row["loss_weights"].tolist() == [1, 1, 1, 0, 1, 1, 0, 0]
    assert row["positions"].tolist() == [0, 1, 2, 3, 0, 1, 2, 0]
    kinds = {name: value.dtype for name, value in row.items()}
    assert kinds.pop("loss_weights") == np.float32
    assert set(kinds.values()) == {np.dtype(np.int32)}


@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5), padding=st.integers(0, 4), data=st.data())
def test_every_token_but_the_first_of_a_segment_is_a_target_once(lengths, padding, data):
    segments = np.repeat(np.arange(1, len(lengths) + 1), lengths).tolist() + [0] * padding
    tokens = data.draw(arrays.arrays(np.int32, len(segments), elements=st.integers(1, 99)))
    row = to_row(example(tokens, segments))
    wanted, start = [], 0
    for length in lengths:
        wanted += tokens[start + 1 : start + length].tolist()
        assert row["positions"][start : start + length].tolist() == list(range(length))
        start += length
    assert row["targets"][row["loss_weights"] > 0].tolist() == wanted


SOURCE = [example([index] * 4, [1] * 4) for index in range(10)]


def first_tokens(batches, count: int) -> list[list[int]]:
    return [next(batches)["tokens"][:, 0].tolist() for _ in range(count)]


def test_every_epoch_holds_each_example_once_in_an_order_of_its_own():
    order = np.ravel(first_tokens(training_batches(SOURCE, 4, seed=0), 5)).tolist()
    assert sorted(order[:10]) == sorted(order[10:]) == list(range(10))
    assert order[:10] != order[10:]
    assert order != np.ravel(first_tokens(training_batches(SOURCE, 4, seed=1), 5)).tolist()


def test_an_iterator_goes_on_where_another_was():
    whole = first_tokens(training_batches(SOURCE, 4, seed=0), 9)
    for cut in range(9):
        before, after = training_batches(SOURCE, 4, seed=0), training_batches(SOURCE, 4, seed=0)
        first_tokens(before, cut)
        after.set_state(before.get_state())
        assert first_tokens(after, 9 - cut) == whole[cut:]


def test_validation_is_the_first_examples_in_order_and_rows_that_count_nothing():
    batches = list(validation_batches(SOURCE, 4, limit=6))
    assert [batch["tokens"][:, 0].tolist() for batch in batches] == [[0, 1, 2, 3], [4, 5, 0, 0]]
    assert batches[1]["loss_weights"].sum(axis=1).tolist() == [3, 3, 0, 0]
    assert len(list(validation_batches(SOURCE, 4, limit=99))) == 3
    assert list(validation_batches([], 4, limit=6)) == []


def test_of_a_conversation_the_answers_alone_are_learned():
    """A file and a conversation of two answers in one row: all of the file, and what the model says."""
    tokenizer = ByteTokenizer()
    file = render([SourceFile("a.py", Hole("x", "y", "z"))], tokenizer)
    turns = [Turn("user", "ab"), Turn("model", "c"), Turn("user", "d"), Turn("model", "ef")]
    talk = render_chat(turns, tokenizer)
    tokens, roles = file.tokens + talk.tokens + [0], file.roles + talk.roles + [0]
    segments = [1] * len(file.tokens) + [2] * len(talk.tokens) + [0]
    row = to_row(TrainingExample(np.array(tokens, np.int32), np.array(segments, np.int32), np.array(roles, np.uint8)))
    learned = row["targets"][row["loss_weights"] > 0].tolist()
    done = tokenizer.special.end_of_turn
    assert learned == [*file.tokens[1:], *tokenizer.encode("c"), done, *tokenizer.encode("ef"), done]


def test_a_question_without_an_answer_is_not_learned():
    talk = render_chat([Turn("user", "ab")], ByteTokenizer())
    size = len(talk.tokens)
    row = to_row(
        TrainingExample(np.array(talk.tokens, np.int32), np.ones(size, np.int32), np.array(talk.roles, np.uint8))
    )
    assert not row["loss_weights"].any()


@pytest.mark.parametrize("parts", [[[0, 1], [2, 3]], [[0], [1, 2, 3]], [[0, 2], [1, 3]]])
def test_processes_read_together_what_one_reads_and_go_on_in_another_number(parts):
    whole = first_tokens(training_batches(SOURCE, 4, seed=0), 6)
    readers = [training_batches(SOURCE, 4, seed=0, rows=rows) for rows in parts]
    read = [first_tokens(reader, 4) for reader in readers]
    for number in range(4):
        together = {row: read[part][number][place] for part, rows in enumerate(parts) for place, row in enumerate(rows)}
        assert [together[row] for row in range(4)] == whole[number]
    state = readers[0].get_state()
    assert state == readers[1].get_state()
    alone = training_batches(SOURCE, 4, seed=0)
    alone.set_state(state)
    assert first_tokens(alone, 2) == whole[4:]
    part = training_batches(SOURCE, 4, seed=0, rows=parts[1])
    part.set_state(alone.get_state() | state)
    assert first_tokens(part, 1) == [[whole[4][row] for row in parts[1]]]


def test_processes_are_judged_by_their_rows_of_each_batch():
    batches = list(validation_batches(SOURCE, 4, limit=6, rows=[1, 3]))
    assert [batch["tokens"][:, 0].tolist() for batch in batches] == [[1, 3], [5, 0]]
    assert batches[1]["loss_weights"].sum(axis=1).tolist() == [3, 0]
