"""Orders, contexts and rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.packing import fill_rows, order_documents, pack_repository, piece_widths
from codegem.data.records import Document, PackedContext
from codegem.text.fim import SourceFile, render
from codegem.text.tokenizer import Tokenizer

LINES = st.lists(
    st.sampled_from(["x = 1\n", "    return é\n", "\n", "def f():\n", "'日本語'\n", "#" * 70 + "\n"]), max_size=60
)


def document(path: str, text: str) -> Document:
    return Document("repo", path, text, "python", "MIT", "")


def pack(files: dict[str, str], tokenizer: Tokenizer, length: int) -> list[PackedContext]:
    documents = [document(path, text) for path, text in files.items()]
    return list(pack_repository(documents, tokenizer, piece_widths(tokenizer), length))


def joined(contexts: list[PackedContext]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for context in contexts:
        for path, text, _ in context.files:
            texts[path] = texts.get(path, "") + text
    return texts


def cost(context: PackedContext, tokenizer: Tokenizer) -> int:
    files = [SourceFile(path, text) for path, text, _ in context.files]
    return len(render(files, tokenizer).tokens)


def test_orders():
    documents = [document(path, "") for path in ("b.py", "a/c.py", "a.py", "d.py", "e.py")]
    names = [d.path for d in order_documents(documents, "alphabetical", 0)]
    assert names == ["a.py", "a/c.py", "b.py", "d.py", "e.py"]
    random = [d.path for d in order_documents(documents, "random", 0)]
    assert sorted(random) == names != random
    assert random == [d.path for d in order_documents(documents[::-1], "random", 0)]
    assert random != [d.path for d in order_documents(documents, "random", 3)]


def test_small_files_share_a_context_in_their_order(bytes_tokenizer: Tokenizer):
    contexts = pack({"a.py": "x = 1\n", "b.py": "y = 2\n"}, bytes_tokenizer, 128)
    assert [[file.path for file in context.files] for context in contexts] == [["a.py", "b.py"]]


def test_a_long_file_is_cut_between_lines_and_its_parts_are_numbered(bytes_tokenizer: Tokenizer):
    text = "".join(f"line {n:03d}\n" for n in range(100))
    contexts = pack({"a.py": text}, bytes_tokenizer, 256)
    parts = [file for context in contexts for file in context.files]
    assert "".join(part.text for part in parts) == text
    assert all(part.text.endswith("\n") for part in parts)
    assert [part.part for part in parts] == list(range(len(parts)))
    assert len(parts) > 3


def test_a_long_file_begins_in_the_room_that_is_left(bytes_tokenizer: Tokenizer):
    contexts = pack({"a.py": "x\n", "b.py": "line\n" * 200}, bytes_tokenizer, 512)
    assert [file.path for file in contexts[0].files] == ["a.py", "b.py"]


@given(files=st.lists(LINES.map("".join), min_size=1, max_size=6), length=st.integers(96, 400))
def test_nothing_is_lost_and_everything_fits(tokenizer: Tokenizer, files: list[str], length: int):
    named = {f"pkg/{n}.py": text for n, text in enumerate(files) if text}
    contexts = pack(named, tokenizer, length)
    assert joined(contexts) == named
    assert all(cost(context, tokenizer) <= length for context in contexts)


def test_a_line_longer_than_a_context_is_cut(tokenizer: Tokenizer):
    text = "é" * 900 + "\nx\n"
    contexts = pack({"a.py": text}, tokenizer, 256)
    assert joined(contexts) == {"a.py": text}
    assert all(cost(context, tokenizer) <= 256 for context in contexts)


def test_of_a_name_as_long_as_a_context_the_end_is_kept(bytes_tokenizer: Tokenizer):
    contexts = pack({"d/" * 150 + "module.py": "x = 1\n" * 9}, bytes_tokenizer, 256)
    (path,) = {file.path for context in contexts for file in context.files}
    assert path.endswith("module.py") and len(path) < 64


def test_no_documents_give_no_contexts(bytes_tokenizer: Tokenizer):
    assert pack({}, bytes_tokenizer, 128) == []


@given(st.lists(st.integers(1, 100), max_size=80))
def test_rows_hold_every_sequence_once_and_are_not_overfull(lengths: list[int]):
    rows = fill_rows(lengths, 100)
    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    fill = sorted(sum(lengths[index] for index in row) for row in rows)
    assert all(total <= 100 for total in fill)
    assert len(fill) < 2 or fill[0] + fill[1] > 100  # two rows never fit into one


def test_a_sequence_longer_than_a_row_is_refused():
    with pytest.raises(ValueError, match="101 tokens in rows of 100"):
        fill_rows([5, 101], 100)
