"""What HumanEval, its infilling and MBPP share: the judge, and a program and its test taken apart for it.

The benchmarks judge one text, program and test behind each other. Here they run in two processes, so it has to be
known which functions the test calls, and what else it needs of the text before it.
"""

import ast
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from codegem.evaluation import python_judge
from codegem.evaluation.task import DataFile, Problem


@dataclass(frozen=True)
class PythonBenchmark:
    """What is the same in every `task.Benchmark` of Python programs: the judge."""

    problems: Sequence[Problem]
    data: tuple[DataFile, ...]

    def batch(self, group: str) -> int:
        """They are judged one by one."""
        return 1

    def missing(self, group: str) -> str:
        """Why nothing can be judged here."""
        return python_judge.missing()

    def tools(self) -> Mapping[str, str]:
        """The interpreter."""
        return python_judge.tools()


def ended(program: str, test: str) -> str:
    r"""The program with a statement where its test would begin.

    What the end of a program leaves open, such as a bracket or a line that goes on, meets the same as in one text.

    >>> ended("x = (1,", "\n\ncheck()\n")
    'x = (1,\n\n\npass\n'
    """
    blank = test[: len(test) - len(test.lstrip())]
    return f"{program}\n{blank}pass\n"


def bound(source: str) -> set[str]:
    """The names that a text binds at its top level: functions, classes, imports and variables.

    >>> sorted(bound("import os.path\\ndef f(): y = 1\\nx, z = 1, 2"))
    ['f', 'os', 'x', 'z']
    """
    names: set[str] = set()
    for statement in _parsed(source).body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(statement.name)
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            names.update((alias.asname or alias.name).partition(".")[0] for alias in statement.names)
        else:
            names.update(
                node.id
                for node in ast.walk(statement)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            )
    return names


def named(test: str) -> set[str]:
    """The names that a text looks up.

    >>> sorted(named("def check(f):\\n    assert abs(f(poly)) < 1"))
    ['abs', 'f', 'poly']
    """
    return {
        node.id for node in ast.walk(_parsed(test)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings(action="ignore"):  # of escapes in data that nobody here can put right
        return ast.parse(text)


@lru_cache(1024)  # thousands of holes have the same few programs around them
def prelude(source: str, test: str, entry_point: str) -> str:
    """What a test needs besides the function that is judged: `source`, if it binds other names that the test looks up.

    >>> prelude("def poly(x): return x\\ndef f(x): return x", "assert poly(f(1)) == 1", "f")[:8]
    'def poly'
    >>> prelude("import os\\ndef f(x): return x", "assert f(1) == 1", "f")
    ''
    """
    return source if (bound(source) - {entry_point}) & named(test) else ""
