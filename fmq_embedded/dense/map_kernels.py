"""A whole map: channel by channel, its mode and its levels; compiled by Numba."""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.dense.choice_kernels import choose_levels
from fmq_embedded.dense.level_kernels import (
    DEAD,
    PREDICTED,
    SPATIAL,
    code_channel,
    code_mode,
)
from fmq_embedded.dense.plane_kernels import (
    LARGEST_SCALED,
    copy_plane,
    keep_scaled,
    scale_plane,
    subtract_prediction,
    transform_tiles,
)
from fmq_embedded.dense.trellis_kernels import INFINITE
from fmq_embedded.entropy.kernels import jit

MODE_COUNT = 5


@jit
def encode_map(  # type: ignore[no-untyped-def]
    samples,
    lossless,
    allowed,
    edges,
    edge_counts,
    table,
    reciprocal,
    shift,
    dependent,
    one_sided,
    search,
    rounding,
    multiplier,
    biases,
    stay,
    states,
    weights,
    planes,
    means,
    channel_means,
    scratch,
    scaled,
    contexts,
    logits,
    trace,
    coder,
    out,
    levels,
    modes,
    kept,
):
    """Code a map.

    Args:
        samples: int32, channels × rows × columns, within ±4,095; if lossless, ±131,071.
        lossless: whether the samples are the levels.
        allowed: for each mode, whether it may be chosen.
        edges, edge_counts: int32 (modes, 2, most edges), (modes, 2): of tiles.
        planes: int8 (modes, 3, rows + 4, columns + 4), 0.
        scaled: int32 (modes, rows, columns).
        levels: int32, as `samples`, filled; modes: int64, filled.
        kept: int32, as `samples`: gets the scaled values that were quantized.
    """
    turns = np.int64(0)
    turn = contexts[16 : 16 + MODE_COUNT]
    first = contexts[16 + MODE_COUNT : 16 + 2 * MODE_COUNT]
    for mode in range(MODE_COUNT):
        turn[mode], first[mode] = turns, 1
    last = np.int64(SPATIAL)
    for channel in range(samples.shape[0]):
        plane = samples[channel]
        best = np.int64(0)
        chosen = np.int64(DEAD)
        for row in range(plane.shape[0]):
            for column in range(plane.shape[1]):
                size = (
                    min(abs(np.int64(plane[row, column])), LARGEST_SCALED) * reciprocal
                ) >> shift
                best += (size * size) >> 8
        best += multiplier if last == DEAD else 4 * multiplier
        if lossless:
            best = INFINITE >> 10
        for mode in range(1, MODE_COUNT):
            if not allowed[mode]:
                continue
            rows = edges[mode, 0, : edge_counts[mode, 0]]
            columns = edges[mode, 1, : edge_counts[mode, 1]]
            if mode == SPATIAL:
                scale_plane(plane, reciprocal, shift, scaled[mode])
            elif mode == PREDICTED:
                subtract_prediction(plane, scaled[mode])
                scale_plane(scaled[mode], reciprocal, shift, scaled[mode])
            else:
                transform_tiles(plane, rows, columns, table, scratch, scaled[mode])
                scale_plane(scaled[mode], reciprocal, shift, scaled[mode])
            index = turn[mode]
            cost = choose_levels(
                scaled[mode],
                mode,
                dependent,
                one_sided,
                0,
                rounding,
                multiplier,
                states,
                planes[mode, index],
                planes[mode, (index + 2) % 3],
                planes[mode, (index + 1) % 3],
                means[mode],
                channel_means[mode],
                rows,
                columns,
                contexts,
                trace,
                (best << 8) // biases[mode] + 1,
                levels[channel],
            )
            cost = (cost * biases[mode]) >> 8
            if mode != last:
                cost += 3 * multiplier + ((cost * stay) >> 8)
            if cost < best:
                best, chosen = cost, np.int64(mode)
        if chosen != DEAD:
            index = turn[chosen]
            choose_levels(
                scaled[chosen],
                chosen,
                dependent,
                one_sided,
                search,
                rounding,
                multiplier,
                states,
                planes[chosen, index],
                planes[chosen, (index + 2) % 3],
                planes[chosen, (index + 1) % 3],
                means[chosen],
                channel_means[chosen],
                edges[chosen, 0, : edge_counts[chosen, 0]],
                edges[chosen, 1, : edge_counts[chosen, 1]],
                contexts,
                trace,
                INFINITE,
                levels[channel],
            )
            if lossless:
                copy_plane(plane, levels[channel])
            if not keep_scaled(scaled[chosen], levels[channel], kept[channel]):
                chosen = np.int64(DEAD)
        else:
            levels[channel, :, :] = 0
        modes[channel] = chosen
        code_one(
            False,
            coder,
            out,
            states,
            weights,
            last,
            chosen,
            levels[channel],
            dependent,
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


@jit
def code_one(  # type: ignore[no-untyped-def]
    decoding,
    coder,
    data,
    states,
    weights,
    last,
    mode,
    levels,
    dependent,
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
):
    """A channel's mode and levels; then its plane becomes the one before."""
    mode = code_mode(decoding, coder, data, states, last, mode)
    if mode == DEAD:
        return mode
    index = turn[mode]
    channel_means[mode] = code_channel(
        decoding,
        coder,
        data,
        states,
        weights,
        mode,
        levels,
        dependent,
        one_sided,
        planes[mode, index],
        planes[mode, (index + 2) % 3],
        planes[mode, (index + 1) % 3],
        means[mode],
        first[mode],
        channel_means[mode],
        edges[mode, 0, : edge_counts[mode, 0]],
        edges[mode, 1, : edge_counts[mode, 1]],
        contexts,
        logits,
    )
    turn[mode] = (index + 1) % 3
    first[mode] = 0
    return mode


@jit
def decode_map(  # type: ignore[no-untyped-def]
    data,
    coder,
    dependent,
    one_sided,
    edges,
    edge_counts,
    states,
    weights,
    planes,
    means,
    channel_means,
    contexts,
    logits,
    levels,
    modes,
):
    """The mirror of `encode_map`."""
    turn = contexts[16 : 16 + MODE_COUNT]
    first = contexts[16 + MODE_COUNT : 16 + 2 * MODE_COUNT]
    for mode in range(MODE_COUNT):
        turn[mode], first[mode] = 0, 1
    last = np.int64(SPATIAL)
    for channel in range(levels.shape[0]):
        last = code_one(
            True,
            coder,
            data,
            states,
            weights,
            last,
            0,
            levels[channel],
            dependent,
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
        modes[channel] = last
