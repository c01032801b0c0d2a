"""What the encoder decides: a channel's mode and its levels; compiled by Numba, integers alone.

Coefficients come in 1/256 step, or 1/256 half step with dependent quantization. A cost J is
squared error, in step²/256, plus λ · bits / 256. The bits are read off the live contexts, one for
each flag: near enough to choose by.
"""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.dense.feature_kernels import contexts_at
from fmq_embedded.dense.level_kernels import (
    MEAN_RATES,
    PLANE_LIMIT,
    SPATIAL,
    TILED,
    WHOLE,
)
from fmq_embedded.dense.trellis_kernels import (
    BIT,
    INFINITE,
    STATES,
    level_cost,
    trellis_step,
)
from fmq_embedded.entropy.kernels import jit


@jit
def choose_levels(  # type: ignore[no-untyped-def]
    scaled,
    mode,
    dependent,
    one_sided,
    search,
    rounding,
    multiplier,
    states,
    current,
    previous,
    before,
    means,
    channel_mean,
    row_edges,
    column_edges,
    contexts,
    trace,
    limit,
    levels,
):
    """Levels of a channel, and what they cost.

    Args:
        scaled: int32, rows × columns: coefficients in 1/256 step (half step if dependent).
        search: 0, round with `rounding`; 1, also try one less and 0; 2, a trellis over the four
            states of dependent quantization, tile by tile.
        rounding: added before a magnitude is cut off to an integer, in 1/256: 128 is half up.
        multiplier: λ, in step²/256 (half step²) for a bit.
        states: of the contexts; only read.
        current: the plane of this channel, filled with magnitudes on the way.
        trace: int32 (places of the largest tile, 8), for the trellis.
        limit: it gives up at the end of a tile's row where J is above, for what comes cannot
            make it less.
        levels: int32, rows × columns, filled.
    """
    domain = np.int64(mode in (WHOLE, TILED))
    sign_cost = 0 if (mode == SPATIAL and one_sided) else BIT
    total = seen = np.int64(0)
    bits = 9 if dependent else 8
    for tile_row in range(row_edges.size - 1):
        top, bottom = np.int64(row_edges[tile_row]), np.int64(row_edges[tile_row + 1])
        above = top - row_edges[tile_row - 1] if tile_row > 0 else np.int64(0)
        for tile_column in range(column_edges.size - 1):
            left, right = (
                np.int64(column_edges[tile_column]),
                np.int64(column_edges[tile_column + 1]),
            )
            aside = left - column_edges[tile_column - 1] if tile_column > 0 else np.int64(0)
            cost0, cost1, cost2, cost3 = np.int64(0), INFINITE, INFINITE, INFINITE
            place = 0
            for row in range(top, bottom):
                for column in range(left, right):
                    expected, _, zero, _, _, _, more, _, _ = contexts_at(
                        domain,
                        current,
                        previous,
                        before,
                        means,
                        row,
                        column,
                        top,
                        left,
                        bottom,
                        right,
                        above,
                        aside,
                        channel_mean >> 4,
                        0,
                    )
                    value = np.int64(scaled[row, column])
                    size = abs(value)
                    if search == 2:
                        level, cost0, cost1, cost2, cost3 = trellis_step(
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
                        )
                        place += 1
                    else:
                        level = (size + (rounding << (bits - 8))) >> bits
                        best = INFINITE
                        if search == 1:
                            level = (size + 128) >> 8
                            first = level
                            for k in range(3):
                                tried = first - k if k < 2 else 0
                                if tried < 0 or (k == 2 and first < 3):
                                    continue
                                error = size - (tried << 8)
                                cost = ((error * error) >> 8) + (
                                    (
                                        multiplier
                                        * level_cost(
                                            states,
                                            zero,
                                            more,
                                            domain,
                                            0,
                                            expected,
                                            sign_cost,
                                            tried,
                                        )
                                    )
                                    >> 8
                                )
                                if cost < best:
                                    best, level = cost, tried
                        else:
                            error = size - (level << bits)
                            if dependent and level > 0:
                                error = (error * 5) >> 3  # it halves the error, about
                            best = ((error * error) >> 8) + (
                                (
                                    multiplier
                                    * level_cost(
                                        states, zero, more, domain, 0, expected, sign_cost, level
                                    )
                                )
                                >> 8
                            )
                        total += best
                        levels[row, column] = -level if value < 0 else level
                    current[row + 2, column + 2] = min(level, PLANE_LIMIT)
                    channel_mean += ((min(level, 63) * 256 - channel_mean) * MEAN_RATES[seen]) >> 16
                    seen = min(seen + 1, 255)
                if total > limit:
                    return total
            if search == 2:
                state = 0
                least = cost0
                if cost1 < least:
                    state, least = 1, cost1
                if cost2 < least:
                    state, least = 2, cost2
                if cost3 < least:
                    state, least = 3, cost3
                total += least
                for row in range(bottom - 1, top - 1, -1):
                    for column in range(right - 1, left - 1, -1):
                        place -= 1
                        level = trace[place, state]
                        levels[row, column] = -level if scaled[row, column] < 0 else level
                        state = trace[place, STATES + state]
    return total
