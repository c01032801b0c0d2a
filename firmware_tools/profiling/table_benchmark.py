"""What the quantizer's byte table costs on cores of several kinds, counted under emulators."""

from __future__ import annotations

import tempfile
from pathlib import Path

from firmware_tools.boards import load_board
from firmware_tools.firmware import build_firmware, emulators_of, run_emulated
from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.measure import Maps, small_case
from firmware_tools.profiling.profile import stages_from_counters
from fmq_embedded.deploy.deployment import Deployment

LIMITS = {"microbit": 7.0, "mps2-an386": 4.0, "mps3-an547": 1.5}
"""By board: instructions per element that an int8 map may take. M0, M4, M55 with Helium."""


def table_figures() -> list[Figure]:
    """A figure for each of LIMITS whose emulator is installed."""
    deployment, maps = small_case()
    return [
        Figure(
            f"quantize, int8 by table, {load_board(board_id).core}",
            _per_element(deployment, maps, board_id),
            "instructions/element",
            limit=limit,
        )
        for board_id, limit in LIMITS.items()
        if emulators_of(load_board(board_id))
    ]


def _per_element(deployment: Deployment, maps: Maps, board_id: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        build = build_firmware(deployment, Path(folder), board_id)
        with run_emulated(build, emulators_of(build.board)[0]) as running:
            device = running.device
            device.load_input(0, maps[deployment.tensors[0].name])
            device.reset_counters()
            device.quantize(0)
            (stage,) = stages_from_counters(device.counters(), build.board.counter)
            return stage.per_element
