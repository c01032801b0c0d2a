"""What levels cost an encoder; compiled by Numba, integers alone.

Coefficients come in 1/256 step, or 1/256 half step with dependent quantization. A cost J is
squared error, in step²/256, plus λ · bits / 256. The bits are read off the live contexts, one for
each flag: near enough to choose by.
"""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.compiling import inlined
from fmq_embedded.dense import contexts as c
from fmq_embedded.dense import probabilities

COSTS = probabilities.costs().astype(np.uint16)
TAIL, TAIL_CLASSES, EXPECTED_CLASSES = c.TAIL, c.TAIL_CLASSES, c.EXPECTED_CLASSES
INFINITE = np.int64(1 << 60)
BIT = 256
FIRST, OTHER = 2, 6
"""The contexts that bits are read off, by their place in what `contexts_at` returns."""


@inlined
def _plain_cost(states, context, bit):  # type: ignore[no-untyped-def]
    """What a decision by one context costs, in 1/256 bit."""
    probability = np.int64(states[np.uintp(context)]) >> 8
    return np.int64(COSTS[np.uintp((probability ^ (0xFFFF * (1 - bit))) >> 7)])


@inlined
def level_cost(states, contexts, domain, quantizer, sign_cost, level):  # type: ignore[no-untyped-def]
    """The bits of a magnitude, in 1/256; contexts are those of the first quantizer."""
    zero, more = contexts[FIRST] + quantizer, contexts[OTHER]
    # Factors of 0 or 1 in place of branches, of which the processor would miss many.
    above_0, above_1, above_2 = np.int64(level > 0), np.int64(level > 1), np.int64(level > 2)
    cost = above_1 * _plain_cost(states, more + 1, above_2)
    cost += above_0 * (_plain_cost(states, more, above_1) + sign_cost)
    cost += _plain_cost(states, zero, above_0)
    if level <= 2:
        return cost
    value, size = level - 2, 0
    base = TAIL + (domain * EXPECTED_CLASSES + contexts[0]) * TAIL_CLASSES
    while (value >> (size + 1)) > 0:
        cost += _plain_cost(states, base + min(size, TAIL_CLASSES - 1), 1) + BIT
        size += 1
    return cost + _plain_cost(states, base + min(size, TAIL_CLASSES - 1), 0)


@inlined
def weighted_cost(error, multiplier, bits):  # type: ignore[no-untyped-def]
    """J of an error and of bits."""
    return ((error * error) >> 8) + ((multiplier * bits) >> 8)
