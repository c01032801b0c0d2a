"""Fitting a quantizer to a distribution: spans, dead zones, whole lists of thresholds.

Fitting runs once, on the desk, in float64; what it gives is rounded to float32 and is then the
exact definition of a quantizer that every side shares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError
from fmq_embedded.quantizers.densities import Density, Floats, cell_moments, rate_and_distortion
from fmq_embedded.quantizers.quantizer import Quantizer

# Half the width covered around the centre, for bit depths 2..16, that gives the least mean squared
# error on the grid of Eq. 4-16 (step size 1, rounding offset 0.5): in standard deviations for a
# Gaussian, in scales (mean absolute value) for a Laplace. Found by golden-section search.
GAUSSIAN_LOADING = (
    *(1.0484, 1.8055, 2.3703, 2.8319, 3.2296, 3.5839, 3.9072, 4.2074),
    *(4.4894, 4.7568, 5.0119, 5.2564, 5.4917, 5.7187, 5.9381),
)
LAPLACE_LOADING = (
    *(1.7170, 3.2348, 4.6295, 5.9668, 7.2738, 8.5656, 9.8516, 11.1375),
    *(12.4267, 13.7208, 15.0204, 16.3254, 17.6356, 18.9503, 20.2698),
)

_ITERATIONS = 400
_LEAST_GAIN = 1e-8  # of the cost, in one iteration: below it the fit has converged
_LEAST_MASS = 1e-14  # a cell with less is empty: what is left there is rounding of float64
_SMALLEST_ABOVE_ZERO = 2.0**-149  # the smallest float32
_FLOAT32_MAX = float(np.finfo(np.float32).max)


def loading_factor(distribution: str, bit_depth: int) -> float:
    """Half the span that serves best, in standard deviations (gaussian) or scales (laplace).

    Args:
        distribution: "gaussian" or "laplace".
        bit_depth: 2..16.

    Raises:
        InputError: for another distribution or bit depth.
    """
    tables = {"gaussian": GAUSSIAN_LOADING, "laplace": LAPLACE_LOADING}
    if distribution not in tables:
        raise InputError(f"a loading factor is of gaussian or laplace; got {distribution!r}")
    if not 2 <= bit_depth <= 16:
        raise InputError(f"bit_depth must be 2..16 for {distribution}; got {bit_depth}")
    return tables[distribution][bit_depth - 2]


def lagrangian_of_step(step: float) -> float:
    """The price of a bit, in squared error, at which a uniform step of this width is right.

    At high rates the error is step²/12 and falls to a quarter with each bit: −dD/dR = 2·ln 2·D.
    """
    return 2 * math.log(2) * step * step / 12


def lloyd_max(density: Density, bit_depth: int, *, keep_zero: bool | None = None) -> Quantizer:
    """The explicit quantizer with the least mean squared error (Lloyd 1957, Max 1960).

    Args:
        density: a model or a histogram.
        bit_depth: 1..16.
        keep_zero: whether 0 must come back as exactly 0; by default for densities that start
            at 0, such as a ReLU map's, whose zeros are many and mean 'nothing here'.

    Returns:
        An explicit quantizer: float32 thresholds and values. Levels that the density does not
        need come last, behind thresholds that no sample reaches but the largest float32.

    Raises:
        InputError: for a bit depth outside 1..16.
    """
    return entropy_constrained(density, bit_depth, 0.0, keep_zero=keep_zero)


def entropy_constrained(
    density: Density, bit_depth: int, lagrangian: float, *, keep_zero: bool | None = None
) -> Quantizer:
    """The explicit quantizer with the least squared error + lagrangian × entropy of its levels.

    The algorithm of Chou, Lookabaugh and Gray (1989): thresholds from values and code lengths,
    values from thresholds, levels that become too dear are given up.

    Args:
        density: a model or a histogram.
        bit_depth: 1..16; 2^bit_depth levels at most.
        lagrangian: squared error that one bit per sample is worth; ≥ 0. See `lagrangian_of_step`.
        keep_zero: as in `lloyd_max`.

    Raises:
        InputError: for a bit depth outside 1..16 or a lagrangian that is negative or not finite.
    """
    if not 1 <= bit_depth <= 16:
        raise InputError(f"bit_depth must be 1..16; got {bit_depth}")
    if not (math.isfinite(lagrangian) and lagrangian >= 0):
        raise InputError(f"lagrangian must be finite and at least 0; got {lagrangian!r}")
    pinned = density.support[0] == 0 if keep_zero is None else keep_zero
    fit = _refined(density, _start(density, 1 << bit_depth, lagrangian, pinned), lagrangian)
    padding = (1 << bit_depth) - fit.values.size
    thresholds = np.concatenate([fit.thresholds, np.full(padding, _FLOAT32_MAX)])
    return Quantizer.explicit(
        _as_float32(thresholds),
        _as_float32(np.append(fit.values, np.repeat(fit.values[-1], padding))),
        distribution=density.distribution,
    )


def fitted_offset(density: Density, step: float, lagrangian: float) -> float:
    """The rounding offset, below 0.5 a dead zone, for centre rounding with a uniform step.

    Args:
        density: what the samples follow, around 0.
        step: the distance of reconstruction values, in the samples' unit; > 0.
        lagrangian: squared error that one bit per sample is worth.

    Returns:
        A multiple of 1/64 in [0, 0.5]: the one with the least squared error + lagrangian × entropy.
    """
    reach = max(abs(end) for end in density.support)
    count = min(math.ceil(reach / step), 1 << 15)
    grid = np.arange(1, count + 1)
    values = step * np.arange(-count, count + 1)

    def cost(offset: float) -> float:
        outward = step * (grid - offset)
        bits, error = rate_and_distortion(
            density, np.concatenate([-outward[::-1], outward]), values
        )
        return error + lagrangian * bits

    return min((numerator / 64 for numerator in range(32, -1, -1)), key=cost)


@dataclass(frozen=True)
class _Fit:
    """A quantizer while it is fitted: increasing values, the thresholds between, code lengths."""

    values: Floats
    thresholds: Floats
    bits: Floats
    zero: int | None  # the level pinned to the value 0


def _start(density: Density, count: int, lagrangian: float, keep_zero: bool) -> _Fit:
    """Equal code lengths, the value nearest to 0 pinned to it where that is asked.

    Where bits have a price, the best quantizer at high rates is uniform; where levels are what is
    scarce, it is companded.
    """
    values = _uniform_values(density, count, lagrangian)
    if values is None:
        values = _companded_values(density, count)
    zero = int(np.argmin(np.abs(values))) if keep_zero else None
    if zero is not None:
        values[zero] = 0.0
    return _Fit(values, _clamped((values[1:] + values[:-1]) / 2, zero), np.zeros(values.size), zero)


def _refined(density: Density, fit: _Fit, lagrangian: float) -> _Fit:
    """Both conditions of optimality in turn, until the cost stops falling."""
    cost = math.inf
    for _ in range(_ITERATIONS):
        fit, error, entropy = _centred(density, fit)
        before, cost = cost, error + lagrangian * entropy
        fit = _divided(fit, lagrangian)
        if before - cost <= _LEAST_GAIN * cost:
            break
    return _keeping(fit, cell_moments(density, fit.thresholds)[0] > _LEAST_MASS)


def _centred(density: Density, fit: _Fit) -> tuple[_Fit, float, float]:
    """Values moved to the means of their cells; the squared error and the entropy then."""
    mass, first, second = cell_moments(density, fit.thresholds)
    if mass.min() <= _LEAST_MASS:
        fit = _keeping(fit, mass > _LEAST_MASS)
        mass, first, second = cell_moments(density, fit.thresholds)
    mass = np.maximum(mass, _LEAST_MASS)  # the pinned level may be empty
    values = first / mass
    if fit.zero is not None:
        values[fit.zero] = 0.0
    bits = -np.log2(mass)
    error = float(np.sum(second - 2 * values * first + values * values * mass))
    return _Fit(values, fit.thresholds, bits, fit.zero), error, float(np.sum(mass * bits))


def _keeping(fit: _Fit, kept: npt.NDArray[np.bool_]) -> _Fit:
    """The fit with these levels alone and, always, the pinned one."""
    if fit.zero is not None:
        kept[fit.zero] = True
    if kept.all():
        return fit
    zero = None if fit.zero is None else int(np.count_nonzero(kept[: fit.zero]))
    levels = np.flatnonzero(kept)
    return _Fit(fit.values[levels], fit.thresholds[levels[1:] - 1], fit.bits[levels], zero)


def _divided(fit: _Fit, lagrangian: float) -> _Fit:
    """Thresholds where two neighbours cost the same, without the levels that are never cheapest.

    A level whose two thresholds have crossed is nowhere the cheapest. Of neighbouring ones every
    other goes in a pass, for one may be worth keeping once the next is gone.
    """
    while True:
        gap, shift = np.diff(fit.values), lagrangian * np.diff(fit.bits) / 2
        ties = (fit.values[1:] + fit.values[:-1]) / 2
        ties += np.divide(shift, gap, out=np.zeros_like(gap), where=gap > 0)
        crossed = np.flatnonzero(ties[:-1] >= ties[1:]) + 1
        crossed = crossed[crossed != fit.zero]
        if not crossed.size:
            return _Fit(fit.values, _clamped(ties, fit.zero), fit.bits, fit.zero)
        kept = np.ones(fit.values.size, np.bool_)
        kept[crossed[crossed % 2 == crossed[0] % 2]] = False
        fit = _keeping(fit, kept)


def _clamped(thresholds: Floats, zero: int | None) -> Floats:
    """Thresholds that do not decrease, with 0 itself always in the cell of the pinned level."""
    if zero is not None:
        thresholds[:zero] = np.minimum(thresholds[:zero], 0.0)
        thresholds[zero:] = np.maximum(thresholds[zero:], _SMALLEST_ABOVE_ZERO)
    return np.maximum.accumulate(thresholds)


def _uniform_values(density: Density, count: int, lagrangian: float) -> Floats | None:
    """Multiples of the step that a bit's price asks for; None where they are more than `count`."""
    lowest, highest = density.support
    step = math.sqrt(6 * lagrangian / math.log(2))
    if step == 0 or (highest - lowest) / step > count - 2:
        return None
    return step * np.arange(math.floor(lowest / step), math.ceil(highest / step) + 1.0)


def _companded_values(density: Density, count: int) -> Floats:
    """Values with the density p^(1/3), the best one at high rates (Panter and Dite 1951)."""
    lowest, highest = density.support
    grid = np.linspace(lowest, highest, max(4096, 8 * count) + 1)
    mass = np.maximum(np.diff(density.below(grid)[0]), 0.0)
    share = np.concatenate([[0.0], np.cumsum(np.cbrt(mass))])
    if share[-1] == 0.0:
        return np.zeros(1)
    targets = (np.arange(count) + 0.5) / count * share[-1]
    return np.unique(np.interp(targets, share, grid))


def _as_float32(values: Floats) -> tuple[float, ...]:
    return tuple(values.astype(np.float32).astype(np.float64).tolist())
