"""The profile fast beside the standard one: time, bits, instructions, flash and RAM."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.firmware import build_firmware, library_sources, run_emulated
from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.profile import stages_from_counters
from firmware_tools.profiling.synthetic_maps import HIGHEST, relu_map
from firmware_tools.profiling.timing import compare
from firmware_tools.toolchains.toolchain import Build
from fmq_embedded import codec
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.entropy import Geometry, static_work_size
from fmq_embedded.errors import MismatchError
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.settings import Settings

QUANTIZER = Quantizer.uniform(0.0, HIGHEST, bit_depth=6)
"""About two bits per element of `relu_map`."""
SHAPE, QUICK_SHAPE = (56, 56, 64), (16, 16, 88)
DEVICE_SHAPE = (16, 16, 88)
BOARDS: dict[str, tuple[str, tuple[int, int, int]]] = {
    "Cortex-M4": ("mps2-an386", DEVICE_SHAPE),
    "Cortex-M0": ("microbit", (8, 8, 16)),
}
"""Of each core a board, and a map that its RAM holds."""
ROUNDS = 9
PEER = "standard"
ENCODE_LIMIT, DECODE_LIMIT, RAM_LIMIT = 15.0, 10.0, 8192

Samples = npt.NDArray[np.float32]


def figures(quick: bool) -> list[Figure]:
    """The suite "fast"."""
    found = host_figures(QUICK_SHAPE if quick else SHAPE, 2 if quick else ROUNDS)
    for core, (board, map_shape) in BOARDS.items():
        found += board_figures(core, board, map_shape)
    work = static_work_size(Geometry(*DEVICE_SHAPE), 0, QUANTIZER.bit_depth)
    return [*found, Figure("RAM beside the map, fast", work, "bytes", limit=RAM_LIMIT)]


def host_figures(shape: tuple[int, int, int], rounds: int) -> list[Figure]:
    """Whole streams of a map on this machine: quantizing, checksums and headers included."""
    samples = relu_map(*shape)
    standard = Settings(quantizer=QUANTIZER)
    fast = replace(standard, profile="fast")
    ours, theirs = codec.encode(samples, fast), codec.encode(samples, standard)

    def timed(
        what: str, limit: float, ours: Callable[[], Any], theirs: Callable[[], Any]
    ) -> Figure:
        figure = compare(
            f"{what}, fast",
            PEER,
            ours,
            theirs,
            unit="element",
            units=(samples.size, samples.size),
            rounds=rounds,
            limit=None,
        )
        return replace(figure, ratio=None, limit=limit)

    return [
        timed(
            "encode",
            ENCODE_LIMIT,
            lambda: codec.encode(samples, fast),
            lambda: codec.encode(samples, standard),
        ),
        timed("decode", DECODE_LIMIT, lambda: codec.decode(ours), lambda: codec.decode(theirs)),
        Figure(
            "bits, fast",
            8 * len(ours) / samples.size,
            "bit/element",
            PEER,
            8 * len(theirs) / samples.size,
            len(ours) / len(theirs),
        ),
    ]


def board_figures(core: str, board: str, shape: tuple[int, int, int]) -> list[Figure]:
    """Instructions per element of the encode and decode stages, checksum included, and flash."""
    samples = relu_map(*shape)
    plan = TensorPlan("map", shape, "float32", quantizer=QUANTIZER)
    standard = Deployment("benchmark", "", "", (plan,))
    deployment = replace(standard, profile="fast")
    with tempfile.TemporaryDirectory() as name:
        build = build_firmware(deployment, Path(name) / "fast", board)
        fast = _instructions(build, deployment, samples)
        plain = build_firmware(standard, Path(name) / "standard", board)
        peer = _instructions(plain, standard, samples)
        small = build_firmware(deployment, Path(name) / "small", board, optimise="-Os")
    found = [
        Figure(
            f"{stage}, {core}, fast",
            fast[stage],
            "instructions/element",
            PEER,
            peer[stage],
            fast[stage] / peer[stage],
        )
        for stage in fast
    ]
    return [*found, Figure(f"static coder, flash, {core}, -Os", _flash(small), "bytes")]


def _instructions(build: Build, deployment: Deployment, samples: Samples) -> dict[str, float]:
    found: dict[str, float] = {}
    with run_emulated(build) as running:
        device = running.device
        device.load_input(0, samples)
        device.quantize(0)
        device.reset_counters()
        size = device.encode()
        if device.read_stream(size) != deployment.encode({"map": samples}):
            raise MismatchError("the board's bitstream differs from this machine's")
        device.decode(size)
        for stage in stages_from_counters(device.counters(), running.board.counter):
            if stage.name in ("encode", "decode"):
                found[stage.name] = stage.per_element
    return found


def _flash(build: Build) -> int:
    own = {path.name for path in library_sources() if path.name.startswith("static_")}
    sizes = build.sizes.flash_by_source
    return sum(size for source, size in sizes.items() if Path(source).name in own)
