"""Meeting a target: bytes of a whole stream, or the SQNR of each map.

A target is met by one number for each map, its rank: with every rank more its quantization is
coarser and its bytes are fewer, or nearly so. What a rank is belongs to the profile.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from fmq_embedded.dense.steps import STEP_COUNT
from fmq_embedded.errors import TargetWarning
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.map_coders import LARGEST_TUNING, Tensor, map_coder
from fmq_embedded.settings import Settings

FILLED = 0.97
"""A stream of this share of its target is near enough."""
TUNING_ROUNDS = 6

Result = TypeVar("Result")
Item = TypeVar("Item")


@dataclass(frozen=True)
class Attempt(Generic[Result]):
    """A stream that was tried: its bytes, and what it is made of."""

    size: int
    result: Result


def within_bytes(
    attempt: Callable[[int, float], Attempt[Result]], limit: int, lowest: int, highest: int
) -> Result:
    """The largest stream found that takes at most `limit` bytes; the smallest if none does.

    Args:
        attempt: given a rank and a tuning, the stream; the tuning, from 1 up to
            `LARGEST_TUNING`, takes bits away in steps finer than a rank's.
        lowest, highest: the ranks.
    """
    best: Attempt[Result] | None = None
    smallest: Attempt[Result] | None = None

    def tried(rank: int, tuning: float = 1.0) -> bool:
        nonlocal best, smallest
        one = attempt(rank, tuning)
        fits = one.size <= limit
        if fits and (best is None or one.size > best.size):
            best = one
        if smallest is None or one.size < smallest.size:
            smallest = one
        return fits

    low, high = lowest - 1, highest
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if tried(middle) else (middle, high)
    if best is None and not tried(highest):
        assert smallest is not None
        warnings.warn(
            f"the target of {limit} bytes is below the smallest stream, which takes "
            f"{smallest.size}; that one is given",
            TargetWarning,
            stacklevel=3,
        )
        return smallest.result
    assert best is not None
    if low >= lowest:
        fine, coarse = 1.0, LARGEST_TUNING
        for _ in range(TUNING_ROUNDS):
            if best.size >= FILLED * limit:
                break
            middle_tuning = (fine * coarse) ** 0.5
            if tried(low, middle_tuning):
                coarse = middle_tuning
            else:
                fine = middle_tuning
    return best.result


def encode_items(
    items: Sequence[FeatureMap],
    settings: Settings,
    assembled: Callable[[Sequence[Tensor]], bytes],
) -> bytes:
    """The stream of feature maps, at the target that the settings ask for.

    Args:
        items: at least one.
        settings: see `Settings`.
        assembled: makes the stream of tensors.
    """
    limit = settings.byte_limit
    coders = _each(lambda item: map_coder(item, settings), items)
    if limit is None:
        return assembled(_each(lambda coder: coder.chosen(), coders))

    def attempt(rank: int, tuning: float) -> Attempt[bytes]:
        data = assembled(_each(lambda coder: coder.at(rank, tuning), coders))
        return Attempt(len(data), data)

    return within_bytes(attempt, limit, -STEP_COUNT, STEP_COUNT)


def _each(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """`work` of each item, on threads where there are several: the kernels let others run."""
    if len(items) == 1:
        return [work(items[0])]
    with ThreadPoolExecutor() as threads:
        return list(threads.map(work, items))
