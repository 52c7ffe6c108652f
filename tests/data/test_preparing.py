"""One source to packed contexts: parsed once, judged by its syntax and its share, repository by repository."""

import json
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from codegem.data import preparing
from codegem.data.filters import FilterRules
from codegem.data.fim_sampling import FimRules
from codegem.data.mixture import Shares
from codegem.data.preparing import prepare_source, summary
from codegem.data.recipe import DataRecipe
from codegem.data.repositories import Source
from codegem.data.rows import CONTEXTS, Contexts
from codegem.data.screening import Screens, read_source
from codegem.data.work import Work
from codegem.text.fim import Hole, parse
from codegem.text.syntax import TooHardToParse
from codegem.text.tokenizer import Tokenizer

FILTERS = FilterRules(languages=("python", "java", "kotlin", "text", "markdown"), unknown_licence=True)
RECIPE = DataRecipe(context_length=512, filters=FILTERS, fim=FimRules(rate=0.9))
PROSE = "The river rose that night and the people of the valley carried what they had to the hills. " * 4


def code(name: str, functions: int = 6) -> str:
    return "".join(f"def {name}_{n}(x):\n    y = x * {n}\n    return y + {n}\n\n\n" for n in range(functions))


PROJECT = {
    "alpha.py": "from zeta import zeta_0\n\n" + code("alpha"),
    "zeta.py": code("zeta"),
    "tests/test_zeta.py": "import zeta\n\n\ndef test_zeta():\n    assert zeta.zeta_1(2) == 3\n",
    "README.md": PROSE,
}


@pytest.fixture
def vocabulary(bpe_tokenizer: Tokenizer, tmp_path: Path) -> Path:
    bpe_tokenizer.save(tmp_path / "tokenizer.json")
    return tmp_path / "tokenizer.json"


@pytest.fixture
def prepare(tmp_path: Path, vocabulary: Path) -> Callable[..., tuple[Work, Source]]:
    """A function of (files or lines, recipe, shares): the work folder after the packing stage, and the source."""
    made = iter(range(100))

    def make(
        given: dict[str, str] | list[dict[str, str]], recipe: DataRecipe = RECIPE, shares: Shares | None = None
    ) -> tuple[Work, Source]:
        folder = tmp_path / str(next(made))
        folder.mkdir()
        if isinstance(given, dict):
            with zipfile.ZipFile(folder / "p.zip", "w") as archive:
                for name, text in given.items():
                    archive.writestr(f"p/{name}", text)
            source = Source("p", folder / "p.zip", "zip")
        else:
            (folder / "p.jsonl").write_text("\n".join(json.dumps(line) for line in given))
            source = Source("p", folder / "p.jsonl", "jsonl")
        work = Work(folder / "work")
        work.open("x")
        read_source(source, work=work, recipe=recipe, screens=Screens())
        prepare_source(source, work=work, recipe=recipe, vocabulary=vocabulary, shares=shares)
        return work, source

    return make


def texts_of(work: Work, source: Source, tokenizer: Tokenizer) -> dict[tuple[str, str], str]:
    """(repository, path) -> text, in the order of the contexts; and that none holds files of two repositories."""
    table = pa.ipc.open_file(work.packed(source)).read_all()
    assert table.schema == CONTEXTS
    found: dict[tuple[str, str], str] = {}
    indices: Counter[str] = Counter()
    for row in table.to_pylist():
        assert row["index"] == indices[row["repository"]]
        indices[row["repository"]] += 1
        tokens = np.frombuffer(row["tokens"], np.int32)
        assert len(tokens) == len(row["roles"]) <= 512
        for file in parse(tokens.tolist(), tokenizer):
            hole = file.content
            text = hole.prefix + hole.middle + hole.suffix if isinstance(hole, Hole) else hole
            key = (row["repository"], str(file.path))
            found[key] = found.get(key, "") + text
    return found


def rejections(work: Work, source: Source) -> list[tuple[str, str, str]]:
    return [(row["path"], row["stage"], row["reason"]) for row in pq.read_table(work.late(source)).to_pylist()]


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        ("dependency", ["zeta.py", "tests/test_zeta.py", "alpha.py"]),
        ("alphabetical", ["alpha.py", "tests/test_zeta.py", "zeta.py"]),
        ("none", ["alpha.py", "tests/test_zeta.py", "zeta.py"]),
    ],
)
def test_files_are_in_the_order_of_the_recipe(prepare, bpe_tokenizer: Tokenizer, order: str, wanted: list[str]):
    work, source = prepare(PROJECT, replace(RECIPE, order=order))
    texts = texts_of(work, source, bpe_tokenizer)
    assert texts == {("p", path): text for path, text in PROJECT.items()}
    assert [path for _, path in texts if path != "README.md"] == wanted
    known = {"edges": 2, "dropped": 0, "tests": 1} if order == "dependency" else {"edges": 0, "dropped": 0, "tests": 0}
    assert summary(work.late(source)) == known and rejections(work, source) == []


def test_a_random_order_is_of_the_seed(prepare, bpe_tokenizer: Tokenizer):
    many = {f"m{n}.py": code(f"m{n}", 2) for n in range(12)}
    orders = [
        list(texts_of(*prepare(many, replace(RECIPE, order="random", seed=seed)), bpe_tokenizer)) for seed in (0, 0, 1)
    ]
    assert orders[0] == orders[1] != orders[2] and sorted(orders[0]) == sorted(orders[2])


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file is parsed."""
    calls: Counter[str] = Counter()
    real = preparing.parse

    def counting(data: bytes, path: str):
        calls[path] += 1
        return real(data, path)

    monkeypatch.setattr(preparing, "parse", counting)
    return calls


@pytest.mark.parametrize("order", ["dependency", "alphabetical"])
def test_every_file_is_parsed_once(prepare, parsed: Counter[str], order: str):
    prepare(PROJECT, replace(RECIPE, order=order))
    assert parsed == dict.fromkeys(PROJECT, 1)


@pytest.mark.parametrize("order", ["dependency", "alphabetical"])
def test_trees_that_made_room_are_parsed_again_to_the_same_bytes(
    prepare, parsed: Counter[str], monkeypatch: pytest.MonkeyPatch, order: str
):
    many = PROJECT | {f"m{n}.py": code(f"m{n}") for n in range(8)} | {"bad.py": "def (((\n  class = = import\n" * 30}
    recipe = replace(RECIPE, order=order)
    outcomes = []
    for limit in (8 << 20, 1000, 0):
        parsed.clear()
        monkeypatch.setattr(preparing, "_TREES", limit)
        work, source = prepare(many, recipe)
        outcomes.append((work.packed(source).read_bytes(), work.late(source).read_bytes()))
        assert (max(parsed.values()) == 1) == (limit == 8 << 20)
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_what_does_not_parse_or_is_too_hard_is_rejected_and_nothing_else(
    prepare, bpe_tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
):
    real = preparing.parse

    def parse_some(data: bytes, path: str):
        if path == "hard.py":
            raise TooHardToParse(f"{path}: too many steps")
        return real(data, path)

    monkeypatch.setattr(preparing, "parse", parse_some)
    files = PROJECT | {"bad.py": "def (((\n  class = = import\n" * 30, "hard.py": "import zeta\n" + code("hard")}
    work, source = prepare(files)
    assert rejections(work, source) == [
        ("bad.py", "syntax", "parse errors"),
        ("hard.py", "syntax", "too hard to parse"),
    ]
    told = pq.read_table(work.late(source)).to_pylist()
    assert told[0]["place"].startswith("line ") and all(row["rule"] and row["detail"] for row in told)
    assert texts_of(work, source, bpe_tokenizer) == {("p", path): text for path, text in PROJECT.items()}
    assert summary(work.late(source))["edges"] == 2


def test_a_source_of_which_nothing_stays_has_no_contexts(prepare):
    work, source = prepare({"bad.py": "def (((\n  class = = import\n" * 30})
    assert rejections(work, source) == [("bad.py", "syntax", "parse errors")]
    assert len(Contexts([work.packed(source)], 0)) == 0
    work, source = prepare({"photo.png": "x"})
    assert len(Contexts([work.packed(source)], 0)) == 0 and rejections(work, source) == []


def test_a_mixture_thins_by_draws_that_depend_on_nothing_else(prepare, bpe_tokenizer: Tokenizer):
    many = {f"m{n}.py": code(f"m{n}", 2) for n in range(40)} | {"README.md": PROSE}
    shares = Shares({"python": 0.5, "prose": 1.0})
    work, source = prepare(many, shares=shares)
    kept, gone = texts_of(work, source, bpe_tokenizer), rejections(work, source)
    assert 8 < len(gone) < 32 and len(kept) + len(gone) == 41 and ("p", "README.md") in kept
    assert {(stage, reason) for _, stage, reason in gone} == {("mixture", "over its share")}
    fewer = {path: text for path, text in many.items() if path not in ("m0.py", "m1.py")}
    work, source = prepare(fewer, shares=shares)
    assert {path for _, path in texts_of(work, source, bpe_tokenizer)} == {path for _, path in kept} & set(fewer)
    work, source = prepare(many, shares=Shares({"prose": 1.0}))
    assert list(texts_of(work, source, bpe_tokenizer)) == [("p", "README.md")]


def test_a_file_that_a_mixture_leaves_out_is_not_parsed(prepare, parsed: Counter[str]):
    prepare(PROJECT, shares=Shares({"prose": 1.0}))
    assert parsed == {"README.md": 1}


# Many repositories in one source


LINES = [
    {"text": PROSE + "One."},
    {"text": PROSE + "Two."},
    {"text": PROJECT["alpha.py"], "path": "alpha.py", "repository": "one"},
    {"text": PROJECT["zeta.py"], "path": "zeta.py", "repository": "two"},
    {"text": code("other"), "path": "zeta.py", "repository": "one"},
    {"text": "def (((\n  class = = import\n" * 30, "path": "zeta.py", "repository": "three"},
]


def test_repositories_of_one_source_share_no_context_and_no_graph(prepare, bpe_tokenizer: Tokenizer):
    work, source = prepare(LINES)
    texts = texts_of(work, source, bpe_tokenizer)
    assert texts == {
        ("p#1", "1.txt"): PROSE + "One.",
        ("p#2", "2.txt"): PROSE + "Two.",
        ("p/one", "zeta.py"): code("other"),
        ("p/one", "alpha.py"): PROJECT["alpha.py"],
        ("p/two", "zeta.py"): PROJECT["zeta.py"],
    }
    assert list(texts)[2:4] == [("p/one", "zeta.py"), ("p/one", "alpha.py")]
    assert summary(work.late(source)) == {"edges": 1, "dropped": 0, "tests": 0}
    (verdict,) = pq.read_table(work.late(source)).to_pylist()
    assert (verdict["repository"], verdict["path"]) == ("p/three", "zeta.py")
    contexts = Contexts([work.packed(source)], 0)
    assert contexts.names == ["p#1", "p#2", "p/one", "p/two"]


def test_a_repository_is_laid_out_the_same_whatever_stands_beside_it(prepare):
    def contexts(lines: list[dict[str, str]]) -> list[tuple[bytes, bytes]]:
        work, source = prepare(lines)
        rows = pa.ipc.open_file(work.packed(source)).read_all().to_pylist()
        return [(row["tokens"], row["roles"]) for row in rows if row["repository"] == "p/one"]

    assert contexts(LINES) == contexts([LINES[2], LINES[4]])
