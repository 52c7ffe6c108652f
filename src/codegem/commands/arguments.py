"""From the words of a command line to the arguments of a function."""

import json
from collections.abc import Callable

import tyro


def parse(function: Callable[..., None], name: str, words: list[str]) -> None:
    """Call a function with the arguments that its signature and docstring describe; exit 2 where they don't fit."""
    tyro.cli(function, prog=f"codegem {name}", args=words, config=(tyro.conf.FlagCreatePairsOff,))


def print_json(value: object) -> None:
    """What `--json` prints."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))
