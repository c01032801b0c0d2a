"""The fewest bytes of a map whose SQNR reaches a target."""

from __future__ import annotations

import warnings

from fmq_embedded.dense.encoder import (
    DenseMap,
    DenseResult,
    encode_map,
    searches,
    variants,
    with_tuning,
)
from fmq_embedded.dense.search import Search
from fmq_embedded.dense.steps import STEP_COUNT, STEPS_PER_OCTAVE
from fmq_embedded.errors import TargetWarning

DECIBELS_PER_OCTAVE = 6.02
LARGEST_GUESS = 200.0
"""In dB: where the SQNR is infinite."""
COARSER = ((1, 0.9), (1, 0.75), (2, 0.75), (2, 0.5))
"""Steps more, and what bits are then weighed by."""


def within_sqnr(source: DenseMap, wanted: float, rate_distortion: str) -> DenseResult:
    """The smallest coding found whose SQNR is at least `wanted` dB; the best if none is."""
    asked = searches(source, rate_distortion, for_sqnr=True)
    found = [(_coarsest(source, wanted, search, source.middle_step()), search) for search in asked]
    reached = [one for one in found if one[0].sqnr >= wanted]
    if not reached:
        best = max((one[0] for one in found), key=lambda one: one.sqnr)
        warnings.warn(
            f"the target of {wanted} dB is above what the finest step reaches, {best.sqnr:.1f} dB; "
            "that one is given",
            TargetWarning,
            stacklevel=3,
        )
        return best
    best, search = min(reached, key=lambda one: len(one[0].payload))
    for variant in variants(source, search):
        one = _coarsest(source, wanted, variant, best.tensor.step)
        if one.sqnr >= wanted and len(one.payload) < len(best.payload):
            best, search = one, variant
    return _tuned(source, wanted, search, best)


def _coarsest(source: DenseMap, wanted: float, search: Search, start: int) -> DenseResult:
    """With the coarsest step that reaches the target, or the finest step.

    The step is guessed from the last result: an octave of steps changes the SQNR by about 6 dB.
    """
    tried: dict[int, DenseResult] = {}

    def at(step: int) -> DenseResult:
        if step not in tried:
            tried[step] = encode_map(source, step, search)
        return tried[step]

    low, high, guess = 0, STEP_COUNT - 1, start
    while low < high:
        sqnr = at(guess).sqnr
        if sqnr >= wanted:
            low = guess
        else:
            high = guess - 1
        near = guess + round(
            min(sqnr - wanted, LARGEST_GUESS) * STEPS_PER_OCTAVE / DECIBELS_PER_OCTAVE
        )
        guess = min(max(near, low + 1), high)
    return at(low)


def _tuned(source: DenseMap, wanted: float, search: Search, best: DenseResult) -> DenseResult:
    """With a coarser step and bits weighed less, where that still reaches the target."""
    if not search.search:
        return best
    for steps, tuning in COARSER:
        step = min(best.tensor.step + steps, STEP_COUNT - 1)
        one = encode_map(source, step, with_tuning(search, tuning))
        if one.sqnr >= wanted and len(one.payload) < len(best.payload):
            best = one
            break
    return best
