"""The level of a float32 sample by fixed point, at most one too high: one look-up settles it.

The magnitude, an unsigned fixed-point number x with 32 bits of which the first stands for
2^(exponent − 127), is multiplied and shifted to t, the quotient of which the equations take the
floor, with `fraction_bits` bits behind the point, and never below it:

    x = (significand << 8) >> (exponent − exponent of the sample),   0 where that is 32 or more
    y = (x · multiplier) >> 32
    t = base + y, or base − y − 1 for a negative sample;   t += dead_zone if t < pivot
    level = clip(0, L, t >> fraction_bits), minus 1 if the key lies below that level's threshold

x truncates (error below 1), the multiplier and base are rounded (1/2 each), y truncates (1):
together less than 3 units on each side of the exact quotient. The base has 3 added, so that the
exact quotient lies less than 6 units below t. Where the fraction of t is `UNCERTAIN` or more,
the level is right with no look-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import MismatchError
from fmq_embedded.quantizers.exact import FLOAT32, decision_thresholds, origin_and_unit
from fmq_embedded.quantizers.prepared import prepared
from fmq_embedded.quantizers.quantizer import Quantizer
from fmq_embedded.quantizers.rounding import round_half_even
from fmq_embedded.quantizers.samples import INFINITY_BITS, values_of_keys

ERROR = 3
UNCERTAIN = 12
"""Twice the spread of t, for a sample taken for the other side of the dead zone adds its own."""
FEWEST_FRACTION_BITS = 6
LOWEST_EXPONENT = 33
"""From here on a subnormal sample, read as if it had the leading 1, is still less than 1 unit."""
LARGEST_FINITE_KEY = INFINITY_BITS - 1
NO_PIVOT = -(2**31)


@dataclass(frozen=True)
class FixedPointEstimate:
    """The integers of the estimate.

    Attributes:
        exponent: biased exponent of the first bit of x, 33..254. Larger samples, from
            2^(exponent − 126), lie beyond every threshold.
        multiplier: 1..2^31 − 1.
        base: int32; t of the sample +0.
        pivot: int32; a t below it lies on the left of the centre; −2^31 if there is no centre.
        dead_zone: int32; what the left side adds to t.
        fraction_bits: 6..30.
        lower_bounds: int32 keys: −2^31 and T_1 .. T_L.
    """

    exponent: int
    multiplier: int
    base: int
    pivot: int
    dead_zone: int
    fraction_bits: int
    lower_bounds: npt.NDArray[np.int32]

    @property
    def beyond(self) -> int:
        """The bits of the first magnitude that x cannot hold."""
        return (self.exponent + 1) << 23

    def scaled_levels(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        """t of each sample, step by step as the kernels do it."""
        bits = samples.view(np.uint32).astype(np.int64)
        magnitude = np.minimum(bits & 0x7FFFFFFF, self.beyond - 1)
        significand = ((magnitude << 8) & 0xFFFFFFFF) | 0x80000000
        fixed = significand >> np.minimum(self.exponent - (magnitude >> 23), 32)
        product = (fixed * self.multiplier) >> 32
        scaled = self.base + np.where(bits >> 31 == 1, -product - 1, product)
        settled: npt.NDArray[np.int64] = scaled + np.where(scaled < self.pivot, self.dead_zone, 0)
        return settled


def fixed_point_estimate(quantizer: Quantizer) -> FixedPointEstimate | None:
    """The estimate with the most fraction bits; None where there is none.

    There is none for explicit and constant quantizers, where the steps are finer than 2^-26 of
    the largest threshold, and where a dead zone is narrower than the estimate's error.
    """
    if quantizer.is_explicit or quantizer.is_constant:
        return None
    thresholds = prepared(quantizer, decision_thresholds, FLOAT32)
    largest = min(int(np.abs(thresholds.astype(np.int64)).max()), LARGEST_FINITE_KEY)
    headroom = 2 if quantizer.bit_depth <= 10 else 0
    exponent = min(max((largest >> 23) + headroom, LOWEST_EXPONENT), 254)
    line = _line(quantizer)
    for fraction_bits in range(30, FEWEST_FRACTION_BITS - 1, -1):
        integers = _integers(quantizer, line, exponent, fraction_bits)
        if integers is not None:
            bounds = np.concatenate((np.array([NO_PIVOT], np.int32), thresholds))
            return FixedPointEstimate(exponent, *integers, fraction_bits, bounds)
    return None


def _line(quantizer: Quantizer) -> tuple[Fraction, Fraction]:
    """Slope and value at 0 of the quotient that levels are the floor of, right of a centre."""
    origin, unit = origin_and_unit(quantizer)
    step, offset = Fraction(quantizer.step_size), Fraction(quantizer.rounding_offset)
    slope = 1 / (unit * step)
    if quantizer.rounding == "centre":
        return slope, quantizer.centre + offset - origin * slope
    shift = 0 if quantizer.distribution == "uniform" else quantizer.centre
    return slope, (shift + offset) / step - origin * slope


def _integers(
    quantizer: Quantizer, line: tuple[Fraction, Fraction], exponent: int, fraction_bits: int
) -> tuple[int, int, int, int] | None:
    """Multiplier, base, pivot and dead zone; None where they do not fit."""
    slope, value_at_0 = line
    one = 1 << fraction_bits
    pivot, dead_zone = NO_PIVOT, 0
    if quantizer.rounding == "centre":
        offset = Fraction(quantizer.rounding_offset)
        pivot = _rounded((quantizer.centre + offset) * one) + 2 * ERROR + 1
        dead_zone = _rounded((1 - 2 * offset) * one)
        if (1 - offset) * one < 2 * UNCERTAIN:
            return None
    multiplier = _rounded(slope * one * Fraction(2) ** (exponent - 126))
    base = _rounded(value_at_0 * one) + ERROR
    reach = abs(base) + multiplier + abs(dead_zone) + 2 * UNCERTAIN
    if multiplier < 1 or reach >= 1 << 31:
        return None
    return multiplier, base, pivot, dead_zone


def _rounded(value: Fraction) -> int:
    return round_half_even(value.numerator, value.denominator)


def prove_estimate(quantizer: Quantizer, estimate: FixedPointEstimate) -> None:
    """Checks the estimate at both ends of each level's interval.

    t and the level both rise with the sample (but for one fall of t at the centre, inside an
    interval and within the bounds), so the ends of the intervals stand for every float32.

    Raises:
        MismatchError: if t is too low at the first sample of a level, or too high at the last.
    """
    thresholds = prepared(quantizer, decision_thresholds, FLOAT32).astype(np.int64)
    one = 1 << estimate.fraction_bits
    levels = np.arange(1, quantizer.maximum_level + 1)
    reached = thresholds <= LARGEST_FINITE_KEY
    firsts = estimate.scaled_levels(values_of_keys(thresholds[reached].astype(np.int32)))
    too_low = firsts < levels[reached] * one
    follows = thresholds > -LARGEST_FINITE_KEY
    lasts = np.minimum(thresholds[follows] - 1, LARGEST_FINITE_KEY).astype(np.int32)
    too_high = estimate.scaled_levels(values_of_keys(lasts)) >= levels[follows] * one + UNCERTAIN
    if too_low.any() or too_high.any():
        raise MismatchError(
            f"the fixed-point estimate of {quantizer!r} is wrong at "
            f"{int(too_low.sum() + too_high.sum())} thresholds; report this with the quantizer"
        )
