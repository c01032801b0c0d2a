"""Importance finds what a tail looks at, and the steps follow it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from fmq_embedded.calibration.importance import (
    COARSEST,
    FINEST,
    Importance,
    measure_importance,
    relative_change,
    step_exponents,
)
from fmq_embedded.calibration.stepped_partition import (
    SampleRange,
    merged_exponents,
    stepped_base,
    stepped_partition,
)
from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap

Array = npt.NDArray[Any]
SHAPE = (1, 4, 5, 3)
RNG = np.random.default_rng(1)
MAPS = [
    {"map": FeatureMap(np.maximum(RNG.normal(size=SHAPE), 0).astype(np.float32))} for _ in range(6)
]
WEIGHTS = np.array([1.0, 10.0, 0.0])


def weighing_tail(samples: Mapping[str, Array]) -> Mapping[str, Array]:
    """A channel's weight tells what it matters: squared, for it is the squared change."""
    return {"out": samples["map"] * WEIGHTS}


def test_channels_are_ranked_by_what_the_tail_makes_of_them() -> None:
    found = measure_importance(weighing_tail, MAPS, {"map": 0.3})["map"]
    assert found.ranking == [1, 0, 2]
    assert found.sensitivity[1] / found.sensitivity[0] == pytest.approx(100, rel=0.3)
    assert found.sensitivity[2] == 0
    assert "spans" in found.report() and "all: 1 " in found.report()


def test_noise_is_undone_by_its_own_power() -> None:
    """Twice the noise, the same importance: it is a change per unit of power."""
    fine, coarse = (
        measure_importance(weighing_tail, MAPS, {"map": step})["map"].sensitivity
        for step in (0.02, 0.04)
    )
    assert coarse[:2] == pytest.approx(fine[:2], rel=0.35)


def test_regions_are_measured_at_each_position() -> None:
    def tail(samples: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"out": samples["map"][:, 2:3, 1:2]}

    found = measure_importance(tail, MAPS, {"map": 0.5}, part="region")["map"]
    assert found.sensitivity.shape == (4, 5)
    assert found.ranking[0] == 2 * 5 + 1
    assert np.count_nonzero(found.sensitivity) == 1
    assert "(2, 1)" in found.report()


@pytest.mark.parametrize("shape", [(7,), (3, 4), (1, 1, 1, 9), (2, 3, 4, 2)])
def test_odd_shapes_have_as_many_parts_as_a_partition_has(shape: tuple[int, ...]) -> None:
    maps = [{"map": FeatureMap(RNG.normal(size=shape).astype(np.float32))}]
    for part in ("channel", "region"):
        found = measure_importance(
            lambda samples: {"out": samples["map"]}, maps, {"map": 0.2}, part=part
        )["map"]  # type: ignore[arg-type]
        exponents = step_exponents([found])["map"]
        made = stepped_partition(part, shape, SampleRange(-5, 5), 0.1, exponents)  # type: ignore[arg-type]
        assert made.class_of.shape == found.sensitivity.shape


def test_integer_samples_are_disturbed_in_their_own_codes() -> None:
    codes = RNG.integers(-128, 128, SHAPE).astype(np.int8)
    seen: list[Array] = []

    def tail(samples: Mapping[str, Array]) -> Mapping[str, Array]:
        seen.append(samples["map"])
        return {"out": samples["map"].astype(np.float32)}

    measure_importance(tail, [{"map": FeatureMap(codes, 0.5, -3)}], {"map": 2.0})
    assert all(one.dtype == np.int8 and one.shape == SHAPE for one in seen)
    changed = [one for one in seen if (one != codes).any()]
    assert len(changed) == 3
    assert {len(set(np.nonzero(one != codes)[-1])) for one in changed} == {1}


def test_the_same_seed_gives_the_same_importance() -> None:
    first, second = (measure_importance(weighing_tail, MAPS, {"map": 0.3})["map"] for _ in range(2))
    assert np.array_equal(first.sensitivity, second.sensitivity)


def test_what_cannot_be_measured_is_said() -> None:
    with pytest.raises(InputError, match="at least one"):
        measure_importance(weighing_tail, [], {"map": 1.0})
    with pytest.raises(InputError, match="other"):
        measure_importance(weighing_tail, MAPS, {"other": 1.0})
    with pytest.raises(InputError, match="part"):
        measure_importance(weighing_tail, MAPS, {"map": 1.0}, part="block")  # type: ignore[arg-type]


def importance(*values: float) -> Importance:
    return Importance("map", "channel", np.array(values), 1.0)


def test_steps_fall_with_importance_and_stay_within_their_ends() -> None:
    exponents = step_exponents([importance(1e-9, 0.1, 1, 10, 1e9, 0)])["map"]
    assert list(exponents) == [
        round(4 * np.log2(COARSEST)),
        round(4 * np.log2(0.1**-0.35)),
        0,
        round(4 * np.log2(10**-0.35)),
        round(4 * np.log2(FINEST)),
        round(4 * np.log2(COARSEST)),
    ]
    assert not step_exponents([importance(1, 5, 9)], power=0)["map"].any()


def test_tensors_share_one_scale() -> None:
    low = Importance("low", "channel", np.array([1.0]), 1.0)
    high = Importance("high", "channel", np.array([16.0]), 1.0)
    found = step_exponents([low, high], power=0.5)
    assert found["low"][0] == 4 and found["high"][0] == -4


def test_change_is_relative_to_what_an_output_varies_by() -> None:
    reference = {"a": np.array([0.0, 2.0]), "still": np.array([3.0, 3.0])}
    assert relative_change(reference, reference) == 0
    changed = {"a": np.array([0.0, 3.0]), "still": np.array([9.0, 3.0])}
    assert relative_change(reference, changed) == pytest.approx(0.5)


@pytest.mark.parametrize("known", [SampleRange(0, 5.3), SampleRange(-2, 5.3), SampleRange(-6, -1)])
def test_a_stepped_base_rounds_to_nearest_and_keeps_zero(known: SampleRange) -> None:
    base = stepped_base(known, 0.25)
    samples = np.linspace(known.minimum, known.maximum, 999).astype(np.float32)
    back = base.dequantize(base.quantize(samples))
    assert np.abs(back - samples).max() <= 0.125 * 1.0001
    zero = np.zeros(1, np.float32)
    assert base.dequantize(base.quantize(zero))[0] == 0
    with pytest.raises(InputError, match="larger step"):
        stepped_base(known, 1e-5)
    with pytest.raises(InputError, match="above 0"):
        stepped_base(known, 0)


def test_each_class_has_its_step() -> None:
    made = stepped_partition("channel", SHAPE, SampleRange(0, 8), 0.4, np.array([0, -4, 8]))
    assert list(made.class_of) == [1, 0, 2]
    samples = RNG.uniform(0, 8, SHAPE).astype(np.float32)
    error = np.abs(made.dequantize(made.quantize(samples)) - samples).max(axis=(0, 1, 2))
    assert (error <= np.array([0.2, 0.1, 0.8]) * 1.001).all()
    assert (error > np.array([0.1, 0.05, 0.4])).all()


def test_merged_steps_are_as_few_as_asked_and_near() -> None:
    exponents = np.array([0, 0, 0, 1, 8, 9, 9, -5])
    assert list(merged_exponents(exponents, 3)) == [0, 0, 0, 0, 9, 9, 9, -5]
    assert list(merged_exponents(exponents, 99)) == list(exponents)
    assert len(set(merged_exponents(exponents, 1))) == 1
    with pytest.raises(InputError, match="at least 1"):
        merged_exponents(exponents, 0)
