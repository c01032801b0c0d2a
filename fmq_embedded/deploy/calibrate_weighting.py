"""Calibration of weightings: factors by the channels' importance, a region by what is found.

A place's score is a linear discriminant of its channels: a logistic regression of whether the
place lies in a box of something found. What is found is told by the unsplit network on the
calibration inputs, so no labels are needed.

Source: D. R. Cox, "The regression analysis of binary sequences", J. R. Stat. Soc. B 20 (1958).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fmq_embedded.calibration.importance import QUARTERS
from fmq_embedded.calibration.results import Box, Outputs
from fmq_embedded.dense.weighting import (
    FACTOR_BITS,
    LARGEST_FACTOR,
    LARGEST_SUM,
    LEAST_FACTOR,
    Region,
    Weighting,
)
from fmq_embedded.entropy import Geometry
from fmq_embedded.errors import MismatchError

REGION_ODDS: Final = (1.0, 4.5, 20.0)
"""How sure a score has to be that there is something: the odds at the threshold."""
REGION_MARGIN: Final = 1
NEAR, FAR = 0.1, 0.4
"""By which part of a box's sides it is enlarged: within the one there is something to be found,
beyond the other there is background."""
_RIDGE, _ITERATIONS = 1.0, 12
_LARGEST_NUMBER: Final = 32767

Reals = npt.NDArray[np.float64]
Found = Callable[[Outputs], list[Box]]


@dataclass(frozen=True)
class RegionFit:
    """What was learned about the places of one tensor, in units of its samples.

    Args:
        weights: of each channel, in the logarithm of the odds.
        offset: added to that.
        background: the mean of each channel where there is nothing.
    """

    weights: Reals
    offset: float
    background: Reals

    @classmethod
    def of(cls, maps: Sequence[Reals], boxes: Sequence[Sequence[Box]]) -> RegionFit:
        """From maps (rows, columns, channels) and the boxes that are found in each.

        Raises:
            MismatchError: the maps have nothing, or nothing else.
        """
        pairs = list(zip(maps, boxes, strict=True))
        near, far = (
            np.concatenate([_inside(one.shape[:2], found, margin).ravel() for one, found in pairs])
            for margin in (NEAR, FAR)
        )
        places = np.concatenate([one.reshape(-1, one.shape[-1]) for one in maps])
        if not near.any() or far.all():
            raise MismatchError(
                "a region of interest is learned from inputs with something to be found and with "
                "places around it; the calibration inputs have only one of them"
            )
        weights, offset = _regression(places, near)
        if not weights.any():
            raise MismatchError(
                "a region of interest is learned from maps that differ from place to place; all "
                "samples of the calibration maps are 0"
            )
        return cls(weights, offset, places[~far].mean(axis=0))

    def region(self, odds: float, unit: float) -> Region:
        """In integers, for numbers that are so many units of the samples."""
        total, largest = float(np.abs(self.weights).sum()), float(np.abs(self.weights).max())
        scale = min((LARGEST_SUM - self.weights.size) / total, _LARGEST_NUMBER / largest)
        threshold = (math.log(odds) - self.offset) * scale / unit
        limit = (1 << 31) - 1
        background = np.rint(self.background / unit).clip(-_LARGEST_NUMBER, _LARGEST_NUMBER)
        return Region(
            _entries(np.rint(self.weights * scale)),
            int(np.clip(np.rint(threshold), -limit, limit)),
            REGION_MARGIN,
            _entries(background),
        )


def channel_factors(exponents: npt.NDArray[np.int64]) -> tuple[int, ...]:
    """The factors for steps that are 2^(e/4) as large; see `step_exponents`."""
    factors = np.rint(2.0 ** (FACTOR_BITS - exponents / QUARTERS))
    return _entries(factors.clip(LEAST_FACTOR, LARGEST_FACTOR))


def weighting_of(
    exponents: npt.NDArray[np.int64], fit: RegionFit | None, odds: float, unit: float
) -> Weighting:
    """Factors by importance; with a region where one was learned."""
    region = None if fit is None else fit.region(odds, unit)
    return Weighting(channel_factors(exponents), region)


def means_of(shape: tuple[int, ...]) -> Weighting:
    """Channels as their means, with factors of 1."""
    return Weighting((1 << FACTOR_BITS,) * Geometry.of(shape).channels, is_pooled=True)


def learned_regions(
    maps: Mapping[str, Sequence[Reals]], references: Sequence[Outputs], found: Found
) -> dict[str, RegionFit]:
    """For each tensor, from its maps (rows, columns, channels) and the unsplit network's outputs.

    Raises:
        MismatchError: see `RegionFit.of`.
    """
    boxes = [found(outputs) for outputs in references]
    return {name: RegionFit.of(values, boxes) for name, values in maps.items()}


def _inside(size: tuple[int, ...], boxes: Sequence[Box], margin: float) -> npt.NDArray[np.bool_]:
    """The places that boxes touch when each is larger by a part of its sides on every side."""
    inside = np.zeros(size, np.bool_)
    rows, columns = size
    for left, top, right, bottom in boxes:
        wide, high = margin * (right - left), margin * (bottom - top)
        ends = (top - high, bottom + high), (left - wide, right + wide)
        (first, last), (start, end) = (
            (max(math.floor(low * count), 0), max(math.ceil(high * count), 0))
            for (low, high), count in zip(ends, (rows, columns), strict=True)
        )
        inside[first:last, start:end] = True
    return inside


def _regression(places: Reals, is_near: npt.NDArray[np.bool_]) -> tuple[Reals, float]:
    """Weights and offset by Newton's method, with a ridge on channels of unit power."""
    power = np.sqrt(np.square(places).mean(axis=0)) + 1e-9
    known = np.column_stack([places / power, np.ones(len(places))])
    solution = np.zeros(known.shape[1])
    for _ in range(_ITERATIONS):
        share = 1 / (1 + np.exp(-np.clip(known @ solution, -30, 30)))
        curvature = known.T @ (known * (share * (1 - share) + 1e-6)[:, None])
        slope = known.T @ (share - is_near) + _RIDGE * solution
        solution -= np.linalg.solve(curvature + _RIDGE * np.eye(len(solution)), slope)
    weights: Reals = solution[:-1] / power
    return weights, float(solution[-1])


def _entries(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in values)
