"""A whole map: channel by channel, its mode and its levels; compiled by Numba."""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.compiling import NEVER, inner, merged
from fmq_embedded.dense.choice_kernels import choose_levels, round_levels
from fmq_embedded.dense.coder_kernels import write_if_many, write_waiting
from fmq_embedded.dense.cost_kernels import INFINITE
from fmq_embedded.dense.level_kernels import (
    DEAD,
    SPATIAL,
    WHOLE,
    code_channel,
    code_mode,
    planes_of,
)
from fmq_embedded.dense.mode_kernels import choose_mode, least_mode
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
from fmq_embedded.dense.plane_kernels import clip_plane, copy_plane, keep_scaled
from fmq_embedded.dense.restore_kernels import restore_channel
from fmq_embedded.entropy.kernels import jit


@jit
def encode_map(samples, coder, model, history, tiles, quantizer, rules, coding, trials):  # type: ignore[no-untyped-def]
    """Code a map.

    Args:
        samples: int32, channels × rows × columns, within ±4,095; if lossless, ±131,071.
        coding: filled; parents come as `NO_PARENT`.
        trials: `kept` gets the scaled values that were quantized, `restored` the samples of a
            decoder.
    """
    last = np.int64(SPATIAL)
    for channel in range(samples.shape[0]):
        mode = _decide_channel(
            samples, channel, last, model, history, tiles, quantizer, rules, coding, trials
        )
        if channel < trials.restored.shape[0]:
            _restore_decided(channel, mode, tiles, quantizer, coding, trials)
        last = code_one(coder, model, history, tiles, quantizer, channel, last, mode, coding)
    write_waiting(coder)


@merged
def _decide_channel(  # type: ignore[no-untyped-def]
    samples, channel, last, model, history, tiles, quantizer, rules, coding, trials
):
    """The mode of a channel; its parents, factors and levels are filled in."""
    plane, scaled, one_sided = samples[channel], trials.scaled[0], quantizer.one_sided
    levels, kept = coding.levels[channel], trials.kept[channel]
    best, mode = choose_mode(
        plane,
        INFINITE,
        last,
        model,
        history,
        tiles,
        quantizer,
        rules,
        one_sided,
        scaled,
        levels,
        kept,
    )
    for k in range(MOST_PARENTS if channel < trials.restored.shape[0] else 0):
        if rules.allowed[SPATIAL] and rules.allowed[WHOLE]:
            bits = min(bits_of(scaled[SPATIAL]), bits_of(scaled[WHOLE]))
        else:
            bits = estimated_bits(plane, tiles, quantizer, trials.residuals[MOST_PARENTS])
        parent, factor = find_parent(
            plane, bits, channel, tiles, quantizer, trials, trials.residuals[k]
        )
        if parent == NO_PARENT:
            break
        side = (k + 1) * PARENT_BITS * rules.multiplier
        cost, other = choose_mode(
            trials.residuals[k],
            best - side,
            last,
            model,
            history,
            tiles,
            quantizer,
            rules,
            NEVER,
            trials.scaled[1 + k],
            levels,
            kept,
        )
        if cost + side >= best:
            break
        best, mode = cost + side, other
        coding.parents[channel, k], coding.factors[channel, k] = parent, factor
        plane, scaled, one_sided = trials.residuals[k], trials.scaled[1 + k], False
    if mode == DEAD:
        levels[:, :] = 0
        return mode
    if rules.search == 0:
        copy_plane(kept, levels)
    else:
        choose_levels(model, history, tiles, rules, one_sided, mode, scaled[mode], levels)
    if quantizer.lossless:
        copy_plane(plane, levels)
    return mode if keep_scaled(scaled[mode], levels, kept) else np.int64(DEAD)


@merged
def _restore_decided(channel, mode, tiles, quantizer, coding, trials):  # type: ignore[no-untyped-def]
    """What a decoder will have of a channel, for those that come to be predicted from it."""
    restored, parents = trials.restored, coding.parents[channel]
    is_child = parents[0] != NO_PARENT
    restore_channel(coding.levels[channel], mode, is_child, tiles, quantizer, restored[channel])
    add_parents(restored, channel, parents, coding.factors[channel])
    if quantizer.clips:
        clip_plane(restored[channel])
    trials.totals[channel, 0], trials.totals[channel, 1] = moments(restored[channel])


@jit
def encode_quickly(samples, coder, model, history, tiles, quantizer, rules, coding, scaled):  # type: ignore[no-untyped-def]
    """Code a map by the quick choice of a mode, which a device can afford.

    A channel takes the mode whose coefficients have the least sum of magnitudes, and rounds.
    libfmq's fmq_dense_search_t says the same by `is_quick`.

    Args:
        scaled: int32 (modes, rows, columns): of no use afterwards.
    """
    last = np.int64(SPATIAL)
    for channel in range(samples.shape[0]):
        levels = coding.levels[channel]
        mode = least_mode(samples[channel], last, tiles, quantizer, rules, scaled)
        if mode != DEAD:
            plane = planes_of(history, mode)[0]
            if not round_levels(scaled[mode], rules.rounding, 8, plane, history.stride, levels):
                mode = np.int64(DEAD)
        last = code_one(coder, model, history, tiles, quantizer, channel, last, mode, coding)
    write_waiting(coder)


@inner
def code_one(coder, model, history, tiles, quantizer, channel, last, mode, coding):  # type: ignore[no-untyped-def]
    """A channel's mode and levels; returns the mode.

    Args:
        last: the mode of the channel before.
    """
    mode = code_mode(coder, model.states, last, mode)
    coding.modes[channel] = mode
    one_sided = quantizer.one_sided
    if not quantizer.lossless and channel > 0:
        parents, factors = coding.parents[channel], coding.factors[channel]
        code_parents(coder, model.states, channel, mode, parents, factors)
        one_sided &= parents[0] == NO_PARENT
    write_if_many(coder)
    if mode != DEAD:
        levels = coding.levels[channel]
        code_channel(coder, model, history, tiles, quantizer, one_sided, mode, levels)
    return mode


@jit
def decode_map(coder, model, history, tiles, quantizer, coding):  # type: ignore[no-untyped-def]
    """The mirror of `encode_map`."""
    last = np.int64(SPATIAL)
    for channel in range(coding.levels.shape[0]):
        last = code_one(
            coder, model, history, tiles, quantizer, channel, last, np.int64(DEAD), coding
        )
