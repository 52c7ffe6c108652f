"""`codegem eval card`, with a model behind a server and one small benchmark at hand."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from codegem.cli import main
from codegem.commands import evaluations

from ..inference.fake_openai import Handler, serving, words


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two problems in HumanEval's fields."""
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [
        {
            "task_id": f"Ours/{name}",
            "prompt": f'def {name}(n):\n    """{name} n"""\n',
            "entry_point": name,
            "canonical_solution": f"    return {answer}\n",
            "test": f"def check(candidate):\n    n = 3\n    assert candidate(n) == {answer}\n",
        }
        for name, answer in (("double", "2 * n"), ("square", "n * n"))
    ]
    (folder / "HumanEval.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder


def doubles(handler: Handler, payload: dict[str, Any]) -> None:
    """Knows one answer, and writes on after it."""
    words(handler, payload, ("    return", " 2 * n\n", "\ndef", " more"))


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_a_card_of_a_server(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluations, "CARD", ("memorisation",))  # it has no corpus: the others take their time
    with serving(doubles) as server:
        command = ["eval", "card", "--model", server.address, "--data", str(data), "--out", str(tmp_path / "card")]
        assert main(command) == 0
        shown = capsys.readouterr().out
        assert main([*command, "--json"]) == 0
    assert len(server.asked) == 2, "the second time nothing is asked"
    assert "| HumanEval                      |        2 |       50.0 |" in shown
    assert "Not run: --corpus was not given" in shown and "memorisation.exact was not measured" in shown
    assert "- MBPP: Not run: " in shown and shown.endswith("card/card.html\n")
    report = json.loads(capsys.readouterr().out)
    assert report["model"].startswith("fake at http://127.0.0.1:")
    (failure,) = report["benchmarks"][0]["examples"]
    assert (failure["task_id"], failure["verdict"], failure["text"]) == ("Ours/square", "failed", "    return 2 * n\n")
    assert failure["before"].startswith("def square(n):")


def test_a_server_that_is_absent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as server:
        address = server.address
    assert main(["eval", "card", "--model", address, "--out", str(tmp_path / "card")]) == 1
    told = capsys.readouterr().err
    assert told.startswith("codegem: The server at http://127.0.0.1:") and "Traceback" not in told
    assert not (tmp_path / "card").exists()
