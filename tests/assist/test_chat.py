"""Conversations as a model is asked to go on with them."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegem.assist.attachments import Attachment
from codegem.assist.chat import ChatPlan, ChatSettings, converse, plan_chat, require_chat, turns_of
from codegem.assist.context import Window
from codegem.errors import UserError
from codegem.generate import Chunk, Conversation, StopReason, Usage
from codegem.text import chat
from codegem.text.chat import Turn
from codegem.text.tokenizer import ByteTokenizer, Tokenizer

WINDOW = Window(ByteTokenizer(), 400)


def said(plan: ChatPlan) -> list[tuple[str, str]]:
    assert isinstance(plan.request.prompt, Conversation)
    return [(turn.speaker, turn.text) for turn in plan.request.prompt.turns]


def exchanges(count: int, size: int = 20) -> list[Turn]:
    """Questions and answers of about `size` characters, and a last question."""
    turns = [Turn("model" if n % 2 else "user", f"{n}".ljust(size, ".")) for n in range(2 * count)]
    return [*turns, Turn("user", "last")]


def messages(*rows: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"role": role, "content": content} for role, content in rows]


class TestMessages:
    def test_each_role(self):
        found = turns_of(
            messages(("system", "a"), ("developer", "b"), ("user", "c"), ("assistant", "d"), ("model", "e"))
        )
        assert [turn.speaker for turn in found] == ["system", "system", "user", "model", "model"]

    def test_parts_of_text(self):
        parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
        assert turns_of(messages(("user", parts))) == (Turn("user", "one\n\ntwo"),)

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"role": "tool", "content": "a"}, "Message 1 has the role 'tool'; it must be system, user or assistant"),
            ({"role": ["user"], "content": "a"}, "has the role"),
            ({"content": "a"}, "has the role None"),
            ({"role": "user"}, "The content of message 1 is None"),
            ({"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}, "it must be text, or a list"),
            ({"role": "user", "content": [{"type": "text", "text": 3}]}, "it must be text"),
            ("hello", "Message 1 is 'hello', and no object"),
        ],
    )
    def test_what_is_none(self, wrong: Any, sentence: str):
        with pytest.raises(UserError, match=sentence):
            turns_of([wrong])


class TestTurns:
    def test_the_systems_words_stand_in_the_first_question(self):
        plan = plan_chat([Turn("system", " Be brief. "), Turn("user", "Why?")], WINDOW)
        assert said(plan) == [("user", "Be brief.\n\nWhy?")]

    def test_several_system_messages_are_one(self):
        plan = plan_chat([Turn("system", "a"), Turn("system", ""), Turn("system", "b"), Turn("user", "c")], WINDOW)
        assert said(plan) == [("user", "a\n\nb\n\nc")]

    def test_a_system_message_in_the_middle_stands_before_the_next_question(self):
        turns = [Turn("user", "a"), Turn("model", "b"), Turn("system", "c"), Turn("user", "d")]
        assert said(plan_chat(turns, WINDOW)) == [("user", "a"), ("model", "b"), ("user", "c\n\nd")]

    def test_questions_in_a_row_are_one(self):
        turns = [Turn("user", "a"), Turn("user", "b"), Turn("model", "c"), Turn("model", "d"), Turn("user", "e")]
        assert said(plan_chat(turns, WINDOW)) == [("user", "a\n\nb"), ("model", "c\n\nd"), ("user", "e")]

    def test_a_greeting_is_left_out(self):
        assert said(plan_chat([Turn("model", "Hello!"), Turn("user", "a")], WINDOW)) == [("user", "a")]

    @pytest.mark.parametrize(
        ("turns", "sentence"),
        [
            ([], "has no question"),
            ([Turn("system", "a")], "has no question"),
            ([Turn("model", "a")], "has no question"),
            ([Turn("user", "a"), Turn("model", "b")], "ends with an answer; its last message must be the user's"),
        ],
    )
    def test_a_conversation_asks_something(self, turns: list[Turn], sentence: str):
        with pytest.raises(UserError, match=sentence):
            plan_chat(turns, WINDOW)


class TestLength:
    def test_an_answer_gets_what_is_left(self):
        plan = plan_chat([Turn("user", "a")], WINDOW)
        assert plan.request.max_tokens + len(chat.prompt_chat([Turn("user", "a")], ByteTokenizer())) == WINDOW.length

    def test_the_oldest_exchanges_go(self):
        plan = plan_chat([Turn("system", "Be brief."), *exchanges(12)], WINDOW, ChatSettings(max_tokens=50))
        kept = said(plan)
        assert kept[0][1].startswith("Be brief.\n\n") and kept[-1] == ("user", "last")
        assert plan.dropped == (25 - len(kept)) // 2 > 0
        assert plan.notes == (f"The first {plan.dropped} questions and answers were left out: the conversation is longer "  # noqa: E501
                              "than what the model reads.",)  # fmt: skip

    def test_they_go_several_at_a_time(self):
        """So that the beginning of the next question is that of this one, which the engine has read."""
        window = Window(ByteTokenizer(), 1000)
        dropped = [plan_chat(exchanges(n), window, ChatSettings(max_tokens=20)).dropped for n in range(2, 60)]
        steps = [b - a for a, b in pairwise(dropped) if b > a]
        assert steps and min(steps) > 1

    def test_a_question_that_is_too_long(self):
        with pytest.raises(UserError, match=r"The question has 5\d\d tokens .* room for 380 of the 400"):
            plan_chat([Turn("user", "x" * 500)], WINDOW, ChatSettings(max_tokens=20))

    def test_an_answer_that_leaves_no_room(self):
        with pytest.raises(UserError, match="400 tokens are asked for and the model takes 400"):
            plan_chat([Turn("user", "x")], WINDOW, ChatSettings(max_tokens=400))

    @settings(max_examples=30)
    @given(st.lists(st.tuples(st.sampled_from(["system", "user", "model"]), st.text(max_size=60)), max_size=20))
    def test_what_is_planned_fits_and_alternates(self, rows: list[tuple[Any, str]]):
        try:
            plan = plan_chat([Turn(*row) for row in rows], WINDOW, ChatSettings(max_tokens=30))
        except UserError:
            return
        assert isinstance(plan.request.prompt, Conversation)
        turns = plan.request.prompt.turns
        assert [turn.speaker for turn in turns] == ["model" if n % 2 else "user" for n in range(len(turns))]
        assert len(chat.prompt_chat(turns, WINDOW.tokenizer)) + 30 <= WINDOW.length


class TestFiles:
    def test_a_file_stands_in_a_block_under_its_path(self):
        plan = plan_chat([Turn("user", "Why?")], WINDOW, files=[Attachment("a/b.py", "x = 1\n")])
        assert said(plan) == [("user", "`a/b.py`\n```python\nx = 1\n```\n\nWhy?")]

    def test_files_stay_when_exchanges_go(self):
        plan = plan_chat(exchanges(10), WINDOW, ChatSettings(max_tokens=20), files=[Attachment("b.go", "package b\n")])
        assert plan.dropped and said(plan)[0][1].startswith("`b.go`\n```go\npackage b\n```\n\n")

    def test_a_long_file_is_cut_and_said_to_be(self, bpe_tokenizer: Tokenizer):
        window = Window(bpe_tokenizer, 300)
        files = [Attachment("long.py", "x = 1\n" * 1000), Attachment("short.py", "y = 2\n")]
        plan = plan_chat([Turn("user", "Why?")], window, ChatSettings(max_tokens=50), files=files)
        text = said(plan)[0][1]
        assert "y = 2" in text and 1 < text.count("x = 1") < 100
        assert "long.py is cut after" in plan.notes[0] and len(plan.notes) == 1

    def test_a_fence_is_longer_than_those_in_the_file(self):
        plan = plan_chat([Turn("user", "?")], WINDOW, files=[Attachment("a.md", "```\nx\n```\n")])
        assert "`a.md`\n````markdown\n```\nx\n```\n````" in said(plan)[0][1]


def test_a_model_that_only_completes_says_what_to_load():
    require_chat(True, "mine")
    with pytest.raises(UserError, match=r"nano was trained .* not to chat; load .*codegemma-7b-it"):
        require_chat(False, "nano")


class Source:
    """Says three words and remembers what it was asked."""

    name = "words"

    def generate(self, requests):
        self.asked = requests
        yield Chunk(0, "one ", 1)
        yield Chunk(0, "two ", 1)
        yield Chunk(0, "three", 1, StopReason.STOP, usage=Usage(prompt_tokens=7))


class TestConverse:
    def test_an_answer(self):
        source, heard = Source(), []
        answer = converse(source, plan_chat([Turn("user", "a")], WINDOW, ChatSettings(seed=3, top_k=5)), heard.append)
        assert (answer.text, answer.stop_reason, answer.tokens) == ("one two three", StopReason.STOP, 3)
        assert heard == ["one ", "two ", "three"] and answer.usage == Usage(prompt_tokens=7)
        assert (source.asked[0].seed, source.asked[0].top_k) == (3, 5)

    def test_nobody_wants_the_rest(self):
        answer = converse(Source(), plan_chat([Turn("user", "a")], WINDOW), lambda text: text != "two ")
        assert (answer.text, answer.stop_reason) == ("one two ", StopReason.CANCELLED)
