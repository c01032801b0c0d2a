"""Distributions that a quantizer is fitted to: models, and what a histogram says.

A density is known by its partial moments: ∫ x^n p(x) dx from −∞ up to a point, for n = 0, 1, 2,
beside a spike of probability at exactly 0 (the half of a ReLU map that is zero). They are all
that fitting a quantizer and judging it need. Everything here is float64 and runs on the desk, never
in a codec.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError
from fmq_embedded.quantizers.quantizer import Distribution

Floats = npt.NDArray[np.float64]
Moments = tuple[Floats, Floats, Floats]


class Density(Protocol):
    """A probability density on the real line with an optional spike at 0; total mass 1."""

    @property
    def spike(self) -> float:
        """The probability of exactly 0; not part of `below`."""

    @property
    def support(self) -> tuple[float, float]:
        """The interval in which levels are worth spending."""

    @property
    def distribution(self) -> Distribution:
        """The name that a quantizer fitted to it carries: uniform, gaussian or laplace."""

    def below(self, points: Floats) -> Moments:
        """Mass, ∫x·p and ∫x²·p below each point (±inf allowed), without the spike."""


@dataclass(frozen=True)
class Gaussian:
    """N(mean, variance)."""

    mean: float = 0.0
    variance: float = 1.0
    spike: ClassVar[float] = 0.0
    distribution: ClassVar[Distribution] = "gaussian"

    def __post_init__(self) -> None:
        _require_positive("variance", self.variance)

    @property
    def support(self) -> tuple[float, float]:
        """The mean and 9 standard deviations to each side."""
        reach = 9 * math.sqrt(self.variance)
        return self.mean - reach, self.mean + reach

    def below(self, points: Floats) -> Moments:
        """See `Density.below`."""
        deviation = math.sqrt(self.variance)
        z = (points - self.mean) / deviation
        mass = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in z])
        height = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
        first = -height
        second = mass - np.where(np.isfinite(z), z, 0.0) * height
        m, s = self.mean, deviation
        return mass, m * mass + s * first, m * m * mass + 2 * m * s * first + s * s * second


@dataclass(frozen=True)
class Laplace:
    """exp(−|x| / scale) / (2·scale), centred at 0; its variance is 2·scale²."""

    scale: float = 1.0
    spike: ClassVar[float] = 0.0
    distribution: ClassVar[Distribution] = "laplace"

    def __post_init__(self) -> None:
        _require_positive("scale", self.scale)

    @property
    def support(self) -> tuple[float, float]:
        """±30 scales."""
        return -30 * self.scale, 30 * self.scale

    def below(self, points: Floats) -> Moments:
        """See `Density.below`."""
        mass, first, second = _exponential_tail(np.abs(points) / self.scale)
        negative = points < 0
        return (
            np.where(negative, mass / 2, 1 - mass / 2),
            -first / 2 * self.scale,
            np.where(negative, second / 2, 2 - second / 2) * self.scale**2,
        )


@dataclass(frozen=True)
class OneSidedLaplace:
    """A spike at 0 and, with the rest of the mass, exp(−x / scale) / scale on x > 0.

    What a ReLU leaves of a linear map: `spike` is the share of samples that are 0 and `scale`
    the mean of the others.
    """

    scale: float = 1.0
    spike: float = 0.0
    distribution: ClassVar[Distribution] = "laplace"

    def __post_init__(self) -> None:
        _require_positive("scale", self.scale)
        if not 0 <= self.spike < 1:
            raise InputError(f"spike is a probability in [0, 1); got {self.spike!r}")

    @property
    def support(self) -> tuple[float, float]:
        """0 and 30 scales above."""
        return 0.0, 30 * self.scale

    def below(self, points: Floats) -> Moments:
        """See `Density.below`."""
        mass, first, second = _exponential_tail(np.maximum(points, 0.0) / self.scale)
        rest = 1 - self.spike
        return (
            rest * (1 - mass),
            rest * (1 - first) * self.scale,
            rest * (2 - second) * self.scale**2,
        )


class Histogram:
    """Counts per bin, spread evenly inside each bin, and a count of exact zeros.

    Args:
        edges: n + 1 increasing bin edges, float64.
        counts: n counts of non-zero samples; at least one above 0, or `zeros` is.
        zeros: samples that are exactly 0.

    Raises:
        InputError: where the edges do not increase, the sizes do not match, or nothing was counted.
    """

    distribution: ClassVar[Distribution] = "uniform"

    def __init__(self, edges: npt.ArrayLike, counts: npt.ArrayLike, zeros: float = 0) -> None:
        self.edges = np.asarray(edges, np.float64)
        weights = np.asarray(counts, np.float64)
        total = float(weights.sum()) + float(zeros)
        if self.edges.size != weights.size + 1 or not (np.diff(self.edges) > 0).all():
            raise InputError(
                f"a histogram of {weights.size} counts has {weights.size + 1} increasing edges; "
                f"got {self.edges.size}"
            )
        if total <= 0 or (weights < 0).any():
            raise InputError("a histogram needs counts of at least 0 and at least one above 0")
        self.spike = float(zeros) / total
        self._density = weights / total / np.diff(self.edges)
        lo, hi = self.edges[:-1], self.edges[1:]
        self._mass = np.concatenate([[0.0], np.cumsum(weights / total)])
        self._first = np.concatenate([[0.0], np.cumsum(self._density * (hi * hi - lo * lo) / 2)])
        self._second = np.concatenate([[0.0], np.cumsum(self._density * (hi**3 - lo**3) / 3)])

    @property
    def support(self) -> tuple[float, float]:
        """From the first edge to the last one; 0 is inside where there are zeros."""
        lowest, highest = float(self.edges[0]), float(self.edges[-1])
        return (min(lowest, 0.0), max(highest, 0.0)) if self.spike else (lowest, highest)

    def below(self, points: Floats) -> Moments:
        """See `Density.below`."""
        x = np.clip(points, self.edges[0], self.edges[-1])
        bins = np.clip(np.searchsorted(self.edges, x, "right") - 1, 0, self._density.size - 1)
        edge, density = self.edges[bins], self._density[bins]
        return (
            self._mass[bins] + density * (x - edge),
            self._first[bins] + density * (x * x - edge * edge) / 2,
            self._second[bins] + density * (x**3 - edge**3) / 3,
        )


def rate_and_distortion(
    density: Density, thresholds: npt.ArrayLike, values: npt.ArrayLike
) -> tuple[float, float]:
    """The entropy of the levels and the mean squared error of a quantizer under a density.

    Args:
        density: what the samples follow.
        thresholds: n non-decreasing decision thresholds; level = how many are ≤ the sample.
        values: n + 1 reconstruction values.

    Returns:
        Bits per sample (order-0 entropy) and mean squared error.
    """
    bounds, points = np.asarray(thresholds, np.float64), np.asarray(values, np.float64)
    mass, first, second = cell_moments(density, bounds)
    error = float(np.sum(second - 2 * points * first + points * points * mass))
    occupied = mass[mass > 0]
    return max(0.0, float(-np.sum(occupied * np.log2(occupied)))), max(error, 0.0)


def cell_moments(density: Density, thresholds: Floats) -> Moments:
    """Mass, ∫x·p and ∫x²·p of each of the n + 1 cells between n thresholds, spike included."""
    bounds = np.concatenate([[-np.inf], thresholds, [np.inf]])
    mass, first, second = (np.diff(moment) for moment in density.below(bounds))
    mass = np.maximum(mass, 0.0)
    mass[np.searchsorted(thresholds, 0.0, "right")] += density.spike
    return mass, first, second


def _exponential_tail(x: Floats) -> Moments:
    """∫ t^n·exp(−t) dt from x to ∞ for n = 0, 1, 2; x ≥ 0."""
    mass = np.exp(-x)
    finite = np.where(np.isfinite(x), x, 0.0)
    return mass, (finite + 1) * mass, (finite * finite + 2 * finite + 2) * mass


def _require_positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{name} must be finite and above 0; got {value!r}")
