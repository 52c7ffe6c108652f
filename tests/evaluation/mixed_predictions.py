"""Predictions of every kind for HumanEval, made from its own solutions: right, nearly right, broken, odd."""

import ast
import random
import textwrap
from collections.abc import Callable, Sequence

from codegem.evaluation.task import Problem

_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Div, ast.Mod)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_WRAPPERS = (
    "tuple({})",
    "list({})",
    "set({})",
    "iter({})",
    "(item for item in {})",
    "map(lambda item: item, {})",
    "float({})",
    "int({})",
    "bool({})",
    "str({})",
    "complex({})",
    "[{}]",
    "({},)",
    "{} or None",
    "None if {} else 0",
    "type('Int', (int,), {{}})({})",
    "type('Text', (str,), {{}})({})",
    "type('Items', (list,), {{}})({})",
    "__import__('decimal').Decimal({})",
    "__import__('fractions').Fraction({})",
    "__import__('collections').Counter({})",
    "__import__('collections').OrderedDict({})",
    "__import__('collections').deque({})",
    "dict({}).keys()",
    "bytes({}, 'utf-8')",
    "range(len({}))",
    "frozenset({})",
    "lambda: {}",
    "{} + 1e-9",
    "{} * 1.0",
    "{} == True",
    "float('nan') if {} else 0.0",
    "print({})",
    "NotImplemented if {} else ...",
)
_BODIES = (
    "    raise ValueError('no')\n",
    "    raise SystemExit(0)\n",
    "    raise KeyboardInterrupt\n",
    "    raise AssertionError\n",
    "    raise StopIteration\n",
    "    return 1 / 0\n",
    "    return undefined\n",
    "    return None\n",
    "    pass\n",
    "",
    "\n",
    "    return input()\n",
    "    import sys\n    return sys.stdin.read()\n",
    "    import sys\n    sys.exit(0)\n",
    "    exit()\n",
    "    yield 1\n",
    "    return (\n",
    "    return '\n",
    '    """\n',
    "    return 1 \\",
    "    return 1;",
    "\treturn 1\n",
    "  return 1\n",
    "    return 1\n\n\n@",
    "    return 1\n\n\ndef helper(",
    "    return 1\n\n\ndef helper():",
    "    return 1\nif True:\n",
    "    return 1\nimport nothing_of_this_name\n",
    "    return 1\nassert False\n",
    "```python\n    return 1\n```",
    "    global missing\n    return missing\n",
    "    return __name__\n",
    "    return locals()\n",
    "    return 10 ** 5000\n",
    "    x = []\n    x.append(x)\n    return x\n",
    "    return \x00\n",
    "    return '\ud800'\n",
    "    await nothing\n",
    "    return print('passed')\n",
    "    def solve():\n        return solve()\n    return solve()\n",
    "    return [\n" * 120,
    "    from __future__ import annotations\n    return 1\n",
    "    nonlocal x\n    return x\n",
)


def mixed(problems: Sequence[Problem], count: int, seed: int = 0, endless: float = 0.01) -> list[tuple[Problem, str]]:
    """Problems with predictions, the same ones for the same seed.

    Args:
        endless: the share of those that never end.
    """
    numbers = random.Random(seed)
    return [(problem, _one(problem, numbers, endless)) for problem in numbers.choices(problems, k=count)]


def _one(problem: Problem, numbers: random.Random, endless: float) -> str:
    right: str = problem.details.canonical_solution
    chance = numbers.random()
    if chance < endless:
        return "    while True:\n        pass\n"
    if chance < 0.12:
        return right
    if chance < 0.6:
        return _mutated(str(problem.prompt), right, problem.details.entry_point, numbers)
    if chance < 0.7:
        return right[: numbers.randrange(len(right))]
    if chance < 0.76:
        return _broken(right, numbers)
    if chance < 0.9:
        return right + _wrapped(problem.details.entry_point, numbers.choice(_WRAPPERS))
    return numbers.choice(_BODIES)


def _wrapped(entry: str, wrapper: str) -> str:
    """The same function, with another form of each of its values."""
    value = wrapper.format("_value")
    return f"\n\n_honest = {entry}\n\n\ndef {entry}(*given):\n    _value = _honest(*given)\n    return {value}\n"


def _broken(text: str, numbers: random.Random) -> str:
    """The text without one of its marks, or with a line moved."""
    at = numbers.choice([place for place, letter in enumerate(text) if not letter.isalnum()] or [0])
    return text[:at] + numbers.choice(["", " ", "(", "'", "\n", ":"]) + text[at + 1 :]


def _mutated(prompt: str, right: str, entry: str, numbers: random.Random) -> str:
    """The body with one small change to its syntax tree."""
    module = ast.parse(prompt + right)
    function = next(node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == entry)
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    changes = [change for statement in body for node in ast.walk(statement) for change in _changes(node, numbers)]
    changes += [lambda: body.pop(numbers.randrange(len(body)))]
    changes += [lambda: body.insert(numbers.randrange(len(body) + 1), _early(function))]
    numbers.choice(changes)()
    text = "\n".join(ast.unparse(ast.fix_missing_locations(statement)) for statement in body) or "pass"
    return textwrap.indent(text, "    ") + "\n"


def _early(function: ast.FunctionDef) -> ast.stmt:
    given = function.args.args
    return ast.Return(ast.Name(given[0].arg, ast.Load()) if given else ast.Constant(0))


def _changes(node: ast.AST, numbers: random.Random) -> list[Callable[[], object]]:
    """What could be changed at a node."""
    if isinstance(node, ast.BinOp):
        return [lambda: setattr(node, "op", numbers.choice(_OPERATORS)())]
    if isinstance(node, ast.Compare):
        return [lambda: node.ops.__setitem__(0, numbers.choice(_COMPARISONS)())]
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        value = node.value
        return [lambda: setattr(node, "value", numbers.choice([value + 1, value - 1, not value, float(value)]))]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = node.value
        return [lambda: setattr(node, "value", numbers.choice(["", text + " ", text.upper()]))]
    if isinstance(node, ast.BoolOp):
        return [lambda: setattr(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())]
    if isinstance(node, (ast.If, ast.IfExp)):
        return [lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))]
    if isinstance(node, (ast.For, ast.If, ast.While)):
        return [lambda: node.body.insert(0, ast.Continue() if isinstance(node, ast.For) else ast.Pass())]
    if isinstance(node, ast.Return) and node.value is not None:
        return [lambda: setattr(node, "value", None)]
    return []
