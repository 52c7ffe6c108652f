"""What clients say about choosing tokens and stopping, as `codegem.generate.Request` means it."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from codegem.server import schema

_LEAST_TOP_P = 1e-6
MOST_STOPS = 32

STOP = schema.either(
    schema.text(), schema.items(schema.text(), most=MOST_STOPS), about="The text ends before the first of these."
)
TEMPERATURE = schema.number(0, 100, "0 takes the likeliest token each time.", default=0.0)
TOP_P = schema.number(0, 1, "Choose among the likeliest tokens that together have this probability.", default=1.0)
TOP_K = schema.whole(-1, None, "Choose among so many of the likeliest tokens; 0 among all.", default=0)
SEED = schema.whole(None, None, "Equal seeds give equal texts; without one each text is another.")


def sampling(body: Mapping[str, Any], number: int = 0, *, seed: str = "seed") -> dict[str, Any]:
    """Temperature, top_p, top_k and seed, by their names in `Request`.

    Args:
        number: of the text, where several are wanted for one prompt.
        seed: the name that the client's protocol has for it.
    """
    temperature = body.get("temperature", 0.0)
    given = body.get(seed)
    if given is None or given == -1:  # llama.cpp's word for none
        given = secrets.randbits(32) if temperature else 0
    return {
        "temperature": temperature,
        "top_p": max(_LEAST_TOP_P, body.get("top_p", 1.0)),
        "top_k": max(0, body.get("top_k", 0)),
        "seed": (given + number) % 2**32,
    }


def stops(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """Stop strings, one or several; an empty one stops nowhere.

    >>> stops("x"), stops(["", "y"]), stops(None)
    (('x',), ('y',), ())
    """
    return tuple(text for text in ([value] if isinstance(value, str) else value or ()) if text)
