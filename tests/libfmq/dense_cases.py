"""Maps for the tests of the dense coder in C."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fmq_embedded.dense.layout import Layout

SHAPES = (
    (1, 1, 1),
    (1, 1, 7),
    (1, 9, 1),
    (9, 1, 2),
    (5, 7, 3),
    (33, 17, 5),
    (2, 9, 9, 3),
    (8, 8, 9),
)


def random_planes(
    rng: np.random.Generator, layout: Layout, *, one_sided: bool
) -> npt.NDArray[np.int32]:
    """Fixed-point samples: channels that are silent, noisy, smooth, or over the whole range."""
    g = layout.geometry
    noise = rng.laplace(0, 1, (g.channels, g.rows, g.columns))
    noise *= rng.choice([0, 3, 60, 1500], (g.channels, 1, 1))
    row, column = np.indices((g.rows, g.columns))
    waves = rng.choice([0, 300, 2000], (g.channels, 1, 1)) * np.cos(0.3 * row + 0.2 * column)
    samples = np.clip(np.rint(noise + waves), -4095, 4095).astype(np.int32)
    return np.abs(samples) if one_sided else samples
