"""Our GGUF files in llama.cpp itself: the same vocabulary, the same logits, the same text; and its files here.

Runs where CODEGEM_LLAMA_CPP names a build directory of llama.cpp (with bin/libllama.so and bin/llama-quantize, its
source where CMake found it) and a C++ compiler is there; is skipped elsewhere.
"""

import argparse
import dataclasses
import inspect
import json
import os
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import codegem
from codegem.checkpoints import gguf, huggingface
from codegem.checkpoints.gguf_layout import tensor_name
from codegem.checkpoints.pieces import from_tokenizer, is_lossless
from codegem.inference.engine import Engine
from codegem.inference.sampling import sampler
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.fim import Order
from codegem.text.tokenizer import Tokenizer

NANO = Path(codegem.__file__).parent / "assets" / "nano"
# Three query heads on each of two key/value heads, heads wider than the model's share, rows that fill K-quants' blocks.
GROUPED = ModelConfig(
    8192, 2, 256, 6, 2, 64, 512, context_length=1024, rope_theta=5000.0, norm_eps=1e-5
)  # fmt: skip


@pytest.fixture(scope="module")
def build() -> Path:
    """The build directory."""
    given = os.environ.get("CODEGEM_LLAMA_CPP")
    if not given:
        pytest.skip("CODEGEM_LLAMA_CPP names no build of llama.cpp")
    return Path(given)


@pytest.fixture(scope="module")
def program(build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """llama_peer.cpp, compiled."""
    compiler = shutil.which("c++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    cache = (build / "CMakeCache.txt").read_text()
    (source,) = (line.split("=", 1)[1] for line in cache.splitlines() if line.startswith("CMAKE_HOME_DIRECTORY"))
    out = tmp_path_factory.mktemp("peer") / "llama_peer"
    include = [f"-I{source}/include", f"-I{source}/ggml/include"]
    libraries = [f"-L{build}/bin", "-lllama", "-lggml", "-lggml-base", f"-Wl,-rpath,{build}/bin"]
    code = str(Path(__file__).with_name("llama_peer.cpp"))
    subprocess.run([compiler, "-std=c++17", "-O1", "-Wall", *include, code, "-o", out, *libraries], check=True)
    return out


class Peer:
    """llama.cpp with one model."""

    def __init__(self, program: Path, model: Path, scratch: Path):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen([program, model, "2"], **pipes)
        self._scratch = scratch

    def special(self) -> list[int]:
        return self._ask("special")

    def tokens(self, text: str) -> list[int]:
        content = text.encode()
        return self._ask(f"tokens {len(content)}", content)

    def greedy(self, ids: Sequence[int], count: int) -> list[int]:
        return self._ask(f"greedy {count} {' '.join(map(str, ids))}")

    def logits(self, ids: Sequence[int]) -> np.ndarray:
        path = self._scratch / "logits"
        assert self._line(f"logits {path} {' '.join(map(str, ids))}") == "done"
        return np.fromfile(path, np.float32).reshape(len(ids), -1)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(60) == 0

    def _ask(self, question: str, content: bytes = b"") -> list[int]:
        return [int(word) for word in self._line(question, content).split()]

    def _line(self, question: str, content: bytes = b"") -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(question.encode() + b"\n" + content)
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer.endswith(b"\n"), "llama.cpp has ended"
        return answer.decode().strip()


@pytest.fixture(scope="module")
def peer(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], Peer]]:
    """llama.cpp on a file."""
    peers: list[Peer] = []

    def start(model: Path) -> Peer:
        peers.append(Peer(program, model, tmp_path_factory.mktemp("scratch")))
        return peers[-1]

    yield start
    for started in peers:
        started.close()


@pytest.fixture(scope="module")
def nano() -> tuple[Transformer, Tokenizer]:
    return huggingface.load(NANO, dtype="float32")


@pytest.fixture(scope="module")
def grouped(random_model: Callable[..., Transformer]) -> Transformer:
    return random_model(GROUPED)


@pytest.fixture(scope="module")
def exported(nano: tuple[Transformer, Tokenizer], grouped: Transformer, tmp_path_factory: pytest.TempPathFactory):
    """A function of (model, kind) to the GGUF file of it."""
    folder = tmp_path_factory.mktemp("gguf")
    models = {"nano": nano[0], "grouped": grouped}

    def export(model: str, kind: str) -> Path:
        path = folder / f"{model}-{kind}.gguf"
        if not path.exists():
            gguf.save(path, models[model], nano[1], kind=kind)
        return path

    return export


@pytest.fixture(scope="module")
def written(nano: tuple[Transformer, Tokenizer], grouped: Transformer) -> dict[str, list[list[int]]]:
    """What our engine writes greedily after each prompt: 32 tokens."""
    return {"nano": greedy(*nano), "grouped": greedy(grouped, nano[1])}


def code() -> list[str]:
    modules = (argparse, dataclasses, inspect, json, textwrap)
    return [line for module in modules for line in inspect.getsource(module).splitlines(keepends=True)]


def prompts(tokenizer: Tokenizer) -> list[list[int]]:
    """Twenty: ten of plain code, ten with a hole, in both layouts."""
    source = inspect.getsource(textwrap) + inspect.getsource(json.decoder)
    special, found = tokenizer.special, []
    for number in range(10):
        at = 700 * number
        before, after = source[at : at + 300], source[at + 330 : at + 500]
        prefix, suffix = tokenizer.encode(before), tokenizer.encode(after)
        found.append([special.bos, *prefix])
        hole = {
            Order.PSM: [special.fim_prefix, *prefix, special.fim_suffix, *suffix, special.fim_middle],
            Order.SPM: [special.fim_suffix, *suffix, special.fim_prefix, *prefix, special.fim_middle],
        }
        found.append([special.bos, *hole[list(Order)[number % 2]]])
    return found


def ours(model: Transformer, ids: Sequence[int]) -> np.ndarray:
    return np.asarray(eval_model(model, jnp.array([ids])))[0]


eval_model = jax.jit(lambda model, tokens: model(tokens))


def greedy(model: Transformer, tokenizer: Tokenizer) -> list[list[int]]:
    engine = Engine(model, tokenizer)
    choose = sampler(0.0, 1.0, 0)
    return [list(engine.stream(ids, max_tokens=32, choose=choose, stop_ids=frozenset())) for ids in prompts(tokenizer)]


HARD = [
    " ",
    "\t",
    "\n",
    "  x",
    "\tif x:\n\t\t\treturn  1   # two, three\n",
    " " * 31 + "x" + " " * 32 + "\t" * 9 + "\n" * 9,
    "a  b\t c \t\td\n \n  \n",
    "<bos><|fim_prefix|><start_of_turn><mask><unused60> [@BOS@] <unk>",
    "<table><tr><td>cell</td></tr></table><h1>",
    "naïve café 東京 🧙‍♀️ ﷽ \x01\x7f \u2028 ａｂｃ",
    "𐍈𝕏 Straße İ ǅ ﬁ \ufffd",
    "0123456789 3.14e-10 0xFF",
    "==== ----- ====== ******* ///////",
    "\r\n\r\n\v\f",
]


class TestVocabulary:
    def test_nano(
        self, nano: tuple[Transformer, Tokenizer], exported: Callable[..., Path], peer: Callable[[Path], Peer]
    ):
        there = peer(exported("nano", "f16"))
        special = nano[1].special
        wanted = [special.bos, special.eos, special.fim_prefix, special.fim_suffix, special.fim_middle]
        assert there.special() == [*wanted, special.file_separator, special.end_of_turn, 1, 1]
        for text in HARD + code():
            assert there.tokens(text) == nano[1].encode(text), text

    def test_gemma(
        self,
        gemma: Tokenizer,
        random_model: Callable[..., Transformer],
        peer: Callable[[Path], Peer],
        tmp_path: Path,
    ):
        tiny = random_model(ModelConfig(256_000, 1, 32, 1, 1, 32, 32, context_length=128))
        gguf.save(tmp_path / "gemma.gguf", tiny, gemma, kind="q8_0")
        there = peer(tmp_path / "gemma.gguf")
        assert there.special() == [2, 1, 67, 69, 68, 70, 107, 1, 1]
        for text in HARD + code():
            assert there.tokens(text) == gemma.encode(text), text
        _, again = gguf.load(tmp_path / "gemma.gguf")
        assert is_lossless(gemma, from_tokenizer(again))


class TestFloats:
    """Float formats: the arithmetic is ours.

    What differs is llama.cpp's GELU, a table of 16-bit numbers on CPUs: with such a table here too, the deviation
    falls from 2e-4 of the logits' to 5e-5. For bfloat16 matrices it rounds activations to bfloat16.
    """

    @pytest.mark.parametrize("model", ["nano", "grouped"])
    @pytest.mark.parametrize(("kind", "bound"), [("f32", 1e-3), ("f16", 1e-3), ("bf16", 2e-2)])
    def test_logits(
        self,
        nano: tuple[Transformer, Tokenizer],
        exported: Callable[..., Path],
        peer: Callable[[Path], Peer],
        model: str,
        kind: str,
        bound: float,
    ):
        path = exported(model, kind)
        here, _ = gguf.load(path, dtype="float32")
        there = peer(path)
        for ids in prompts(nano[1])[:6]:
            wanted, found = ours(here, ids), there.logits(ids)
            assert np.abs(wanted - found).max() < bound * np.abs(wanted).max()

    @pytest.mark.parametrize("model", ["nano", "grouped"])
    @pytest.mark.parametrize("kind", ["f32", "f16"])
    def test_greedy_tokens_are_those_of_the_source(
        self,
        nano: tuple[Transformer, Tokenizer],
        written: dict[str, list[list[int]]],
        exported: Callable[..., Path],
        peer: Callable[[Path], Peer],
        model: str,
        kind: str,
    ):
        there = peer(exported(model, kind))
        assert [there.greedy(ids, 32) for ids in prompts(nano[1])] == written[model]


class TestQuantized:
    """llama.cpp rounds activations to 8 bits in blocks of 32 or 256, and ours stay float32: a share of the logits."""

    @pytest.mark.parametrize("kind", ["q8_0", "q4_0"])
    def test_our_blocks(
        self,
        nano: tuple[Transformer, Tokenizer],
        exported: Callable[..., Path],
        peer: Callable[[Path], Peer],
        kind: str,
    ):
        path = exported("nano", kind)
        here, _ = gguf.load(path, dtype="float32")
        assert_close(here, peer(path), prompts(nano[1])[:4], 0.03)

    @pytest.mark.parametrize("kind", ["Q8_0", "Q4_0", "Q4_K_S", "Q5_K_M", "Q6_K"])
    def test_files_of_llama_quantize(
        self,
        build: Path,
        nano: tuple[Transformer, Tokenizer],
        exported: Callable[..., Path],
        peer: Callable[[Path], Peer],
        tmp_path: Path,
        kind: str,
    ):
        """Their weights are as the `gguf` package reads them, and the logits llama.cpp's.

        Rows of 384 values, which the blocks of K-quants can't hold, come as Q5_0, Q5_1 and Q8_0.
        """
        path = tmp_path / f"{kind}.gguf"
        command = [build / "bin" / "llama-quantize", exported("grouped", "f32"), path, kind]
        subprocess.run(command, check=True, capture_output=True)
        here, _ = gguf.load(path, dtype="float32")
        assert_own_dequantization(path, here)
        assert_close(here, peer(path), prompts(nano[1])[:4], 0.05)


def assert_close(here: Transformer, there: Peer, questions: Sequence[Sequence[int]], share: float) -> None:
    """The deviation between two sets of logits is at most a share of the logits' own."""
    for ids in questions:
        wanted, found = ours(here, ids), there.logits(ids)
        assert np.std(wanted - found) < share * np.std(wanted)


def assert_own_dequantization(path: Path, here: Transformer) -> None:
    reader = pytest.importorskip("gguf").GGUFReader(path)
    from gguf.quants import dequantize

    names = jax.tree.leaves(huggingface.assemble(here.config, lambda name, shape: name))
    leaves = {tensor_name(name): leaf for name, leaf in zip(names, jax.tree.leaves(here), strict=True)}
    assert {tensor.name for tensor in reader.tensors} == leaves.keys()
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type)
        wanted = values - 1 if values.ndim == 1 else values
        assert np.array_equal(leaves[tensor.name], wanted), tensor.name
