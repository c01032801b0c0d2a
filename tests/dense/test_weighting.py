"""Weightings: sums fit in 32 bits, regions are what they say, places without levels are filled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

import fmq_embedded as fmq
from fmq_embedded.dense.contexts import SPATIAL
from fmq_embedded.dense.device_plan import DensePlan
from fmq_embedded.dense.encoder import PLAIN, RATE_DISTORTION
from fmq_embedded.dense.weighting import LARGEST_FACTOR, LEAST_FACTOR, Region, Weighting
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan

SPATIAL_ONLY = replace(PLAIN, allowed=(SPATIAL,))
ALIKE = (8192, 8192, 8192)
REGION = Region((1, 0, 0), 1000, 1, (100, -200, 300))


def plan_of(weighting: Weighting, name: str = "map") -> TensorPlan:
    dense = DensePlan(-8, 100, SPATIAL_ONLY, weighting=weighting)
    return TensorPlan(name, (1, 9, 11, 3), "float32", dense=dense)


def deployment(weighting: Weighting) -> Deployment:
    plan = plan_of(weighting)
    assert plan.dense is not None
    empty = Deployment("tiny", "tiny.tflite", "0" * 64, (replace(plan, dense=None),))
    return empty.with_dense({"map": plan.dense}, {"map": ""})


def spotted(*spots: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Samples between 0 and 1, with a first channel above 2 at the spots and below elsewhere."""
    values = np.random.default_rng(3).uniform(0.2, 0.9, (1, 9, 11, 3)).astype(np.float32)
    for spot in spots:
        values[0, *spot, 0] = 3.0
    return values


@pytest.mark.parametrize("factor", [LEAST_FACTOR, 4000, 8192, LARGEST_FACTOR])
def test_factors_are_undone_and_fit_in_32_bits(factor: int) -> None:
    weighting = Weighting((factor,))
    (inverse,) = weighting.inverse_factors
    assert 32768 * max(factor, inverse) + (1 << 14) < 1 << 31
    assert inverse < 1 << 16
    samples = np.arange(-4000, 4000, 7)[:, None] * min(1.0, 8192 / factor)
    samples = samples.astype(np.int32)
    back = weighting.inverse(4 * weighting.forward(samples, 4095))
    assert np.abs(back - samples).max() <= 2 * max(1, 8192 / factor) + 3


def test_scores_of_the_widest_numbers_fit_in_32_bits() -> None:
    widest = Region((32767, -32767, 1), 2**31 - 1, 0, (0, 0, 0))
    assert sum(map(abs, widest.scores)) * 32768 < 1 << 31
    assert not widest.inside(np.array([[[32767, -32768, 32767]]])).any()


@pytest.mark.parametrize("margin", [0, 1, 3])
def test_a_region_is_what_is_near_a_high_score(margin: int) -> None:
    samples = np.zeros((9, 11, 3), np.int32)
    samples[2, 10, 0] = samples[8, 4, 0] = 1001
    samples[5, 5, 0] = 1000
    row, column = np.indices((9, 11))
    near = [np.maximum(abs(row - y), abs(column - x)) <= margin for y, x in ((2, 10), (8, 4))]
    assert (replace(REGION, margin=margin).inside(samples) == near[0] | near[1]).all()


def test_places_outside_take_no_bits_and_come_back_as_background() -> None:
    region = Region((1, 0, 0), 2048, 1, (100, 200, 300))
    made = deployment(Weighting(ALIKE, region))
    values = spotted((4, 4))
    decoded = made.decode(made.encode({"map": values}))["map"]
    near = np.zeros((9, 11), bool)
    near[3:6, 3:6] = True
    np.testing.assert_allclose(decoded[0][near], values[0][near], atol=0.06)
    np.testing.assert_array_equal(
        decoded[0][~near], np.broadcast_to([100, 200, 300], (90, 3)) / 1024
    )
    nothing = made.encode({"map": spotted()})
    assert len(nothing) < 20
    assert (made.decode(nothing)["map"] == np.array([100, 200, 300]) / 1024).all()
    whole = deployment(Weighting(ALIKE))
    assert len(made.encode({"map": values})) < 0.3 * len(whole.encode({"map": values}))


def test_means_are_all_that_a_pooling_tail_gets() -> None:
    values = np.random.default_rng(2).uniform(0, 2, (1, 9, 11, 3)).astype(np.float32)
    plan = replace(plan_of(Weighting(ALIKE)), dense=None)
    sizes = []
    for weighting in (Weighting(ALIKE, is_pooled=True), Weighting(ALIKE)):
        dense = DensePlan(-9, 100, PLAIN, weighting=weighting)
        made = Deployment("tiny", "", "", (plan,)).with_dense({"map": dense}, {"map": ""})
        data = made.encode({"map": values})
        decoded = made.decode(data)["map"]
        np.testing.assert_allclose(decoded.mean((0, 1, 2)), values.mean((0, 1, 2)), atol=0.02)
        sizes.append(len(data))
    assert sizes[0] < 0.2 * sizes[1]


def test_a_spoilt_stream_is_refused_or_gives_a_map() -> None:
    made = deployment(Weighting(ALIKE, REGION))
    data = made.encode({"map": spotted((4, 4), (0, 10))})
    taken = 0
    for bit in range(8 * len(data)):
        spoilt = bytearray(data)
        spoilt[bit // 8] ^= 1 << bit % 8
        try:
            decoded = made.decode(bytes(spoilt))["map"]
        except (fmq.BitstreamError, fmq.InputError):
            continue
        taken += 1
        assert decoded.shape == (1, 9, 11, 3)
        assert np.isfinite(decoded).all()
    assert taken < 8 * len(data)


def test_another_weighting_is_another_deployment() -> None:
    data = deployment(Weighting(ALIKE, REGION)).encode({"map": spotted((4, 4))})
    for other in (
        Weighting((8192, 8192, 8193), REGION),
        Weighting(ALIKE, replace(REGION, background=(100, -200, 301))),
        Weighting(ALIKE),
    ):
        with pytest.raises(fmq.BitstreamError, match="another deployment"):
            deployment(other).decode(data)
    # What the encoder alone does needs no agreement.
    deployment(Weighting(ALIKE, replace(REGION, threshold=7, margin=0))).decode(data)


@pytest.mark.parametrize(
    ("scores", "threshold", "margin", "background"),
    [
        ((1, 2), 0, 0, (1,)),
        ((32767, 32767, 2), 0, 0, (0, 0, 0)),
        ((32768,), 0, 0, (0,)),
        ((1,), 1 << 31, 0, (0,)),
        ((1,), 0, 9, (0,)),
        ((1,), 0, -1, (0,)),
        ((1,), 0, 0, (-32768,)),
    ],
)
def test_other_regions_are_refused(
    scores: tuple[int, ...], threshold: int, margin: int, background: tuple[int, ...]
) -> None:
    with pytest.raises(fmq.InputError):
        Region(scores, threshold, margin, background)


def test_other_weightings_are_refused() -> None:
    for factors in ((), (LEAST_FACTOR - 1,), (LARGEST_FACTOR + 1,)):
        with pytest.raises(fmq.InputError, match="factors of channels"):
            Weighting(factors)
    with pytest.raises(fmq.InputError, match="no region"):
        Weighting(ALIKE, REGION, is_pooled=True)
    large = replace(plan_of(Weighting(ALIKE)), dense=None, shape=(1, 256, 256, 3))
    with pytest.raises(fmq.InputError, match="means of at most"):
        replace(large, dense=DensePlan(0, 32, weighting=Weighting(ALIKE, is_pooled=True)))
    with pytest.raises(fmq.InputError, match="for 3 channels"):
        Weighting((8192,), REGION)
    with pytest.raises(fmq.InputError, match="for 2 channels"):
        plan_of(Weighting((8192, 8192)))
    for search in (PLAIN, replace(RATE_DISTORTION, allowed=(SPATIAL,))):
        with pytest.raises(fmq.InputError, match="spatial mode alone"):
            DensePlan(0, 32, search, weighting=Weighting(ALIKE, REGION))
