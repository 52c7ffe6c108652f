"""Collections of questions in their published formats; every record here is our own."""

import gzip
import json
from pathlib import Path

import pytest

from codegem.data.questions.conversations import Pair, Refused
from codegem.data.questions.question_sources import FORMATS, options, read_questions
from codegem.errors import UserError

GSM8K = {
    "question": "Mia has 3 boxes of 4 pens and gives away 5. How many are left?\n",
    "answer": "She has 3*4=<<3*4=12>>12 pens.\nShe keeps 12-5=<<12-5=7>>7.\n#### 7",
}
MATH = {"problem": "What is $1+1$?", "solution": "It is $\\boxed{2}$.", "level": "Level 1", "type": "Algebra"}
MATHQA = {
    "Problem": "a pen costs rs . 3 . what do 4 pens cost ?",
    "Rationale": '"explanation : 3 * 4 = 12 . answer : b"',
    "options": "a ) 10 , b ) 1,200 , c ) 7 , d ) 8 , e ) none of these",
    "correct": "b",
    "category": "general",
}


def lines(path: Path, records: list[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def whole(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_gsm8k_without_its_calculator(tmp_path: Path):
    (pair,) = read_questions("gsm8k", lines(tmp_path / "train.jsonl", [GSM8K]))
    assert pair == Pair(
        "gsm8k",
        "train.jsonl:1",
        "Mia has 3 boxes of 4 pens and gives away 5. How many are left?",
        "She has 3*4=12 pens.\nShe keeps 12-5=7.\nThe answer is 7.",
    )


def test_a_packed_file_and_blank_lines(tmp_path: Path):
    path = tmp_path / "train.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n" + json.dumps(GSM8K) + "\n\n" + json.dumps({**GSM8K, "answer": "no result"}) + "\n")
    first, second = read_questions("gsm8k", path)
    assert isinstance(first, Pair) and first.name == "train.jsonl.gz:2"
    assert second == Refused("gsm8k", "train.jsonl.gz:4", "read", "no result")


def test_math_keeps_its_box_and_leaves_the_test_folder(tmp_path: Path):
    whole(tmp_path / "train" / "algebra" / "10.json", MATH)
    whole(tmp_path / "train" / "algebra" / "2.json", {**MATH, "solution": "It is 2."})
    whole(tmp_path / "test" / "algebra" / "1.json", MATH)
    found = list(read_questions("math", tmp_path))
    assert found == [
        Pair("math", "train/algebra/10.json:1", "What is $1+1$?", "It is $\\boxed{2}$."),
        Refused("math", "train/algebra/2.json:1", "read", "no result"),
    ]


def test_mathqa(tmp_path: Path):
    records = [
        MATHQA,
        {**MATHQA, "correct": "e"},
        {**MATHQA, "correct": "f"},
        {**MATHQA, "Rationale": "explanation : answer is b"},
        {**MATHQA, "options": "['a ) 10', 'b ) 12 cm', 'c ) 7']"},
    ]
    found = list(read_questions("mathqa", whole(tmp_path / "train.json", records)))
    assert found[0] == Pair(
        "mathqa", "train.json:1", "a pen costs rs . 3 . what do 4 pens cost ?", "3 * 4 = 12\nThe answer is 1,200."
    )
    reasons = [refused.reason for refused in found if isinstance(refused, Refused)]
    assert reasons == ["answered by its options only", "no result", "no reasoning"]
    assert isinstance(found[4], Pair) and found[4].answer.endswith("The answer is 12 cm.")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a ) 1 , b ) 2 , c ) 3 , d ) 4 , e ) 5", dict(zip("abcde", "12345", strict=True))),
        ("a ) rs . 1,000 , b ) 2 : 3 , c ) ( a , b )", {"a": "rs . 1,000", "b": "2 : 3", "c": "( a , b )"}),
        ("", {}),
        ("nothing here", {}),
    ],
)
def test_options(text: str, found: dict[str, str]):
    assert options(text) == found


@pytest.mark.parametrize("source", FORMATS)
def test_what_is_no_such_collection_is_said_in_a_sentence(source: str, tmp_path: Path):
    def refuse(path: Path, part: str) -> None:
        with pytest.raises(UserError, match=part):
            list(read_questions(source, path))

    refuse(tmp_path / "nowhere.jsonl", "does not exist")
    refuse(tmp_path, "with train in its name")
    whole(tmp_path / "test.json", [GSM8K])
    refuse(tmp_path, "with train in its name")
    field = FORMATS[source].fields[0]
    refuse(lines(tmp_path / "a.jsonl", [{"other": 1}]), f"record 1 has no text '{field}'")
    refuse(whole(tmp_path / "b.json", [[1]]), "record 1: .* has an object")
    broken = tmp_path / "c.jsonl"
    for content in (b"{", b"\xff\xfe{}", b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000):
        broken.write_bytes(content)
        refuse(broken, "can't be read|has an object")
    packed = tmp_path / "d.jsonl.gz"
    for content in (b"no gzip", gzip.compress(b"{}")[:-9]):
        packed.write_bytes(content)
        refuse(packed, "can't be read")


def test_a_file_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("codegem.data.questions.question_sources._LARGEST", 1000)
    path = tmp_path / "train.jsonl.gz"
    path.write_bytes(gzip.compress(b" " * 100_000))
    with pytest.raises(UserError, match="unpacks to more than 1,000 bytes"):
        list(read_questions("gsm8k", path))
