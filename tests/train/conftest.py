"""Programs compiled once for all tests of this room: by whichever process of the suite, or child of it, is first."""

import os
from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(scope="package", autouse=True)
def shared_programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A compilation cache that lives as long as these tests."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    settings = {
        "jax_compilation_cache_dir": str(shared / "programs"),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
    }
    before = {name: getattr(jax.config, name) for name in settings}
    environment = {name.upper(): str(value) for name, value in settings.items()}
    for name, value in settings.items():
        jax.config.update(name, value)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield
    for name, value in before.items():
        jax.config.update(name, value)
