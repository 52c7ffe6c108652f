"""The kernels for Arm, cross-compiled and run under qemu; both are Debian packages."""

import shutil
from pathlib import Path

import pytest

from . import selftest


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("qemu-aarch64"):
        pytest.skip("qemu-aarch64 (Debian's qemu-user) is not installed")
    return selftest.build(
        tmp_path_factory.mktemp("arm"),
        "-DCMAKE_SYSTEM_NAME=Linux",
        "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
        "-DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++",
        "-DCMAKE_EXE_LINKER_FLAGS=-static",
    )


@pytest.mark.parametrize("instruction_set", ["neon", "portable"])
def test_products(program: Path, instruction_set: str):
    selftest.check(["qemu-aarch64", str(program), instruction_set], selftest.cases())


@pytest.mark.parametrize("instruction_set", ["neon", "portable"])
def test_attention(program: Path, instruction_set: str):
    selftest.check(["qemu-aarch64", str(program), instruction_set], selftest.attention_cases())


def test_a_processor_without_dot_products_is_given_portable_code(program: Path):
    command = ["qemu-aarch64", "-cpu", "cortex-a53", str(program)]
    selftest.check([*command, "portable"], selftest.cases()[:3])
    with pytest.raises(AssertionError, match="usable here: portable"):
        selftest.check([*command, "neon"], [])
