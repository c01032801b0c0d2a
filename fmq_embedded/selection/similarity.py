"""How much a histogram resembles a fitted distribution, in integers alone.

The measure is the histogram intersection: the sum over the bins of the smaller one of the samples'
share and the distribution's share, in parts per 65536. 65536 says that both are equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from fmq_embedded.selection.histogram import Histogram

WHOLE = 1 << 16

Integers = npt.NDArray[np.int64]

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
_SCALE = _STEPS << _FRACTION_BITS

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
    totals = np.cumsum(histogram.counts[:-1], dtype=np.int64)
    samples = _shares((2 * WHOLE * totals + count) // (2 * count))
    # Below 2^46, where the root in float64 has the right whole part.
    spread = int(np.sqrt(model * (WHOLE - model) * WHOLE // count).astype(np.int64).sum())
    return Similarity(
        int(np.minimum(model, samples).sum()),
        min(spread * _MEAN_DEVIATION >> 24, LARGEST_ALLOWANCE),
    )


def _cumulative(
    points: Sequence[float], centre: float, deviation: float, table: tuple[int, ...]
) -> Integers:
    """The distribution below each point, in parts per 65536, interpolated between table entries."""
    places = np.array(points)
    distances = places - centre
    scaled = np.abs(distances) * _SCALE
    positions = np.minimum(scaled / deviation, _REACH << _FRACTION_BITS).astype(np.int64)
    positions -= positions * deviation > scaled  # a quotient that was rounded up to a whole one
    from_place = distances - places
    is_exact = (from_place == -centre) & (distances - from_place == places)
    for index in np.flatnonzero(~is_exact):
        positions[index] = _exact_position(points[int(index)], centre, deviation)
    above = _interpolated(_array(table), positions)
    return np.where(distances >= 0, above, WHOLE - above)


@cache
def _array(table: tuple[int, ...]) -> Integers:
    return np.array(table, np.int64)


def _exact_position(point: float, centre: float, deviation: float) -> int:
    (place, unit), (middle, middle_unit), (width, width_unit) = (
        number.as_integer_ratio() for number in (point, centre, deviation)
    )
    distance = abs(place * middle_unit - middle * unit)
    return distance * width_unit * _SCALE // (unit * middle_unit * width)


def _interpolated(table: Integers, positions: Integers) -> Integers:
    """A table's values at positions in 2^−8 of its steps; all of the distribution past its end."""
    entries = np.minimum(positions >> _FRACTION_BITS, _REACH - 1)
    parts = positions & ((1 << _FRACTION_BITS) - 1)
    rises = (table[entries + 1] - table[entries]) * parts
    values = table[entries] + ((rises + (1 << (_FRACTION_BITS - 1))) >> _FRACTION_BITS)
    return np.where(positions >> _FRACTION_BITS >= _REACH, WHOLE, values)


def _shares(cumulative: Integers) -> Integers:
    """What lies between neighbouring points of a cumulative distribution, both tails included."""
    shares = np.append(cumulative, WHOLE)
    shares[1:] -= cumulative
    return shares
