"""The quick choice of a mode, which a device can afford; compiled by Numba, integers alone.

A channel takes the mode whose coefficients have the least sum of magnitudes, and rounds. libfmq's
fmq_dense_search_t says the same by `is_quick`.
"""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.dense.level_kernels import DEAD, SPATIAL
from fmq_embedded.dense.map_kernels import MODE_COUNT, code_one
from fmq_embedded.dense.plane_kernels import scale_plane, transform_tiles
from fmq_embedded.entropy.kernels import jit


@jit
def least_mode(  # type: ignore[no-untyped-def]
    plane, last, allowed, edges, edge_counts, table, reciprocal, shift, biases, scratch, scaled
):
    """The mode of a channel, DEAD where none is allowed; modes are tried from the one after `last`
    on, the first of equals is taken, and `scaled` (modes, rows, columns) has what was tried.
    """
    best = np.int64(-1)
    chosen = np.int64(DEAD)
    for turn in range(MODE_COUNT - 1):
        mode = (last + turn) % (MODE_COUNT - 1) + 1
        if not allowed[mode]:
            continue
        if mode == SPATIAL:
            scale_plane(plane, reciprocal, shift, scaled[mode])
        else:
            rows = edges[mode, 0, : edge_counts[mode, 0]]
            columns = edges[mode, 1, : edge_counts[mode, 1]]
            transform_tiles(plane, rows, columns, table, scratch, scaled[mode])
            scale_plane(scaled[mode], reciprocal, shift, scaled[mode])
        total = np.int64(0)
        for row in range(plane.shape[0]):
            for column in range(plane.shape[1]):
                total += abs(np.int64(scaled[mode, row, column]))
        total *= biases[mode]
        if best < 0 or total < best:
            best, chosen = total, np.int64(mode)
    return chosen


@jit
def round_plane(scaled, rounding, levels):  # type: ignore[no-untyped-def]
    """Levels of coefficients in 1/256 step; returns whether any is not 0."""
    any_level = False
    for row in range(scaled.shape[0]):
        for column in range(scaled.shape[1]):
            value = np.int64(scaled[row, column])
            level = (abs(value) + rounding) >> 8
            any_level |= level != 0
            levels[row, column] = -level if value < 0 else level
    return any_level


@jit
def encode_quickly(  # type: ignore[no-untyped-def]
    samples,
    allowed,
    edges,
    edge_counts,
    table,
    reciprocal,
    shift,
    one_sided,
    rounding,
    biases,
    states,
    weights,
    planes,
    means,
    channel_means,
    scratch,
    scaled,
    contexts,
    logits,
    coder,
    out,
    levels,
    modes,
    parents,
    factors,
):
    """Code a map; the arguments are those of `map_kernels.encode_map`."""
    turn = contexts[16 : 16 + MODE_COUNT]
    first = contexts[16 + MODE_COUNT : 16 + 2 * MODE_COUNT]
    for mode in range(MODE_COUNT):
        turn[mode], first[mode] = np.int64(0), 1
    last = np.int64(SPATIAL)
    for channel in range(samples.shape[0]):
        chosen = least_mode(
            samples[channel],
            last,
            allowed,
            edges,
            edge_counts,
            table,
            reciprocal,
            shift,
            biases,
            scratch,
            scaled,
        )
        if chosen != DEAD and not round_plane(scaled[chosen], rounding, levels[channel]):
            chosen = np.int64(DEAD)
        modes[channel] = chosen
        code_one(
            False,
            coder,
            out,
            states,
            weights,
            last,
            channel,
            False,
            parents,
            factors,
            chosen,
            levels[channel],
            False,
            one_sided,
            planes,
            means,
            turn,
            first,
            channel_means,
            edges,
            edge_counts,
            contexts,
            logits,
        )
        last = chosen
