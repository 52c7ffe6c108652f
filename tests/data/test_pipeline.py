"""The whole line on small repositories of every kind."""

import io
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codegem.data import shards
from codegem.data.filters import FilterRules
from codegem.data.fim_sampling import FimRules
from codegem.data.pipeline import Progress, build
from codegem.data.recipe import DataRecipe
from codegem.data.shards import ExampleSource, read_manifest
from codegem.errors import UserError
from codegem.text.fim import Hole, parse
from codegem.text.tokenizer import Tokenizer, load_tokenizer

pq = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("daft")

RECIPE = DataRecipe(context_length=256, vocab_size=600, shard_tokens=512)
MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy"
SHARED = "def shared(x):\n    return x + 1\n\n\nprint(shared(1))\n"


def code(name: str, functions: int) -> str:
    return "".join(f"def {name}_{n}(x):\n    y = x * {n}\n    return y + {n}\n\n\n" for n in range(functions))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A source distribution, a wheel, a zip, a checkout and a folder without a licence."""
    root = tmp_path_factory.mktemp("sources")
    with tarfile.open(root / "alpha-1.2.tar.gz", "w:gz") as archive:
        files = {"alpha/core.py": code("alpha", 40), "alpha/shared.py": SHARED, "LICENSE": MIT, "README.md": "# alpha"}
        for name, text in files.items():
            info = tarfile.TarInfo(f"alpha-1.2/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    with zipfile.ZipFile(root / "beta-0.1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("beta/__init__.py", code("beta", 30))
        wheel.writestr("beta/shared.py", SHARED.replace("    ", "\t"))
        wheel.writestr("beta-0.1.dist-info/METADATA", "Name: beta\nLicense-Expression: Apache-2.0\n")
    with zipfile.ZipFile(root / "gamma.zip", "w") as archive:
        archive.writestr("gamma-main/gamma.py", code("gamma", 25))
        archive.writestr("gamma-main/../../evil.py", "x = 1\n")
        archive.writestr("gamma-main/LICENSE", MIT)
    checkout, folder = root / "delta", root / "plain" / "epsilon"
    for place, licence in ((checkout, MIT), (folder, "All rights reserved.")):
        place.mkdir(parents=True)
        (place / "app.py").write_text(code(place.name, 20))
        (place / "LICENSE").write_text(licence)
    subprocess.run(["git", "init", "--quiet"], cwd=checkout, check=True)
    subprocess.run(["git", "add", "app.py", "LICENSE"], cwd=checkout, check=True)
    (checkout / "untracked.py").write_text(code("untracked", 20))
    return [root, folder]


@pytest.fixture(scope="module")
def built(sources: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "data"
    build(sources, out, RECIPE, workers=1)
    return out


def contents(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def files_of(directory: Path, tokenizer: Tokenizer) -> dict[str, str]:
    """Path -> text, put together from the parts in all examples."""
    parts: dict[str, list[str]] = {}
    for split in ("train", "validation"):
        source = ExampleSource(directory, split)
        for index in range(len(source)):
            example = source[index]
            for segment in range(1, example.segment_ids.max() + 1):
                for file in parse(example.tokens[example.segment_ids == segment].tolist(), tokenizer):
                    hole = file.content
                    text = hole.prefix + hole.middle + hole.suffix if isinstance(hole, Hole) else hole
                    parts.setdefault(str(file.path), []).append(text)
    return {path: "".join(sorted(texts)) for path, texts in parts.items()}


def test_kept_and_rejected_are_all_that_was_read(built: Path):
    counts = read_manifest(built).counts
    rejected = pq.read_table(built / "rejected.parquet").to_pylist()
    assert counts["read"] == counts["kept"] + counts["rejected"] == 14
    assert {(row["repository"], row["path"]): f"{row['stage']}: {row['reason']}" for row in rejected} == {
        ("alpha", "LICENSE"): "filter: language",
        ("alpha", "README.md"): "filter: language",
        ("beta", "beta/shared.py"): "dedup: exact duplicate",
        ("beta", "beta-0.1.dist-info/METADATA"): "filter: language",
        ("delta", "LICENSE"): "filter: language",
        ("epsilon", "LICENSE"): "filter: language",
        ("epsilon", "app.py"): "licence: licence unknown",
        ("gamma", "LICENSE"): "filter: language",
        ("gamma", "../../evil.py"): "read: unsafe path",
    }
    duplicate = next(row for row in rejected if row["stage"] == "dedup")
    assert duplicate["detail"] == "alpha:alpha/shared.py"
    assert counts["reasons"]["filter: language"] == 6
    assert counts["languages"] == {"python": 5} and counts["licences"] == {"Apache-2.0": 1, "MIT": 4}
    assert [(r["name"], r["licence"], r["kept"]) for r in counts["repositories"]] == [
        ("alpha", "MIT", 2),
        ("beta", "Apache-2.0", 1),
        ("delta", "MIT", 1),
        ("epsilon", None, 0),
        ("gamma", "MIT", 1),
    ]


def test_every_kept_character_is_in_the_examples_once(built: Path):
    tokenizer = load_tokenizer(built)
    read = files_of(built, tokenizer)
    texts = {
        "alpha/core.py": code("alpha", 40),
        "alpha/shared.py": SHARED,
        "beta/__init__.py": code("beta", 30),
        "gamma.py": code("gamma", 25),
        "app.py": code("delta", 20),
    }
    assert {path: sorted(text) for path, text in read.items()} == {path: sorted(text) for path, text in texts.items()}


def test_the_manifest_says_what_the_examples_hold(built: Path):
    manifest, tokenizer = read_manifest(built), load_tokenizer(built)
    examples = [ExampleSource(built, "train")[n] for n in range(manifest.examples("train"))]
    examples += [ExampleSource(built, "validation")[n] for n in range(manifest.examples("validation"))]
    real = sum(int(np.count_nonzero(example.segment_ids)) for example in examples)
    assert manifest.tokens["real"] == real == sum(shard.tokens for shard in manifest.shards)
    assert manifest.tokens["real"] + manifest.tokens["padding"] == len(examples) * 256
    tokens = np.concatenate([example.tokens for example in examples])
    assert manifest.counts["holes"] == np.count_nonzero(tokens == tokenizer.special.fim_middle)
    assert manifest.counts["file_parts"] == np.count_nonzero(tokens == tokenizer.special.file_separator)
    assert manifest.counts["examples"] == {
        "train": manifest.examples("train"),
        "validation": manifest.examples("validation"),
    }
    assert manifest.tokenizer == {"file": "tokenizer.json", "hash": tokenizer.hash, "vocab_size": tokenizer.vocab_size}
    assert len(manifest.shards) > 1


def test_the_same_input_gives_the_same_bytes_on_any_number_of_workers(built: Path, sources: list[Path], tmp_path: Path):
    build(sources[::-1], tmp_path / "two", RECIPE, workers=2)
    assert contents(tmp_path / "two") == contents(built)


def test_another_seed_gives_other_bytes(built: Path, sources: list[Path], tmp_path: Path):
    manifest = build(sources, tmp_path / "out", replace(RECIPE, seed=1), workers=1)
    assert manifest.hash != read_manifest(built).hash
    assert manifest.input == read_manifest(built).input


def test_a_finished_build_is_not_done_again(built: Path, sources: list[Path]):
    before = contents(built)
    assert build(sources, built, RECIPE, workers=1) == read_manifest(built)
    assert contents(built) == before


def test_another_data_set_is_never_overwritten(built: Path, sources: list[Path], tmp_path: Path):
    before = contents(built)
    with pytest.raises(UserError, match="another recipe"):
        build(sources, built, replace(RECIPE, seed=2), workers=1)
    with pytest.raises(UserError, match="other sources"):
        build([sources[0] / "gamma.zip"], built, RECIPE, workers=1)
    with pytest.raises(UserError, match="another tokenizer"):
        build(sources, built, RECIPE, tokenizer=built, workers=1)
    assert contents(built) == before


def test_a_given_tokenizer_is_used(sources: list[Path], tmp_path: Path, bpe_tokenizer: Tokenizer):
    bpe_tokenizer.save(tmp_path / "tokenizer.json")
    manifest = build(sources, tmp_path / "out", RECIPE, tokenizer=tmp_path / "tokenizer.json", workers=1)
    assert manifest.tokenizer["vocab_size"] == bpe_tokenizer.vocab_size
    assert load_tokenizer(tmp_path / "out").hash == manifest.tokenizer["hash"]


def test_a_build_that_met_a_full_disk_goes_on(built: Path, sources: list[Path], tmp_path: Path):
    working, calls = shards._write_records, iter(range(100))

    def write_records(path: Path, records: list[bytes]) -> None:
        if next(calls) == 2:
            raise OSError(28, "No space left on device")
        working(path, records)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(shards, "_write_records", write_records)
        with pytest.raises(UserError, match=r"No space left on device.*run the same command again"):
            build(sources, tmp_path / "out", RECIPE, workers=1)
    first = (tmp_path / "out/shards/train-00000.array_record").stat().st_ino
    build(sources, tmp_path / "out", RECIPE, workers=1)
    assert contents(tmp_path / "out") == contents(built)
    assert (tmp_path / "out/shards/train-00000.array_record").stat().st_ino == first


def test_the_recipe_is_obeyed(sources: list[Path], tmp_path: Path):
    recipe = replace(RECIPE, filters=FilterRules(unknown_licence=True), fim=FimRules(rate=0.0), validation_share=0.0)
    manifest = build(sources, tmp_path / "out", recipe, workers=1)
    assert manifest.counts["kept"] == 6
    assert manifest.counts["holes"] == 0 and manifest.counts["fim_rate"] == 0
    assert manifest.examples("validation") == 0


def test_progress_goes_to_the_end_of_every_stage(sources: list[Path], tmp_path: Path):
    events: list[Progress] = []
    build(sources, tmp_path / "out", RECIPE, workers=1, progress=events.append)
    last = {event.stage: event for event in events}
    assert list(last) == ["reading", "deduplicating", "tokenizer", "packing", "writing"]
    for stage, event in last.items():
        done = [e.done for e in events if e.stage == stage]
        assert done == sorted(done)
        assert event.done <= event.total
        assert event.done == event.total or stage == "tokenizer"


def test_where_nothing_is_kept_the_reasons_are_told(sources: list[Path], tmp_path: Path):
    with pytest.raises(UserError, match=r"None of the 2 files read is kept .*1 licence unknown"):
        build([sources[1]], tmp_path / "out", RECIPE, workers=1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("change", [{"order": "dependency"}, {"vocab_size": 50}])
def test_a_recipe_that_cannot_be_is_told(sources: list[Path], tmp_path: Path, change: dict):
    with pytest.raises(UserError, match=r"choose one of|too small"):
        build(sources, tmp_path / "out", replace(RECIPE, **change), workers=1)


def test_an_output_that_is_a_file_is_told(sources: list[Path], tmp_path: Path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UserError, match="is a file"):
        build(sources, tmp_path / "out", RECIPE, workers=1)


def test_ray_is_asked_for_by_name(sources: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match="needs the package ray"):
        build(sources, tmp_path / "out", RECIPE, runner="ray", workers=1)
