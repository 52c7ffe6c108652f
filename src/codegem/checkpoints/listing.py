"""The models at hand: what ships, what was kept or fetched on this machine, and what a folder holds."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from codegem.checkpoints.huggingface_config import CONFIG, config_from, read_json
from codegem.checkpoints.huggingface_weights import INDEX, WEIGHTS, shard_files
from codegem.checkpoints.locate import SHIPPED, Kind, Located, locate, models_directory, shipped_directory
from codegem.checkpoints.safetensors_file import open_safetensors
from codegem.errors import UserError

# What a list says of the weights, by the names of safetensors.
_TYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def list_models(places: Sequence[str | Path] = ()) -> list[dict[str, Any]]:
    """One row for each model; `codegem.models` says what is in it.

    A model of the hub that is not whole, and one whose files are damaged, has a row with its `problem`.

    Args:
        places: model directories and files, or folders of them.

    Raises:
        UserError: a place does not exist, or holds no model.
    """
    rows = [_row(name, Located(Kind.HUGGINGFACE, shipped_directory(name))) for name in SHIPPED]
    rows += [_row(path.name, located) for path, located in _inside(models_directory())]
    rows += _cached()
    for place in map(Path, places):
        found = _given(place)
        if not found:
            raise UserError(f"{place} holds no model; give a model directory, a .gguf file, or a folder of them.")
        rows += [_row(str(path), located) for path, located in found]
    return rows


def _given(place: Path) -> list[tuple[Path, Located]]:
    if not place.exists():
        raise UserError(f"There is no {place}; give a model directory, a .gguf file, or a folder of them.")
    try:
        return [(place, locate(place.absolute()))]
    except UserError:
        return list(_inside(place))


def _inside(folder: Path) -> Iterator[tuple[Path, Located]]:
    """The models of a folder."""
    for path in sorted(folder.glob("*")):
        if path.suffix == ".gguf" or path.is_dir():
            try:
                yield path, locate(path.absolute())
            except UserError:
                continue  # no model


def _cached() -> Iterator[dict[str, Any]]:
    """The Gemma models of the hub's cache."""
    from codegem.checkpoints.hub import cached_ids, cached_snapshot, missing_files

    for hub_id in cached_ids():
        directory = cached_snapshot(hub_id)
        if directory is None or not _is_gemma(directory):
            continue
        row = _row(hub_id, Located(Kind.HUGGINGFACE, directory))
        if missing := missing_files(directory):
            row["problem"] = f"not whole: {missing[0]} is absent; loading it fetches the rest"
        yield row


def _is_gemma(directory: Path) -> bool:
    try:
        return read_json(directory / CONFIG).get("model_type") == "gemma"
    except UserError:
        return False


def _row(name: str, located: Located) -> dict[str, Any]:
    assert located.path is not None
    row: dict[str, Any] = {"name": name, "format": located.kind.value, "directory": str(located.path)}
    row |= {"parameters": None, "context_length": None, "weights": None, "bytes": _bytes(located.path)}
    try:
        return row | _READERS[located.kind](located.path)
    except (UserError, ValueError) as error:
        return row | {"problem": str(error)}


def _huggingface(path: Path) -> dict[str, Any]:
    stored = read_json(path / CONFIG)
    files = [path / WEIGHTS] if not (path / INDEX).exists() else shard_files(path / INDEX)
    types = _shares((t.dtype, t.stop - t.start) for file in files[:1] for t in open_safetensors(file).tensors.values())
    return _shape(config_from(stored, path / CONFIG)) | {"weights": _TYPES.get(types, types)}


def _quantized(path: Path) -> dict[str, Any]:
    stored = read_json(path / CONFIG)
    quantization = stored.pop("quantization_config")
    return _shape(config_from(stored, path / CONFIG)) | {"weights": f"int{quantization.get('bits')}"}


def _gguf(path: Path) -> dict[str, Any]:
    from codegem.checkpoints import gguf

    file = gguf.open_gguf(path)
    types = _shares((t.encoding.name, t.stop - t.start) for t in file.header.tensors.values())
    return _shape(gguf.read_config(file)) | {"weights": types}


def _kaggle(path: Path) -> dict[str, Any]:
    from codegem.checkpoints import kaggle

    config, weights = kaggle.describe(path)
    return _shape(config) | {"weights": weights}


def _adapter(path: Path) -> dict[str, Any]:
    from codegem.checkpoints.adapter import open_adapter
    from codegem.checkpoints.adapter_base import locate_base

    stored = open_adapter(path)
    base = locate_base(stored)
    if base.hub_id is not None:
        from codegem.checkpoints.hub import cached_snapshot

        base = Located(Kind.HUGGINGFACE, cached_snapshot(base.hub_id))
    found = _READERS[base.kind](base.path) if base.path else {}
    return found | {"weights": f"LoRA {stored.rank} of {Path(stored.base).name}"}


_READERS: dict[Kind, Callable[[Path], dict[str, Any]]] = {
    Kind.HUGGINGFACE: _huggingface,
    Kind.QUANTIZED: _quantized,
    Kind.KAGGLE: _kaggle,
    Kind.GGUF: _gguf,
    Kind.ADAPTER: _adapter,
}


def _shape(config: Any) -> dict[str, Any]:
    return {"parameters": config.parameters, "context_length": config.context_length}


def _shares(tensors: Iterable[tuple[str, int]]) -> str:
    """The type that most bytes have."""
    counts: Counter[str] = Counter()
    for kind, size in tensors:
        counts[kind] += size
    return counts.most_common(1)[0][0] if counts else "nothing"


def _bytes(path: Path) -> int:
    """Size on disk, of a file or of all files in a directory."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
