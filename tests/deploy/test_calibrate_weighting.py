"""Regions of interest are learned from what is found, and told in integers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from fmq_embedded.calibration.results import Box
from fmq_embedded.deploy.calibrate_weighting import RegionFit, channel_factors
from fmq_embedded.errors import MismatchError

UNIT = 2.0**-9
ROWS, COLUMNS = 12, 16
Reals = npt.NDArray[np.float64]


def made(count: int) -> tuple[list[Reals], list[list[Box]]]:
    """Noisy maps of four channels; the difference of two is large within a box in all but some."""
    rng = np.random.default_rng(7)
    maps, boxes = [], []
    for index in range(count):
        values = rng.normal(1.0, 0.3, (ROWS, COLUMNS, 4))
        found: list[Box] = []
        if index % 3:
            top, left = int(rng.integers(0, ROWS - 4)), int(rng.integers(0, COLUMNS - 4))
            values[top : top + 4, left : left + 4] += [1.5, 0, -1.5, 0]
            low = (left + 0.5) / COLUMNS, (top + 0.5) / ROWS
            found.append((*low, (left + 3.5) / COLUMNS, (top + 3.5) / ROWS))
        maps.append(values)
        boxes.append(found)
    return maps, boxes


def test_a_region_holds_what_is_found_and_little_else() -> None:
    maps, boxes = made(60)
    region = RegionFit.of(maps[:40], boxes[:40]).region(1.0, UNIT)
    inside = [region.inside(np.rint(one / UNIT)) for one in maps[40:]]
    for mask, one, found in zip(inside, maps[40:], boxes[40:], strict=True):
        in_box = one[..., 0] - one[..., 2] > 2
        if found:
            assert mask[in_box].mean() > 0.99
    empty = [mask.mean() for mask, found in zip(inside, boxes[40:], strict=True) if not found]
    assert max(empty) < 0.15
    np.testing.assert_allclose(np.array(region.background) * UNIT, 1.0, atol=0.05)


def test_higher_odds_hold_less() -> None:
    fit = RegionFit.of(*made(30))
    maps, _ = made(5)
    shares = [
        np.mean([fit.region(odds, UNIT).inside(np.rint(one / UNIT)).mean() for one in maps])
        for odds in (0.05, 1.0, 1e3, 1e9)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[-1]


def test_there_must_be_something_and_something_else() -> None:
    maps, _ = made(3)
    nothing: list[list[Box]] = [[], [], []]
    for boxes in (nothing, [[(0.0, 0.0, 1.0, 1.0)]] * 3):
        with pytest.raises(MismatchError, match="region of interest"):
            RegionFit.of(maps, boxes)


def test_larger_steps_are_smaller_factors() -> None:
    assert channel_factors(np.array([0, 4, -4, 99, -99])) == (8192, 4096, 16384, 1025, 65535)
