"""The OpenAPI document as a page for people: plain HTML, no script, nothing from elsewhere."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from codegem.server.schema import Schema

_MOST_DEPTH = 6

STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1 { margin: 0 0 .25rem; } h2 { margin: 2.5rem 0 .5rem; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; padding: .5rem .75rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
code, .method { font: .9em ui-monospace, monospace; }
.method { display: inline-block; min-width: 3.5em; font-weight: 700; }
.about { opacity: .75; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { border-top: 1px solid var(--line); padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top; }
th { font-weight: 600; } td:first-child { white-space: nowrap; }
"""


def page(document: Mapping[str, Any]) -> str:
    """An OpenAPI document as HTML.

    >>> "POST" in page({"info": {"title": "t", "version": "1"}, "tags": [{"name": "a"}], "paths": {"/x": {"post":
    ...     {"summary": "s", "tags": ["a"], "responses": {}}}}})
    True
    """
    info = document["info"]
    tags = [tag["name"] for tag in document["tags"]]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<title>{escape(info["title"])}: API</title><link rel="stylesheet" href="/docs/style.css"></head><body><main>',
        f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>",
        f"<p>{escape(info.get('summary', ''))}. ",
        '<a href="/openapi.json">openapi.json</a> · <a href="/">the page</a></p>',
    ]
    for tag in tags:
        parts.append(f"<h2>{escape(tag)}</h2>")
        for path, methods in document["paths"].items():
            parts += [_operation(path, method, what) for method, what in methods.items() if tag in what["tags"]]
    return "".join([*parts, "</main></body></html>"])


def _operation(path: str, method: str, what: Mapping[str, Any]) -> str:
    body = what.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    parts = _tables("Body", body) if body else []
    for status, answer in what["responses"].items():
        if status < "300":
            for kind, found in answer.get("content", {}).items():
                parts.append(f"<p>{escape(status)}: <code>{escape(kind)}</code></p>")
                parts += _tables("Answer", found.get("schema", {}))
    if refused := [status for status in what["responses"] if status >= "400"]:
        parts.append(f'<p class="about">Refusals: {escape(", ".join(refused))}</p>')
    head = f'<span class="method">{escape(method.upper())}</span> <code>{escape(path)}</code>'
    about = f'<span class="about">{escape(what["summary"])}</span>'
    return f"<details><summary>{head} {about}</summary>{''.join(parts)}</details>"


def _tables(title: str, schema: Schema) -> list[str]:
    """A table for each shape of an object that there may be."""
    return [_table(title, one) for one in schema.get("anyOf", [schema]) if "properties" in one]


def _table(title: str, schema: Schema) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(kind)}</td><td>{escape(about)}</td></tr>"
        for name, kind, about in _rows(schema)
    )
    head = f"<tr><th>{title}</th><th>Type</th><th>Meaning</th></tr>"
    return f'<div class="table"><table>{head}{rows}</table></div>'


def _rows(schema: Schema, before: str = "", depth: int = 0) -> Iterator[tuple[str, str, str]]:
    """Every field as (name, type, meaning), those of inner objects by their whole name."""
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        about = field.get("description", "")
        if "default" in field:
            about = f"{about} Default {_shown(field['default'])}.".strip()
        yield f"{before}{name}" + ("" if name not in required else " *"), kind_of(field), about
        inner, mark = (field["items"], "[].") if "items" in field else (field, ".")
        if depth < _MOST_DEPTH:
            yield from _rows(inner, f"{before}{name}{mark}", depth + 1)


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def kind_of(schema: Schema) -> str:
    """A schema's type in a few words.

    >>> kind_of({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": ["integer", "null"]}}]})
    'string, array of integer'
    """
    if "anyOf" in schema:
        return ", ".join(dict.fromkeys(kind_of(one) for one in schema["anyOf"] if one.get("type") != "null"))
    kind = schema.get("type", "any")
    kind = next(one for one in kind if one != "null") if isinstance(kind, list) else kind
    if kind == "array":
        return f"array of {kind_of(schema['items'])}"
    least, most = schema.get("minimum"), schema.get("maximum")
    bounds = f" {'' if least is None else least}…{'' if most is None else most}"
    return kind + (bounds if (least, most) != (None, None) else "")
