"""Count, ends, mean and variance of samples, from exact sums: the same in any order, anywhere.

Every float32 is a whole multiple of 2^-149, and so is an integer code times a float32 scale. The
sums here are whole numbers of that unit, kept as Python integers; only what is read from them is
rounded, once, to float32.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.quantizers.rounding import nearest_float32

UNIT_BITS = 149  # the unit of the sums is 2^-149, the smallest float32
_BLOCK = 1 << 16  # samples summed at once; up to 2^29 the float64 sums of bincount are exact


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

    @property
    def mean(self) -> float:
        """The mean, rounded once to float32; 0 for no samples."""
        return nearest_float32(Fraction(self.total, max(self.count, 1) << UNIT_BITS))

    @property
    def variance(self) -> float:
        """The variance about the exact mean, rounded once to 24 bits (it may exceed float32)."""
        return nearest_float32(self._exact_variance())

    @property
    def deviation(self) -> float:
        """The standard deviation, float32, without passing through a rounded variance."""
        return _root(self._exact_variance())

    @property
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
        return _of_codes(feature_map)
    values = as_finite_float32(feature_map.samples)
    return _of_floats(values) if values.size else Moments()


def code_counts(feature_map: FeatureMap) -> tuple[list[int], list[int]]:
    """The integer codes that occur, in rising order, and how often each does."""
    lowest = int(np.iinfo(feature_map.samples.dtype.name).min)
    counts = np.bincount(np.ravel(feature_map.samples).astype(np.int64) - lowest)
    found = np.flatnonzero(counts)
    return (found + lowest).tolist(), counts[found].tolist()


def as_finite_float32(samples: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """Floating-point samples as a flat float32 array.

    Raises:
        InputError: where one is NaN or infinite, or becomes so in float32.
    """
    with np.errstate(over="ignore"):
        values = np.ravel(samples.astype(np.float32, copy=False))
    finite = np.isfinite(values)
    if not finite.all():
        first = np.unravel_index(int(np.argmin(finite)), samples.shape)
        raise InputError(
            f"{np.count_nonzero(~finite)} of {values.size} samples are NaN or infinite in float32, "
            f"the first at {tuple(map(int, first))}; look for the fault that made them, "
            'or have them saturated (nonfinite="saturate"; --saturate)'
        )
    return values


def _of_floats(values: npt.NDArray[np.float32]) -> Moments:
    """Moments of finite samples, at least one, summed per exponent as whole significands."""
    blocks = (values[start : start + _BLOCK] for start in range(0, values.size, _BLOCK))
    sums, high, low = sum(map(_sums_by_exponent, blocks), np.zeros((3, 256), np.int64)).tolist()
    exponents = range(1, 255)
    return Moments(
        values.size,
        values.size - int(np.count_nonzero(values)),
        float(values.min()) + 0.0,  # −0 is 0
        float(values.max()) + 0.0,
        sum(sums[e] << (e - 1) for e in exponents if sums[e]),
        sum(((high[e] << 24) + low[e]) << (2 * e - 2) for e in exponents if high[e] or low[e]),
    )


def _sums_by_exponent(values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Per exponent the sums of the signed significands and, in two parts, of their squares."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    exponents = np.maximum((bits >> 23) & 255, 1).astype(np.int64)
    significands = (bits & 0x7FFFFF) | ((bits & 0x7F800000) != 0).astype(np.uint32) << 23
    squares = significands.astype(np.int64) ** 2
    signed = np.copysign(significands.astype(np.float64), values)
    parts = (signed, squares >> 24, squares & 0xFFFFFF)
    return np.stack([np.bincount(exponents, part, minlength=256) for part in parts]).astype(
        np.int64
    )


def _of_codes(feature_map: FeatureMap) -> Moments:
    """Moments of integer codes: exact, for a float32 scale is a whole number of units."""
    codes, counts = code_counts(feature_map)
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
