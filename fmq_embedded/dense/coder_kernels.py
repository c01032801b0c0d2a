"""One binary decision: the range coder, the contexts that learn, and their mixture.

Compiled by Numba; integers alone. Encoder and decoder share every line, so that they cannot drift
apart: `code_bit` reads a decision, or lists the one that it is given, for `write_waiting`.
"""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.compiling import inlined, inner
from fmq_embedded.dense import probabilities
from fmq_embedded.dense.contexts import ZERO_MODELS
from fmq_embedded.entropy.kernels import (
    CACHE,
    CODER_WORDS,
    LOW,
    PENDING,
    POSITION,
    RANGE,
    TOP,
)

# Small tables stay in the nearest cache.
RATES = probabilities.adaptation_rates().astype(np.uint16)
STRETCH = probabilities.stretch().astype(np.int16)
SQUASH = probabilities.squash().astype(np.uint16)
LOWEST, HIGHEST = probabilities.LOWEST, probabilities.HIGHEST
PLAIN_LOWEST, PLAIN_HIGHEST = probabilities.PLAIN_LOWEST, probabilities.PLAIN_HIGHEST
COUNT_LIMIT = probabilities.COUNT_LIMIT
LARGEST_LOGIT = probabilities.LARGEST_LOGIT
LEARNING_RATE = 50
LEARNING_SHIFT = 18
HALF = 1 << (LEARNING_SHIFT - 1)
LARGEST_WEIGHT = 32767
WEIGHT_BITS = 14
BYPASS = 32768

WAITING = CODER_WORDS
"""The word that counts the decisions that wait."""
WAITING_LIMIT = 4096
"""From so many on they are written."""
MOST_OF_A_LEVEL = 64
"""A level has fewer decisions, and so has what precedes a channel's levels."""


@inner
def write_waiting(coder):  # type: ignore[no-untyped-def]
    """Code the decisions that wait; past the end of `data` bytes are only counted."""
    words, out = coder.words, coder.data
    low, width, position = words[LOW], words[RANGE], words[POSITION]
    for i in range(words[WAITING]):
        decision = np.int64(coder.waiting[i])
        bound = (width >> 16) * (decision >> 1)
        if decision & 1:
            width = bound
        else:
            low += bound
            width -= bound
        while width < TOP:
            width <<= 8
            top = low >> 24
            low = (low & 0x00FFFFFF) << 8
            if top == 0xFF:
                words[PENDING] += 1
                continue
            byte = words[CACHE] + (top >> 8)
            while words[PENDING] >= 0:
                if 0 <= position < out.size:
                    out[position] = byte & 0xFF
                position += 1
                byte = 0xFF + (top >> 8)
                words[PENDING] -= 1
            words[PENDING] = 0
            words[CACHE] = top & 0xFF
    words[LOW], words[RANGE], words[POSITION] = low, width, position
    words[WAITING] = 0


@inlined
def write_if_many(coder):  # type: ignore[no-untyped-def]
    """To be called after every level, and after what precedes them."""
    if coder.words[WAITING] >= WAITING_LIMIT:
        write_waiting(coder)


@inlined
def code_bit(coder, probability, bit):  # type: ignore[no-untyped-def]
    """Read a decision, or list `bit`; returns it. `probability` of a 1, in 1/65,536."""
    words = coder.words
    if not coder.decoding:
        coder.waiting[np.uintp(words[WAITING])] = 2 * probability + bit
        words[WAITING] += 1
        return bit
    low, width = words[LOW], words[RANGE]
    bound = (width >> 16) * probability
    bit = np.int64(low < bound)
    low -= 0 if bit else bound
    width = bound if bit else width - bound
    while width < TOP:
        position = words[POSITION]
        byte = np.int64(coder.data[np.uintp(position)]) if position < coder.data.size else 0
        low = (low << 8) | byte
        width <<= 8
        words[POSITION] = position + 1
    words[LOW], words[RANGE] = low, width
    return bit


@inlined
def learned(state, bit):  # type: ignore[no-untyped-def]
    """A context's state, probability · 256 + count, moved towards a decision."""
    seen = state & 0xFF
    probability = state >> 8
    rate = np.int64(RATES[np.uintp(seen)])
    if bit:
        probability += ((65536 - probability) * rate) >> 16
        probability = min(probability, HIGHEST)
    else:
        probability -= (probability * rate) >> 16
        probability = max(probability, LOWEST)
    return (probability << 8) | min(seen + 1, COUNT_LIMIT)


@inlined
def code_plain(coder, states, context, bit):  # type: ignore[no-untyped-def]
    """A decision by one context alone."""
    state = np.int64(states[np.uintp(context)])
    probability = min(max(state >> 8, PLAIN_LOWEST), PLAIN_HIGHEST)
    bit = code_bit(coder, probability, bit)
    states[np.uintp(context)] = learned(state, bit)
    return bit


@inlined
def _logit(state):  # type: ignore[no-untyped-def]
    return np.int64(STRETCH[np.uintp(state >> 12)])


@inlined
def _squashed(total):  # type: ignore[no-untyped-def]
    logit = min(max(total >> WEIGHT_BITS, -LARGEST_LOGIT), LARGEST_LOGIT)
    return np.int64(SQUASH[np.uintp(logit + LARGEST_LOGIT + 1)])


@inlined
def _error(probability, bit):  # type: ignore[no-untyped-def]
    return ((bit << 12) - (probability >> 4)) * LEARNING_RATE


@inlined
def _moved(weight, logit, error):  # type: ignore[no-untyped-def]
    """A weight moved towards what would have served better."""
    weight += (logit * error + HALF) >> LEARNING_SHIFT
    return min(max(weight, -LARGEST_WEIGHT), LARGEST_WEIGHT)


# The two mixtures are written out: all is read before anything is written, so that the processor
# need not wait, and numbers stay in registers.


@inlined
def code_first(coder, model, weight_set, contexts, bit):  # type: ignore[no-untyped-def]
    """The first flag of a level, by five contexts, contexts[1]…contexts[5]."""
    states, weights = model.states, model.weights
    first = weight_set * ZERO_MODELS
    at_0, at_1, at_2 = np.uintp(contexts[1]), np.uintp(contexts[2]), np.uintp(contexts[3])
    at_3, at_4 = np.uintp(contexts[4]), np.uintp(contexts[5])
    w_0, w_1, w_2 = np.uintp(first), np.uintp(first + 1), np.uintp(first + 2)
    w_3, w_4 = np.uintp(first + 3), np.uintp(first + 4)
    state_0, state_1 = np.int64(states[at_0]), np.int64(states[at_1])
    state_2, state_3 = np.int64(states[at_2]), np.int64(states[at_3])
    state_4 = np.int64(states[at_4])
    weight_0, weight_1 = np.int64(weights[w_0]), np.int64(weights[w_1])
    weight_2, weight_3 = np.int64(weights[w_2]), np.int64(weights[w_3])
    weight_4 = np.int64(weights[w_4])
    logit_0, logit_1, logit_2 = _logit(state_0), _logit(state_1), _logit(state_2)
    logit_3, logit_4 = _logit(state_3), _logit(state_4)
    total = weight_0 * logit_0 + weight_1 * logit_1 + weight_2 * logit_2
    probability = _squashed(total + weight_3 * logit_3 + weight_4 * logit_4)
    bit = code_bit(coder, probability, bit)
    error = _error(probability, bit)
    weights[w_0], weights[w_1] = _moved(weight_0, logit_0, error), _moved(weight_1, logit_1, error)
    weights[w_2], weights[w_3] = _moved(weight_2, logit_2, error), _moved(weight_3, logit_3, error)
    weights[w_4] = _moved(weight_4, logit_4, error)
    states[at_0], states[at_1] = learned(state_0, bit), learned(state_1, bit)
    states[at_2], states[at_3] = learned(state_2, bit), learned(state_3, bit)
    states[at_4] = learned(state_4, bit)
    return bit


@inlined
def code_other(coder, model, weight_set, contexts, offset, bit):  # type: ignore[no-untyped-def]
    """Another flag of a level, by three contexts, contexts[6]…contexts[8], each + offset."""
    states, weights = model.states, model.weights
    first = weight_set * ZERO_MODELS
    at_0, at_1 = np.uintp(contexts[6] + offset), np.uintp(contexts[7] + offset)
    at_2 = np.uintp(contexts[8] + offset)
    w_0, w_1, w_2 = np.uintp(first), np.uintp(first + 1), np.uintp(first + 2)
    state_0, state_1 = np.int64(states[at_0]), np.int64(states[at_1])
    state_2 = np.int64(states[at_2])
    weight_0, weight_1 = np.int64(weights[w_0]), np.int64(weights[w_1])
    weight_2 = np.int64(weights[w_2])
    logit_0, logit_1, logit_2 = _logit(state_0), _logit(state_1), _logit(state_2)
    probability = _squashed(weight_0 * logit_0 + weight_1 * logit_1 + weight_2 * logit_2)
    bit = code_bit(coder, probability, bit)
    error = _error(probability, bit)
    weights[w_0], weights[w_1] = _moved(weight_0, logit_0, error), _moved(weight_1, logit_1, error)
    weights[w_2] = _moved(weight_2, logit_2, error)
    states[at_0], states[at_1] = learned(state_0, bit), learned(state_1, bit)
    states[at_2] = learned(state_2, bit)
    return bit
