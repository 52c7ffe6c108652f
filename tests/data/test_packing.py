"""Orders, contexts and rows."""

import random
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.encoded import Encoder
from codegem.data.packing import fill_rows, order_documents, pack_repository
from codegem.data.records import Document, PackedContext
from codegem.text.fim import SourceFile, render
from codegem.text.tokenizer import Tokenizer

LINES = st.lists(
    st.sampled_from(["x = 1\n", "    return é\n", "\n", "def f():\n", "'日本語'\n", "#" * 70 + "\n", "\r\n", "end"]),
    max_size=60,
)


def document(path: str, text: str) -> Document:
    return Document("repo", path, text, "python", "MIT", "")


def pack(files: dict[str, str], tokenizer: Tokenizer, length: int, together: bool = True) -> list[PackedContext]:
    documents = [document(path, text) for path, text in files.items()]
    return list(pack_repository(documents, Encoder(tokenizer), length, together=together))


def joined(contexts: list[PackedContext]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for context in contexts:
        for file in context.files:
            texts[file.path] = texts.get(file.path, "") + file.text
    return texts


def cost(context: PackedContext, tokenizer: Tokenizer) -> int:
    """Tokens of a context, headings as they stand in it."""
    files = [SourceFile(tokenizer.decode(file.heading.tolist())[:-1], file.text) for file in context.files]
    return len(render(files, tokenizer).tokens)


def test_orders():
    documents = [document(path, "") for path in ("b.py", "a/c.py", "a.py", "d.py", "e.py")]
    names = [d.path for d in order_documents(documents, "alphabetical", 0)]
    assert names == ["a.py", "a/c.py", "b.py", "d.py", "e.py"]
    shuffled = [d.path for d in order_documents(documents, "random", 0)]
    assert sorted(shuffled) == names != shuffled
    assert shuffled == [d.path for d in order_documents(documents[::-1], "random", 0)]
    assert shuffled != [d.path for d in order_documents(documents, "random", 3)]
    assert order_documents(documents, "none", 0) == documents


@pytest.mark.parametrize("order", ["alphabetical", "random", "none"])
def test_no_documents_have_no_order(order: Literal["alphabetical", "random", "none"]):
    assert order_documents([], order, 0) == []


def test_small_files_share_a_context_in_their_order(bytes_tokenizer: Tokenizer):
    contexts = pack({"b.py": "x = 1\n", "a.py": "y = 2\n"}, bytes_tokenizer, 128)
    assert [[file.path for file in context.files] for context in contexts] == [["b.py", "a.py"]]


def test_files_that_are_not_together_have_contexts_of_their_own(bytes_tokenizer: Tokenizer):
    files = {"b.py": "x = 1\n", "a.py": "line\n" * 60, "c.py": "y = 2\n", "d.py": ""}
    contexts = pack(files, bytes_tokenizer, 256, together=False)
    assert [[file.path for file in context.files] for context in contexts] == [["b.py"], ["a.py"], ["a.py"], ["c.py"]]
    assert joined(contexts) == {path: text for path, text in files.items() if text}


def test_a_long_file_is_cut_between_lines_and_its_parts_are_numbered(bytes_tokenizer: Tokenizer):
    text = "".join(f"line {n:03d}\n" for n in range(100))
    contexts = pack({"a.py": text}, bytes_tokenizer, 256)
    parts = [file for context in contexts for file in context.files]
    assert "".join(part.text for part in parts) == text
    assert all(part.text.endswith("\n") for part in parts)
    assert [part.part for part in parts] == list(range(len(parts)))
    assert len(parts) > 3


def test_a_part_knows_its_place_in_the_file(bytes_tokenizer: Tokenizer):
    text = "".join(f"é = {n:03d}\n" for n in range(100))
    for context in pack({"a.py": text, "b.py": text}, bytes_tokenizer, 256):
        for file in context.files:
            assert file.file.data == text.encode()
            assert text.encode()[file.start : file.end].decode() == file.text


def test_a_long_file_begins_in_the_room_that_is_left(bytes_tokenizer: Tokenizer):
    contexts = pack({"a.py": "x\n", "b.py": "line\n" * 200}, bytes_tokenizer, 512)
    assert [file.path for file in contexts[0].files] == ["a.py", "b.py"]


def test_a_file_that_could_be_whole_begins_where_there_are_256_tokens_for_it(bytes_tokenizer: Tokenizer):
    for length, is_cut in ((3400, True), (3200, False)):
        contexts = pack({"a.py": "line\n" * 600, "b.py": "line\n" * 400}, bytes_tokenizer, length)
        assert ([file.path for file in contexts[0].files] == ["a.py", "b.py"]) == is_cut


@given(files=st.lists(LINES.map("".join), min_size=1, max_size=6), length=st.integers(96, 400), together=st.booleans())
def test_nothing_is_lost_and_everything_fits(tokenizer: Tokenizer, files: list[str], length: int, together: bool):
    named = {f"pkg/{n}.py": text for n, text in enumerate(files) if text}
    contexts = pack(named, tokenizer, length, together)
    assert joined(contexts) == named
    assert all(cost(context, tokenizer) <= length for context in contexts)


@given(text=st.text("é日a1 (\n", max_size=600), length=st.integers(48, 90))
def test_nothing_is_lost_in_short_contexts(tokenizer: Tokenizer, text: str, length: int):
    contexts = pack({"a.py": text}, tokenizer, length)
    assert joined(contexts) == ({"a.py": text} if text else {})
    assert all(cost(context, tokenizer) <= length for context in contexts)


@pytest.mark.parametrize("text", ["é" * 900 + "\nx\n", "a" * 5000, "x(" * 900, "\n" * 3000, " " * 3000, "1" * 999])
def test_a_line_longer_than_a_context_is_cut(tokenizer: Tokenizer, text: str):
    contexts = pack({"a.py": text}, tokenizer, 256)
    assert joined(contexts) == {"a.py": text}
    assert all(cost(context, tokenizer) <= 256 for context in contexts)


def test_of_a_name_as_long_as_a_context_the_end_is_kept(bytes_tokenizer: Tokenizer):
    path = "d/" * 150 + "module.py"
    contexts = pack({path: "x = 1\n" * 9}, bytes_tokenizer, 256)
    assert joined(contexts) == {path: "x = 1\n" * 9}
    (heading,) = {bytes_tokenizer.decode(file.heading.tolist()) for context in contexts for file in context.files}
    assert heading.endswith("module.py\n") and len(heading) < 64


def test_a_name_of_two_lines_is_refused(bytes_tokenizer: Tokenizer):
    with pytest.raises(ValueError, match="line break"):
        pack({"a\nb.py": "x = 1\n"}, bytes_tokenizer, 256)


def test_a_context_too_short_for_a_path_is_refused(bytes_tokenizer: Tokenizer):
    with pytest.raises(ValueError, match="too short"):
        pack({"a.py": "x = 1\n"}, bytes_tokenizer, 20)


def test_no_documents_give_no_contexts(bytes_tokenizer: Tokenizer):
    assert pack({}, bytes_tokenizer, 128) == []


@pytest.mark.parametrize("length", [2048, 8192])
@pytest.mark.parametrize("together", [True, False])
def test_nearly_all_of_a_row_is_real(bpe_tokenizer: Tokenizer, length: int, together: bool):
    """Files as long as those of real repositories: log-normal, half of them over 3 kB."""
    rng, encoder = random.Random(0), Encoder(bpe_tokenizer)
    lengths: list[int] = []
    for repository in range(12):
        sizes = [int(rng.lognormvariate(8, 1.3)) for _ in range(20)]
        files = [("    return self.value + argument\n" * 9 + "\n\n") * (size // 300 + 1) for size in sizes]
        documents = [Document(f"r{repository}", f"{n}.py", text, "", "", "") for n, text in enumerate(files)]
        contexts = pack_repository(documents, encoder, length, together=together)
        lengths += [cost(context, bpe_tokenizer) for context in contexts]
    assert sum(lengths) / (length * len(fill_rows(lengths, length))) >= 0.97


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
