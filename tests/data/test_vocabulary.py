"""The tokenizer that a data set trains: on the documents with the smallest hashes, wherever they stand."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from codegem.data import vocabulary
from codegem.data.accounts import VERDICTS, Files
from codegem.data.reading import FILES
from codegem.data.repositories import Source
from codegem.data.vocabulary import learn
from codegem.data.work import Work, write_table
from codegem.errors import UserError
from codegem.text.tokenizer import ByteTokenizer, Tokenizer

TEXTS = [f"def name_{n}(value_{n % 7}):\n    return value_{n % 7} * {n * n}\n" * (1 + n % 5) for n in range(60)]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def dealt(folder: Path, texts: Sequence[str], sources: int) -> Files:
    """The texts, dealt out to sources."""
    work = Work(folder / "work")
    work.open("x")
    found = [Source(f"s{number}", folder, "folder") for number in range(sources)]
    for number, source in enumerate(found):
        rows = [
            {"repository": source.name, "path": f"{n:03d}.py", "text": text, "size": len(text), "sha256": sha256(text)}
            for n, text in enumerate(texts)
            if n % sources == number
        ]
        rows.append({"repository": source.name, "path": "x.bin", "size": 9, "stage": "filter", "reason": "language"})
        write_table(work.read(source), iter([pa.RecordBatch.from_pylist(rows, FILES)]), FILES)
    return Files(work, found)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that training is given."""
    seen: list[str] = []

    def train(texts, vocab_size: int) -> Tokenizer:
        seen.extend(texts)
        return ByteTokenizer()

    monkeypatch.setattr(vocabulary, "train_tokenizer", train)
    return seen


def by_hash(texts: Sequence[str], most: int) -> list[str]:
    """Texts in the order of their hashes, until they have so many bytes."""
    chosen, total = [], 0
    for text in sorted(texts, key=sha256):
        if total >= most:
            break
        chosen.append(text)
        total += len(text)
    return chosen


@pytest.mark.parametrize("most", [0, 1, 500, 2000, 10**9])
@pytest.mark.parametrize("sources", [1, 4, 60])
def test_the_sample_is_by_hash_up_to_the_bytes(tmp_path: Path, given: list[str], most: int, sources: int):
    learn(dealt(tmp_path, TEXTS, sources), most, 600, lambda done, total: None)
    assert given == by_hash(TEXTS, most)
    assert (len(given) == 60) == (most == 10**9)


def test_what_was_rejected_is_not_learned_from(tmp_path: Path, given: list[str]):
    files = dealt(tmp_path, TEXTS, 3)
    gone = {
        "repository": "s1",
        "path": "001.py",
        "stage": "dedup",
        "reason": "near duplicate",
        "rule": "",
        "place": "",
        "detail": "",
    }
    table = pa.Table.from_pylist([gone], VERDICTS)
    write_table(files.work.duplicates(files.sources[1]), iter([table]), VERDICTS)
    learn(files, 10**9, 600, lambda done, total: None)
    assert given == by_hash([text for text in TEXTS if text != TEXTS[1]], 10**9)


def test_progress_is_in_bytes_of_the_sample(tmp_path: Path, given: list[str]):
    events: list[tuple[int, int]] = []
    learn(dealt(tmp_path, TEXTS, 2), 1000, 600, lambda done, total: events.append((done, total)))
    assert events[0] == (0, 1000) and {total for _, total in events} == {1000}
    assert events == sorted(events) and len(events) == len(given)


def test_the_same_documents_give_the_same_tokenizer(tmp_path: Path):
    hashes = set()
    for number, sources in enumerate((1, 5)):
        folder = tmp_path / str(number)
        folder.mkdir()
        files = dealt(folder, TEXTS, sources)
        hashes.add(learn(files, 4000, 540, lambda done, total: None).hash)
        hashes.add(learn(Files(files.work, files.sources[::-1]), 4000, 540, lambda done, total: None).hash)
    assert len(hashes) == 1
    assert learn(files, 1000, 540, lambda done, total: None).hash not in hashes


def test_a_vocabulary_that_is_too_small_is_told(tmp_path: Path):
    with pytest.raises(UserError, match="too small"):
        learn(dealt(tmp_path, TEXTS, 1), 10**6, 50, lambda done, total: None)
