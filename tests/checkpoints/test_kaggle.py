"""Kaggle's Flax layout: against a forward pass written from its einsums, against Orbax alone, and damaged."""

import json
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from codegem.checkpoints import kaggle
from codegem.checkpoints.notice import RELEASED, TERMS
from codegem.checkpoints.pieces import from_tokenizer
from codegem.checkpoints.sentencepiece import TOKENIZER_MODEL, write_pieces
from codegem.errors import UserError
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.fim import Order
from codegem.text.tokenizer import Tokenizer

ocp = pytest.importorskip("orbax.checkpoint")

SHAPE: dict[str, Any] = {"vocab_size": 266, "num_layers": 2, "d_model": 24, "num_heads": 4, "head_dim": 8, "d_mlp": 40}
KV_HEADS = [1, 2, 4]  # multi-query as the 2B, grouped, multi-head as the 7B
Tree = dict[str, dict[str, np.ndarray]]


@pytest.fixture(scope="module", params=KV_HEADS, ids=["multi-query", "grouped", "multi-head"])
def config(request: pytest.FixtureRequest) -> ModelConfig:
    return ModelConfig(**SHAPE, num_kv_heads=request.param)


@pytest.fixture
def saved(config: ModelConfig, random_model: Callable[..., Transformer], bytes_tokenizer: Tokenizer, tmp_path: Path):
    """A directory that codegem wrote in float32."""
    kaggle.save(tmp_path / "model", random_model(config), bytes_tokenizer, dtype="float32")
    return tmp_path / "model"


def _restore(folder: Path) -> Tree:
    """Everything in a checkpoint, by Orbax alone, as Google's own loader asks for it."""
    return ocp.PyTreeCheckpointer().restore(folder)


def _flax_tree(config: ModelConfig, *, padding: int = 128, dtype: Any = np.float32, seed: int = 0) -> Tree:
    """A random checkpoint in Google's layout."""
    numbers = np.random.default_rng(seed)
    d, f, h, n, k = config.d_model, config.d_mlp, config.head_dim, config.num_heads, config.num_kv_heads

    def array(*shape: int, fan_in: int = 10) -> np.ndarray:
        return (numbers.standard_normal(shape) * fan_in**-0.5).astype(dtype)

    tree: Tree = {
        "transformer/embedder": {"input_embedding": array(config.vocab_size + padding, d, fan_in=d)},
        "transformer/final_norm": {"scale": array(d)},
    }
    for i in range(config.num_layers):
        layer = f"transformer/layer_{i}"
        tree[f"{layer}/pre_attention_norm"] = {"scale": array(d)}
        tree[f"{layer}/pre_ffw_norm"] = {"scale": array(d)}
        if n == k:
            tree[f"{layer}/attn/qkv_einsum"] = {"w": array(3, n, d, h, fan_in=d)}
        else:
            tree[f"{layer}/attn/q_einsum"] = {"w": array(n, d, h, fan_in=d)}
            tree[f"{layer}/attn/kv_einsum"] = {"w": array(2, k, d, h, fan_in=d)}
        tree[f"{layer}/attn/attn_vec_einsum"] = {"w": array(n, h, d, fan_in=n * h)}
        tree[f"{layer}/mlp/gating_einsum"] = {"w": array(2, d, f, fan_in=d)}
        tree[f"{layer}/mlp/linear"] = {"w": array(f, d, fan_in=f)}
    return tree


def _download(directory: Path, tree: Tree, tokenizer: Tokenizer, **options: Any) -> Path:
    """A directory as Kaggle has it."""
    directory.mkdir(exist_ok=True)
    ocp.PyTreeCheckpointer(**options).save((directory / "2b").absolute(), tree)
    write_pieces(directory / TOKENIZER_MODEL, from_tokenizer(tokenizer))
    return directory


def _norm(x: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-6) * (1 + scale)


def _rope(x: np.ndarray) -> np.ndarray:
    half = x.shape[-1] // 2
    angle = np.arange(x.shape[1])[:, None, None] / 10_000.0 ** (np.arange(half) / half)
    first, second = x[..., :half], x[..., half:]
    return np.concatenate(
        [first * np.cos(angle) - second * np.sin(angle), second * np.cos(angle) + first * np.sin(angle)], axis=-1
    )


def _gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def _attention(layer: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    if "attn/qkv_einsum" in layer:
        q, k, v = np.einsum("BTD,SNDH->SBTNH", x, layer["attn/qkv_einsum"])
    else:
        q = np.einsum("BTD,NDH->BTNH", x, layer["attn/q_einsum"])
        k, v = np.einsum("BSD,CKDH->CBSKH", x, layer["attn/kv_einsum"])
    heads, head_dim = q.shape[2], q.shape[3]
    q, k = _rope(q) * head_dim**-0.5, _rope(k)
    k, v = (np.repeat(y, heads // y.shape[2], axis=2) for y in (k, v))
    logits = np.einsum("BTNH,BSNH->BNTS", q, k)
    logits = np.where(np.tri(x.shape[1], dtype=bool), logits, -1e30)
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return np.einsum("BTNH,NHD->BTD", np.einsum("BNTS,BSNH->BTNH", weights, v), layer["attn/attn_vec_einsum"])


def flax_logits(tree: Tree, tokens: np.ndarray) -> np.ndarray:
    """Gemma 1 as its Flax modules define it, in float64 and NumPy, without a line of codegem."""
    arrays = {f"{name}.{leaf}": array.astype(np.float64) for name, part in tree.items() for leaf, array in part.items()}
    embedding = arrays["transformer/embedder.input_embedding"]
    x = embedding[tokens] * np.sqrt(embedding.shape[1])
    for i in range(SHAPE["num_layers"]):
        start = f"transformer/layer_{i}/"
        layer = {
            name.removeprefix(start).rpartition(".")[0]: array
            for name, array in arrays.items()
            if name.startswith(start)
        }
        x = x + _attention(layer, _norm(x, layer["pre_attention_norm"]))
        gate, up = np.einsum("BTD,CDF->CBTF", _norm(x, layer["pre_ffw_norm"]), layer["mlp/gating_einsum"])
        x = x + np.einsum("BTF,FD->BTD", _gelu(gate) * up, layer["mlp/linear"])
    return np.einsum("BTD,VD->BTV", _norm(x, arrays["transformer/final_norm.scale"]), embedding)


TOKENS = np.random.default_rng(3).integers(0, SHAPE["vocab_size"], (2, 19))


@pytest.mark.parametrize("use_ocdbt", [True, False])
def test_a_download_gives_the_logits_of_its_einsums(
    config: ModelConfig, bytes_tokenizer: Tokenizer, tmp_path: Path, use_ocdbt: bool
) -> None:
    tree = _flax_tree(config)
    directory = _download(tmp_path / "kaggle", tree, bytes_tokenizer, use_ocdbt=use_ocdbt)
    model, tokenizer = kaggle.load(directory)
    assert model.config == config
    assert tokenizer.encode("é+x") == bytes_tokenizer.encode("é+x")
    ours = np.asarray(model(jnp.asarray(TOKENS)))
    assert np.abs(ours - flax_logits(tree, TOKENS)[..., : config.vocab_size]).max() < 1e-4


def test_orbax_alone_restores_what_we_write(
    config: ModelConfig, saved: Path, random_model: Callable[..., Transformer]
) -> None:
    tree = _restore(saved / kaggle.CHECKPOINT)
    like = _flax_tree(config, padding=0)
    assert jax.tree.map(np.shape, tree) == jax.tree.map(np.shape, like)
    ours = np.asarray(random_model(config)(jnp.asarray(TOKENS)))
    assert np.abs(flax_logits(tree, TOKENS) - ours).max() < 1e-4


def test_bits_come_back(
    config: ModelConfig, random_model: Callable[..., Transformer], bytes_tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = random_model(config, dtype="bfloat16")
    rounded = jax.tree.map(lambda x: x.astype(jnp.bfloat16).astype(x.dtype), model)
    kaggle.save(tmp_path, model, bytes_tokenizer, order=Order.SPM)
    back, tokenizer = kaggle.load(tmp_path)
    assert back.config == config and kaggle.order(tmp_path) is Order.SPM and kaggle.origin(tmp_path) is None
    assert tokenizer.hash == bytes_tokenizer.hash
    for here, there in zip(jax.tree.leaves(rounded), jax.tree.leaves(back), strict=True):
        assert here.dtype == there.dtype and np.array_equal(np.asarray(here), np.asarray(there))


def test_bfloat16_of_tpus_is_read_on_one_device(bytes_tokenizer: Tokenizer, tmp_path: Path) -> None:
    """jax.Arrays, so that the checkpoint names the devices that it was written on."""
    tree = _flax_tree(ModelConfig(**SHAPE, num_kv_heads=1), dtype=ml_dtypes.bfloat16)
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]), ("chips",))
    spread = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("chips"))
    directory = _download(tmp_path / "kaggle", jax.device_put(tree, spread), bytes_tokenizer)
    sharding = directory / "2b" / "_sharding"
    told = json.loads(sharding.read_text(encoding="utf-8"))
    far = {name: value.replace('"shape": [1]', '"shape": [256]') for name, value in told.items()}
    assert far != told
    sharding.write_text(json.dumps(far), encoding="utf-8")
    model, _ = kaggle.load(directory)
    assert model.embedding.dtype == jnp.bfloat16 and model.final_norm.scale.dtype == jnp.float32
    there = tree["transformer/layer_1/attn/q_einsum"]["w"]
    assert np.array_equal(np.asarray(model.blocks[1].attention.q.weight)[8:16], there[1].T)
    assert kaggle.load(directory, dtype="float32")[0].embedding.dtype == jnp.float32


def test_the_first_half_of_gating_einsum_is_the_gate(bytes_tokenizer: Tokenizer, tmp_path: Path) -> None:
    tree = _flax_tree(ModelConfig(**SHAPE, num_kv_heads=1))
    model, _ = kaggle.load(_download(tmp_path / "kaggle", tree, bytes_tokenizer))
    gate, up = tree["transformer/layer_0/mlp/gating_einsum"]["w"]
    assert np.array_equal(np.asarray(model.blocks[0].mlp.gate.weight), gate.T)
    assert np.array_equal(np.asarray(model.blocks[0].mlp.up.weight), up.T)


def test_gemmas_rows_are_padded_as_its_own_code_expects(bytes_tokenizer: Tokenizer) -> None:
    config = ModelConfig(256_000, num_layers=1, d_model=2, num_heads=2, num_kv_heads=1, head_dim=2, d_mlp=2)
    model = jax.tree.map(lambda x: np.ones(x.shape, x.dtype), jax.eval_shape(lambda: _init(config)))
    array = kaggle.planned(model, np.dtype("float32"))[("transformer/embedder", "input_embedding")].make()
    assert array.shape == (256_128, 2) and array[:256_000].all() and not array[256_000:].any()


def _init(config: ModelConfig) -> Transformer:
    return Transformer.init(config, jax.random.key(0))


def test_no_two_arrays_are_made_at_once(
    random_model: Callable[..., Transformer],
    bytes_tokenizer: Tokenizer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alive: list[weakref.ref[np.ndarray]] = []
    turned = kaggle.to_flax

    def watched(*arguments: Any) -> np.ndarray:
        array = turned(*arguments)
        if array.base is not None:
            array = array.copy()
        alive.append(weakref.ref(array))
        assert sum(ref() is not None for ref in alive) <= 2  # Orbax may still hold the one before
        return array

    monkeypatch.setattr(kaggle, "to_flax", watched)
    told: list[tuple[int, int]] = []
    kaggle.save(
        tmp_path,
        random_model(ModelConfig(**SHAPE, num_kv_heads=1)),
        bytes_tokenizer,
        on_array=lambda done, total: told.append((done, total)),
    )
    assert told == [(count, len(alive)) for count in range(1, len(alive) + 1)]


def test_a_directory_and_its_checkpoint_are_the_same_model(saved: Path, tmp_path: Path) -> None:
    assert kaggle.is_kaggle(saved) and kaggle.is_kaggle(saved / kaggle.CHECKPOINT)
    assert kaggle.load(saved / kaggle.CHECKPOINT)[1].vocab_size == kaggle.load(saved)[1].vocab_size
    (tmp_path / "empty").mkdir()
    assert not kaggle.is_kaggle(tmp_path / "empty") and not kaggle.is_kaggle(tmp_path / "nowhere")


def test_a_directory_is_described_by_its_metadata(saved: Path, config: ModelConfig) -> None:
    (saved / TOKENIZER_MODEL).unlink()
    assert kaggle.describe(saved) == (config, "float32")
    (saved / "config.json").unlink()
    assert kaggle.describe(saved) == (config, "float32")


def test_planned_leaves_are_what_load_reads(saved: Path) -> None:
    whole, (plan, _) = kaggle.load(saved)[0], kaggle.plan(saved)
    for array, leaf in zip(jax.tree.leaves(whole), jax.tree.leaves(plan), strict=True):
        assert leaf.shape == array.shape and leaf.dtype == array.dtype
        assert np.array_equal(np.asarray(leaf.make()), np.asarray(array))


def test_googles_weights_carry_their_notice(
    random_model: Callable[..., Transformer], bytes_tokenizer: Tokenizer, tmp_path: Path
) -> None:
    config = ModelConfig(**SHAPE, num_kv_heads=1)
    directory = _download(tmp_path / "kaggle", _flax_tree(config), bytes_tokenizer)
    assert kaggle.origin(directory) == RELEASED
    kaggle.save(tmp_path / "out", random_model(config), bytes_tokenizer, derived_from="google/codegemma-2b")
    assert kaggle.origin(tmp_path / "out") == "google/codegemma-2b"
    assert TERMS in (tmp_path / "out" / "NOTICE").read_text(encoding="utf-8")


def test_nothing_is_written_over(
    saved: Path, config: ModelConfig, random_model: Callable[..., Transformer], bytes_tokenizer: Tokenizer
) -> None:
    before = sorted(saved.rglob("*"))
    with pytest.raises(UserError, match="is there already"):
        kaggle.save(saved, random_model(config), bytes_tokenizer)
    assert sorted(saved.rglob("*")) == before


def test_a_full_disk_leaves_nothing(
    config: ModelConfig,
    random_model: Callable[..., Transformer],
    bytes_tokenizer: Tokenizer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*arguments: Any) -> np.ndarray:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kaggle, "to_flax", full)
    with pytest.raises(UserError, match="no space left on the disk"):
        kaggle.save(tmp_path / "model", random_model(config), bytes_tokenizer)
    assert not any((tmp_path / "model").iterdir())


def _lose(tree: Tree) -> None:
    del tree["transformer/layer_1/mlp/linear"]


def _lose_the_embedding(tree: Tree) -> None:
    del tree["transformer/embedder"]


def _lose_the_keys(tree: Tree) -> None:
    del tree["transformer/layer_0/attn/kv_einsum"]


def _turn(tree: Tree) -> None:
    part = tree["transformer/layer_1/mlp/linear"]
    part["w"] = part["w"].T.copy()


def _more_layers(tree: Tree) -> None:
    tree["transformer/layer_7/mlp/linear"] = tree["transformer/layer_1/mlp/linear"]


def _second_gemma(tree: Tree) -> None:
    tree["transformer/layer_0/post_attention_norm"] = {"scale": np.zeros(24, np.float32)}


def _whole_numbers(tree: Tree) -> None:
    part = tree["transformer/layer_1/mlp/linear"]
    part["w"] = part["w"].astype(np.int32)


def _flat(tree: Tree) -> None:
    tree["transformer/layer_0/attn/attn_vec_einsum"]["w"] = np.zeros((32, 24), np.float32)


def _odd_heads(tree: Tree) -> None:
    tree["transformer/layer_0/attn/kv_einsum"]["w"] = np.zeros((2, 3, 24, 8), np.float32)


def _few_rows(tree: Tree) -> None:
    part = tree["transformer/embedder"]
    part["input_embedding"] = part["input_embedding"][:260]


def _many_rows(tree: Tree) -> None:
    tree["transformer/embedder"]["input_embedding"] = np.zeros((266 + 129, 24), np.float32)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (_lose, "has no array transformer/layer_1/mlp/linear w"),
        (_lose_the_embedding, "transformer/embedder is not there"),
        (_lose_the_keys, "transformer/layer_0/attn/kv_einsum is not there"),
        (_turn, r"linear w has shape \[24, 40\], but beside the others \[40, 24\] is needed"),
        (_more_layers, "has no array transformer/layer_2/pre_attention_norm scale"),
        (_second_gemma, "1 arrays without a place in Gemma 1, the first transformer/layer_0/post_attention_norm"),
        (_whole_numbers, "linear w is of type int32 and not one of bfloat16, float16, float32"),
        (_flat, r"attn_vec_einsum has shape \[32, 24\], which Gemma 1 has with 3 axes"),
        (_odd_heads, "4 query heads can't share 3 key/value heads"),
        (_few_rows, "the embedding has 260 rows and the vocabulary 266 ids"),
        (_many_rows, "the embedding has 395 rows and the vocabulary 266 ids, and at most 128 rows are padding"),
    ],
)
def test_other_checkpoints_are_refused(
    change: Callable[[Tree], None], part: str, bytes_tokenizer: Tokenizer, tmp_path: Path
) -> None:
    tree = _flax_tree(ModelConfig(**SHAPE, num_kv_heads=1))
    change(tree)
    with pytest.raises(UserError, match=part) as raised:
        kaggle.load(_download(tmp_path / "kaggle", tree, bytes_tokenizer))
    assert "\n" not in str(raised.value)


def test_a_directory_without_a_checkpoint_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match="holds no Flax checkpoint"):
            kaggle.load(path)


def test_a_checkpoint_without_a_vocabulary_is_named(bytes_tokenizer: Tokenizer, tmp_path: Path) -> None:
    directory = _download(tmp_path, _flax_tree(ModelConfig(**SHAPE, num_kv_heads=1)), bytes_tokenizer)
    (directory / TOKENIZER_MODEL).unlink()
    with pytest.raises(UserError, match=r"tokenizer\.model does not exist"):
        kaggle.load(directory)


def test_two_checkpoints_are_ambiguous(saved: Path) -> None:
    shutil.copytree(saved / kaggle.CHECKPOINT, saved / "2b")
    with pytest.raises(UserError, match="one folder with a _METADATA"):
        kaggle.load(saved)


def test_a_config_of_another_model_is_refused(saved: Path) -> None:
    told = json.loads((saved / "config.json").read_text(encoding="utf-8"))
    (saved / "config.json").write_text(json.dumps(told | {"intermediate_size": 41}), encoding="utf-8")
    with pytest.raises(UserError, match="describes another model"):
        kaggle.load(saved)
