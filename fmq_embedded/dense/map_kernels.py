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
    WHOLE,
    code_channel,
    code_mode,
)
from fmq_embedded.dense.parent_kernels import (
    MOST_PARENTS,
    NO_PARENT,
    PARENT_BITS,
    add_parents,
    bits_of,
    code_parents,
    estimated_bits,
    find_parent,
    moments,
)
from fmq_embedded.dense.plane_kernels import (
    HALVED,
    clip_plane,
    copy_plane,
    keep_scaled,
    scale_plane,
    subtract_prediction,
    transform_tiles,
)
from fmq_embedded.dense.restore_kernels import restore_channel
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
    parents,
    factors,
    mantissa,
    octave,
    points,
    clips,
    residuals,
    gains,
    slopes,
    restored,
    totals,
):
    """Code a map.

    Args:
        samples: int32, channels × rows × columns, within ±4,095; if lossless, ±131,071.
        lossless: whether the samples are the levels.
        allowed: for each mode, whether it may be chosen.
        edges, edge_counts: int32 (modes, 2, most edges), (modes, 2): of tiles.
        planes: int8 (modes, 3, rows + 4, columns + 4), 0.
        scaled: int32 (1 + most parents, modes, rows, columns).
        levels: int32, as `samples`, filled; modes: int64, filled.
        kept: int32, as `samples`: gets the scaled values that were quantized.
        parents, factors: int64, channels × most parents: filled; parents come as `NO_PARENT`.
        mantissa, octave: of the step.
        points: of reconstruction; see `restore_channel`.
        clips: whether decoded samples are clipped at 0.
        residuals: int32 (most parents + 1, rows, columns).
        gains: float64, slopes: int64, `PARENT_WINDOW`.
        restored: int32, as `samples`, or with no channels where none is to be predicted: gets the
            decoded samples, in 1/4.
        totals: int64, restored channels × 2: gets their `moments`.
    """
    turn = contexts[16 : 16 + MODE_COUNT]
    first = contexts[16 + MODE_COUNT : 16 + 2 * MODE_COUNT]
    for mode in range(MODE_COUNT):
        turn[mode], first[mode] = 0, 1
    last = np.int64(SPATIAL)
    for channel in range(samples.shape[0]):
        plane, own, nonnegative = samples[channel], scaled[0], one_sided
        best, chosen = choose_mode(
            plane,
            INFINITE,
            last,
            nonnegative,
            lossless,
            allowed,
            edges,
            edge_counts,
            table,
            reciprocal,
            shift,
            dependent,
            rounding,
            multiplier,
            biases,
            stay,
            states,
            planes,
            means,
            channel_means,
            scratch,
            own,
            contexts,
            turn,
            trace,
            levels[channel],
            kept[channel],
        )
        for k in range(MOST_PARENTS if channel < restored.shape[0] else 0):
            if allowed[SPATIAL] and allowed[WHOLE]:
                bits = min(bits_of(own[SPATIAL]), bits_of(own[WHOLE]))
            else:
                bits = estimated_bits(
                    plane,
                    edges[WHOLE, 0, : edge_counts[WHOLE, 0]],
                    edges[WHOLE, 1, : edge_counts[WHOLE, 1]],
                    table,
                    scratch,
                    residuals[MOST_PARENTS],
                    reciprocal,
                    shift,
                )
            parent, factor = find_parent(
                plane,
                bits,
                restored,
                totals,
                channel,
                edges[WHOLE, 0, : edge_counts[WHOLE, 0]],
                edges[WHOLE, 1, : edge_counts[WHOLE, 1]],
                table,
                scratch,
                residuals[MOST_PARENTS],
                residuals[k],
                gains,
                slopes,
                reciprocal,
                shift,
            )
            if parent == NO_PARENT:
                break
            side = (k + 1) * PARENT_BITS * multiplier
            cost, mode = choose_mode(
                residuals[k],
                best - side,
                last,
                False,
                lossless,
                allowed,
                edges,
                edge_counts,
                table,
                reciprocal,
                shift,
                dependent,
                rounding,
                multiplier,
                biases,
                stay,
                states,
                planes,
                means,
                channel_means,
                scratch,
                scaled[1 + k],
                contexts,
                turn,
                trace,
                levels[channel],
                kept[channel],
            )
            if cost + side >= best:
                break
            best, chosen = cost + side, mode
            parents[channel, k], factors[channel, k] = parent, factor
            plane, own, nonnegative = residuals[k], scaled[1 + k], False
        if chosen != DEAD and search == 0:
            copy_plane(kept[channel], levels[channel])
        elif chosen != DEAD:
            index = turn[chosen]
            choose_levels(
                own[chosen],
                chosen,
                dependent,
                nonnegative,
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
        else:
            levels[channel, :, :] = 0
        if chosen != DEAD:
            if lossless:
                copy_plane(plane, levels[channel])
            if not keep_scaled(own[chosen], levels[channel], kept[channel]):
                chosen = np.int64(DEAD)
        modes[channel] = chosen
        if channel < restored.shape[0]:
            restore_channel(
                levels[channel],
                chosen,
                parents[channel, 0] != NO_PARENT,
                one_sided,
                dependent,
                mantissa,
                octave,
                points,
                edges[chosen, 0, : edge_counts[chosen, 0]],
                edges[chosen, 1, : edge_counts[chosen, 1]],
                table,
                scratch,
                restored[channel],
            )
            add_parents(restored, channel, parents[channel], factors[channel])
            if clips:
                clip_plane(restored[channel])
            totals[channel, 0], totals[channel, 1] = moments(restored[channel])
        code_one(
            False,
            coder,
            out,
            states,
            weights,
            last,
            channel,
            lossless,
            parents,
            factors,
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
def choose_mode(  # type: ignore[no-untyped-def]
    plane,
    best,
    last,
    nonnegative,
    lossless,
    allowed,
    edges,
    edge_counts,
    table,
    reciprocal,
    shift,
    dependent,
    rounding,
    multiplier,
    biases,
    stay,
    states,
    planes,
    means,
    channel_means,
    scratch,
    scaled,
    contexts,
    turn,
    trace,
    levels,
    found,
):
    """The mode that costs least, if it costs less than `best`; and what it costs.

    Args:
        plane: int32, rows × columns: samples, or what their parent leaves of them.
        nonnegative: whether no sample is negative.
        scaled: int32 (modes, rows, columns): of each mode that was tried.
        levels: int32, rows × columns: of no use afterwards.
        found: int32, rows × columns: gets the levels of the mode, rounded.
    """
    chosen = np.int64(DEAD)
    cost = np.int64(0)
    for row in range(plane.shape[0]):
        for column in range(plane.shape[1]):
            size = (min(abs(np.int64(plane[row, column])), HALVED - 1) * reciprocal) >> shift
            cost += (size * size) >> 8
    cost += multiplier if last == DEAD else 4 * multiplier
    best = min(best, INFINITE >> 10 if lossless else cost)
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
            nonnegative,
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
            levels,
        )
        cost = (cost * biases[mode]) >> 8
        if mode != last:
            cost += 3 * multiplier + ((cost * stay) >> 8)
        if cost < best:
            best, chosen = cost, np.int64(mode)
            copy_plane(levels, found)
    return best, chosen


@jit
def code_one(  # type: ignore[no-untyped-def]
    decoding,
    coder,
    data,
    states,
    weights,
    last,
    channel,
    lossless,
    parents,
    factors,
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
    if not lossless and channel > 0:
        code_parents(
            decoding, coder, data, states, channel, mode, parents[channel], factors[channel]
        )
        one_sided &= parents[channel, 0] == NO_PARENT
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
    lossless,
    parents,
    factors,
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
            channel,
            lossless,
            parents,
            factors,
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
