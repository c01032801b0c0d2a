"""The adaptive binary range coder and the level coder, compiled by Numba; integers alone.

Kept like its twin in C (libfmq: range_coder.c, level_coder.c): the same functions, the same
order of steps. A coder is five integers: low, range, cache, pending, position. `low` holds up to
33 bits here; C keeps the carry beside 32 bits.
"""

from __future__ import annotations

import numba
import numpy as np

from fmq_embedded.entropy import contexts

LOW, RANGE, CACHE, PENDING, POSITION = 0, 1, 2, 3, 4
CODER_WORDS = 5

_NO_BYTE = -1
_TOP = 1 << 24
_MASK = 0xFFFFFFFF
_RATES = contexts.adaptation_rates().astype(np.int64)
_BINS = contexts.estimate_bins().astype(np.int64)
_LAST_EDGE = contexts.ESTIMATE_EDGES[-1]
_GROUPS = contexts.mantissa_groups().astype(np.int64)
_P_MIN, _P_MAX = contexts.PROBABILITY_MINIMUM, contexts.PROBABILITY_MAXIMUM
_COUNT_LIMIT = contexts.COUNT_LIMIT
_M_LIMIT = contexts.MAGNITUDE_LIMIT
_FLAGS = contexts.CLASS_FLAGS
_M_CLASSES = contexts.MANTISSA_CLASSES
_ZERO, _SIGN = contexts.ZERO_CONTEXTS, contexts.SIGN_CONTEXTS
_CLASS, _MANTISSA = contexts.CLASS_CONTEXTS, contexts.MANTISSA_CONTEXTS
_BYPASS = np.int64(contexts.BYPASS)

# Without reference counts, rewrites and C wrappers a first call compiles in half the time.
_jit = numba.njit(
    cache=True,
    nogil=True,
    _nrt=False,
    error_model="numpy",
    no_cfunc_wrapper=True,
    no_rewrites=True,
)


@_jit
def shift_low(coder, out):  # type: ignore[no-untyped-def]
    """Move the top byte of `low` towards the output; a byte 0xFF waits for its carry.

    Past the end of `out` bytes are only counted, so that the caller sees the overflow.
    """
    low = coder[LOW]
    if 0xFF000000 <= low <= _MASK:
        coder[PENDING] += 1
    else:
        carry = low >> 32
        position = coder[POSITION]
        byte = coder[CACHE] + carry
        if coder[CACHE] == _NO_BYTE:
            coder[PENDING] -= 1
            byte = 0xFF + carry
        for _ in range(coder[PENDING] + 1):
            if position < out.size:
                out[position] = byte & 0xFF
            position += 1
            byte = 0xFF + carry
        coder[POSITION] = position
        coder[PENDING] = 0
        coder[CACHE] = (low >> 24) & 0xFF
    coder[LOW] = (low & 0x00FFFFFF) << 8


@_jit
def code_bit(decoding, coder, data, probability, bit):  # type: ignore[no-untyped-def]
    """Code or decode one decision; `probability` is that of a 1, in 1/65536.

    Past the end of `data` the decoder reads zeros and counts on.
    """
    width = coder[RANGE]
    low = coder[LOW]
    bound = (width >> 16) * probability
    if decoding:
        bit = np.int64(low < bound)
        low -= 0 if bit else bound
    elif not bit:
        low += bound
    width = bound if bit else width - bound
    coder[LOW] = low
    while width < _TOP:
        width = (width << 8) & _MASK
        if decoding:
            position = coder[POSITION]
            byte = np.int64(data[position]) if position < data.size else 0
            coder[LOW] = ((coder[LOW] << 8) | byte) & _MASK
            coder[POSITION] = position + 1
        else:
            shift_low(coder, data)
    coder[RANGE] = width
    return bit


@_jit
def code(decoding, coder, data, states, context, bit):  # type: ignore[no-untyped-def]
    """Code or decode one modelled decision; then its context learns.

    A state is p·256 + n: the probability of a 1 in 1/65536 and the number of decisions seen.
    The probability moves towards the decision by 1/(n + 2).
    """
    probability = states[context] >> 8
    count = states[context] & 0xFF
    bit = code_bit(decoding, coder, data, probability, bit)
    if bit:
        probability += ((65536 - probability) * _RATES[count]) >> 16
    else:
        probability -= (probability * _RATES[count]) >> 16
    if probability < _P_MIN:
        probability = _P_MIN
    elif probability > _P_MAX:
        probability = _P_MAX
    if count < _COUNT_LIMIT:
        count += 1
    states[context] = (probability << 8) | count
    return bit


@_jit
def code_magnitude(decoding, coder, data, states, estimate_bin, bit_depth, m):  # type: ignore[no-untyped-def]
    """Code or decode a magnitude of at least 1: its class in unary, then the bits below."""
    shift = max(bit_depth - 8, 0)
    e = 0
    while e < bit_depth - 1:
        more = 1 if (m >> (e + 1)) > 0 else 0
        flag = min(max(e - shift, 0), _FLAGS - 1)
        context = _CLASS + estimate_bin * _FLAGS + flag
        if code(decoding, coder, data, states, context, more) == 0:
            break
        e += 1
    value = 1
    base = _MANTISSA + 3 * (
        _GROUPS[estimate_bin] * _M_CLASSES + min(max(e - 1 - shift, 0), _M_CLASSES - 1)
    )
    for i in range(e - 1, -1, -1):
        bit = (m >> i) & 1
        if value < 4:
            bit = code(decoding, coder, data, states, base + value - 1, bit)
        else:
            bit = code_bit(decoding, coder, data, _BYPASS, bit)
        value = 2 * value + bit
    return value


@_jit
def code_levels(
    decoding,
    levels,
    rows,
    columns,
    channels,
    centre,
    bit_depth,
    data,
    start,
    coder,
    states,
    means,
    history,
):  # type: ignore[no-untyped-def]
    """Code or decode rows × columns × channels levels in this order, channels innermost.

    Args:
        decoding: True to read `data` into `levels`, False to write.
        levels: uint16, rows·columns·channels of them.
        centre: the level of the real value 0, 0..2^bit_depth − 1.
        data: uint8 buffer; `start` is where the payload begins in it.

    Returns:
        The position in `data` behind the payload. When it lies past the end of `data`, the
        buffer was too small (coding) or is truncated (decoding). −1: a level that cannot be.
    """
    coder[RANGE] = _MASK
    coder[CACHE] = _NO_BYTE
    coder[POSITION] = start
    if decoding:
        for _ in range(4):
            byte = data[coder[POSITION]] if coder[POSITION] < data.size else 0
            coder[LOW] = (coder[LOW] << 8) | byte
            coder[POSITION] += 1
    largest = (1 << bit_depth) - 1
    shift = max(bit_depth - 8, 0)
    at = 0
    index = 0
    for row in range(rows):
        for column in range(columns):
            west = at - channels if at >= channels else at - channels + history.size
            north = at + channels if at + channels < history.size else at + channels - history.size
            east = north + channels
            if east >= history.size:
                east -= history.size
            for channel in range(channels):
                w = history[west + channel] if column > 0 else 0
                nw = history[at + channel] if column > 0 else 0
                n = history[north + channel]
                ne = history[east + channel] if column + 1 < columns else 0
                estimate = (
                    12 * (abs(w) + abs(n)) + 2 * (abs(nw) + abs(ne)) + 3 * means[channel]
                ) >> 3
                estimate_bin = _BINS[min(estimate, _LAST_EDGE)]
                context = _ZERO + estimate_bin * 9 + min(abs(w), 2) * 3 + min(abs(n), 2)
                r = 0
                if not decoding:
                    r = np.int64(levels[index]) - centre
                m = abs(r)
                if code(decoding, coder, data, states, context, 1 if m > 0 else 0):
                    negative = 0
                    if centre > 0 and centre < largest:
                        context = _SIGN + 3 * ((w > 0) + 2 * (w < 0)) + (n > 0) + 2 * (n < 0)
                        bit = 1 if r < 0 else 0
                        negative = code(decoding, coder, data, states, context, bit)
                    elif centre > 0:
                        negative = 1
                    m = code_magnitude(decoding, coder, data, states, estimate_bin, bit_depth, m)
                    r = -m if negative else m
                else:
                    m = 0
                    r = 0
                if decoding:
                    if r + centre < 0 or r + centre > largest:
                        return -1
                    levels[index] = r + centre
                seen = min(m >> shift, _M_LIMIT)
                history[at + channel] = -seen if r < 0 else seen
                means[channel] += 2 * seen - ((means[channel] + 7) >> 3)
                if row == 0 and column == 0:
                    means[channel] = 16 * seen
                index += 1
            at += channels
            if at == history.size:
                at = 0
            if decoding and coder[POSITION] - 2 > data.size:
                return coder[POSITION] - 2
    if decoding:
        return coder[POSITION] - 2
    # Any value in [low, low + range) will do: take one whose last two bytes are free, so
    # that whatever follows the payload may stand in their place.
    coder[LOW] = (coder[LOW] + 0xFFFF) & 0x1FFFF0000
    for _ in range(3):
        shift_low(coder, data)
    return coder[POSITION]
