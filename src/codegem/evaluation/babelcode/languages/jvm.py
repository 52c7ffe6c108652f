"""Literals for the languages of the JVM, where a method can't be longer than 64 KiB: large ones become classes.

A container with many values is made by a class of its own, and filled in runs by further ones, each of which has
few enough values for one method and for one table of constants.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from codegem.evaluation.babelcode.languages.literals import real
from codegem.evaluation.babelcode.schema import Type

_VALUES = 500  # in one expression: about 15 bytes of code each
_CHARACTERS = 10_000  # in one constant, which can have 65,535 bytes


@dataclass(frozen=True)
class Notation:
    """How a language writes values.

    Attributes:
        scalar: (type, value) -> its literal.
        quoted: the literal of a text of moderate length.
        joined: the literals of a text's pieces -> the whole text.
        container: (type, literals of its elements; of a map's keys and values by turns) -> one expression.
        add: how one element (one key and value) is added to the container `to`.
        filler: (name, type, statements) -> a class whose `fill(to)` runs them.
        maker: (name, type, names of fillers) -> a class whose `make()` gives a container that they filled.
    """

    scalar: Callable[[Type, Any], str]
    quoted: Callable[[str], str]
    joined: Callable[[Sequence[str]], str]
    container: Callable[[Type, Sequence[str]], str]
    add: Callable[[Sequence[str]], str]
    filler: Callable[[str, Type, Sequence[str]], str]
    maker: Callable[[str, Type, Sequence[str]], str]


def plain(kind: Type, data: Any, name: str) -> str:
    """The literal of a boolean, a float or a double.

    Args:
        name: of the type in the language.

    >>> plain(Type("float"), 0.5, "Float"), plain(Type("double"), float("nan"), "Double")
    ('0.5f', 'Double.NaN')
    """
    if kind.kind == "boolean":
        return "true" if data else "false"
    number = real(kind, data)
    if not math.isfinite(number):
        which = "NaN" if math.isnan(number) else "POSITIVE_INFINITY" if number > 0 else "NEGATIVE_INFINITY"
        return f"{name}.{which}"
    return f"{number!r}f" if kind.kind == "float" else repr(number)


class Literals:
    """The literals of one program.

    Attributes:
        classes: those that the literals so far need, as source text.
    """

    def __init__(self, notation: Notation, nonce: str):
        self._notation = notation
        self._nonce = nonce
        self.classes: list[str] = []

    def of(self, kind: Type, data: Any) -> str:
        """An expression of the declared type.

        Raises:
            UserError: the language can't hold the value.
        """
        if kind.kind == "string":
            return self._text(data)
        if not kind.parts:
            return self._notation.scalar(kind, data)
        items = [*data.items()] if kind.kind == "map" else [(each,) for each in data]
        rows = [tuple(self.of(part, each) for part, each in zip(kind.parts, item, strict=True)) for item in items]
        if _values(kind, data) <= _VALUES:
            return self._notation.container(kind, [word for row in rows for word in row])
        sizes = [sum(map(_values, kind.parts, item)) for item in items]
        return self._large(kind, rows, sizes)

    def _large(self, kind: Type, rows: Sequence[tuple[str, ...]], sizes: Sequence[int]) -> str:
        runs, held = [[]], 0
        for row, size in zip(rows, sizes, strict=True):
            if runs[-1] and held + size > _VALUES:
                runs.append([])
                held = 0
            runs[-1].append(self._notation.add(row))
            held += size
        fillers = [self._class(self._notation.filler, kind, run) for run in runs]
        return f"{self._class(self._notation.maker, kind, fillers)}.make()"

    def _class(self, made: Callable[[str, Type, Sequence[str]], str], kind: Type, parts: Sequence[str]) -> str:
        name = f"Part{len(self.classes)}_{self._nonce}"
        self.classes.append(made(name, kind, parts))
        return name

    def _text(self, data: str) -> str:
        pieces = [self._notation.quoted(data[at : at + _CHARACTERS]) for at in range(0, len(data), _CHARACTERS)]
        return self._notation.joined(pieces) if len(pieces) > 1 else self._notation.quoted(data)


def _values(kind: Type, data: Any) -> int:
    """How many values there are in one, with itself."""
    if kind.kind == "map":
        return 1 + sum(_values(kind.parts[0], key) + _values(kind.parts[1], each) for key, each in data.items())
    return 1 + sum(_values(kind.parts[0], each) for each in data) if kind.parts else 1
