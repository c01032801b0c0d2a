"""Static partitions whose classes differ in their step alone: steps by importance (P4, P10)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError
from fmq_embedded.partition import Partition, Step
from fmq_embedded.quantizers import Quantizer

LARGEST_BIT_DEPTH = 12
"""Of a base: with more levels over its range it would waste the thresholds' float32."""

Exponents = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SampleRange:
    """The ends of a tensor's samples, as real values."""

    minimum: float
    maximum: float


def stepped_base(known: SampleRange, step: float) -> Quantizer:
    """The quantizer with this step over a range, rounding to nearest, with 0 at a level.

    Its range is a whole number of steps: at least the one seen, up to the power of two above.

    Args:
        known: the range of the samples.
        step: the distance of neighbouring reconstruction values, above 0.

    Raises:
        InputError: the range has more than 2^12 steps, or the step is not above 0.
    """
    if not step > 0:
        raise InputError(f"a step is above 0; got {step:g}")
    one_sided = known.minimum >= 0
    widest = max(abs(known.minimum), abs(known.maximum))
    depth = 1 if one_sided else 2
    while _half_levels(depth, one_sided) * step < widest:
        depth += 1
        if depth > LARGEST_BIT_DEPTH:
            raise InputError(
                f"the range {known.minimum:.6g} .. {known.maximum:.6g} has more than "
                f"2^{LARGEST_BIT_DEPTH} steps of {step:.6g}; take a larger step"
            )
    end = step * _half_levels(depth, one_sided)
    if one_sided:
        return Quantizer.uniform(0.0, end, depth)
    return Quantizer.laplace(end, depth, rounding="centre")


def stepped_partition(
    kind: Literal["channel", "region"],
    shape: tuple[int, ...],
    known: SampleRange,
    step: float,
    exponents: Exponents,
    class_count: int | None = None,
) -> Partition:
    """A partition with a class for each step, finest first; the finest is the tensor's own.

    Args:
        kind: "channel" or "region".
        shape: of the map, with the batch axis.
        known: the range of its samples.
        step: what an exponent of 0 stands for.
        exponents: e of the step · 2^(e/4) of each channel, or of each position.
        class_count: the most classes; steps are merged into so many. None for one per step.

    Raises:
        InputError: see `stepped_base`; class_count is below 1.
    """
    merged = exponents if class_count is None else merged_exponents(exponents, class_count)
    steps, class_of = np.unique(merged, return_inverse=True)
    finest = int(steps[0])
    base = stepped_base(known, step * 2.0 ** (finest / 4))
    classes = tuple(Step(int(exponent) - finest) for exponent in steps)
    make = Partition.of_channels if kind == "channel" else Partition.of_regions
    return make(shape, base, classes, class_of.reshape(exponents.shape))


def merged_exponents(exponents: Exponents, class_count: int) -> Exponents:
    """The exponents with at most so many different ones left.

    Each time, the two neighbouring values whose merger changes the exponents least (the sum of
    squares) become their mean, rounded to the nearest, ties to the finer step.
    """
    if class_count < 1:
        raise InputError(f"classes is at least 1; got {class_count}")
    values, place, counts = np.unique(exponents, return_inverse=True, return_counts=True)
    groups = [
        (float(value), int(count), [index])
        for index, (value, count) in enumerate(zip(values, counts, strict=True))
    ]
    while len(groups) > class_count:
        pairs = list(itertools.pairwise(groups))
        costs = [a[1] * b[1] / (a[1] + b[1]) * (a[0] - b[0]) ** 2 for a, b in pairs]
        at = int(np.argmin(costs))
        (one, m, first), (two, n, second) = pairs[at]
        groups[at : at + 2] = [((one * m + two * n) / (m + n), m + n, first + second)]
    result = np.zeros(values.size, np.int64)
    for mean, _, members in groups:
        result[members] = int(np.ceil(mean - 0.5))
    merged: Exponents = result[place.reshape(exponents.shape)]
    return merged


def _half_levels(bit_depth: int, one_sided: bool) -> int:
    """Steps from 0 to the end of the range."""
    return (1 << bit_depth) - 1 if one_sided else (1 << (bit_depth - 1)) - 1
