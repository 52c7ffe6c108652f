"""The grammar: rendering and parsing are inverse, and a prompt is where training text would go on."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.text.fim import Hole, Order, Role, SourceFile, parse, prompt, prompt_text, render, stop_ids
from codegem.text.tokenizer import NAMES, ByteTokenizer, Tokenizer

from .strings import strings

paths = strings.map(lambda text: text.replace("\n", "/"))
orders = st.sampled_from(Order)
holes = st.builds(Hole, strings, strings, strings, orders)
files_with_paths = st.lists(st.builds(SourceFile, paths, strings | holes), max_size=4)
files_without_paths = st.lists(st.builds(SourceFile, st.none(), strings | holes), max_size=4)
PAD, EOS, BOS, UNK, PREFIX, MIDDLE, SUFFIX, END, TURN, _ = range(10)


def normal(file: SourceFile) -> SourceFile:
    """The form that `parse` gives: joined SPM is PSM with an empty prefix."""
    hole = file.content
    if isinstance(hole, Hole) and hole.order == Order.SPM_JOINED:
        return replace(file, content=Hole("", hole.prefix + hole.middle, hole.suffix, Order.PSM))
    return file


@given(files_with_paths, st.booleans())
def test_parse_undoes_render(tokenizer: Tokenizer, files: list[SourceFile], bos: bool):
    assert parse(render(files, tokenizer, bos=bos).tokens, tokenizer) == list(map(normal, files))


@given(files_without_paths, st.booleans())
def test_parse_undoes_render_without_paths(tokenizer: Tokenizer, files: list[SourceFile], bos: bool):
    assert parse(render(files, tokenizer, bos=bos).tokens, tokenizer, paths=False) == list(map(normal, files))


@given(st.lists(st.sampled_from([*range(-1, 10), 10 + ord("a"), 10 + ord("\n")]), max_size=12), st.booleans())
def test_render_undoes_parse(tokens: list[int], paths: bool):
    """Whatever `parse` accepts is exactly what `render` makes: anything else is refused."""
    tokenizer = ByteTokenizer()
    try:
        files = parse(tokens, tokenizer, paths=paths)
    except ValueError:
        return
    assert render(files, tokenizer, bos=tokens[:1] == [BOS]).tokens == tokens


@given(st.lists(st.tuples(paths, strings), max_size=2), st.none() | paths, holes)
def test_a_prompt_begins_what_training_shows(
    tokenizer: Tokenizer, context: list[tuple[str, str]], path: str | None, hole: Hole
):
    asked = prompt(hole.prefix, hole.suffix, tokenizer, path=path, context=context, order=hole.order)
    files = [SourceFile(name, text) for name, text in context] + [SourceFile(path, hole)]
    shown = render(files, tokenizer).tokens
    answer = [*tokenizer.encode(hole.middle), tokenizer.special.file_separator]
    assert asked + answer == shown


@given(st.lists(st.tuples(paths, strings), max_size=2), st.none() | paths, holes)
def test_a_prompt_as_text_is_the_prompt_by_its_names(context: list[tuple[str, str]], path: str | None, hole: Hole):
    tokenizer, names = ByteTokenizer(), [aliases[0].encode() for aliases in NAMES.values()]
    parts = {"path": path, "context": context, "order": hole.order}
    ids = prompt(hole.prefix, hole.suffix, tokenizer, bos=False, **parts)
    shown = b"".join(tokenizer.piece_bytes(token) or names[token] for token in ids)
    assert prompt_text(hole.prefix, hole.suffix, **parts) == shown.decode()


@given(holes, st.none() | paths)
def test_roles_say_what_each_token_is(tokenizer: Tokenizer, hole: Hole, path: str | None):
    rendered = render([SourceFile(path, hole)], tokenizer)
    assert len(rendered.tokens) == len(rendered.roles)

    def of(role: Role) -> list[int]:
        return [token for token, found in zip(rendered.tokens, rendered.roles, strict=True) if found == role]

    assert of(Role.PATH) == ([] if path is None else tokenizer.encode(path + "\n"))
    assert of(Role.PREFIX) == tokenizer.encode(hole.prefix)
    assert of(Role.MIDDLE) == tokenizer.encode(hole.middle)
    assert of(Role.SUFFIX) == tokenizer.encode(hole.suffix)
    assert len(of(Role.CONTROL)) == 5 and of(Role.TEXT) == []


def ids(text: str) -> list[int]:
    """Bytes as ids, and the special tokens by one letter: « » | ; for prefix, suffix, middle and end."""
    special = {"^": BOS, "«": PREFIX, "»": SUFFIX, "|": MIDDLE, ";": END}
    return [special.get(c, 10 + ord(c)) for c in text]


@pytest.mark.parametrize(
    ("order", "shown", "asked"),
    [
        (Order.PSM, "^a.py\n«P»S|M;", "^a.py\n«P»S|"),
        (Order.SPM, "^a.py\n»S«P|M;", "^a.py\n»S«P|"),
        (Order.SPM_JOINED, "^a.py\n«»S|PM;", "^a.py\n«»S|P"),
    ],
)
def test_layouts(order: Order, shown: str, asked: str):
    file = SourceFile("a.py", Hole("P", "M", "S", order))
    assert render([file], ByteTokenizer()).tokens == ids(shown)
    assert prompt("P", "S", ByteTokenizer(), path="a.py", order=order) == ids(asked)


def test_several_files():
    files = [SourceFile("u.py", "x\n"), SourceFile(None, Hole("P", "M", "S"))]
    assert render(files, ByteTokenizer(), bos=False).tokens == ids("u.py\nx\n;«P»S|M;")
    assert prompt("P", "S", ByteTokenizer(), context=[("u.py", "x\n")], bos=False) == ids("u.py\nx\n;«P»S|")


@pytest.mark.parametrize("path", ["a\nb", "\n", "a.py\n"])
def test_a_path_of_two_lines_is_refused(path: str):
    with pytest.raises(ValueError, match="line break"):
        render([SourceFile(path, "text")], ByteTokenizer())
    with pytest.raises(ValueError, match="line break"):
        prompt("", "", ByteTokenizer(), context=[(path, "")])


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [
        (ids("^a\nx"), "not ended"),
        (ids("^a\n«P»S|M"), "not ended"),
        (ids("^no line break;"), "without a path line"),
        (ids("^a\n«P»S;"), "order prefix, suffix"),
        (ids("^a\n«P|M»S;"), "order prefix, middle, suffix"),
        (ids("^a\n|M»S«P;"), "order middle"),
        (ids("^a\n«P»S|M|M;"), "order prefix, suffix, middle, middle"),
        (ids("^a«P»S|M;"), "not one line"),
        (ids("^a\nb\n«P»S|M;"), "not one line"),
        (ids("^^a\nb;"), "id 2 stands for no text"),
        ([*ids("^a\n«P»S|M"), EOS, END], "id 1 stands for no text"),
        ([*ids("^a\n"), TURN, END], "id 8 stands for no text"),
        ([*ids("^a\n"), 999, END], "id 999 stands for no text"),
    ],
)
def test_malformed_sequences_are_refused(tokens: list[int], reason: str):
    with pytest.raises(ValueError, match=reason):
        parse(tokens, ByteTokenizer())


def test_stop_ids():
    assert stop_ids(ByteTokenizer()) == {EOS, PREFIX, MIDDLE, SUFFIX, END}
