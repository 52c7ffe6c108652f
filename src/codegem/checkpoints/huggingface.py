"""Model directories in Hugging Face's layout: what Transformers, vLLM and llama.cpp read and write.

    config.json             the shape of the model, as `GemmaForCausalLM` has it
    model.safetensors       the weights; or several shards and model.safetensors.index.json
    tokenizer.json          the vocabulary
    tokenizer_config.json   how Transformers is to use it, and the chat template
    generation_config.json  which ids end a text
    NOTICE                  beside weights that were Google's

Matrices are [out, in]; the unembedding is tied and has no tensor; norm weights are stored without the +1,
and `post_attention_layernorm` is the norm before the MLP.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.typing import DTypeLike

from codegem.checkpoints.chat_template import TEMPLATE_FILE
from codegem.checkpoints.huggingface_config import (
    CONFIG,
    COPY_AGAIN,
    config_json,
    generation_json,
    read_config,
    read_json,
    read_order,
    tokenizer_json,
    write_json,
)
from codegem.checkpoints.huggingface_weights import INDEX, SHARD_BYTES, WEIGHTS, Weights, shards
from codegem.checkpoints.notice import NOTICE, has_notice, notice_text
from codegem.checkpoints.notice import origin as _origin
from codegem.checkpoints.replacing import Write, replace_files
from codegem.checkpoints.safetensors_file import Planned
from codegem.errors import UserError
from codegem.model.attention import Attention
from codegem.model.config import ModelConfig
from codegem.model.linear import Linear
from codegem.model.transformer import Block, GeGLU, RMSNorm, Transformer
from codegem.text.fim import Order
from codegem.text.tokenizer import Tokenizer, load_tokenizer

__all__ = ["CONFIG", "INDEX", "WEIGHTS", "assemble", "load", "origin", "plan", "read_config", "read_order", "save"]


def load(directory: Path | str, *, dtype: DTypeLike | None = None) -> tuple[Transformer, Tokenizer]:
    """The model and the tokenizer of a directory.

    On CPUs, matrices that need no other type and lie at multiples of 64 bytes stay in the mapped file; the
    others are copied one at a time, so that memory never holds a model twice.

    Args:
        dtype: of the matrices in memory; default as stored. Norm scales are float32.

    Raises:
        UserError: a file or a tensor is absent, cut, or not what `config.json` says; or the model is not
            a Gemma 1.
    """
    directory = Path(directory)
    weights, names = _open(directory)
    leaves, structure = jax.tree.flatten(names)
    # A large vocabulary takes two seconds, in which other threads read the weights.
    with ThreadPoolExecutor(1) as pool:
        tokenizer = pool.submit(read_tokenizer, directory, names.config)
        arrays = weights.arrays(leaves, dtype)
        return jax.tree.unflatten(structure, arrays), tokenizer.result()


def plan(directory: Path | str) -> tuple[Transformer, Tokenizer]:
    """`load`, but the leaves are `Planned`: `make()` gives a tensor as stored (norm scales in float32).

    For whoever goes through a model one tensor at a time and must not hold it whole.
    """
    weights, names = _open(Path(directory))
    return jax.tree.map(weights.planned, names), read_tokenizer(Path(directory), names.config)


def _open(directory: Path) -> tuple[Weights, Transformer]:
    """The weights of a directory, and the model with names for its leaves, all of them checked."""
    if not directory.is_dir():
        raise UserError(f"There is no model directory {directory}; give one that holds a {CONFIG}.")
    config = read_config(directory / CONFIG)
    weights = Weights(directory)
    names = assemble(config, weights.check)
    weights.refuse_others()
    return weights, names


def read_tokenizer(directory: Path, config: ModelConfig, way_out: str = COPY_AGAIN) -> Tokenizer:
    """The tokenizer of a model directory.

    Raises:
        UserError: it is absent or damaged, or has ids that the model does not know; `way_out` says what to do then.
    """
    tokenizer = load_tokenizer(directory)
    if tokenizer.vocab_size > config.vocab_size:
        raise UserError(
            f"{directory}: the tokenizer has {tokenizer.vocab_size} ids and the model {config.vocab_size}; "
            f"they don't belong together, so {way_out}."
        )
    return tokenizer


def save(
    directory: Path | str,
    model: Transformer,
    tokenizer: Tokenizer,
    *,
    dtype: DTypeLike = "bfloat16",
    order: Order = Order.PSM,
    shard_bytes: int = SHARD_BYTES,
    derived_from: str | None = None,
    chats: bool = False,
) -> None:
    """Write a model directory; files of it that have nothing to do with the model stay.

    Each file is written whole under a temporary name and then renamed, the weights last: a process that
    is killed leaves every file as it was or as it should be. Tensors are converted and written one at a time.

    Args:
        order: the layout in which the model is best asked to fill a hole; it stands in config.json as
            "fim_order", which other programs pass over.
        shard_bytes: weights that are larger go to several files of at most this size, with an index.
        derived_from: whose weights these were, as `origin` says; a NOTICE is written where it is not None.
        chats: whether the model was tuned to; the chat template says so, and is left out where it was not.

    Raises:
        UserError: the directory can't be written; what it held is unchanged.
    """
    kind = np.dtype(dtype)
    stored = config_json(model.config, tokenizer, dtype=kind, order=order, derived_from=derived_from)
    weights = shards(tensors(model, kind), shard_bytes)
    write_directory(Path(directory), model.config, tokenizer, stored, weights, chats=chats)


def write_directory(
    directory: Path,
    config: ModelConfig,
    tokenizer: Tokenizer,
    stored: dict[str, Any],
    weights: dict[str, Write],
    *,
    chats: bool = False,
) -> None:
    """Write a model directory of which config.json (`stored`) and the weights are known; `save` says how.

    Raises:
        UserError: the directory can't be written; what it held is unchanged.
    """
    files: dict[str, Write] = {
        CONFIG: lambda path: write_json(path, stored),
        "generation_config.json": lambda path: write_json(path, generation_json(tokenizer)),
        "tokenizer.json": tokenizer.save,
        "tokenizer_config.json": lambda path: write_json(path, tokenizer_json(config, chats=chats)),
    }
    if (derived_from := stored["derived_from"]) is not None:
        files[NOTICE] = lambda path: path.write_text(notice_text(derived_from), encoding="utf-8")
    try:
        replace_files(directory, {**files, **weights}, stale=_stale(directory))
    except OSError as error:
        raise UserError(
            f"The model could not be written to {directory} ({error}); what was there is unchanged. "
            "Make room or give another directory."
        ) from None


def origin(directory: Path | str) -> str | None:
    """Whose weights a model directory holds, for `save`; None where they were trained from nothing.

    Raises:
        UserError: it has no readable config.json.
    """
    path = Path(directory, CONFIG)
    return _origin(path.parent, read_json(path), read_config(path))


def tensors(model: Transformer, dtype: np.dtype) -> dict[str, Planned]:
    """The tensors of a model by Hugging Face's names, each converted when it is asked for."""
    names = jax.tree.leaves(assemble(model.config, lambda name, shape: name))

    def planned(leaf: Any) -> Planned:
        return Planned(leaf.shape, dtype, lambda: np.asarray(leaf).astype(dtype, copy=False))

    return {name: planned(leaf) for name, leaf in zip(names, jax.tree.leaves(model), strict=True)}


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


def _stale(directory: Path) -> list[str]:
    """Weights, template and notice of an earlier model, which would be taken for the new one's."""
    found = [path.name for path in directory.glob("model-*-of-*.safetensors")]
    return [*found, WEIGHTS, INDEX, TEMPLATE_FILE, *([NOTICE] if has_notice(directory) else [])]
