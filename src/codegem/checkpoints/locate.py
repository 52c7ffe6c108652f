"""What the name of a model means: a shipped model, a directory, a GGUF file, an adapter, or an id of the hub.

Nothing is opened here beyond what tells the kinds apart, and nothing is fetched.
"""

import difflib
import os
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NoReturn

from codegem.checkpoints.huggingface_config import CONFIG, read_json
from codegem.compilation import cache_directory
from codegem.errors import UserError

SHIPPED = ("nano",)
ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
RELEASED = tuple(f"google/codegemma-{name}" for name in ("2b", "7b", "7b-it", "1.1-2b", "1.1-7b-it"))
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


class Kind(Enum):
    """Which module of `checkpoints` reads a model."""

    HUGGINGFACE = "Hugging Face"
    QUANTIZED = "codegem"
    KAGGLE = "Kaggle"
    GGUF = "GGUF"
    ADAPTER = "PEFT"
    HUB = "hub"


@dataclass(frozen=True)
class Located:
    """Where a model is.

    Attributes:
        path: of the directory or file; None for a hub id.
        hub_id: such as google/codegemma-2b; None for what is on this machine.
    """

    kind: Kind
    path: Path | None = None
    hub_id: str | None = None


def locate(name: str | Path) -> Located:
    """The model that a name means.

    A directory or file of that name comes before a hub id; `models_directory()` is searched for bare names.

    >>> locate("nano").kind, locate("google/codegemma-2b").hub_id
    (<Kind.HUGGINGFACE: 'Hugging Face'>, 'google/codegemma-2b')

    Raises:
        UserError: it means nothing, or what it names is no model.
    """
    text = str(name)
    if text in SHIPPED:
        return Located(Kind.HUGGINGFACE, shipped_directory(text))
    path = Path(text).expanduser()
    if text and path.exists():
        return _of_path(path)
    if text and path.name == text and (models_directory() / text).exists():
        return _of_path(models_directory() / text)
    if _HUB_ID.fullmatch(text) and not text.endswith((".gguf", ".safetensors")):
        return Located(Kind.HUB, hub_id=text)
    raise UserError(
        f"There is no model {text!r:.200}; give {' or '.join(SHIPPED)}, a directory with config.json, tokenizer.json "
        f"and model.safetensors, a .gguf file, or a hub id such as {RELEASED[0]}.{suggestion(text)}"
    )


def shipped_directory(name: str) -> Path:
    """The directory of a model that ships in the package."""
    return Path(__file__).parents[1] / "assets" / name


def models_directory() -> Path:
    """Where models may be kept to be called by a bare name: `models` in codegem's cache directory."""
    return cache_directory() / "models"


def suggestion(text: str) -> str:
    """ " Did you mean …?" where a known name is close to `text`, else nothing.

    >>> suggestion("google/codegema-2b"), suggestion("naon")
    (' Did you mean google/codegemma-2b?', ' Did you mean nano?')
    """
    if text in RELEASED:
        return ""
    short = {full.partition("/")[2]: full for full in RELEASED}
    kept = [path.name for path in models_directory().glob("*")]
    known = {name: name for name in (*SHIPPED, *RELEASED, *kept)} | short | _neighbours(text)
    close = difflib.get_close_matches(text, known, n=1, cutoff=0.75)
    return f" Did you mean {known[close[0]]}?" if close else ""


def _neighbours(text: str) -> dict[str, str]:
    """The directories and GGUF files beside the place where a path points."""
    parent = Path(text).expanduser().parent
    if os.sep not in text or not parent.is_dir():
        return {}
    return {str(path): str(path) for path in parent.iterdir() if path.is_dir() or path.suffix == ".gguf"}


def _of_path(path: Path) -> Located:
    if path.is_dir():
        return _of_directory(path)
    if path.suffix == ".gguf" or _begins_like_gguf(path):
        return Located(Kind.GGUF, path)
    beside = "; give the directory it is in" if (path.parent / CONFIG).exists() else ""
    raise UserError(f"{path} is no model file of a kind that codegem reads, which are .gguf files{beside}.")


def _of_directory(directory: Path) -> Located:
    has_config = (directory / CONFIG).exists()
    if not (has_config and any(directory.glob("model*.safetensors"))):
        from codegem.checkpoints.kaggle import is_kaggle

        if is_kaggle(directory):
            return Located(Kind.KAGGLE, directory)
        if not has_config and is_adapter(directory):
            return Located(Kind.ADAPTER, directory)
    if has_config:
        return Located(Kind.QUANTIZED if _is_quantized(directory) else Kind.HUGGINGFACE, directory)
    _no_model(directory)


def is_adapter(directory: Path) -> bool:
    """Whether a directory holds an adapter, which `checkpoints.adapter` reads."""
    return (directory / ADAPTER_CONFIG).exists() and (directory / ADAPTER_WEIGHTS).exists()


def _no_model(directory: Path) -> NoReturn:
    files = sorted(directory.glob("*.gguf"))
    models = sorted([*directory.glob(f"*/{CONFIG}"), *directory.glob(f"*/{ADAPTER_CONFIG}")])
    inside = models[0].parent if models else files[0] if files else None
    instead = f"; give {inside}" if inside else ""
    raise UserError(f"{directory} is no model directory: it has no {CONFIG}{instead}.")


def _is_quantized(directory: Path) -> bool:
    """Whether `checkpoints.quantized` wrote a directory."""
    quantization = read_json(directory / CONFIG).get("quantization_config")
    return isinstance(quantization, dict) and quantization.get("quant_method") == "codegem"


def _begins_like_gguf(path: Path) -> bool:
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(4) == b"GGUF"
