"""The level coder and the adaptive binary range coder, compiled by Numba; integers alone.

The same contexts, the same arithmetic and the same order of steps as their twin in C (libfmq:
level_coder.c, range_coder.c). What differs is how the encoder is cut: here `binarise` lists the
decisions of many levels and `encode_decisions` codes the list; C, which has no memory for a list,
codes each decision as it arises. So each loop is compiled once and keeps its numbers in registers.

An encoder is five integers: low, range, cache, pending, position. `low` holds up to 33 bits here;
C keeps the carry beside 32 bits. A decoder has three: low, range, position.
"""

from __future__ import annotations

import numba
import numpy as np

from fmq_embedded.entropy import contexts

LOW, RANGE, POSITION, CACHE, PENDING = 0, 1, 2, 3, 4
CODER_WORDS = 5
FULL_RANGE = 0xFFFFFFFF

BYPASS_CONTEXT = contexts.CONTEXT_COUNT
"""In a list of decisions: one that costs one bit and teaches nothing."""

TOP = 1 << 24
MAGNITUDE, NEGATIVE, MEAN = 127, 128, 0xFFFF
RATES = contexts.adaptation_rates().astype(np.int64)
BINS = contexts.estimate_bins().astype(np.int64)
LAST_EDGE = contexts.ESTIMATE_EDGES[-1]
GROUPS = contexts.mantissa_groups().astype(np.int64)
LOWEST, HIGHEST = contexts.PROBABILITY_MINIMUM, contexts.PROBABILITY_MAXIMUM
COUNT_LIMIT = contexts.COUNT_LIMIT
MAGNITUDE_LIMIT = contexts.MAGNITUDE_LIMIT
CLASS_FLAGS = contexts.CLASS_FLAGS
MANTISSA_CLASSES = contexts.MANTISSA_CLASSES
SILENT_CONTEXT = contexts.SILENT_CONTEXT
ZERO_CONTEXTS, SIGN_CONTEXTS = contexts.ZERO_CONTEXTS, contexts.SIGN_CONTEXTS
CLASS_CONTEXTS, MANTISSA_CONTEXTS = contexts.CLASS_CONTEXTS, contexts.MANTISSA_CONTEXTS
BYPASS = np.int64(contexts.BYPASS)

# Without reference counts, rewrites and C wrappers a first call compiles in half the time; so it
# does with `while` and comparisons in place of range, min and max.
_OPTIONS = {
    "cache": True,
    "nogil": True,
    "_nrt": False,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
    "no_rewrites": True,
}
jit = numba.njit(**_OPTIONS)
inlined = numba.njit(**_OPTIONS, forceinline=True)
"""For what is done for each level: a call hands over each of an array's nine words."""


@jit
def binarise(  # type: ignore[no-untyped-def]
    levels,
    start,
    stop,
    channel,
    column,
    columns,
    channels,
    centre,
    bit_depth,
    means,
    history,
    decisions,
):
    """List the decisions of levels start..stop − 1 of a map, channels innermost.

    Args:
        levels: uint16, 0..2^bit_depth − 1.
        channel, column: where `start` lies.
        columns, channels: of the map.
        centre: the level of the real value 0, 0..2^bit_depth − 1.
        means: int64, for each channel |NW| << 16 | running mean; 0 before the first level.
        history: uint8, for each channel 0 and then a row of sign << 7 | magnitude, and a last 0;
            0 before the first level. A cell holds W; N, which the level takes the place of, and
            NE follow.
        decisions: uint16, room for 2·bit_depth of each level; gets 2·context + bit.

    Returns:
        The number of decisions.
    """
    both_signs = centre > 0 and centre < (1 << bit_depth) - 1
    shift = bit_depth - 8 if bit_depth > 8 else 0
    stride = columns + 1
    count = 0
    cell = channel * stride + column
    index = start
    while index < stop:
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
        r = np.int64(levels[index]) - centre
        m = r if r > 0 else -r
        decisions[count] = 2 * context + (m > 0)
        count += 1
        if m > 0:
            if both_signs:
                context = (
                    SIGN_CONTEXTS + 3 * ((abs_w > 0) + (west >> 7)) + (abs_n > 0) + (north >> 7)
                )
                decisions[count] = 2 * context + (r < 0)
                count += 1
            # the class, in unary
            e = 0
            context = CLASS_CONTEXTS + estimate_bin * CLASS_FLAGS
            last_flag = context + CLASS_FLAGS - 1
            while e < bit_depth - 1:
                more = (m >> (e + 1)) > 0
                decisions[count] = 2 * context + more
                count += 1
                if not more:
                    break
                e += 1
                if e > shift and context < last_flag:
                    context += 1
            # the bits below the leading one
            mantissa_class = e - 1 - shift if e - 1 > shift else 0
            if mantissa_class >= MANTISSA_CLASSES:
                mantissa_class = MANTISSA_CLASSES - 1
            base = (
                MANTISSA_CONTEXTS
                + 3 * (GROUPS[estimate_bin] * MANTISSA_CLASSES + mantissa_class)
                - 1
            )
            value = 1
            while e > 0:
                e -= 1
                context = base + value if value < 4 else BYPASS_CONTEXT
                value = m >> e
                decisions[count] = 2 * context + (value & 1)
                count += 1
        seen = m >> shift if (m >> shift) < MAGNITUDE_LIMIT else MAGNITUDE_LIMIT
        mean += 2 * seen - ((mean + 6) >> 3)  # down to 1, and 0 never comes again
        if index < channels:
            mean = 16 * seen
        means[channel] = abs_n << 16 | mean
        history[cell + 1] = seen | NEGATIVE if r < 0 and seen > 0 else seen
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
    return count


@jit
def encode_decisions(decisions, count, states, coder, out):  # type: ignore[no-untyped-def]
    """Code decisions; after each its context learns.

    A state is p·256 + n: the probability of a 1 in 1/65536 and the number of decisions seen.
    The probability moves towards the decision by 1/(n + 2). Past the end of `out` bytes are only
    counted, so that the caller sees the overflow.

    Args:
        decisions: as `binarise` lists them; `count` of them are coded.
        states: int64, one for each context.
        coder: int64, the five integers; begun with range 2^32 − 1, position −1 and 0 else: the
            first byte that leaves is always 0, and is not written.
        out: uint8.
    """
    low, width, position = coder[LOW], coder[RANGE], coder[POSITION]
    cache, pending = coder[CACHE], coder[PENDING]
    index = 0
    while index < count:
        decision = np.int64(decisions[index])
        index += 1
        bit = decision & 1
        context = decision >> 1
        probability = BYPASS
        if context != BYPASS_CONTEXT:
            state = states[context]
            probability = state >> 8
            seen = state & 0xFF
            step = (((65536 - probability) if bit else probability) * RATES[seen]) >> 16
            learned = probability + step if bit else probability - step
            if learned < LOWEST:
                learned = LOWEST
            elif learned > HIGHEST:
                learned = HIGHEST
            states[context] = (learned << 8) | (seen + (seen < COUNT_LIMIT))
        bound = (width >> 16) * probability
        if bit:
            width = bound
        else:
            low += bound
            width -= bound
        while width < TOP:
            width <<= 8
            # The top byte of `low` leaves; a byte 0xFF waits for its carry.
            top = low >> 24
            low = (low & 0x00FFFFFF) << 8
            if top == 0xFF:
                pending += 1
                continue
            byte = cache + (top >> 8)
            while pending >= 0:
                if 0 <= position < out.size:
                    out[position] = byte & 0xFF
                position += 1
                byte = 0xFF + (top >> 8)
                pending -= 1
            pending = 0
            cache = top & 0xFF
    coder[LOW], coder[RANGE], coder[POSITION] = low, width, position
    coder[CACHE], coder[PENDING] = cache, pending


@jit
def decode_bit(coder, data, probability):  # type: ignore[no-untyped-def]
    """Decode one decision; `probability` is that of a 1, in 1/65536.

    Past the end of `data` it reads zeros and counts on.
    """
    low, width = coder[LOW], coder[RANGE]
    bound = (width >> 16) * probability
    bit = np.int64(low < bound)
    if bit:
        width = bound
    else:
        low -= bound
        width -= bound
    while width < TOP:
        position = coder[POSITION]
        byte = np.int64(data[position]) if position < data.size else 0
        low = (low << 8) | byte
        width <<= 8
        coder[POSITION] = position + 1
    coder[LOW] = low
    coder[RANGE] = width
    return bit


@jit
def decode(coder, data, states, context):  # type: ignore[no-untyped-def]
    """Decode one modelled decision; then its context learns as in `encode_decisions`."""
    state = states[context]
    probability = state >> 8
    seen = state & 0xFF
    bit = decode_bit(coder, data, probability)
    if bit:
        probability += ((65536 - probability) * RATES[seen]) >> 16
    else:
        probability -= (probability * RATES[seen]) >> 16
    if probability < LOWEST:
        probability = LOWEST
    elif probability > HIGHEST:
        probability = HIGHEST
    states[context] = (probability << 8) | (seen + (seen < COUNT_LIMIT))
    return bit
