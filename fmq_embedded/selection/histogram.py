"""The histogram of a feature map around its mean, in bins of a quarter of a standard deviation.

The bins follow the map's own mean and deviation, so one far outlier does not empty them. Samples
are compared as integers: float32 samples through the order-preserving integer of their bit
pattern, integer samples by their codes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.quantizers.samples import order_keys
from fmq_embedded.selection.moments import (
    Moments,
    as_finite_float32,
    code_counts,
    moments_of_codes,
    moments_of_floats,
)

Counts = npt.NDArray[np.int64]

BINS_PER_DEVIATION = 4
DEVIATIONS = 4  # covered on each side of the mean; what is beyond falls into the two open end bins


@dataclass(frozen=True)
class Histogram:
    """Counts of samples between increasing edges.

    Args:
        moments: of the samples counted.
        edges: increasing bin edges. Where samples are discrete, each lies half a step below the
            first code of its bin, so that a smooth distribution can be integrated between edges.
        counts: one more than edges: the first counts what is below every edge, the last the rest.
    """

    moments: Moments
    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def __str__(self) -> str:
        known = self.moments
        ends = ["−∞", *(f"{edge:.4g}" for edge in self.edges), "∞"]
        most = max(self.counts, default=0) or 1
        rows = [
            f"  {low:>10} .. {high:<10} {count:>9}  {'█' * round(40 * count / most)}"
            for low, high, count in zip(ends[:-1], ends[1:], self.counts, strict=True)
        ]
        head = (
            f"{known.count} samples in {known.minimum:.6g} .. {known.maximum:.6g}, {known.zeros} "
            f"of them 0; mean {known.mean:.6g}, variance {known.variance:.6g}"
        )
        return "\n".join([head, *rows])


def histogram(samples: npt.NDArray[np.generic] | FeatureMap) -> Histogram:
    """The histogram of a feature map; exact, and the same on every machine.

    Args:
        samples: any shape and strides, floating point or integer codes.

    Returns:
        34 counts between 33 edges; fewer edges where several would fall on the same code, and a
        single count and no edge for a constant or empty map.

    Raises:
        InputError: for NaN or ±Inf, and for dtypes that a feature map does not have.
    """
    feature_map = samples if isinstance(samples, FeatureMap) else FeatureMap(np.asarray(samples))
    if feature_map.is_integer:
        return _of_codes(feature_map)
    values, minimum, maximum = as_finite_float32(feature_map.samples)
    known = moments_of_floats(values, minimum, maximum)
    rising = np.array(bin_edges(known), np.float32) + np.float32(0)
    edges = tuple(dict.fromkeys(rising.tolist()))
    reaching = _counts_from(values, order_keys(np.array(edges, np.float32)))
    counts = (high - low for high, low in pairwise([values.size, *reaching.tolist(), 0]))
    return Histogram(known, edges, tuple(counts))


def _counts_from(values: npt.NDArray[np.float32], edges: npt.NDArray[np.int32]) -> Counts:
    """How many samples are at least each of the edges, which are order keys."""
    from numba import config

    from fmq_embedded.selection import kernels

    if config.DISABLE_JIT:
        beyond = np.searchsorted(np.sort(order_keys(values)), edges)
        return values.size - beyond
    counts = np.zeros(edges.size, np.int64)
    bits = np.ascontiguousarray(values).view(np.uint32)
    kernels.count_from(bits, edges, np.empty(kernels.KEYS, np.int32), counts)
    return counts


def bin_edges(known: Moments) -> list[float]:
    """Mean + j·deviation/4 for j = −16..16; nothing where the deviation is 0.

    float64, each from one multiplication and one addition.
    """
    mean, deviation = known.mean, known.deviation
    if deviation == 0:
        return []
    reach = BINS_PER_DEVIATION * DEVIATIONS
    step = deviation / BINS_PER_DEVIATION
    return [mean + j * step for j in range(-reach, reach + 1)]


def _of_codes(feature_map: FeatureMap) -> Histogram:
    scale = Fraction(feature_map.scale)
    codes, counts = code_counts(feature_map)
    known = moments_of_codes(feature_map, codes, counts)
    firsts = sorted(
        {math.ceil(Fraction(edge) / scale) + feature_map.zero_point for edge in bin_edges(known)}
    )
    bins = np.searchsorted(np.array(firsts, np.int64), np.array(codes, np.int64), side="right")
    totals = np.zeros(len(firsts) + 1, np.int64)
    np.add.at(totals, bins, np.array(counts, np.int64))
    edges = (float((first - feature_map.zero_point - Fraction(1, 2)) * scale) for first in firsts)
    return Histogram(known, tuple(edges), tuple(totals.tolist()))
