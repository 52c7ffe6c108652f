"""What stands in the corpus is found wherever it begins, and nothing else is."""

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from codegem.data.tracing.index import LEAST, TraceIndex
from codegem.data.tracing.parts import TracedFile
from codegem.data.tracing.tokens import spans
from codegem.data.tracing.visible import Visible
from codegem.errors import UserError

Make = Callable[..., Path]


def bare(text: str) -> str:
    """A text without its blanks."""
    return "".join(text.split())


def test_a_copy_is_told_with_its_file_licence_and_lines(index: TraceIndex, corpus: list[TracedFile]):
    file = corpus[5]
    lines = file.text.splitlines(keepends=True)
    text = "# something else before\n" + "".join(lines[12:18]) + "\n@something(after=it)\n"
    (copy,) = index.find(text)
    assert (copy.repository, copy.path, copy.licence, copy.language) == (
        "repository-1",
        "src/file_5.py",
        None,
        "python",
    )
    assert (copy.line, copy.last_line) == (13, 17) and copy.others == 0
    assert text[copy.start : copy.end] == "".join(lines[12:18]).strip()
    assert copy.tokens == len(spans(text[copy.start : copy.end]))


@given(st.data())
def test_every_run_of_the_certain_length_is_found(index: TraceIndex, corpus: list[TracedFile], data: st.DataObject):
    """At any offset, in any indentation, with any line ends: all that is visible of it, and not a byte more."""
    file = data.draw(st.sampled_from(corpus))
    visible = Visible.of(file.text.encode())
    start = data.draw(st.integers(0, len(visible.data) - index.certain))
    assume(visible.is_enough(start, start + index.certain, 8))
    run = file.text[slice(*visible.characters(start, start + index.certain))]
    blanks = st.sampled_from(["  ", "\t", "\r\n", "\n            ", " "])
    text = "«" + re.sub(r"\s+", lambda found: data.draw(blanks), run) + "»"
    (copy,) = index.find(text, least=8)
    assert bare(text[copy.start : copy.end]) == bare(run)
    source = next(other.text for other in corpus if (other.repository, other.path) == (copy.repository, copy.path))
    assert bare(run) in bare("".join(source.splitlines(keepends=True)[copy.line - 1 : copy.last_line]))


@given(st.integers(0, 10**6), st.integers(1, 12))
def test_whatever_is_told_stands_there(index: TraceIndex, corpus: list[TracedFile], seed: int, longest: int):
    """Tokens of the corpus in other orders: full of what the index knows, and exactly what it says is true."""
    draw = random.Random(seed)
    pieces = []
    for _ in range(40):
        words = draw.choice(corpus).text.split()
        begin = draw.randrange(len(words))
        pieces.append(" ".join(words[begin : begin + draw.randint(1, longest)]))
    text = "\n".join(pieces)
    for copy in index.find(text, least=6):
        source = next(file.text for file in corpus if (file.repository, file.path) == (copy.repository, copy.path))
        there = "".join(source.splitlines(keepends=True)[copy.line - 1 : copy.last_line])
        assert bare(text[copy.start : copy.end]) in bare(there)


def test_other_code_is_not_in_it(index: TraceIndex):
    from codegem.data.tracing import merging

    assert index.find(Path(merging.__file__).read_text("utf-8")) == []
    assert index.find("") == index.find(" \n") == index.find("x") == []


def test_copies_of_several_files_in_one_text(index: TraceIndex, corpus: list[TracedFile]):
    parts = [corpus[number].text[100:500] for number in (1, 8, 3)]
    copies = index.find("\n@@ between @@\n".join(parts))
    assert [copy.path for copy in copies] == ["src/file_1.py", "src/file_8.py", "src/file_3.py"]
    assert all(first.end <= second.start for first, second in pairwise(copies))


def test_files_that_hold_the_same_are_counted(make_index: Make, corpus: list[TracedFile]):
    shared = corpus[0].text
    files = [
        TracedFile("copies", f"{number}.py", "MIT", "python", f"# the {number * 7}th\n" * number + shared)
        for number in range(6)
    ]
    (copy,) = TraceIndex.open(make_index(files)).find(shared)
    assert copy.others == 5 and copy.tokens == len(spans(shared))


def test_a_notice_of_every_file_hides_nothing(make_index: Make, corpus: list[TracedFile]):
    notice = "# Permission is hereby granted, free of charge, to any person obtaining a copy of this software\n" * 9
    files = [
        TracedFile("many", f"{number}.py", "MIT", "python", notice + corpus[number % 12].text + f"\nx = {number}\n")
        for number in range(300)
    ]
    opened = TraceIndex.open(make_index(files))
    own = corpus[7].text[300:600]
    copies = opened.find(notice[200:700] + own)
    assert any(own.strip() in (notice[200:700] + own)[copy.start : copy.end] for copy in copies)
    assert any(copy.start == 0 for copy in copies)


@pytest.mark.parametrize("most", [0, 3, 40, 400])
def test_looking_at_fewer_fingerprints_tells_nothing_wrong(
    make_index: Make, corpus: list[TracedFile], monkeypatch: pytest.MonkeyPatch, most: int
):
    """As in a corpus where a notice stands in more files than are looked at."""
    files = [TracedFile("twice", f"{number}.py", "MIT", "python", corpus[number // 2].text) for number in range(8)]
    opened = TraceIndex.open(make_index(files))
    monkeypatch.setattr("codegem.data.tracing.index._HITS", most)
    for file in files:
        (copy,) = opened.find(file.text[:900])
        assert (copy.start, copy.end, copy.line) == (0, len(file.text[:900].rstrip()), 1)


def test_letters_beyond_ascii_and_halves_of_pairs(make_index: Make):
    text = "# größe übergeben, damit die Länge der Straße stimmt: 漢字テスト漢字テスト漢字テスト\nwert = größe + länge"
    opened = TraceIndex.open(make_index([TracedFile("a", "ä/ß.py", "MIT", "python", text)]))
    written = f"\ud800 eins\n\t{text} zwei"
    (copy,) = opened.find(written)
    assert written[copy.start : copy.end] == text and copy.path == "ä/ß.py"


def test_threads_may_ask_at_once(index: TraceIndex, corpus: list[TracedFile]):
    texts = [file.text[50:400] for file in corpus] * 4
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(index.find, texts)) == [index.find(text) for text in texts]


def test_a_smaller_index_is_certain_of_longer_copies(make_index: Make, corpus: list[TracedFile], index: TraceIndex):
    small = TraceIndex.open(make_index(corpus, megabytes=(index.header.bytes - 2000) / 1e6))
    assert small.header.bytes < index.header.bytes and small.certain > index.certain and small.least > index.least
    visible = bare(corpus[2].text)
    for start in range(0, len(visible) - small.certain, 31):
        run = visible[start : start + small.certain]
        assert [bare(run[copy.start : copy.end]) for copy in small.find(run)] == [run]


def test_a_size_that_its_text_alone_is_larger_than(make_index: Make, corpus: list[TracedFile]):
    with pytest.raises(UserError, match=r"can't be made in 0.001 MB: its text alone needs 1"):
        make_index(corpus, megabytes=0.001)


def test_reading_needs_numpy_alone():
    program = (
        "import sys, codegem.data.tracing.index, codegem.data.tracing.tokens\n"
        "extras = {'pyarrow', 'daft', 'jax', 'tokenizers', 'tree_sitter', 'safetensors'} & set(sys.modules)\n"
        "assert not extras, extras"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


# Damage


def damaged(folder: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "trace"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    return copy


@pytest.fixture
def folder(make_index: Make, corpus: list[TracedFile], tmp_path: Path) -> Path:
    """An index that a test may damage."""
    return damaged(make_index(corpus[:4]), tmp_path)


def test_no_index_there(tmp_path: Path):
    with pytest.raises(UserError, match="holds no index for tracing: `codegem data build … --trace` makes one"):
        TraceIndex.open(tmp_path)


@pytest.mark.parametrize("name", ["text.bin", "keys.npy", "files.npy", "files.jsonl", "buckets.npy"])
def test_a_file_cut_short_or_missing(folder: Path, name: str):
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-5])
    with pytest.raises(UserError, match=rf"damaged \({name} is {len(whole) - 5} bytes, and should have {len(whole)}\)"):
        TraceIndex.open(folder)
    (folder / name).unlink()
    with pytest.raises(UserError, match=f"{name} is not there"):
        TraceIndex.open(folder)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 99}', '{"format": 1}', '{"format": 1, "sizes": 3}', "\x00\x01"]
)
def test_a_header_of_something_else(folder: Path, text: str):
    (folder / "index.json").write_text(text)
    with pytest.raises(UserError, match=r"damaged|format 99"):
        TraceIndex.open(folder)


def test_a_header_that_leads_elsewhere(folder: Path):
    header = json.loads((folder / "index.json").read_text())
    for changed in ({"sizes": {**header["sizes"], "../outside": 0}}, {"every": 0}, {"files": 7}, {"sizes": {}}):
        (folder / "index.json").write_text(json.dumps(header | changed))
        with pytest.raises(UserError, match="damaged"):
            TraceIndex.open(folder)


@pytest.mark.parametrize("name", ["text.bin", "keys.npy", "places.npy", "pieces.npy", "files.npy", "files.jsonl"])
@pytest.mark.parametrize("value", [0, 255])
def test_damaged_bytes_give_a_sentence_or_the_truth(folder: Path, corpus: list[TracedFile], name: str, value: int):
    data = bytearray((folder / name).read_bytes())
    begin = 128 if name.endswith(".npy") else 0
    for place in range(begin, len(data), 3):
        data[place] = value
    (folder / name).write_bytes(data)
    try:
        for file in corpus[:4]:
            for copy in TraceIndex.open(folder).find(file.text):
                assert copy.tokens >= LEAST
    except UserError as error:
        assert "damaged" in str(error)


def test_an_array_that_is_a_pickle_is_not_read(folder: Path):
    import numpy as np

    np.save(folder / "keys.npy", np.array([{"a": 1}], object), allow_pickle=True)
    header = json.loads((folder / "index.json").read_text())
    header["sizes"]["keys.npy"] = (folder / "keys.npy").stat().st_size
    (folder / "index.json").write_text(json.dumps(header))
    with pytest.raises(UserError, match="damaged"):
        TraceIndex.open(folder)
