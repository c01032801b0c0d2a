"""Bits per element against signal-to-noise ratio, and what can be read off such a curve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

BD_RANGE = (5.0, 25.0)
"""In dB: over which the mean difference of two curves is taken."""
BD_LEAST = 10.0
"""In dB: what two curves have to share of it."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RatePoint:
    """One setting of a codec on one map.

    Args:
        bits: per element, of the whole stream.
        ratio: 10·log10(Σf² / Σ(f − f̂)²), in dB; infinite where nothing is lost.
    """

    bits: float
    ratio: float


def signal_to_noise(
    samples: npt.NDArray[np.floating[Any]], decoded: npt.NDArray[np.floating[Any]]
) -> float:
    """10·log10(Σf² / Σ(f − f̂)²) in dB; infinite where they are equal, NaN where only f is 0."""
    wide = samples.astype(np.float64)
    noise = float(((wide - decoded) ** 2).sum())
    if noise == 0.0:
        return np.inf
    signal = float((wide**2).sum())
    return 10 * float(np.log10(signal / noise)) if signal > 0 else np.nan


def frontier(points: Iterable[RatePoint]) -> list[RatePoint]:
    """The points that no other beats in both, the best ratio first."""
    kept: list[RatePoint] = []
    for point in sorted(points, key=lambda one: (-one.ratio, one.bits)):
        if np.isfinite(point.ratio) and (not kept or point.bits < kept[-1].bits):
            kept.append(point)
    return kept


def bits_at(points: Iterable[RatePoint], ratio: float) -> float | None:
    """Bits where the frontier has this ratio, log bits linear between points; None beyond it."""
    best = frontier(points)[::-1]
    if not best or not best[0].ratio <= ratio <= best[-1].ratio:
        return None
    ratios, bits = _columns(best)
    return float(np.exp(np.interp(ratio, ratios, np.log(bits))))


def bjontegaard(ours: Sequence[RatePoint], theirs: Sequence[RatePoint]) -> float | None:
    """The mean of ours over theirs in bits at equal ratio, as a factor; below 1 is less.

    Piecewise cubic (PCHIP) in log bits over the ratios that both frontiers have of `BD_RANGE`.
    Source: G. Bjøntegaard, "Calculation of average PSNR differences between RD-curves",
    VCEG-M33, 2001; with PCHIP in place of one cubic as in JVET's common test conditions.

    Returns:
        None where they share less than `BD_LEAST`, or scipy is not installed.
    """
    try:
        from scipy.interpolate import PchipInterpolator
    except ImportError:
        return None
    curves = [_columns(frontier(points)[::-1]) for points in (ours, theirs)]
    if any(len(ratios) < 2 for ratios, _ in curves):
        return None
    low = max(BD_RANGE[0], *(ratios[0] for ratios, _ in curves))
    high = min(BD_RANGE[1], *(ratios[-1] for ratios, _ in curves))
    if high - low < BD_LEAST:
        return None
    mine, other = (PchipInterpolator(r, np.log(b)).integrate(low, high) for r, b in curves)
    return float(np.exp((mine - other) / (high - low)))


def geometric_mean(values: Sequence[float]) -> float:
    """Of numbers above 0."""
    return float(np.exp(np.mean(np.log(values))))


def _columns(points: Sequence[RatePoint]) -> tuple[Array, Array]:
    return (
        np.array([point.ratio for point in points]),
        np.array([point.bits for point in points]),
    )
