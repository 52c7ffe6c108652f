"""Every file that an evaluation reads: damaged, it is one sentence with file and line, and nothing is judged of it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codegem.errors import UserError
from codegem.evaluation.findings import read as read_findings
from codegem.evaluation.language import rows as language
from codegem.evaluation.policy import read_policy
from codegem.evaluation.secure.cases import read_cases

from .readers import PROBLEM, READERS, Reader, as_file, written

_OPTIONS = {
    "instruction": "Fill: A _.\n\nOption1: cup Option2: plate Answer format: option1/option2",
    "answer": "option1",
}

EACH = pytest.mark.parametrize("reader", READERS.values(), ids=list(READERS))


def sentence(reader: Reader, file: Path) -> str:
    """What it says of a file that it must refuse."""
    with pytest.raises(UserError) as refused:
        reader.read(file)
    said = str(refused.value)
    assert said.startswith(str(file)) and "\n" not in said and said.endswith((".", "?"))
    return said.removeprefix(str(file))


@EACH
def test_whole_files(reader: Reader, tmp_path: Path) -> None:
    """Blank lines and the mark of Windows' editors are no damage."""
    reader.read(written(tmp_path, reader, reader.rows))
    reader.read(written(tmp_path, reader, [b"\xef\xbb\xbf", *reader.rows, b""]))


@EACH
def test_a_file_that_is_cut_short(reader: Reader, tmp_path: Path) -> None:
    file = written(tmp_path, reader, [b"", *reader.rows])
    file.write_bytes(file.read_bytes()[:-5] + b"\n")
    assert sentence(reader, file).startswith(f", line {1 + len(reader.rows)}: it is not JSON; is the file cut short?")


@EACH
def test_a_packed_file_that_is_cut_short(reader: Reader, tmp_path: Path) -> None:
    for packed in reader.packings:
        file = written(tmp_path, reader, reader.rows, packed)
        reader.read(file)
        whole = file.read_bytes()
        for kept in (len(whole) // 2, len(whole) - 1):
            file.write_bytes(whole[:kept])
            assert sentence(reader, file).startswith(" is cut short")
        file.unlink()


@EACH
def test_a_field_of_another_type(reader: Reader, tmp_path: Path) -> None:
    name, value = reader.wrong
    file = written(tmp_path, reader, [*reader.rows[:-1], {**reader.rows[-1], name: value}])
    assert sentence(reader, file).startswith(f", line {len(reader.rows)}: the field '{name}' is {json.dumps(value)}")


@EACH
def test_a_field_that_is_missing(reader: Reader, tmp_path: Path) -> None:
    name = reader.needed or reader.wrong[0]
    lacking = {key: value for key, value in reader.rows[-1].items() if key != name}
    file = written(tmp_path, reader, [*reader.rows[:-1], lacking])
    assert sentence(reader, file) == f", line {len(reader.rows)}: the field '{name}' is missing."


@EACH
def test_a_row_that_stands_there_twice(reader: Reader, tmp_path: Path) -> None:
    if not reader.unique:
        pytest.skip("its authors have rows twice, or the last one counts")
    file = written(tmp_path, reader, [*reader.rows, b"", reader.rows[0]])
    said = sentence(reader, file)
    assert said.startswith(f", line {len(reader.rows) + 2}: ") and said.endswith("is already in line 1.")


@EACH
@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"[1]", "it is [1], and each line must be an object"),
        (b'{"a": "\xff"}', "it is not UTF-8"),
        (b"?", "it is not JSON"),
    ],
)
def test_a_line_that_is_none(reader: Reader, tmp_path: Path, line: bytes, why: str) -> None:
    file = written(tmp_path, reader, [reader.rows[0], b"", line, *reader.rows[1:]])
    assert sentence(reader, file).startswith(f", line 3: {why}")


@EACH
def test_an_empty_file(reader: Reader, tmp_path: Path) -> None:
    file = written(tmp_path, reader, [])
    if not reader.packings:
        reader.read(file)  # a run that is to begin
    else:
        sentence(reader, file)


@pytest.mark.parametrize(
    ("reader", "change", "why"),
    [
        ("humaneval", {"test": "def check("}, "the code of Own/1 is no Python"),
        ("infilling", {"canonical_solution": "return ("}, "the code of Own/1 is no Python"),
        ("mbpp", {"code": "def f("}, "the code of problem 11 is no Python"),
        ("mbpp", {"test_list": [5]}, "the field 'test_list' of problem 11 is not a list of texts"),
        ("babelcode questions", {"test_list": [{"idx": 0, "inputs": {}}]}, "question 2 is damaged ('x' is missing)"),
        ("babelcode as published", {"solution": "def f("}, "question 2 is damaged"),
        ("predictions", {"task_id": "Own/7"}, "the benchmark has no problem 'Own/7'"),
        ("requests", {"kind": "odd"}, "the field 'kind' is 'odd'"),
        ("boolq, a copy", {"gold": 2}, "the field 'gold' is 2, not 0 or 1"),
        ("boolq, a copy", {"query": "Ice melts."}, "its query is no passage with a question"),
        ("arc-challenge", {"answer": 2}, "the field 'answer' is 2, and no place of a choice"),
        ("arc-challenge", {"choices": [1, 2]}, "the field 'choices' is not a list of two texts or more"),
        ("mmlu", {"answer": "E"}, "it must have four choices, and one of A to D as its answer"),
        ("winogrande", {"sentence": "It fell."}, "it must have a sentence with a blank"),
        ("triviaqa", {"golden_answers": []}, "the field 'golden_answers' is not a list of texts"),
        ("gsm8k", {"answer": "It is 1."}, "the field 'answer' does not end with #### and a number"),
        ("math", {"solution": "It is 1."}, "the field 'solution' has no \\boxed answer"),
    ],
)
def test_what_only_its_reader_knows(reader: str, change: dict[str, Any], why: str, tmp_path: Path) -> None:
    chosen = READERS[reader]
    file = written(tmp_path, chosen, [*chosen.rows[:-1], b"", {**chosen.rows[-1], **change}])
    assert sentence(chosen, file).startswith(f", line {len(chosen.rows) + 1}: {why}")


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["ice: it", "0", "melts", "burns", "sings"], ", line 5: the file ends here, in the middle of a question"),
        (
            ["ice: it", "4", "melts", "burns", "sings", "runs"],
            ", line 2: it is '4', and must be the right ending's number",
        ),
        (["", "\udcff"], " is no text in UTF-8"),
    ],
)
def test_lines_of_text(lines: list[str], why: str, tmp_path: Path) -> None:
    """HellaSwag; cut short, its packed file is no shorter list of questions."""
    file = tmp_path / "hellaswag_val_full.txt.bz2"
    as_file(file, "\n".join(lines).encode(errors="surrogateescape"))
    with pytest.raises(UserError) as refused:
        language.load("hellaswag", tmp_path)
    assert str(refused.value).startswith(f"{file}{why}")
    as_file(file, b"ice: it\n0\nmelts\nburns\nsings\nruns\n" * 500)
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(UserError, match="is cut short"):
        language.load("hellaswag", tmp_path)


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ("0\n", ", line 1: it is the last, and there are 2 questions"),
        ("0\n2\n", ", line 2: it is '2', and must be 0 or 1"),
    ],
)
def test_labels_beside_their_questions(labels: str, why: str, tmp_path: Path) -> None:
    written(tmp_path, READERS["piqa"], READERS["piqa"].rows)
    file = as_file(tmp_path / "valid-labels.lst", labels.encode())
    with pytest.raises(UserError) as refused:
        language.load("piqa", tmp_path)
    assert str(refused.value).startswith(f"{file}{why}")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("[{}]", ", entry 1: it must have the texts instruction, answer"),
        ("[{", " is not JSON; is the file cut short?"),
        ("[]", " must be a list of questions"),
        (json.dumps([_OPTIONS, {**_OPTIONS, "instruction": "?"}]), ", entry 2: it is no sentence with a blank"),
        (json.dumps([{**_OPTIONS, "answer": "option3"}]), ", entry 1: it is no sentence with a blank"),
        (json.dumps([_OPTIONS, _OPTIONS]), ", entry 2: it is already in entry 1"),
    ],
)
def test_one_list(content: str, why: str, tmp_path: Path) -> None:
    """WinoGrande, a copy."""
    file = as_file(tmp_path / "winogrande_dev_llmadapters.json", content.encode())
    with pytest.raises(UserError) as refused:
        language.load("winogrande", tmp_path)
    assert str(refused.value).startswith(f"{file}{why}")


@pytest.mark.parametrize(
    ("read", "content", "why"),
    [
        (read_findings, '{"figures": [', " holds no findings"),
        (read_findings, '{"figures": [{"name": "x"}]}', " holds no findings"),
        (read_policy, "[memorisation\n", " is no TOML"),
        (read_policy, "[memorisation]\nexact = { at_most = 'x' }\n", ""),
        (read_cases, "[[case]]\nid = 'a'\n", ", line 1: the field"),
        (read_cases, "[[case]]\nid = ", " is no TOML"),
    ],
)
def test_files_of_our_own(read: Callable[[Path], object], content: str, why: str, tmp_path: Path) -> None:
    file = as_file(tmp_path / "file.toml", content.encode())
    with pytest.raises(UserError) as refused:
        read(file)
    assert str(refused.value).startswith(f"{file}{why}")


def test_mathematics_in_the_layout_of_its_authors(tmp_path: Path) -> None:
    row = {"problem": "One?", "level": "Level 1", "type": "Algebra", "solution": "\\boxed{1}"}
    file = as_file(tmp_path / "MATH/test/algebra/1.json", json.dumps(row).encode())
    assert language.load("math", tmp_path).rows == [row]
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(UserError, match=r"1\.json: it is not JSON; is the file cut short\?"):
        language.load("math", tmp_path)


def test_nothing_is_written_of_a_damaged_file(tmp_path: Path) -> None:
    from codegem.cli import main

    file = written(tmp_path, READERS["humaneval"], [PROBLEM, {"task_id": "Own/1"}])
    out = tmp_path / "run"
    assert main(["eval", "humaneval", "--data", str(file), "--out", str(out)]) == 1
    assert not out.exists()
