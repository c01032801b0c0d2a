"""What the encoder decides of a channel's levels; compiled by Numba, integers alone."""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.compiling import NOTHING, inlined, inner
from fmq_embedded.dense.cost_kernels import BIT, INFINITE, level_cost, weighted_cost
from fmq_embedded.dense.feature_kernels import contexts_at
from fmq_embedded.dense.level_kernels import (
    PLANE_LIMIT,
    SPATIAL,
    TILED,
    WHOLE,
    moved_mean,
    planes_of,
    tile_at,
)
from fmq_embedded.dense.trellis_kernels import trace_back, trellis_step


@inner
def round_levels(scaled, rounding, bits, plane, stride, levels):  # type: ignore[no-untyped-def]
    """Levels of coefficients, rounded, and their magnitudes into a plane; whether any is not 0."""
    rows, columns = scaled.shape
    largest = np.int64(0)
    for row in range(rows):
        first = (row + 2) * stride + 2
        for column in range(columns):
            value = np.int64(scaled[row, column])
            level = (abs(value) + rounding) >> bits
            largest = max(largest, level)
            plane[np.uintp(first + column)] = 2 * min(level, PLANE_LIMIT)
            levels[row, column] = -level if value < 0 else level
    return largest > 0


@inner
def rounded_cost(model, history, tiles, quantizer, rules, one_sided, mode, scaled, limit, levels):  # type: ignore[no-untyped-def]
    """What a channel costs in a mode where its levels are only rounded.

    It gives up at the end of a tile's row where the cost is above `limit`, for what comes cannot
    make it less.

    Args:
        model, history: only read, but for the plane of this channel.
        one_sided: whether no sample of this channel is negative.
        scaled: int32, rows × columns: coefficients in 1/256 step (half step if dependent).
        levels: int32, rows × columns, filled.
    """
    domain = np.int64(mode in (WHOLE, TILED))
    sign_cost = np.int64(0 if mode == SPATIAL and one_sided else BIT)
    states, means, stride = model.states, history.means[mode], history.stride
    planes = planes_of(history, mode)
    edges = tiles.edges[mode]
    mean = history.channel_means[mode]
    total = seen = np.int64(0)
    columns = levels.shape[1]
    bits = 9 if quantizer.dependent else 8
    round_levels(scaled, rules.rounding << (bits - 8), bits, planes[0], stride, levels)
    for tile_row in range(tiles.counts[mode, 0] - 1):
        for tile_column in range(tiles.counts[mode, 1] - 1):
            top, left, tile = tile_at(edges, tile_row, tile_column)
            for row in range(tile[0]):
                for column in range(tile[1]):
                    y, x = top + row, left + column
                    at = (y + 2) * stride + x + 2
                    place_mean = np.int64(means[np.uintp(y * columns + x)])
                    contexts = contexts_at(
                        domain,
                        planes,
                        at,
                        stride,
                        place_mean,
                        mean >> 4,
                        NOTHING,
                        row,
                        column,
                        tile,
                    )
                    level = abs(np.int64(levels[y, x]))
                    error = abs(np.int64(scaled[y, x])) - (level << bits)
                    if quantizer.dependent and level > 0:
                        error = (error * 5) >> 3  # it halves the error, about
                    cost = level_cost(states, contexts, domain, NOTHING, sign_cost, level)
                    total += weighted_cost(error, rules.multiplier, cost)
                    mean = moved_mean(mean, level, seen)
                    seen = min(seen + 1, 255)
                if total > limit:
                    return total
    return total


@inlined
def _cheapest(states, contexts, domain, sign_cost, multiplier, size):  # type: ignore[no-untyped-def]
    """A magnitude: the nearest, one less, or 0."""
    nearest = (size + 128) >> 8
    best, level = INFINITE, nearest
    for k in range(3):
        tried = nearest - k if k < 2 else 0
        if tried < 0 or (k == 2 and nearest < 3):
            continue
        bits = level_cost(states, contexts, domain, NOTHING, sign_cost, tried)
        cost = weighted_cost(size - (tried << 8), multiplier, bits)
        if cost < best:
            best, level = cost, tried
    return level


@inner
def choose_levels(model, history, tiles, rules, one_sided, mode, scaled, levels):  # type: ignore[no-untyped-def]
    """Levels of a channel by rate and distortion.

    If `rules.search` is 1, the cheapest of a few for each place; if it is 2, by a trellis over the
    four states of dependent quantization, tile by tile. The arguments are those of `rounded_cost`.
    """
    domain = np.int64(mode in (WHOLE, TILED))
    sign_cost = np.int64(0 if mode == SPATIAL and one_sided else BIT)
    states, means, stride = model.states, history.means[mode], history.stride
    planes = planes_of(history, mode)
    edges = tiles.edges[mode]
    mean = history.channel_means[mode]
    seen = np.int64(0)
    columns = levels.shape[1]
    for tile_row in range(tiles.counts[mode, 0] - 1):
        for tile_column in range(tiles.counts[mode, 1] - 1):
            top, left, tile = tile_at(edges, tile_row, tile_column)
            costs = (np.int64(0), INFINITE, INFINITE, INFINITE)
            for row in range(tile[0]):
                for column in range(tile[1]):
                    y, x = top + row, left + column
                    at = (y + 2) * stride + x + 2
                    place_mean = np.int64(means[np.uintp(y * columns + x)])
                    contexts = contexts_at(
                        domain,
                        planes,
                        at,
                        stride,
                        place_mean,
                        mean >> 4,
                        NOTHING,
                        row,
                        column,
                        tile,
                    )
                    value = np.int64(scaled[y, x])
                    if rules.search == 2:
                        level, costs = trellis_step(
                            states,
                            contexts,
                            domain,
                            sign_cost,
                            rules.multiplier,
                            abs(value),
                            costs,
                            rules.trace,
                            row * tile[1] + column,
                        )
                    else:
                        level = _cheapest(
                            states, contexts, domain, sign_cost, rules.multiplier, abs(value)
                        )
                        levels[y, x] = -level if value < 0 else level
                    planes[0][np.uintp(at)] = 2 * min(level, PLANE_LIMIT)
                    mean = moved_mean(mean, level, seen)
                    seen = min(seen + 1, 255)
            if rules.search == 2:
                trace_back(rules.trace, costs, scaled, top, left, tile, levels)
