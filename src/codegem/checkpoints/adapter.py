"""Adapters on disk, in the layout of Hugging Face's PEFT, which loads them as they are.

    adapter_config.json         PEFT's `LoraConfig`; "base_model_name_or_path" is the model that the adapter belongs to
    adapter_model.safetensors   NAME.lora_A.weight [r, in] and NAME.lora_B.weight [out, r] for each layer that has them;
                                its metadata hold codegem's own: a hash of the base, and whether the two chat
    NOTICE                      where the base was Google's

(https://huggingface.co/docs/peft, "Checkpoint format".) What PEFT wrote is read as well. An adapter comes from anybody:
only plain LoRA is read, and every tensor is held to the shape that the base has.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codegem.checkpoints.huggingface_config import read_json, write_json
from codegem.checkpoints.locate import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from codegem.checkpoints.notice import NOTICE, notice_text
from codegem.checkpoints.replacing import Write, replace_files
from codegem.checkpoints.safetensors_file import SafetensorsFile, open_safetensors, write_safetensors
from codegem.errors import UserError
from codegem.model.config import ModelConfig
from codegem.model.lora import ATTENTION_TARGETS, TARGETS, Adapter, LowRank, shapes

BASE = "base_model_name_or_path"
_PREFIX = "base_model.model."
_NAME = re.compile(
    r"base_model\.model\.model\.layers\.(\d{1,4})\.(?:self_attn|mlp)\.([a-z]+)_proj\.lora_([AB])\.weight"
)
_HASH, _CHATS = "codegem.base_hash", "codegem.chats"
# What else PEFT knows would change the arithmetic; these values mean plain LoRA.
_NOTHING = (None, False, [], {})
_OTHER_KINDS = (
    *("use_dora", "lora_bias", "fan_in_fan_out", "modules_to_save", "rank_pattern", "alpha_pattern"),
    *("layer_replication", "trainable_token_indices", "target_parameters", "alora_invocation_tokens"),
    *("use_qalora", "use_bdlora", "velora_config", "arrow_config", "kasa_config", "monteclora_config"),
)
_LARGEST_RANK = 1 << 16


@dataclass(frozen=True)
class StoredAdapter:
    """An adapter directory whose small files were read.

    Attributes:
        base: the model that it belongs to, by name or path.
        base_hash: of that model's weights, as `adapter_base.base_hash` has it; None where codegem did not write it.
        chats: whether base and adapter together were tuned to answer questions; None where nothing says so.
        rank: of all its matrices.
        scale: how often their products are added.
        file: its weights.
    """

    directory: Path
    base: str
    base_hash: str | None
    chats: bool | None
    rank: int
    scale: float
    file: SafetensorsFile

    def adapter(self, config: ModelConfig) -> Adapter:
        """The adapter, seen to fit a base of this shape.

        Raises:
            UserError: a tensor has no place in it, another shape or type, or no partner.
        """
        blocks: list[dict[str, LowRank]] = [{} for _ in range(config.num_layers)]
        for name in self.file.tensors:
            if name.endswith(".lora_A.weight"):
                layer, target = self._place(name, config)
                other = name.replace(".lora_A.", ".lora_B.")
                d_out, d_in = shapes(config)[target]
                pair = self._array(name, (self.rank, d_in)), self._array(other, (d_out, self.rank))
                blocks[layer][target] = LowRank(*pair)  # type: ignore[arg-type]  # NumPy's arrays
            else:
                self._place(name, config)
                self._partner(name)
        return Adapter(tuple(blocks), self.rank, self.scale * self.rank)

    def _place(self, name: str, config: ModelConfig) -> tuple[int, str]:
        match = _NAME.fullmatch(name)
        if match is None or int(match[1]) >= config.num_layers or _name(int(match[1]), match[2], match[3]) != name:
            raise UserError(
                f"{self.file.path}: tensor {name!r:.120} has no place in a Gemma of {config.num_layers} layers; "
                f"codegem reads LoRA of {', '.join(TARGETS)} alone."
            )
        return int(match[1]), match[2]

    def _partner(self, name: str) -> None:
        if name.replace(".lora_B.", ".lora_A.") not in self.file.tensors:
            raise UserError(f"{self.file.path} has the tensor {name:.120} without its lora_A; copy the adapter again.")

    def _array(self, name: str, shape: tuple[int, int]) -> np.ndarray:
        info = self.file.tensors.get(name)
        if info is None:
            raise UserError(f"{self.file.path} has no tensor {name:.120}; copy the adapter again.")
        if info.dtype not in ("F32", "BF16", "F16") or info.shape != shape:
            raise UserError(
                f"{self.file.path}: tensor {name:.120} is {info.dtype} {list(info.shape)!s:.60}, but rank {self.rank} "
                f"beside {self.base:.200} asks for F32, BF16 or F16 {list(shape)}; they don't belong together."
            )
        return self.file.copy(name).astype(np.float32)


def open_adapter(directory: Path) -> StoredAdapter:
    """Read an adapter's description and the header of its weights.

    Raises:
        UserError: a file is absent or damaged, or it is no plain LoRA.
    """
    path = directory / ADAPTER_CONFIG
    stored = read_json(path)
    _require_plain(stored, path)
    rank, alpha = stored.get("r"), stored.get("lora_alpha")
    if type(rank) is not int or not 1 <= rank <= _LARGEST_RANK:
        raise UserError(f'{path}: "r" is {rank!r:.40}, but a rank is a whole number from 1; copy the adapter again.')
    if not isinstance(alpha, int | float) or isinstance(alpha, bool) or not 0 < alpha < 1e9:
        raise UserError(f'{path}: "lora_alpha" is {alpha!r:.40}, but must be above 0; copy the adapter again.')
    base = stored.get(BASE)
    if not isinstance(base, str) or not base.isprintable() or not 0 < len(base) <= 4096:
        raise UserError(f'{path} does not say which model it belongs to; write its name or place to "{BASE}".')
    file = open_safetensors(directory / ADAPTER_WEIGHTS)
    chats = {"true": True, "false": False}.get(file.metadata.get(_CHATS, ""))
    scale = alpha / (rank**0.5 if stored.get("use_rslora") is True else rank)
    return StoredAdapter(directory, base, file.metadata.get(_HASH), chats, rank, scale, file)


def _require_plain(stored: Mapping[str, Any], path: Path) -> None:
    if stored.get("peft_type") != "LORA":
        raise UserError(f'{path} says "peft_type": {stored.get("peft_type")!r:.40}, and codegem reads "LORA".')
    others = [key for key in _OTHER_KINDS if stored.get(key) not in _NOTHING]
    others += ["bias"] if stored.get("bias", "none") != "none" else []
    if others:
        raise UserError(
            f'{path} says "{others[0]}": {stored[others[0]]!r:.60}, which codegem does not compute; '
            "merge the adapter by PEFT, and give the model that comes out."
        )


def save_adapter(
    directory: Path | str,
    adapter: Adapter,
    *,
    base: str,
    base_hash: str,
    chats: bool,
    derived_from: str | None = None,
) -> None:
    """Write an adapter; a process that is killed leaves each file as it was or as it should be.

    Args:
        base: by which the model that it belongs to is found again: a name, a path or a hub id.
        base_hash: `adapter_base.base_hash` of it.
        chats: whether base and adapter together were tuned to answer questions.
        derived_from: whose weights the base's were, as `checkpoints.notice` says.

    Raises:
        UserError: the directory can't be written; what it held is unchanged.
    """
    tensors = {
        _name(layer, target, side): np.asarray(getattr(pair, side.lower()), np.float32)
        for layer, block in enumerate(adapter.blocks)
        for target, pair in block.items()
        for side in "AB"
    }
    metadata = {"format": "pt", _HASH: base_hash, _CHATS: "true" if chats else "false"}
    stored = _config(adapter, base)
    files: dict[str, Write] = {
        ADAPTER_CONFIG: lambda path: write_json(path, stored),
        ADAPTER_WEIGHTS: lambda path: write_safetensors(path, tensors, metadata),
    }
    if derived_from is not None:
        files[NOTICE] = lambda path: path.write_text(notice_text(derived_from), encoding="utf-8")
    try:
        replace_files(Path(directory), files)
    except OSError as error:
        raise UserError(
            f"The adapter could not be written to {directory} ({error}); what was there is unchanged. "
            "Make room or give another directory."
        ) from None


def _config(adapter: Adapter, base: str) -> dict[str, Any]:
    """adapter_config.json as PEFT writes it."""
    alpha = int(adapter.alpha) if adapter.alpha.is_integer() else adapter.alpha
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        BASE: base,
        "revision": None,
        "r": adapter.rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "target_modules": [f"{name}_proj" for name in adapter.targets],
        "bias": "none",
        "fan_in_fan_out": False,
        "use_rslora": False,
        "use_dora": False,
        "modules_to_save": None,
        "rank_pattern": {},
        "alpha_pattern": {},
        "layers_to_transform": None,
        "layers_pattern": None,
        "init_lora_weights": True,
        "inference_mode": True,
    }


def _name(layer: int, target: str, side: str) -> str:
    """PEFT's name of a tensor.

    >>> _name(3, "up", "A")
    'base_model.model.model.layers.3.mlp.up_proj.lora_A.weight'
    """
    part = "self_attn" if target in ATTENTION_TARGETS else "mlp"
    return f"{_PREFIX}model.layers.{layer}.{part}.{target}_proj.lora_{side}.weight"
