"""Mixing the bits of numbers, many at once, in NumPy alone."""

import numpy as np

ODD = np.uint64(0x9E3779B97F4A7C15)
"""An odd constant with well mixed bits: 2**64 divided by the golden ratio."""


def mix(values: np.ndarray) -> np.ndarray:
    """Spread the bits of uint64 values: a one-to-one function, so equal means equal before."""
    values = (values ^ (values >> np.uint64(29))) * ODD
    return (values ^ (values >> np.uint64(32))) * ODD
