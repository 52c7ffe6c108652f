"""Conversations to tokens and back, in the layout of Gemma's instruction-tuned models.

    <bos><start_of_turn>user
    {question}<end_of_turn>
    <start_of_turn>model
    {answer}<end_of_turn>

Roles alternate and begin with the user; the text of a message is stripped. There is no system role: what a
system message says stands at the top of the first question, with an empty line after it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from codegem.text import fim
from codegem.text.fim import Rendered, Role, text_of
from codegem.text.tokenizer import Tokenizer

Speaker = Literal["system", "user", "model"]


@dataclass(frozen=True)
class Turn:
    """One message of a conversation."""

    speaker: Speaker
    text: str


def render_chat(turns: Sequence[Turn], tokenizer: Tokenizer, *, bos: bool = True) -> Rendered:
    """Tokens of a conversation.

    A question's text has the role `QUESTION`; an answer's text, and the `<end_of_turn>` with which a model
    says that it is done, have the role `ANSWER`.

    >>> from codegem.text.tokenizer import ByteTokenizer
    >>> rendered = render_chat([Turn("user", "a"), Turn("model", "b")], ByteTokenizer())
    >>> rendered.tokens[-5:], rendered.roles[-5:]               # e, l, \\n are bytes; 9 is <end_of_turn>
    ([118, 20, 108, 9, 20], [0, 0, 7, 7, 0])

    Raises:
        ValueError: the roles do not alternate, or the first is not the user's.
    """
    tokens, roles = ([tokenizer.special.bos], [int(Role.CONTROL)]) if bos else ([], [])
    for turn in fold_system(turns):
        for role, piece in _pieces(turn, tokenizer):
            ids = tokenizer.encode(piece) if isinstance(piece, str) else [piece]
            tokens += ids
            roles += [int(role)] * len(ids)
    return Rendered(tokens, roles)


def prompt_chat(turns: Sequence[Turn], tokenizer: Tokenizer, *, bos: bool = True) -> list[int]:
    """Tokens that ask for the next answer: `render_chat`, up to where the answer begins.

    Raises:
        ValueError: the roles do not alternate, or the last turn is not a question.
    """
    turns = fold_system(turns)
    if not turns or turns[-1].speaker != "user":
        raise ValueError("a conversation that asks for an answer ends with a question")
    special = tokenizer.special
    asked = render_chat(turns, tokenizer, bos=bos).tokens
    return [*asked, special.start_of_turn, *tokenizer.encode("model\n")]


def parse_chat(tokens: Sequence[int], tokenizer: Tokenizer) -> list[Turn]:
    """The turns that `render_chat` was given, stripped and without a system message of their own.

    Raises:
        ValueError: the tokens are not a conversation.
    """
    special = tokenizer.special
    body = list(tokens[1:] if tokens and tokens[0] == special.bos else tokens)
    turns: list[Turn] = []
    start = 0
    while start < len(body):
        if body[start] != special.start_of_turn or special.end_of_turn not in body[start:]:
            raise ValueError(f"token {start} does not begin a whole turn")
        end = body.index(special.end_of_turn, start)
        speaker, line_break, text = text_of(body[start + 1 : end], tokenizer).partition("\n")
        if not line_break or speaker not in ("user", "model"):
            raise ValueError(f"a turn of {speaker!r}, and not of user or model")
        turns.append(Turn("user" if speaker == "user" else "model", text))
        start = end + 1 + len(between := tokenizer.encode("\n"))
        if body[end + 1 : start] != between:
            raise ValueError("a turn that no line break follows")
    if fold_system(turns) != turns:
        raise ValueError("a message with white space around it")
    return turns


def stop_ids(tokenizer: Tokenizer) -> frozenset[int]:
    """Ids that end an answer: `<end_of_turn>`, and those that end a completion."""
    return fim.stop_ids(tokenizer) | {tokenizer.special.end_of_turn}


def fold_system(turns: Sequence[Turn]) -> list[Turn]:
    """The turns as a model sees them: stripped, and a system message in the first question.

    >>> fold_system([Turn("system", "Be brief."), Turn("user", " Why? ")])
    [Turn(speaker='user', text='Be brief.\\n\\nWhy?')]

    Raises:
        ValueError: the roles do not alternate, or the first is not the user's.
    """
    before = ""
    if turns and turns[0].speaker == "system":
        before, turns = turns[0].text.strip() + "\n\n", turns[1:]
    for number, turn in enumerate(turns):
        wanted = "model" if number % 2 else "user"
        if turn.speaker != wanted:
            raise ValueError(f"turn {number + 1} is of {turn.speaker!r}, and it is the turn of {wanted!r}")
    if before and not turns:
        raise ValueError("a system message without a question")
    stripped = [Turn(turn.speaker, turn.text.strip()) for turn in turns]
    return [Turn("user", (before + stripped[0].text).strip()), *stripped[1:]] if stripped else []


def _pieces(turn: Turn, tokenizer: Tokenizer) -> Iterator[tuple[Role, str | int]]:
    """One turn as (role, text or special id)."""
    special, answers = tokenizer.special, turn.speaker == "model"
    yield Role.CONTROL, special.start_of_turn
    yield Role.CONTROL, turn.speaker + "\n"
    yield Role.ANSWER if answers else Role.QUESTION, turn.text
    yield Role.ANSWER if answers else Role.CONTROL, special.end_of_turn
    yield Role.CONTROL, "\n"
