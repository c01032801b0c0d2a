"""The levels of a channel, coded or decoded; compiled by Numba.

Encoder and decoder are the same function: `coder.decoding` tells whether `levels` is read or
filled.
"""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.compiling import inlined, inner
from fmq_embedded.dense import contexts as c
from fmq_embedded.dense import probabilities
from fmq_embedded.dense.coder_kernels import (
    BYPASS,
    code_bit,
    code_first,
    code_other,
    code_plain,
    write_if_many,
)
from fmq_embedded.dense.feature_kernels import TAIL_BINS, contexts_at

MODE_ORDER = np.array(c.MODE_ORDER)
DEAD, SPATIAL, WHOLE, TILED, PREDICTED = c.DEAD, c.SPATIAL, c.WHOLE, c.TILED, c.PREDICTED
EXPECTED_CLASSES, TAIL_CLASSES, MANTISSA_CLASSES = (
    c.EXPECTED_CLASSES,
    c.TAIL_CLASSES,
    c.MANTISSA_CLASSES,
)
MIXED_FLAGS = c.MIXED_FLAGS
TAIL, MANTISSA, SIGNS, MODES = c.TAIL, c.MANTISSA, c.SIGNS, c.MODES
SIGN_TRANSFORM, SIGN_DC = c.SIGNS + c.SIGN_SPATIAL, c.SIGNS + c.SIGN_SPATIAL + c.SIGN_TRANSFORM
LARGEST_CLASS = 18
"""A magnitude is below 3 + 2^19; a class above this is never coded."""
PLANE_LIMIT, MEAN_LIMIT = 127, 255
LARGEST_SEEN = 63
"""Of the magnitudes in a channel's mean."""
LARGEST_LEVEL = 1 << 18
"""What a decoder holds of a level that cannot be; it is refused afterwards."""
MEAN_RATES = probabilities.mean_rates()

NEXT_STATE = np.array([[0, 1], [2, 3], [1, 0], [3, 2]])
"""Dependent quantization: the next of four states, by the state and the parity of the level. A
state's lowest bit tells the quantizer."""


@inner
def code_mode(coder, states, last, mode):  # type: ignore[no-untyped-def]
    """A channel's mode, by that of the channel before."""
    for i in range(MODE_ORDER.size):
        context = MODES + last * MODE_ORDER.size + i
        if code_plain(coder, states, context, np.int64(mode == MODE_ORDER[i])):
            return MODE_ORDER[i]
    return np.int64(PREDICTED)


@inner
def code_rest(coder, states, domain, expected, rest):  # type: ignore[no-untyped-def]
    """What a magnitude has above 3: its class in unary, then the bits below the leading one."""
    value = rest + 1
    size = 0
    base = TAIL + (domain * EXPECTED_CLASSES + expected) * TAIL_CLASSES
    while size < LARGEST_CLASS:
        more = np.int64((value >> (size + 1)) > 0)
        if not code_plain(coder, states, base + min(size, TAIL_CLASSES - 1), more):
            break
        size += 1
    base = MANTISSA + (expected * MANTISSA_CLASSES + min(size, MANTISSA_CLASSES) - 1) * 3
    read = np.int64(1)
    for i in range(size):
        bit = (value >> (size - 1 - i)) & 1
        if i < 2:
            bit = code_plain(coder, states, base + read - 1, bit)
        else:
            bit = code_bit(coder, np.int64(BYPASS), bit)
        read = 2 * read + bit
    return read - 1


@inlined
def code_magnitude(coder, model, domain, quantizer, contexts, expected, magnitude):  # type: ignore[no-untyped-def]
    """A magnitude: three mixed flags, and what is above."""
    weight_set = domain * MIXED_FLAGS * 2 + quantizer
    if not code_first(coder, model, weight_set, contexts, np.int64(magnitude > 0)):
        return np.int64(0)
    for count in range(1, MIXED_FLAGS):
        weight_set += 2
        more = np.int64(magnitude > count)
        if not code_other(coder, model, weight_set, contexts, count - 1, more):
            return np.int64(count)
    rest = code_rest(coder, model.states, domain, expected, magnitude - MIXED_FLAGS)
    return np.int64(MIXED_FLAGS) + rest


@inlined
def _sign_at(plane, at):  # type: ignore[no-untyped-def]
    """The sign of a level in a plane: 0 if it is 0, 1 if it is positive, else 2."""
    level = np.int64(plane[np.uintp(at)])
    return np.int64(level > 0) + (level & 1)


@inlined
def _level_at(plane, at):  # type: ignore[no-untyped-def]
    """A level in a plane."""
    level = np.int64(plane[np.uintp(at)])
    return -(level >> 1) if level & 1 else level >> 1


@inlined
def spatial_sign_context(current, previous, at, stride):  # type: ignore[no-untyped-def]
    """By the signs of the neighbours and of the channel before."""
    context = 9 * _sign_at(previous, at) + 3 * _sign_at(current, at - 1)
    return SIGNS + context + _sign_at(current, at - stride)


@inlined
def transform_sign_context(current, previous, at, stride, agreement, is_first, tile):  # type: ignore[no-untyped-def]
    """By the sign in the channel before; a tile's first coefficient by those of its neighbours."""
    _, _, above, aside = tile
    before = _sign_at(previous, at)
    if is_first:
        around = np.int64(0)
        if aside > 0:
            around += _level_at(current, at - aside)
        if above > 0:
            around += _level_at(current, at - above * stride)
        return SIGN_DC + 3 * before + np.int64(around > 0) + 2 * np.int64(around < 0)
    return SIGN_TRANSFORM + 7 * before + min(max(agreement, -3), 3) + 3


@inner
def prediction(levels, row, column):  # type: ignore[no-untyped-def]
    """Of a level: the median of W, N and W + N − NW (ITU-T T.87 A.4.1); 0 at the first."""
    if row == 0:
        return np.int64(levels[row, column - 1]) if column > 0 else np.int64(0)
    north = np.int64(levels[row - 1, column])
    if column == 0:
        return north
    west = np.int64(levels[row, column - 1])
    low, high = min(west, north), max(west, north)
    return min(max(west + north - levels[row - 1, column - 1], low), high)


@inlined
def planes_of(history, mode):  # type: ignore[no-untyped-def]
    """The planes of a mode: of the channel being coded, the one before, and the one before that."""
    turn = history.turns[mode]
    planes = history.planes[mode]
    return planes[turn % 3], planes[(turn + 2) % 3], planes[(turn + 1) % 3]


@inlined
def tile_at(edges, i, j):  # type: ignore[no-untyped-def]
    """A tile of a mode: where it begins; and its size and those of its neighbours.

    Args:
        edges: int32 (2, most edges), of the mode.
    """
    top, left = np.int64(edges[0, i]), np.int64(edges[1, j])
    above = top - edges[0, i - 1] if i > 0 else np.int64(0)
    aside = left - edges[1, j - 1] if j > 0 else np.int64(0)
    return top, left, (edges[0, i + 1] - top, edges[1, j + 1] - left, above, aside)


@inlined
def moved_mean(mean, magnitude, seen):  # type: ignore[no-untyped-def]
    """A channel's mean magnitude, in 1/256, after one more; `seen` is how many there were."""
    return mean + (((min(magnitude, LARGEST_SEEN) * 256 - mean) * MEAN_RATES[np.uintp(seen)]) >> 16)


@inner
def code_channel(coder, model, history, tiles, quantizer, one_sided, mode, levels):  # type: ignore[no-untyped-def]
    """Code or decode the levels of a channel; its plane becomes the one before.

    Args:
        one_sided: whether no sample of this channel is negative.
        levels: int32, rows × columns.
    """
    domain = np.int64(mode in (WHOLE, TILED))
    planes = planes_of(history, mode)
    current, previous, _ = planes
    means, stride = history.means[mode], history.stride
    edges = tiles.edges[mode]
    mean = history.channel_means[mode]
    seen = agreement = np.int64(0)
    columns, dependent = levels.shape[1], quantizer.dependent
    for tile_row in range(tiles.counts[mode, 0] - 1):
        for tile_column in range(tiles.counts[mode, 1] - 1):
            top, left, tile = tile_at(edges, tile_row, tile_column)
            state = np.int64(0)
            for row in range(tile[0]):
                for column in range(tile[1]):
                    y, x = top + row, left + column
                    at = (y + 2) * stride + x + 2
                    place_mean = np.int64(means[np.uintp(y * columns + x)])
                    second = state & 1 if dependent else np.int64(0)
                    contexts = contexts_at(
                        domain, planes, at, stride, place_mean, mean >> 4, second, row, column, tile
                    )
                    is_dc = domain == 1 and row == 0 and column == 0
                    expected = np.int64(TAIL_BINS[np.uintp(place_mean)]) if is_dc else contexts[0]
                    guess = prediction(levels, y, x) if mode == PREDICTED else np.int64(0)
                    value = np.int64(0) if coder.decoding else np.int64(levels[y, x]) - guess
                    magnitude = code_magnitude(
                        coder, model, domain, second, contexts, expected, abs(value)
                    )
                    negative = np.int64(0)
                    if magnitude > 0 and (domain == 1 or not one_sided or guess > 0):
                        if domain:
                            context = transform_sign_context(
                                current, previous, at, stride, agreement, is_dc, tile
                            )
                        else:
                            context = spatial_sign_context(current, previous, at, stride)
                        negative = code_plain(coder, model.states, context, np.int64(value < 0))
                        other = _sign_at(previous, at)
                        if other != 0 and not is_dc:
                            agreement += 1 if other == 1 + negative else -1
                    current[np.uintp(at)] = 2 * min(magnitude, PLANE_LIMIT) + negative
                    if coder.decoding:
                        value = guess - magnitude if negative else guess + magnitude
                        levels[y, x] = min(max(value, -LARGEST_LEVEL), LARGEST_LEVEL)
                    else:
                        write_if_many(coder)
                    state = NEXT_STATE[state, magnitude & 1]
                    mean = moved_mean(mean, magnitude, seen)
                    seen = min(seen + 1, 255)
    history.channel_means[mode] = mean
    _leave(current, stride, means, history.turns[mode] == 0, levels.shape)
    history.turns[mode] += 1


@inner
def _leave(current, stride, means, is_first, shape):  # type: ignore[no-untyped-def]
    """The means of a mode's places move on."""
    rows, columns = shape
    for row in range(rows):
        for column in range(columns):
            at = np.uintp(row * columns + column)
            level = np.int64(current[np.uintp((row + 2) * stride + column + 2)] >> 1)
            now = min(16 * level, MEAN_LIMIT)
            mean = np.int64(means[at])
            means[at] = now if is_first else mean + ((now - mean) >> 2)
