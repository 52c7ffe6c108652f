"""`codegem models`."""

import json

import pytest

from codegem.cli import main
from codegem.commands.models import table


def row(**changes: object) -> dict[str, object]:
    whole = {
        "name": "a",
        "weights": "int4",
        "parameters": 2_506_172_416,
        "context_length": 8192,
        "bytes": 1_330_000_000,
    }
    return {"directory": "/models/a", **whole, **changes}


def test_the_table():
    rows = [row(), row(name="longer", parameters=None, weights=None, context_length=None, problem="not whole")]
    assert table(rows).splitlines() == [
        "name    parameters  weights  on disk  context  directory",
        "a       2.5 G       int4     1.3 GB   8192     /models/a",
        "longer  ?           ?        1.3 GB   ?        /models/a  (not whole)",
    ]


def test_json(capsys: pytest.CaptureFixture[str]):
    assert main(["models", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)[0]
    assert first["name"] == "nano" and first["parameters"] == 5_900_544 and first["context_length"] == 576


def test_a_place_that_is_none(capsys: pytest.CaptureFixture[str]):
    assert main(["models", "nowhere"]) == 1
    assert capsys.readouterr().err.startswith("codegem: There is no nowhere;")
