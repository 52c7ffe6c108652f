"""`codegem chat`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from codegem.commands.arguments import parse, print_json
from codegem.errors import UsageError, UserError

if TYPE_CHECKING:
    from codegem.data.tracing.index import TraceIndex


def chat(words: list[str]) -> None:
    """`codegem chat`."""

    def run(
        model: str = "nano",
        file: tuple[str, ...] = (),
        system: str = "",
        max_tokens: int | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        trace: Path | None = None,
        longest_copy: int | None = None,
        json: bool = False,
    ) -> None:
        """Talk with a model about code: codegem chat --model google/codegemma-7b-it --file app.py

        In a terminal /help lists what there is besides questions; Ctrl-C ends an answer and Ctrl-D the conversation.
        What is piped in is one question: echo "What is a closure?" | codegem chat --model google/codegemma-7b-it

        Args:
            model: nano, a directory, a .gguf file, a hub id, or the address of a server such as http://127.0.0.1:8012/v1;
                /fix and /exercise work with every model, the rest with one that was tuned to chat.
            file: brought along: FILE, FILE:LINE or FILE:FIRST-LAST.
            system: what holds for the whole conversation.
            max_tokens: the longest answer; default all that there is room for.
            temperature: 0 takes the likeliest token each time; more is more varied.
            top_p: with a temperature, choose among the likeliest tokens of this probability together.
            seed: equal seeds give equal answers.
            trace: an index of a corpus (codegem trace build): what of an answer stands in it is told.
            longest_copy: how many tokens of one source of that corpus an answer may repeat.
            json: with a question that is piped in, print an object for programs.
        """
        from codegem.assist.attribution import open_index, record
        from codegem.assist.chat import ChatSettings, require_chat
        from codegem.assist.files import parse_place, read_place
        from codegem.commands.chat_session import Session
        from codegem.commands.chat_terminal import converse_in_terminal

        piped = None if sys.stdin.isatty() else _piped()
        if json and piped is None:
            raise UsageError("--json prints the answer to a question that is piped in; see --help.")
        files = [read_place(parse_place(place)) for place in file]
        settings = ChatSettings(max_tokens, temperature, top_p, seed=seed)
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # for terminals that are not UTF-8
        index, _ = open_index(trace, longest_copy)
        spoken = _open(model, index, longest_copy)
        session = Session(*spoken, settings=settings, system=system, files=files, quiet=json, index=index)
        if piped is None:
            converse_in_terminal(session)
        elif piped.startswith("/"):
            for line in piped.splitlines():
                session.hear(line)
        else:
            require_chat(session.can_chat, session.name)
            answer = session.ask(piped)
            if json:
                print_json(
                    {
                        "text": answer.text,
                        "stop_reason": str(answer.stop_reason),
                        "tokens": answer.tokens,
                        "model": model,
                        "notes": list(answer.notes),
                        **({"copies": record(answer.copies)} if index else {}),
                    }
                )

    parse(run, "chat", words)


def _piped() -> str:
    """The question on standard input."""
    from codegem.assist.cursor import MAX_BYTES

    content = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise UserError(f"The question has more than {MAX_BYTES} bytes; shorten it.")
    text = content.decode("utf-8", "replace").replace("\r\n", "\n").strip()
    if not text:
        raise UserError("Standard input holds no question; write one into it, or start codegem chat in a terminal.")
    return text


def _open(model: str, index: "TraceIndex | None", longest_copy: int | None):
    """The model's name, the source of its text, its window, and whether it chats."""
    from codegem.inference.remote import RemoteModel, is_address

    if not is_address(model):
        import codegem

        loaded = codegem.load(model, trace=index, longest_copy=longest_copy)
        return model, loaded.engine, loaded.window, loaded.can_chat
    from codegem.assist.attribution import refuse_limit_elsewhere
    from codegem.assist.context import Window
    from codegem.checkpoints.locate import shipped_directory
    from codegem.server.lsp.model import read_context
    from codegem.text.tokenizer import load_tokenizer

    refuse_limit_elsewhere(longest_copy, model)
    # Tokens are counted by nano's vocabulary, which makes more of a text than a larger one.
    source = RemoteModel(model)
    return source.name, source, Window(load_tokenizer(shipped_directory("nano")), read_context(model)), True
