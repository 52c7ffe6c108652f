"""`codegem quantize`."""

from pathlib import Path

import pytest

import codegem
from codegem.cli import main


@pytest.mark.parametrize("bits", [8, 4])
def test_the_directory_is_the_model_quantized_on_loading(bits: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "small"
    assert main(["quantize", "nano", str(out), "--bits", str(bits)]) == 0
    assert capsys.readouterr().out.startswith(f"{out}: 5.9 M parameters in {bits} bits")
    ids = [2, 67, 100, 2000, 68]
    stored, made = codegem.load(out), codegem.load("nano", bits=bits)
    assert list(stored.generate(ids, 12)) == list(made.generate(ids, 12))
    assert (stored.logits(ids) == made.logits(ids)).all()
    assert (out / "model.safetensors").stat().st_size < {8: 0.53, 4: 0.36}[bits] * 11_805_200


def test_what_is_wrong_is_said_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "small"
    assert main(["quantize", "nano", str(out)]) == 0
    capsys.readouterr()
    assert main(["quantize", str(out), str(tmp_path / "again"), "--bits", "8"]) == 1
    assert capsys.readouterr().err == (
        "codegem: The model is quantized already; take the weights that it was made of.\n"
    )
    assert main(["quantize", str(tmp_path / "nothing"), str(tmp_path / "again")]) == 1
    assert "nothing" in capsys.readouterr().err
    with pytest.raises(SystemExit) as exit_status:
        main(["quantize", "nano", str(out), "--bits", "5"])
    assert exit_status.value.code == 2


def test_nothing_is_replaced_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out, other, file = tmp_path / "small", tmp_path / "other", tmp_path / "file"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    file.write_text("mine")
    assert main(["quantize", "nano", str(out)]) == 0
    for words, said in [
        ([str(out)], "--overwrite"),
        ([str(other)], "--overwrite"),
        ([str(other), "--overwrite"], "no config.json"),
        ([str(file), "--overwrite"], "is a file"),
    ]:
        capsys.readouterr()
        assert main(["quantize", "nano", *words]) == 1
        assert said in capsys.readouterr().err
    assert main(["quantize", "nano", str(out), "--bits", "8", "--overwrite"]) == 0
    assert codegem.load(out).engine.model.embedding.bits == 8
