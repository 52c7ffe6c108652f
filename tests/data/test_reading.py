"""One repository to rows, each kept or rejected with its reason."""

import hashlib
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from codegem.data.archives.raw_files import Limits
from codegem.data.filters import FilterRules
from codegem.data.reading import FILES, read_repository
from codegem.data.recipe import DataRecipe
from codegem.data.repositories import Source

CODE = "def add(a, b):\n    return a + b\n\n\nprint(add(1, 2))\n"
FILES_OF_A_WHEEL = {
    "pkg/a.py": CODE,
    "pkg/gpl.py": "# SPDX-License-Identifier: GPL-3.0-only\n" + CODE,
    "pkg/wide.py": "x = '" + "ab c" * 500 + "'\n",
    "pkg/latin.py": (CODE + "# é\n").encode("latin-1"),
    "pkg/__init__.py": "",
    "pkg/data.json": "{}",
    "pkg/_vendor/b.py": CODE,
    "pkg-1.0.dist-info/METADATA": "Name: pkg\nLicense-Expression: MIT\n",
}


def read(tmp_path: Path, files: dict[str, str | bytes], recipe: DataRecipe | None = None) -> dict[str, dict]:
    path = tmp_path / "pkg-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    rows = list(read_repository(Source("pkg", path, "zip"), recipe or DataRecipe()))
    pa.Table.from_pylist(rows, schema=FILES)  # every row is of the schema
    return {row["path"]: row for row in rows}


def test_every_file_is_kept_or_rejected_with_its_reason(tmp_path: Path):
    rows = read(tmp_path, FILES_OF_A_WHEEL)
    assert {path: (row.get("stage"), row.get("reason")) for path, row in rows.items()} == {
        "pkg/a.py": (None, None),
        "pkg/gpl.py": ("licence", "licence not permissive"),
        "pkg/wide.py": ("filter", "long line"),
        "pkg/latin.py": ("filter", "not text"),
        "pkg/__init__.py": ("filter", "too small"),
        "pkg/data.json": ("filter", "language"),
        "pkg/_vendor/b.py": ("filter", "dependency folder"),
        "pkg-1.0.dist-info/METADATA": ("filter", "language"),
    }
    assert all(row["detail"] for row in rows.values() if row.get("reason"))


def test_a_kept_file_says_what_it_is(tmp_path: Path):
    row = read(tmp_path, FILES_OF_A_WHEEL)["pkg/a.py"]
    assert row["text"] == CODE and row["sha256"] == hashlib.sha256(CODE.encode()).hexdigest()
    assert (row["language"], row["licence"], row["repository_licence"]) == ("python", "MIT", "MIT")


def test_a_rejected_file_keeps_no_text(tmp_path: Path):
    assert all("text" not in row for row in read(tmp_path, FILES_OF_A_WHEEL).values() if row.get("reason"))


@pytest.mark.parametrize(("switch", "reason"), [(False, "licence unknown"), (True, None)])
def test_an_unknown_licence_is_kept_where_the_rules_allow_it(tmp_path: Path, switch: bool, reason: str | None):
    recipe = DataRecipe(filters=FilterRules(unknown_licence=switch))
    assert read(tmp_path, {"a.py": CODE}, recipe)["a.py"].get("reason") == reason


def test_a_file_over_the_limits_is_rejected_for_that(tmp_path: Path):
    recipe = DataRecipe(limits=Limits(file_bytes=40))
    row = read(tmp_path, {"a.py": CODE}, recipe)["a.py"]
    assert (row["stage"], row["reason"]) == ("read", "over the limits")


def test_an_empty_repository_is_one_row_without_a_file(tmp_path: Path):
    source = Source("empty", tmp_path, "folder")
    assert list(read_repository(source, DataRecipe())) == [{"repository": "empty", "repository_licence": None}]
