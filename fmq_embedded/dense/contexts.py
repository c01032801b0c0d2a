"""The contexts of the dense model: how many of each kind there are and how they are numbered.

A magnitude m is coded by the flags m > 0, m > 1, m > 2, and what is above 2 by its class and the
bits below. Each of the three flags mixes several contexts; the others have one.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

DEAD, SPATIAL, WHOLE, TILED, PREDICTED = range(5)
"""Modes of a channel: all 0; levels of samples; of the transform in parts of up to 64, and of up
to 8; levels of samples less a prediction from their neighbours."""
MODE_COUNT: Final = 5
MODE_ORDER = (DEAD, SPATIAL, TILED, WHOLE)
"""The flags by which a mode is told, in their order; PREDICTED is what is left."""

MOST_PARENTS: Final = 3
"""A channel may be predicted from so many channels before it."""
PARENT_WINDOW: Final = 64
"""It is one of so many."""
NO_PARENT: Final = -1

SPATIAL_DOMAIN, TRANSFORM_DOMAIN = 0, 1

ZERO_MODELS: Final = 5
MORE_MODELS: Final = 3
MIXED_FLAGS: Final = 3

COARSE_EDGES = (1, 2, 4, 7, 12, 20, 40)
FINE_EDGES = (1, 2, 4, 7, 12, 18, 27, 40, 64, 110, 200)
TAIL_EDGES = (5, 10, 17, 30, 50, 85, 150, 260, 450, 700)
COARSE: Final = len(COARSE_EDGES) + 1
FINE: Final = len(FINE_EDGES) + 1
EDGE_LIMIT: Final = 1023
TEXTURES: Final = 18
POSITIONS: Final = 16
TILE_CLASSES: Final = 4
LOW_CLASSES: Final = 4

_ZERO_SIZES = (
    (FINE * 3, COARSE * TEXTURES, TEXTURES * 6, COARSE * COARSE, COARSE * COARSE),
    (COARSE * POSITIONS, COARSE * COARSE, FINE * 4, COARSE * COARSE, TILE_CLASSES * POSITIONS),
)
ZERO_SLOTS = ((2, 2, 1, 2, 1), (2, 2, 2, 1, 1))
"""Which contexts of the first flag are apart for the two quantizers of dependent quantization."""
_MORE_SIZES = (FINE * 3, COARSE * LOW_CLASSES, FINE * 3)
MORE_SLOTS: Final = 2
"""One for each flag."""
EXPECTED_CLASSES: Final = len(TAIL_EDGES) + 1
TAIL_CLASSES: Final = 6
MANTISSA_CLASSES: Final = 5
SIGN_SPATIAL: Final = 27
SIGN_TRANSFORM: Final = 21
SIGN_DC: Final = 9

ZERO = np.zeros((2, ZERO_MODELS), np.int64)
"""Where the contexts of each model begin, by domain."""
MORE = np.zeros((2, MORE_MODELS), np.int64)
_at = 0
for _domain in (SPATIAL_DOMAIN, TRANSFORM_DOMAIN):
    for _model, _size in enumerate(_ZERO_SIZES[_domain]):
        ZERO[_domain, _model] = _at
        _at += _size * ZERO_SLOTS[_domain][_model]
ZERO_COUNT = _at
DEPENDENT_COUNT = sum(
    size * (slots - 1)
    for sizes, each in zip(_ZERO_SIZES, ZERO_SLOTS, strict=True)
    for size, slots in zip(sizes, each, strict=True)
)
"""Contexts that only dependent quantization has."""
for _domain in (SPATIAL_DOMAIN, TRANSFORM_DOMAIN):
    for _model, _size in enumerate(_MORE_SIZES):
        MORE[_domain, _model] = _at
        _at += _size * MORE_SLOTS
TAIL = _at
MANTISSA = TAIL + 2 * EXPECTED_CLASSES * TAIL_CLASSES
SIGNS = MANTISSA + EXPECTED_CLASSES * MANTISSA_CLASSES * 3
MODES = SIGNS + SIGN_SPATIAL + SIGN_TRANSFORM + SIGN_DC
PARENTS = MODES + MODE_COUNT * len(MODE_ORDER)
CONTEXT_COUNT = PARENTS + 2 * MOST_PARENTS

WEIGHT_SETS = 2 * MIXED_FLAGS * 2


def bins(edges: tuple[int, ...]) -> npt.NDArray[np.int32]:
    """For 0…1,023: the number of edges that are not above."""
    values = np.arange(EDGE_LIMIT + 1)
    return np.searchsorted(np.array(edges), values, side="right").astype(np.int32)


def positions() -> npt.NDArray[np.int32]:
    """The class of a coefficient by its row and column in the tile, (64, 64)."""
    row, column = np.indices((64, 64))
    total = row + column
    below = (row > column).astype(int)
    table = np.select(
        [(row < 3) & (column < 3), total < 5, total < 8, total < 12, total < 20],
        [row * 3 + column, 9 + below, 11 + below, np.full_like(row, 13), np.full_like(row, 14)],
        15,
    )
    return table.astype(np.int32)
