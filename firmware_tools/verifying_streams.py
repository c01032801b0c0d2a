"""Random maps, encoded and decoded by a target as the package does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.host_codec import LibraryError
from firmware_tools.verifying_dense import dense_map
from firmware_tools.verifying_partitions import dynamic_map
from firmware_tools.verifying_rows import Check
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import BitstreamError
from fmq_embedded.partition.dynamic import DynamicClasses

STREAM_SEEDS = 4

Array = npt.NDArray[Any]


def stream_check(
    target: str,
    deployment: Deployment,
    encode: Callable[[dict[str, Array]], bytes],
    decode: Callable[[bytes], dict[str, Array]],
    seeds: int = STREAM_SEEDS,
) -> Check:
    """Encode random maps there and here, and decode them there."""
    checked = mismatches = 0
    first: str | None = None
    for seed in range(seeds):
        maps = random_maps(deployment, seed)
        expected = deployment.encode(maps)
        levels = deployment.quantize(maps) | _lossy_levels(deployment, expected)
        got = encode(maps)
        checked += len(expected)
        if got != expected:
            mismatches += 1
            place = next(
                (i for i, (a, b) in enumerate(zip(got, expected, strict=False)) if a != b),
                min(len(got), len(expected)),
            )
            first = (
                first or f"seed {seed}: {len(got)} bytes, expected {len(expected)}; byte {place}"
            )
        try:
            back = decode(expected)
        except (LibraryError, BitstreamError) as error:
            mismatches += 1
            first = first or f"seed {seed}: the stream is refused: {error}"
            continue
        wrong = [name for name in levels if not np.array_equal(back[name], levels[name])]
        if wrong:
            mismatches += len(wrong)
            first = first or f"seed {seed}: the decoded levels of {wrong[0]} differ"
    return Check(target, "", "bitstream", checked, mismatches, first)


def _lossy_levels(deployment: Deployment, data: bytes) -> dict[str, Array]:
    """What a stream is decoded to where that is not what was coded."""
    if all(plan.dense is None for plan in deployment.tensors):
        return {}
    decoded = deployment.decode_levels(data)
    return {plan.name: decoded[plan.name] for plan in deployment.tensors if plan.dense is not None}


def random_maps(deployment: Deployment, seed: int) -> dict[str, Array]:
    """Maps whose levels are skewed, noisy or constant, by turns."""
    generator = np.random.default_rng(seed)
    maps = {}
    for index, plan in enumerate(deployment.tensors):
        if plan.dense is not None:
            maps[plan.name] = dense_map(plan, plan.dense, index + seed)
            continue
        top = plan.chosen_quantizer.maximum_level
        kind = (index + seed) % 4
        if isinstance(plan.partition, DynamicClasses) and kind != 1:
            maps[plan.name] = dynamic_map(plan, seed)
            continue
        if kind == 0:
            levels = generator.integers(0, top + 1, plan.shape)
        elif kind == 1:
            levels = np.full(plan.shape, int(generator.integers(0, top + 1)))
        else:
            spread = max(top / (8 if kind == 2 else 64), 0.4)
            drawn = np.rint(generator.laplace(0, spread, plan.shape)) + (kind - 2) * top / 2
            levels = np.clip(drawn, 0, top)
        maps[plan.name] = samples_with(plan, levels.astype(plan.chosen_quantizer.level_dtype))
    return maps


def samples_with(plan: TensorPlan, levels: Array) -> Array:
    """Samples that lie where a quantizer's levels are dequantized to."""
    return plan.chosen_quantizer.dequantize(
        levels, np.dtype(plan.dtype), scale=plan.scale, zero_point=plan.zero_point
    )
