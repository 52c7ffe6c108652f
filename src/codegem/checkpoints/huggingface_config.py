"""The JSON files of a model directory: what config.json says of a model, and what is written for others."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from codegem.errors import UserError
from codegem.model.config import PRESETS, ModelConfig
from codegem.text import chat
from codegem.text.fim import Order
from codegem.text.tokenizer import NAMES, Tokenizer

CONFIG = "config.json"
COPY_AGAIN = "copy or download the model directory again"
_LONGEST = 16 << 20  # bytes of JSON; a config.json has 1,000 and the index of a 7B 25,000
_LARGEST = 2**31 - 1

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
    """The `ModelConfig` of a `config.json`, as Transformers 4 or 5 writes it.

    What it does not say is what Transformers' `GemmaConfig` would put there: the shape of the 7B.

    Raises:
        UserError: it is absent, not JSON, or not of a Gemma 1.
    """
    return config_from(read_json(path), path)


def config_from(stored: dict[str, Any], path: Path) -> ModelConfig:
    """The `ModelConfig` of what stands in the config.json at `path`, which only errors name.

    Raises:
        UserError: it is not of a Gemma 1.
    """
    if "model_type" not in stored:
        raise UserError(f'{path} has no "model_type"; a Gemma model directory says "gemma".')
    for key in _ARITHMETIC.keys() & stored.keys():
        if not any(stored[key] is right or stored[key] == right for right in _ARITHMETIC[key]):
            raise _unsupported(path, key, stored[key], _ARITHMETIC[key][0])
    rope = stored.get("rope_parameters") or {}  # Transformers 5; before it rope_theta and rope_scaling
    plain = {"rope_type": "default", "partial_rotary_factor": 1.0}
    if not isinstance(rope, dict) or any(rope.get(key, value) != value for key, value in plain.items()):
        raise _unsupported(path, "rope_parameters", rope, {"rope_type": "default"})
    shape = {
        field: _number(path, key, stored.get(key, getattr(PRESETS["gemma_7b"], field)), int)
        for field, key in _SHAPE.items()
    }
    theta = rope.get("rope_theta", stored.get("rope_theta", 10_000.0))
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
    found = read_json(path).get("fim_order", Order.PSM)
    if found not in list(Order):
        known = ", ".join(Order)
        raise UserError(f'{path} says "fim_order": {json.dumps(found):.80}, but the layouts are {known}; {COPY_AGAIN}.')
    return Order(found)


def _unsupported(path: Path, key: str, found: Any, wanted: Any) -> UserError:
    return UserError(
        f'{path} says "{key}": {json.dumps(found):.80}, but codegem runs Gemma 1, where it is '
        f"{json.dumps(wanted)}; give a Gemma 1 or CodeGemma model."
    )


def _number(path: Path, key: str, value: Any, kind: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, kind) or not 0 < value <= _LARGEST:
        found = json.dumps(value)
        raise UserError(
            f'{path}: "{key}" must be a number above 0 and at most {_LARGEST}, but is {found:.80}; {COPY_AGAIN}.'
        )
    return value


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        UserError: the file is absent, too long, or holds something else.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe would be read for ever
            raise ValueError("it is not a regular file")
        with open(path, "rb") as file:
            content = file.read(_LONGEST + 1)
        if len(content) > _LONGEST:
            raise ValueError(f"it has more than {_LONGEST} bytes")
        value = json.loads(content.decode("utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; a model directory needs it.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is not readable as JSON ({error}); {COPY_AGAIN}.") from None
    if not isinstance(value, dict):
        raise UserError(f"{path} is not a JSON object; {COPY_AGAIN}.")
    return value


def write_json(path: Path, value: dict[str, Any]) -> None:
    """One key a line."""
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def config_json(
    config: ModelConfig, tokenizer: Tokenizer, *, dtype: np.dtype, order: Order, derived_from: str | None
) -> dict[str, Any]:
    """config.json for `GemmaForCausalLM`; "fim_order" and "derived_from" are codegem's, which others pass over."""
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
        "fim_order": order,
        "derived_from": derived_from,
    }


def tokenizer_json(config: ModelConfig, *, chats: bool = False) -> dict[str, Any]:
    """tokenizer_config.json; the template of a model that `chats` says that it does."""
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
        **({"chat_template": CHAT_TEMPLATE} if chats else {}),
    }


def generation_json(tokenizer: Tokenizer) -> dict[str, Any]:
    """generation_config.json: every id that ends a completion or an answer ends it in other programs too."""
    special = tokenizer.special
    return {
        "bos_token_id": special.bos,
        "eos_token_id": sorted(chat.stop_ids(tokenizer)),
        "pad_token_id": special.pad,
        "do_sample": False,
    }


# What `text.chat` renders, as a Jinja template. The tests compare the two by Transformers' own renderer.
CHAT_TEMPLATE = r"""{{- bos_token -}}
{%- set turns = messages -%}
{%- set before = '' -%}
{%- if messages and messages[0]['role'] == 'system' -%}
    {%- set before = (messages[0]['content'] | trim) + '\n\n' -%}
    {%- set turns = messages[1:] -%}
    {%- if not turns -%}{{ raise_exception('a system message without a question') }}{%- endif -%}
{%- endif -%}
{%- for turn in turns -%}
    {%- set role = 'model' if loop.index0 % 2 else 'user' -%}
    {%- if turn['role'] != role and not (role == 'model' and turn['role'] == 'assistant') -%}
        {{ raise_exception('roles must alternate between user and assistant, and begin with user') }}
    {%- endif -%}
    {%- set text = turn['content'] | trim -%}
    {%- if loop.first -%}{%- set text = (before + text) | trim -%}{%- endif -%}
    {{ '<start_of_turn>' + role + '\n' + text + '<end_of_turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {%- if not turns or turns[-1]['role'] != 'user' -%}
        {{ raise_exception('a conversation that asks for an answer ends with a question') }}
    {%- endif -%}
    {{ '<start_of_turn>model\n' }}
{%- endif -%}
"""
