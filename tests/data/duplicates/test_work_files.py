"""Files of a corpus are listed in one order, and their shingles read from wherever they lie."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from codegem.data.duplicates import work_files
from codegem.data.duplicates.near_duplicates import shingles
from codegem.data.duplicates.work_files import ShingleSets, list_files


def text(number: int) -> str:
    return " ".join(f"w{number}_{place}" for place in range(20))


@pytest.fixture
def made(tmp_path: Path) -> list[Path]:
    paths = []
    for repository in ("b", "a"):
        columns = {
            "repository": [repository] * 9,
            "path": [f"{8 - number}.py" for number in range(9)],
            "fingerprint": [None if number == 4 else str(number) for number in range(9)],
            "size": list(range(9)),
            "text": pa.array([None if number == 4 else text(8 - number) for number in range(9)], pa.large_string()),
        }
        paths.append(tmp_path / f"{repository}.parquet")
        pq.write_table(pa.table(columns), paths[-1], row_group_size=4)
    return paths


def test_files_are_in_the_order_of_their_names_without_those_rejected_before(made: list[Path]):
    files = list_files(made)
    names = list(zip(files.names["repository"].to_pylist(), files.names["path"].to_pylist(), strict=True))
    wanted = [(repository, f"{number}.py") for repository in "ab" for number in range(9) if number != 4]
    assert names == wanted and len(files) == 16
    assert [names[number][0] for number in files.of(0)] == ["b"] * 8
    assert files.row[files.of(0)].tolist() == [0, 1, 2, 3, 5, 6, 7, 8]
    assert len(list_files([])) == 0


def test_sets_are_those_of_the_texts_however_much_is_remembered(made: list[Path], monkeypatch: pytest.MonkeyPatch):
    files = list_files(made)
    paths = files.names["path"].to_pylist()
    for remembered, rows in ((1 << 20, 256), (300, 3), (0, 1)):
        monkeypatch.setattr(work_files, "_CACHE_BYTES", remembered)
        monkeypatch.setattr(work_files, "_READ_ROWS", rows)
        sets = ShingleSets(files, 5)
        for wanted in ([3, 15, 0], [3, 4], range(16)):
            found = sets.load(wanted)
            assert set(found) == set(wanted)
            for number in wanted:
                assert found[number].tolist() == shingles([text(int(paths[number][0]))], 5)[0].tolist()
