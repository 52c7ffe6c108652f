"""The model that an evaluation asks: on this machine, or behind an address."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codegem.commands.eval_options import Order
from codegem.errors import UsageError
from codegem.evaluation.runner import Fit, whole
from codegem.generate import Infill, TextSource

# An answer may take this share of what a small model reads, so that most of it stays for the prompt.
_SHARE = 4
# What other files may take of it where a benchmark brings some, also of a model that gets none of them in an editor.
_OTHERS = 0.25
# What is read of each file to know a model again: so many pieces of so many bytes.
_PIECES, _PIECE = 16, 1 << 16


@dataclass(frozen=True)
class Opened:
    """A model that can be asked.

    Attributes:
        fit: cuts prompts to what it holds.
        settings: what else decides its answers, for `run.json` and the report: the `order` of prompts with a hole (None
            is the model's own); its `context` in tokens, None where only a server knows; and `weights`, by which a
            model is known again that is trained further under the same name.
        chats: whether it was tuned to answer turns; of a server that is taken for granted.
    """

    source: TextSource
    fit: Fit
    settings: Mapping[str, Any]
    chats: bool = False


def open_source(model: str, order: Order | None = None, parallel: int = 4) -> Opened:
    """A model by its name, as `codegem.load` knows it, or by the address of an OpenAI-compatible server.

    Args:
        order: the layout of prompts with a hole; default the model's own, PSM where it names none. "suffix" leaves it
            to a server that has a field for what stands behind the hole.
        parallel: requests that a server gets at once.

    Raises:
        UserError: there is no such model, or the server does not answer.
        UsageError: "suffix" for a model on this machine.
    """
    from codegem.inference.remote import RemoteModel, is_address

    if is_address(model):
        source = RemoteModel(model, layout=order or "psm", parallel=parallel)
        return Opened(source, whole, {"order": order, "context": None, "weights": None}, chats=True)
    if order == "suffix":
        raise UsageError(f"--order suffix is a field of a server's, and {model} is on this machine; see --help.")

    import codegem
    from codegem.text.fim import Order as Layout

    loaded = codegem.load(model, order=Layout(order) if order else None)
    window = replace(loaded.window, share=_OTHERS)

    def fit(prompt: str | Infill, max_tokens: int) -> tuple[str | Infill, int, bool]:
        allowed = min(max_tokens, max(1, window.length // _SHARE))
        fitted = window.fit(prompt, allowed) if isinstance(prompt, Infill) else window.fit_text(prompt, allowed)
        return fitted, allowed, fitted != prompt

    settings = {"order": order, "context": window.length, "weights": _weights(model)}
    return Opened(loaded.engine, fit, settings, loaded.can_chat)


def _weights(model: str) -> str | None:
    """A hash of pieces of all files of a model, so that it takes no time for one of 17 GB."""
    from codegem.checkpoints.hub import cached_snapshot
    from codegem.checkpoints.locate import locate

    located = locate(model)
    place = cached_snapshot(located.hub_id) if located.hub_id else located.path
    return fingerprint(place) if place else None


def fingerprint(place: Path) -> str:
    """A short hash of the names, sizes and pieces of a file, or of the files of a folder but what is for people."""
    digest = hashlib.sha256()
    files = [place] if place.is_file() else sorted(place.rglob("*"))
    for file in files:
        if file.is_file() and file.suffix != ".md":
            size = file.stat().st_size
            digest.update(f"{file.relative_to(place)} {size}\n".encode("utf-8", "surrogateescape"))
            with open(file, "rb") as opened:
                for start in range(0, size, max(_PIECE, size // _PIECES)):
                    opened.seek(start)
                    digest.update(opened.read(_PIECE))
    return digest.hexdigest()[:16]
