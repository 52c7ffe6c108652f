"""`codegem models`."""

from pathlib import Path
from typing import Any

from tyro.conf import Positional

from codegem.commands.arguments import parse, print_json


def models(words: list[str]) -> None:
    """`codegem models`."""

    def run(places: Positional[tuple[Path, ...]] = (), /, json: bool = False) -> None:
        """List the models at hand: codegem models

        Those that ship, those in codegem's cache directory under `models`, those of the Hugging Face cache, and
        those in the places given, such as: codegem models ~/models

        Args:
            places: model directories and .gguf files, or folders of them.
            json: print an array for programs.
        """
        import codegem

        rows = codegem.models(places)
        if json:
            print_json(rows)
        else:
            print(table(rows), end="")

    parse(run, "models", words)


def table(rows: list[dict[str, Any]]) -> str:
    """The rows for a person: equal columns, then what is wrong with a model."""
    lines = [("name", "parameters", "weights", "on disk", "context", "directory")]
    lines += [
        (
            row["name"],
            _number(row["parameters"]),
            row["weights"] or "?",
            f"{_number(row['bytes'])}B",
            f"{row['context_length'] or '?'}",
            row["directory"] + (f"  ({row['problem']})" if "problem" in row else ""),
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "".join(f"{line.rstrip()}\n" for line in shown)


def _number(value: int | None) -> str:
    """
    >>> _number(2506172416), _number(5871872), _number(None)
    ('2.5 G', '5.9 M', '?')
    """
    if value is None:
        return "?"
    return f"{value / 1e9:.1f} G" if value >= 1e9 else f"{value / 1e6:.1f} M"
