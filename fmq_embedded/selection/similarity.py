"""How much a histogram resembles a fitted distribution, in integers alone.

The measure is the histogram intersection: the sum over the bins of the smaller one of the samples'
share and the distribution's share, in parts per 65536. 65536 says that both are equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from fmq_embedded.selection.histogram import Histogram

WHOLE = 1 << 16

# Cumulative distributions at multiples of 1/16 of a standard deviation, 0..8, in parts per 65536.
# No entry lies near enough to a tie for a different erf or exp to round it otherwise (tested).
_STEPS = 16
_REACH = 8 * _STEPS
GAUSSIAN_CUMULATIVE = tuple(
    round(WHOLE * (0.5 + 0.5 * math.erf(j / _STEPS / math.sqrt(2)))) for j in range(_REACH + 1)
)
LAPLACE_CUMULATIVE = tuple(
    round(WHOLE * (1 - 0.5 * math.exp(-math.sqrt(2) * j / _STEPS))) for j in range(_REACH + 1)
)
_FRACTION_BITS = 8  # of a table step, for interpolation

# Granted at most, a tenth: some 300 samples. Fewer cannot tell the distributions apart, and then
# the uniform quantizer, which fits any samples, is the safe one.
LARGEST_ALLOWANCE = 6554

_MEAN_DEVIATION = 26145  # √(2/π)/2 in parts per 65536: E|x|/2 of a standard Gaussian


@dataclass(frozen=True)
class Similarity:
    """A histogram beside one distribution.

    Args:
        value: the intersection, 0..65536.
        allowance: what samples of that very distribution lose on average for being finitely many,
            up to `LARGEST_ALLOWANCE`.
    """

    value: int
    allowance: int

    def reaches(self, threshold: int) -> bool:
        """Whether the similarity, with its allowance, is at least `threshold`."""
        return self.value + self.allowance >= threshold

    def __str__(self) -> str:
        return f"{self.value / WHOLE:.3f} (+{self.allowance / WHOLE:.3f} for the sample's size)"


def gaussian_similarity(histogram: Histogram) -> Similarity:
    """Similarity with the Gaussian of the map's mean and variance."""
    known = histogram.moments
    return _similarity(histogram, known.mean, known.deviation, GAUSSIAN_CUMULATIVE)


def laplace_similarity(histogram: Histogram) -> Similarity:
    """Similarity with the Laplace around 0, as Eq. 6 has it, of the map's second moment.

    Its scale is √((mean² + variance)/2).
    """
    return _similarity(histogram, 0.0, histogram.moments.root_mean_square, LAPLACE_CUMULATIVE)


def _similarity(
    histogram: Histogram, centre: float, deviation: float, table: tuple[int, ...]
) -> Similarity:
    """The intersection; a constant or empty map resembles nothing."""
    count = histogram.moments.count
    if not histogram.edges or not count:
        return Similarity(0, 0)
    model = _shares(_cumulative(histogram.edges, centre, deviation, table))
    samples = _shares(
        [(2 * WHOLE * total + count) // (2 * count) for total in accumulate(histogram.counts[:-1])]
    )
    spread = sum(math.isqrt(share * (WHOLE - share) * WHOLE // count) for share in model)
    return Similarity(
        sum(map(min, model, samples)),
        min(spread * _MEAN_DEVIATION >> 24, LARGEST_ALLOWANCE),
    )


def _cumulative(
    points: Sequence[float], centre: float, deviation: float, table: tuple[int, ...]
) -> list[int]:
    """The distribution below each point, in parts per 65536, interpolated between table entries."""
    (middle, middle_unit), (width, width_unit) = (
        number.as_integer_ratio() for number in (centre, deviation)
    )
    found = []
    for point, unit in (point.as_integer_ratio() for point in points):
        distance = point * middle_unit - middle * unit
        scaled = abs(distance) * width_unit * (_STEPS << _FRACTION_BITS)
        above = _interpolated(table, scaled // (unit * middle_unit * width))
        found.append(above if distance >= 0 else WHOLE - above)
    return found


def _interpolated(table: tuple[int, ...], position: int) -> int:
    """A table's value at a position in 2^−8 of its steps."""
    entry, part = position >> _FRACTION_BITS, position & ((1 << _FRACTION_BITS) - 1)
    if entry >= _REACH:
        return WHOLE
    rise = (table[entry + 1] - table[entry]) * part
    return table[entry] + ((rise + (1 << (_FRACTION_BITS - 1))) >> _FRACTION_BITS)


def _shares(cumulative: list[int]) -> list[int]:
    """What lies between neighbouring points of a cumulative distribution, both tails included."""
    return [high - low for low, high in pairwise([0, *cumulative, WHOLE])]
