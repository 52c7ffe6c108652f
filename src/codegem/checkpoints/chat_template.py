"""Whether a model was tuned to chat: every format says so by having a chat template, and that of a pretrained one none.

So Google's own repositories have it, and so does what codegem writes. Templates of other families' turns don't count:
codegem asks in Gemma's (`text.chat`).
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codegem.checkpoints.huggingface_config import read_json

TEMPLATE_FILE = "chat_template.jinja"  # where Transformers 5 writes what stood in tokenizer_config.json before
_TOKENIZER_CONFIG = "tokenizer_config.json"
_MARK = "<start_of_turn>"
_LONGEST = 1 << 20
# How variants that were tuned are named: 7b-it, 1.1-7b-it, tiny-instruct.
_TUNED = re.compile(r"(.*[-_.])?(it|instruct|chat)([-_.].*)?", re.IGNORECASE)


def directory_chats(directory: Path) -> bool:
    """Whether the model of a directory in Hugging Face's layout was tuned to chat.

    Raises:
        UserError: its tokenizer_config.json can't be read.
    """
    template = directory / TEMPLATE_FILE
    if template.is_file():
        with open(template, "rb") as file:
            return _MARK.encode() in file.read(_LONGEST)
    path = directory / _TOKENIZER_CONFIG
    return path.exists() and _is_gemmas(read_json(path).get("chat_template"))


def gguf_chats(keys: Mapping[str, Any]) -> bool:
    """Whether the model of a GGUF file with these keys was tuned to chat; one without a template may say so by name.

    >>> gguf_chats({"general.name": "codegemma-7b-it"}), gguf_chats({"general.name": "codegemma-2b"})
    (True, False)
    """
    if (template := keys.get("tokenizer.chat_template")) is not None:
        return _is_gemmas(template)
    if any(key.startswith("codegem.") for key in keys):  # we write a template where there is something to say
        return False
    named = keys.get("general.finetune"), keys.get("general.name")
    return any(isinstance(name, str) and named_as_tuned(name) for name in named)


def named_as_tuned(name: str) -> bool:
    """Whether a name is that of a variant that was tuned on instructions.

    >>> named_as_tuned("7b-it"), named_as_tuned("1.1-7b-it-Q8_0"), named_as_tuned("2b"), named_as_tuned("with")
    (True, True, False, False)
    """
    return _TUNED.fullmatch(name.strip().replace(" ", "-")) is not None


def _is_gemmas(template: Any) -> bool:
    """Whether a template writes Gemma's turns; it is text, or a list of several with names."""
    return _MARK in (template if isinstance(template, str) else json.dumps(template))
