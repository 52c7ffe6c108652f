from pathlib import Path

from codegem.cli import main
from codegem.commands.tune_preferences import sentence
from codegem.train.loop import Result
from codegem.train.tune_preferences import Preferred


def test_a_file_that_is_wrong_is_one_sentence(tmp_path, capsys):
    data = tmp_path / "pairs.jsonl"
    data.write_text('{"prompt": "a", "chosen": "b"}\n')
    words = ["tune", "preferences", "--model", "nano", "--data", str(data), "--out", str(tmp_path / "out")]
    assert main(words) == 1
    assert capsys.readouterr().err == f"codegem: {data}, line 1: 'rejected' is absent, and must be a text.\n"
    assert main([*words, "--beta", "0"]) == 2
    assert "beta is 0.0; it must be above 0." in capsys.readouterr().err


def test_what_came_of_it_is_said():
    result = Result(None, 24, 384, 0, True, 0.5)
    after = {"validation_accuracy": 0.75, "validation_margin": 1.234}
    told = sentence(Preferred(result, Path("out/model"), 256, 64, {}, after))
    assert "out/model: 24 steps on 256 pairs; of 64 held-out pairs" in told
    assert "75.0%, with a margin of 1.23 nats" in told
    assert "no pairs are held out" in sentence(Preferred(result, Path("out/model"), 256, 0, {}, {}))
