from pathlib import Path

from codegem.cli import main
from codegem.commands.tune_rewards import sentence
from codegem.train.loop import Result
from codegem.train.tune_rewards import Rewarded


def test_what_is_wrong_is_one_sentence(tmp_path, capsys):
    data = tmp_path / "tasks.jsonl"
    data.write_text('{"prompt": "1 + 1?", "answer": "2"}\n')
    words = ["tune", "rewards", "--model", "nano", "--data", str(data), "--out", str(tmp_path / "out")]
    assert main(words) == 1
    assert "nano was not tuned to answer questions; tune it first: codegem tune" in capsys.readouterr().err
    assert main([*words, "--group", "1"]) == 2
    assert "group is 1" in capsys.readouterr().err


def test_what_came_of_it_is_said():
    result = Result(None, 30, 9000, 0, True, None)
    told = sentence(Rewarded(result, Path("out/model"), 90, 10, 0.2, 0.5))
    assert told.endswith("; mean reward of 10 held-out questions 0.200 before, 0.500 after.")
    assert "no questions are held out" in sentence(Rewarded(result, Path("out/model"), 90, 0, None, None))
