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
from fmq_embedded.entropy.kernels import inlined

COARSE_BINS = c.bins(c.COARSE_EDGES)
FINE_BINS = c.bins(c.FINE_EDGES)
TAIL_BINS = c.bins(c.TAIL_EDGES)
POSITION_CLASSES = c.positions()
COARSE, POSITIONS, EDGE_LIMIT = c.COARSE, c.POSITIONS, c.EDGE_LIMIT
TEXTURES, TILE_CLASSES, LOW_CLASSES = c.TEXTURES, c.TILE_CLASSES, c.LOW_CLASSES
ZERO_MODELS, MORE_MODELS = c.ZERO_MODELS, c.MORE_MODELS
SPATIAL_ZERO, TRANSFORM_ZERO = c.ZERO[c.SPATIAL_DOMAIN], c.ZERO[c.TRANSFORM_DOMAIN]
SPATIAL_MORE, TRANSFORM_MORE = c.MORE[c.SPATIAL_DOMAIN], c.MORE[c.TRANSFORM_DOMAIN]


@inlined
def _bin(table, value):  # type: ignore[no-untyped-def]
    """Where a sum of magnitudes falls; unsigned places spare Numba a look at their sign."""
    return np.int64(table[np.uintp(min(value, EDGE_LIMIT))])


@inlined
def spatial_contexts(  # type: ignore[no-untyped-def]
    current, previous, before, means, row, column, channel_mean, quantizer
):
    """Contexts of a level of a sample.

    Args:
        current, previous, before: planes.
        means: of this place over the channels, uint8 in sixteenths, rows × columns.
        channel_mean: of this channel so far, in sixteenths.
        quantizer: of dependent quantization, 0 or 1; else 0.

    Returns:
        The class of the expected magnitude, 0…10; the contexts of the first flag; those of the
        others.
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
    expected = _bin(TAIL_BINS, total >> 2)
    fine, coarse = _bin(FINE_BINS, total), _bin(COARSE_BINS, total)
    texture = 6 * min(west, 2) + 2 * min(north, 2) + min(north_west, 1)
    pair = min(same, 2)
    by_channel = _bin(COARSE_BINS, channel_mean)
    local_bin = _bin(FINE_BINS, local)
    by_mean = _bin(COARSE_BINS, mean >> 1)
    near = _bin(COARSE_BINS, far + local)
    last = min(abs(np.int64(before[y, x])), 1)
    zero_0 = SPATIAL_ZERO[0] + 2 * (3 * local_bin + pair) + quantizer
    zero_1 = SPATIAL_ZERO[1] + 2 * (TEXTURES * coarse + texture) + quantizer
    zero_2 = SPATIAL_ZERO[2] + 6 * texture + 2 * pair + last
    zero_3 = SPATIAL_ZERO[3] + 2 * (COARSE * by_mean + by_channel) + quantizer
    zero_4 = SPATIAL_ZERO[4] + COARSE * _bin(COARSE_BINS, around) + near
    more_0 = SPATIAL_MORE[0] + 2 * (3 * fine + (west > 1) + (north > 1))
    more_1 = SPATIAL_MORE[1] + 2 * (LOW_CLASSES * by_channel + min(same, LOW_CLASSES - 1))
    more_2 = SPATIAL_MORE[2] + 2 * (3 * local_bin + pair)
    return expected, zero_0, zero_1, zero_2, zero_3, zero_4, more_0, more_1, more_2


@inlined
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
    expected = _bin(TAIL_BINS, total >> 2)
    fine = _bin(FINE_BINS, total)
    position = POSITION_CLASSES[row - top, column - left]
    by_mean = _bin(COARSE_BINS, mean >> 1)
    near = local + far + tiles
    by_channel = _bin(COARSE_BINS, channel_mean)
    by_around = _bin(COARSE_BINS, around)
    pair = 2 * min(west, 1) + min(north, 1)
    zero_0 = TRANSFORM_ZERO[0] + 2 * (POSITIONS * by_channel + position) + quantizer
    zero_1 = TRANSFORM_ZERO[1] + 2 * (COARSE * by_mean + _bin(COARSE_BINS, near)) + quantizer
    zero_2 = TRANSFORM_ZERO[2] + 2 * (4 * fine + pair) + quantizer
    zero_3 = TRANSFORM_ZERO[3] + COARSE * by_around + _bin(COARSE_BINS, local)
    zero_4 = TRANSFORM_ZERO[4] + POSITIONS * min(2 * tiles + same, TILE_CLASSES - 1) + position
    more_0 = TRANSFORM_MORE[0] + 2 * (3 * fine + (west > 1) + (north > 1))
    more_1 = TRANSFORM_MORE[1] + 2 * (LOW_CLASSES * by_mean + min(same, LOW_CLASSES - 1))
    more_2 = TRANSFORM_MORE[2] + 2 * (3 * _bin(FINE_BINS, near) + min(tiles, 2))
    return expected, zero_0, zero_1, zero_2, zero_3, zero_4, more_0, more_1, more_2


@inlined
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
        )
    return spatial_contexts(current, previous, before, means, row, column, mean, quantizer)
