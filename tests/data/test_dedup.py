"""Exact and near-duplicates, and which of them is kept."""

import random
import re
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data import dedup
from codegem.data.dedup import DUPLICATES, find_duplicates, fingerprint
from codegem.data.duplicates import work_files
from codegem.data.duplicates.near_duplicates import DedupRules, signatures

SOURCE = Path(__file__).parents[2] / "src"
RULES = DedupRules()
File = tuple[str, str, str | None]  # repository, path, text


def write(folder: Path, files: Sequence[File], rules: DedupRules = RULES, group: int = 7) -> list[Path]:
    """Work files, one for each repository."""
    made = []
    for repository in sorted({file[0] for file in files}):
        own = [file for file in files if file[0] == repository]
        texts = [text for _, _, text in own]
        rows = signatures(pa.array(texts, pa.large_string()), rules)
        columns = {
            "repository": [repository] * len(own),
            "path": [path for _, path, _ in own],
            "size": [len(text or "") for text in texts],
            "text": pa.array(texts, pa.large_string()),
            "fingerprint": pa.array([None if text is None else fingerprint(text) for text in texts], pa.string()),
            "signature": pa.array([row.tobytes() if row.any() else None for row in rows], pa.binary(4 * rules.hashes)),
        }
        made.append(folder / f"{repository}.parquet")
        pq.write_table(pa.table(columns), made[-1], row_group_size=group)
    return made


def words_of(text: str) -> set[tuple[str, ...]]:
    """The shingles, as plainly as they can be said."""
    words = re.findall(r"[A-Za-z0-9_\u0080-\U0010ffff]+", text)
    return {tuple(words[begin : begin + 5]) for begin in range(len(words) - 4)}


def jaccard(one: str, other: str) -> float:
    left, right = words_of(one), words_of(other)
    return len(left & right) / len(left | right)


def pieces() -> list[str]:
    """Real code: this project's own, in pieces of sixty lines that resemble each other little."""
    found: list[str] = []
    for path in sorted(SOURCE.rglob("*.py")):
        lines = path.read_text().splitlines(keepends=True)
        found += ["".join(lines[begin : begin + 60]) for begin in range(0, len(lines) - 30, 60)]
    return [piece for piece in found if len(words_of(piece)) >= 60]


def mutated(text: str, rate: float, draw: random.Random) -> str:
    """Words replaced, inserted and deleted at a rate, and all of it indented and spaced otherwise."""

    def change(match: re.Match[str]) -> str:
        if draw.random() >= rate:
            return match[0]
        fresh = f"w{draw.randrange(10**9)}"
        return draw.choice([fresh, f"{match[0]} {fresh}", ""])

    text = re.sub(r"\w+", change, text)
    return re.sub(r"(?m)^( +)", lambda match: match[0] * 2, text).replace(" = ", "=").replace(", ", " ,")


def planted(seed: int) -> tuple[list[File], list[tuple[str, str, float]]]:
    """A corpus of pairs, and (path, path, exact similarity) of each."""
    draw, files, pairs = random.Random(seed), [], []
    for number, piece in enumerate(pieces()):
        twin = mutated(piece, draw.choice([0.0, 0.004, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08]), draw)
        names = f"{number}.py", f"{number}_twin.py"
        repositories = draw.choices(["alpha", "beta", "gamma", "delta"], k=2)
        files += zip(repositories, names, (piece, twin), strict=True)
        pairs.append((*names, jaccard(piece, twin)))
    draw.shuffle(files)
    return files, pairs


@pytest.mark.parametrize("rules", [RULES, DedupRules(hashes=128), DedupRules(threshold=0.85)])
def test_planted_pairs_above_the_threshold_are_found_and_none_below(tmp_path: Path, rules: DedupRules):
    files, pairs = planted(seed=3)
    found = find_duplicates(write(tmp_path, files, rules), rules)
    rejected = {row["path"]: row for row in found.to_pylist()}
    above = [pair for pair in pairs if pair[2] >= rules.threshold]
    caught = [pair for pair in above if pair[0] in rejected or pair[1] in rejected]
    assert len(above) > 60 and len(pairs) - len(above) > 30
    assert len(caught) / len(above) >= 0.95
    for one, other, alike in pairs:
        assert not (one in rejected and other in rejected), "one of two stays"
        if row := rejected.get(one) or rejected.get(other):
            assert alike >= rules.threshold
            assert row["similarity"] == pytest.approx(alike, abs=1e-9) or row["reason"] == "exact duplicate"


def test_order_grouping_and_limits_of_memory_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    files, _ = planted(seed=4)
    wanted = find_duplicates(write(tmp_path, files), RULES)
    assert wanted.schema == DUPLICATES and len(wanted) > 50
    names = [(row["repository"], row["path"]) for row in wanted.to_pylist()]
    assert names == sorted(names)
    files.reverse()
    made = write(tmp_path, files, group=1000)
    assert find_duplicates(made[::-1], RULES) == wanted
    for module, name in ((dedup, "_BAND_BYTES"), (dedup, "_TEXT_BYTES"), (work_files, "_CACHE_BYTES")):
        monkeypatch.setattr(module, name, 40_000)
    monkeypatch.setattr(work_files, "_READ_ROWS", 3)
    assert find_duplicates(made, RULES) == wanted


def test_the_first_that_is_itself_kept_stands_for_the_others_and_chains_are_not_followed(tmp_path: Path):
    words = [f"word{number}" for number in range(400)]
    texts = [" ".join(words[begin : begin + 200]) for begin in (0, 30, 60)]  # 0.73, 0.73 and 0.52 alike
    files = [("r", f"{number}.py", text) for number, text in enumerate(texts)]
    rows = find_duplicates(write(tmp_path, files), RULES).to_pylist()
    assert [(row["path"], row["kept_as"], row["detail"]) for row in rows] == [("1.py", "r:0.py", "0.73 like r:0.py")]


def test_exact_duplicates_rejected_files_and_short_files(tmp_path: Path):
    short, long = "a = 1\n", " ".join(f"w{number}" for number in range(99))
    files: list[File] = [
        ("b", "long.py", long + " more"),
        ("a", "rejected.py", None),
        ("b", "short.py", "a  =  1"),
        ("a", "short.py", short),
        ("a", "other.py", "a = 2\n"),
        ("c", "long.py", long),
        ("c", "same.py", f"  {long}\n"),
    ]
    rows = find_duplicates(write(tmp_path, files), RULES).to_pylist()
    assert [(row["repository"], row["path"], row["reason"], row["kept_as"]) for row in rows] == [
        ("b", "short.py", "exact duplicate", "a:short.py"),
        ("c", "long.py", "near duplicate", "b:long.py"),
        ("c", "same.py", "exact duplicate", "c:long.py"),
    ]
    exact = DedupRules(near_duplicates=False)
    assert find_duplicates(write(tmp_path, files), exact)["path"].to_pylist() == ["short.py", "same.py"]
    assert len(find_duplicates([], RULES)) == 0
    assert len(find_duplicates(write(tmp_path, [("a", "x.py", None)]), RULES)) == 0


def test_very_many_files_around_one_text_take_little(tmp_path: Path):
    body = [f"w{number}" for number in range(80)]
    files = [("r", f"{number:05d}.py", " ".join([*body, f"own{number}"])) for number in range(3000)]
    events: list[tuple[int, int]] = []
    found = find_duplicates(write(tmp_path, files, group=500), RULES, lambda done, total: events.append((done, total)))
    assert found["path"].to_pylist() == [path for _, path, _ in files[1:]]
    assert set(found["kept_as"].to_pylist()) == {"r:00000.py"}
    assert events[0] == (0, 3000) and events[-1] == (3000, 3000) and events == sorted(events)


def test_white_space_alone_makes_no_difference():
    assert fingerprint("a = 1\n\tb\n") == fingerprint("\n a  = 1\nb")
    assert fingerprint("a = 1") != fingerprint("a = 2")
    assert fingerprint("a=b") == fingerprint("a = b")


@given(st.text(max_size=30))
def test_every_text_has_a_fingerprint_that_folding_keeps(text: str):
    text = text.encode("utf-8", "replace").decode()
    assert fingerprint(text) == fingerprint(" ".join(text.split()) + "\n")


def test_the_first_by_repository_and_path_is_kept_in_whatever_order_they_come(tmp_path: Path):
    files = [("b", "a.py", "x"), ("a", "z.py", "x"), ("a", "b.py", "x"), ("a-b", "a.py", "x"), ("c", "c.py", "y")]
    for order in list(permutations(files))[::17]:
        rows = find_duplicates(write(tmp_path, order), RULES).to_pylist()
        assert [(row["repository"], row["path"]) for row in rows] == [("a", "z.py"), ("a-b", "a.py"), ("b", "a.py")]
        assert {row["kept_as"] for row in rows} == {"a:b.py"}
