"""Lines of a person at a terminal: editing and history by readline, questions of several lines, Ctrl-C and Ctrl-D."""

import contextlib
import sys
from collections.abc import Callable

from codegem.assist.chat import CHAT_MODELS
from codegem.commands.chat_session import Session
from codegem.errors import UserError

_PROMPT, _MORE = "> ", "… "
_QUOTES = '"""'
_ENDS = ("/quit", "/exit")


def converse_in_terminal(session: Session, read: Callable[[str], str] = input) -> None:
    """Read and answer until Ctrl-D or /quit.

    Args:
        read: shows a prompt and gives a line; raises EOFError at the end.
    """
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  # editing and history of what `input` reads, where the system has it
    session.say(_greeting(session))
    while True:
        try:
            line = read_question(read, in_exercise=session.exercise is not None)
        except KeyboardInterrupt:
            session.say("\nCtrl-D ends the conversation.")
            continue
        if line is None or line.strip() in _ENDS:
            return
        try:
            session.hear(line)
        except UserError as error:
            session.say(f"{error}")
        except KeyboardInterrupt:
            session.say("\n(stopped)")


def read_question(read: Callable[[str], str], in_exercise: bool = False) -> str | None:
    r"""One question, which may have several lines; None at the end of the input.

    In an exercise, an empty line ends an answer of several lines.

    >>> lines = iter(["Why is \\", "this slow?"])
    >>> read_question(lambda prompt: next(lines))
    'Why is \nthis slow?'
    """
    try:
        line = read(_PROMPT)
        if line.strip() == _QUOTES:
            return "\n".join(_until(read, _QUOTES))
        if in_exercise and line.strip() and not line.startswith("/"):
            return "\n".join([line, *_until(read, "")])
        lines = []
        while line.endswith("\\"):
            lines.append(line[:-1])
            line = read(_MORE)
        return "\n".join([*lines, line])
    except EOFError:
        print(file=sys.stdout)
        return None


def _until(read: Callable[[str], str], end: str) -> list[str]:
    """Lines up to one that is `end`."""
    lines: list[str] = []
    with contextlib.suppress(EOFError):
        while (line := read(_MORE)).strip() != end:
            lines.append(line)
    return lines


def _greeting(session: Session) -> str:
    if session.can_chat:
        return f"{session.name}. /help lists commands; Ctrl-C ends an answer, Ctrl-D the conversation."
    return (
        f"{session.name} was trained to complete code and not to chat: /fix and /exercise work. For questions, start "
        f"with --model {CHAT_MODELS[0]} or another model that was tuned to chat. /help lists commands."
    )
