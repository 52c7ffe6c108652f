"""Orbax checkpoints from elsewhere: cut, changed or hostile, each gives one sentence."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codegem.checkpoints.orbax_arrays import METADATA, OrbaxArrays, write_arrays
from codegem.checkpoints.safetensors_file import Planned
from codegem.errors import UserError

ocp = pytest.importorskip("orbax.checkpoint")

KEY = ("transformer/embedder", "input_embedding")
OTHER = ("transformer/layer_0/attn/q_einsum", "w")


def _tree() -> dict[str, dict[str, np.ndarray]]:
    numbers = np.random.default_rng(0)
    return {
        KEY[0]: {KEY[1]: numbers.standard_normal((64, 8), np.float32)},
        OTHER[0]: {OTHER[1]: numbers.standard_normal((4, 8, 2), np.float32)},
    }


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A checkpoint whose every chunk is a file."""
    ocp.PyTreeCheckpointer(use_ocdbt=False).save(tmp_path / "files", _tree())
    return tmp_path / "files"


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A checkpoint in OCDBT, as Orbax writes since 2023."""
    ocp.PyTreeCheckpointer().save(tmp_path / "packed", _tree())
    return tmp_path / "packed"


def _read(folder: Path) -> dict[tuple[str, str], np.ndarray]:
    arrays = OrbaxArrays(folder)
    return {key: arrays.read(key) for key in arrays.infos}


@pytest.mark.parametrize("kind", ["files", "packed"])
def test_arrays_are_read_as_they_were_written(kind: str, request: pytest.FixtureRequest) -> None:
    found = _read(request.getfixturevalue(kind))
    assert found.keys() == {KEY, OTHER}
    assert all(np.array_equal(array, _tree()[name][leaf]) for (name, leaf), array in found.items())


def test_what_we_write_is_chunked_and_read_by_orbax(tmp_path: Path) -> None:
    large = np.arange(20 << 20, dtype=np.float32).reshape(20, 1 << 20)  # 80 MB, more than one chunk
    write_arrays(tmp_path / "c", {KEY: Planned(large.shape, large.dtype, lambda: large)}, lambda done: None)
    info = ocp.PyTreeCheckpointer().metadata(tmp_path / "c").item_metadata.tree[KEY[0]][KEY[1]]
    assert np.prod(info.storage.chunk_shape) * 4 <= 64 << 20
    assert np.array_equal(ocp.PyTreeCheckpointer().restore(tmp_path / "c")[KEY[0]][KEY[1]], large)
    assert np.array_equal(OrbaxArrays(tmp_path / "c").read(KEY), large)


def _metadata(folder: Path, change: Any) -> None:
    path = folder / METADATA
    told = json.loads(path.read_text(encoding="utf-8"))
    change(told)
    path.write_text(json.dumps(told), encoding="utf-8")


def _rename(name: str) -> Any:
    def change(told: dict[str, Any]) -> None:
        for entry in told["tree_metadata"].values():
            entry["key_metadata"][0]["key"] = name

    return change


@pytest.mark.parametrize("name", ["../../etc", "/etc", "a/../b", "", ".", "a//b", "a\x00b", "a\nb", 7, None])
def test_names_stay_inside_the_folder(name: Any, files: Path) -> None:
    _metadata(files, _rename(name))
    with pytest.raises(UserError) as raised:
        OrbaxArrays(files)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "7", '{"tree_metadata": []}', '{"tree_metadata": {"a": 1}}', '{"a":' * 5000, '"\ud800"'],
)
def test_metadata_of_another_kind_is_refused(content: str, files: Path) -> None:
    (files / METADATA).write_text(content, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(UserError, match="can't be read as an Orbax checkpoint"):
        OrbaxArrays(files)


def test_a_tree_of_another_depth_is_refused(tmp_path: Path) -> None:
    ocp.PyTreeCheckpointer().save(tmp_path / "deep", {"transformer": _tree()})
    with pytest.raises(UserError, match=r"is of type None|not in a dict of dicts"):
        OrbaxArrays(tmp_path / "deep")
    ocp.PyTreeCheckpointer().save(tmp_path / "flat", {"w": np.ones(3, np.float32)})
    with pytest.raises(UserError, match="not in a dict of dicts"):
        OrbaxArrays(tmp_path / "flat")


def test_a_missing_chunk_is_not_read_as_zeros(files: Path) -> None:
    (files / f"{KEY[0]}.{KEY[1]}" / "0.0").unlink()
    with pytest.raises(UserError, match="has 0 of 1 chunks"):
        OrbaxArrays(files)


def test_a_missing_manifest_is_refused(packed: Path) -> None:
    (packed / "manifest.ocdbt").unlink()
    with pytest.raises(UserError, match=r"its manifest\.ocdbt or its arrays are missing"):
        OrbaxArrays(packed)


def test_a_missing_array_is_refused(files: Path) -> None:
    (files / f"{KEY[0]}.{KEY[1]}" / ".zarray").unlink()
    with pytest.raises(UserError, match="can't be read as an Orbax checkpoint"):
        OrbaxArrays(files)


@pytest.mark.parametrize("keep", [0, 10, -1])
def test_a_cut_chunk_is_refused(files: Path, keep: int) -> None:
    chunk = files / f"{KEY[0]}.{KEY[1]}" / "0.0"
    chunk.write_bytes(chunk.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"input_embedding of .* can't be read") as raised:
        _read(files)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [10**9, 10**6]},
        {"shape": [10**18, 10**18]},
        {"shape": [-1, 8]},
        {"chunks": [10**9, 10**6]},
        {"chunks": [0, 8]},
        {"shape": [1 << 30, 8], "chunks": [1 << 30, 8]},
        {"dtype": "<i4"},
        {"dtype": "|O"},
        {"compressor": {"id": "none"}},
        {"zarr_format": 99},
    ],
)
def test_absurd_arrays_are_refused(change: dict[str, Any], files: Path) -> None:
    path = files / f"{KEY[0]}.{KEY[1]}" / ".zarray"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(UserError) as raised:
        _read(files)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", ["files", "packed"])
def test_damaged_files_give_a_sentence(kind: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(kind)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    whole = {path: path.read_bytes() for path in paths}
    numbers = random.Random(0)
    for _ in range(15):
        path = numbers.choice(paths)
        content = bytearray(whole[path])
        if content:
            content[numbers.randrange(len(content))] = numbers.randrange(256)
        path.write_bytes(content[: numbers.randrange(len(content) + 1)] if numbers.random() < 0.5 else content)
        try:
            _read(folder)
        except UserError as error:
            assert "\n" not in str(error)
        path.write_bytes(whole[path])
    assert _read(folder).keys() == {KEY, OTHER}


def test_an_array_that_changes_its_shape_is_refused(files: Path) -> None:
    arrays = OrbaxArrays(files)
    arrays.infos[KEY] = arrays.infos[KEY]._replace(shape=(8, 64))
    with pytest.raises(UserError, match=r"it has shape \[64, 8\] there"):
        arrays.read(KEY)


def test_without_orbax_a_sentence_says_what_to_install(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "orbax.checkpoint", None)
    with pytest.raises(UserError, match="install codegem with its `train` extra"):
        OrbaxArrays(files)
