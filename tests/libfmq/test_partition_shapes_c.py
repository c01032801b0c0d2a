"""Streams of partitioned tensors of odd shapes: libfmq's bytes and samples are the Numba path's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from firmware_tools.host_codec import HostCodec
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.entropy import Geometry
from fmq_embedded.partition import OWN, Partition, Step
from fmq_embedded.partition.class_map import KINDS, Kind
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.vector import VectorQuantizer
from tests.libfmq.partition_cases import random_tree

BASE = Quantizer.uniform(-3.0, 3.0, 7)
CLASSES = (OWN, Step(4), Step(9), VectorQuantizer(((64, 64), (20, 100), (100, 20))))
THREE = CLASSES[:3]
CENTROIDS = ((-133, 122, 132), (-128, 175, 160), (-119, 229, 185))
SMALL = [(1, 1), (1, 1, 1), (1, 1, 5), (1, 9, 3), (9, 1, 3), (13,), (2, 5, 7, 3)]
LARGE = [(1, 25, 43, 256), (1, 13, 22, 256)]

Array = npt.NDArray[Any]


def partition_of(kind: Kind, shape: tuple[int, ...], seed: int) -> Partition:
    rng, geometry = np.random.default_rng(seed), Geometry.of(shape)
    if kind == "block":
        box = (geometry.rows, geometry.columns, geometry.channels)
        return Partition.of_blocks(shape, BASE, CLASSES, random_tree(rng, box, len(CLASSES)))
    if kind == "channel":
        chosen = rng.integers(len(CLASSES), size=geometry.channels)
        return Partition.of_channels(shape, BASE, CLASSES, chosen)
    chosen = rng.integers(len(CLASSES), size=(geometry.rows, geometry.columns))
    return Partition.of_regions(shape, BASE, CLASSES, chosen)


def static_plan(kind: Kind, shape: tuple[int, ...], seed: int) -> TensorPlan:
    return TensorPlan(
        f"{kind} {shape}",
        shape,
        "float32",
        quantizer=BASE,
        partition=partition_of(kind, shape, seed),
    )


def dynamic_plan(kind: Any, shape: tuple[int, ...]) -> TensorPlan:
    dynamic = DynamicClasses(kind, BASE, THREE, CENTROIDS)
    return TensorPlan(
        f"dynamic {kind} {shape}", shape, "float32", quantizer=BASE, partition=dynamic
    )


def maps_of(deployment: Deployment, seed: int = 0) -> dict[str, Array]:
    """Maps of noise that differs from channel to channel and from row to row."""
    rng, maps = np.random.default_rng(seed), {}
    for plan in deployment.tensors:
        geometry = Geometry.of(plan.shape)
        noise = rng.normal(0, 1, (geometry.rows, geometry.columns, geometry.channels))
        noise *= 2.0 ** -rng.uniform(0, 5, geometry.channels)
        noise *= 2.0 ** -rng.uniform(0, 3, (geometry.rows, 1, 1))
        maps[plan.name] = noise.reshape(plan.shape).astype(np.float32)
    return maps


def check(deployment: Deployment) -> bytes:
    """Both ways in C, from samples to samples; the stream."""
    codec, maps = HostCodec(deployment), maps_of(deployment)
    levels = {
        plan.name: codec.quantize_map(index, maps[plan.name])
        for index, plan in enumerate(deployment.tensors)
    }
    for name, expected in deployment.quantize(maps).items():
        np.testing.assert_array_equal(levels[name], expected, err_msg=name)
    stream = deployment.encode(maps)
    assert codec.encode(levels) == stream
    for other in range(1, 3):  # class maps of other maps are forgotten
        codec.decode(deployment.encode(maps_of(deployment, other)))
    back, samples = codec.decode(stream), deployment.decode(stream)
    for index, plan in enumerate(deployment.tensors):
        np.testing.assert_array_equal(back[plan.name], levels[plan.name], err_msg=plan.name)
        decoded = codec.dequantize_map(index, back[plan.name])
        assert decoded.tobytes() == samples[plan.name].tobytes(), plan.name
    return stream


def small_plans() -> Iterator[TensorPlan]:
    for seed, shape in enumerate(SMALL):
        for kind in KINDS:
            yield static_plan(kind, shape, seed)
        for kind in ("channel", "region"):
            yield dynamic_plan(kind, shape)


def test_odd_shapes_of_every_kind_in_one_stream() -> None:
    check(Deployment("odd", "", "", tuple(small_plans())))


@pytest.mark.parametrize("kinds", [("channel", "region"), ("block", "channel")])
def test_two_large_maps_in_one_stream(kinds: tuple[Kind, Kind]) -> None:
    plans = [static_plan(kind, shape, 3) for kind, shape in zip(kinds, LARGE, strict=True)]
    check(Deployment("large", "", "", tuple(plans)))


def test_two_large_maps_whose_classes_are_found_in_them() -> None:
    plans = (dynamic_plan("channel", LARGE[0]), dynamic_plan("region", LARGE[1]))
    deployment = Deployment("large", "", "", plans)
    check(deployment)
    for plan, samples in zip(plans, maps_of(deployment).values(), strict=True):
        partition = plan.partition_of(plan.item(samples))
        assert partition is not None
        assert set(partition.class_of.reshape(-1).tolist()) == {0, 1, 2}


def test_as_many_classes_as_channels() -> None:
    shape = (1, 3, 2, 251)
    base = Quantizer.uniform(-3.0, 3.0, 3)
    classes = tuple(Step(-8 + number % 40) if number % 40 != 8 else OWN for number in range(251))
    order = np.random.default_rng(5).permutation(251)
    static = Partition.of_channels(shape, base, classes, order)
    rng = np.random.default_rng(6)
    rows = rng.integers(-150, 260, (251, 3)).tolist()
    dynamic = DynamicClasses("channel", base, classes, tuple((a, b, c) for a, b, c in rows))
    plans = (
        TensorPlan("static", shape, "float32", quantizer=base, partition=static),
        TensorPlan("dynamic", shape, "float32", quantizer=base, partition=dynamic),
    )
    check(Deployment("many", "", "", plans))
