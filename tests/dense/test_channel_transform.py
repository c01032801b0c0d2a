"""The channel transform: sums fit in 32 bits, it is undone, and it takes bits off a linear map."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

import fmq_embedded as fmq
from fmq_embedded.dense.channel_transform import (
    LARGEST_CHANNELS,
    ChannelTransform,
    Matrix,
    principal_basis,
)
from fmq_embedded.dense.device_plan import DensePlan
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan

SHAPE = (1, 12, 12, 8)


def correlated(seed: int = 0) -> npt.NDArray[np.float32]:
    """Eight channels made of three."""
    generator = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(3, 8))
    sources = generator.normal(size=(*SHAPE[:-1], 3)) * [4, 2, 1]
    noise = 0.05 * generator.normal(size=SHAPE)
    made: npt.NDArray[np.float32] = (sources @ mixing + noise).astype(np.float32)
    return made


def covariance(*maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    rows = np.concatenate([one.reshape(-1, one.shape[-1]) for one in maps]).astype(float)
    result: npt.NDArray[np.float64] = rows.T @ rows
    return result


@pytest.mark.parametrize("count", [2, 3, 17, LARGEST_CHANNELS])
def test_sums_of_the_widest_numbers_fit_in_32_bits_and_are_undone(count: int) -> None:
    draws = np.random.default_rng(count).normal(size=(200, count))
    transform = ChannelTransform.fitted(draws.T @ draws)
    matrix = transform.matrix.entries
    extremes = np.sign(matrix) * 32768
    assert np.abs((extremes * matrix).sum(axis=1)).max() + (1 << 14) < 1 << 31
    assert np.abs((extremes * matrix).sum(axis=0)).max() + (1 << 12) < 1 << 31
    samples = np.random.default_rng(1).integers(-3000, 3000, (50, count))
    back = transform.inverse(4 * transform.forward(samples, 4095))
    # Half a unit of the transform's is 2 of the samples', and there are as many as channels.
    assert np.abs(back - samples).max() <= 2 * np.sqrt(count) * 1.5 + 2


@pytest.mark.parametrize(
    ("rows", "bits"),
    [
        (((8192,),), 13),
        (((1, 2), (3,)), 13),
        (((8192,) * 9,) * 9, 13),
        (((0,) * 65,) * 65, 13),
        (((32768, 0), (0, 8192)), 13),
        (((8192, 0), (0, 8192)), 16),
    ],
)
def test_other_matrices_are_refused(rows: tuple[tuple[int, ...], ...], bits: int) -> None:
    with pytest.raises(fmq.InputError, match="channel transform"):
        ChannelTransform(Matrix(rows, bits))


def test_an_inverse_of_another_size_or_none_at_all_is_refused() -> None:
    unit = Matrix(((8192, 0), (0, 8192)))
    with pytest.raises(fmq.InputError, match="inverse for 3"):
        ChannelTransform(unit, Matrix(((1, 0, 0), (0, 1, 0), (0, 0, 1))))
    with pytest.raises(fmq.InputError, match="cannot be inverted"):
        ChannelTransform.weighted(np.ones((2, 2)))


@pytest.mark.parametrize("count", [2, 17, LARGEST_CHANNELS])
def test_weighed_numbers_are_undone_by_an_inverse_of_their_own(count: int) -> None:
    generator = np.random.default_rng(count)
    weights = 2.0 ** generator.uniform(-1.5, 1.5, count)
    draws = generator.normal(size=(200, count))
    transform = ChannelTransform.weighted(principal_basis(draws.T @ draws) * weights)
    assert transform.back is not None
    for matrix, axis in ((transform.matrix, 1), (transform.back, 0)):
        assert np.abs(matrix.entries).sum(axis).max() * 32768 + (1 << 16) < 1 << 31
    samples = generator.integers(-1000, 1000, (50, count))
    back = transform.inverse(4 * transform.forward(samples, 4095))
    worst = np.abs(transform.back.values).sum(axis=0).max()
    assert np.abs(back - samples).max() <= 2 * worst + 4
    assert ChannelTransform.described(transform.description()) == transform
    other = replace(transform.back, fraction_bits=transform.back.fraction_bits - 1)
    assert transform.to_bytes() != replace(transform, back=other).to_bytes()


def test_a_linear_map_takes_fewer_bytes_and_needs_its_deployment() -> None:
    transform = ChannelTransform.fitted(covariance(correlated(1), correlated(2)))
    plan = TensorPlan("map", SHAPE, "float32")
    empty = Deployment("tiny", "tiny.tflite", "0" * 64, (plan,))
    deployments = [
        empty.with_dense({"map": DensePlan(-5, 16 * 7, channels=channels)}, {"map": ""})
        for channels in (None, transform)
    ]
    maps = {"map": correlated()}
    sizes = []
    for deployment in deployments:
        data = deployment.encode(maps)
        sizes.append(len(data))
        assert np.abs(deployment.decode(data)["map"] - maps["map"]).max() < 2.5
    assert sizes[1] < 0.7 * sizes[0]
    with pytest.raises(fmq.BitstreamError, match="agreed on"):
        fmq.decode(deployments[1].encode(maps))
    other = ChannelTransform.fitted(np.diag(np.arange(1.0, 9.0)))
    stranger = empty.with_dense({"map": DensePlan(-5, 16 * 7, channels=other)}, {"map": ""})
    with pytest.raises(fmq.BitstreamError, match="another deployment"):
        stranger.decode(deployments[1].encode(maps))


def test_a_plan_of_other_channels_is_refused() -> None:
    transform = ChannelTransform.fitted(np.eye(3))
    with pytest.raises(fmq.InputError, match="is for 3 channels"):
        TensorPlan("map", SHAPE, "float32", dense=DensePlan(-7, 64, channels=transform))
