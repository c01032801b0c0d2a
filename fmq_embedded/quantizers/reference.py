"""The float reference: the equations in float64, settled by exact rationals near a decision.

Every integer implementation must equal it. It shares nothing with them but the quantizer's
parameters: levels come from the equations read forwards, never from inverted thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.quantizers.arguments import (
    check_levels,
    checked_out,
    output_type,
    replace_nonfinite,
)
from fmq_embedded.quantizers.quantizer import Quantizer
from fmq_embedded.quantizers.rounding import nearest_float32, round_half_even
from fmq_embedded.quantizers.samples import AnyArray, SampleType, read_samples

Doubles = npt.NDArray[np.float64]
ROUNDING_UNIT = 2.0**-53
OPERATIONS = 16
"""Twice the roundings on the way from a sample to a level or back."""


def quantize(
    quantizer: Quantizer,
    samples: npt.ArrayLike | FeatureMap,
    *,
    scale: float = 1.0,
    zero_point: int = 0,
    nonfinite: Literal["error", "saturate"] = "error",
    nan_level: int | None = None,
    out: AnyArray | None = None,
) -> AnyArray:
    """What `Quantizer.quantize` must give; the same arguments, results and errors."""
    array, sample_type = read_samples(samples, scale, zero_point)
    levels = checked_out(out, array.shape, quantizer.level_dtype)
    finite, replace = replace_nonfinite(quantizer, array, nonfinite, nan_level)
    levels[...] = _settled(quantizer, finite, sample_type).levels
    replace(levels)
    return levels


def dequantize(
    quantizer: Quantizer,
    levels: npt.ArrayLike,
    dtype: npt.DTypeLike = np.float32,
    *,
    scale: float = 1.0,
    zero_point: int = 0,
    out: AnyArray | None = None,
) -> AnyArray:
    """What `Quantizer.dequantize` must give; the same arguments, results and errors."""
    output = output_type(dtype, scale, zero_point)
    array = check_levels(quantizer, levels)
    samples = checked_out(out, array.shape, np.dtype(output.dtype))
    distinct, where = np.unique(array, return_inverse=True)
    samples[...] = _values(quantizer, distinct, output)[where].reshape(array.shape)
    return samples


def plain_float64_differences(
    quantizer: Quantizer,
    samples: npt.ArrayLike | FeatureMap,
    *,
    scale: float = 1.0,
    zero_point: int = 0,
) -> int:
    """How many finite samples get another level from float64 alone, with no exact step."""
    array, sample_type = read_samples(samples, scale, zero_point)
    return _settled(quantizer, array[np.isfinite(array)], sample_type).corrected


def exact_level(quantizer: Quantizer, sample: Fraction) -> int:
    """The level of a real sample by the equations, in rational arithmetic."""
    if quantizer.is_constant:
        return 0
    if quantizer.thresholds is not None:
        return sum(Fraction(limit) <= sample for limit in quantizer.thresholds)
    step, offset = Fraction(quantizer.step_size), Fraction(quantizer.rounding_offset)
    centre, top = quantizer.centre, quantizer.maximum_level
    if quantizer.distribution == "uniform":
        minimum, maximum = map(Fraction, quantizer.parameters)
        level = floor(((sample - minimum) / (maximum - minimum) * top + offset) / step)
    else:
        span = Fraction(quantizer.parameters[-1])
        distance = (sample - Fraction(quantizer.origin)) / span * centre
        if quantizer.rounding == "floor":
            level = floor((distance + centre + offset) / step)
        else:
            steps = floor(abs(distance) / step + offset)
            level = centre + (steps if distance > 0 else -steps)
    return min(max(level, 0), top)


def exact_value(quantizer: Quantizer, level: int) -> Fraction:
    """The real value of a level by the equations, in rational arithmetic."""
    if quantizer.is_constant:
        return Fraction(quantizer.origin)
    if quantizer.values is not None:
        return Fraction(quantizer.values[level])
    step, centre, top = Fraction(quantizer.step_size), quantizer.centre, quantizer.maximum_level
    scaled = level * step
    if quantizer.rounding == "centre":
        scaled = centre + (level - centre) * step
    clipped = min(max(scaled, Fraction(0)), Fraction(top))
    if quantizer.distribution == "uniform":
        minimum, maximum = map(Fraction, quantizer.parameters)
        return clipped / top * (maximum - minimum) + minimum
    span = Fraction(quantizer.parameters[-1])
    return (clipped / centre - 1) * span + Fraction(quantizer.origin)


@dataclass(frozen=True)
class _Settled:
    levels: AnyArray
    corrected: int


def _settled(quantizer: Quantizer, array: AnyArray, sample_type: SampleType) -> _Settled:
    """Levels by float64, and by rationals within the error bound of a decision."""
    reals = array.astype(np.float64)
    if sample_type.is_integer:
        # 17 bits times 24 bits: exact in float64.
        reals = (reals - sample_type.zero_point) * sample_type.scale
    if quantizer.thresholds is not None:
        limits = np.array(quantizer.thresholds, dtype=np.float64)
        return _Settled(np.searchsorted(limits, reals, side="right"), 0)
    if quantizer.is_constant:
        return _Settled(np.zeros(array.shape, np.int64), 0)
    with np.errstate(over="ignore"):
        quotient, bound = _quotients(quantizer, reals)
        plain = _clipped_levels(quantizer, quotient, reals)
        is_near = np.abs(quotient - np.rint(quotient)) <= bound
    distinct, where = np.unique(reals[is_near], return_inverse=True)
    settled = [exact_level(quantizer, Fraction(sample)) for sample in distinct.tolist()]
    levels = plain.copy()
    levels[is_near] = np.array(settled, dtype=np.int64)[where.reshape(-1)]
    return _Settled(levels, int(np.count_nonzero(levels != plain)))


def _quotients(quantizer: Quantizer, reals: Doubles) -> tuple[Doubles, Doubles]:
    """What the equations take the floor of, and a bound on its error in float64.

    Each operation adds at most one rounding unit of its result; `OPERATIONS` units of the sum
    of the magnitudes are twice what they come to. Beyond the levels nothing is near.
    """
    step, offset = quantizer.step_size, quantizer.rounding_offset
    centre, top = quantizer.centre, quantizer.maximum_level
    if quantizer.distribution == "uniform":
        minimum, maximum = quantizer.parameters
        normalised = (reals - minimum) / (maximum - minimum) * top
        quotient = (normalised + offset) / step
    else:
        normalised = (reals - quantizer.origin) / quantizer.parameters[-1] * centre
        if quantizer.rounding == "floor":
            quotient = (normalised + centre + offset) / step
        else:
            quotient = np.abs(normalised) / step + offset
    magnitude = (np.abs(normalised) + centre + abs(offset)) / step + abs(offset) + 1
    bound = OPERATIONS * ROUNDING_UNIT * magnitude
    # Whatever lies a level outside is clipped, however large its error.
    outside = (quotient < -1) | (quotient > top + 1)
    return np.clip(quotient, -1, top + 1), np.where(outside, -1.0, bound)


def _clipped_levels(quantizer: Quantizer, quotient: Doubles, reals: Doubles) -> AnyArray:
    top = quantizer.maximum_level
    steps = np.floor(quotient).astype(np.int64)
    if quantizer.rounding == "centre":
        sign = np.where(reals >= quantizer.origin, 1, -1)
        steps = quantizer.centre + sign * steps
    return np.clip(steps, 0, top)


def _values(quantizer: Quantizer, levels: AnyArray, output: SampleType) -> AnyArray:
    """The sample of each level by float64, and by rationals where its error could matter."""
    doubles, bound = _plain_values(quantizer, levels.astype(np.float64))
    low, high = doubles - bound, doubles + bound
    if output.is_integer:
        doubles, low, high = (
            part / output.scale + output.zero_point for part in (doubles, low, high)
        )
        margin = OPERATIONS * ROUNDING_UNIT * (np.abs(doubles) + abs(output.zero_point))
        low, high = np.rint(low - margin), np.rint(high + margin)
    with np.errstate(over="ignore"):
        singles = low.astype(np.float32)
        # Bit by bit: −0 and +0 are two answers, and exact arithmetic has one.
        is_near = singles.view(np.int32) != high.astype(np.float32).view(np.int32)
    if output.is_integer:
        is_near = low != high
        rounded: Any = low
    else:
        rounded = singles
    for index in np.flatnonzero(is_near):
        exact = exact_value(quantizer, int(levels[index]))
        rounded[index] = _rounded(exact, output)
    if output.is_integer:
        rounded = np.clip(rounded, output.lowest_code, output.highest_code)
    converted: AnyArray = rounded.astype(output.dtype)
    return converted


def _plain_values(quantizer: Quantizer, levels: Doubles) -> tuple[Doubles, Doubles]:
    """The equations in float64, and a bound on their error."""
    if quantizer.values is not None:
        values = np.array(quantizer.values, dtype=np.float64)[levels.astype(np.int64)]
        return values, np.zeros_like(values)
    if quantizer.is_constant:
        return np.full_like(levels, quantizer.origin), np.zeros_like(levels)
    step, centre, top = quantizer.step_size, quantizer.centre, quantizer.maximum_level
    scaled = levels * step
    if quantizer.rounding == "centre":
        scaled = centre + (levels - centre) * step
    clipped = np.clip(scaled, 0, top)
    if quantizer.distribution == "uniform":
        minimum, maximum = quantizer.parameters
        width = maximum - minimum
        values = clipped / top * width + minimum
    else:
        width = quantizer.parameters[-1]
        values = (clipped / centre - 1) * width + quantizer.origin
    # The step's own rounding error is relative to level · step, which the clip may hide.
    spread = 3.0 + (np.abs(scaled) + centre * (1 + step)) / max(centre, 1)
    magnitude = np.abs(values) + abs(quantizer.origin) + width * spread
    return values, OPERATIONS * ROUNDING_UNIT * magnitude


def _rounded(value: Fraction, output: SampleType) -> float:
    if not output.is_integer:
        return nearest_float32(value)
    code = value / Fraction(output.scale) + output.zero_point
    return round_half_even(code.numerator, code.denominator)
