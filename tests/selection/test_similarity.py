"""Similarity is an integer measure that tells the distributions apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest

from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.selection import gaussian_similarity, histogram, laplace_similarity
from fmq_embedded.selection.similarity import (
    GAUSSIAN_CUMULATIVE,
    LAPLACE_CUMULATIVE,
    LARGEST_ALLOWANCE,
    WHOLE,
    _cumulative,
)

SIZE = 40001


def gaussian_grid() -> npt.NDArray[np.float32]:
    """Equally likely points of N(0, 1), without chance."""
    z = np.linspace(-6, 6, 20001)
    cumulative = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in z])
    points: npt.NDArray[np.float64] = np.interp((np.arange(SIZE) + 0.5) / SIZE, cumulative, z)
    return points.astype(np.float32)


def laplace_grid() -> npt.NDArray[np.float32]:
    """Equally likely points of a Laplace of scale 1."""
    u = (np.arange(SIZE) + 0.5) / SIZE - 0.5
    points: npt.NDArray[np.float64] = -np.sign(u) * np.log(1 - 2 * np.abs(u))
    return points.astype(np.float32)


def uniform_grid() -> npt.NDArray[np.float32]:
    return np.linspace(-1, 1, SIZE).astype(np.float32)


def test_no_table_entry_is_near_a_tie() -> None:
    """So that any erf or exp that is right to 1e-9 gives the same tables."""
    for j, (gaussian, laplace) in enumerate(
        zip(GAUSSIAN_CUMULATIVE, LAPLACE_CUMULATIVE, strict=True)
    ):
        for entry, true in (
            (gaussian, 0.5 * math.erfc(-j / 16 / math.sqrt(2))),
            (laplace, 1 - 0.5 * math.exp(-math.sqrt(2) * j / 16)),
        ):
            assert abs(entry - WHOLE * true) < 0.5 - 1e-6


@pytest.mark.parametrize(
    ("make", "gaussian", "laplace"),
    [
        (gaussian_grid, 1.0, 0.859),
        (laplace_grid, 0.857, 1.0),
        (uniform_grid, 0.807, 0.696),
    ],
)
def test_similarities_of_the_three_distributions(
    make: Callable[[], npt.NDArray[np.float32]], gaussian: float, laplace: float
) -> None:
    found = histogram(make())
    assert gaussian_similarity(found).value / WHOLE == pytest.approx(gaussian, abs=0.004)
    assert laplace_similarity(found).value / WHOLE == pytest.approx(laplace, abs=0.004)


def test_intersection_with_the_gaussian_is_one_minus_half_the_distance() -> None:
    """Against an independent float computation."""
    values = np.random.default_rng(0).logistic(2, 3, 5000).astype(np.float32)
    found = histogram(values)
    z = (np.array(found.edges) - values.mean(dtype=float)) / values.std(dtype=float)
    cumulative = np.array([0.0, *(0.5 * math.erfc(-v / math.sqrt(2)) for v in z), 1.0])
    shares = np.array(found.counts) / values.size
    expected = 1 - np.abs(np.diff(cumulative) - shares).sum() / 2
    assert gaussian_similarity(found).value / WHOLE == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("factor", [2.0**-120, 2.0**-3, 2.0**100])
def test_scale_does_not_count(factor: float) -> None:
    values = np.random.default_rng(1).normal(0.5, 1, 3000).astype(np.float32)
    scaled = histogram(values * np.float32(factor))
    assert gaussian_similarity(scaled) == gaussian_similarity(histogram(values))
    assert laplace_similarity(scaled) == laplace_similarity(histogram(values))


@pytest.mark.parametrize("scale", [0.02, 0.1, 0.5, 1.0])
def test_codes_are_no_less_similar_for_being_coarse(scale: float) -> None:
    codes = np.clip(np.round(gaussian_grid() / scale), -128, 127).astype(np.int8)
    assert gaussian_similarity(histogram(FeatureMap(codes, scale))).value > 0.97 * WHOLE


@pytest.mark.parametrize("count", [1000, 10000])
def test_the_allowance_is_what_finite_samples_lose(count: int) -> None:
    rng = np.random.default_rng(count)
    found = [
        gaussian_similarity(histogram(rng.normal(size=count).astype(np.float32))) for _ in range(30)
    ]
    lost = np.mean([WHOLE - one.value for one in found])
    assert np.mean([one.allowance for one in found]) == pytest.approx(lost, rel=0.2)


def test_few_samples_are_not_believed() -> None:
    found = histogram(np.array([0, 1], np.float32))
    for similarity in (gaussian_similarity(found), laplace_similarity(found)):
        assert similarity.allowance == LARGEST_ALLOWANCE
        assert not similarity.reaches(WHOLE // 2)


def test_a_constant_resembles_nothing() -> None:
    for values in (np.full(5, 3, np.float32), np.zeros(0, np.float32)):
        assert gaussian_similarity(histogram(values)).value == 0
        assert laplace_similarity(histogram(values)).value == 0


def test_golden() -> None:
    """Integers throughout: the same on every machine."""
    values = (np.arange(-500, 700) ** 3).astype(np.float32)
    found = histogram(values)
    assert (gaussian_similarity(found).value, laplace_similarity(found).value) == (42920, 45221)


@pytest.mark.parametrize("unit", [1.0, 2.0**-149, 2.0**90, float(np.float32(0.1))])
def test_positions_between_table_entries_are_exact(unit: float) -> None:
    """On the entries and beside them, where float64 alone would be a guess."""
    steps = np.concatenate([np.arange(-40, 41), 33 + np.arange(-3, 4) * 2.0**-40, [300, -300]])
    points = (steps / 4 * unit).tolist()
    tiny = 2.0**-60 * unit
    for centre, deviation in ((0.0, unit), (unit, 3 * unit), (unit, unit / 3), (tiny, 3 * unit)):
        found = _cumulative(points, centre, deviation, LAPLACE_CUMULATIVE)
        for point, share in zip(points, found.tolist(), strict=True):
            distance = Fraction(point) - Fraction(centre)
            position = abs(distance) * 4096 // Fraction(deviation)
            entry, part = divmod(position, 256)
            above = WHOLE
            if entry < 128:
                low, high = LAPLACE_CUMULATIVE[entry : entry + 2]
                above = low + ((high - low) * part + 128) // 256
            assert share == (above if distance >= 0 else WHOLE - above)
