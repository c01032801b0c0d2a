"""What is done to a whole channel before and after its levels; compiled by Numba."""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.compiling import inner, merged
from fmq_embedded.dense.level_kernels import prediction, tile_at
from fmq_embedded.transform.kernels import forward, inverse

HALVED = 1 << 17
"""A magnitude from which on the last bit is left out, for 32 bits to suffice."""
LARGEST_SCALED = 2 * HALVED - 1


@inner
def transform_tiles(samples, tiles, mode, coefficients):  # type: ignore[no-untyped-def]
    """Forward, each tile of a channel in a mode."""
    edges = tiles.edges[mode]
    for i in range(tiles.counts[mode, 0] - 1):
        for j in range(tiles.counts[mode, 1] - 1):
            top, left, size = tile_at(edges, i, j)
            forward(samples, top, left, size[0], size[1], tiles.table, tiles.scratch, coefficients)


@merged
def restore_tiles(coefficients, tiles, mode, samples):  # type: ignore[no-untyped-def]
    """Inverse, each tile of a channel in a mode."""
    edges = tiles.edges[mode]
    for i in range(tiles.counts[mode, 0] - 1):
        for j in range(tiles.counts[mode, 1] - 1):
            top, left, size = tile_at(edges, i, j)
            inverse(coefficients, top, left, size[0], size[1], tiles.table, tiles.scratch, samples)


@inner
def scale_plane(coefficients, reciprocal, shift, scaled):  # type: ignore[no-untyped-def]
    """Coefficients in 1/256 step: |c| · reciprocal >> shift, all below 2^32."""
    for row in range(coefficients.shape[0]):
        for column in range(coefficients.shape[1]):
            value = np.int64(coefficients[row, column])
            size = min(abs(value), LARGEST_SCALED)
            if size < HALVED:
                size = (size * reciprocal) >> shift
            else:
                size = ((size >> 1) * reciprocal) >> (shift - 1)
            scaled[row, column] = -size if value < 0 else size


@inner
def subtract_prediction(plane, residuals):  # type: ignore[no-untyped-def]
    """What `PREDICTED` codes: levels less their prediction."""
    for row in range(plane.shape[0]):
        for column in range(plane.shape[1]):
            residuals[row, column] = plane[row, column] - prediction(plane, row, column)


@inner
def clip_plane(samples):  # type: ignore[no-untyped-def]
    """Negative samples become 0."""
    for row in range(samples.shape[0]):
        for column in range(samples.shape[1]):
            samples[row, column] = max(samples[row, column], 0)


@inner
def copy_plane(source, target):  # type: ignore[no-untyped-def]
    """Copy a channel."""
    for row in range(source.shape[0]):
        for column in range(source.shape[1]):
            target[row, column] = source[row, column]


@inner
def keep_scaled(scaled, levels, kept):  # type: ignore[no-untyped-def]
    """Copy what was quantized; returns whether any level is not 0."""
    any_level = False
    for row in range(levels.shape[0]):
        for column in range(levels.shape[1]):
            kept[row, column] = scaled[row, column]
            any_level |= levels[row, column] != 0
    return any_level
