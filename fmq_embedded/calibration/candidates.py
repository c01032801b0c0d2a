"""The quantizers that could serve a tensor, each with its estimated bits and error."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fmq_embedded.calibration.statistics import TensorStatistics, values_of_keys
from fmq_embedded.quantizers.densities import rate_and_distortion
from fmq_embedded.quantizers.exact import decision_thresholds, reconstruction_values
from fmq_embedded.quantizers.fitting import entropy_constrained, lagrangian_of_step
from fmq_embedded.quantizers.quantizer import Quantizer
from fmq_embedded.selection import quantizer_of_moments

CLIPPED_SHARES = (0.9999, 0.999, 0.99)  # of the samples, that a clipped uniform range keeps
PRICED_STEPS = (math.sqrt(2), 1.0)  # of the uniform step: explicit ones halfway between bit depths


@dataclass(frozen=True)
class Candidate:
    """A quantizer for a tensor.

    Args:
        kind: how it was made.
        quantizer: the quantizer.
        bits: estimated bits per sample: the entropy of its levels.
        relative_error: estimated Σ(f − f̂)² / Σf².
    """

    kind: str
    quantizer: Quantizer
    bits: float
    relative_error: float

    def __str__(self) -> str:
        ratio = "∞" if not self.relative_error else f"{-10 * math.log10(self.relative_error):.1f}"
        return (
            f"{self.kind}, bit depth {self.quantizer.bit_depth}: {self.bits:.3f} bits/sample, "
            f"{ratio} dB"
        )


def candidates(statistics: TensorStatistics, bit_depths: Iterable[int]) -> list[Candidate]:
    """Every kind of quantizer at each bit depth, for one tensor.

    Uniform from minimum to maximum; uniform clipped at quantiles; Gaussian and Laplace with
    fitted spans (from 2 bits on); explicit, entropy-constrained, with a bit priced as for
    `PRICED_STEPS` of the uniform one's step.

    Args:
        statistics: of the tensor; of at least one sample.
        bit_depths: 1..16.

    Raises:
        InputError: for a bit depth outside 1..16, or no samples.
    """
    made = []
    known, density = statistics.moments, statistics.density
    ends = known.minimum, known.maximum
    clipped = {share: _clipped(statistics, share) for share in CLIPPED_SHARES}
    for depth in bit_depths:
        made.append(("uniform", Quantizer.uniform(*ends, depth)))
        for share, kept in clipped.items():
            if kept != ends:
                made.append((f"uniform, {share:.2%} kept", Quantizer.uniform(*kept, depth)))
        if depth >= 2:
            made.append(("gaussian", quantizer_of_moments("gaussian", known, depth)))
            made.append(("laplace", quantizer_of_moments("laplace", known, depth)))
        step = (known.maximum - known.minimum) / ((1 << depth) - 1)
        for factor in PRICED_STEPS:
            price = lagrangian_of_step(factor * step)
            explicit = entropy_constrained(density, depth, price)
            made.append((f"entropy-constrained for step {factor * step:.4g}", explicit))
    return [rated(statistics, kind, quantizer) for kind, quantizer in made]


def rated(statistics: TensorStatistics, kind: str, quantizer: Quantizer) -> Candidate:
    """A quantizer with its estimated bits and error on a tensor's samples."""
    if quantizer.is_constant:
        thresholds, values = np.zeros(0), np.array([quantizer.origin])
    else:
        thresholds = values_of_keys(decision_thresholds(quantizer).astype(np.int64))
        values = reconstruction_values(quantizer).astype(np.float64)
    bits, error = rate_and_distortion(statistics.density, thresholds, values)
    energy = statistics.moments.root_mean_square**2
    return Candidate(kind, quantizer, bits, error / energy if energy else 0.0)


def _clipped(statistics: TensorStatistics, share: float) -> tuple[float, float]:
    """The range that keeps a share of the samples; a side that 0 ends is not clipped."""
    known = statistics.moments
    tail = (1 - share) / (1 if 0 in (known.minimum, known.maximum) else 2)
    low = known.minimum if known.minimum == 0 else statistics.quantile(tail)
    high = known.maximum if known.maximum == 0 else statistics.quantile(1 - tail)
    return max(low, known.minimum), min(high, known.maximum)
