"""Where weights come from, and the notice that Google's terms ask for beside them.

Whoever passes on Gemma, or a model made from it, has to pass on the text below (Gemma Terms of Use, section
3.1, https://ai.google.dev/gemma/terms). So each format that codegem writes keeps where its weights came from
("derived_from" in config.json), and writes a NOTICE beside those of Google. Weights that were trained here
from nothing carry none.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from codegem.model.config import PRESETS, ModelConfig

NOTICE = "NOTICE"
TERMS = "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms"
RELEASED = "a released Gemma model"
_MOST_READ = 64 << 10


def origin(directory: Path, stored: dict[str, Any], config: ModelConfig) -> str | None:
    """Whose weights a model directory holds: None where no notice is due, else a name such as google/codegemma-2b.

    Args:
        stored: its config.json. What that says counts ("derived_from", which codegem writes, null for weights of
            one's own). Without it, weights are Google's where a name, a notice or the hub's cache says so,
            and also where a model just has the shape of a released one: better one notice too many.
    """
    if "derived_from" in stored:
        return _name(stored["derived_from"])
    named = [stored.get("_name_or_path"), _hub_id(directory)]
    gemma = [name for name in named if isinstance(name, str) and "gemma" in name.lower()]
    if gemma:
        return _name(gemma[0])
    if has_notice(directory):
        return RELEASED
    shapes = [replace(PRESETS[name], context_length=config.context_length) for name in ("gemma_2b", "gemma_7b")]
    return RELEASED if config in shapes else None


def has_notice(directory: Path) -> bool:
    """Whether the NOTICE of a directory is that of Gemma's terms."""
    path = directory / NOTICE
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return TERMS in file.read(_MOST_READ).decode("utf-8", errors="replace")


def notice_text(derived_from: str) -> str:
    """The NOTICE of weights that were Google's."""
    return (
        f"{TERMS}\n\n"
        f"These files were made from {derived_from} by codegem, which changed their format, and may have changed "
        "the weights themselves. Whoever passes them on has to pass on this notice and the restrictions of section "
        "3.2 of those terms.\n"
    )


def _name(value: Any) -> str | None:
    """A name that fits in one line; anything else that is not null still means that a notice is due."""
    if value is None:
        return None
    printable = isinstance(value, str) and value.isprintable() and value
    return value[:200] if printable else RELEASED


def _hub_id(directory: Path) -> str | None:
    """google/codegemma-2b for …/models--google--codegemma-2b/snapshots/<commit>."""
    folder = directory.absolute().parent.parent.name
    return folder.removeprefix("models--").replace("--", "/", 1) if folder.startswith("models--") else None
