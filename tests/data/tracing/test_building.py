"""The index of a data set, with its build and afterwards."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("daft")

from codegem.data.pipeline import build
from codegem.data.recipe import DataRecipe
from codegem.data.shards import Manifest
from codegem.data.tasks import Workers
from codegem.data.tracing.building import trace_dataset
from codegem.data.tracing.index import TraceIndex
from codegem.errors import UserError

LICENCE = "# SPDX-License-Identifier: MIT\n# Author: jane.doe@company-mail.net\n"
RECIPE = DataRecipe(context_length=256, vocab_size=600)
ONE = Workers(1, lambda event: None)

Source = Callable[[int], str]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory, make_source: Source) -> Path:
    """Two projects; one file of the second repeats one of the first, and one is no Python."""
    folder = tmp_path_factory.mktemp("corpus")
    for project in range(2):
        (folder / f"project-{project}").mkdir()
        for file in range(3):
            text = LICENCE + make_source(project * 10 + file)
            (folder / f"project-{project}" / f"module_{file}.py").write_text(text, "utf-8")
    repeated = (folder / "project-0" / "module_0.py").read_text("utf-8")
    (folder / "project-1" / "again.py").write_text(repeated, "utf-8")
    (folder / "project-1" / "broken.py").write_text(LICENCE + "def (:\n" * 40, "utf-8")
    return folder


@pytest.fixture(scope="module")
def built(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """A data set with its index."""
    out = tmp_path_factory.mktemp("data") / "set"
    return out, build(both(sources), out, RECIPE, workers=1, trace=True)


def both(sources: Path) -> list[Path]:
    return [sources / "project-0", sources / "project-1"]


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_the_index_holds_what_was_kept_as_it_was_learned(built: tuple[Path, Manifest], make_source: Source):
    out, manifest = built
    index = TraceIndex.open(out)
    assert index.files == manifest.counts["kept"] == 6
    assert index.header.dataset == manifest.hash
    (copy,) = index.find(make_source(0))
    assert (copy.repository, copy.path, copy.licence, copy.others) == ("project-0", "module_0.py", "MIT", 0)
    assert not index.find("def (:\n" * 40, least=1)
    (copy,) = index.find(LICENCE + make_source(11))
    assert copy.start > LICENCE.index("@")  # the address is not in it: it was redacted


def test_afterwards_it_is_the_same(built: tuple[Path, Manifest], sources: Path, tmp_path: Path):
    out, _ = built
    later = tmp_path / "later"
    shutil.copytree(out, later, ignore=shutil.ignore_patterns("trace"))
    header, made = trace_dataset(later, both(sources), ONE)
    assert made and contents(later / "trace") == contents(out / "trace")
    assert sorted(path.name for path in later.iterdir()) == sorted(path.name for path in out.iterdir())
    assert trace_dataset(later, both(sources), ONE) == (header, False)
    shutil.rmtree(later / "trace")
    build(both(sources), later, RECIPE, workers=1, trace=True)
    assert contents(later / "trace") == contents(out / "trace")


def test_other_sources_are_told(built: tuple[Path, Manifest], sources: Path, tmp_path: Path):
    later, other = tmp_path / "later", tmp_path / "other"
    shutil.copytree(built[0], later, ignore=shutil.ignore_patterns("trace"))
    shutil.copytree(sources, other)
    with pytest.raises(UserError, match=r"not the sources that .* was built from: project-0 is not among them"):
        trace_dataset(later, [other / "project-1"], ONE)
    (other / "project-1" / "module_2.py").unlink()
    with pytest.raises(UserError, match="2 of its files would be kept, and the data set has 3"):
        trace_dataset(later, both(other), ONE)
    with pytest.raises(UserError, match="holds no data set"):
        trace_dataset(tmp_path, both(sources), ONE)
