"""`codegem trace` as it is typed."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from codegem.cli import main
from codegem.data.tracing.merging import merge
from codegem.data.tracing.parts import Part, TracedFile, write_part

CODE = """def settle(accounts, limit):
    for account in accounts:
        if account.balance > limit:
            account.transfer(account.owner, account.balance - limit)
    return sorted(accounts, key=lambda account: account.balance)
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    part = Part(folder / "part")
    files = [TracedFile("bank", f"src/{name}.py", "MIT", "python", f"# {name}\n\n{CODE}") for name in ("one", "two")]
    write_part(part, files)
    merge([part], folder / "trace", dataset="0123")
    return folder


@pytest.fixture
def answer(tmp_path: Path) -> Path:
    file = tmp_path / "answer.py"
    indented = "".join(f"\t{line}\n" for line in CODE.splitlines())
    file.write_text(f"class Bank:\n    pass\n\n{indented}\nprint(Bank())\n", "utf-8")
    return file


def test_what_a_person_reads(index: Path, answer: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["trace", str(answer), "--index", str(index)]) == 0
    assert capsys.readouterr().out == (
        f"{answer}:4-8: these 61 tokens stand in bank, src/one.py:3-7, MIT, and in 1 other file\n"
    )
    assert main(["trace", f"{answer}:1-3", "--index", str(index / "trace")]) == 0
    assert capsys.readouterr().out == f"{answer}: nothing of it stands in the corpus (2 files).\n"


def test_what_a_program_reads(
    index: Path, answer: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    assert main(["trace", f"{answer}:4-6", "--index", str(index), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    (copy,) = said["copies"]
    assert said["dataset"] == "0123" and said["tokens"] == copy["tokens"]
    assert (copy["lines"], copy["line"], copy["last_line"]) == ([4, 6], 3, 5)
    assert (copy["repository"], copy["licence"], copy["language"]) == ("bank", "MIT", "python")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(CODE.replace("\n", "\r\n").encode())))
    assert main(["trace", "-", "--index", str(index), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["copies"][0]["lines"] == [1, 5]


def test_mistakes(index: Path, answer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for words, sentence in [
        ([str(answer), "--index", str(tmp_path)], "holds no index for tracing"),
        ([str(tmp_path / "nothing.py"), "--index", str(index)], "can't be read"),
        ([f"{answer}:9-40", "--index", str(index)], "has 10 lines, and not 9 to 40"),
        ([str(answer), "--index", str(index), "--least", "0"], "at least 1 token"),
    ]:
        assert main(["trace", *words]) != 0
        assert sentence in capsys.readouterr().err
