"""The suite "gateway" on a quick look: its figures are there, in their units."""

from __future__ import annotations

from firmware_tools.profiling.gateway_benchmark import LOOP_LIMIT, figures


def test_the_figures() -> None:
    time, rate = figures(quick=True)
    assert (time.unit, time.peer, time.limit) == ("ms/map", "a plain loop", LOOP_LIMIT)
    assert (rate.unit, rate.peer, rate.limit) == ("maps/s", "the tail alone", None)
    assert time.value > 0
    assert rate.value == 1000 / time.value
