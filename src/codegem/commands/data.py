"""`codegem data …`: from repositories to token shards."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from codegem.commands.arguments import parse, print_json


def data_fetch(words: list[str]) -> None:
    """`codegem data fetch`."""

    def run(
        manifest: Positional[Path], /, out: Path, split: Literal["train", "held-out"] | None = None, workers: int = 4
    ) -> None:
        """Download the packages that a manifest pins: codegem data fetch corpora/python.toml --out corpus

        Files land in OUT/train and OUT/held-out, each checked by its hash; run it again to go on.

        Args:
            manifest: a TOML file, one table a package (name, version, licence, sha256, split).
            out: the folder to fill.
            split: one of the two only.
            workers: downloads at once.
        """
        from codegem.commands.terminal import Bars
        from codegem.data.corpus import fetch

        with Bars() as shown:
            report = fetch(manifest, out, split=split, workers=workers, progress=shown.fetched)
        print(f"{report.fetched} fetched, {report.kept} kept, {report.bytes / 1e6:.0f} MB in {out}")

    parse(run, "data fetch", words)


def data_build(words: list[str]) -> None:
    """`codegem data build`."""
    from codegem.data.recipe import DataRecipe
    from codegem.recipes import find

    default = find(_recipe_name(words)).data

    def run(
        sources: Positional[tuple[Path, ...]],
        /,
        out: Path,
        recipe: str = "nano",
        tokenizer: str | None = None,
        benchmarks: tuple[Path, ...] = (),
        blocklists: tuple[Path, ...] = (),
        runner: Literal["local", "ray"] = "local",
        workers: int | None = None,
        trace: bool = False,
        trace_megabytes: float | None = None,
        json: bool = False,
        fields: Annotated[DataRecipe, tyro.conf.arg(name="")] = default,
    ) -> None:
        """Make token shards from repositories: codegem data build corpus/train --out data/nano

        Args:
            sources: folders, git checkouts, .tar.gz, .tar.xz, .zip, .whl or .jsonl files, or folders of these.
            out: the folder to make: manifest.json, shards/, rejected.parquet, redacted.parquet, tokenizer.json.
            recipe: what decides the data set.
            tokenizer: a model's, in order to tune that model: nano, a directory, a .gguf file, a hub id; or a
                tokenizer.json. Without it one is trained on the kept files.
            benchmarks: evaluation sets (.jsonl, .json, .txt, also .gz): files that quote them are rejected.
            blocklists: files of phrases and domains: files that hold one are rejected.
            runner: ray runs the same program on a cluster; OUT is then a folder that all its machines see.
            workers: processes on this machine; by default one for each core.
            trace: write an index to OUT/trace too, by which `codegem trace` says where a text stands in the data.
            trace_megabytes: the most that the index may have; by default about half of the text that is kept.
            json: print the manifest for programs.
            fields: any field of the recipe can be set, as in --order random.
        """
        from codegem.commands.terminal import Bars, manifest_lines
        from codegem.data.pipeline import build

        with Bars() as shown, _vocabulary(tokenizer) as vocabulary:
            manifest = build(
                sources,
                out,
                fields,
                tokenizer=vocabulary,
                benchmarks=benchmarks,
                blocklists=blocklists,
                runner=runner,
                workers=workers,
                trace=trace,
                trace_megabytes=trace_megabytes,
                progress=lambda event: shown.update(event.stage, event.done, event.total, event.unit),
            )
        if json:
            print_json(asdict(manifest))
        else:
            print("\n".join(manifest_lines(manifest, out)))

    parse(run, "data build", words)


@contextmanager
def _vocabulary(name: str | None) -> Iterator[Path | None]:
    """The tokenizer.json that `--tokenizer` names, or that of a model."""
    if name is None or name.endswith(".json") or Path(name, "tokenizer.json").is_file():
        yield Path(name) if name else None
        return
    from codegem.checkpoints.open import open_model

    with tempfile.TemporaryDirectory(prefix="codegem-") as folder:
        file = Path(folder, "tokenizer.json")
        open_model(name, lazy=True).tokenizer.save(file)
        yield file


def _recipe_name(words: list[str]) -> str:
    """What `--recipe` names, before the words are parsed: its fields are the defaults of the others."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--recipe" or word.startswith("--recipe="):
            return word.partition("=")[2] or following
    return "nano"


def data_show(words: list[str]) -> None:
    """`codegem data show`."""

    def run(
        directory: Positional[Path],
        /,
        index: int = 0,
        split: Literal["train", "validation"] = "train",
        json: bool = False,
    ) -> None:
        """Show one training example with its parts coloured: codegem data show data/nano --index 3

        Args:
            directory: what `codegem data build` made.
            index: which example, counted from 0.
            split: the training or the validation examples.
            json: print an object for programs.
        """
        from codegem.commands.terminal import print_example
        from codegem.data.show import show

        example = show(directory, index, split)
        if json:
            print_json(asdict(example))
        else:
            print_example(example)

    parse(run, "data show", words)


def data_report(words: list[str]) -> None:
    """`codegem data report`."""

    def run(directory: Positional[Path], /, out: Path | None = None) -> None:
        """Write a page about a data set that stands alone: codegem data report data/nano

        Args:
            directory: what `codegem data build` made.
            out: the file to write; by default report.html in the directory.
        """
        from codegem.data.report import gather
        from codegem.data.report_page import page
        from codegem.data.shards import publish, writing

        text = page(gather(directory))
        file = out or directory / "report.html"
        with writing(file.parent):
            publish(file, lambda path: path.write_text(text, encoding="utf-8"))
        print(file)

    parse(run, "data report", words)


def data_tokenizer(words: list[str]) -> None:
    """`codegem data tokenizer`."""

    def run(
        sources: Positional[tuple[Path, ...]], /, out: Path, recipe: str = "nano", vocab_size: int | None = None
    ) -> None:
        """Train a vocabulary on the files that a recipe keeps: codegem data tokenizer corpus/train --out tokenizer.json

        Args:
            sources: as for `codegem data build`.
            out: the file to write.
            recipe: what decides which files are kept, and the size of the vocabulary.
            vocab_size: another size.
        """
        from codegem.commands.terminal import Bars
        from codegem.data.pipeline import learn_tokenizer
        from codegem.recipes import find

        chosen = find(recipe).data
        if vocab_size is not None:
            chosen = replace(chosen, vocab_size=vocab_size)
        with Bars() as shown, tempfile.TemporaryDirectory(prefix="codegem-") as folder:
            learned = learn_tokenizer(
                sources,
                chosen,
                Path(folder),
                progress=lambda event: shown.update(event.stage, event.done, event.total, event.unit),
            )
        learned.save(out)
        print(f"{learned.vocab_size} pieces in {out}")

    parse(run, "data tokenizer", words)
