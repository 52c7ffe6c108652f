"""`codegem eval …`."""

from typing import Annotated, Literal

import tyro

from codegem.commands.arguments import parse
from codegem.commands.eval_options import Options, run_benchmark

_Options = Annotated[Options, tyro.conf.arg(name="")]
_Split = Literal["single-line", "multi-line", "random-span", "random-span-light"]
_Language = Literal["cpp", "csharp", "go", "java", "javascript", "kotlin", "python", "rust"]


def eval_humaneval(words: list[str]) -> None:
    """`codegem eval humaneval`."""

    def run(options: _Options) -> None:
        """164 functions of Python, each from its signature and docstring: codegem eval humaneval --model nano"""
        run_benchmark("humaneval", options)

    parse(run, "eval humaneval", words)


def eval_infilling(words: list[str]) -> None:
    """`codegem eval infilling`."""

    def run(options: _Options, split: tuple[_Split, ...] = ()) -> None:
        """Holes in the solutions of HumanEval: codegem eval infilling --split single-line --model nano

        Args:
            split: which holes: 1,033 single lines, 5,815 of several lines, 1,640 random spans, or 164 of these
                (light); default all of them.
        """
        run_benchmark("infilling", options, split)

    parse(run, "eval infilling", words)


def eval_mbpp(words: list[str]) -> None:
    """`codegem eval mbpp`."""

    def run(options: _Options) -> None:
        """500 small functions of Python, after three examples: codegem eval mbpp --model nano"""
        run_benchmark("mbpp", options)

    parse(run, "eval mbpp", words)


def eval_bc_humaneval(words: list[str]) -> None:
    """`codegem eval bc-humaneval`."""

    def run(options: _Options, languages: tuple[_Language, ...] = ()) -> None:
        """HumanEval in eight languages: codegem eval bc-humaneval --languages go rust --data babelcode

        Args:
            languages: those of which; default all eight.
        """
        run_benchmark("bc-humaneval", options, languages)

    parse(run, "eval bc-humaneval", words)


def eval_bc_mbpp(words: list[str]) -> None:
    """`codegem eval bc-mbpp`."""

    def run(options: _Options, languages: tuple[_Language, ...] = ()) -> None:
        """MBPP in eight languages: codegem eval bc-mbpp --languages go rust --data babelcode

        Args:
            languages: those of which; default all eight.
        """
        run_benchmark("bc-mbpp", options, languages)

    parse(run, "eval bc-mbpp", words)
