"""Statistics of a tensor over calibration data: integers that merge exactly, in any order.

So data can be spread over processes or machines, and the sum is the same whichever way it is
taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.quantizers.densities import Histogram
from fmq_embedded.quantizers.samples import order_keys
from fmq_embedded.selection import Moments, moments

GRID_BINS = 1 << 16
_BIN_BITS = 16  # low bits of an order-preserving key that a bin does not tell apart
_FIRST_KEY = -(1 << 31)


@dataclass(frozen=True)
class TensorStatistics:
    """What is known of a tensor's samples.

    Args:
        moments: exact count, ends and sums.
        counts: int64, 65536 counts on the grid of float32 values whose order-preserving integer
            has the same upper 16 bits: bins of 1/128 of the power of two below them, the same
            for every tensor, so that no range has to be known beforehand.
    """

    moments: Moments = field(default_factory=Moments)
    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(GRID_BINS, np.int64))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, TensorStatistics)
            and self.moments == other.moments
            and np.array_equal(self.counts, other.counts)
        )

    def __hash__(self) -> int:
        return hash(self.moments)

    def __str__(self) -> str:
        known = self.moments
        return (
            f"{known.count} samples, {known.zeros} of them 0, in {known.minimum:.6g} .. "
            f"{known.maximum:.6g}; mean {known.mean:.6g}, deviation {known.deviation:.6g}"
        )

    def merged(self, other: TensorStatistics) -> TensorStatistics:
        """The statistics of both sets of samples together."""
        return TensorStatistics(self.moments.merged(other.moments), self.counts + other.counts)

    @cached_property
    def density(self) -> Histogram:
        """The distribution of the samples, to fit quantizers to and judge them by.

        Raises:
            InputError: where there are no samples.
        """
        known = self.moments
        if not known.count:
            raise InputError("no samples were seen; run calibration data through the model first")
        ends = np.array([known.minimum, known.maximum], np.float32)
        first, last = _bins(ends).tolist()
        counts = self.counts[first : last + 1].copy()
        if known.zeros:
            counts[_bins(np.zeros(1, np.float32))[0] - first] -= known.zeros
        # The last bin ends one step above the maximum, so that a lone maximum has a width too.
        inner = _lowest_values(np.arange(first + 1, last + 1))
        above = 2 * float(ends[1]) - float(np.nextafter(ends[1], np.float32(-np.inf)))
        return Histogram(np.concatenate([[known.minimum], inner, [above]]), counts, known.zeros)

    def quantile(self, share: float) -> float:
        """The value that this share of the samples, 0..1, lies at or below; to a bin's width."""
        density = self.density
        above_zero = density.edges >= 0
        cumulative = density.below(density.edges)[0] + density.spike * above_zero
        return float(np.interp(share, cumulative, density.edges))


def tensor_statistics(samples: npt.NDArray[np.generic] | FeatureMap) -> TensorStatistics:
    """The statistics of one feature map.

    Args:
        samples: any shape and strides; floating point (float64 rounded to float32), or integer
            codes, whose real values are rounded to float32 to find their bins.

    Raises:
        InputError: for NaN or ±Inf, and for dtypes that a feature map does not have.
    """
    feature_map = samples if isinstance(samples, FeatureMap) else FeatureMap(np.asarray(samples))
    known = moments(feature_map)
    values = feature_map.samples
    if feature_map.is_integer:
        values = (values.astype(np.float64) - feature_map.zero_point) * feature_map.scale
    bins = _bins(np.ravel(values.astype(np.float32, copy=False)))
    return TensorStatistics(known, np.bincount(bins, minlength=GRID_BINS).astype(np.int64))


def collect(
    runs: Iterable[Mapping[str, npt.NDArray[np.generic] | FeatureMap]],
) -> dict[str, TensorStatistics]:
    """The statistics of each named tensor over many runs of a network.

    Args:
        runs: for each run the feature maps by name; consumed one at a time.

    Returns:
        Statistics by name, in the order of first appearance.
    """
    known: dict[str, TensorStatistics] = {}
    for run in runs:
        for name, samples in run.items():
            known[name] = known.get(name, TensorStatistics()).merged(tensor_statistics(samples))
    return known


def _bins(values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    return (order_keys(values).astype(np.int64) - _FIRST_KEY) >> _BIN_BITS


def _lowest_values(bins: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The lowest float32 of each bin."""
    return values_of_keys((bins << _BIN_BITS) + _FIRST_KEY)


def values_of_keys(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The float32 values of order-preserving integers; ±inf at the ends of the finite ones."""
    bits = np.where(keys >= 0, keys, -keys | (1 << 31)).astype(np.uint32)
    return bits.view(np.float32).astype(np.float64)
