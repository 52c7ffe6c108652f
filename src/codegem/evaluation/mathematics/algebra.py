r"""Whether two expressions in LaTeX are one value: read by latex2sympy2_extended, computed by SymPy.

The reader is a grammar: no text is ever evaluated as Python. What is asked here may still take any time and memory, so
it is called in a process of its own (`symbolic`).
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sympy

_DIGITS = 30  # of a number, where numbers are compared
_POINTS = ((3, 7), (11, 5), (-13, 9), (29, 31), (-17, 4))
_REPEATING = re.compile(r"(\d*)\.(\d*)\\(?:overline|bar)\{(\d+)\}")
_DECIMAL = re.compile(r"(?<![\d.])(\d*)\.(\d+)(?![\d.])")
_MIXED = re.compile(r"(?<![\d.^{])(\d+) (\d+)\s*/\s*(\d+)(?![\d.])")
_DEGREES = re.compile(r"(\d+)\s*\^\\circ\s*")
_LONG_DECIMAL = re.compile(r"-?\d*\.(\d{6,})")


def same_value(given: str, expected: str) -> bool:
    r"""Whether two expressions are equal for all values of their symbols.

    A decimal of six digits or more behind the point is also equal to a number that it was rounded from.

    >>> same_value(r"\frac{x^2-1}{x-1}", "x+1"), same_value(r"2\sqrt{3}", r"\sqrt{12}"), same_value("2x", "2y")
    (True, True, False)
    >>> same_value("0.333333", r"\frac{1}{3}"), same_value("0.33", r"\frac{1}{3}"), same_value(r"0.\overline{3}", "1/3")
    (True, False, True)

    Raises:
        Exception: one of them can't be read; of which kind is the library's affair.
    """
    left, right = parsed(given), parsed(expected)
    if left == right:
        return True
    if not _is_expression(left) or not _is_expression(right):
        return False
    return _is_zero(left - right) or _rounded(given, left, right) or _rounded(expected, right, left)


def constant_ratio(left: str, right: str) -> "sympy.Expr | None":
    """The number that the first expression is times the second, for all values of their symbols; None without one.

    >>> constant_ratio("2x - 4", "x - 2"), constant_ratio("x", "y")
    (2, None)
    """
    from sympy import cancel

    first, second = parsed(left), parsed(right)
    if not _is_expression(first) or not _is_expression(second) or _is_zero(second):
        return None
    ratio = cancel(first / second)
    return ratio if ratio.is_number and not ratio.is_zero else None


@lru_cache(maxsize=256)
def parsed(latex: str) -> Any:
    """An expression of SymPy. Decimals are read as the fractions that they are, and i as the imaginary unit.

    Raises:
        Exception: it can't be read.
    """
    from latex2sympy2_extended.latex2sympy2 import latex2sympy
    from sympy import I

    text = _DECIMAL.sub(_fraction, _REPEATING.sub(_repeating, latex))
    text = _DEGREES.sub(r"\\frac{\1\\pi}{180}", _MIXED.sub(r"\1\\frac{\2}{\3}", text))
    imaginary = re.search(r"(?<![a-zA-Z\\])i(?![a-zA-Z])", text) is not None
    found: Any = latex2sympy(text, is_real=not imaginary, convert_degrees=False, normalization_config=None)
    if imaginary:
        found = found.subs({symbol: I for symbol in found.free_symbols if symbol.name == "i"})
    return found.doit()


def _fraction(found: re.Match[str]) -> str:
    return rf"\frac{{{int(found[1] + found[2])}}}{{{10 ** len(found[2])}}}"


def _repeating(found: re.Match[str]) -> str:
    whole, fixed, again = found[1], found[2], found[3]
    over = int(f"{whole}{fixed}{again}") - int(f"{whole}{fixed}" or "0")
    return rf"\frac{{{over}}}{{{(10 ** len(again) - 1) * 10 ** len(fixed)}}}"


def _is_expression(value: Any) -> bool:
    from sympy import Expr

    return isinstance(value, Expr)


def _is_zero(difference: "sympy.Expr") -> bool:
    """By numbers where these can tell, which is fast; else by simplifying."""
    from sympy import simplify

    told = [_is_zero_at(difference, point) for point in _POINTS[: len(_POINTS) if difference.free_symbols else 1]]
    if False in told:
        return False
    return True in told or simplify(difference) == 0


def _is_zero_at(difference: "sympy.Expr", point: tuple[int, int]) -> bool | None:
    """Whether it is 0 where its symbols have numbers that no two of them share; None where it has no value."""
    from sympy import Float, Rational

    symbols = sorted(difference.free_symbols, key=str)
    values: dict[Any, Any] = {
        symbol: Rational(point[0] + 2 * place, point[1] + place) for place, symbol in enumerate(symbols)
    }
    value = difference.evalf(_DIGITS, subs=values)
    real, imaginary = value.as_real_imag()
    if not isinstance(real + imaginary, Float | Rational) or not value.is_finite:
        return None
    return bool(abs(real) + abs(imaginary) < Float(10) ** (10 - _DIGITS))


def _rounded(text: str, decimal: "sympy.Expr", exact: "sympy.Expr") -> bool:
    found = _LONG_DECIMAL.fullmatch(text.replace(" ", ""))
    if found is None or not exact.is_number or _LONG_DECIMAL.fullmatch(str(exact)):
        return False
    return bool(abs(decimal - exact).evalf(_DIGITS) < 10 ** -len(found[1]))
