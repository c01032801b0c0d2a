"""An emulator that is killed meanwhile: the task says so at once, and the next one works."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from firmware_tools.boards import load_board
from firmware_tools.emulators import emulator
from firmware_tools.firmware import build_firmware, emulators_of
from firmware_tools.fuzzing.deployment import fuzzed_deployment
from firmware_tools.link.device import Device
from firmware_tools.toolchains.toolchain import Build
from fmq_embedded.errors import FmqError

DEPLOYMENT = fuzzed_deployment()
BOARD = "mps2-an386"


@pytest.mark.emulator
@pytest.mark.parametrize("name", emulators_of(load_board(BOARD)))
def test_an_emulator_that_is_killed_at_work(tmp_path: Path, name: str) -> None:
    """Whatever runs the program ends with the process that was killed: none is left behind."""
    build = build_firmware(DEPLOYMENT, tmp_path, BOARD)
    with pytest.raises(FmqError, match=f"the firmware on {BOARD} .* ended") as caught:
        kill_at_work(name, build)
    assert caught.value.exit_status in (1, 2)
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if _names(path, build.elf)]
    assert left == []
    with (
        emulator(name).start(build.board, build.elf) as running,
        Device.open(running.url, timeout=20.0) as device,
    ):
        device.quantize()
        assert device.encode() > 0


def kill_at_work(name: str, build: Build) -> None:
    with (
        emulator(name).start(build.board, build.elf) as running,
        Device.open(running.url, timeout=20.0) as device,
    ):
        device.quantize()
        os.kill(running._process.pid, signal.SIGKILL)
        running._process.wait(timeout=20)
        device.encode()


def _names(command_line: Path, file: Path) -> bool:
    try:
        return str(file).encode() in command_line.read_bytes()
    except OSError:
        return False  # it has just ended
