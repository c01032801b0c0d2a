"""Times of calls on this machine: medians of rounds that take turns, and the machine's noise."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from firmware_tools.profiling.figures import Figure

NOISE_ROUNDS = 60
NOISE_TURNS = 40_000


def seconds(call: Callable[[], Any]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(
    name: str,
    peer: str,
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    *,
    unit: str,
    units: tuple[int, int],
    rounds: int,
    limit: float | None,
) -> Figure:
    """Runs both in turn, once to warm up and `rounds` times timed.

    Args:
        name, peer, limit: of the figure.
        ours, theirs: what is timed.
        unit: what a call handles many of, such as "sample"; the figure is in ns per unit.
        units: how many of them a call of ours and of theirs handles.
        rounds: at least 1.
    """
    ours()
    theirs()
    pairs = [
        (seconds(ours) * 1e9 / units[0], seconds(theirs) * 1e9 / units[1]) for _ in range(rounds)
    ]
    return Figure(
        name=name,
        value=statistics.median(pair[0] for pair in pairs),
        unit=f"ns/{unit}",
        peer=peer,
        peer_value=statistics.median(pair[1] for pair in pairs),
        ratio=statistics.median(pair[0] / pair[1] for pair in pairs),
        limit=limit,
    )


def noise() -> float:
    """How far the times of a fixed loop spread: (90th percentile − 10th) / median."""

    def loop() -> None:
        for _ in range(NOISE_TURNS):
            pass

    tenths = statistics.quantiles((seconds(loop) for _ in range(NOISE_ROUNDS)), n=10)
    return (tenths[-1] - tenths[0]) / tenths[4]
