"""How the library is found, chosen and done without."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import codegem.kernels
from codegem.errors import UserError
from codegem.kernels import library


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "always", "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def built() -> str:
    if library.library() is None:
        pytest.skip("the kernels were not built")
    return library.usable_instructions(library.library())[-1]


def test_off_is_plain_jax():
    done = python("from codegem.kernels import ops; print(ops.available(), ops.instructions())", CODEGEM_KERNELS="off")
    assert done.stdout.split() == ["False", "none"]
    assert done.stderr == ""


def test_instructions_are_chosen_by_the_environment(built: str):
    done = python("from codegem.kernels import ops; print(ops.instructions())", CODEGEM_INSTRUCTIONS=built)
    assert done.stdout.strip() == built


def test_instructions_that_are_not_there(built: str):
    done = python("from codegem.kernels import ops; ops.available()", CODEGEM_INSTRUCTIONS="sse9")
    assert "CODEGEM_INSTRUCTIONS=sse9 can't be used on this processor; take one of " in done.stderr
    with pytest.raises(UserError, match=f"take one of .*{built}"):
        library.choose(library.library(), "sse9")


def test_without_the_library_it_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(codegem.kernels, "__path__", [str(tmp_path)])
    library.library.cache_clear()
    with pytest.warns(UserWarning, match=r"without its C\+\+ kernels, so models run in plain JAX") as told:
        assert library.library() is None
        assert library.library() is None
    assert len(told) == 1
    library.library.cache_clear()


def test_a_child_made_by_fork_has_threads_of_its_own(built: str):
    """The parent's threads do not exist in the child: work there must not wait for them."""
    code = """
import ctypes, os
import numpy as np
from codegem.kernels import library, ops
from codegem.kernels.matrix import QuantizedMatrix
matrix = QuantizedMatrix.pack(np.ones((640, 64), np.int8), np.ones((640, 1), np.float32), 8)
(before,) = ops.products(np.ones((1, 64), np.float32), [matrix])
assert float(before[0, 0]) == 64
child = os.fork()
if child == 0:
    os._exit(0 if library.library().codegem_threads() >= 1 else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = python(code)
    assert done.stdout.strip() == "0", done.stderr
