"""What a request's body may hold, said once: it is read by this and documented from this.

A schema is a piece of JSON Schema 2020-12 as a plain dict, made by the functions below, so that it goes into the
OpenAPI document as it stands. `check` reads a value by it, kindly: unknown fields pass, null stands for an absent
field, 5.0 is a whole number, and half of a surrogate pair (an editor cut an emoji in two) becomes U+FFFD.

Example:
    >>> body = record({"prompt": text(), "n": whole(1, 8, default=1), "stop": either(text(), items(text(), most=4))})
    >>> check({"prompt": "def ", "stop": None}, body)
    {'prompt': 'def ', 'n': 1}
    >>> check({"prompt": "def ", "n": 9}, body)
    Traceback (most recent call last):
    codegem.errors.UserError: n is 9; it must be a whole number from 1 to 8.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from codegem.errors import UserError

Schema = dict[str, Any]
"""A piece of JSON Schema."""

_SHOWN = 40  # characters of a wrong value that are repeated to the person who sent it
_WORDS = {  # of one value, and of several
    "string": ("a text", "texts"),
    "boolean": ("true or false", "truth values"),
    "integer": ("a whole number", "whole numbers"),
    "number": ("a number", "numbers"),
    "array": ("a list of ", "lists of "),
    "object": ("an object", "objects"),
}
_TYPES = {"string": str, "boolean": bool, "array": list, "object": dict}


def text(about: str = "", *, default: str | None = None, one_of: Sequence[str] = (), most: int | None = None) -> Schema:
    """A string, of at most `most` characters, or one of those named."""
    return _schema("string", about, default, enum=list(one_of) or None, maxLength=most)


def whole(least: int | None = None, most: int | None = None, about: str = "", *, default: int | None = None) -> Schema:
    """An integer within bounds."""
    return _schema("integer", about, default, minimum=least, maximum=most)


def number(
    least: float | None = None, most: float | None = None, about: str = "", *, default: float | None = None
) -> Schema:
    """A finite number within bounds."""
    return _schema("number", about, default, minimum=least, maximum=most)


def flag(about: str = "", *, default: bool | None = None) -> Schema:
    """True or false."""
    return _schema("boolean", about, default)


def items(of: Schema, about: str = "", *, most: int | None = None) -> Schema:
    """A list of at most `most` values of one kind."""
    return _schema("array", about, None, items=of, maxItems=most)


def record(fields: Mapping[str, Schema], about: str = "", *, required: Sequence[str] = ()) -> Schema:
    """An object; fields that are not required may be null, and others than these may be there."""
    properties = {name: schema if name in required else _or_null(schema) for name, schema in fields.items()}
    return _schema("object", about, None, properties=properties, required=list(required) or None)


def either(*schemas: Schema, about: str = "") -> Schema:
    """A value that one of the schemas fits, tried in their order."""
    return {"anyOf": list(schemas)} | ({"description": about} if about else {})


def anything(about: str = "") -> Schema:
    """Any value; what the server reads and does not use."""
    return {"description": about} if about else {}


def check(value: Any, schema: Schema, where: str = "") -> Any:
    """The value with defaults filled in and null fields left out.

    Args:
        where: the name of the value, such as `options.top_k`; "" is the body.

    Raises:
        UserError: it does not fit; the sentence names the field, what it holds and what it may hold.
    """
    if "anyOf" in schema:
        return _check_either(value, schema, where)
    kind = _kind(schema)
    if kind in ("integer", "number"):
        return _check_number(value, schema, where, kind)
    if kind and not isinstance(value, _TYPES[kind]):
        raise _wrong(value, schema, where)
    if kind == "string":
        return _check_text(value, schema, where)
    if kind == "array":
        return _check_items(value, schema, where)
    return _check_fields(value, schema, where) if kind == "object" else value


def _check_either(value: Any, schema: Schema, where: str) -> Any:
    inside = None  # what is wrong inside a value of the right kind says more than the kinds that there are
    for one in schema["anyOf"]:
        if one.get("type") == "null":
            continue
        try:
            return check(value, one, where)
        except UserError as error:
            if isinstance(value, _TYPES.get(_kind(one) or "", ())):
                inside = inside or error
    raise inside or _wrong(value, schema, where)


def _check_number(value: Any, schema: Schema, where: str, kind: str) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or (isinstance(value, float) and not math.isfinite(value)):
        raise _wrong(value, schema, where)
    if kind == "integer" and value != int(value):
        raise _wrong(value, schema, where)
    if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        raise _wrong(value, schema, where)
    return int(value) if kind == "integer" else value


def _check_text(value: str, schema: Schema, where: str) -> str:
    if len(value) > schema.get("maxLength", len(value)) or value not in schema.get("enum", [value]):
        raise _wrong(value, schema, where)
    return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _check_items(value: list[Any], schema: Schema, where: str) -> list[Any]:
    if len(value) > schema.get("maxItems", len(value)):
        raise UserError(f"{where or 'The body'} has {len(value)} items; it may have {schema['maxItems']}.")
    return [check(item, schema["items"], f"{where}[{at}]") for at, item in enumerate(value)]


def _check_fields(value: dict[str, Any], schema: Schema, where: str) -> dict[str, Any]:
    before = f"{where}." if where else ""
    for name in schema.get("required", ()):
        if name not in value:
            raise UserError(f"{before}{name} is missing; it must be {_wanted(schema['properties'][name])}.")
    read = {}
    for name, field in schema.get("properties", {}).items():
        if value.get(name) is not None or name in schema.get("required", ()):
            read[name] = check(value[name], field, before + name)
        elif "default" in field:
            read[name] = field["default"]
    return read | {name: other for name, other in value.items() if name not in schema.get("properties", {})}


def _wrong(value: Any, schema: Schema, where: str) -> UserError:
    try:
        shown = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        shown = repr(type(value).__name__)
    shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
    return UserError(f"{where or 'The body'} is {shown}; it must be {_wanted(schema)}.")


def _wanted(schema: Schema, several: bool = False) -> str:
    """A schema in words, of one value or of several.

    >>> _wanted(either(text(), items(whole(0))))
    'a text or a list of whole numbers from 0'
    """
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_wanted(one, several) for one in schema["anyOf"] if one.get("type") != "null"))
    if "enum" in schema:
        return "one of " + ", ".join(one for one in schema["enum"] if one is not None)
    kind = _kind(schema)
    word = _WORDS.get(kind or "", ("a value", "values"))[several]
    return word + (_wanted(schema["items"], True) if kind == "array" else _bounds(schema))


def _bounds(schema: Schema) -> str:
    """Bounds in words, with a space before them."""
    least, most, length = schema.get("minimum"), schema.get("maximum"), schema.get("maxLength")
    if length is not None:
        return f" of at most {length} characters"
    return (f" from {least}" if least is not None else "") + (f" to {most}" if most is not None else "")


def _kind(schema: Schema) -> str | None:
    """The one type that is not null."""
    kind = schema.get("type")
    return next((one for one in kind if one != "null"), None) if isinstance(kind, list) else kind


def _or_null(schema: Schema) -> Schema:
    """The same with null allowed."""
    if "anyOf" in schema:
        return schema | {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    if "type" not in schema:
        return schema
    values = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return schema | {"type": [schema["type"], "null"]} | values


def _schema(kind: str, about: str, default: Any, **rest: Any) -> Schema:
    said = {"type": kind, "description": about or None, "default": default, **rest}
    return {name: value for name, value in said.items() if value is not None}
