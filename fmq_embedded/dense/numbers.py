"""Fixed-point samples: what the dense coder computes with, from samples and back.

A sample f becomes x = f · 2^−e, rounded to the nearest integer, halves away from zero, with the
least e that keeps |x| ≤ 4,095. Integer codes become x = (code − zero point) · 2^−e in the same way.
A decoded sample y is in 1/4 of that unit: as float32 it is y · 2^(e − 2), rounded once, and exact
unless it is subnormal; as a code it is rounded to the nearest, halves away from zero, and clipped.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fmq_embedded.dense.steps import SAMPLE_FRACTION
from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap

LARGEST_SAMPLE = 4095
LOWEST_EXPONENT, HIGHEST_EXPONENT = -138, 117

Samples = npt.NDArray[np.int32]
Array = npt.NDArray[np.generic]


def real_values(item: FeatureMap, nonfinite: str = "error") -> npt.NDArray[np.float64]:
    """Samples as numbers to be coded: float32 values, or codes less the zero point.

    Args:
        item: the map.
        nonfinite: "error", or "saturate": infinities become the largest finite magnitude of the
            map and NaN becomes 0.

    Raises:
        InputError: NaN or infinite samples, or such that float32 cannot hold.
    """
    if item.is_integer:
        return item.samples.astype(np.float64) - item.zero_point
    with np.errstate(over="ignore"):
        values = item.samples.astype(np.float32).astype(np.float64)
    finite = np.isfinite(values)
    if finite.all():
        return values
    if nonfinite != "saturate":
        first = int(np.flatnonzero(~finite.reshape(-1))[0])
        raise InputError(
            f"{int((~finite).sum())} samples are NaN, infinite or beyond float32, the first at "
            f"flat index {first}; remove them, or encode with nonfinite='saturate'"
        )
    largest = float(np.abs(values[finite]).max(initial=0.0))
    return np.nan_to_num(values, nan=0.0, posinf=largest, neginf=-largest)


def fixed_point(values: npt.NDArray[np.float64]) -> tuple[Samples, int]:
    """Fixed-point samples and their exponent e, −138…117; e is 0 where all samples are 0."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0:
        return np.zeros(values.shape, np.int32), 0
    exponent = least_exponent(largest)
    return in_units(values, exponent), exponent


def least_exponent(largest: float) -> int:
    """The least e, −138…117, with which a magnitude above 0 stays within ±4,095."""
    exponent = int(np.frexp(largest)[1]) - 12
    if np.floor(np.ldexp(largest, -exponent) + 0.5) > LARGEST_SAMPLE:
        exponent += 1
    return max(exponent, LOWEST_EXPONENT)


def in_units(
    values: npt.NDArray[np.float64], exponent: int, limit: int = LARGEST_SAMPLE
) -> Samples:
    """Fixed-point samples in units of 2^exponent; what is beyond ±limit is clipped."""
    # Exact: 24 significant bits, and a half is added to no more than 15 bits before the point.
    sizes = np.asarray(values * 2.0**-exponent)
    np.clip(sizes, -limit, limit, out=sizes)
    sizes += np.copysign(0.5, sizes)
    return sizes.astype(np.int32)  # cut off towards zero


def decoded(samples: Samples, exponent: int, dtype: str, zero_point: int) -> Array:
    """Samples of a type from fixed-point ones in 1/4."""
    shift = exponent - SAMPLE_FRACTION
    if dtype == "float32":
        with np.errstate(over="ignore", under="ignore"):
            values = (samples * 2.0**shift).astype(np.float32)
        largest = np.finfo(np.float32).max
        return np.clip(values, -largest, largest)
    sizes = np.ldexp(np.abs(samples).astype(np.float64), shift)
    rounded = np.sign(samples) * np.floor(sizes + 0.5)
    limits = np.iinfo(dtype)
    codes = np.clip(rounded + zero_point, limits.min, limits.max)
    result: Array = codes.astype(dtype)
    return result
