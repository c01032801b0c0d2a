"""The static coder, compiled by Numba: range asymmetric numeral systems, integers alone.

The twin of libfmq's static_encoder.c and static_decoder.c. A state x is a stack of symbols: the
encoder goes over a block from its last level to its first and pushes, the decoder pops from the
first to the last.

`magnitudes` is a map with one position of zeros before it; west and north of a level lie a fixed
number of cells before it, the same for all channels of a position.
"""

from __future__ import annotations

import numba
import numpy as np

from fmq_embedded.entropy import static_tables

LOWEST = 1 << static_tables.STATE_BITS
PRECISION, SLOT_MASK = static_tables.PRECISION, (1 << static_tables.PRECISION) - 1
STATE_TOP = static_tables.STATE_BITS + 16
SYMBOL_TOP = STATE_TOP - PRECISION
ESCAPE, LOW_BITS = static_tables.ESCAPE, static_tables.SYMBOLS - 1
RECIPROCAL_SHIFT = 43
SHORT_STATE_BITS = 22
PACKED_BLOCK, SHORT_STATE = 0xC0, 0x80

MODEL_STRIDE = 512
"""The sums of two magnitudes up to 255."""
_FREQUENCIES = np.array(static_tables.FREQUENCIES, np.int64).reshape(-1)
COMPLEMENTS = (1 << PRECISION) - _FREQUENCIES
LIMITS = _FREQUENCIES << SYMBOL_TOP
"""States from which on a word is pushed out before each symbol."""
STARTS = static_tables.starts().reshape(-1)
RECIPROCALS = static_tables.reciprocals(RECIPROCAL_SHIFT).reshape(-1)
SLOTS = static_tables.slots().reshape(-1)
LARGEST_ESCAPE = 1 << 16

unsigned = np.uint64
"""Of an index: it is then not asked whether it counts from the end."""

jit = numba.njit(
    cache=True,
    nogil=True,
    _nrt=False,
    error_model="numpy",
    no_cfunc_wrapper=True,
    no_rewrites=True,
)


@jit
def survey(levels, channels, centre, stride, active):  # type: ignore[no-untyped-def]
    """What each stride-th position tells of a map.

    Args:
        active: int64, 0 for each channel: counts its levels beside the centre.

    Returns:
        How many levels are in being the centre as the one before in their channel (before the
        first lies the centre); the sum of all distances from the centre.
    """
    agreeing, total = 0, 0
    first = (stride - 1) * channels
    while first < levels.size:
        for channel in range(channels):
            index = first + channel
            level = np.int64(levels[unsigned(index)])
            before = np.int64(centre)
            if first > 0:
                before = np.int64(levels[unsigned(index - channels)])
            is_active = int(level != centre)
            active[unsigned(channel)] += is_active
            agreeing += is_active ^ int(before == centre)
            total += level - centre if level > centre else centre - level
        first += stride * channels
    return agreeing, total


@jit
def take_magnitudes(levels, table, lead, magnitudes):  # type: ignore[no-untyped-def]
    """The magnitude of each level by a table, behind `lead` zeros."""
    for index in range(lead):
        magnitudes[index] = 0
    for index in range(levels.size):
        magnitudes[unsigned(lead + index)] = table[unsigned(levels[unsigned(index)])]


@jit
def push_bits(x, value, bits, words, count):  # type: ignore[no-untyped-def]
    """Push `bits` plain bits, 1 to 15; returns the state and the count of words."""
    words[unsigned(count)] = x & 0xFFFF
    is_full = x >> (STATE_TOP - bits) > 0
    return (x >> 16 if is_full else x) << bits | value, count + int(is_full)


@jit
def push_escape(x, rest, words, count):  # type: ignore[no-untyped-def]
    """Push what an escape adds to its symbol: groups of three bits, and whether more follow."""
    groups, more = 1, 0
    while rest >> (3 * groups) > 0:
        groups += 1
    while groups > 0:
        groups -= 1
        x, count = push_bits(x, (rest >> (3 * groups) & 7) << 1 | more, 4, words, count)
        more = 1
    return x, count


@jit
def push_block(  # type: ignore[no-untyped-def]
    levels,
    magnitudes,
    classes,
    entries,
    plain,
    first,
    last,
    columns,
    channels,
    centre,
    both_signs,
    words,
):
    """Push positions last − 1 … first; returns the state and the count of words.

    A level has at most 4 words. It ends early, with less than 8 words of room, where a packed block
    is shorter anyway.
    """
    x, count = np.int64(LOWEST), 0
    row_cells = columns * channels
    room = words.size - 8
    position = last - 1
    while position >= first:
        column = position % columns
        north = row_cells if position >= columns else channels
        west = channels if column > 0 else north
        index = (position + 1) * channels
        cell = index + channels
        channel = channels
        while channel > 0:
            channel -= 1
            index -= 1
            cell -= 1
            entry = np.int64(
                entries[
                    unsigned(classes[unsigned(channel)]) * unsigned(MODEL_STRIDE)
                    + unsigned(magnitudes[unsigned(cell - west)])
                    + unsigned(magnitudes[unsigned(cell - north)])
                ]
            )
            low = entry & LOW_BITS
            residual = np.int64(levels[unsigned(index)]) - centre
            m = residual if residual > 0 else -residual
            if both_signs and m > 0:
                x, count = push_bits(x, np.int64(residual < 0), 1, words, count)
            symbol = m
            if low > 0:
                symbol = (m - plain >> low) + plain
                if symbol >= plain:
                    x, count = push_bits(x, m - plain & ((1 << low) - 1), low, words, count)
            if symbol >= ESCAPE:
                x, count = push_escape(x, symbol - ESCAPE, words, count)
                symbol = ESCAPE
            step = unsigned((entry & ~LOW_BITS) + symbol)
            words[unsigned(count)] = x & 0xFFFF
            is_full = x >= LIMITS[step]
            count += int(is_full)
            x = x >> 16 if is_full else x
            x += (x * RECIPROCALS[step] >> RECIPROCAL_SHIFT) * COMPLEMENTS[step] + STARTS[step]
            if count > room:
                return x, count
        position -= 1
    return x, count


@jit
def write_block(x, words, count, out, position):  # type: ignore[no-untyped-def]
    """A state and its words, the last one first; returns the position behind them."""
    if x >> SHORT_STATE_BITS == 0:
        out[position] = SHORT_STATE | x >> 16
        position += 1
    else:
        out[position] = x >> 24
        out[position + 1] = x >> 16 & 0xFF
        position += 2
    out[position] = x >> 8 & 0xFF
    out[position + 1] = x & 0xFF
    position += 2
    while count > 0:
        count -= 1
        out[position] = words[count] >> 8
        out[position + 1] = words[count] & 0xFF
        position += 2
    return position


@jit
def write_packed_block(levels, first, last, bit_depth, out, position):  # type: ignore[no-untyped-def]
    """The mark of a packed block, and levels first … last − 1 packed; returns as `write_block`."""
    out[position] = PACKED_BLOCK
    position += 1
    bits, held, index = np.int64(0), 0, first
    while index < last or held > 0:
        while held < 8 and index < last:
            bits |= np.int64(levels[index]) << held
            held += bit_depth
            index += 1
        out[position] = bits & 0xFF
        position += 1
        bits >>= 8
        held -= 8
    return position


@jit
def encode(  # type: ignore[no-untyped-def]
    levels,
    magnitudes,
    classes,
    entries,
    plain,
    columns,
    channels,
    centre,
    bit_depth,
    block_positions,
    words,
    out,
):
    """Write the blocks of a map; returns their bytes.

    A block is packed where that takes no more bytes than its state and its words.

    Args:
        levels: uint8 or uint16, whole positions of `channels`.
        magnitudes: as `take_magnitudes` gives them.
        classes: uint8, of each channel.
        entries: uint16, of each class and sum: a distribution's first entry and the low bits.
        plain: 1 where the model is a plain one, else 0.
        words: uint16, room for a block that is packed, and 16 more: what is pushed out.
        out: uint8, room for all blocks packed.
    """
    both_signs = 0 < centre < (1 << bit_depth) - 1
    positions = levels.size // channels
    position, first = 0, 0
    while first < positions:
        last = min(first + block_positions, positions)
        packed = 1 + ((last - first) * channels * bit_depth + 7) // 8
        x, count = push_block(
            levels, magnitudes, classes, entries, plain, first, last, columns, channels, centre,
            both_signs, words,
        )  # fmt: skip
        if 2 * count + 4 - (x >> SHORT_STATE_BITS == 0) < packed:
            position = write_block(x, words, count, out, position)
        else:
            position = write_packed_block(
                levels, first * channels, last * channels, bit_depth, out, position
            )
        first = last
    return position
