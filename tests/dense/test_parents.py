"""Channels predicted from others, the sine transform, filled zeros: they pay, and come back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from fmq_embedded.bitstream.fields import Reader
from fmq_embedded.dense.contexts import MOST_PARENTS, NO_PARENT, PARENT_WINDOW, SPATIAL
from fmq_embedded.dense.encoder import (
    PLAIN,
    RATE_DISTORTION,
    TRELLIS,
    DenseResult,
    encode_map,
    prepare,
)
from fmq_embedded.dense.search import Search
from fmq_embedded.dense.tensor import read_dense
from fmq_embedded.feature_map import FeatureMap

Samples = npt.NDArray[np.float32]


def mixed(channels: int, *, relu: bool = False, seed: int = 0) -> Samples:
    """Each channel after the third is a mixture of three before it, and a little of its own."""
    generator = np.random.default_rng(seed)
    made = [generator.normal(size=(12, 14)) for _ in range(3)]
    for _ in range(channels - 3):
        parents = generator.choice(min(len(made), PARENT_WINDOW - 1), 3, replace=False) + 1
        own = 0.1 * generator.normal(size=(12, 14))
        made.append(sum(0.6 * made[-int(p)] for p in parents) + own)
    samples = np.stack(made, axis=-1).astype(np.float32)
    return np.maximum(samples, np.float32(0)) if relu else samples


def coded(samples: Samples, search: Search) -> DenseResult:
    source = prepare(FeatureMap(samples))
    return encode_map(source, source.middle_step(), search)


def assert_decodes(samples: Samples, result: DenseResult) -> None:
    """A reader finds the tensor that the encoder made: every field, and the same samples."""
    found, _ = read_dense(Reader(result.payload), samples.shape, "float32")
    for name in ("modes", "parents", "factors"):
        np.testing.assert_array_equal(
            getattr(found.channels, name), getattr(result.tensor.channels, name)
        )
    np.testing.assert_array_equal(found.points, result.tensor.points)
    expected = result.tensor.samples(samples.shape, "float32", 0)
    np.testing.assert_array_equal(found.samples(samples.shape, "float32", 0), expected)


@pytest.mark.parametrize("search", [PLAIN, RATE_DISTORTION, TRELLIS])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("channels", [4, 9, PARENT_WINDOW + 7])
def test_streams_with_parents_come_back(search: Search, relu: bool, channels: int) -> None:
    samples = mixed(channels, relu=relu)
    result = coded(samples, search)
    assert_decodes(samples, result)
    parents = result.tensor.channels.parents
    assert parents.shape == (channels, MOST_PARENTS)
    assert (parents < np.arange(channels)[:, None]).all()


def test_parents_take_bits_off_mixtures_and_none_is_told_where_there_is_none() -> None:
    samples = mixed(12)
    at_ratio = []
    for predicts in (True, False):
        search, source = replace(TRELLIS, predicts=predicts), prepare(FeatureMap(samples))
        results = [encode_map(source, step, search) for step in range(64, 256, 2)]
        at_ratio.append([one for one in results if one.sqnr >= 15][-1])
    with_parents, without = at_ratio
    assert with_parents.tensor.channels.are_predicted
    assert not without.tensor.channels.are_predicted
    assert len(with_parents.payload) < 0.9 * len(without.payload)
    independent = np.random.default_rng(1).normal(size=(12, 14, 12)).astype(np.float32)
    assert (coded(independent, TRELLIS).tensor.channels.parents == NO_PARENT).mean() > 0.9


@pytest.mark.parametrize("shape", [(9, 11, 3), (40, 5, 2), (33, 34, 2)])
def test_the_sine_transform_comes_back(shape: tuple[int, ...]) -> None:
    ramp = np.add.outer(np.arange(shape[0]), np.arange(shape[1]))[..., None]
    samples = (ramp * np.ones(shape) + np.random.default_rng(2).normal(size=shape)).astype("f4")
    results = [coded(samples, replace(RATE_DISTORTION, sine=sine)) for sine in (False, True)]
    for result in results:
        assert_decodes(samples, result)
    assert [result.tensor.sine for result in results] == [False, True]


def test_zeros_of_a_relu_map_are_filled_where_an_error_is_weighed() -> None:
    rng = np.random.default_rng(3)
    samples = np.maximum(rng.normal(-0.3, 1, (16, 16, 8)), 0).astype(np.float32)
    spatial = replace(RATE_DISTORTION, allowed=(SPATIAL,), predicts=False)
    weighed, plain = coded(samples, spatial), coded(samples, replace(spatial, search=0))
    assert weighed.tensor.points[2].any() and not plain.tensor.points.any()
    assert_decodes(samples, weighed)
    back = weighed.tensor.samples(samples.shape, "float32", 0).astype(np.float64)
    assert (back >= 0).all()
    unfilled = replace(weighed.tensor, points=weighed.tensor.points * [[1], [1], [0]])
    bare = unfilled.samples(samples.shape, "float32", 0).astype(np.float64)
    assert np.square(back - samples).sum() < np.square(bare - samples).sum()


def test_plain_levels_keep_zero_at_zero() -> None:
    samples = mixed(6, relu=True)
    search = replace(PLAIN, allowed=(SPATIAL,), predicts=False)
    back = coded(samples, search).tensor.samples(samples.shape, "float32", 0)
    assert (back[samples == 0] == 0).all()
