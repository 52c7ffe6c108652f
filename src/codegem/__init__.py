"""codegem: an open, independent implementation of CodeGemma in Python and JAX.

    import codegem

    model = codegem.load("nano")
    done = model.complete("def add(a, b):\\n    ", "\\n\\nprint(add(1, 2))\\n", path="add.py")
    print(done.text, done.stop_reason)

This module is the public face. It imports nothing heavy until a model is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codegem.errors import UsageError, UserError

if TYPE_CHECKING:
    import numpy as np

    from codegem.assist.chat import Answer
    from codegem.assist.completion import Completion
    from codegem.assist.context import Window
    from codegem.data.tracing.index import TraceIndex
    from codegem.inference.engine import Engine
    from codegem.text.fim import Order

__version__ = "0.1.0"

__all__ = ["Model", "UsageError", "UserError", "load", "models"]


class Model:
    """A model that is ready to write; made by `load`.

    Attributes:
        name: as it was asked for.
        engine: fulfils `codegem.generate.TextSource`.
        can_chat: whether it was tuned to answer questions; every model completes code.
        index: of a corpus, by which it is told where what the model wrote stands; None tells nothing.
    """

    def __init__(self, name: str, engine: Engine, can_chat: bool = False, index: TraceIndex | None = None):
        self.name = name
        self.engine = engine
        self.can_chat = can_chat
        self.index = index

    @property
    def parameters(self) -> int:
        """Number of parameters, the tied embedding counted once."""
        return self.engine.model.config.parameters

    @property
    def window(self) -> Window:
        """How much code the model reads."""
        from codegem.assist.context import Window

        return Window(self.engine.tokenizer, self.engine.context_length)

    def complete(
        self,
        prefix: str,
        suffix: str = "",
        *,
        path: str | None = None,
        context: Sequence[tuple[str, str]] = (),
        max_tokens: int = 64,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        on_text: Callable[[str], object] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Completion:
        """What fits between `prefix` and `suffix`.

        Args:
            path: of the file, relative to its repository; recommended.
            context: other files as (path, text), the nearest to the cursor last.
            temperature: 0 takes the likeliest token each time; else tokens are sampled from the likeliest
                that together have probability `top_p`, the same ones for the same `seed`.
            on_text: gets each part of the text as soon as it is sure to be shown; returning False cancels.
            cancelled: asked while the work goes on, also while the prompt is read; True ends it within a token.

        Returns:
            Completion: `text`, `stop_reason` (stop, length, cancelled or copied), `tokens` (how many), `timings`
            (`first_token` and `total`, in seconds) and, of a model with an index, `copies`. Code that the model can't
            hold is cut far from the hole.

        Raises:
            UserError: an argument is out of range.
        """
        from codegem.assist.completion import Settings, complete
        from codegem.generate import Infill, never

        return complete(
            self.engine,
            self.window,
            Infill(prefix, suffix, path, tuple(context)),
            Settings(max_tokens, temperature, top_p, seed),
            on_text,
            cancelled or never,
            self.index,
        )

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        files: Sequence[tuple[str, str]] = (),
        max_tokens: int | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        seed: int = 0,
        stop: Sequence[str] = (),
        on_text: Callable[[str], object] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Answer:
        """The next answer of a conversation.

        Args:
            messages: each a `role` (system, user or assistant) and its `content`; the last is the user's.
            files: brought along, as (path, text).
            max_tokens: default all that the model has room for.
            on_text: gets the answer's text as it comes; returning False ends it.
            stop: strings before which the answer ends.

        Returns:
            Answer: `text`, `stop_reason`, `tokens` (how many), `copies` of a model with an index, and `notes` about
            what did not fit: the oldest questions are left out of a conversation that is longer than what the model
            reads.

        Raises:
            UserError: the model was not tuned to chat, a message is wrong, or an argument is out of range.
        """
        from codegem.assist.attachments import Attachment
        from codegem.assist.chat import ChatSettings, converse, plan_chat, require_chat, turns_of
        from codegem.generate import never

        require_chat(self.can_chat, self.name)
        settings = ChatSettings(max_tokens, temperature, top_p, top_k, seed, tuple(stop))
        attached = [Attachment(path, text) for path, text in files]
        plan = plan_chat(turns_of(messages), self.window, settings, files=attached, cancelled=cancelled or never)
        return converse(self.engine, plan, on_text or (lambda text: None), self.index)

    def generate(
        self,
        ids: Sequence[int],
        max_tokens: int = 64,
        *,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> Iterator[int]:
        """Token ids after `ids` as they are made, up to a stop id or `max_tokens`; no BOS is added.

        Ids are held to no `longest_copy`.

        Raises:
            UserError: `ids` is empty, holds an unknown id, or leaves no room for `max_tokens`.
        """
        from codegem.inference.sampling import sampler
        from codegem.text.fim import stop_ids

        return self.engine.stream(
            ids,
            max_tokens=max_tokens,
            choose=sampler(temperature, top_p, seed),
            stop_ids=stop_ids(self.engine.tokenizer),
        )

    def logits(self, ids: Sequence[int]) -> np.ndarray:
        """Float32 logits [T, V] of the token after each of T ids; no BOS is added.

        Raises:
            UserError: `ids` is empty, too long, or holds an unknown id.
        """
        return self.engine.logits(ids)


def load(
    name_or_path: str | Path = "nano",
    *,
    order: Order | None = None,
    bits: int | None = None,
    trace: str | Path | TraceIndex | None = None,
    longest_copy: int | None = None,
) -> Model:
    """A model by name, ready to write.

    Args:
        name_or_path: "nano", which ships in the package; a directory as Hugging Face, `codegem quantize` or Kaggle
            (Flax) lay it out; a .gguf file; or a hub id such as google/codegemma-2b, which is fetched once.
        order: the layout of prompts with a hole; default the model's own, PSM where it names none.
        bits: 8 or 4 quantizes the weights on loading.
        trace: an index of a corpus (`codegem trace build`), by which answers tell where they stand in it.
        longest_copy: how many tokens of one source of that corpus a text may repeat; it ends before it shows more.

    Raises:
        UserError: there is no such model or index, a file is absent or damaged, or the hub gives it not.
    """
    from codegem.compilation import enable_compilation_cache

    enable_compilation_cache()

    from codegem.assist.attribution import open_index
    from codegem.checkpoints.open import open_model
    from codegem.inference.engine import Engine
    from codegem.model.fused import fuse

    index, copies = open_index(trace, longest_copy)
    opened = open_model(name_or_path, bits=bits)
    name = str(name_or_path)
    engine = Engine(fuse(opened.model), opened.tokenizer, name=name, order=order or opened.order, copies=copies)
    return Model(name, engine, opened.chats, index)


def models(places: Sequence[str | Path] = ()) -> list[dict[str, Any]]:
    """The models at hand: that ship, in codegem's `models` folder, in the hub's cache, and in `places`.

    Returns:
        For each its `name`, by which `load` finds it, `format`, `weights` (type or bits), `parameters`,
        `bytes` on disk, `context_length` and `directory` (or file).
    """
    from codegem.checkpoints.listing import list_models

    return list_models(places)
