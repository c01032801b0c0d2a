"""The step sizes of the dense coder, and the reconstruction of coefficients.

Step s = 0…255 is T[s mod 16] · 2^(floor(s / 16) − 9) with T[i] = 128 · 2^(i/16), rounded: from 0.25
to 15,680 in the unit of the samples, 16 to an octave.
"""

from __future__ import annotations

from typing import Final

import numpy as np

STEPS_PER_OCTAVE: Final = 16
STEP_COUNT: Final = 256
UNIT_STEP: Final = 32
"""The step that is exactly 1."""

MANTISSAS = tuple(int(128 * 2 ** (i / STEPS_PER_OCTAVE) + 0.5) for i in range(STEPS_PER_OCTAVE))
RECIPROCALS = tuple(((1 << 22) + mantissa // 2) // mantissa for mantissa in MANTISSAS)

POINT_BITS: Final = 5
"""Reconstruction points are in 1/32 step."""
SAMPLE_FRACTION: Final = 2
"""Decoded samples are in 1/4 of the unit of the coded ones."""


def step_size(step: int) -> float:
    """The step size, exact."""
    return MANTISSAS[step % 16] * 2.0 ** (step // 16 - 9)


def scaling(step: int, dependent: bool) -> tuple[int, int]:
    """The reciprocal and the shift by which samples come to 1/256 step (half step)."""
    return RECIPROCALS[step % 16], step // 16 + (4 if dependent else 5)


def nearest_step(size: float) -> int:
    """The step whose size is nearest, on a logarithmic scale."""
    wanted = STEPS_PER_OCTAVE * np.log2(max(size, 1e-9)) + UNIT_STEP
    return int(np.clip(np.rint(wanted), 0, STEP_COUNT - 1))
