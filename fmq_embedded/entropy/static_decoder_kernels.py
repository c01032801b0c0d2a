"""The decoding half of static_kernels.py."""

from __future__ import annotations

import numpy as np

from fmq_embedded.entropy.static_kernels import (
    ESCAPE,
    LARGEST_ESCAPE,
    LOW_BITS,
    LOWEST,
    MODEL_STRIDE,
    PACKED_BLOCK,
    PRECISION,
    SHORT_STATE,
    SLOT_MASK,
    SLOTS,
    jit,
    unsigned,
)

WRONG = -1
"""In place of a position: the stream cannot be."""


@jit
def refill(x, data, position):  # type: ignore[no-untyped-def]
    """A state that is too low with the next word behind it, and the position in the stream.

    `data` ends with two zeros of our own: past its end it reads them, and counts on.
    """
    at = unsigned(position if position < data.size - 2 else data.size - 2)
    word = np.int64(data[at]) << 8 | np.int64(data[at + unsigned(1)])
    is_low = x < LOWEST
    return (x << 16 | word) if is_low else x, position + 2 * np.int64(is_low)


@jit
def pull_bits(x, bits, data, position):  # type: ignore[no-untyped-def]
    """Pop `bits` plain bits; returns them, the state and the position in the stream."""
    value = x & ((1 << bits) - 1)
    x, position = refill(x >> bits, data, position)
    return value, x, position


@jit
def byte_at(data, position):  # type: ignore[no-untyped-def]
    """A byte of the stream; 0 past its end."""
    return np.int64(data[position]) if position < data.size else 0


@jit
def pull_escape(x, data, position):  # type: ignore[no-untyped-def]
    """Pop what an escape adds to its symbol; past LARGEST_ESCAPE it ends, far too large."""
    value, scale, more = 0, 0, 1
    while more and value < LARGEST_ESCAPE and scale < 18:
        group, x, position = pull_bits(x, 4, data, position)
        value |= group >> 1 << scale
        scale += 3
        more = group & 1
    return value | more << 20, x, position


@jit
def pull_block(  # type: ignore[no-untyped-def]
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
    bit_depth,
    data,
    position,
):
    """Pop positions first … last − 1; returns the position behind the block, or WRONG.

    Past the end of `data` it reads zeros and counts on.
    """
    shift = bit_depth - 8 if bit_depth > 8 else 0
    largest = unsigned((1 << bit_depth) - 1)
    both_signs = 0 < centre < (1 << bit_depth) - 1
    is_negative = np.int64(centre > 0)
    row_cells = columns * channels
    x = byte_at(data, position)
    if x & SHORT_STATE:
        x = x & 0x3F
        position += 1
    else:
        x = x << 8 | byte_at(data, position + 1)
        position += 2
    x = x << 16 | byte_at(data, position) << 8 | byte_at(data, position + 1)
    position += 2
    if x < LOWEST:
        return WRONG
    index = first * channels
    while first < last:
        north = row_cells if first >= columns else channels
        west = channels if first % columns > 0 else north
        cell = index + channels
        channel = 0
        while channel < channels:
            entry = np.int64(
                entries[
                    unsigned(classes[unsigned(channel)]) * unsigned(MODEL_STRIDE)
                    + unsigned(magnitudes[unsigned(cell - west)])
                    + unsigned(magnitudes[unsigned(cell - north)])
                ]
            )
            low = entry & LOW_BITS
            slot = np.int64(SLOTS[unsigned((entry >> 4 << PRECISION) | (x & SLOT_MASK))])
            x = (slot >> 16) * (x >> PRECISION) + (slot >> 4 & SLOT_MASK)
            x, position = refill(x, data, position)
            m = slot & ESCAPE
            if m == ESCAPE:
                rest, x, position = pull_escape(x, data, position)
                m += rest
            if low > 0 and m >= plain:
                bits, x, position = pull_bits(x, low, data, position)
                m = (m - plain << low | bits) + plain
            if both_signs:
                is_negative, x, position = pull_bits(x, np.int64(m > 0), data, position)
            level = centre + (m ^ -is_negative) + is_negative
            if unsigned(level) > largest:
                return WRONG
            levels[unsigned(index)] = level
            magnitudes[unsigned(cell)] = m >> shift
            index += 1
            cell += 1
            channel += 1
        first += 1
    return position if x == LOWEST else WRONG


@jit
def read_packed_block(  # type: ignore[no-untyped-def]
    levels, magnitudes, first, last, lead, centre, bit_depth, data, position
):
    """Unpack levels first … last − 1; returns as `pull_block`."""
    shift = bit_depth - 8 if bit_depth > 8 else 0
    bits, held = np.int64(0), 0
    while first < last:
        while held < bit_depth:
            bits |= byte_at(data, position) << held
            position += 1
            held += 8
        level = bits & ((1 << bit_depth) - 1)
        bits >>= bit_depth
        held -= bit_depth
        levels[first] = level
        residual = level - centre
        magnitudes[lead + first] = (residual if residual > 0 else -residual) >> shift
        first += 1
    return position if bits == 0 else WRONG


@jit
def decode(  # type: ignore[no-untyped-def]
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
    data,
    position,
):
    """Read the blocks of a map into `levels`; returns the position behind them, or WRONG.

    Args:
        classes, entries, plain: as to `static_kernels.encode`.
        magnitudes: uint8, one position of zeros and room for the map's.
        position: in `data`, of the first block.
    """
    positions = levels.size // channels
    first = 0
    while first < positions and WRONG < position <= data.size:
        last = min(first + block_positions, positions)
        mark = byte_at(data, position)
        if mark == PACKED_BLOCK:
            position = read_packed_block(
                levels, magnitudes, first * channels, last * channels, channels, centre, bit_depth,
                data, position + 1,
            )  # fmt: skip
        elif mark > PACKED_BLOCK:
            position = WRONG
        else:
            position = pull_block(
                levels, magnitudes, classes, entries, plain, first, last, columns, channels,
                centre, bit_depth, data, position,
            )  # fmt: skip
        first = last
    return position
