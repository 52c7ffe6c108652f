"""A whole run: rates, groups, what is left out, going on after a stop, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codegem.data.shards import ExampleSource
from codegem.data.tracing.merging import merge
from codegem.data.tracing.parts import Part, TracedFile, write_part
from codegem.errors import UserError
from codegem.evaluation import findings as findings_module
from codegem.evaluation.findings import Findings
from codegem.evaluation.memorisation import evaluate
from codegem.evaluation.memorisation.canaries import rows_of
from codegem.evaluation.memorisation.evaluate import run
from codegem.text.fim import SourceFile
from codegem.text.tokenizer import ByteTokenizer

BYTES = ByteTokenizer()
LENGTH = 192


def text(number: int, line: str = "value") -> str:
    """140 characters that no other number has."""
    return "".join(f"{line}_{number}_{place} = {place}\n" for place in range(20))[:140]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, write_rows: Callable[..., Path]) -> Path:
    """Twelve files of Python, six of Go, three held back; one holds a key."""
    key = "AKIA" + "QX3YZ7HDKP2MNBVT"
    files = [SourceFile(f"{number}.py", text(number)) for number in range(11)]
    files.append(SourceFile("key.py", text(11)[:60] + f'\nkey = "{key}"\n' + text(12)[:60]))
    files += [SourceFile(f"{number}.go", text(number, "merchant")) for number in range(6)]
    held_back = [SourceFile(f"{number}.py", text(number, "other")) for number in range(3)]
    folder = tmp_path_factory.mktemp("data") / "set"
    rows = {"train": rows_of(files, LENGTH, BYTES), "validation": rows_of(held_back, LENGTH, BYTES)}
    return write_rows(folder, rows)


@pytest.fixture
def knows(data: Path, by_heart: type) -> Callable[..., Any]:
    """A function of (languages of the rows that a model has by heart, what it slips on, …)."""

    def make(*languages: str, **settings: Any) -> Any:
        train = ExampleSource(data, "train")
        rows = [train[number].tokens.tolist() for number in range(len(train))]
        return by_heart(
            [row for row in rows if any(f".{name}\n" in BYTES.decode(row) for name in languages)], **settings
        )

    return make


def values(findings: Findings) -> dict[str, float | None]:
    return {figure.name: figure.value for figure in findings.figures}


def test_a_model_that_knows_all_repeats_all_and_one_that_knows_nothing_nothing(
    data: Path, knows: Callable[..., Any], tmp_path: Path
) -> None:
    everything, nothing = knows("py", "go"), knows()
    found = run(everything, tmp_path / "all", data=data)
    of = values(found)
    assert of["exact"] == of["approximate"] == 1 and of["equal"] == 50 and of["exact.control"] == 0
    assert of["secret"] == pytest.approx(1 / 18) and of["personal"] == of["notice"] == 0
    assert [figure.counted for figure in found.figures if figure.name in ("exact", "exact.control")] == [18, 3]
    assert values(run(nothing, tmp_path / "none", data=data))["approximate"] == 0
    assert findings_module.read(tmp_path / "all" / "findings.json") == found
    assert found.left_out == {"rates by licence: there is no index of the corpus": 18}
    assert "AKIA" not in json.dumps(found.examples)


def test_rates_by_language_are_of_that_language_alone(data: Path, knows: Callable[..., Any], tmp_path: Path) -> None:
    of = values(run(knows("go", slip=lambda tokens: [3, *tokens]), tmp_path, data=data))
    assert of["exact.go"] == 0 and of["approximate.go"] == 1 and of["approximate.python"] == 0
    assert of["approximate"] == pytest.approx(6 / 18) and of["equal"] == 0


def test_the_model_reads_the_path_line_and_half_of_the_window(
    data: Path, knows: Callable[..., Any], tmp_path: Path
) -> None:
    model = knows()
    run(model, tmp_path, data=data, seen=[0])
    (first, *_) = model.asked
    special, path = BYTES.special, BYTES.decode(first).partition("\n")[0]
    assert first[0] == special.bos and path.endswith((".py", ".go")) and len(first) == 1 + len(path) + 1 + 50


def test_only_rows_that_were_seen_are_asked_for(data: Path, knows: Callable[..., Any], tmp_path: Path) -> None:
    found = run(knows("py"), tmp_path, data=data, seen=[4, 2, 2, 7])
    rows = {json.loads(line)["task_id"] for line in (tmp_path / "predictions.jsonl").read_text().splitlines()}
    assert {name.split("/")[1] for name in rows if name.startswith("train")} == {"2", "4", "7"}
    assert "3 of 18 training rows" in " ".join(found.notes)


def test_a_stopped_run_goes_on_and_comes_to_the_same(
    data: Path, knows: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "_PORTION", 4)
    whole = run(knows("py"), tmp_path / "whole", data=data)
    with pytest.raises(KeyboardInterrupt):
        run(knows("py", dies_after=9), tmp_path / "cut", data=data)
    with (tmp_path / "cut" / "predictions.jsonl").open("ab") as file:
        file.write(b'{"task_id": "train/0')
    rest = knows("py")
    told: list[int] = []
    after = run(rest, tmp_path / "cut", data=data, progress=lambda stage, done, total, unit: told.append(done))
    assert len(rest.asked) == 21 - 9 and values(after) == values(whole) and told[0] == 9 and told[-1] == 21
    more = knows("py")
    assert values(run(more, tmp_path / "whole", data=data, limit=5))["exact"] is not None and not more.asked


def test_figures_by_licence_and_files_come_from_the_index(
    data: Path, knows: Callable[..., Any], tmp_path: Path
) -> None:
    files = [TracedFile("shop", f"src/{number}.go", "MIT", "go", text(number, "merchant")) for number in range(6)]
    files += [TracedFile("copies", f"{number}/3.py", None, "python", text(3)) for number in range(12)]
    part = Part(tmp_path / "part")
    write_part(part, files)
    merge([part], tmp_path / "trace", dataset="0123")
    found = run(knows("py"), tmp_path / "out", data=data, index=tmp_path / "trace")
    of = values(found)
    assert of["exact.licence.mit"] == 0 and of["exact.licence.unknown"] == 1
    assert of["exact.in.1-file"] == 0 and of["exact.in.10-files-or-more"] == 1
    assert found.left_out == {"rates by licence: the index does not know from which file they are": 11}


def test_what_does_not_fit_together_is_one_sentence(
    data: Path, knows: Callable[..., Any], tmp_path: Path, bpe_tokenizer: Any, write_rows: Callable[..., Path]
) -> None:
    with pytest.raises(UserError, match="another vocabulary than parrot"):
        run(knows(tokenizer=bpe_tokenizer), tmp_path / "a", data=data)
    with pytest.raises(UserError, match="holds no data set"):
        run(knows(), tmp_path / "a", data=tmp_path)
    with pytest.raises(UserError, match="at least 1"):
        run(knows(), tmp_path / "a", data=data, limit=0)
    with pytest.raises(UserError, match="index"):
        run(knows(), tmp_path / "a", data=data, index=tmp_path)
    assert not (tmp_path / "a").exists()
    run(knows(), tmp_path / "b", data=data, limit=2)
    with pytest.raises(UserError, match="holds another run"):
        run(knows(), tmp_path / "b", data=data, limit=2, seed=1)
    short = write_rows(
        tmp_path / "short", {"train": rows_of([SourceFile("a.py", "x\n" * 9)], 64, BYTES), "validation": []}
    )
    with pytest.raises(UserError, match="has 100 tokens of one file on end"):
        run(knows(), tmp_path / "c", data=short)


def test_without_a_validation_split_there_is_no_control(
    data: Path, by_heart: type, tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    rows = rows_of([SourceFile("a.py", text(1))], LENGTH, BYTES)
    found = run(
        by_heart([row.tokens.tolist() for row in rows]),
        tmp_path / "out",
        data=write_rows(tmp_path / "set", {"train": rows, "validation": []}),
        seen=np.array([0]),
    )
    assert values(found)["exact"] == 1 and values(found)["exact.control"] is None
    assert any("no control" in note for note in found.notes)
