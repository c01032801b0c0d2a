"""Count, ends, mean and variance of samples, from exact sums: the same in any order, anywhere.

Every float32 is a whole multiple of 2^-149, and so is an integer code times a float32 scale. The
sums here are whole numbers of that unit, kept as Python integers; only what is read from them is
rounded, once, to float32.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap, dtype_name
from fmq_embedded.quantizers.rounding import nearest_float32

PART_BITS, _BLOCK = 24, 1 << 14  # those of the kernels; 2^14 float64 sums of bincount are exact
UNIT_BITS = 149  # the unit of the sums is 2^-149, the smallest float32


@dataclass(frozen=True)
class Moments:
    """What is known of a set of samples; two sets merge exactly.

    Args:
        count: samples.
        zeros: samples whose real value is exactly 0.
        minimum, maximum: the ends, float32; 0 for no samples.
        total: the sum of the samples in units of 2^-149.
        total_of_squares: the sum of their squares in units of 2^-298.
    """

    count: int = 0
    zeros: int = 0
    minimum: float = 0.0
    maximum: float = 0.0
    total: int = 0
    total_of_squares: int = 0

    @cached_property
    def mean(self) -> float:
        """The mean, rounded once to float32; 0 for no samples."""
        return nearest_float32(Fraction(self.total, max(self.count, 1) << UNIT_BITS))

    @property
    def variance(self) -> float:
        """The variance about the exact mean, rounded once to 24 bits (it may exceed float32)."""
        return nearest_float32(self._exact_variance())

    @cached_property
    def deviation(self) -> float:
        """The standard deviation, float32, without passing through a rounded variance."""
        return _root(self._exact_variance())

    @cached_property
    def root_mean_square(self) -> float:
        """√(mean² + variance), float32."""
        return _root(Fraction(self.total_of_squares, max(self.count, 1) << 2 * UNIT_BITS))

    @property
    def reach(self) -> float:
        """The largest distance of a sample from the mean."""
        return max(self.maximum - self.mean, self.mean - self.minimum)

    def merged(self, other: Moments) -> Moments:
        """The moments of both sets of samples together."""
        if not self.count or not other.count:
            return self if self.count else other
        return Moments(
            self.count + other.count,
            self.zeros + other.zeros,
            min(self.minimum, other.minimum),
            max(self.maximum, other.maximum),
            self.total + other.total,
            self.total_of_squares + other.total_of_squares,
        )

    def _exact_variance(self) -> Fraction:
        count = max(self.count, 1)
        numerator = count * self.total_of_squares - self.total * self.total
        return Fraction(numerator, (count * count) << 2 * UNIT_BITS)


def moments(samples: npt.NDArray[np.generic] | FeatureMap) -> Moments:
    """The exact moments of a feature map.

    Args:
        samples: any shape and strides; floating point, or integer codes with scale and zero point;
            float64 samples are first rounded to float32, the precision of every parameter.

    Raises:
        InputError: for NaN or ±Inf (how many, and where the first one is); for other dtypes.
            To leave them out, pass the finite samples alone.
    """
    feature_map = samples if isinstance(samples, FeatureMap) else FeatureMap(np.asarray(samples))
    if feature_map.is_integer:
        return moments_of_codes(feature_map, *code_counts(feature_map))
    return moments_of_floats(*as_finite_float32(feature_map.samples))


def moments_of_floats(values: npt.NDArray[np.float32], minimum: float, maximum: float) -> Moments:
    """The exact moments of samples, given with their ends as by `as_finite_float32`."""
    if not values.size:
        return Moments()
    bits = np.ascontiguousarray(values).view(np.uint32)
    blocks = [_block_sums(bits[start : start + _BLOCK]) for start in range(0, bits.size, _BLOCK)]
    zeros, total, total_of_squares = map(sum, zip(*blocks, strict=True))
    return Moments(values.size, zeros, minimum, maximum, total, total_of_squares)


def code_counts(feature_map: FeatureMap) -> tuple[list[int], list[int]]:
    """The integer codes that occur, in rising order, and how often each does."""
    lowest = int(np.iinfo(feature_map.samples.dtype.name).min)
    codes = np.ascontiguousarray(feature_map.samples, dtype_name(feature_map.samples.dtype))
    unsigned = codes.reshape(-1).view(f"uint{8 * codes.itemsize}")
    counts = np.roll(occurrences(unsigned, 1 << 8 * codes.itemsize), -lowest)
    found = np.flatnonzero(counts)
    return (found + lowest).tolist(), counts[found].tolist()


def occurrences(codes: npt.NDArray[np.generic], count: int) -> npt.NDArray[np.int64]:
    """How often each of the codes 0 … count − 1 occurs.

    Args:
        codes: uint8 or uint16, in a contiguous row, below `count`.
    """
    from fmq_embedded.selection import kernels

    rows = np.zeros((4, count), np.int64)
    kernels.count_codes(codes, rows)
    counts: npt.NDArray[np.int64] = rows.sum(axis=0)
    return counts


def as_finite_float32(
    samples: npt.NDArray[np.generic],
) -> tuple[npt.NDArray[np.float32], float, float]:
    """Floating-point samples as a flat float32 array, the least and the largest of them.

    The ends are 0 where there is none.

    Raises:
        InputError: where one is NaN or infinite, or becomes so in float32.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.ravel(samples.astype(np.float32, copy=False))
        ends = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    if not np.isfinite(ends).all():
        finite = np.isfinite(values)
        first = np.unravel_index(int(np.argmin(finite)), samples.shape)
        raise InputError(
            f"{np.count_nonzero(~finite)} of {values.size} samples are NaN or infinite in float32, "
            f"the first at {tuple(map(int, first))}; look for the fault that made them, "
            'or have them saturated (nonfinite="saturate"; --saturate)'
        )
    return values, ends[0] + 0.0, ends[1] + 0.0  # −0 is 0


def _block_sums(bits: npt.NDArray[np.uint32]) -> tuple[int, int, int]:
    """How many of up to `BLOCK` samples are 0; their sum and that of their squares, in units."""
    from numba import config

    from fmq_embedded.selection import kernels

    if not config.DISABLE_JIT:
        lowest, zeros, total, highs, middles, lows = kernels.sum_block(bits)
        if lowest:
            squares = (highs << 2 * PART_BITS) + (middles << PART_BITS + 1) + lows
            return zeros, total << lowest - 1, squares << 2 * (lowest - 1)
    return _sums_by_exponent(bits)


def _sums_by_exponent(bits: npt.NDArray[np.uint32]) -> tuple[int, int, int]:
    """As `_block_sums`, whatever the exponents: sums of whole significands for each of them."""
    exponents = np.maximum((bits >> 23) & 255, 1).astype(np.int64)
    significands = (bits & 0x7FFFFF) | ((bits & 0x7F800000) != 0).astype(np.uint32) << 23
    squares = significands.astype(np.int64) ** 2
    signed = np.copysign(significands.astype(np.float64), bits.view(np.float32))
    parts = (signed, squares >> PART_BITS, squares & ((1 << PART_BITS) - 1))
    sums, high, low = (
        np.bincount(exponents, part, minlength=256).astype(np.int64).tolist() for part in parts
    )
    return (
        bits.size - int(np.count_nonzero(bits & 0x7FFFFFFF)),
        sum(sums[e] << (e - 1) for e in range(1, 255)),
        sum(((high[e] << PART_BITS) + low[e]) << 2 * (e - 1) for e in range(1, 255)),
    )


def moments_of_codes(feature_map: FeatureMap, codes: list[int], counts: list[int]) -> Moments:
    """Moments of integer codes: exact, for a float32 scale is a whole number of units.

    Args:
        feature_map: tells scale and zero point.
        codes, counts: as `code_counts` gives them.
    """
    if not codes:
        return Moments()
    scale = Fraction(feature_map.scale)
    units = int(scale * (1 << UNIT_BITS))
    steps = [code - feature_map.zero_point for code in codes]
    return Moments(
        sum(counts),
        sum(count for step, count in zip(steps, counts, strict=True) if step == 0),
        nearest_float32(steps[0] * scale),
        nearest_float32(steps[-1] * scale),
        units * sum(step * count for step, count in zip(steps, counts, strict=True)),
        units * units * sum(step * step * count for step, count in zip(steps, counts, strict=True)),
    )


def _root(value: Fraction) -> float:
    """The square root of a rational, to float32, by integers alone."""
    if value == 0:
        return 0.0
    # At least 64 bits of root: far more than float32 keeps.
    shift = max(0, 128 - value.numerator.bit_length() + value.denominator.bit_length())
    shift += shift & 1
    root = math.isqrt((value.numerator << shift) // value.denominator)
    return nearest_float32(Fraction(root, 1 << shift // 2))
