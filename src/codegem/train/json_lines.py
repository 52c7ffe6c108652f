"""Files of JSON lines that training reads: one object a line, checked, and whatever is wrong named by file and line."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from codegem.assist.chat import turns_of
from codegem.errors import UserError
from codegem.text.chat import Turn, fold_system

_LARGEST = 1 << 30  # bytes
Row = TypeVar("Row")


def read_json_lines(path: Path, read: Callable[[Mapping[str, Any]], Row]) -> tuple[list[Row], str]:
    """The rows of a file that are not blank, and the SHA-256 of its bytes.

    Args:
        read: makes a row of an object; a UserError says what is wrong with it.

    Raises:
        UserError: the file can't be read or is empty, or a row is wrong.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "a.jsonl").write_text('{"prompt": "1 + 1?", "answer": "2"}\\n')
        ...     rows, digest = read_json_lines(Path(folder, "a.jsonl"), dict)
        >>> rows
        [{'prompt': '1 + 1?', 'answer': '2'}]
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UserError(f"{path} is larger than {_LARGEST:,} bytes; split it.")
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror}).") from None
    rows = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line.strip():
            try:
                rows.append(read(_object(line)))
            except UserError as error:
                raise UserError(f"{path}, line {number}: {error}") from None
    if not rows:
        raise UserError(f"{path} has no lines; it needs at least one.")
    return rows, hashlib.sha256(data).hexdigest()


def text_of(row: Mapping[str, Any], name: str) -> str:
    """A field that must be a text with something in it.

    Raises:
        UserError: it is not.
    """
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{name!r} is {_shown(value)}, and must be a text.")
    return value


def turns_before(row: Mapping[str, Any]) -> tuple[Turn, ...]:
    """What stands before an answer: `prompt`, a question, or the messages of a conversation that ends with one.

    >>> turns_before({"prompt": "Why?"})
    (Turn(speaker='user', text='Why?'),)

    Raises:
        UserError: there is no such thing.
    """
    prompt = row.get("prompt")
    if not isinstance(prompt, list):
        return (Turn("user", text_of(row, "prompt")),)
    if not all(isinstance(message, dict) for message in prompt):
        raise UserError("'prompt' is a list, and each of its messages must be an object with a role and a content.")
    turns = turns_of(prompt)
    try:
        folded = fold_system(turns)
    except ValueError as error:
        raise UserError(f"'prompt' is no conversation: {error}.") from None
    if not folded or folded[-1].speaker != "user":
        raise UserError("'prompt' must end with a message of the user, which is to be answered.")
    return turns


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        row = json.loads(line.decode())
    except UnicodeDecodeError:
        raise UserError("it is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise UserError("it is not JSON; is the file cut short?") from None
    if not isinstance(row, dict):
        raise UserError(f"it is {_shown(row)}, and each line must be an object.")
    return row


def _shown(value: object) -> str:
    text = "absent" if value is None else json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
