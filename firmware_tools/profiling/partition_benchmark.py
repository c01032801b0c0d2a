"""What each mode of partial quantization costs on a Cortex-M4, counted under Unicorn."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.firmware import build_firmware, run_emulated
from firmware_tools.link.device import Device
from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.partition_sizes import code_bytes, partition_sizes
from firmware_tools.profiling.profile import stages_from_counters
from firmware_tools.toolchains.toolchain import Build
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import MismatchError
from fmq_embedded.partition import OWN, Partition, Step
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.vector import VectorQuantizer

SHAPE, QUICK_SHAPE = (16, 16, 32), (8, 8, 32)
BASE = Quantizer.uniform(-4.0, 4.0, 6)
STEPS = (OWN, Step(4), Step(8))
CENTROIDS = ((-130, 120, 130), (-125, 160, 150), (-120, 190, 160))
CODEWORDS = tuple((a, b) for a in range(2, 64, 16) for b in range(2, 64, 16))
TREE = bytes([5, 0, 1, 3, 0, 0, 0, 2, 7, 0, 1, 5, 0, 0, 0, 1, 0, 2, 0, 1])
INT8_SCALE = 0.05

Array = npt.NDArray[Any]


def figures(quick: bool) -> list[Figure]:
    """Instructions per element, and bytes, of each mode and type of samples.

    Raises:
        MismatchError: the board's bitstream is not this machine's.
    """
    deployment = benchmark_deployment(QUICK_SHAPE if quick else SHAPE)
    maps = benchmark_maps(deployment)
    with tempfile.TemporaryDirectory() as name:
        build = build_firmware(deployment, Path(name) / "fast", optimise="-O2")
        found = list(_instruction_figures(deployment, build, maps))
        small = build_firmware(deployment, Path(name) / "small", optimise="-Os").sizes
    found.append(Figure("code for partitions, flash, -Os", code_bytes(small), "bytes"))
    for size in partition_sizes(small, deployment):
        for what, value in (("flash", size.flash_bytes), ("RAM", size.ram_bytes)):
            found.append(
                Figure(f"tables, {size.mode}, {what}", value / size.tensors, "bytes/tensor")
            )
    return found


def benchmark_deployment(shape: tuple[int, int, int]) -> Deployment:
    """A tensor for each mode and type of samples, of one quantizer with three steps."""
    rows, columns, channels = shape
    of_channels = np.random.default_rng(8).integers(3, size=channels)
    of_regions = np.tile(np.arange(columns) * 3 // columns, (rows, 1))
    books = (VectorQuantizer(CODEWORDS),)
    ways: dict[str, Partition | DynamicClasses | None] = {
        "none": None,
        "channel": Partition.of_channels(shape, BASE, STEPS, of_channels),
        "region": Partition.of_regions(shape, BASE, STEPS, of_regions),
        "block": Partition.of_blocks(shape, BASE, STEPS, TREE),
        "vector": Partition.of_channels(shape, BASE, books, [0] * channels),
        "dynamic channel": DynamicClasses("channel", BASE, STEPS, CENTROIDS),
        "dynamic region": DynamicClasses("region", BASE, STEPS, CENTROIDS),
    }
    plans = tuple(
        TensorPlan(f"{name}, {dtype}", shape, dtype, scale, 0, BASE, partition=way)
        for dtype, scale in (("float32", 1.0), ("int8", INT8_SCALE))
        for name, way in ways.items()
    )
    return Deployment("partitions", "", "", plans)


def benchmark_maps(deployment: Deployment) -> dict[str, Array]:
    """Noise that is louder in some channels and positions than in others."""
    maps: dict[str, Array] = {}
    for seed, plan in enumerate(deployment.tensors):
        generator = np.random.default_rng(seed)
        noise = generator.normal(0.0, 1.5, plan.shape)
        noise *= 2.0 ** -generator.uniform(0.0, 3.0, plan.shape[-1])
        noise *= 2.0 ** -generator.uniform(0.0, 3.0, (*plan.shape[:2], 1))
        if plan.dtype == "int8":
            noise = np.clip(np.rint(noise / plan.scale), -128, 127)
        maps[plan.name] = noise.astype(plan.dtype)
    return maps


def _instruction_figures(
    deployment: Deployment, build: Build, maps: Mapping[str, Array]
) -> Iterator[Figure]:
    with run_emulated(build) as running:
        device = running.device

        def per_element(name: str) -> float:
            stages = stages_from_counters(device.counters(), running.board.counter)
            device.reset_counters()
            return next(each for each in stages if each.name == name).per_element

        device.reset_counters()
        for index, plan in enumerate(deployment.tensors):
            device.load_input(index, maps[plan.name])
            device.quantize(index)
            yield _figure(f"quantize, {plan.name}", per_element("quantize"))
        _check_stream(device, deployment, maps)
        device.reset_counters()
        for index, plan in enumerate(deployment.tensors):
            device.dequantize(index)
            yield _figure(f"dequantize, {plan.name}", per_element("dequantize"))


def _check_stream(device: Device, deployment: Deployment, maps: Mapping[str, Array]) -> None:
    if device.read_stream(device.encode()) != deployment.encode(maps):
        raise MismatchError("the board's bitstream differs from this machine's; run inv verify")


def _figure(name: str, value: float) -> Figure:
    return Figure(name, value, "instructions/element")
