"""A source to its work file: made safe, compared with benchmarks and signed, whatever else is read with it."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from codegem.data import screening
from codegem.data.dedup import fingerprint
from codegem.data.duplicates.near_duplicates import DedupRules, signatures
from codegem.data.filters import FilterRules
from codegem.data.reading import FILES, PROJECTS
from codegem.data.recipe import DataRecipe
from codegem.data.repositories import Source
from codegem.data.safety.rules import SafetyRules
from codegem.data.screening import Screens, read_source, screen
from codegem.data.work import Work

RECIPE = DataRecipe(filters=FilterRules(unknown_licence=True))
SECRET = "ghp_" + "a8Kd93jfLq0Zx7Vb2Nm4" + "Tq1Ws6Er"
ANSWER = "".join(f"    total = weigh(total, values[{n}], limit) if values[{n}] else shift({n})\n" for n in range(6))
PROBLEM = f"def balance(values, limit):\n    total = 0\n{ANSWER}    return total\n"


def code(name: str, functions: int = 12) -> str:
    return "".join(f"def {name}_{n}(x):\n    y = x * {n}\n    return y + {n}\n\n\n" for n in range(functions))


TEXTS = {
    "clean.py": code("clean"),
    "copied.py": "import os\n\n\n" + PROBLEM.replace("    ", "\t"),
    "keys.py": code("keys") + f'TOKEN = "{SECRET}"\n',
    "mail.py": code("mail") + "# ask jane.doe@corp.io\n",
    "listed.py": code("listed") + "# the Forbidden Phrase of Ours\n",
    "short.py": "x = compute(1, 2, 3)  # and nothing more\n",
}


def row(path: str) -> dict[str, Any]:
    return {"repository": "r", "path": path, "size": len(TEXTS[path]), "language": "python", "text": TEXTS[path]}


@pytest.fixture
def screens(tmp_path: Path) -> Screens:
    bench, phrases = tmp_path / "bench.jsonl", tmp_path / "phrases.txt"
    bench.write_text(json.dumps({"task_id": "own/1", "prompt": "", "canonical_solution": PROBLEM}))
    phrases.write_text("phrase own forbidden phrase of ours\n")
    return Screens.of([bench], [phrases], RECIPE.contamination)


def screened(paths: list[str], screens: Screens, recipe: DataRecipe = RECIPE) -> dict[str, dict[str, Any]]:
    return {found["path"]: found for found in screen([row(path) for path in paths], recipe, screens).to_pylist()}


def test_every_screen_rejects_its_own(screens: Screens):
    rows = screened(list(TEXTS), screens)
    rejected = {path: (found["stage"], found["rule"]) for path, found in rows.items() if found["reason"]}
    assert rejected["copied.py"][0] == "contamination" and rejected["copied.py"][1].startswith("contamination.")
    assert rejected["listed.py"] == ("safety", "safety")
    assert set(rejected) == {"copied.py", "listed.py"}
    hit = rows["copied.py"]
    assert hit["reason"] == "quotes a benchmark" and "bench own/1" in hit["detail"]
    assert 4 <= int(hit["place"].removeprefix("line ")) <= 6
    assert rows["keys.py"]["findings"] == [{"kind": "secret", "line": 61}]
    assert rows["mail.py"]["findings"] == [{"kind": "email", "line": 61}]
    assert rows["clean.py"]["text"] == TEXTS["clean.py"] and rows["clean.py"]["findings"] == []


def test_what_becomes_of_a_file_does_not_depend_on_the_others(screens: Screens):
    together = screened(list(TEXTS), screens)
    backwards = screened(list(TEXTS)[::-1], screens)
    alone = {path: screened([path], screens)[path] for path in TEXTS}
    assert together == backwards == alone


def test_no_secret_is_left_in_any_row(screens: Screens):
    for policy in ("redact", "drop"):
        rows = screened(list(TEXTS), screens, replace(RECIPE, safety=SafetyRules(secrets=policy)))
        assert SECRET not in json.dumps({path: {**r, "signature": None} for path, r in rows.items()})
        assert (rows["keys.py"]["reason"] is None) == (policy == "redact")
    assert rows["keys.py"]["place"] == "line 61" and rows["keys.py"]["stage"] == "safety"
    assert rows["keys.py"]["text"] is None and rows["keys.py"]["fingerprint"] is None


def test_what_may_stay_is_not_said_to_be_redacted(screens: Screens):
    rows = screened(["mail.py"], screens, replace(RECIPE, safety=SafetyRules(emails="keep")))
    assert rows["mail.py"]["text"] == TEXTS["mail.py"] and rows["mail.py"]["findings"] == []


def test_kept_files_are_signed_as_they_are_kept(screens: Screens):
    rows = screened(list(TEXTS), screens)
    for found in rows.values():
        if found["text"] is None:
            assert found["fingerprint"] is None and found["signature"] is None
            continue
        assert found["fingerprint"] == fingerprint(found["text"])
        wanted = signatures([found["text"]], RECIPE.dedup)[0]
        signed = np.frombuffer(found["signature"], np.uint32) if found["signature"] else np.zeros_like(wanted)
        assert (signed == wanted).all()
    assert rows["keys.py"]["signature"] and rows["short.py"]["signature"] is None
    exact = screened(["clean.py"], screens, replace(RECIPE, dedup=DedupRules(near_duplicates=False)))
    assert exact["clean.py"]["signature"] is None and exact["clean.py"]["fingerprint"]


def test_rows_that_were_rejected_before_are_handed_on(screens: Screens):
    before = {"repository": "r", "path": "a.bin", "size": 3, "stage": "filter", "reason": "language", "detail": "d"}
    (found,) = screen([before], RECIPE, screens).to_pylist()
    assert {name: found[name] for name in before} == before and found["findings"] is None


def test_the_hash_is_of_what_is_given(screens: Screens, tmp_path: Path):
    rules = RECIPE.contamination
    hashes = [Screens().hash, screens.hash, Screens.of(screens.benchmarks, (), rules).hash]
    hashes.append(Screens.of((), screens.blocklists, rules).hash)
    assert len(set(hashes)) == 4
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / "bench.jsonl"
    moved.write_bytes(screens.benchmarks[0].read_bytes())
    assert Screens.of((moved,), screens.blocklists, rules).hash == hashes[1]
    changed = tmp_path / "elsewhere" / "changed" / "bench.jsonl"
    changed.parent.mkdir()
    changed.write_text(moved.read_text().replace("limit", "bound"))
    assert Screens.of((changed,), screens.blocklists, rules).hash != hashes[1]


@pytest.fixture
def source(tmp_path: Path) -> Source:
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        for name in reversed(TEXTS):
            archive.writestr(f"p/{name}", TEXTS[name])
        archive.writestr("p/go.mod", "module example.org/m\n")
        archive.writestr("p/photo.png", b"\x89PNG")
    return Source("p", tmp_path / "p.zip", "zip")


def test_a_source_becomes_one_table_in_the_order_of_its_names(source: Source, screens: Screens, tmp_path: Path):
    work = Work(tmp_path / "work")
    work.open("x")
    read_source(source, work=work, recipe=RECIPE, screens=screens)
    table = pq.read_table(work.read(source))
    assert table["path"].to_pylist() == sorted([*TEXTS, "go.mod", "photo.png"])
    assert table.schema.names == FILES.names
    assert json.loads(table.schema.metadata[PROJECTS]) == {"go.mod": "module example.org/m\n"}
    assert SECRET.encode() not in work.read(source).read_bytes()


def test_the_work_file_is_the_same_however_it_is_cut_into_batches(
    source: Source, screens: Screens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rows = []
    for size in (1, 1500, 8 << 20):
        monkeypatch.setattr(screening, "_BATCH", size)
        work = Work(tmp_path / f"work{size}")
        work.open("x")
        read_source(source, work=work, recipe=RECIPE, screens=screens)
        rows.append(pq.read_table(work.read(source)).to_pylist())
    assert rows[0] == rows[1] == rows[2]


def test_lines_of_json_stand_in_the_order_of_their_repositories(screens: Screens, tmp_path: Path):
    lines = [{"text": code(f"f{n}"), "language": "python"} for n in range(12)]
    lines[3] |= {"repository": "zeta", "path": "b.py"}
    lines[7] |= {"repository": "zeta", "path": "a.py"}
    path = tmp_path / "c.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    work = Work(tmp_path / "work")
    work.open("x")
    read_source(Source("c", path, "jsonl"), work=work, recipe=RECIPE, screens=screens)
    table = pq.read_table(work.read(Source("c", path, "jsonl")))
    names = list(zip(table["repository"].to_pylist(), table["path"].to_pylist(), strict=True))
    assert names == sorted(names) and names[-2:] == [("c/zeta", "a.py"), ("c/zeta", "b.py")]
    assert len(set(table["repository"].to_pylist())) == 11


def test_an_empty_source_is_an_empty_table(screens: Screens, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    work = Work(tmp_path / "work")
    work.open("x")
    read_source(Source("e", tmp_path / "empty", "folder"), work=work, recipe=RECIPE, screens=screens)
    assert len(pq.read_table(work.read(Source("e", tmp_path / "empty", "folder")))) == 0
