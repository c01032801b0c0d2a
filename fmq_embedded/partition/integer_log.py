"""Logarithms in integers, the same on every machine."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FRACTION_BITS = 8


def log2_fixed(values: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
    """floor(256 · log2(value)) to within one unit, for values 1..2^62; 0 for 0.

    The fraction comes bit by bit from squaring the mantissa, which is kept to 31 bits.
    """
    left = np.maximum(np.asarray(values, np.int64), 1)
    exponent = np.zeros_like(left)
    for shift in (32, 16, 8, 4, 2, 1):
        is_large = (left >> shift) > 0
        exponent += np.where(is_large, shift, 0)
        left = np.where(is_large, left >> shift, left)
    source = np.maximum(np.asarray(values, np.int64), 1)
    up = np.maximum(30 - exponent, 0)
    mantissa = np.where(exponent > 30, source >> np.maximum(exponent - 30, 0), source << up)
    result = exponent
    for _ in range(FRACTION_BITS):
        square = (mantissa * mantissa) >> 30
        bit = square >> 31
        mantissa = square >> bit
        result = 2 * result + bit
    return result
