"""Moments are exact, whatever the order, the strides and the type."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest

from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.quantizers.rounding import nearest_float32
from fmq_embedded.selection import Moments, moments
from fmq_embedded.selection.kernels import BLOCK, LARGEST_SPAN
from fmq_embedded.selection.moments import occurrences

SPECIAL = [0.0, -0.0, 1e-45, -1e-45, 1.1754942e-38, 3.4028235e38, -3.4028235e38, 1.0, -0.1, 1e-20]


def exact(values: list[Fraction]) -> tuple[Fraction, Fraction]:
    mean = sum(values, Fraction(0)) / len(values)
    return mean, sum(((value - mean) ** 2 for value in values), Fraction(0)) / len(values)


def check(known: Moments, values: list[Fraction]) -> None:
    mean, variance = exact(values)
    assert known.count == len(values)
    assert known.zeros == values.count(Fraction(0))
    assert known.mean == nearest_float32(mean)
    assert known.variance == nearest_float32(variance)
    assert known.minimum == nearest_float32(min(values))
    assert known.maximum == nearest_float32(max(values))
    root = Fraction(known.deviation)
    below, above = (root * (1 + sign * Fraction(1, 1 << 24)) for sign in (-1, 1))
    assert below**2 <= variance <= above**2


def test_every_kind_of_float32() -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**32, 3000, np.uint32)
    values = np.concatenate([bits.view(np.float32), np.array(SPECIAL, np.float32)])
    values = values[np.isfinite(values)]
    check(moments(values), [Fraction(float(value)) for value in values])


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float64])
def test_other_floats(dtype: npt.DTypeLike) -> None:
    values = np.random.default_rng(1).normal(3, 0.1, (7, 5, 3)).astype(dtype)
    check(moments(values), [Fraction(float(value)) for value in values.astype(np.float32).ravel()])


@pytest.mark.parametrize(
    ("dtype", "zero_point"), [(np.int8, -5), (np.uint8, 200), (np.int16, 0), (np.int16, 1000)]
)
def test_codes(dtype: type[np.integer[Any]], zero_point: int) -> None:
    info = np.iinfo(dtype)
    codes = np.random.default_rng(2).integers(info.min, info.max + 1, (20, 30)).astype(dtype)
    codes[0, :2] = info.min, zero_point
    feature_map = FeatureMap(codes, 0.1, zero_point)
    scale = Fraction(float(np.float32(0.1)))
    check(moments(feature_map), [(int(code) - zero_point) * scale for code in codes.ravel()])


def test_neither_order_nor_strides_nor_splitting_counts() -> None:
    values = np.random.default_rng(3).lognormal(0, 20, (300, 1000)).astype(np.float32)
    whole = moments(values)
    assert moments(np.sort(values.ravel())) == whole
    assert moments(values[::-1, ::-1].T) == whole
    assert moments(values[:100]).merged(moments(values[100:])) == whole
    assert moments(values[100:]).merged(moments(values[:100])) == whole
    # Plain float32 sums depend on all of that.
    assert float(values.mean()) != whole.mean


@pytest.mark.parametrize("span", [0, 1, LARGEST_SPAN - 1, LARGEST_SPAN, LARGEST_SPAN + 1, 60])
@pytest.mark.parametrize("lowest", [0, 1, 100, 254 - 60])
def test_full_blocks_of_the_largest_significands_stay_exact(span: int, lowest: int) -> None:
    exponents = np.full(2 * BLOCK + 1, lowest + span, np.uint32)
    exponents[7::BLOCK] = lowest
    bits = exponents << 23 | 0x7FFFFF
    bits[BLOCK : BLOCK + 9] = 0
    bits[BLOCK + 4 :: 3] |= np.uint32(1) << 31
    values = bits.view(np.float32)
    kinds, counts = np.unique(values, return_counts=True)
    exact_kinds = [Fraction(float(kind)) for kind in kinds]
    known = moments(values)
    totals = [
        sum(kind**power * int(count) for kind, count in zip(exact_kinds, counts, strict=True))
        for power in (1, 2)
    ]
    assert known.zeros == 9
    assert Fraction(known.total, 1 << 149) == totals[0]
    assert Fraction(known.total_of_squares, 1 << 298) == totals[1]


@pytest.mark.parametrize("count", [BLOCK - 1, BLOCK, BLOCK + 1])
def test_any_number_of_samples_of_either_sign(count: int) -> None:
    values = np.random.default_rng(4).laplace(0, 3, count).astype(np.float32)
    values[::5] = -0.0
    # Whole multiples of 2^-149 as Python's integers, one by one.
    units = [int(Fraction(value) * (1 << 149)) for value in values.tolist()]
    known = moments(values)
    assert (known.total, known.zeros) == (sum(units), units.count(0))
    assert known.total_of_squares == sum(unit * unit for unit in units)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_occurrences(dtype: type[np.unsignedinteger[Any]]) -> None:
    codes = np.random.default_rng(5).integers(0, 200, 1003).astype(dtype)
    assert occurrences(codes, 300).tolist() == np.bincount(codes, minlength=300).tolist()


def test_a_constant_has_no_deviation() -> None:
    known = moments(np.full((30, 7), 0.1, np.float32))
    assert (known.variance, known.deviation, known.reach) == (0, 0, 0)
    assert known.mean == float(np.float32(0.1))


def test_deviation_and_root_mean_square_where_squares_leave_float32() -> None:
    known = moments(np.array([3e30, 3e30, -3e30, -3e30], np.float32))
    assert known.deviation == known.root_mean_square == float(np.float32(3e30))
    known = moments(np.array([1e-44, -1e-44], np.float32))
    assert known.deviation == float(np.float32(1e-44))


def test_root_mean_square_and_reach() -> None:
    known = moments(np.array([0, 0, 3, 5], np.float32))
    assert known.root_mean_square == float(np.float32(math.sqrt(8.5)))
    assert known.reach == 3


def test_empty() -> None:
    known = moments(np.zeros((0, 3), np.float32))
    assert known == Moments() == moments(np.zeros(0, np.int8))
    assert (known.mean, known.deviation, known.root_mean_square) == (0, 0, 0)
    other = moments(np.ones(3, np.float32))
    assert known.merged(other) == other.merged(known) == other


def test_nonfinite_samples_are_told_by_number_and_place() -> None:
    values = np.ones((4, 5), np.float32)
    values[2, 3], values[3, 0] = np.nan, -np.inf
    with pytest.raises(InputError, match=r"2 of 20 samples .* first at \(2, 3\)"):
        moments(values)
    with pytest.raises(InputError, match="1 of 2 samples"):
        moments(np.array([1e300, 1.0]))


def test_other_dtypes() -> None:
    with pytest.raises(InputError):
        moments(np.zeros(3, np.int64))
