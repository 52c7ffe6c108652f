"""What a model reads of a request, and whether it can."""

from collections.abc import Sequence

from codegem.errors import UserError
from codegem.generate import Conversation, Infill
from codegem.text import chat, fim
from codegem.text.remembered import remembering
from codegem.text.tokenizer import Tokenizer


def prompt_ids(prompt: str | Infill | Conversation, tokenizer: Tokenizer, order: fim.Order) -> list[int]:
    """The tokens of a prompt, BOS first.

    Args:
        order: the layout of a prompt with a hole.

    Raises:
        UserError: a path of several lines; a conversation whose turns do not alternate, or that does not end with
            a question.
    """
    encoder = remembering(tokenizer)
    if isinstance(prompt, str):
        return [tokenizer.special.bos, *encoder.encode(prompt)]
    try:
        if isinstance(prompt, Conversation):
            return chat.prompt_chat(prompt.turns, tokenizer)
        return fim.prompt(prompt.prefix, prompt.suffix, encoder, path=prompt.path, context=prompt.context, order=order)
    except ValueError as error:
        raise UserError(f"The prompt can't be put to the model: {error}.") from None


def check_ids(prompt: Sequence[int], max_tokens: int, vocabulary: int, context: int) -> None:
    """Nothing, if a model of so many ids and positions can read these tokens and write `max_tokens` after them.

    Raises:
        UserError: it can't.
    """
    if not len(prompt):
        raise UserError("The prompt is empty; give at least one token, such as <bos>.")
    if unknown := [token for token in prompt if not 0 <= token < vocabulary]:
        raise UserError(f"The prompt holds the token id {unknown[0]}; the model knows 0 to {vocabulary - 1}.")
    if len(prompt) + max_tokens > context:
        raise UserError(
            f"The prompt has {len(prompt)} tokens and {max_tokens} more are asked for; together the model "
            f"takes {context}. Shorten the prompt or ask for fewer."
        )
