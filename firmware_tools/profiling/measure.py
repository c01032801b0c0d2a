"""A deployment's stages on a board, all four of them, counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from firmware_tools.emulators import DEFAULT_EMULATOR
from firmware_tools.firmware import run_emulated
from firmware_tools.profiling.profile import Profile, profile_of, stages_from_counters
from firmware_tools.toolchains.toolchain import Build
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.errors import MismatchError


def profile_on_board(
    deployment: Deployment,
    build: Build,
    maps: Mapping[str, npt.NDArray[Any]],
    emulator_name: str = DEFAULT_EMULATOR,
) -> Profile:
    """Quantize, encode, decode and dequantize maps on an emulated board.

    Raises:
        MismatchError: the board's bitstream is not this machine's: its figures would be of
            something else.
    """
    with run_emulated(build, emulator_name) as running:
        device = running.device
        for index, plan in enumerate(deployment.tensors):
            device.load_input(index, maps[plan.name])
        device.reset_counters()
        device.quantize()
        size = device.encode()
        if device.read_stream(size) != deployment.encode(maps):
            raise MismatchError("the board's bitstream differs from this machine's; run inv verify")
        device.decode(size)
        device.dequantize()
        stages = stages_from_counters(device.counters(), running.board.counter)
        return profile_of(build, stages, device.stack().used)
