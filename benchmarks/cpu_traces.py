"""Real work for `cpu.py`: holes in held-out files with the tokens that nano answers, and somebody typing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import codegem
from codegem.assist.context import Window
from codegem.evaluation.repository.files import Files
from codegem.evaluation.repository.places import Place, find_places
from codegem.generate import Infill
from codegem.text import fim
from codegem.text.tokenizer import Tokenizer

SEED = 4
MAX_TOKENS = 64
SIDE = 1000  # tokens on each side of the cursor where somebody types
TYPED = 8  # keystrokes


@dataclass(frozen=True)
class Trace:
    """A prompt and its answer as ids; an answer that ended by itself ends with a stop id."""

    prompt: list[int]
    answer: list[int]


@dataclass(frozen=True)
class Material:
    """What the engines are given.

    Attributes:
        infills: by the size of the window in tokens.
        typing: by the layout of the prompt: one prompt after each keystroke.
    """

    infills: dict[str, list[Trace]]
    typing: dict[str, list[list[int]]]


def material(held_out: Sequence[Path], windows: Mapping[int, int], file: Path) -> Material:
    """Read `file`, or make it.

    Args:
        windows: how many lines to fill within this many tokens.
    """
    if not file.exists():
        file.write_text(json.dumps(asdict(_made(held_out, windows))), encoding="utf-8")
    values = json.loads(file.read_text(encoding="utf-8"))
    infills = {str(window): values["infills"].get(str(window), [])[:count] for window, count in windows.items()}
    if missing := [window for window, count in windows.items() if len(infills[str(window)]) < count]:
        raise SystemExit(f"{file} has too few lines for the window {missing[0]}; remove it to have it made again.")
    return Material({window: [Trace(**row) for row in rows] for window, rows in infills.items()}, values["typing"])


def _made(held_out: Sequence[Path], windows: Mapping[int, int]) -> Material:
    places = find_places(Files(held_out), "lines", max(windows.values()), SEED)
    nano = codegem.load("nano")
    answers = [_answer(nano, place) for place in places]
    infills = {
        str(window): [
            Trace(_prompt(nano, place, window), answer) for place, answer in zip(places[:count], answers, strict=False)
        ]
        for window, count in windows.items()
    }
    tokenizer = nano.engine.tokenizer
    prefix, typed, suffix = next(_long_enough(places, tokenizer))
    typing = {
        order.value: [fim.prompt(prefix + typed[:n], suffix, tokenizer, order=order) for n in range(TYPED + 1)]
        for order in (fim.Order.PSM, fim.Order.SPM)
    }
    return Material(infills, typing)


def _prompt(nano: codegem.Model, place: Place, window: int) -> list[int]:
    tokenizer = nano.engine.tokenizer
    hole = Window(tokenizer, window).fit(Infill(place.prefix, place.suffix, place.document.path), MAX_TOKENS)
    return fim.prompt(hole.prefix, hole.suffix, tokenizer, path=hole.path, order=nano.engine.order)


def _answer(nano: codegem.Model, place: Place) -> list[int]:
    """What nano says, which reads less than the larger model would; a stop id at the end if it stopped."""
    answer = list(nano.generate(_prompt(nano, place, nano.engine.context_length), MAX_TOKENS))
    ended = len(answer) < MAX_TOKENS
    return answer + [nano.engine.tokenizer.special.file_separator] * ended


def _long_enough(places: Sequence[Place], tokenizer: Tokenizer) -> Iterator[tuple[str, str, str]]:
    for place in places:
        before, after = tokenizer.encode(place.prefix), tokenizer.encode(place.suffix)
        if min(len(before), len(after)) >= SIDE and len(place.middle) >= TYPED:
            yield tokenizer.decode(before[-SIDE:]), place.middle, tokenizer.decode(after[:SIDE])
