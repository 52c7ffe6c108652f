"""Every command of docs/TUTORIAL.md, in its order and as it stands there, on small repositories and for few steps.

The document is the program: lines of it that begin with `$` are run in an empty folder. What makes them small is this
and nothing else: `nano` is a tiny model of the same layout, the packages that a manifest names are two small archives,
and `SMALLER` is added at the end of a command, where a repeated option counts.
"""

import io
import json
import random
import re
import shlex
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codegem.cli import COMMANDS, main

pytest.importorskip("daft")
pytest.importorskip("optax")

DOCUMENT = Path(__file__).parents[1] / "docs" / "TUTORIAL.md"
SMALLER = {
    "data build": "--workers 1 --held-out-share 0.2 --validation-share 0.05",
    "eval repository": "--limit 3 --workers 1",
    "eval infilling": "--limit 1 --workers 1",
    "tune": "--steps 2 --batch-size 2 --validation-examples 2 --dtype float32",
    "serve": "--port 0 --no-statistics",
}


def commands(document: str) -> list[list[str]]:
    """The words of each line that begins with `$`."""
    return [shlex.split(line) for line in re.findall(r"^    \$ (.+)$", document, re.MULTILINE)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, random_model: Callable, bpe_tokenizer: object) -> Path:
    """An empty folder to work in, with a tiny model for nano."""
    from codegem.checkpoints import huggingface, locate
    from codegem.model.config import ModelConfig
    from codegem.recipes import find
    from codegem.text.fim import Order

    reads = find("nano-infill").train.model.context_length

    huggingface.save(
        tmp_path / "assets" / "nano",
        random_model(ModelConfig(1024, 2, 64, 2, 1, 32, 128, context_length=reads)),
        bpe_tokenizer,
        order=Order.SPM,
    )
    monkeypatch.setattr(locate, "shipped_directory", lambda name: tmp_path / "assets" / name)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


STATEMENTS = (
    "value = value {0} limit",
    "if value {0} 3 > limit:\n        return [value]",
    "limit.append(value {0} 2)",
    "total = sum(part {0} value for part in limit if part)",
    "value, limit = limit, value {0} 1",
)


def write_team(folder: Path) -> None:
    """Two archives of thirty files, no two of one shape."""
    folder.mkdir(parents=True)
    for repository in ("shop", "tools"):
        texts = {"pyproject.toml": '[project]\nname = "x"\nlicense = "MIT"\n'}
        for number in range(30):
            draw = random.Random(f"{repository} {number}")
            lines = [f"    {draw.choice(STATEMENTS).format(draw.choice('+-*/%'))}  # {number}" for _ in range(12)]
            text = f"def {repository}_{number}(value, limit):\n" + "\n".join(lines) + "\n    return value\n"
            texts[f"{repository}/module_{number}.py"] = text
        with tarfile.open(folder / f"{repository}-1.0.tar.gz", "w:gz") as archive:
            for name, text in texts.items():
                member = tarfile.TarInfo(f"{repository}-1.0/{name}")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))


@contextmanager
def served(words: list[str]) -> Iterator[str]:
    """The server of a `serve` command; its address."""
    process = subprocess.Popen([sys.executable, "-m", "codegem", *words], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        said = process.stdout.readline()
        yield re.findall(r"http://[\d.:]+", said)[0]
    finally:
        process.terminate()
        process.wait(10)


def ask(words: list[str], address: str) -> dict:
    """What `curl URL --json BODY` would show, of the server at another address."""
    assert words[2] == "--json" and words[1].startswith("http://127.0.0.1:8012/")
    url = words[1].replace("http://127.0.0.1:8012", address)
    request = urllib.request.Request(url, words[3].encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def test_the_tutorial_runs(folder: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> None:
    waiting = commands(DOCUMENT.read_text("utf-8"))
    assert len(waiting) > 10
    done: list[str] = []
    for program, *words in waiting:
        name = next((name for name in (" ".join(words[:2]), " ".join(words[:1])) if name in COMMANDS), "")
        done.append(name or program)
        if program == "curl":
            continue  # asked of the server below
        if program != "codegem":
            assert [program, *words[:3]] == ["python3", "-m", "pip", "install"], "only installing is not run"
        elif name == "data fetch":
            assert Path(DOCUMENT.parents[1], words[2]).is_file() and words[3:] == ["--out", "team"]
            write_team(folder / "team" / "train")
        elif name == "serve":
            with served([*words, *SMALLER[name].split()]) as address:
                for question in (each for each in waiting if each[0] == "curl"):
                    assert isinstance(ask(question, address)["content"], str)
        elif name == "eval infilling" and not (data := benchmark_data(request)):
            continue
        else:
            more = SMALLER.get(name, "").split() + (["--data", data] if name == "eval infilling" else [])
            assert main([*words, *more]) == 0, (words, capsys.readouterr().err)
    assert {"data build", "eval repository", "eval compare", "tune", "serve", "curl"} <= set(done)
    listed = (folder / "data" / "team" / "held-out.jsonl").read_text("utf-8").splitlines()
    assert listed
    runs = [json.loads((folder / "evaluations" / run / "run.json").read_text("utf-8")) for run in ("before", "after")]
    assert runs[0]["data"] == runs[1]["data"] and runs[0]["model"] != runs[1]["model"]


def benchmark_data(request: pytest.FixtureRequest) -> str:
    """The folder of HumanEval's infilling, or "" where it or the sandbox is not there."""
    try:
        request.getfixturevalue("sandbox")
        return str(request.getfixturevalue("shared_data"))
    except pytest.skip.Exception:
        return ""


def test_a_command_that_no_longer_works_is_noticed() -> None:
    found = commands("text\n\n    $ codegem data build team --out 'a b'\n    output\n")
    assert found == [["codegem", "data", "build", "team", "--out", "a b"]]
    with pytest.raises(SystemExit):
        main(["data", "build", "team", "--out", "x", "--no-such-option", "1"])
