"""The contexts of a level, from the magnitudes around it; compiled by Numba.

Planes hold the levels of a channel; see `History`. Where a level lies in them is told by one
number, `at`. Magnitudes in sixteenths are running means. What lies outside of a tile counts as 0:
it is read all the same, for there is a border, and a factor of 0 or 1 takes the place of a branch.
"""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.compiling import inlined
from fmq_embedded.dense import contexts as c

COARSE_BINS = c.bins(c.COARSE_EDGES).astype(np.uint8)
FINE_BINS = c.bins(c.FINE_EDGES).astype(np.uint8)
TAIL_BINS = c.bins(c.TAIL_EDGES).astype(np.uint8)
POSITION_CLASSES = c.positions().reshape(-1).astype(np.uint8)
POSITION_STRIDE = c.positions().shape[1]
COARSE, POSITIONS, EDGE_LIMIT = c.COARSE, c.POSITIONS, c.EDGE_LIMIT
TEXTURES, TILE_CLASSES, LOW_CLASSES = c.TEXTURES, c.TILE_CLASSES, c.LOW_CLASSES
SPATIAL_ZERO, TRANSFORM_ZERO = c.ZERO[c.SPATIAL_DOMAIN], c.ZERO[c.TRANSFORM_DOMAIN]
SPATIAL_MORE, TRANSFORM_MORE = c.MORE[c.SPATIAL_DOMAIN], c.MORE[c.TRANSFORM_DOMAIN]


@inlined
def binned(table, value):  # type: ignore[no-untyped-def]
    """Where a sum of magnitudes falls; unsigned places spare Numba a look at their sign."""
    return np.int64(table[np.uintp(min(value, EDGE_LIMIT))])


@inlined
def size_at(plane, at):  # type: ignore[no-untyped-def]
    """The magnitude of a level in a plane."""
    return np.int64(plane[np.uintp(at)] >> 1)


@inlined
def spatial_contexts(current, previous, before, at, stride, mean, channel_mean, quantizer):  # type: ignore[no-untyped-def]
    """Contexts of a level of a sample.

    Args:
        current, previous, before: planes.
        at, stride: where the level is in them, and from row to row.
        mean: of this place over the channels, in sixteenths.
        channel_mean: of this channel so far, in sixteenths.
        quantizer: of dependent quantization, 0 or 1; else 0.

    Returns:
        Nine numbers: the class of the expected magnitude, 0…10; the five contexts of the first
        flag; the three of the others.
    """
    west, north = size_at(current, at - 1), size_at(current, at - stride)
    north_west = size_at(current, at - stride - 1)
    local = 2 * (west + north) + north_west + size_at(current, at - stride + 1)
    far = size_at(current, at - 2) + size_at(current, at - 2 * stride)
    same = size_at(previous, at)
    around = size_at(previous, at - stride) + size_at(previous, at + stride)
    around += size_at(previous, at - 1) + size_at(previous, at + 1) + 2 * same
    total = (2 * local + far + around + channel_mean) >> 1
    fine, coarse = binned(FINE_BINS, total), binned(COARSE_BINS, total)
    texture = 6 * min(west, 2) + 2 * min(north, 2) + min(north_west, 1)
    pair = min(same, 2)
    by_channel = binned(COARSE_BINS, channel_mean)
    local_bin = binned(FINE_BINS, local)
    near = binned(COARSE_BINS, far + local)
    last = min(size_at(before, at), 1)
    return (
        binned(TAIL_BINS, total >> 2),
        SPATIAL_ZERO[0] + 2 * (3 * local_bin + pair) + quantizer,
        SPATIAL_ZERO[1] + 2 * (TEXTURES * coarse + texture) + quantizer,
        SPATIAL_ZERO[2] + 6 * texture + 2 * pair + last,
        SPATIAL_ZERO[3] + 2 * (COARSE * binned(COARSE_BINS, mean >> 1) + by_channel) + quantizer,
        SPATIAL_ZERO[4] + COARSE * binned(COARSE_BINS, around) + near,
        SPATIAL_MORE[0] + 2 * (3 * fine + (west > 1) + (north > 1)),
        SPATIAL_MORE[1] + 2 * (LOW_CLASSES * by_channel + min(same, LOW_CLASSES - 1)),
        SPATIAL_MORE[2] + 2 * (3 * local_bin + pair),
    )


@inlined
def transform_contexts(  # type: ignore[no-untyped-def]
    current, previous, at, stride, mean, channel_mean, quantizer, row, column, tile
):
    """Contexts of a coefficient; as `spatial_contexts`.

    Args:
        mean: of this coefficient over the channels.
        row, column: in the tile.
        tile: its height and width, and those of the tiles above and to the left, 0 where there is
            none.
    """
    height, width, height_above, width_left = tile
    has_west, has_north = np.int64(column > 0), np.int64(row > 0)
    has_east, has_south = np.int64(column < width - 1), np.int64(row < height - 1)
    west, north = has_west * size_at(current, at - 1), has_north * size_at(current, at - stride)
    local = has_west * size_at(current, at - stride - 1)
    local += has_east * size_at(current, at - stride + 1)
    local = 2 * (west + north) + has_north * local
    far = np.int64(column > 1) * size_at(current, at - 2)
    far += np.int64(row > 1) * size_at(current, at - 2 * stride)
    same = size_at(previous, at)
    around = has_west * size_at(previous, at - 1) + has_east * size_at(previous, at + 1)
    around += has_north * size_at(previous, at - stride)
    around += has_south * size_at(previous, at + stride) + 2 * same
    tiles = np.int64(column < width_left) * size_at(current, at - width_left)
    tiles += np.int64(row < height_above) * size_at(current, at - height_above * stride)
    total = local + far + around + channel_mean + (mean >> 1) + 2 * tiles
    total >>= 1
    fine = binned(FINE_BINS, total)
    position = np.int64(POSITION_CLASSES[np.uintp(POSITION_STRIDE * row + column)])
    by_mean = binned(COARSE_BINS, mean >> 1)
    near = local + far + tiles
    by_channel = binned(COARSE_BINS, channel_mean)
    pair = 2 * min(west, 1) + min(north, 1)
    return (
        binned(TAIL_BINS, total >> 2),
        TRANSFORM_ZERO[0] + 2 * (POSITIONS * by_channel + position) + quantizer,
        TRANSFORM_ZERO[1] + 2 * (COARSE * by_mean + binned(COARSE_BINS, near)) + quantizer,
        TRANSFORM_ZERO[2] + 2 * (4 * fine + pair) + quantizer,
        TRANSFORM_ZERO[3] + COARSE * binned(COARSE_BINS, around) + binned(COARSE_BINS, local),
        TRANSFORM_ZERO[4] + POSITIONS * min(2 * tiles + same, TILE_CLASSES - 1) + position,
        TRANSFORM_MORE[0] + 2 * (3 * fine + (west > 1) + (north > 1)),
        TRANSFORM_MORE[1] + 2 * (LOW_CLASSES * by_mean + min(same, LOW_CLASSES - 1)),
        TRANSFORM_MORE[2] + 2 * (3 * binned(FINE_BINS, near) + min(tiles, 2)),
    )


@inlined
def contexts_at(  # type: ignore[no-untyped-def]
    domain, planes, at, stride, mean, channel_mean, quantizer, row, column, tile
):
    """The contexts of a place, in either domain; planes: current, previous, before."""
    current, previous, before = planes
    if domain:
        return transform_contexts(
            current, previous, at, stride, mean, channel_mean, quantizer, row, column, tile
        )
    return spatial_contexts(current, previous, before, at, stride, mean, channel_mean, quantizer)
