"""The decoder's half of the level coder, compiled by Numba; the mirror of `kernels.binarise`."""

from __future__ import annotations

import numpy as np

from fmq_embedded.entropy.kernels import (
    BINS,
    BYPASS,
    CLASS_CONTEXTS,
    CLASS_FLAGS,
    GROUPS,
    LAST_EDGE,
    MAGNITUDE,
    MAGNITUDE_LIMIT,
    MANTISSA_CLASSES,
    MANTISSA_CONTEXTS,
    MEAN,
    NEGATIVE,
    POSITION,
    SIGN_CONTEXTS,
    SILENT_CONTEXT,
    ZERO_CONTEXTS,
    decode,
    decode_bit,
    jit,
)


@jit
def decode_magnitude(coder, data, states, estimate_bin, bit_depth):  # type: ignore[no-untyped-def]
    """Decode a magnitude of at least 1: its class in unary, then the bits below."""
    shift = bit_depth - 8 if bit_depth > 8 else 0
    e = 0
    context = CLASS_CONTEXTS + estimate_bin * CLASS_FLAGS
    last_flag = context + CLASS_FLAGS - 1
    while e < bit_depth - 1 and decode(coder, data, states, context):
        e += 1
        if e > shift and context < last_flag:
            context += 1
    mantissa_class = e - 1 - shift if e - 1 > shift else 0
    if mantissa_class >= MANTISSA_CLASSES:
        mantissa_class = MANTISSA_CLASSES - 1
    base = MANTISSA_CONTEXTS + 3 * (GROUPS[estimate_bin] * MANTISSA_CLASSES + mantissa_class) - 1
    value = 1
    while e > 0:
        e -= 1
        if value < 4:
            value = 2 * value + decode(coder, data, states, base + value)
        else:
            value = 2 * value + decode_bit(coder, data, BYPASS)
    return value


@jit
def decode_levels(  # type: ignore[no-untyped-def]
    levels, columns, channels, centre, bit_depth, data, coder, states, means, history
):
    """Decode the levels of a map; the mirror of `binarise` and `encode_decisions`.

    Args:
        levels: uint16, written.
        data: uint8; `coder` is at the payload's fifth byte.

    Returns:
        Whether every level can be. It stops early where one cannot, and where the payload runs
        past the end of `data`: the position in `coder`, less 2, is then beyond it.
    """
    largest = (1 << bit_depth) - 1
    shift = bit_depth - 8 if bit_depth > 8 else 0
    stride = columns + 1
    channel = 0
    column = 0
    cell = 0
    index = 0
    while index < levels.size and coder[POSITION] - 2 <= data.size:
        west = np.int64(history[cell])
        north = np.int64(history[cell + 1])
        abs_w = west & MAGNITUDE
        abs_n = north & MAGNITUDE
        mean = means[channel] & MEAN
        diagonal = (means[channel] >> 16) + (history[cell + 2] & MAGNITUDE)
        estimate = (12 * (abs_w + abs_n) + 2 * diagonal + 3 * mean) >> 3
        estimate_bin = BINS[estimate if estimate < LAST_EDGE else LAST_EDGE]
        context = ZERO_CONTEXTS + estimate_bin * 9
        context += (abs_w if abs_w < 2 else 2) * 3 + (abs_n if abs_n < 2 else 2)
        if mean == 0:
            context = SILENT_CONTEXT
        m = 0
        negative = 0
        if decode(coder, data, states, context):
            negative = 1 if centre > 0 else 0
            if centre > 0 and centre < largest:
                context = (
                    SIGN_CONTEXTS + 3 * ((abs_w > 0) + (west >> 7)) + (abs_n > 0) + (north >> 7)
                )
                negative = decode(coder, data, states, context)
            m = decode_magnitude(coder, data, states, estimate_bin, bit_depth)
            if m > (centre if negative else largest - centre):
                return False
        levels[index] = centre - m if negative else centre + m
        seen = m >> shift if (m >> shift) < MAGNITUDE_LIMIT else MAGNITUDE_LIMIT
        mean += 2 * seen - ((mean + 6) >> 3)
        if index < channels:
            mean = 16 * seen
        means[channel] = abs_n << 16 | mean
        history[cell + 1] = seen | NEGATIVE if negative and seen > 0 else seen
        index += 1
        channel += 1
        cell += stride
        if channel == channels:
            channel = 0
            column += 1
            if column == columns:
                column = 0
                while channel < channels:
                    means[channel] &= MEAN  # no NW in column 0
                    channel += 1
                channel = 0
            cell = column
    return True
