"""From levels back to samples; compiled by Numba, 32-bit integers alone."""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.compiling import inner
from fmq_embedded.dense.level_kernels import DEAD, NEXT_STATE, TILED, WHOLE
from fmq_embedded.dense.parent_kernels import NO_PARENT, add_parents
from fmq_embedded.dense.plane_kernels import clip_plane, restore_tiles
from fmq_embedded.entropy.kernels import jit

LARGEST_POINT = (1 << 20) - 1
NO_SHIFT = 12
"""The octave of steps at which a product needs no shift."""


@inner
def restore_level(level, quantizer, dependent, mantissa, octave, offsets):  # type: ignore[no-untyped-def]
    """The coefficient of a level, in 1/4, within ±(2^20 − 1).

    Args:
        level: a magnitude below 2^18.
        quantizer: of dependent quantization, 0 or 1; else 0.
        offsets: int64 (2): what is added to the points of level 1 and of those above, in 1/32 step.
    """
    if level == 0:
        return np.int64(0)
    point = (16 * (2 * level - quantizer) if dependent else 32 * level) + offsets[min(level, 2) - 1]
    product = max(point, 0) * mantissa
    if octave < NO_SHIFT:
        product = (product + (1 << (NO_SHIFT - 1 - octave))) >> (NO_SHIFT - octave)
        return min(product, LARGEST_POINT)
    return min(product, LARGEST_POINT >> (octave - NO_SHIFT)) << (octave - NO_SHIFT)


@inner
def filled_level(neighbours, mantissa, octave, fills):  # type: ignore[no-untyped-def]
    """A sample of level 0 of a one-sided channel, in 1/4.

    Args:
        neighbours: whether any of the eight around it has another level.
        fills: in 1/64 step, 0…15: where none has, and where any has.
    """
    product = fills[1 if neighbours else 0] * mantissa
    if octave <= NO_SHIFT:
        return (product + (1 << (NO_SHIFT - octave))) >> (NO_SHIFT + 1 - octave)
    return product << (octave - NO_SHIFT - 1)


@inner
def has_neighbours(levels, row, column):  # type: ignore[no-untyped-def]
    """Whether any of the eight places around one has a level that is not 0."""
    for y in range(max(row - 1, 0), min(row + 2, levels.shape[0])):
        for x in range(max(column - 1, 0), min(column + 2, levels.shape[1])):
            if levels[y, x] != 0 and (y != row or x != column):
                return True
    return False


@inner
def restore_channel(levels, mode, is_child, tiles, quantizer, samples):  # type: ignore[no-untyped-def]
    """The samples of a channel, in 1/4, without what its parents say.

    Args:
        levels: int32, rows × columns.
        is_child: whether it has parents.
        samples: int32, rows × columns, filled.
    """
    if mode == DEAD:
        samples[:, :] = 0
        return
    is_transformed = mode in (WHOLE, TILED)
    dependent, mantissa, octave = quantizer.dependent, quantizer.mantissa, quantizer.octave
    own, fills = quantizer.points[1 if is_transformed else 0], quantizer.points[2]
    are_filled = quantizer.one_sided and not is_child and not is_transformed
    are_filled &= fills[0] + fills[1] > 0
    edges = tiles.edges[mode]
    for i in range(tiles.counts[mode, 0] - 1):
        for j in range(tiles.counts[mode, 1] - 1):
            state = np.int64(0)
            for row in range(edges[0, i], edges[0, i + 1]):
                for column in range(edges[1, j], edges[1, j + 1]):
                    level = abs(np.int64(levels[row, column]))
                    second = state & 1 if dependent else np.int64(0)
                    value = restore_level(level, second, dependent, mantissa, octave, own)
                    if are_filled and level == 0:
                        around = has_neighbours(levels, row, column)
                        value = filled_level(around, mantissa, octave, fills)
                    samples[row, column] = -value if levels[row, column] < 0 else value
                    state = NEXT_STATE[state, level & 1]
    if is_transformed:
        restore_tiles(samples, tiles, mode, samples)


@jit
def restore_map(coding, tiles, quantizer, samples):  # type: ignore[no-untyped-def]
    """The samples of all channels; see `restore_channel`."""
    for channel in range(samples.shape[0]):
        parents = coding.parents[channel]
        is_child = parents[0] != NO_PARENT
        restore_channel(
            coding.levels[channel],
            coding.modes[channel],
            is_child,
            tiles,
            quantizer,
            samples[channel],
        )
        add_parents(samples, channel, parents, coding.factors[channel])
        if quantizer.clips:
            clip_plane(samples[channel])


@jit
def point_statistics(coding, tiles, quantizer, scaled, sums, counts):  # type: ignore[no-untyped-def]
    """How far magnitudes lie from their points, by domain and class of level.

    Args:
        scaled: int32, channels × rows × columns: what was quantized, in 1/256 step (half step if
            dependent).
        sums: int64 (3, 2), as points: of the differences; counts: int64 (3, 2). Both are added to.
    """
    dependent = quantizer.dependent
    for channel in range(scaled.shape[0]):
        mode, levels = coding.modes[channel], coding.levels[channel]
        if mode == DEAD:
            continue
        domain = np.int64(mode in (WHOLE, TILED))
        fills = quantizer.one_sided and domain == 0 and coding.parents[channel, 0] == NO_PARENT
        edges = tiles.edges[mode]
        for i in range(tiles.counts[mode, 0] - 1):
            for j in range(tiles.counts[mode, 1] - 1):
                state = np.int64(0)
                for row in range(edges[0, i], edges[0, i + 1]):
                    for column in range(edges[1, j], edges[1, j + 1]):
                        level = abs(np.int64(levels[row, column]))
                        size = np.int64(scaled[channel, row, column])
                        if level > 0:
                            point = 256 * (2 * level - (state & 1)) if dependent else 256 * level
                            size = -size if levels[row, column] < 0 else size
                            sums[domain, min(level, 2) - 1] += size - point
                            counts[domain, min(level, 2) - 1] += 1
                        elif fills:
                            around = np.int64(has_neighbours(levels, row, column))
                            sums[2, around] += size
                            counts[2, around] += 1
                        state = NEXT_STATE[state, level & 1]
