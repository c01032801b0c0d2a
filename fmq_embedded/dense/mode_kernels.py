"""The choice of a channel's mode; compiled by Numba, integers alone."""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.compiling import inner
from fmq_embedded.dense.choice_kernels import rounded_cost
from fmq_embedded.dense.contexts import MODE_COUNT
from fmq_embedded.dense.cost_kernels import INFINITE
from fmq_embedded.dense.level_kernels import DEAD, PREDICTED, SPATIAL
from fmq_embedded.dense.plane_kernels import (
    HALVED,
    copy_plane,
    scale_plane,
    subtract_prediction,
    transform_tiles,
)

BITS_OF_A_CHANGE = 3
"""What another mode than the last one costs, about."""


@inner
def prepare_mode(plane, tiles, quantizer, mode, scaled):  # type: ignore[no-untyped-def]
    """The coefficients of a channel in a mode, in 1/256 step."""
    if mode == SPATIAL:
        scale_plane(plane, quantizer.reciprocal, quantizer.shift, scaled)
        return
    if mode == PREDICTED:
        subtract_prediction(plane, scaled)
    else:
        transform_tiles(plane, tiles, mode, scaled)
    scale_plane(scaled, quantizer.reciprocal, quantizer.shift, scaled)


@inner
def _cost_of_nothing(plane, quantizer):  # type: ignore[no-untyped-def]
    cost = np.int64(0)
    for row in range(plane.shape[0]):
        for column in range(plane.shape[1]):
            size = min(abs(np.int64(plane[row, column])), HALVED - 1)
            size = (size * quantizer.reciprocal) >> quantizer.shift
            cost += (size * size) >> 8
    return cost


@inner
def choose_mode(  # type: ignore[no-untyped-def]
    plane, best, last, model, history, tiles, quantizer, rules, one_sided, scaled, levels, found
):
    """The mode that costs least, if it costs less than `best`; and what it costs.

    Of equals it is the lowest. The last channel's is tried first, as it often wins, and the others
    give up where they cannot cost less.

    Args:
        plane: int32, rows × columns: samples, or what their parent leaves of them.
        last: the mode of the channel before.
        one_sided: whether no sample of the plane is negative.
        scaled: int32 (modes, rows, columns): of each mode that was tried.
        levels: int32, rows × columns: of no use afterwards.
        found: int32, rows × columns: gets the levels of the mode, rounded.
    """
    chosen = np.int64(DEAD)
    nothing = INFINITE >> 10
    if not quantizer.lossless:
        nothing = _cost_of_nothing(plane, quantizer)
        nothing += (1 if last == DEAD else 1 + BITS_OF_A_CHANGE) * rules.multiplier
    best = min(best, nothing)
    for turn in range(MODE_COUNT):
        mode = np.int64(turn if turn > 0 else last)
        if not rules.allowed[mode] or (turn > 0 and mode == last):
            continue
        prepare_mode(plane, tiles, quantizer, mode, scaled[mode])
        change = 0 if mode == last else BITS_OF_A_CHANGE * rules.multiplier
        bias = rules.biases[mode]
        cost = rounded_cost(
            model,
            history,
            tiles,
            quantizer,
            rules,
            one_sided,
            mode,
            scaled[mode],
            ((best - change + 1) << 8) // bias + 1,
            levels,
        )
        cost = (cost * bias) >> 8
        if mode != last:
            cost += change + ((cost * rules.stay) >> 8)
        if cost < best or (cost == best and mode < chosen):
            best, chosen = cost, mode
            copy_plane(levels, found)
    return best, chosen


@inner
def least_mode(plane, last, tiles, quantizer, rules, scaled):  # type: ignore[no-untyped-def]
    """The mode whose coefficients have the least sum of magnitudes, DEAD where none is allowed.

    Modes are tried from the one after `last` on, the first of equals is taken, and `scaled`
    (modes, rows, columns) has what was tried.
    """
    best = np.int64(-1)
    chosen = np.int64(DEAD)
    for turn in range(MODE_COUNT - 1):
        mode = (last + turn) % (MODE_COUNT - 1) + 1
        if not rules.allowed[mode]:
            continue
        prepare_mode(plane, tiles, quantizer, mode, scaled[mode])
        total = np.int64(0)
        for row in range(plane.shape[0]):
            for column in range(plane.shape[1]):
                total += abs(np.int64(scaled[mode, row, column]))
        total *= rules.biases[mode]
        if best < 0 or total < best:
            best, chosen = total, np.int64(mode)
    return chosen
