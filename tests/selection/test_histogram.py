"""Histograms count exactly, between edges that follow the map."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction

import numpy as np
import pytest

from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.selection import histogram
from fmq_embedded.selection.kernels import KEYS


def test_bins_of_floats() -> None:
    values = np.random.default_rng(0).laplace(5, 2, (30, 40)).astype(np.float32)
    found = histogram(values)
    edges = np.array(found.edges, np.float32)
    assert edges.tolist() == list(found.edges)
    steps = np.arange(-16, 17) / 4
    assert edges == pytest.approx(values.mean() + steps * values.std(), rel=1e-5, abs=1e-5)
    counts = [0] * 34
    for value in values.ravel().tolist():
        counts[bisect_right(found.edges, value)] += 1
    assert list(found.counts) == counts
    assert sum(found.counts) == values.size


def test_a_sample_on_an_edge_is_above_it() -> None:
    values = np.array([-2.0, -1.0, 0.0, -0.0, 1.0, 2.0] * 2, np.float32)  # mean 0, variance 10/6
    found = histogram(values)
    assert found.edges[16] == 0.0
    assert sum(found.counts[:17]) == 4
    assert sum(found.counts[17:]) == 8


def test_bins_of_codes_are_exact_and_their_edges_lie_between_codes() -> None:
    codes = np.random.default_rng(1).integers(-128, 127, 5000).astype(np.int8)
    found = histogram(FeatureMap(codes, 0.3, 7))
    scale = Fraction(float(np.float32(0.3)))
    halves = [Fraction(edge) / scale + 7 for edge in found.edges]
    assert all(half.denominator == 2 for half in halves)
    counts = [0] * (len(halves) + 1)
    for code in codes.tolist():
        counts[bisect_right(halves, code)] += 1
    assert list(found.counts) == counts


@pytest.mark.parametrize("count", [KEYS - 1, KEYS, 2 * KEYS + 1])
def test_many_samples_with_zeros_of_both_signs(count: int) -> None:
    values = np.random.default_rng(6).normal(0, 1, count).astype(np.float32)
    values[::3], values[1::3] = 0.0, -0.0
    found = histogram(values)
    bins = np.searchsorted(np.array(found.edges, np.float32), values, side="right")
    assert list(found.counts) == np.bincount(bins, minlength=len(found.edges) + 1).tolist()


def test_few_codes_make_few_bins() -> None:
    codes = np.random.default_rng(2).integers(-1, 2, 300).astype(np.int8)
    found = histogram(FeatureMap(codes, 0.5, 0))
    assert len(found.edges) <= 8
    assert sorted(found.counts)[-3:] == sorted(np.unique(codes, return_counts=True)[1].tolist())


def test_order_and_strides_do_not_count() -> None:
    values = np.random.default_rng(3).normal(size=(50, 60)).astype(np.float32)
    assert histogram(values) == histogram(values.T[::-1]) == histogram(np.sort(values.ravel()))


@pytest.mark.parametrize("values", [np.full(9, 2.5, np.float32), np.zeros(0, np.float32)])
def test_constant_and_empty(values: np.ndarray[tuple[int], np.dtype[np.float32]]) -> None:
    found = histogram(values)
    assert found.edges == ()
    assert found.counts == (values.size,)


def test_it_reads_as_a_picture() -> None:
    text = str(histogram(np.array([0, 0, 1, 5], np.float32)))
    assert "4 samples in 0 .. 5, 2 of them 0; mean 1.5, variance 4.25" in text
    assert "█" in text
    assert len(text.splitlines()) == 35


def test_nonfinite() -> None:
    with pytest.raises(InputError):
        histogram(np.array([1, np.inf], np.float32))
