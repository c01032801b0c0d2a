"""Maps for benchmarks: what a ReLU gives, made from a seed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fmq_embedded.quantizers import Quantizer

PATCH = 8
"""Samples across which a map's coarse part stays the same."""
DEAD_CHANNELS = 8
"""One channel in so many is 0 throughout."""
HIGHEST = 8.0

RELU_QUANTIZER = Quantizer.uniform(0.0, HIGHEST)
"""8 bits over the range of `relu_map`."""


def relu_map(rows: int, columns: int, channels: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """A map with neighbours alike, channels of uneven gain, some of them dead, half of it zero.

    Returns:
        float32 in 0..HIGHEST, of shape (rows, columns, channels).
    """
    generator = np.random.default_rng(seed)
    coarse = generator.normal(size=(-(-rows // PATCH), -(-columns // PATCH), channels))
    smooth = coarse.repeat(PATCH, axis=0)[:rows].repeat(PATCH, axis=1)[:, :columns]
    gains = np.exp(generator.normal(0.0, 0.7, channels))
    gains[DEAD_CHANNELS - 1 :: DEAD_CHANNELS] = 0.0
    detail = generator.normal(0.0, 0.3, (rows, columns, channels))
    samples: npt.NDArray[np.float32] = np.clip((smooth + detail) * gains, 0.0, HIGHEST).astype(
        np.float32
    )
    return samples
