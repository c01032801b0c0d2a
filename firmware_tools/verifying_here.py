"""Bit-exactness of what runs on this machine: Numba, and the C library."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy.typing as npt

from firmware_tools.host_codec import HostCodec
from firmware_tools.verifying_dense import dense_inputs, exact_numbers, exact_samples, some_numbers
from firmware_tools.verifying_partitions import (
    Stage,
    dequantized,
    sample_type,
    verified_levels,
    verify_dynamic_values,
    verify_partition_values,
)
from firmware_tools.verifying_rows import Check, check_of, compared
from firmware_tools.verifying_streams import stream_check
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.partition import Partition
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.quantizers.verification import (
    verify,
    verify_dequantizer,
    verify_nonfinite,
)

Array = npt.NDArray[Any]
Progress = Callable[[int, int], None]


def numba_checks(
    deployment: Deployment, exhaustive: bool, progress: Progress | None
) -> Iterator[Check]:
    """Check Numba's quantizers.

    Args:
        deployment, exhaustive, progress: as in `check_targets`.
    """
    for plan in deployment.tensors:
        if plan.dense is not None:
            yield from _dense_checks(
                plan, "numba", functools.partial(_numbers_here, plan), plan.dequantize
            )
            continue
        if plan.partition is not None:
            yield from _partition_checks(plan, "numba", *_stages_here(plan))
            continue
        found = verify(
            plan.chosen_quantizer, sample_type(plan), exhaustive=exhaustive, progress=progress
        )
        yield check_of(found, plan, "quantize")
        if exhaustive and plan.dtype == "float32":
            yield check_of(verify_nonfinite(plan.chosen_quantizer), plan, "not finite")
        yield check_of(
            verify_dequantizer(plan.chosen_quantizer, sample_type(plan)), plan, "dequantize"
        )


def c_checks(
    deployment: Deployment, exhaustive: bool, progress: Progress | None
) -> Iterator[Check]:
    """Check the C library, built for this machine.

    Args:
        deployment, exhaustive, progress: as in `check_targets`.
    """
    codec = HostCodec(deployment)
    for index, plan in enumerate(deployment.tensors):

        def levels_of(block: Array, index: int = index) -> Array:
            return codec.quantize(index, block)

        def samples_of(levels: Array, index: int = index) -> Array:
            return codec.dequantize(index, levels)

        if plan.dense is not None:
            yield from _dense_checks(plan, "c", levels_of, samples_of)
            continue
        if plan.partition is not None:
            yield from _partition_checks(
                plan,
                "c",
                functools.partial(codec.quantize_map, index),
                functools.partial(codec.dequantize_map, index),
            )
            continue
        found = verify(
            plan.chosen_quantizer,
            sample_type(plan),
            exhaustive=exhaustive,
            progress=progress,
            implementation=levels_of,
            target="c",
        )
        yield check_of(found, plan, "quantize")
        if exhaustive and plan.dtype == "float32":
            refuses = functools.partial(codec.refuses, index)
            found = verify_nonfinite(plan.chosen_quantizer, refuses=refuses, target="c")
            yield check_of(found, plan, "not finite")
        found = verify_dequantizer(
            plan.chosen_quantizer, sample_type(plan), implementation=samples_of, target="c"
        )
        yield check_of(found, plan, "dequantize")

    def encode(maps: dict[str, Array]) -> bytes:
        plans = enumerate(deployment.tensors)
        return codec.encode({p.name: codec.quantize_map(i, maps[p.name]) for i, p in plans})

    yield stream_check("c", deployment, encode, codec.decode)


def _dense_checks(
    plan: TensorPlan,
    target: str,
    levels_of: Callable[[Array], Array],
    samples_of: Callable[[Array], Array],
) -> Iterator[Check]:
    """A dense plan's fixed-point samples, and what they are dequantized to."""
    assert plan.dense is not None
    inputs, numbers = dense_inputs(plan, plan.dense), some_numbers()
    exact = exact_numbers(plan, plan.dense, inputs)
    yield compared(target, plan, "quantize", inputs, levels_of(inputs), exact)
    exact = exact_samples(plan, plan.dense, numbers)
    yield compared(target, plan, "dequantize", numbers, samples_of(numbers), exact)


def _numbers_here(plan: TensorPlan, samples: Array) -> Array:
    assert plan.dense is not None
    return plan.dense.numbers(plan.item(samples))


def _partition_checks(
    plan: TensorPlan, target: str, quantize: Stage, dequantize: Stage
) -> Iterator[Check]:
    yield check_of(verified_levels(plan, quantize, target), plan, "quantize")
    if isinstance(plan.partition, DynamicClasses):
        found = verify_dynamic_values(plan, quantize, dequantize, target)
    else:
        found = verify_partition_values(plan, dequantize, target)
    yield check_of(found, plan, "dequantize")


def _stages_here(plan: TensorPlan) -> tuple[Stage, Stage]:
    """Quantizing and dequantizing of whole maps; the latter by the map quantized last."""
    known = plan.any_partition

    def partition_of(item: Array) -> Partition:
        nonlocal known
        known = plan.partition_of(plan.item(item))
        assert known is not None
        return known

    def dequantize(joint: Array) -> Array:
        assert known is not None
        return dequantized(plan, known, joint)

    return lambda item: partition_of(item).quantize(plan.item(item)), dequantize
