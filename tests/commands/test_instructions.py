"""`codegem data instructions` as a person uses it."""

import json
from pathlib import Path

import pytest

pytest.importorskip("array_record")
pytest.importorskip("pyarrow")

from codegem.cli import main

NANO = Path(__file__).parents[2] / "src" / "codegem" / "assets" / "nano"
QUESTION = "Mia has three boxes with four pens in each of them and gives five pens to her brother Tom on Monday"


@pytest.fixture
def gsm8k(tmp_path: Path) -> Path:
    records = [
        {"question": "How many legs have 2 cats?", "answer": "2*4=<<2*4=8>>8\n#### 8"},
        {"question": f"{QUESTION}. How many are left?", "answer": "3*4=12, 12-5=7\n#### 7"},
    ]
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_questions_to_shards(gsm8k: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    benchmark = tmp_path / "test.jsonl"
    benchmark.write_text(json.dumps({"question": QUESTION + ". How many does she keep?", "answer": "#### 7"}) + "\n")
    words = ["--tokenizer", str(NANO), "--gsm8k", str(gsm8k), "--algebra", "40", "--out", str(tmp_path / "out")]
    assert main(["data", "instructions", *words, "--benchmarks", str(benchmark)]) == 0
    told = capsys.readouterr().out
    assert "42 questions read: 41 kept, 1 rejected" in told
    assert "1  of 2 from gsm8k" in told and "1  contamination: quotes a benchmark" in told
    assert main(["data", "show", str(tmp_path / "out")]) == 0
    assert main(["data", "instructions", *words, "--benchmarks", str(benchmark), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.partition("\n{")[2].join(["{", ""]))["counts"]["kept"] == 41


@pytest.mark.parametrize(
    ("words", "status", "part"),
    [
        ([], 1, "No question is kept (none was read)"),
        (["--pairs", "3"], 2, "--snippets and --pairs go together"),
        (["--snippets", "."], 2, "--snippets and --pairs go together"),
        (["--gsm8k", "nowhere.jsonl"], 1, "nowhere.jsonl does not exist"),
        (["--algebra", "-2"], 1, "-2 questions can't be made"),
        (["--tokenizer", "nowhere"], 1, "nowhere does not exist"),
    ],
)
def test_a_mistake_gets_one_sentence(
    words: list[str], status: int, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["data", "instructions", "--out", str(tmp_path / "out"), "--tokenizer", str(NANO), *words]) == status
    told = capsys.readouterr().err.strip()
    assert told.startswith("codegem: ") and part in told and "\n" not in told
