"""What levels cost, and the trellis of dependent quantization; compiled by Numba."""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.dense import contexts as c
from fmq_embedded.dense.coder_kernels import plain_cost
from fmq_embedded.dense.level_kernels import NEXT_STATE
from fmq_embedded.entropy.kernels import inlined, jit

TAIL, TAIL_CLASSES, EXPECTED_CLASSES = c.TAIL, c.TAIL_CLASSES, c.EXPECTED_CLASSES
INFINITE = np.int64(1 << 60)
BIT = 256
STATES = 4


@inlined
def level_cost(states, zero, more, domain, quantizer, expected, sign_cost, level):  # type: ignore[no-untyped-def]
    """The bits of a magnitude, in 1/256."""
    zero += quantizer
    if level == 0:
        return np.int64(plain_cost(states, zero, 0))
    cost = np.int64(plain_cost(states, zero, 1)) + sign_cost
    if level == 1:
        return cost + plain_cost(states, more, 0)
    cost += plain_cost(states, more, 1)
    if level == 2:
        return cost + plain_cost(states, more + 1, 0)
    cost += plain_cost(states, more + 1, 1)
    value, size = level - 2, 0
    base = TAIL + (domain * EXPECTED_CLASSES + expected) * TAIL_CLASSES
    while (value >> (size + 1)) > 0:
        cost += plain_cost(states, base + min(size, TAIL_CLASSES - 1), 1) + BIT
        size += 1
    return cost + plain_cost(states, base + min(size, TAIL_CLASSES - 1), 0)


@jit
def candidate(states, zero, more, domain, quantizer, expected, sign_cost, multiplier, size, parity):  # type: ignore[no-untyped-def]
    """The best magnitude of a parity in a quantizer: its cost · 2^20 + itself."""
    nearest = (size + 256 * (1 + quantizer)) >> 9
    best = INFINITE
    level = np.int64(0)
    for k in range(3):
        tried = nearest - k if k < 2 else 0
        if tried < 0 or (tried & 1) != parity or (k == 2 and nearest < 2):
            continue
        error = size - ((2 * tried - quantizer) << 8) if tried > 0 else size
        cost = ((error * error) >> 8) + (
            (
                multiplier
                * level_cost(states, zero, more, domain, quantizer, expected, sign_cost, tried)
            )
            >> 8
        )
        if cost < best:
            best, level = cost, tried
    return best, level


@jit
def trellis_step(  # type: ignore[no-untyped-def]
    states,
    zero,
    more,
    domain,
    expected,
    sign_cost,
    multiplier,
    size,
    cost0,
    cost1,
    cost2,
    cost3,
    trace,
    place,
):
    """One place of the trellis: for each state, the cheapest way into it."""
    old = (cost0, cost1, cost2, cost3)
    new0 = new1 = new2 = new3 = INFINITE
    for quantizer in range(2):
        for parity in range(2):
            cost, level = candidate(
                states, zero, more, domain, quantizer, expected, sign_cost, multiplier, size, parity
            )
            if cost >= INFINITE:
                continue
            for half in range(2):
                state = 2 * half + quantizer
                if old[state] >= INFINITE:
                    continue
                reached = old[state] + cost
                target = NEXT_STATE[state, parity]
                if target == 0:
                    better = reached < new0
                    new0 = reached if better else new0
                elif target == 1:
                    better = reached < new1
                    new1 = reached if better else new1
                elif target == 2:
                    better = reached < new2
                    new2 = reached if better else new2
                else:
                    better = reached < new3
                    new3 = reached if better else new3
                if better:
                    trace[place, target] = level
                    trace[place, STATES + target] = state
    best, level = new0, trace[place, 0]
    if new1 < best:
        best, level = new1, trace[place, 1]
    if new2 < best:
        best, level = new2, trace[place, 2]
    if new3 < best:
        best, level = new3, trace[place, 3]
    return np.int64(level), new0, new1, new2, new3
