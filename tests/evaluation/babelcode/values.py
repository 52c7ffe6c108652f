"""Types and values drawn at random, with the edges of each type among them, for the tests of BabelCode."""

import random
import struct
from typing import Any

from codegem.evaluation.babelcode.schema import PRIMITIVES, Type

_TEXTS = (
    "",
    "a",
    "Ünïcödé 漢字 🎉",
    "\"quoted\" 'twice'",
    "back\\slash \\n \\u0041",
    "tab\tline\nreturn\r",
    "$HOME ${x} {0} %d",
    "\x00\x07\x1f\x7f",
    "\u2028\u2029",
    "//",
    "/* */",
    "null",
    "  ",
)
_CHARACTERS = ("a", "'", '"', "\\", "\n", "\t", "\0", "~", "$")  # of one byte: C++ has no others
_WHOLE = {"integer": 31, "long": 63}
_REALS = (0.0, 1.0, -1.5, 0.1, 1e-7, 1e22, 123456789.123, 3.0e10)
_EXTREMES = {
    "float": (3.4028234663852886e38, 1.401298464324817e-45, 16777216.0),
    "double": (1.7976931348623157e308, 5e-324, 2.2250738585072014e-308, 9007199254740993.0, 0.30000000000000004),
}


def types(chance: random.Random, depth: int = 3) -> Type:
    """A type of at most so many levels."""
    kind = chance.choice(("list", "set", "map", *PRIMITIVES) if depth else PRIMITIVES)
    if kind == "list":
        return Type(kind, (types(chance, depth - 1),))
    if kind == "set":
        return Type(kind, (Type(chance.choice(("integer", "string", "character", "long"))),))
    if kind == "map":
        return Type(kind, (Type(chance.choice(("integer", "string", "character", "long"))), types(chance, depth - 1)))
    return Type(kind)


def values(chance: random.Random, kind: Type) -> Any:
    """A value of a type, as `schema.value` gives it."""
    if kind.kind in ("list", "set"):
        items = [values(chance, kind.parts[0]) for _ in range(chance.choice((0, 1, 2, 5)))]
        return items if kind.kind == "list" else list(dict.fromkeys(items))
    if kind.kind == "map":
        key, each = kind.parts
        return {values(chance, key): values(chance, each) for _ in range(chance.choice((0, 1, 3)))}
    return _primitive(chance, kind.kind)


def _primitive(chance: random.Random, kind: str) -> Any:
    if kind == "boolean":
        return chance.random() < 0.5
    if kind == "string":
        return chance.choice(_TEXTS) if chance.random() < 0.7 else _text(chance)
    if kind == "character":
        return chance.choice(_CHARACTERS)
    if bits := _WHOLE.get(kind):
        # JavaScript's numbers hold 53 bits.
        edge = chance.choice((0, 1, -1, 7, 2 ** min(bits, 53) - 1, -(2 ** min(bits, 53)) + 1))
        return edge if chance.random() < 0.5 else chance.randrange(-(2**30), 2**30)
    number = chance.choice(_REALS + _EXTREMES[kind]) if chance.random() < 0.7 else chance.gauss(0, 1000)
    return struct.unpack("f", struct.pack("f", number))[0] if kind == "float" else number


def _text(chance: random.Random) -> str:
    return "".join(
        chr(
            chance.choice(
                (chance.randrange(32, 127), chance.randrange(0xA0, 0xD800), chance.randrange(0x10000, 0x10FFFF))
            )
        )
        for _ in range(chance.randrange(6))
    )
