"""Model directories in Hugging Face's layout: what Transformers, vLLM and llama.cpp read and write.

    config.json            the shape of the model, as `GemmaForCausalLM` has it
    model.safetensors      the weights; or several shards and model.safetensors.index.json
    tokenizer.json         the vocabulary
    tokenizer_config.json  how Transformers is to use it

Matrices are [out, in]; the unembedding is tied and has no tensor; norm weights are stored without the +1,
and `post_attention_layernorm` is the norm before the MLP.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from codegem.errors import UserError
from codegem.model.attention import Attention
from codegem.model.config import ModelConfig
from codegem.model.linear import Linear
from codegem.model.transformer import Block, GeGLU, RMSNorm, Transformer
from codegem.text.fim import Order
from codegem.text.tokenizer import NAMES, Tokenizer, load_tokenizer

WEIGHTS, INDEX, CONFIG = "model.safetensors", "model.safetensors.index.json", "config.json"
# Tensors that some files carry: a copy of the tied embedding, and a table of constants.
_REDUNDANT = ("lm_head.weight", "rotary_emb.inv_freq")
_COPY_AGAIN = "copy or download the model directory again"


def load(directory: Path | str, *, dtype: DTypeLike | None = None) -> tuple[Transformer, Tokenizer]:
    """The model and the tokenizer of a directory.

    Args:
        dtype: of the matrices in memory; default as stored. Norm scales are float32.

    Raises:
        UserError: a file or a tensor is absent, cut, or not what `config.json` says; or the model is not
            a Gemma 1.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise UserError(f"There is no model directory {directory}; give one that holds a {CONFIG}.")
    config = read_config(directory / CONFIG)
    tokenizer = load_tokenizer(directory)
    if tokenizer.vocab_size > config.vocab_size:
        raise UserError(
            f"{directory}: the tokenizer has {tokenizer.vocab_size} ids and the model {config.vocab_size}; "
            f"they don't belong together, so {_COPY_AGAIN}."
        )
    tensors = _Tensors(directory)

    def read(name: str, shape: tuple[int, ...]) -> jax.Array:
        array = tensors.read(name, shape)
        kind = jnp.float32 if len(shape) == 1 else dtype
        # Converted by NumPy: JAX would compile a program for each shape, longer than the reading takes.
        return jax.device_put(array if kind is None else array.astype(kind, copy=False))

    model = assemble(config, read)
    tensors.refuse_unread()
    return model, tokenizer


def save(
    directory: Path | str,
    model: Transformer,
    tokenizer: Tokenizer,
    *,
    dtype: DTypeLike = "bfloat16",
    order: Order = Order.PSM,
) -> None:
    """Write a model directory; other files in it stay.

    `order` is the layout in which the model is best asked to fill a hole; it stands in config.json as
    "fim_order", which other programs pass over.

    Each file is written whole under a temporary name and then renamed, the weights last: a process that
    is killed leaves every file as it was or as it should be.

    Raises:
        UserError: the directory can't be written; what it held is unchanged.
    """
    directory, kind = Path(directory), np.dtype(dtype)
    names = assemble(model.config, lambda name, shape: name)
    weights = zip(jax.tree.leaves(names), jax.tree.leaves(model), strict=True)
    arrays = {name: np.ascontiguousarray(np.asarray(leaf).astype(kind)) for name, leaf in weights}
    files: dict[str, Callable[[Path], None]] = {
        CONFIG: lambda path: _write_json(path, _config_json(model.config, tokenizer, kind) | {"fim_order": order}),
        "tokenizer.json": tokenizer.save,
        "tokenizer_config.json": lambda path: _write_json(path, _tokenizer_json(model.config)),
        WEIGHTS: lambda path: _write_weights(path, arrays),
    }
    try:
        _replace(directory, files)
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"The model could not be written to {directory} ({error}); what was there is unchanged. "
            "Make room or give another directory."
        ) from None


def assemble(config: ModelConfig, tensor: Callable[[str, tuple[int, ...]], Any]) -> Transformer:
    """A transformer whose every leaf is `tensor(name, shape)`: the one table of names and shapes.

    >>> from codegem.model.config import PRESETS
    >>> assemble(PRESETS["nano"], lambda name, shape: name).blocks[7].attention.k.weight
    'model.layers.7.self_attn.k_proj.weight'
    """
    d_model, d_mlp = config.d_model, config.d_mlp
    wide, narrow = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim

    def norm(name: str) -> RMSNorm:
        return RMSNorm(tensor(f"{name}.weight", (d_model,)), config.norm_eps)

    def linear(name: str, d_in: int, d_out: int) -> Linear:
        return Linear(tensor(f"{name}.weight", (d_out, d_in)))

    def block(layer: str) -> Block:
        return Block(
            attention_norm=norm(f"{layer}.input_layernorm"),
            attention=Attention(
                q=linear(f"{layer}.self_attn.q_proj", d_model, wide),
                k=linear(f"{layer}.self_attn.k_proj", d_model, narrow),
                v=linear(f"{layer}.self_attn.v_proj", d_model, narrow),
                o=linear(f"{layer}.self_attn.o_proj", wide, d_model),
                config=config,
            ),
            mlp_norm=norm(f"{layer}.post_attention_layernorm"),
            mlp=GeGLU(
                gate=linear(f"{layer}.mlp.gate_proj", d_model, d_mlp),
                up=linear(f"{layer}.mlp.up_proj", d_model, d_mlp),
                down=linear(f"{layer}.mlp.down_proj", d_mlp, d_model),
            ),
        )

    return Transformer(
        embedding=tensor("model.embed_tokens.weight", (config.vocab_size, d_model)),
        blocks=tuple(block(f"model.layers.{i}") for i in range(config.num_layers)),
        final_norm=norm("model.norm"),
        config=config,
    )


class _Tensors:
    """The tensors of a directory, in one file or in shards, read through a memory map."""

    def __init__(self, directory: Path):
        self._open: dict[Path, tuple[Any, list[str]]] = {}
        self._read: set[str] = set()
        whole, index = directory / WEIGHTS, directory / INDEX
        if whole.exists() or not index.exists():
            self._list = whole
            self._files = dict.fromkeys(self._file(whole)[1], whole)
        else:
            self._list = index
            self._files = _read_index(index)

    def read(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """One tensor, after its dtype and shape are seen to be right."""
        if name not in self._files:
            raise UserError(
                f"{self._list} has no tensor {name}, which {CONFIG} asks for with shape {list(shape)}; {_COPY_AGAIN}."
            )
        file = self._files[name]
        handle, names = self._file(file)
        if name not in names:
            raise UserError(f"{file} has no tensor {name}, though {self._list.name} says so; {_COPY_AGAIN}.")
        stored = handle.get_slice(name)
        if stored.get_dtype() not in ("F32", "BF16", "F16"):
            raise UserError(
                f"{file}: tensor {name} is of type {stored.get_dtype()}, but F32, BF16 or F16 is needed; "
                "use the weights before quantization."
            )
        if tuple(stored.get_shape()) != shape:
            raise UserError(
                f"{file}: tensor {name} has shape {stored.get_shape()}, but {CONFIG} asks for {list(shape)}; "
                f"the two don't belong together, so {_COPY_AGAIN}."
            )
        self._read.add(name)
        return handle.get_tensor(name)

    def refuse_unread(self) -> None:
        """Raise for a tensor that the model has no place for: of another architecture, or one layer more."""
        others = sorted(n for n in self._files if n not in self._read and not n.endswith(_REDUNDANT))
        if others:
            raise UserError(
                f"{self._list} has {len(others)} tensors without a place in {CONFIG}, the first {others[0]}; "
                f"the two don't belong together, so {_COPY_AGAIN}."
            )

    def _file(self, path: Path) -> tuple[Any, list[str]]:
        """An open safetensors file and the names of its tensors."""
        if path not in self._open:
            try:
                handle = safe_open(path, framework="np")
                self._open[path] = handle, list(handle.keys())
            except FileNotFoundError:
                raise UserError(f"{path} does not exist; {_COPY_AGAIN}.") from None
            except (SafetensorError, OSError) as error:
                raise UserError(f"{path} is cut or no safetensors file ({error}); {_COPY_AGAIN}.") from None
        return self._open[path]


def _read_index(path: Path) -> dict[str, Path]:
    """Tensor name to shard, of `model.safetensors.index.json`."""
    weight_map = _read_json(path).get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(file, str) for file in weight_map.values()):
        raise UserError(f'{path} has no "weight_map" of tensor names to files; {_COPY_AGAIN}.')
    for file in weight_map.values():
        if not re.fullmatch(r"[\w.-]+\.safetensors", file):
            raise UserError(f"{path} names the shard {file!r}, which is not a file beside it; {_COPY_AGAIN}.")
    return {name: path.parent / file for name, file in weight_map.items()}


# ModelConfig's fields by their names in config.json.
_SHAPE = {
    "vocab_size": "vocab_size",
    "num_layers": "num_hidden_layers",
    "d_model": "hidden_size",
    "num_heads": "num_attention_heads",
    "num_kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "d_mlp": "intermediate_size",
    "context_length": "max_position_embeddings",
}
# What else changes the arithmetic, and the values that mean Gemma 1. "gelu" is what CodeGemma 2B 1.0 ships;
# the tanh approximation is meant (transformers#29402).
_ARITHMETIC: dict[str, tuple[Any, ...]] = {
    "model_type": ("gemma",),
    "hidden_act": ("gelu_pytorch_tanh", "gelu"),
    "hidden_activation": ("gelu_pytorch_tanh", "gelu", None),
    "tie_word_embeddings": (True,),
    "attention_bias": (False, None),
    "use_bidirectional_attention": (False, None),
    "rope_scaling": (None,),
    "quantization_config": (None,),
}


def read_config(path: Path) -> ModelConfig:
    """The `ModelConfig` of a `config.json`."""
    stored = _read_json(path)
    if "model_type" not in stored:
        raise UserError(f'{path} has no "model_type"; a Gemma model directory says "gemma".')
    rope = stored.get("rope_parameters") or {}  # Transformers 5; before it rope_theta and rope_scaling
    found = {key: stored[key] for key in _ARITHMETIC if key in stored}
    for key, value in found.items():
        if not any(value is right or value == right for right in _ARITHMETIC[key]):
            raise _unsupported(path, key, value, _ARITHMETIC[key][0])
    if not isinstance(rope, dict) or rope.get("rope_type", "default") != "default":
        raise _unsupported(path, "rope_parameters", rope, {"rope_type": "default"})
    shape = {field: _number(path, key, stored.get(key), int) for field, key in _SHAPE.items()}
    theta = stored.get("rope_theta", rope.get("rope_theta", 10_000.0))
    try:
        return ModelConfig(
            **shape,
            rope_theta=float(_number(path, "rope_theta", theta, (int, float))),
            norm_eps=float(_number(path, "rms_norm_eps", stored.get("rms_norm_eps", 1e-6), (int, float))),
        )
    except ValueError as error:
        raise UserError(f"{path} describes no Gemma model: {error}.") from None


def read_order(path: Path) -> Order:
    """The layout of prompts that a `config.json` names; CodeGemma's own, PSM, where it names none."""
    found = _read_json(path).get("fim_order", Order.PSM)
    if found not in list(Order):
        known = ", ".join(Order)
        raise UserError(
            f'{path} says "fim_order": {json.dumps(found):.80}, but the layouts are {known}; {_COPY_AGAIN}.'
        )
    return Order(found)


def _unsupported(path: Path, key: str, found: Any, wanted: Any) -> UserError:
    return UserError(
        f'{path} says "{key}": {json.dumps(found):.80}, but codegem runs Gemma 1, where it is '
        f"{json.dumps(wanted)}; give a Gemma 1 or CodeGemma model."
    )


def _number(path: Path, key: str, value: Any, kind: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, kind) or not value > 0:
        found = json.dumps(value)
        raise UserError(f'{path}: "{key}" must be a number above 0, but is {found:.80}; {_COPY_AGAIN}.')
    return value


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; a model directory needs it.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is not readable as JSON ({error}); {_COPY_AGAIN}.") from None
    if not isinstance(value, dict):
        raise UserError(f"{path} is not a JSON object; {_COPY_AGAIN}.")
    return value


def _config_json(config: ModelConfig, tokenizer: Tokenizer, dtype: np.dtype) -> dict[str, Any]:
    special = tokenizer.special
    return {
        "architectures": ["GemmaForCausalLM"],
        "model_type": "gemma",
        **{key: getattr(config, field) for field, key in _SHAPE.items()},
        "rope_theta": config.rope_theta,
        "rms_norm_eps": config.norm_eps,
        "hidden_act": "gelu_pytorch_tanh",
        "hidden_activation": "gelu_pytorch_tanh",
        "tie_word_embeddings": True,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": special.bos,
        "eos_token_id": special.eos,
        "pad_token_id": special.pad,
        "torch_dtype": dtype.name,
        "use_cache": True,
    }


def _tokenizer_json(config: ModelConfig) -> dict[str, Any]:
    names = {name: aliases[0] for name, aliases in NAMES.items()}
    others = [names[name] for name in NAMES if name not in ("pad", "eos", "bos", "unk")]
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",  # read tokenizer.json as it is
        **{f"{name}_token": names[name] for name in ("bos", "eos", "unk", "pad")},
        "additional_special_tokens": others,
        "add_bos_token": True,
        "add_eos_token": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": config.context_length,
        "padding_side": "left",
    }


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _write_weights(path: Path, arrays: dict[str, np.ndarray]) -> None:
    save_file(arrays, path, metadata={"format": "pt"})  # Transformers insists on a format
    shutil.copymode(path.with_name(CONFIG), path)  # safetensors makes files that only their owner can read


def _replace(directory: Path, files: dict[str, Callable[[Path], None]]) -> None:
    """Write all files elsewhere on the same disk, then rename them into place in their order."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".saving-") as staging:
        for name, write in files.items():
            write(Path(staging, name))
            with open(Path(staging, name), "rb") as written:
                os.fsync(written.fileno())
        for name in files:
            os.replace(Path(staging, name), directory / name)
