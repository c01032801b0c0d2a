"""What the C library costs on a Cortex-M4, counted under Unicorn: exact, the same on each run."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.boards import load_board
from firmware_tools.firmware import (
    APP,
    DEFAULT_BOARD,
    LIBFMQ_INCLUDE,
    build_firmware,
    library_sources,
    run_emulated,
    write_c,
)
from firmware_tools.link.device import Device
from firmware_tools.profiling.dense_benchmark import dense_figures
from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.profile import Stage, stages_from_counters
from firmware_tools.profiling.range_encoder_benchmark import instructions_per_decision
from firmware_tools.profiling.synthetic_maps import HIGHEST, RELU_QUANTIZER, relu_map
from firmware_tools.profiling.table_benchmark import table_figures
from firmware_tools.profiling.whole_library import BOARDS, whole_library_figures
from firmware_tools.toolchains import DEFAULT_TOOLCHAIN, toolchain
from firmware_tools.toolchains.toolchain import Build
from fmq_embedded.deploy.c_tables import SOURCE
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.entropy import Geometry, list_decisions
from fmq_embedded.errors import InputError, MismatchError
from fmq_embedded.payloads import centre_of
from fmq_embedded.quantizers import Quantizer

TABLE_LIMIT = 4.0
FLOAT32_LIMIT = 45.0
DECISION_LIMIT = 35.0
FLASH_LIMIT = 12 * 1024
RAM_LIMIT = 2 * 1024

SHAPE, QUICK_SHAPE = (16, 16, 88), (8, 8, 96)
"""BlazeFace's two maps."""
DENSE_SHAPE, QUICK_DENSE_SHAPE = (16, 16, 24), (8, 8, 24)
"""Fewer channels: the profile dense takes some forty times the instructions."""

INT8_SCALE, INT8_ZERO_POINT = HIGHEST / 255, -128
TABLE, FLOOR, CENTRE = "int8 by table", "float32, floor", "float32, dead zone"
LIMITS = {TABLE: TABLE_LIMIT, FLOOR: FLOAT32_LIMIT, CENTRE: FLOAT32_LIMIT}
"""Each map of the deployment: instructions per element that its quantizer may take."""

PER_DECISION = "instructions/decision"
CODER = "range encoder alone"
PLAIN = "libfmq, flash, -Os"
WHOLE = "libfmq, flash, -Os, with classes"
WHOLE_MAPS = Path(__file__).with_name("whole_maps.c")
STAGE = "encode stage, contexts and binarisation included"

Array = npt.NDArray[Any]


def figures(quick: bool) -> list[Figure]:
    """The suite "device"."""
    deployment = benchmark_deployment(QUICK_SHAPE if quick else SHAPE)
    maps = benchmark_maps(deployment)
    listed = np.concatenate(decisions_of(deployment, maps))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build = build_firmware(deployment, folder / "fast", optimise="-O2")
        found = instruction_figures(deployment, build, maps, listed.size)
        alone = instructions_per_decision(listed, folder / "alone")
        found.append(Figure(CODER, alone, PER_DECISION, limit=DECISION_LIMIT))
        plain = build_whole_maps(deployment, folder / "plain")
        small = build_firmware(deployment, folder / "small", optimise="-Os")
        found += dense_figures(QUICK_DENSE_SHAPE if quick else DENSE_SHAPE, folder / "dense")
        found += table_figures() + size_figures(plain, small)
    quick_boards = {core: BOARDS[core] for core in ("Cortex-M0",)}
    return found + whole_library_figures(quick_boards if quick else BOARDS)


def build_whole_maps(deployment: Deployment, out_dir: Path) -> Build:
    """A program, for size, that quantizes, encodes, decodes and dequantizes whole maps."""
    write_c(deployment, out_dir)
    return toolchain(DEFAULT_TOOLCHAIN).build(
        load_board(DEFAULT_BOARD),
        [*library_sources(), WHOLE_MAPS, APP / "freestanding.c", out_dir / SOURCE],
        [LIBFMQ_INCLUDE, APP, out_dir],
        {},
        out_dir,
        optimise="-Os",
    )


def benchmark_deployment(shape: tuple[int, int, int]) -> Deployment:
    """Three maps of one shape, all at 8 bits: one for each of LIMITS."""
    dead_zone = Quantizer.laplace(HIGHEST, rounding="centre", rounding_offset=0.3)
    plans = (
        TensorPlan(TABLE, shape, "int8", INT8_SCALE, INT8_ZERO_POINT, RELU_QUANTIZER),
        TensorPlan(FLOOR, shape, "float32", quantizer=RELU_QUANTIZER),
        TensorPlan(CENTRE, shape, "float32", quantizer=dead_zone),
    )
    return Deployment("benchmark", "", "", plans)


def benchmark_maps(deployment: Deployment) -> dict[str, Array]:
    """ReLU maps, of integer codes where the plan says so."""
    maps: dict[str, Array] = {}
    for seed, plan in enumerate(deployment.tensors):
        rows, columns, channels = plan.shape
        samples = relu_map(rows, columns, channels, seed)
        maps[plan.name] = samples
        if plan.dtype == "int8":
            codes = np.rint(samples / plan.scale) + plan.zero_point
            maps[plan.name] = codes.astype(np.int8)
    return maps


def decisions_of(deployment: Deployment, maps: Mapping[str, Array]) -> list[npt.NDArray[np.uint16]]:
    """The binary decisions that the range coder codes for each of these maps."""
    levels = deployment.quantize(maps)
    return [
        list_decisions(
            levels[plan.name],
            Geometry.of(plan.shape),
            centre_of(plan.header),
            plan.chosen_quantizer.bit_depth,
        )
        for plan in deployment.tensors
    ]


def instruction_figures(
    deployment: Deployment, build: Build, maps: Mapping[str, Array], decisions: int
) -> list[Figure]:
    """Instructions per element of each stage, and of the encoder per decision.

    Args:
        deployment, maps: what the board works on.
        build: its firmware.
        decisions: how many the range coder codes for these maps.

    Raises:
        MismatchError: the board's bitstream is not this machine's.
    """
    found = []
    with run_emulated(build) as running:
        device = running.device

        def stage(name: str) -> Stage:
            stages = stages_from_counters(device.counters(), running.board.counter)
            device.reset_counters()
            return next(each for each in stages if each.name == name)

        device.reset_counters()
        for index, plan in enumerate(deployment.tensors):
            device.load_input(index, maps[plan.name])
            device.quantize(index)
            quantized = stage("quantize").per_element
            found.append(_per_element(f"quantize, {plan.name}", quantized, LIMITS[plan.name]))
        size = device.encode()
        encoded = stage("encode")
        _check_stream(device, size, deployment.encode(maps))
        per_decision = encoded.instructions / decisions
        found.append(Figure(STAGE, per_decision, PER_DECISION))
        found.append(_per_element("encode", encoded.per_element))
        device.decode(size)
        found.append(_per_element("decode", stage("decode").per_element))
        device.dequantize()
        found.append(_per_element("dequantize", stage("dequantize").per_element))
        found.append(Figure("stack, all stages", device.stack().used, "bytes"))
    return found


def size_figures(plain: Build, whole: Build) -> list[Figure]:
    """Flash and RAM of the library's own objects.

    Args:
        plain: a program of whole maps without classes.
        whole: the firmware, which can do everything, classes found on the device too.

    RAM is its variables and the state of a coder, beside tables and the callers' buffers.
    """
    ram = _own(plain.sizes.ram_by_source) + coder_state_bytes()
    return [
        Figure(PLAIN, _own(plain.sizes.flash_by_source), "bytes", limit=FLASH_LIMIT),
        Figure(WHOLE, _own(whole.sizes.flash_by_source), "bytes"),
        Figure("libfmq, RAM", ram, "bytes", limit=RAM_LIMIT),
    ]


def _own(by_source: Mapping[str, int]) -> int:
    own = {path.name for path in library_sources()}
    return sum(size for source, size in by_source.items() if Path(source).name in own)


def coder_state_bytes() -> int:
    """FMQ_STATE_SIZE: what callers keep for a coder beside what grows with the map."""
    header = LIBFMQ_INCLUDE / "fmq" / "codec.h"
    found = re.search(r"#define FMQ_STATE_SIZE (\d+)u", header.read_text(encoding="utf-8"))
    if found is None:
        raise InputError(f"{header} does not define FMQ_STATE_SIZE as a decimal number")
    return int(found[1])


def _per_element(name: str, value: float, limit: float | None = None) -> Figure:
    return Figure(name, value, "instructions/element", limit=limit)


def _check_stream(device: Device, size: int, expected: bytes) -> None:
    if device.read_stream(size) != expected:
        raise MismatchError("the board's bitstream differs from this machine's; run inv verify")
