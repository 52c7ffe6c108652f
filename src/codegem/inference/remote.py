"""Text from a model behind any server that speaks OpenAI's completions API: codegem's own, llama.cpp, vLLM, Ollama.

A hole is laid out as CodeGemma's text, by `text.fim`, and the server's tokenizer makes tokens of it and puts BOS
before it; a server of another family of models may have a `suffix` field for it. As special tokens travel by name,
`<|fim_prefix|>` in somebody's source code becomes the token here, unlike in the engine. A server of codegem's own gets
the hole as it is and lays it out itself.

What is passing (a server that is busy, loading or restarted) is tried again. An answer that broke off is never given
as a whole one: its request is lost, and `SourceError` says so at the end.
"""

import json
import os
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import get_args

from codegem.errors import UserError
from codegem.generate import Chunk, Conversation, Infill, Request, StopReason, Usage
from codegem.inference.remote_events import MOST_LINE_BYTES, Part, parts
from codegem.inference.remote_http import CONNECT_SECONDS, Exchange, Lost, parse_address
from codegem.inference.remote_payload import CODEGEM, LLAMA, Layout, path_of, payload
from codegem.inference.remote_work import Work, back_off
from codegem.inference.settings import check_settings
from codegem.inference.stop_strings import StopStrings
from codegem.text.tokenizer import NAMES

KEY = "CODEGEM_API_KEY"

# Tokens that end a text for the engine, by the names that a server prints if it prints them.
_ENDS = tuple(
    name for field in ("eos", "fim_prefix", "fim_middle", "fim_suffix", "file_separator") for name in NAMES[field]
)
_REASONS = {"stop": StopReason.STOP, "length": StopReason.LENGTH}
_OWN_REASONS = {
    **_REASONS,
    "content_filter": StopReason.COPIED,
}  # of a codegem server; elsewhere it says something else
_TOKEN_CHARACTERS = 1024  # more than any token of a vocabulary has
_TAIL_SECONDS = 5.0  # for what comes after the end of a text: only its number of tokens
_FEWEST_STOPS = 4  # as many stop strings as each server takes


def is_address(model: str) -> bool:
    """Whether a model's name is the address of a server.

    >>> is_address("http://127.0.0.1:8080/v1"), is_address("google/codegemma-2b")
    (True, False)
    """
    return "://" in model


class RemoteModel:
    """Fulfils `codegem.generate.TextSource` by a server.

    Args:
        address: such as http://127.0.0.1:8080/v1 for the server's first model, or with #name for a named one. A key
            is taken from the environment variable CODEGEM_API_KEY.
        parallel: how many requests are with the server at once.
        layout: of prompts with a hole: CodeGemma's text in one of `text.fim`'s orders, or "suffix" for the field of
            that name, which has no place for the path and other files. A codegem server lays holes out as its model
            wants them.
        timeout: seconds that an answer may stand still; a long prompt takes its time.
        retries: how often what is passing is tried again, waiting longer each time.

    Attributes:
        name: for reports: the model and where it is.

    Raises:
        UserError: there is no such server, it refuses, or an argument is out of range.
    """

    def __init__(
        self,
        address: str,
        *,
        parallel: int = 4,
        layout: Layout = "psm",
        timeout: float = 300.0,
        retries: int = 5,
    ):
        if not 1 <= parallel <= 256:
            raise UserError(f"{parallel} requests at once are asked for; it must be from 1 to 256.")
        if layout not in get_args(Layout):
            raise UserError(f"The layout is {layout!r}; it must be one of {', '.join(get_args(Layout))}.")
        if not timeout > 0:
            raise UserError(f"The timeout is {timeout} seconds; it must be above 0.")
        self._address = parse_address(address)
        self._layout: Layout = layout
        self._parallel, self._timeout, self._retries = parallel, timeout, retries
        self._headers, self._key = _headers()
        self._model, self._server = self._choose_model()
        # llama.cpp never sends what may begin a stop string once max_tokens is reached; they are found here as well.
        self._most_stops = 0 if self._server == LLAMA else None
        # codegem ends a text there itself, and has them in a text only as somebody's words.
        self._ends = () if self._server == CODEGEM else _ENDS
        self.name = f"{_short(self._model)} at {self._address.url}"

    def generate(self, requests: Sequence[Request]) -> Generator[Chunk]:
        """Chunks of several requests at once; `TextSource` says the rest.

        Raises:
            SourceError: after all others are answered, or once the server is gone: which requests were lost, and why.
        """
        for request in requests:
            _check(request, self._server, self._layout)
        work = Work(requests, self._answer, self._connect, self._told, self._parallel, self._retries)
        try:
            yield from work.chunks()
        finally:
            work.stop()

    def _connect(self) -> Exchange:
        return Exchange(self._address, self._headers, self._timeout)

    def _answer(self, index: int, request: Request, exchange: Exchange) -> Iterator[Chunk]:
        """The chunks of one answer; raises `Lost`."""
        if not request.max_tokens and self._server not in (CODEGEM, LLAMA):
            yield Chunk(index, "", 0, StopReason.LENGTH)  # other servers refuse to read without writing
            return
        asked = payload(request, self._server, self._model, self._layout, self._most_stops)
        try:
            body = exchange.send("POST", path_of(request), asked)
            events = parts(body, chat=isinstance(request.prompt, Conversation))
            reasons = _OWN_REASONS if self._server == CODEGEM else _REASONS
            yield from _chunks(index, request, events, exchange, self._ends, reasons)
        except Lost as lost:
            # OpenAI's own API takes four stop strings; the others are found here in any case.
            if lost.status in (400, 422) and len(asked["stop"]) > _FEWEST_STOPS and "stop" in str(lost).lower():
                self._most_stops = _FEWEST_STOPS
                lost.passing = True
            raise

    def _choose_model(self) -> tuple[str, str]:
        """The names of the model and of the program that serves it, "" where that is not known."""
        try:
            listed = self._listed()
        except Lost as lost:
            if not self._address.model or lost.status in (0, 401, 403):
                raise UserError(self._told(lost)) from None
            listed = {}  # some servers keep no list
        name = self._address.model or next(iter(listed), "")
        if not name:
            raise UserError(f"The server at {self._address.url} has no model; start it with one.")
        return name, listed.get(name, "")

    def _listed(self) -> dict[str, str]:
        """Names of the server's models and who the server says owns them, which is its own name."""
        for attempt in range(self._retries + 1):
            try:
                with closing(self._connect()) as exchange, exchange.within(min(CONNECT_SECONDS, self._timeout)):
                    return _read_models(exchange.send("GET", "/models"))
            except Lost as lost:
                # A server that is loading its model says 503; one that is absent will not come by waiting.
                if not (lost.passing and lost.status) or attempt == self._retries:
                    raise
                time.sleep(back_off(attempt, lost))
        raise AssertionError

    def _told(self, lost: Lost) -> str:
        """What happened, in a sentence that holds no key."""
        reason = str(lost).replace(self._key, "***") if self._key else str(lost)
        hint = {
            401: f" Put the key into the environment variable {KEY}.",
            403: f" Put a key that may use this model into the environment variable {KEY}.",
            404: " Is the address right, and the model's name after #? It mostly ends in /v1.",
        }.get(lost.status, "" if lost.status else " Is it running, and is the address right?")
        return f"The server at {self._address.url} gave no answer: {reason.rstrip('.')}.{hint}"


def _chunks(
    index: int,
    request: Request,
    answer: Iterator[Part],
    exchange: Exchange,
    ends: tuple[str, ...],
    reasons: Mapping[str, StopReason],
) -> Iterator[Chunk]:
    """An answer's parts as chunks, up to the first stop string or the name of a token that ends it.

    Args:
        reasons: why a text ended, by the server's word for it.
    """
    stops, made, counted, ended = StopStrings((*request.stop, *ends)), 0, 0, ""
    usage: Usage | None = None
    room = _TOKEN_CHARACTERS * (request.max_tokens + 64)
    try:
        for part in answer:
            counted, usage = part.tokens or counted, part.usage or usage
            if part.text in ends and not ended:
                yield Chunk(index, stops.flush(), 0, StopReason.STOP)
                return
            if part.text and not ended:
                exchange.progress()
                made, room = made + 1, room - len(part.text)
                if room < 0:
                    raise Lost(f"it went on long after {request.max_tokens} tokens")
                text = stops.push(part.text)
                yield Chunk(index, text, 1, StopReason.STOP if stops.found else None, part.probabilities)
                if stops.found:
                    return
            if part.reason and not ended:
                exchange.progress()
                ended, exchange.silence = part.reason, min(_TAIL_SECONDS, exchange.silence)
    except Lost:
        if not ended:
            raise
    if ended not in reasons:
        raise Lost(f"it ended the text because of {ended!r}" if ended else "the answer broke off", passing=not ended)
    yield Chunk(index, stops.flush(), max(0, counted - made), reasons[ended], (), usage)


def _read_models(body: Iterator[bytes]) -> dict[str, str]:
    content = b""
    for part in body:
        content += part
        if len(content) > MOST_LINE_BYTES:
            raise Lost("its list of models is longer than 1 MiB")
    try:
        rows = json.loads(content)["data"]
        return {str(row["id"]): str(row.get("owned_by")) for row in rows}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Lost("its list of models is no such list") from None


def _check(request: Request, server: str, layout: Layout) -> None:
    """Raise a UserError for a request that no server could meet."""
    if request.max_tokens < 0:
        raise UserError(f"max_tokens is {request.max_tokens}; it must be at least 0.")
    check_settings(request.temperature, request.top_p, request.seed, request.top_k)
    StopStrings(request.stop)
    if server != CODEGEM and layout == "suffix" and isinstance(request.prompt, Infill) and request.prompt.context:
        raise UserError("The layout 'suffix' has no place for other files; choose psm or spm, or leave them out.")


def _headers() -> tuple[dict[str, str], str]:
    """What each request carries, and the key in it, "" without one."""
    key = os.environ.get(KEY, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UserError(f"The environment variable {KEY} holds characters that no key has.")
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
    return headers | ({"Authorization": f"Bearer {key}"} if key else {}), key


def _short(model: str) -> str:
    """A model's name without the folders of the server's machine: llama.cpp calls a model by its file.

    >>> _short("/home/me/models/nano.gguf"), _short("google/codegemma-2b")
    ('nano.gguf', 'google/codegemma-2b')
    """
    name = model.replace("\\", "/").rpartition("/")[2] if model[:1] == "/" or "\\" in model else model
    return name.encode(errors="replace").decode()
