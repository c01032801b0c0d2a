"""Bit-exactness of a board that runs a deployment's firmware."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.link.device import Device
from firmware_tools.verifying_dense import dense_inputs, exact_numbers, exact_samples
from firmware_tools.verifying_partitions import dequantized, sample_type, verified_levels
from firmware_tools.verifying_rows import Check, check_of, compared
from firmware_tools.verifying_streams import random_maps, samples_with, stream_check
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.quantizers import reference
from fmq_embedded.quantizers.verification import decisive_samples

# A board's line is slow: its tensors get two of the four kinds of maps, each kind some tensors.
BOARD_STREAM_SEEDS = 2
MOST_BOARD_SAMPLES = 8192

Array = npt.NDArray[Any]


def device_checks(device: Device, deployment: Deployment, target: str) -> Iterator[Check]:
    """Check a board that runs a deployment's firmware; `target` names it in the rows."""
    for index, plan in enumerate(deployment.tensors):
        count = int(np.prod(plan.shape))

        def levels_of(block: Array, index: int = index, count: int = count) -> Array:
            parts = []
            for start in range(0, block.size, count):
                part = block[start : start + count]
                device.load_input(index, np.resize(part, count))
                device.quantize(index)
                parts.append(device.read_levels(index).reshape(-1)[: part.size])
            return np.concatenate(parts)

        if plan.dense is not None:
            inputs = dense_inputs(plan, plan.dense)
            exact = exact_numbers(plan, plan.dense, inputs)
            if inputs.size > MOST_BOARD_SAMPLES:
                telling = _telling(exact)
                inputs, exact = inputs[telling], exact[telling]
            yield compared(target, plan, "quantize", inputs, levels_of(inputs), exact)
            continue
        if plan.partition is not None:
            yield check_of(verified_levels(plan, levels_of, target), plan, "quantize")
            continue
        chosen = decisive_samples(plan.chosen_quantizer, sample_type(plan))
        expected = reference.quantize(
            plan.chosen_quantizer, chosen, scale=plan.scale, zero_point=plan.zero_point
        )
        if chosen.size > MOST_BOARD_SAMPLES:
            telling = _telling(expected)
            chosen, expected = chosen[telling], expected[telling]
        yield compared(target, plan, "quantize", chosen, levels_of(chosen), expected)

    def encode(maps: dict[str, Array]) -> bytes:
        for index, plan in enumerate(deployment.tensors):
            device.load_input(index, maps[plan.name])
        device.quantize()
        return device.read_stream(device.encode())

    def decode(data: bytes) -> dict[str, Array]:
        device.load_stream(data)
        device.decode(len(data))
        return {
            plan.name: device.read_levels(index).reshape(plan.shape)
            for index, plan in enumerate(deployment.tensors)
        }

    yield stream_check(target, deployment, encode, decode, BOARD_STREAM_SEEDS)
    device.dequantize()
    decoded = random_maps(deployment, BOARD_STREAM_SEEDS - 1)
    for index, plan in enumerate(deployment.tensors):
        levels = np.asarray(device.read_levels(index)).reshape(-1)
        partition = plan.partition_of(plan.item(decoded[plan.name]))
        if plan.dense is not None:
            expected = exact_samples(plan, plan.dense, levels)
        elif partition is not None:
            expected = dequantized(plan, partition, levels.reshape(plan.shape)).reshape(-1)
        else:
            expected = samples_with(plan, levels)
        yield compared(
            target, plan, "dequantize", levels, device.read_samples(index).reshape(-1), expected
        )


def _telling(levels: Array) -> npt.NDArray[np.bool_]:
    """Of all codes in order, those beside a change of level, the ends, and every 64th.

    The library's functions of integer codes are monotone, so between two such codes there is
    nothing to find; the check on this machine takes every code.
    """
    changes = levels[1:] != levels[:-1]
    telling = np.zeros(levels.size, bool)
    telling[::64] = True
    telling[1:] |= changes
    telling[:-1] |= changes
    telling[-1] = True
    return telling
