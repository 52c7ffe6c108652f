"""Requests that schemathesis makes from the OpenAPI document, right and wrong ones; benchmarks/schemas.py asks more."""

import importlib.util
from pathlib import Path

import pytest

from .serving import Served

pytest.importorskip("schemathesis", reason="schemathesis is not installed")


def test_no_request_makes_the_server_fail(fake: Served) -> None:
    path = Path(__file__).parents[2] / "benchmarks" / "schemas.py"
    spec = importlib.util.spec_from_file_location("schemas", path)
    assert spec and spec.loader
    schemas = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(schemas)
    found, wrong = schemas.run(fake.url, examples=2, number=1)
    assert not wrong, wrong[0]
    assert {status for _, status in found} >= {200, 400} and max(status for _, status in found) < 500
