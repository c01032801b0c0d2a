"""The levels of a channel, coded or decoded; compiled by Numba.

Encoder and decoder are the same function: `decoding` tells whether `levels` is read or filled.
"""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.dense import contexts as c
from fmq_embedded.dense import probabilities
from fmq_embedded.dense.coder_kernels import BYPASS, code_bit, code_mixed, code_plain
from fmq_embedded.dense.feature_kernels import (
    MORE_MODELS,
    TAIL_BINS,
    ZERO_MODELS,
    contexts_at,
)
from fmq_embedded.entropy.kernels import inlined, jit

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
LARGEST_LEVEL = 1 << 18
"""What a decoder holds of a level that cannot be; it is refused afterwards."""
MEAN_RATES = probabilities.mean_rates()

NEXT_STATE = np.array([[0, 1], [2, 3], [1, 0], [3, 2]])
"""Dependent quantization: the next of four states, by the state and the parity of the level. A
state's lowest bit tells the quantizer."""


@jit
def code_mode(decoding, coder, data, states, last, mode):  # type: ignore[no-untyped-def]
    """A channel's mode, by that of the channel before."""
    for i in range(MODE_ORDER.size):
        context = MODES + last * MODE_ORDER.size + i
        if code_plain(decoding, coder, data, states, context, np.int64(mode == MODE_ORDER[i])):
            return MODE_ORDER[i]
    return np.int64(PREDICTED)


@jit
def code_rest(decoding, coder, data, states, domain, expected, rest):  # type: ignore[no-untyped-def]
    """What a magnitude has above 3: its class in unary, then the bits below the leading one."""
    value = rest + 1
    size = 0
    base = TAIL + (domain * EXPECTED_CLASSES + expected) * TAIL_CLASSES
    while size < LARGEST_CLASS:
        more = np.int64((value >> (size + 1)) > 0)
        if not code_plain(decoding, coder, data, states, base + min(size, TAIL_CLASSES - 1), more):
            break
        size += 1
    base = MANTISSA + (expected * MANTISSA_CLASSES + min(size, MANTISSA_CLASSES) - 1) * 3
    read = np.int64(1)
    for i in range(size):
        bit = (value >> (size - 1 - i)) & 1
        if i < 2:
            bit = code_plain(decoding, coder, data, states, base + read - 1, bit)
        else:
            bit = code_bit(decoding, coder, data, BYPASS, bit)
        read = 2 * read + bit
    return read - 1


@inlined
def code_magnitude(  # type: ignore[no-untyped-def]
    decoding,
    coder,
    data,
    states,
    weights,
    domain,
    quantizer,
    expected,
    contexts,
    logits,
    magnitude,
):
    """A magnitude: three mixed flags, and what is above."""
    count = np.int64(0)
    while count < MIXED_FLAGS:
        sets = weights[(domain * MIXED_FLAGS + count) * 2 + quantizer]
        more = np.int64(magnitude > count)
        if count == 0:
            more = code_mixed(
                decoding, coder, data, states, sets, contexts, 0, ZERO_MODELS, logits, more
            )
        else:
            more = code_mixed(
                decoding,
                coder,
                data,
                states,
                sets,
                contexts[ZERO_MODELS:],
                count - 1,
                MORE_MODELS,
                logits,
                more,
            )
        if not more:
            return count
        count += 1
    return count + code_rest(decoding, coder, data, states, domain, expected, magnitude - count)


@jit
def _sign_class(value):  # type: ignore[no-untyped-def]
    return 1 if value > 0 else (2 if value < 0 else 0)


@jit
def spatial_sign_context(current, previous, row, column):  # type: ignore[no-untyped-def]
    """By the signs of the neighbours and of the channel before."""
    y, x = row + 2, column + 2
    context = 9 * _sign_class(previous[y, x]) + 3 * _sign_class(current[y, x - 1])
    return SIGNS + context + _sign_class(current[y - 1, x])


@jit
def transform_sign_context(current, previous, row, column, agreement, is_first, height, width):  # type: ignore[no-untyped-def]
    """By the sign in the channel before; a tile's first coefficient by those of its neighbours."""
    y, x = row + 2, column + 2
    before = _sign_class(previous[y, x])
    if is_first:
        around = np.int64(0)
        if width > 0:
            around += current[y, x - width]
        if height > 0:
            around += current[y - height, x]
        return SIGN_DC + 3 * before + _sign_class(around)
    return SIGN_TRANSFORM + 7 * before + min(max(agreement, -3), 3) + 3


@jit
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


@jit
def code_channel(  # type: ignore[no-untyped-def]
    decoding,
    coder,
    data,
    states,
    weights,
    mode,
    levels,
    dependent,
    one_sided,
    current,
    previous,
    before,
    means,
    is_first,
    channel_mean,
    row_edges,
    column_edges,
    contexts,
    logits,
):
    """Code or decode the levels of a channel.

    Args:
        levels: int32, rows × columns.
        dependent: whether quantization is dependent.
        one_sided: whether no sample is negative.
        current, previous, before: planes; `current` is filled.
        means: uint8, rows × columns: the running mean of each place over the channels of this
            mode, in sixteenths; moved on.
        is_first: whether this is the first channel of this mode.
        channel_mean: the mean magnitude of the last channel of this mode, in 1/256.
        row_edges, column_edges: where tiles begin, and the end.

    Returns:
        The mean magnitude of this channel, in 1/256.
    """
    domain = np.int64(mode in (WHOLE, TILED))
    seen = state = agreement = np.int64(0)
    for tile_row in range(row_edges.size - 1):
        top, bottom = np.int64(row_edges[tile_row]), np.int64(row_edges[tile_row + 1])
        above = top - row_edges[tile_row - 1] if tile_row > 0 else np.int64(0)
        for tile_column in range(column_edges.size - 1):
            left, right = (
                np.int64(column_edges[tile_column]),
                np.int64(column_edges[tile_column + 1]),
            )
            aside = left - column_edges[tile_column - 1] if tile_column > 0 else np.int64(0)
            state = np.int64(0)
            for row in range(top, bottom):
                for column in range(left, right):
                    mean = channel_mean >> 4
                    quantizer = state & 1 if dependent else np.int64(0)
                    (
                        expected,
                        contexts[0],
                        contexts[1],
                        contexts[2],
                        contexts[3],
                        contexts[4],
                        contexts[5],
                        contexts[6],
                        contexts[7],
                    ) = contexts_at(
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
                    )
                    is_dc = domain == 1 and row == top and column == left
                    if is_dc:
                        expected = TAIL_BINS[np.int64(means[row, column])]
                    guess = prediction(levels, row, column) if mode == PREDICTED else np.int64(0)
                    value = np.int64(0) if decoding else np.int64(levels[row, column]) - guess
                    magnitude = code_magnitude(
                        decoding,
                        coder,
                        data,
                        states,
                        weights,
                        domain,
                        quantizer,
                        expected,
                        contexts,
                        logits,
                        abs(value),
                    )
                    negative = np.int64(0)
                    if magnitude > 0 and (domain == 1 or not one_sided or guess > 0):
                        if domain:
                            context = transform_sign_context(
                                current, previous, row, column, agreement, is_dc, above, aside
                            )
                        else:
                            context = spatial_sign_context(current, previous, row, column)
                        negative = code_plain(
                            decoding, coder, data, states, context, np.int64(value < 0)
                        )
                        other = previous[row + 2, column + 2]
                        if other != 0 and not is_dc:
                            agreement += 1 if (other < 0) == (negative == 1) else -1
                    value = -magnitude if negative else magnitude
                    if decoding:
                        levels[row, column] = min(max(value + guess, -LARGEST_LEVEL), LARGEST_LEVEL)
                    clipped = min(magnitude, PLANE_LIMIT)
                    current[row + 2, column + 2] = -clipped if negative else clipped
                    state = NEXT_STATE[state, magnitude & 1]
                    channel_mean += (
                        (min(magnitude, 63) * 256 - channel_mean) * MEAN_RATES[seen]
                    ) >> 16
                    seen = min(seen + 1, 255)
    for row in range(levels.shape[0]):
        for column in range(levels.shape[1]):
            now = min(16 * abs(np.int64(current[row + 2, column + 2])), MEAN_LIMIT)
            mean = np.int64(means[row, column])
            means[row, column] = now if is_first else mean + ((now - mean) >> 2)
    return channel_mean
