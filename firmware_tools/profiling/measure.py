"""A deployment's stages on a board, all four of them, counted."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import fmq_embedded
from firmware_tools.boards import load_board
from firmware_tools.emulators import DEFAULT_EMULATOR
from firmware_tools.firmware import build_firmware, emulators_of, run_emulated
from firmware_tools.link.descriptions import Identity
from firmware_tools.link.device import Device
from firmware_tools.profiling.partition_sizes import code_bytes, partition_sizes, tables_bytes
from firmware_tools.profiling.profile import (
    EMULATED,
    HARDWARE,
    Profile,
    Provenance,
    Stage,
    merged,
    profile_of,
    stages_from_counters,
)
from firmware_tools.settings import Settings
from firmware_tools.toolchains import DEFAULT_TOOLCHAIN
from firmware_tools.toolchains.toolchain import Build
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError, MismatchError
from fmq_embedded.quantizers import Quantizer

RUNS = 3

Maps = Mapping[str, npt.NDArray[Any]]


def profile_on_board(
    deployment: Deployment,
    build: Build,
    maps: Maps,
    emulator_name: str = DEFAULT_EMULATOR,
    runs: int = RUNS,
) -> Profile:
    """Quantize, encode, decode and dequantize maps on an emulated board.

    Args:
        deployment: calibrated.
        build: its firmware.
        maps: a sample of each tensor, by name.
        emulator_name: the emulator.
        runs: how often.

    Raises:
        MismatchError: the board's bitstream is not this machine's: its figures would be of
            something else.
    """
    with run_emulated(build, emulator_name) as running:
        return profile_device(running.device, deployment, build, maps, emulator_name, runs=runs)


def profile_device(
    device: Device,
    deployment: Deployment,
    build: Build,
    maps: Maps,
    measured_with: str,
    *,
    runs: int = RUNS,
    is_hardware: bool = False,
) -> Profile:
    """As `profile_on_board`, on a board that runs the firmware already.

    Args:
        device: the board.
        measured_with: the emulator's name, or the port.
        is_hardware: the counter counts the core's cycles, not emulated instructions.
    """
    clock = build.board.clock_hz if is_hardware else None
    expected = deployment.encode(maps)
    for index, plan in enumerate(deployment.tensors):
        device.load_input(index, maps[plan.name])
    found: list[tuple[Stage, ...]] = []
    for _ in range(runs):
        device.reset_counters()
        device.quantize()
        size = device.encode()
        if device.read_stream(size) != expected:
            raise MismatchError("the board's bitstream differs from this machine's; run inv verify")
        device.decode(size)
        found.append(stages_from_counters(device.counters(), build.board.counter, clock))
        # Samples lie where the input lay: dequantizing comes last, and the input again.
        device.reset_counters()
        device.dequantize()
        counted = stages_from_counters(device.counters(), build.board.counter, clock)
        found[-1] = (*found[-1], *counted)
        for index, plan in enumerate(deployment.tensors):
            device.load_input(index, maps[plan.name])
    profile = profile_of(build, merged(found), device.stack().used)
    sizes = partition_sizes(build.sizes, deployment)
    return dataclasses.replace(
        profile,
        unit=HARDWARE if is_hardware else EMULATED,
        sent_bytes=len(expected),
        tables_bytes=tables_bytes(build.sizes),
        partition_code_bytes=code_bytes(build.sizes) if sizes else 0,
        partitions=sizes,
        provenance=_provenance(deployment, build, maps, expected, measured_with),
    )


def profile_on_port(
    deployment: Deployment,
    maps: Maps,
    chosen: Settings,
    *,
    tools: str = DEFAULT_TOOLCHAIN,
    optimise: str = "-O2",
    runs: int = RUNS,
) -> Profile:
    """As `profile_on_board`, on a real board that runs the deployment's firmware already.

    The sizes, and the hash of the image, are those of the same firmware as it is built here.

    Args:
        chosen: the port, its speed, its time-out; a board's name is compared with what answers.

    Raises:
        InputError: another board, or one that runs other tables.
        LinkError: nothing answers.
    """
    with (
        Device.open(chosen.port, baud=chosen.baud, timeout=chosen.timeout) as device,
        tempfile.TemporaryDirectory() as folder,
    ):
        _check_identity(device.identity, deployment, chosen)
        build = build_firmware(
            deployment, Path(folder), device.identity.board, tools=tools, optimise=optimise
        )
        return profile_device(
            device, deployment, build, maps, chosen.port, runs=runs, is_hardware=True
        )


def _check_identity(identity: Identity, deployment: Deployment, chosen: Settings) -> None:
    if chosen.board not in ("", identity.board):
        raise InputError(
            f"the board at {chosen.port} is {identity.board}; expected {chosen.board}: "
            "name another port or board"
        )
    crc = identity.session.deployment_crc32
    if crc != deployment.crc32:
        raise InputError(
            f"the board at {chosen.port} runs {identity.deployment} with tables {crc:08x}; "
            f"expected {deployment.name} with tables {deployment.crc32:08x}: "
            "flash it with inv flash"
        )


def profile_boards(
    deployment: Deployment,
    maps: Maps,
    board_ids: Sequence[str],
    step: Callable[[str], None],
    *,
    tools: str = DEFAULT_TOOLCHAIN,
    optimise: str = "-O2",
    runs: int = RUNS,
) -> tuple[list[Profile], dict[str, str]]:
    """Profile boards, as many at once as there are processors, each under its first emulator.

    Args:
        deployment, maps: what the boards code.
        board_ids: boards that an installed emulator runs.
        step: called with the name of each board as it begins.

    Returns:
        The profiles in the order of the boards, and for each board that has none the reason.
    """

    def measure(board_id: str) -> Profile | str:
        step(board_id)
        with tempfile.TemporaryDirectory() as folder:
            try:
                build = build_firmware(
                    deployment, Path(folder), board_id, tools=tools, optimise=optimise
                )
            except InputError as error:
                return str(error)
            name = emulators_of(load_board(board_id))[0]
            return profile_on_board(deployment, build, maps, name, runs)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = dict(zip(board_ids, pool.map(measure, board_ids), strict=True))
    reasons = {name: result for name, result in found.items() if isinstance(result, str)}
    return [result for result in found.values() if isinstance(result, Profile)], reasons


def small_case() -> tuple[Deployment, Maps]:
    """A deployment that every board can hold, and maps for it: the same on all of them."""
    relu = Quantizer.uniform(0.0, 12.75, 8)
    plans = (
        TensorPlan("int8", (1, 8, 8, 4), "int8", 0.05, -128, relu),
        TensorPlan("float32", (1, 4, 4, 8), "float32", quantizer=Quantizer.laplace(2.0, 6)),
    )
    generator = np.random.default_rng(1)
    waves = generator.laplace(0.0, 1.5, (1, 8, 8, 4))
    codes = np.clip(np.rint(np.maximum(waves, 0.0) / 0.05) - 128, -128, 127).astype(np.int8)
    maps = {"int8": codes, "float32": generator.laplace(0.0, 1.0, (1, 4, 4, 8)).astype(np.float32)}
    return Deployment("small", "", "", plans), maps


def _provenance(
    deployment: Deployment, build: Build, maps: Maps, stream: bytes, measured_with: str
) -> Provenance:
    samples = 0
    for plan in deployment.tensors:
        samples = zlib.crc32(np.ascontiguousarray(maps[plan.name]).tobytes(), samples)
    return Provenance(
        version=fmq_embedded.__version__,
        compiler_flags=" ".join(build.flags),
        firmware_sha256=hashlib.sha256(build.binary.read_bytes()).hexdigest(),
        tables_crc32=f"{deployment.crc32:08x}",
        input_crc32=f"{samples:08x}",
        output_crc32=f"{zlib.crc32(stream):08x}",
        measured_with=measured_with,
    )
