"""A small corpus and its index, which the tests of this room share."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from codegem.data.tracing.index import TraceIndex
from codegem.data.tracing.merging import merge
from codegem.data.tracing.parts import Part, TracedFile, write_part

_WORDS = [
    "account",
    "balance",
    "check",
    "delta",
    "entry",
    "filter",
    "group",
    "handle",
    "index",
    "join",
    "keep",
    "limit",
]
_WORDS += ["merge", "node", "order", "parse", "queue", "read", "state", "table", "update", "value", "window", "yield"]


def source(seed: int, functions: int = 12) -> str:
    """Code that no other seed gives."""
    draw = random.Random(seed)
    lines = []
    for _ in range(functions):
        first, second, third = draw.sample(_WORDS, 3)
        lines += [
            f"def {first}_{second}({third}, limit={draw.randrange(10**6)}):",
            f"    for {third[:3]} in {second}.{draw.choice(_WORDS)}({third}):",
            f"        if {third[:3]}.{draw.choice(_WORDS)} > {draw.randrange(10**4)}:",
            f'            return "{draw.choice(_WORDS)} {draw.choice(_WORDS)}" + {first}({third[:3]})',
            f"    return {draw.choice(_WORDS)}({draw.choice(_WORDS)}={draw.choice(_WORDS)}, {third}=limit)",
            "",
        ]
    return "\n".join(lines)


CORPUS = [
    TracedFile(
        f"repository-{number // 4}", f"src/file_{number}.py", ["MIT", None][number % 2], "python", source(number)
    )
    for number in range(12)
]


@pytest.fixture(scope="session")
def make_index(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function of files, and what `merge` takes: the folder of their index, a part for each repository."""

    def make(files: Sequence[TracedFile], **options: object) -> Path:
        folder = tmp_path_factory.mktemp("index")
        parts = []
        for name in dict.fromkeys(file.repository for file in files):
            parts.append(Part(folder / "parts" / name))
            write_part(parts[-1], [file for file in files if file.repository == name])
        merge(parts, folder / "trace", dataset="d" * 64, **options)  # type: ignore[arg-type]
        return folder / "trace"

    return make


@pytest.fixture(scope="session")
def make_source() -> Callable[[int], str]:
    """A function of a number: code that no other number gives."""
    return source


@pytest.fixture(scope="session")
def corpus() -> list[TracedFile]:
    """Twelve files of three repositories."""
    return CORPUS


@pytest.fixture(scope="session")
def index(make_index: Callable[..., Path]) -> TraceIndex:
    """The index of `corpus`."""
    return TraceIndex.open(make_index(CORPUS))
