"""Names of types and literals, as far as languages with static types have them in common."""

import math
import struct
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from codegem.errors import UserError
from codegem.evaluation.babelcode.schema import Type

INTEGER_BITS = {"integer": 32, "long": 64}


def type_name(kind: Type, names: Mapping[str, str]) -> str:
    """What a language calls a type.

    Args:
        names: of each kind; with `{}` for each part.

    >>> type_name(Type("list", (Type("integer"),)), {"integer": "int", "list": "vector<{}>"})
    'vector<int>'
    """
    return names[kind.kind].format(*(type_name(part, names) for part in kind.parts))


def in_range(kind: Type, data: Any) -> int:
    """A whole number that fits into an `integer` or a `long`.

    Raises:
        UserError: it does not, or is null.
    """
    bound = 1 << (INTEGER_BITS[kind.kind] - 1)
    if not isinstance(data, int) or not -bound <= data < bound:
        raise UserError(f"A test's input is {data}, which is no {kind} of {INTEGER_BITS[kind.kind]} bits.")
    return data


def real(kind: Type, data: Any, *, single: bool = True) -> float:
    """A `float` or a `double`; a float that 32 bits can't hold becomes 0 or infinite, so that compilers take it.

    Raises:
        UserError: it is null.
    """
    if not isinstance(data, int | float):
        raise UserError(f"A test's input is {data}, which is no {kind}.")
    if not single or kind.kind != "float" or not math.isfinite(data):
        return float(data)
    try:
        held = struct.unpack("<f", struct.pack("<f", data))[0]
    except OverflowError:
        return math.copysign(math.inf, data)
    return float(data) if held else math.copysign(0.0, data)


def decimal(kind: Type, data: Any) -> str:
    """A number's digits without an exponent, for a type that counts in tens: 28 places, up to 7.9e28.

    Raises:
        UserError: it is null, infinite, not a number, or too large.

    >>> decimal(Type("double"), -1.5e-07), decimal(Type("double"), 5e-324)
    ('-0.00000015', '0')
    """
    number = real(kind, data, single=False)
    if not abs(number) < 7.9e28:
        raise UserError(f"A test's input is {data}, which is no decimal number of 96 bits.")
    text = f"{Decimal(repr(number)):.28f}".rstrip("0").rstrip(".")
    return text if text != "-0" else "0"


def character(data: Any) -> str:
    """A character that 16 bits can hold; a NUL for what is empty.

    Raises:
        UserError: it is none.
    """
    if not isinstance(data, str) or len(data) > 1 or data > "\uffff":
        raise UserError(f"A test's input is {data!r}, which is no character of 16 bits.")
    return data or "\0"


def utf16(text: str, special: Mapping[str, str], control: str = "\\u{:04x}") -> str:
    """Text between quotes: printable ASCII as it is, all else by the units of UTF-16.

    Args:
        special: what is written in another way, such as the quote.
        control: how a control character is written (Java reads \\u000a before it sees the quotes).

    >>> print(utf16("a\\u00e9$", {"$": "\\\\$"}))
    a\\u00e9\\$
    """
    words = []
    for each in text:
        if each in special:
            words.append(special[each])
        elif " " <= each <= "~":
            words.append(each)
        elif each < " ":
            words.append(control.format(ord(each)))
        else:
            units = each.encode("utf-16-be", "surrogatepass")
            words += [f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)]
    return "".join(words)
