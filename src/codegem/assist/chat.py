"""Conversations: what a person and the programs between them send, as the turns that a model answers.

    system      what holds for the whole conversation, and attached files, on top of the first question
    user        questions; several in a row are one turn, as clients that send code and question apart mean them
    model       answers; OpenAI's word for it is "assistant"

A conversation that has grown too long loses its oldest exchanges, never the system's words or the last question.
It loses a quarter of the room at a time, so that the next questions begin as this one did and what the engine has
read of them is used again.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from codegem.assist.attachments import Attachment, attach
from codegem.assist.attribution import copies_in
from codegem.assist.context import Window
from codegem.errors import UserError
from codegem.generate import Conversation, Request, StopReason, TextSource, Usage, never
from codegem.text import chat
from codegem.text.chat import Speaker, Turn

if TYPE_CHECKING:
    from codegem.data.tracing.index import Copy, TraceIndex

CHAT_MODELS = ("google/codegemma-7b-it", "google/codegemma-1.1-7b-it")
_SPEAKERS: Mapping[str, Speaker] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "model": "model",
    "assistant": "model",
}
# What is left for an answer whose length nobody has asked for: at most so many tokens, or a quarter of the window.
_ANSWER, _SHARE = 1024, 4
_STEPS = 4  # a conversation loses a multiple of this part of the room


@dataclass(frozen=True)
class ChatSettings:
    """How to answer; `codegem.generate.Request` says what each means.

    Attributes:
        max_tokens: None is all that the window has left, and at least a quarter of it or 1,024 tokens.
    """

    max_tokens: int | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChatPlan:
    """What to ask a model.

    Attributes:
        request: for a `TextSource`.
        dropped: how many of the oldest exchanges, a question and its answer, are left out.
        notes: for the person, a sentence for each thing that was left out.
    """

    request: Request
    dropped: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a model said, what was left out of what it was told, and what of it stands in a corpus."""

    text: str
    stop_reason: StopReason
    tokens: int
    notes: tuple[str, ...] = ()
    usage: Usage | None = None
    copies: "tuple[Copy, ...]" = ()


def require_chat(can_chat: bool, name: str) -> None:
    """Raise a UserError that says what to load where a model was not tuned to chat."""
    if not can_chat:
        raise UserError(
            f"{name} was trained to complete code and not to chat; load a model that was tuned for it, such as "
            f"{' or '.join(CHAT_MODELS)}, or one that you tuned on conversations."
        )


def turns_of(messages: Sequence[Mapping[str, Any]]) -> tuple[Turn, ...]:
    """Messages as OpenAI and Ollama have them, as turns; `plan_chat` checks and joins them.

    A message's content is text, or a list of parts of text.

    >>> turns_of([{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}])
    (Turn(speaker='user', text='Why?'), Turn(speaker='model', text='Because.'))

    Raises:
        UserError: a message has a role or content of another kind.
    """
    return tuple(_turn(number, message) for number, message in enumerate(messages, start=1))


def plan_chat(
    turns: Sequence[Turn],
    window: Window,
    settings: ChatSettings = ChatSettings(),
    *,
    files: Sequence[Attachment] = (),
    cancelled: Callable[[], bool] = never,
) -> ChatPlan:
    """The request that asks for the next answer.

    Args:
        turns: the whole conversation; the last is a question.
        window: how much the model reads.
        files: brought along, in fenced blocks under their paths; one that is too long is cut.

    Raises:
        UserError: there is no question at the end, or it does not fit beside the system's words and an answer.
    """
    system, spoken = _arranged(turns)
    reserved = min(_ANSWER, window.length // _SHARE) if settings.max_tokens is None else settings.max_tokens
    if reserved >= window.length:
        raise UserError(
            f"{reserved} tokens are asked for and the model takes {window.length}, prompt included; ask for fewer."
        )
    attached, notes = attach(files, window.tokenizer, (window.length - reserved) // 2)
    system = "\n\n".join(part for part in (system, attached) if part)
    kept, size = _fit(system, spoken, window, window.length - reserved)
    dropped = (len(spoken) - len(kept)) // 2
    request = Request(
        Conversation(tuple(kept)),
        max_tokens=window.length - size if settings.max_tokens is None else settings.max_tokens,
        stop=settings.stop,
        temperature=settings.temperature,
        top_p=settings.top_p,
        top_k=settings.top_k,
        seed=settings.seed,
        cancelled=cancelled,
    )
    return ChatPlan(request, dropped, (*notes, *_told(dropped)))


def converse(
    source: TextSource,
    plan: ChatPlan,
    on_text: Callable[[str], object] = lambda text: None,
    index: "TraceIndex | None" = None,
) -> Answer:
    """The answer to a plan.

    Args:
        on_text: gets each part of the answer as it comes; when it returns False the answer ends there.
        index: of a corpus that copies are looked for in.

    Raises:
        UserError: a setting is out of range.
    """
    parts: list[str] = []
    tokens, reason, usage = 0, StopReason.CANCELLED, None
    with closing(source.generate([plan.request])) as chunks:
        for chunk in chunks:
            parts.append(chunk.text)
            tokens, usage = tokens + chunk.tokens, chunk.usage or usage
            reason = chunk.stop_reason or reason
            if chunk.text and on_text(chunk.text) is False:
                break
    text = "".join(parts)
    return Answer(text, reason, tokens, plan.notes, usage, copies_in(text, index) if index else ())


def _turn(number: int, message: Mapping[str, Any]) -> Turn:
    if not isinstance(message, Mapping):
        raise UserError(f"Message {number} is {message!r:.80}, and no object with a role and content.")
    speaker = _SPEAKERS.get(role) if isinstance(role := message.get("role"), str) else None
    if speaker is None:
        raise UserError(f"Message {number} has the role {role!r:.80}; it must be system, user or assistant.")
    return Turn(speaker, _text(number, message.get("content")))


def _text(number: int, content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        parts = [part for part in content if isinstance(part, Mapping) and part.get("type") == "text"]
        texts = [text for part in parts if isinstance(text := part.get("text"), str)]
        if len(texts) == len(content):
            return "\n\n".join(texts)
    raise UserError(f"The content of message {number} is {content!r:.80}; it must be text, or a list of parts of text.")


def _arranged(turns: Sequence[Turn]) -> tuple[str, list[Turn]]:
    """The system's words, and turns that alternate and begin and end with a question.

    A word of the system in the middle holds from there on, so it stands before the question that follows. An answer
    before any question, such as a client's greeting, is left out.
    """
    first = next((number for number, turn in enumerate(turns) if turn.speaker != "system"), len(turns))
    system = "\n\n".join(text for turn in turns[:first] if (text := turn.text.strip()))
    spoken: list[Turn] = []
    for turn in turns[first:]:
        turn = Turn("user" if turn.speaker == "system" else turn.speaker, turn.text.strip())
        if spoken and spoken[-1].speaker == turn.speaker:
            spoken[-1] = replace(turn, text="\n\n".join(text for text in (spoken[-1].text, turn.text) if text))
        elif spoken or turn.speaker == "user":
            spoken.append(turn)
    if not spoken or spoken[-1].speaker != "user":
        wrong = "ends with an answer" if spoken else "has no question"
        raise UserError(f"The conversation {wrong}; its last message must be the user's, for the model to answer.")
    return system, spoken


def _fit(system: str, spoken: Sequence[Turn], window: Window, room: int) -> tuple[list[Turn], int]:
    """The turns that are kept, the system's words among them, and their tokens."""
    encode = window.tokenizer.encode
    sizes = [len(encode(turn.text)) for turn in spoken]
    around = max(len(encode("user\n")), len(encode("model\n"))) + len(encode("\n")) + 2
    whole = sum(sizes) + around * (len(sizes) + 1) + len(encode(system + "\n\n")) + 1
    step = max(1, room // _STEPS)
    excess = -(-max(0, whole - room) // step) * step
    dropped = cut = 0
    while cut < excess and dropped + 2 < len(spoken):
        cut += sizes[dropped] + sizes[dropped + 1] + 2 * around
        dropped += 2
    while True:
        kept = chat.fold_system([*([Turn("system", system)] if system else []), *spoken[dropped:]])
        size = len(chat.prompt_chat(kept, window.tokenizer))
        if size <= room:
            return kept, size
        if dropped + 1 == len(spoken):
            raise UserError(
                f"The question has {size} tokens with what belongs to it, and there is room for {room} of the "
                f"{window.length} that the model takes, its answer included; shorten it or ask for a shorter answer."
            )
        dropped += 2  # the system's words may make a few tokens more before another question


def _told(dropped: int) -> tuple[str, ...]:
    if not dropped:
        return ()
    first = "first question and its answer were" if dropped == 1 else f"first {dropped} questions and answers were"
    return (f"The {first} left out: the conversation is longer than what the model reads.",)
