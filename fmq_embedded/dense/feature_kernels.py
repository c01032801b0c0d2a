"""The contexts of a level, from the magnitudes around it; compiled by Numba.

Planes hold the levels of a channel as int8, clipped to ±127, with a border of two zeros: that of
the channel being coded, the one before it in the same mode, and the one before that. Where a level
lies is told by its row and column in the channel. Magnitudes in sixteenths are running means.
"""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.dense import contexts as c
from fmq_embedded.entropy.kernels import jit

COARSE_BINS = c.bins(c.COARSE_EDGES)
FINE_BINS = c.bins(c.FINE_EDGES)
TAIL_BINS = c.bins(c.TAIL_EDGES)
POSITION_CLASSES = c.positions()
COARSE, POSITIONS, EDGE_LIMIT = c.COARSE, c.POSITIONS, c.EDGE_LIMIT
TEXTURES, TILE_CLASSES, LOW_CLASSES = c.TEXTURES, c.TILE_CLASSES, c.LOW_CLASSES
ZERO_MODELS, MORE_MODELS = c.ZERO_MODELS, c.MORE_MODELS
SPATIAL_ZERO, TRANSFORM_ZERO = c.ZERO[c.SPATIAL_DOMAIN], c.ZERO[c.TRANSFORM_DOMAIN]
SPATIAL_MORE, TRANSFORM_MORE = c.MORE[c.SPATIAL_DOMAIN], c.MORE[c.TRANSFORM_DOMAIN]


@jit
def spatial_contexts(  # type: ignore[no-untyped-def]
    current, previous, before, means, row, column, channel_mean, quantizer, contexts
):
    """Contexts of a level of a sample.

    Args:
        current, previous, before: planes.
        means: of this place over the channels, uint8 in sixteenths, rows × columns.
        channel_mean: of this channel so far, in sixteenths.
        quantizer: of dependent quantization, 0 or 1; else 0.
        contexts: gets the numbers of the contexts of the first flag, then those of the others.

    Returns:
        The class of the expected magnitude, 0…10.
    """
    y, x = row + 2, column + 2
    west, north = abs(np.int64(current[y, x - 1])), abs(np.int64(current[y - 1, x]))
    north_west = abs(np.int64(current[y - 1, x - 1]))
    local = 2 * (west + north) + north_west + abs(np.int64(current[y - 1, x + 1]))
    far = abs(np.int64(current[y, x - 2])) + abs(np.int64(current[y - 2, x]))
    same = abs(np.int64(previous[y, x]))
    around = abs(np.int64(previous[y - 1, x])) + abs(np.int64(previous[y + 1, x]))
    around += abs(np.int64(previous[y, x - 1])) + abs(np.int64(previous[y, x + 1]))
    around += 2 * same
    mean = np.int64(means[row, column])
    total = (2 * local + far + around + channel_mean) >> 1
    expected = TAIL_BINS[min(total >> 2, EDGE_LIMIT)]
    total = min(total, EDGE_LIMIT)
    fine, coarse = FINE_BINS[total], COARSE_BINS[total]
    texture = 6 * min(west, 2) + 2 * min(north, 2) + min(north_west, 1)
    pair = min(same, 2)
    by_channel = COARSE_BINS[min(channel_mean, EDGE_LIMIT)]
    local_bin = FINE_BINS[min(local, EDGE_LIMIT)]
    by_mean = COARSE_BINS[min(mean >> 1, EDGE_LIMIT)]
    near = COARSE_BINS[min(far + local, EDGE_LIMIT)]
    last = min(abs(np.int64(before[y, x])), 1)
    contexts[0] = SPATIAL_ZERO[0] + 2 * (3 * local_bin + pair) + quantizer
    contexts[1] = SPATIAL_ZERO[1] + 2 * (TEXTURES * coarse + texture) + quantizer
    contexts[2] = SPATIAL_ZERO[2] + 6 * texture + 2 * pair + last
    contexts[3] = SPATIAL_ZERO[3] + 2 * (COARSE * by_mean + by_channel) + quantizer
    contexts[4] = SPATIAL_ZERO[4] + COARSE * COARSE_BINS[min(around, EDGE_LIMIT)] + near
    contexts[5] = SPATIAL_MORE[0] + 2 * (3 * fine + (west > 1) + (north > 1))
    contexts[6] = SPATIAL_MORE[1] + 2 * (LOW_CLASSES * by_channel + min(same, LOW_CLASSES - 1))
    contexts[7] = SPATIAL_MORE[2] + 2 * (3 * local_bin + pair)
    return expected


@jit
def transform_contexts(  # type: ignore[no-untyped-def]
    current,
    previous,
    means,
    row,
    column,
    top,
    left,
    bottom,
    right,
    height_above,
    width_left,
    channel_mean,
    quantizer,
    contexts,
):
    """Contexts of a coefficient; as `spatial_contexts`.

    Args:
        means: of this coefficient over the channels.
        top, left, bottom, right: the tile that it lies in.
        height_above, width_left: of the tiles above and to the left; 0 where there is none.
    """
    y, x = row + 2, column + 2
    west = north = north_west = north_east = far = around = tiles = np.int64(0)
    same = abs(np.int64(previous[y, x]))
    if column > left:
        west = abs(np.int64(current[y, x - 1]))
        around += abs(np.int64(previous[y, x - 1]))
        if column > left + 1:
            far += abs(np.int64(current[y, x - 2]))
    if column < right - 1:
        around += abs(np.int64(previous[y, x + 1]))
    if row > top:
        north = abs(np.int64(current[y - 1, x]))
        around += abs(np.int64(previous[y - 1, x]))
        if row > top + 1:
            far += abs(np.int64(current[y - 2, x]))
        if column > left:
            north_west = abs(np.int64(current[y - 1, x - 1]))
        if column < right - 1:
            north_east = abs(np.int64(current[y - 1, x + 1]))
    if row < bottom - 1:
        around += abs(np.int64(previous[y + 1, x]))
    if column - left < width_left:
        tiles += abs(np.int64(current[y, x - width_left]))
    if row - top < height_above:
        tiles += abs(np.int64(current[y - height_above, x]))
    around += 2 * same
    local = 2 * (west + north) + north_west + north_east
    mean = np.int64(means[row, column])
    total = local + far + around + channel_mean + (mean >> 1) + 2 * tiles
    total >>= 1
    expected = TAIL_BINS[min(total >> 2, EDGE_LIMIT)]
    fine = FINE_BINS[min(total, EDGE_LIMIT)]
    position = POSITION_CLASSES[row - top, column - left]
    by_mean = COARSE_BINS[min(mean >> 1, EDGE_LIMIT)]
    near = min(local + far + tiles, EDGE_LIMIT)
    by_channel = COARSE_BINS[min(channel_mean, EDGE_LIMIT)]
    by_around = COARSE_BINS[min(around, EDGE_LIMIT)]
    pair = 2 * min(west, 1) + min(north, 1)
    contexts[0] = TRANSFORM_ZERO[0] + 2 * (POSITIONS * by_channel + position) + quantizer
    contexts[1] = TRANSFORM_ZERO[1] + 2 * (COARSE * by_mean + COARSE_BINS[near]) + quantizer
    contexts[2] = TRANSFORM_ZERO[2] + 2 * (4 * fine + pair) + quantizer
    contexts[3] = TRANSFORM_ZERO[3] + COARSE * by_around + COARSE_BINS[min(local, EDGE_LIMIT)]
    contexts[4] = TRANSFORM_ZERO[4] + POSITIONS * min(2 * tiles + same, TILE_CLASSES - 1) + position
    contexts[5] = TRANSFORM_MORE[0] + 2 * (3 * fine + (west > 1) + (north > 1))
    contexts[6] = TRANSFORM_MORE[1] + 2 * (LOW_CLASSES * by_mean + min(same, LOW_CLASSES - 1))
    contexts[7] = TRANSFORM_MORE[2] + 2 * (3 * FINE_BINS[near] + min(tiles, 2))
    return expected


@jit
def contexts_at(  # type: ignore[no-untyped-def]
    domain,
    current,
    previous,
    before,
    means,
    row,
    column,
    top,
    left,
    bottom,
    right,
    above,
    aside,
    mean,
    quantizer,
    contexts,
):
    """The contexts of a place, in either domain."""
    if domain:
        return transform_contexts(
            current,
            previous,
            means,
            row,
            column,
            top,
            left,
            bottom,
            right,
            above,
            aside,
            mean,
            quantizer,
            contexts,
        )
    return spatial_contexts(
        current, previous, before, means, row, column, mean, quantizer, contexts
    )
