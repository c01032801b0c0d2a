"""Maps that bring every decision of every class of a partition to light, and their joint levels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.partition import OWN, Partition, Step
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.partition.vectors import group
from fmq_embedded.quantizers import Quantizer, reference
from fmq_embedded.quantizers.companding import Compander
from fmq_embedded.quantizers.samples import SampleType
from fmq_embedded.quantizers.vector import VectorQuantizer
from fmq_embedded.quantizers.verification import Verification, decisive_samples

DYNAMIC_MAPS = 4

Array = npt.NDArray[Any]
Stage = Callable[[Array], Array]


def partitioned_plans(shape: tuple[int, ...]) -> Iterator[TensorPlan]:
    """Every kind of partition, and every way to quantize a class, for tensors of four axes."""
    base = Quantizer.uniform(-4.0, 4.0, 8)
    codewords = tuple((level, 255 - level) for level in range(5, 250, 16))
    classes = (
        OWN,
        Step(6),
        Quantizer.laplace(3.0, 5),
        VectorQuantizer(codewords),
        Compander("mu_law", 6, 255.0, -4.0, 4.0),
    )
    rows, columns, channels = shape[1:]
    of_channels = np.arange(channels) * 3 % len(classes)
    of_regions = (np.arange(rows)[:, None] + np.arange(columns) // 3) % len(classes)
    tree = bytes([5, 0, 0, 7, 1, 2, 6, *[0, 3, 0, 4] * 4, 4, 0, 2, 0, 1, 3, 0, 0, 0, 4])
    yield TensorPlan(
        "float32_channels",
        shape,
        "float32",
        quantizer=base,
        partition=Partition.of_channels(shape, base, classes, of_channels),
    )
    yield TensorPlan(
        "int8_regions",
        shape,
        "int8",
        0.05,
        3,
        base,
        partition=Partition.of_regions(shape, base, classes, of_regions),
    )
    yield TensorPlan(
        "float32_blocks",
        shape,
        "float32",
        quantizer=base,
        partition=Partition.of_blocks(shape, base, classes, tree),
    )
    quiet, middle, loud = (-125, 120, 130), (-125, 150, 140), (-125, 185, 155)
    yield TensorPlan(
        "float32_dynamic",
        shape,
        "float32",
        quantizer=base,
        partition=DynamicClasses("channel", base, classes[:3], (quiet, middle, loud)),
    )


def verify_partition(plan: TensorPlan, quantize: Stage, target: str) -> Verification:
    """Compares joint levels with the reference's, for the decisive samples of each class.

    Args:
        plan: of a tensor with a partition.
        quantize: a map to its joint levels.
        target: its name in the result.
    """
    partition = _static(plan)
    samples = sample_type(plan)
    chosen = [decisive_samples(quantizer, samples) for quantizer in partition.quantizers]
    members = [partition.members(number) for number in range(len(chosen))]
    maps = _rounds(members, chosen, np.zeros(plan.shape, plan.dtype))
    return _verified(
        maps, quantize, lambda item: reference_levels(partition, item, samples), target
    )


def verify_dynamic(plan: TensorPlan, quantize: Stage, target: str) -> Verification:
    """Compares joint levels with the reference's, of maps whose classes are found in them.

    Args:
        plan: of a tensor with dynamic classes.
        quantize, target: as above.
    """
    samples = sample_type(plan)

    def expected(item: Array) -> Array:
        return reference_levels(_partition(plan, item), item, samples)

    return _verified(dynamic_maps(plan), quantize, expected, target)


def verify_dynamic_values(
    plan: TensorPlan, quantize: Stage, dequantize: Stage, target: str
) -> Verification:
    """Compares the samples of the same maps' joint levels.

    Args:
        plan, quantize, target: as above.
        dequantize: joint levels to samples by the classes of the map that was quantized last.
    """

    def got(item: Array) -> Array:
        return dequantize(quantize(item))

    def expected(item: Array) -> Array:
        partition = _partition(plan, item)
        joint = partition.quantize(plan.item(item))
        return partition.dequantize(joint, plan.dtype, scale=plan.scale, zero_point=plan.zero_point)

    return _verified(dynamic_maps(plan), got, expected, target)


def dynamic_maps(plan: TensorPlan) -> Iterator[Array]:
    """Maps whose channels and positions differ from each other."""
    for seed in range(DYNAMIC_MAPS):
        yield dynamic_map(plan, seed)


def dynamic_map(plan: TensorPlan, seed: int) -> Array:
    """One of them: noise of another size in each row, column and channel."""
    generator = np.random.default_rng(seed)
    quantizer = plan.chosen_quantizer
    values = quantizer.dequantize(np.arange(quantizer.maximum_level + 1)).astype(np.float64)
    size = float(np.ptp(values)) / 4
    noise = generator.laplace(0.0, size, plan.shape)
    for axis, length in enumerate(plan.shape):
        sizes = 2.0 ** -generator.uniform(0.0, 4.0, length)
        noise *= sizes.reshape([-1 if other == axis else 1 for other in range(noise.ndim)])
    if plan.dtype != "float32":
        kind = np.iinfo(plan.dtype)
        noise = np.clip(np.rint(noise / plan.scale) + plan.zero_point, kind.min, kind.max)
    return noise.astype(plan.dtype)


def verify_partition_values(plan: TensorPlan, dequantize: Stage, target: str) -> Verification:
    """Compares the samples of all joint levels of each class; the arguments as above."""
    partition = _static(plan)
    levels = [
        np.arange(top + 1) + partition.joint_centre - own
        for top, own in zip(partition.class_tops, partition.class_centres, strict=True)
    ]
    members = [_coded_members(partition, number) for number in range(len(levels))]
    maps = _rounds(members, levels, np.full(plan.shape, partition.joint_centre))

    def expected(joint: Array) -> Array:
        return partition.dequantize(joint, plan.dtype, scale=plan.scale, zero_point=plan.zero_point)

    return _verified(maps, dequantize, expected, target)


def sample_type(plan: TensorPlan) -> SampleType:
    """The type of a tensor's samples."""
    return SampleType(plan.dtype, plan.scale, plan.zero_point)


def verified_levels(plan: TensorPlan, quantize: Stage, target: str) -> Verification:
    """Hold a target's levels of a tensor with classes against the reference."""
    verify_levels = (
        verify_dynamic if isinstance(plan.partition, DynamicClasses) else verify_partition
    )
    return verify_levels(plan, quantize, target)


def dequantized(plan: TensorPlan, partition: Partition, joint: Array) -> Array:
    """The samples of joint levels, of the tensor's type."""
    return partition.dequantize(joint, plan.dtype, scale=plan.scale, zero_point=plan.zero_point)


def reference_levels(partition: Partition, item: Array, samples: SampleType) -> Array:
    """The joint levels of a map by the exact reference; those of vector classes by the partition.

    Args:
        partition: of the map's shape.
        item: the map.
        samples: its type.
    """
    joint = partition.quantize(FeatureMap(item, samples.scale, samples.zero_point))
    flat, levels = item.reshape(-1), joint.reshape(-1)
    for number, chosen in enumerate(partition.classes):
        where = partition.members(number)
        if where.size and not isinstance(chosen, VectorQuantizer):
            own = reference.quantize(
                partition.quantizers[number],
                flat[where],
                scale=samples.scale,
                zero_point=samples.zero_point,
            )
            lowest = partition.joint_centre - partition.class_centres[number]
            levels[where] = own.astype(np.int64) + lowest
    return joint


def _coded_members(partition: Partition, number: int) -> Array:
    """The samples of a class that have a level of their own: of a vector only the first."""
    members, chosen = partition.members(number), partition.classes[number]
    if isinstance(chosen, VectorQuantizer):
        channels = partition.geometry.channels
        return members[group(members, channels, chosen.dimension).is_first]
    return members


def _static(plan: TensorPlan) -> Partition:
    assert isinstance(plan.partition, Partition)
    return plan.partition


def _partition(plan: TensorPlan, item: Array) -> Partition:
    partition = plan.partition_of(plan.item(item))
    assert partition is not None
    return partition


def _rounds(members: list[Array], values: list[Array], empty: Array) -> Iterator[Array]:
    """Maps in which the samples of each class take its values in turn, until all were there."""
    pairs = [(places, own) for places, own in zip(members, values, strict=True) if places.size]
    for turn in range(max(-(-own.size // places.size) for places, own in pairs)):
        item = empty.reshape(-1).copy()
        for places, own in pairs:
            item[places] = own[(turn * places.size + np.arange(places.size)) % own.size]
        yield item.reshape(empty.shape)


def _verified(maps: Iterator[Array], stage: Stage, expected: Stage, target: str) -> Verification:
    checked = mismatches = 0
    first: str | None = None
    for item in maps:
        got, wanted = stage(item).reshape(-1), expected(item).reshape(-1)
        wrong = np.flatnonzero(got != wanted)
        if wrong.size and first is None:
            at = int(wrong[0])
            first = f"{item.reshape(-1)[at]!r}: {got[at]!r}, the reference {wanted[at]!r}"
        checked, mismatches = checked + item.size, mismatches + int(wrong.size)
    return Verification(target, checked, mismatches, first)
