"""The whole line on small repositories of every kind."""

import io
import json
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codegem.data import shards
from codegem.data.accounts import STAGES
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


KILLED = """
import os, signal, sys
from pathlib import Path
from codegem.data.pipeline import build
from codegem.data.recipe import DataRecipe

seen = []
def progress(event):
    seen.append(event.stage)
    if ":".join([event.stage, str(seen.count(event.stage))]) == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)

recipe = DataRecipe(context_length=256, vocab_size=600, shard_tokens=512)
build([Path(source) for source in sys.argv[3:]], Path(sys.argv[2]), recipe, workers=1, progress=progress)
"""


def test_a_build_that_was_killed_anywhere_goes_on_to_the_same_bytes(built: Path, sources: list[Path], tmp_path: Path):
    out = tmp_path / "out"
    for moment in ("reading:3", "deduplicating:1", "tokenizer:2", "packing:3", "packing:2", "writing:1"):
        command = [sys.executable, "-c", KILLED, moment, str(out), *map(str, sources)]
        done = subprocess.run(command, cwd=Path(__file__).parents[2] / "src", capture_output=True, timeout=100)
        assert done.returncode == -9, done.stderr.decode()
    done_before = sorted(path.name for path in (out / "work" / "read").iterdir())
    assert done_before
    build(sources, out, RECIPE, workers=1)
    assert contents(out) == contents(built)


def test_work_of_other_sources_is_not_taken_up(built: Path, sources: list[Path], tmp_path: Path):
    out = tmp_path / "out"
    command = [sys.executable, "-c", KILLED, "packing:2", str(out), str(sources[1]), str(sources[0] / "gamma.zip")]
    subprocess.run(command, cwd=Path(__file__).parents[2] / "src", capture_output=True, timeout=100)
    assert (out / "work").is_dir()
    build(sources, out, RECIPE, workers=1)
    assert contents(out) == contents(built)


def test_a_finished_build_leaves_no_work(built: Path):
    assert {path.name for path in built.iterdir()} == {
        "manifest.json",
        "redacted.parquet",
        "rejected.parquet",
        "shards",
        "tokenizer.json",
    }


def test_every_stage_gives_on_what_it_keeps(built: Path):
    counts = read_manifest(built).counts
    left = counts["read"]
    for name in STAGES:
        stage = counts["stages"][name]
        assert stage["read"] == left and stage["kept"] + stage["rejected"] == left
        left = stage["kept"]
    assert left == counts["kept"]
    rejected = pq.read_table(built / "rejected.parquet").to_pylist()
    assert all(row["rule"] for row in rejected), [row for row in rejected if not row["rule"]]


def test_what_is_redacted_is_counted_and_the_secret_is_nowhere(tmp_path: Path):
    secret = "ghp_" + "a8Kd93jfLq0Zx7Vb2Nm4" + "Tq1Ws6Er"
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "LICENSE").write_text(MIT)
    (folder / "client.py").write_text(code("client", 10) + f'TOKEN = "{secret}"  # ask jane.doe@corp.io\n')
    build([folder], tmp_path / "out", RECIPE, workers=1)
    assert read_manifest(tmp_path / "out").counts["redacted"] == {"email": 1, "secret": 1}
    rows = pq.read_table(tmp_path / "out" / "redacted.parquet").to_pylist()
    assert [(row["path"], row["kind"], row["line"]) for row in rows] == [
        ("client.py", "secret", 51),
        ("client.py", "email", 51),
    ]
    tokenizer = load_tokenizer(tmp_path / "out")
    text = files_of(tmp_path / "out", tokenizer)["client.py"]
    assert secret not in text and "jane" not in text and "TOKEN = " in text
    assert not [name for name, data in contents(tmp_path / "out").items() if secret.encode() in data]


def test_what_quotes_a_benchmark_is_rejected(sources: list[Path], tmp_path: Path):
    answer = "".join(f"    total = weigh(total, values[{n}], limit) if values[{n}] else shift({n})\n" for n in range(6))
    problem = f"def balance(values, limit):\n    total = 0\n{answer}    return total\n"
    (tmp_path / "bench.jsonl").write_text(json.dumps({"task_id": "own/1", "prompt": "", "canonical_solution": problem}))
    folder = tmp_path / "copies"
    folder.mkdir()
    (folder / "LICENSE").write_text(MIT)
    (folder / "clean.py").write_text(code("clean", 20))
    (folder / "copied.py").write_text("import os\n\n\n" + problem.replace("    ", "\t"))
    recipe = replace(RECIPE, vocab_size=560)
    build([folder], tmp_path / "out", recipe, benchmarks=[tmp_path / "bench.jsonl"], workers=1)
    (row,) = (
        r for r in pq.read_table(tmp_path / "out" / "rejected.parquet").to_pylist() if r["stage"] == "contamination"
    )
    assert row["path"] == "copied.py" and row["place"].startswith("line ") and "own/1" in row["detail"]


def test_a_mixture_thins_what_there_is_too_much_of(tmp_path: Path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "LICENSE").write_text(MIT)
    for number in range(60):
        (folder / f"m{number}.py").write_text(code(f"module{number}", 8))
        (folder / f"M{number}.java").write_text(
            f"class M{number} {{\n"
            + "".join(f"  int f{number}_{n}(int x) {{ return x * {n} + {number}; }}\n" for n in range(9))
            + "}\n"
        )
    recipe = replace(RECIPE, filters=FilterRules(languages=("python", "java")), mixture=(("python", 1), ("java", 3)))
    manifest = build([folder], tmp_path / "out", recipe, workers=1)
    kept = {name: counts["kept_bytes"] for name, counts in manifest.counts["by_language"].items() if "kept" in counts}
    assert 2 < kept["java"] / kept["python"] < 4.5
    assert (
        manifest.counts["reasons"]["mixture: over its share"] == manifest.counts["stages"]["mixture"]["rejected"] > 20
    )


def test_files_that_do_not_parse_are_rejected(tmp_path: Path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "LICENSE").write_text(MIT)
    (folder / "good.py").write_text(code("good", 30))
    (folder / "bad.py").write_text("def (((\n  class = = import\n" * 30)
    manifest = build([folder], tmp_path / "out", replace(RECIPE, vocab_size=560), workers=1)
    assert manifest.counts["reasons"]["syntax: parse errors"] == 1
    assert manifest.counts["stages"]["syntax"]["rejected"] == 1 and manifest.counts["kept"] == 1


def test_the_order_is_that_of_the_dependencies(tmp_path: Path):
    folder = tmp_path / "project"
    (folder / "tests").mkdir(parents=True)
    (folder / "LICENSE").write_text(MIT)
    (folder / "alpha.py").write_text("from zeta import zeta_0\n\n" + code("alpha", 2))
    (folder / "zeta.py").write_text(code("zeta", 2))
    (folder / "tests" / "test_zeta.py").write_text(
        "import zeta\n\n\ndef test_zeta():\n    assert zeta.zeta_1(2) == 3\n"
    )
    orders = {}
    for order in ("dependency", "alphabetical"):
        recipe = replace(RECIPE, context_length=1024, vocab_size=560, order=order, validation_share=0.0)
        manifest = build([folder], tmp_path / order, recipe, workers=1)
        example = ExampleSource(tmp_path / order, "train")[0]
        tokens = example.tokens[example.segment_ids == 1].tolist()
        orders[order] = [file.path for file in parse(tokens, load_tokenizer(tmp_path / order))]
        (repository,) = manifest.counts["repositories"]
        assert repository["edges"] == (2 if order == "dependency" else 0)
    assert orders["dependency"] == ["zeta.py", "tests/test_zeta.py", "alpha.py"]
    assert orders["alphabetical"] == ["alpha.py", "tests/test_zeta.py", "zeta.py"]


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


@pytest.mark.parametrize("change", [{"order": "newest"}, {"vocab_size": 50}])
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
