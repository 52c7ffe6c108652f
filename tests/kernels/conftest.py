"""Fixtures for the kernels: each set of instructions that this processor has."""

from collections.abc import Iterator

import pytest

from codegem.kernels import library

SETS = ("amx", "avx512vnni", "avxvnni", "avx2", "neon", "portable")


@pytest.fixture(params=SETS)
def instruction_set(request: pytest.FixtureRequest) -> Iterator[str]:
    """One set after the other in one process; environment variables choose among them before the library is loaded."""
    loaded = library.library()
    if loaded is None:
        pytest.skip("the kernels were not built")
    if request.param not in library.usable_instructions(loaded):
        pytest.skip(f"this processor or this build has no {request.param}")
    before = library.chosen_instructions(loaded)
    library.choose(loaded, request.param)
    yield request.param
    library.choose(loaded, before)
