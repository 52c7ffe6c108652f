"""The numbers of a request, checked the same way whoever makes the text."""

import math

from codegem.errors import UserError


def check_settings(temperature: float, top_p: float, seed: int, top_k: int = 0) -> None:
    """Nothing, if sampling can be done so.

    Raises:
        UserError: a number is out of its range.
    """
    if not (math.isfinite(temperature) and temperature >= 0):
        raise UserError(f"The temperature is {temperature}; it must be 0 (the likeliest token) or more.")
    if not 0 < top_p <= 1:
        raise UserError(f"top_p is {top_p}; it must be above 0 and at most 1.")
    if not 0 <= seed < 2**32:
        raise UserError(f"The seed is {seed}; it must be from 0 to {2**32 - 1}.")
    if not 0 <= top_k < 2**31:
        raise UserError(f"top_k is {top_k}; it must be 0 (all tokens) or more, below {2**31}.")
