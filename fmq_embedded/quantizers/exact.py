"""Decision thresholds and reconstruction values, in exact integer arithmetic.

The decision threshold T_k is the smallest representable sample whose level is at least k. The
formulas are inverted over the rationals, and each boundary is rounded up to the sample type.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError
from fmq_embedded.quantizers.quantizer import Quantizer
from fmq_embedded.quantizers.rounding import nearest_float32, round_half_even
from fmq_embedded.quantizers.samples import AnyArray, SampleType, order_keys

FLOAT32 = SampleType("float32")
OUTPUT_DTYPES = ("float32", "int8", "uint8", "int16")
SMALLEST_FLOAT32 = Fraction(1, 1 << 149)


@dataclass(frozen=True)
class Rationals:
    """Rationals with one denominator; the first `strict_count` are excluded bounds.

    Attributes:
        numerators: integers, one for each rational.
        denominator: above 0.
        strict_count: a sample equal to one of the first `strict_count` lies below it.
    """

    numerators: list[int]
    denominator: int
    strict_count: int = 0


def decision_thresholds(quantizer: Quantizer, samples: SampleType = FLOAT32) -> AnyArray:
    """T_1 .. T_L as order-preserving integers: level = the number of T_k ≤ key of the sample.

    Args:
        samples: the type of the samples; for integers with its scale and zero point.

    Returns:
        int32 keys for float32, int64 keys for float64 (see `order_keys`), int32 codes for
        integers; L = 2^b − 1 of them, not decreasing. A threshold beyond the type is the key
        of +Inf, or the highest code plus 1; one that every sample reaches is the lowest
        finite sample. A quantizer of width 0 has the largest integer of the dtype.
    """
    if quantizer.is_constant:
        dtype = np.int64 if samples.dtype == "float64" else np.int32
        return np.full(quantizer.maximum_level, np.iinfo(dtype).max, dtype)
    bounds = boundaries(quantizer)
    if samples.is_integer:
        return _ceiling_codes(bounds, samples)
    doubles = _nearest_doubles(bounds)
    if samples.dtype == "float64":
        candidates: AnyArray = doubles
    else:
        with np.errstate(over="ignore"):
            candidates = doubles.astype(np.float32)
        low = candidates < doubles
        candidates[low] = np.nextafter(candidates[low], np.float32(np.inf))
    for index in np.flatnonzero(candidates == doubles):
        if _is_above(bounds, int(index), float(doubles[index])):
            candidates[index] = np.nextafter(candidates[index], candidates.dtype.type(np.inf))
    return order_keys(candidates)


def boundaries(quantizer: Quantizer) -> Rationals:
    """The real boundary below level k, for k = 1 .. L, of a quantizer that is not constant."""
    if quantizer.thresholds is not None:
        return _common(Fraction(limit) for limit in quantizer.thresholds)
    levels, centre = range(1, quantizer.maximum_level + 1), quantizer.centre
    origin, unit = origin_and_unit(quantizer)
    step, offset = Fraction(quantizer.step_size), Fraction(quantizer.rounding_offset)
    if quantizer.rounding == "centre":
        below = _line(origin + (offset - 1 - centre) * step * unit, step * unit, levels[:centre])
        above = _line(origin - (centre + offset) * step * unit, step * unit, levels[centre:])
        return _joined(below, above)
    shift = 0 if quantizer.distribution == "uniform" else centre
    return _line(origin - (offset + shift) * unit, step * unit, levels)


def origin_and_unit(quantizer: Quantizer) -> tuple[Fraction, Fraction]:
    """The minimum or mean, and the width of one unit of n."""
    if quantizer.distribution == "uniform":
        minimum, maximum = map(Fraction, quantizer.parameters)
        return minimum, (maximum - minimum) / quantizer.maximum_level
    return Fraction(quantizer.origin), Fraction(quantizer.parameters[-1]) / quantizer.centre


def reconstruction_values(quantizer: Quantizer, output: SampleType = FLOAT32) -> AnyArray:
    """The sample of each level 0 .. L: the formula's exact value, rounded once to `output`.

    Args:
        output: float32 (to nearest, ties to even), or int8, uint8, int16: the code nearest to
            value / scale + zero_point, ties to the even code, saturated.

    Returns:
        2^b values of the output's dtype.

    Raises:
        InputError: for float64.
    """
    if output.dtype not in OUTPUT_DTYPES:
        raise InputError(
            f"a dequantizer gives {', '.join(OUTPUT_DTYPES)}; got {output.dtype}; "
            "dequantize to float32 and convert"
        )
    exact = _exact_values(quantizer)
    if output.is_integer:
        return _nearest_codes(exact, output)
    doubles = _nearest_doubles(exact)
    singles = doubles.astype(np.float32)
    for index in np.flatnonzero(_is_halfway(doubles, singles)):
        singles[index] = nearest_float32(Fraction(exact.numerators[index], exact.denominator))
    return singles


def _exact_values(quantizer: Quantizer) -> Rationals:
    top, centre = quantizer.maximum_level, quantizer.centre
    if quantizer.values is not None:
        return _common(Fraction(value) for value in quantizer.values)
    if quantizer.is_constant:
        return _common([Fraction(quantizer.origin)] * (top + 1))
    origin, unit = origin_and_unit(quantizer)
    step = Fraction(quantizer.step_size)
    start = centre * (1 - step) if quantizer.rounding == "centre" else Fraction(0)
    scaled = _line(start, step, range(top + 1))
    shift = 0 if quantizer.distribution == "uniform" else centre
    ceiling, first = top * scaled.denominator, shift * scaled.denominator
    clipped = (min(max(numerator, 0), ceiling) - first for numerator in scaled.numerators)
    denominator = lcm(origin.denominator, scaled.denominator * unit.denominator)
    factor = unit.numerator * (denominator // (scaled.denominator * unit.denominator))
    base = origin.numerator * (denominator // origin.denominator)
    return Rationals([base + factor * numerator for numerator in clipped], denominator)


def _line(start: Fraction, slope: Fraction, indices: range) -> Rationals:
    denominator = lcm(start.denominator, slope.denominator)
    base = start.numerator * (denominator // start.denominator)
    factor = slope.numerator * (denominator // slope.denominator)
    return Rationals([base + factor * index for index in indices], denominator)


def _joined(below: Rationals, above: Rationals) -> Rationals:
    """Both, the first as excluded bounds."""
    denominator = lcm(below.denominator, above.denominator)
    numerators = [n * (denominator // below.denominator) for n in below.numerators]
    numerators += [n * (denominator // above.denominator) for n in above.numerators]
    return Rationals(numerators, denominator, strict_count=len(below.numerators))


def _common(values: object) -> Rationals:
    """Float32 values: each is a whole number of the smallest float32."""
    numerators = [int(value / SMALLEST_FLOAT32) for value in values]  # type: ignore[attr-defined]
    return Rationals(numerators, SMALLEST_FLOAT32.denominator)


def _nearest_doubles(values: Rationals) -> npt.NDArray[np.float64]:
    """Python divides integers to the nearest double, ties to even, at any size."""
    quotients = [numerator / values.denominator for numerator in values.numerators]
    return np.array(quotients, dtype=np.float64)


def _is_above(bounds: Rationals, index: int, candidate: float) -> bool:
    """Whether the boundary lies above `candidate`, or excludes it."""
    numerator, denominator = candidate.as_integer_ratio()
    difference = bounds.numerators[index] * denominator - numerator * bounds.denominator
    return difference > 0 or (difference == 0 and index < bounds.strict_count)


def _is_halfway(
    doubles: npt.NDArray[np.float64], singles: npt.NDArray[np.float32]
) -> npt.NDArray[np.bool_]:
    """Where a double lies halfway between two float32, so that rounding twice may differ."""
    towards = np.where(doubles > singles, np.float32(np.inf), np.float32(-np.inf))
    others = np.nextafter(singles, towards.astype(np.float32)).astype(np.float64)
    halfway: npt.NDArray[np.bool_] = np.abs(doubles - singles) == np.abs(others - doubles)
    return halfway


def _ceiling_codes(bounds: Rationals, samples: SampleType) -> npt.NDArray[np.int32]:
    scale = Fraction(samples.scale)
    divisor = bounds.denominator * scale.numerator
    lowest, beyond = samples.lowest_code, samples.highest_code + 1
    codes = []
    for index, numerator in enumerate(bounds.numerators):
        quotient, remainder = divmod(numerator * scale.denominator, divisor)
        code = quotient + (remainder > 0 or index < bounds.strict_count) + samples.zero_point
        codes.append(min(max(code, lowest), beyond))
    return np.array(codes, dtype=np.int32)


def _nearest_codes(values: Rationals, output: SampleType) -> AnyArray:
    scale = Fraction(output.scale)
    divisor = values.denominator * scale.numerator
    lowest, highest = output.lowest_code, output.highest_code
    codes = []
    for numerator in values.numerators:
        shifted = numerator * scale.denominator + output.zero_point * divisor
        codes.append(min(max(round_half_even(shifted, divisor), lowest), highest))
    return np.array(codes, dtype=output.dtype)
