"""What the suite "rate" reads off curves, on curves whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from firmware_tools.profiling.rate_curve import (
    RatePoint,
    bits_at,
    bjontegaard,
    frontier,
    geometric_mean,
    signal_to_noise,
)


def curve(scale: float, ratios: range = range(2, 33, 3)) -> list[RatePoint]:
    """A bit for each 6 dB."""
    return [RatePoint(scale * 2 ** (ratio / 6), float(ratio)) for ratio in ratios]


def test_ratio_is_about_zero_and_not_about_the_mean() -> None:
    samples = np.full(10, 10.0, np.float32)
    assert signal_to_noise(samples, samples - np.float32(1)) == pytest.approx(20.0)
    assert signal_to_noise(samples, samples) == np.inf
    assert np.isnan(signal_to_noise(np.zeros(3, np.float32), np.ones(3, np.float32)))


def test_a_point_that_another_beats_in_both_is_left_out() -> None:
    good, beaten, lossless = RatePoint(2.0, 20.0), RatePoint(2.5, 18.0), RatePoint(9.0, np.inf)
    assert frontier([beaten, RatePoint(1.0, 10.0), good, lossless]) == [
        good,
        RatePoint(1.0, 10.0),
    ]


def test_bits_between_points_are_exact_where_log_bits_are_linear() -> None:
    assert bits_at(curve(1.0), 12.0) == pytest.approx(4.0)
    assert bits_at(reversed(curve(1.0)), 12.0) == pytest.approx(4.0)


@pytest.mark.parametrize("ratio", [1.9, 32.1])
def test_bits_beyond_a_curve_are_not_guessed(ratio: float) -> None:
    assert bits_at(curve(1.0), ratio) is None


def test_mean_difference_of_scaled_curves_is_their_scale() -> None:
    assert bjontegaard(curve(0.8), curve(1.0)) == pytest.approx(0.8)
    # Sampled elsewhere, the same curves have the same difference.
    assert bjontegaard(curve(0.8, range(1, 34, 4)), curve(1.0)) == pytest.approx(0.8)


def test_mean_difference_needs_ten_decibels_in_common() -> None:
    assert bjontegaard(curve(1.0, range(2, 15, 3)), curve(1.0)) is None
    assert bjontegaard(curve(1.0)[:1], curve(1.0)) is None


def test_geometric_mean() -> None:
    assert geometric_mean([0.5, 2.0]) == pytest.approx(1.0)
