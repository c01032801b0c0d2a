"""Statistics over data merge to the same integers in any order, and stand in for the samples."""

from __future__ import annotations

from functools import reduce
from itertools import permutations

import numpy as np
import pytest

from fmq_embedded.calibration import TensorStatistics, collect, tensor_statistics
from fmq_embedded.calibration.statistics import GRID_BINS, values_of_keys
from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.quantizers.samples import order_keys
from fmq_embedded.selection import moments

RNG = np.random.default_rng(0)
PARTS = [RNG.lognormal(0, 3 * k, (40, 50)).astype(np.float32) - k for k in range(1, 4)]
WHOLE = np.concatenate(PARTS)


def test_any_order_of_merging_is_the_whole() -> None:
    whole = tensor_statistics(WHOLE)
    parts = [tensor_statistics(part) for part in PARTS]
    for order in permutations(parts):
        assert reduce(TensorStatistics.merged, order) == whole
    assert parts[0].merged(parts[1].merged(parts[2])) == whole
    assert parts[0].merged(parts[1]) != whole


def test_collect_merges_by_name() -> None:
    runs = [{"a": PARTS[0], "b": PARTS[1]}, {"b": PARTS[2]}, {"a": PARTS[1]}]
    found = collect(iter(runs))
    assert list(found) == ["a", "b"]
    assert found["a"] == tensor_statistics(np.concatenate(PARTS[:2]))
    assert found["b"] == collect(reversed(runs))["b"]
    assert found["a"].moments == moments(np.concatenate(PARTS[:2]))


def test_the_grid_is_the_upper_half_of_the_order_preserving_integer() -> None:
    values = np.array([-1.0, -0.0, 0.0, 1.0, 1.0078124, 1.0078125, 3.4028235e38], np.float32)
    counts = tensor_statistics(values).counts
    assert counts.size == GRID_BINS
    middle = GRID_BINS // 2
    expected = {middle: 2, middle + 0x3F80: 2, middle + 0x3F81: 1, middle + 0x7F7F: 1}
    expected[middle - 0x3F80] = 1
    assert {int(i): int(counts[i]) for i in np.flatnonzero(counts)} == expected


def test_values_of_keys_are_the_inverse_of_order_keys() -> None:
    bits = RNG.integers(0, 2**32, 10000, np.uint32)
    values = bits.view(np.float32)
    values = values[np.isfinite(values)]
    assert np.array_equal(values_of_keys(order_keys(values).astype(np.int64)), values)


def test_codes_are_counted_by_their_real_values() -> None:
    codes = RNG.integers(-128, 128, 500).astype(np.int8)
    real = (codes.astype(np.float32) - 3) * np.float32(0.25)
    assert tensor_statistics(FeatureMap(codes, 0.25, 3)) == tensor_statistics(real)


@pytest.mark.parametrize("zeros", [0, 1500])
def test_quantiles(zeros: int) -> None:
    values = np.concatenate([RNG.normal(0.2, 3, 5000), np.zeros(zeros)]).astype(np.float32)
    known = tensor_statistics(values)
    for share in (0.001, 0.1, 0.9, 0.999):
        exact = float(np.quantile(values, share))
        assert known.quantile(share) == pytest.approx(exact, rel=0.02, abs=0.01)
    assert known.quantile(0) == values.min()
    assert known.quantile(1) == pytest.approx(values.max(), rel=1e-6)


@pytest.mark.parametrize(
    "values",
    [
        [0.0, 0.0, -0.0],
        [6.0],
        [0.0, 6.0, 6.0],
        [-6.0, 0.0],
        [1e-45, -1e-45],
        [3.4028235e38, -3.4028235e38],
        [-2.5, -2.0],
    ],
)
def test_the_density_of_a_few_samples(values: list[float]) -> None:
    samples = np.array(values, np.float32)
    density = tensor_statistics(samples).density
    assert density.spike == np.mean(samples == 0)
    mass, first, _ = density.below(np.array([np.inf]))
    assert mass[0] + density.spike == pytest.approx(1)
    assert first[0] == pytest.approx(
        samples.mean(dtype=float), abs=0.01 * float(np.abs(samples).max()) + 1e-45
    )
    assert density.below(np.array([float(samples.min())]))[0][0] == 0


def test_no_samples_and_nonfinite_ones() -> None:
    with pytest.raises(InputError, match="no samples"):
        _ = tensor_statistics(np.zeros(0, np.float32)).density
    with pytest.raises(InputError, match="NaN"):
        tensor_statistics(np.array([np.nan], np.float32))


def test_it_reads() -> None:
    text = str(tensor_statistics(np.array([0, 0, 1, 5], np.float32)))
    assert text == "4 samples, 2 of them 0, in 0 .. 5; mean 1.5, deviation 2.06155"
