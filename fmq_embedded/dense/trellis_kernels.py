"""The trellis of dependent quantization; compiled by Numba."""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.compiling import inlined, inner
from fmq_embedded.dense.cost_kernels import INFINITE, level_cost, weighted_cost
from fmq_embedded.dense.level_kernels import NEXT_STATE

STATES = 4


@inlined
def _candidate(states, contexts, domain, quantizer, sign_cost, multiplier, size, parity):  # type: ignore[no-untyped-def]
    """The best magnitude of a parity in a quantizer, and its cost."""
    nearest = (size + 256 * (1 + quantizer)) >> 9
    best, level = INFINITE, np.int64(0)
    for k in range(3):
        tried = nearest - k if k < 2 else 0
        if tried < 0 or (tried & 1) != parity or (k == 2 and nearest < 2):
            continue
        error = size - ((2 * tried - quantizer) << 8) if tried > 0 else size
        bits = level_cost(states, contexts, domain, quantizer, sign_cost, tried)
        cost = weighted_cost(error, multiplier, bits)
        if cost < best:
            best, level = cost, tried
    return best, level


@inner
def trellis_step(states, contexts, domain, sign_cost, multiplier, size, costs, trace, place):  # type: ignore[no-untyped-def]
    """One place of the trellis: for each state, the cheapest way into it.

    Args:
        costs: of the cheapest ways to each state so far.
        trace: gets the level and the state before of the way into each state.

    Returns:
        The level on the cheapest way, and the costs.
    """
    new0 = new1 = new2 = new3 = INFINITE
    for quantizer in range(2):
        for parity in range(2):
            cost, level = _candidate(
                states, contexts, domain, quantizer, sign_cost, multiplier, size, parity
            )
            if cost >= INFINITE:
                continue
            for half in range(2):
                state = 2 * half + quantizer
                if costs[state] >= INFINITE:
                    continue
                reached = costs[state] + cost
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
    costs = (new0, new1, new2, new3)
    return np.int64(trace[place, _cheapest_state(costs)]), costs


@inlined
def _cheapest_state(costs):  # type: ignore[no-untyped-def]
    """The first of the cheapest."""
    state, least = 0, costs[0]
    if costs[1] < least:
        state, least = 1, costs[1]
    if costs[2] < least:
        state, least = 2, costs[2]
    if costs[3] < least:
        state, least = 3, costs[3]
    return state


@inner
def trace_back(trace, costs, scaled, top, left, tile, levels):  # type: ignore[no-untyped-def]
    """Levels of a tile along the cheapest way."""
    state = np.int64(_cheapest_state(costs))
    place = tile[0] * tile[1]
    for row in range(tile[0] - 1, -1, -1):
        for column in range(tile[1] - 1, -1, -1):
            place -= 1
            level = trace[place, state]
            y, x = top + row, left + column
            levels[y, x] = -level if scaled[y, x] < 0 else level
            state = np.int64(trace[place, STATES + state])
