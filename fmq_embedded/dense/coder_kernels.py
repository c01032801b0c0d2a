"""One binary decision: the range coder, the contexts that learn, and their mixture.

Compiled by Numba; integers alone. Encoder and decoder share every line, so that they cannot drift
apart: `code_bit` writes the decision that it is given, or reads one.
"""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.dense import probabilities
from fmq_embedded.entropy.kernels import (
    CACHE,
    LOW,
    PENDING,
    POSITION,
    RANGE,
    TOP,
    decode_bit,
    inlined,
    jit,
)

RATES = probabilities.adaptation_rates()
STRETCH = probabilities.stretch()
SQUASH = probabilities.squash()
COSTS = probabilities.costs()
LOWEST, HIGHEST = probabilities.LOWEST, probabilities.HIGHEST
PLAIN_LOWEST, PLAIN_HIGHEST = probabilities.PLAIN_LOWEST, probabilities.PLAIN_HIGHEST
COUNT_LIMIT = probabilities.COUNT_LIMIT
LARGEST_LOGIT = probabilities.LARGEST_LOGIT
LEARNING_RATE = 50
LEARNING_SHIFT = 18
LARGEST_WEIGHT = 32767
WEIGHT_BITS = 14
BYPASS = 32768


@jit
def encode_bit(coder, out, probability, bit):  # type: ignore[no-untyped-def]
    """Code one decision; past the end of `out` bytes are only counted."""
    width = coder[RANGE]
    low = coder[LOW]
    bound = (width >> 16) * probability
    if bit:
        width = bound
    else:
        low += bound
        width -= bound
    while width < TOP:
        width <<= 8
        top = low >> 24
        low = (low & 0x00FFFFFF) << 8
        if top == 0xFF:
            coder[PENDING] += 1
            continue
        byte = coder[CACHE] + (top >> 8)
        while coder[PENDING] >= 0:
            if 0 <= coder[POSITION] < out.size:
                out[coder[POSITION]] = byte & 0xFF
            coder[POSITION] += 1
            byte = 0xFF + (top >> 8)
            coder[PENDING] -= 1
        coder[PENDING] = 0
        coder[CACHE] = top & 0xFF
    coder[RANGE] = width
    coder[LOW] = low


@inlined
def code_bit(decoding, coder, data, probability, bit):  # type: ignore[no-untyped-def]
    """Read a decision, or write `bit`; returns it. `probability` of a 1, in 1/65,536."""
    if decoding:
        return decode_bit(coder, data, probability)
    encode_bit(coder, data, probability, bit)
    return bit


@inlined
def learn(states, context, bit):  # type: ignore[no-untyped-def]
    """Move a context's probability towards a decision. A state is probability·256 + count."""
    at = np.uintp(context)
    state = states[at]
    seen = np.uintp(state & 0xFF)
    probability = state >> 8
    if bit:
        probability += ((65536 - probability) * RATES[seen]) >> 16
        probability = min(probability, HIGHEST)
    else:
        probability -= (probability * RATES[seen]) >> 16
        probability = max(probability, LOWEST)
    states[at] = (probability << 8) | min(np.int64(seen) + 1, COUNT_LIMIT)


@jit
def code_plain(decoding, coder, data, states, context, bit):  # type: ignore[no-untyped-def]
    """A decision by one context alone."""
    probability = min(max(states[np.uintp(context)] >> 8, PLAIN_LOWEST), PLAIN_HIGHEST)
    bit = code_bit(decoding, coder, data, probability, bit)
    learn(states, context, bit)
    return bit


@inlined
def code_mixed(decoding, coder, data, states, weights, contexts, offset, count, logits, bit):  # type: ignore[no-untyped-def]
    """A decision by `count` contexts, `contexts[i] + offset`, mixed with `weights`.

    Args:
        weights: int32, in 1/16,384; moved towards what would have served better.
        logits: int32, room for `count`.
    """
    total = 0
    for i in range(count):
        logits[i] = STRETCH[np.uintp(states[np.uintp(contexts[i] + offset)] >> 12)]
        total += weights[i] * logits[i]
    total >>= WEIGHT_BITS
    total = min(max(total, -LARGEST_LOGIT), LARGEST_LOGIT)
    probability = SQUASH[np.uintp(total + LARGEST_LOGIT + 1)]
    bit = code_bit(decoding, coder, data, probability, bit)
    error = ((bit << 12) - (probability >> 4)) * LEARNING_RATE
    for i in range(count):
        weight = weights[i] + ((logits[i] * error + (1 << (LEARNING_SHIFT - 1))) >> LEARNING_SHIFT)
        weights[i] = min(max(weight, -LARGEST_WEIGHT), LARGEST_WEIGHT)
        learn(states, contexts[i] + offset, bit)
    return bit


@inlined
def plain_cost(states, context, bit):  # type: ignore[no-untyped-def]
    """What a decision by one context costs, in 1/256 bit."""
    probability = states[np.uintp(context)] >> 8
    return COSTS[np.uintp((probability if bit else 65535 - probability) >> 7)]
