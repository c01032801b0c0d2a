"""A deployment as firmware: its C source, its build for a board, a board that runs it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from firmware_tools.authentication import DEFINE, Key, write_key_header
from firmware_tools.boards import Board, load_board
from firmware_tools.emulators import DEFAULT_EMULATOR, EMULATORS, emulator
from firmware_tools.link.device import Device
from firmware_tools.toolchains import DEFAULT_TOOLCHAIN, toolchain_for
from firmware_tools.toolchains.toolchain import Build
from fmq_embedded.deploy.c_tables import SOURCE, c_tables
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.files import make_folder, write_atomically

HERE = Path(__file__).resolve().parent
LIBFMQ_INCLUDE = HERE / "libfmq" / "include"
APP = HERE / "app"

DEFAULT_BOARD = "mps2-an386"

DENSE_STACK_SIZE = 0xA00
"""Bytes of stack that firmware with the dense coder keeps at least: its transforms hold lines of 64
pairs there, and small boards keep less than that for the other coders."""

# An emulated line loses nothing, and a busy machine is slow: to ask again early only adds to it.
EMULATED_TIMEOUT_S = 60.0
EMULATED_RETRY_S = 5.0


def library_sources() -> list[Path]:
    """The C files of libfmq, in a fixed order."""
    return sorted((HERE / "libfmq" / "src").glob("*.c"))


def write_c(deployment: Deployment, folder: Path) -> list[Path]:
    """Write the generated header and source into a folder; returns their paths."""
    make_folder(folder)
    paths = []
    for name, text in c_tables(deployment).items():
        write_atomically(folder / name, text.encode())
        paths.append(folder / name)
    return paths


def board_for(deployment: Deployment, board: Board) -> Board:
    """The board with as much stack as the deployment's coder needs."""
    least = DENSE_STACK_SIZE if deployment.profile == "dense" else 0
    stack_size = max(board.memory.stack_size, least)
    return replace(board, memory=replace(board.memory, stack_size=stack_size))


def build_firmware(
    deployment: Deployment,
    out_dir: Path,
    board: str = DEFAULT_BOARD,
    *,
    tools: str = DEFAULT_TOOLCHAIN,
    optimise: str = "-O2",
    key: Key | None = None,
) -> Build:
    """Generate the C source into `out_dir` and build the firmware there.

    Args:
        deployment: calibrated.
        out_dir: gets the generated source and firmware.elf, .bin and .map.
        board: a board's id.
        tools: a toolchain's name.
        optimise: "-O2" or "-Os".
        key: goes into the firmware, which then takes only tables with its tag.

    Raises:
        InputError: an unknown board or toolchain, or a deployment that does not fit the board.
        MissingToolError: the toolchain is not installed.
    """
    write_c(deployment, out_dir)
    if key is not None:
        write_key_header(key, out_dir)
    sources = [*sorted(APP.glob("*.c")), out_dir / SOURCE]
    chosen = board_for(deployment, load_board(board))
    return toolchain_for(chosen, tools).build(
        chosen,
        sources,
        [LIBFMQ_INCLUDE, APP, out_dir],
        {} if key is None else {DEFINE: "1"},
        out_dir,
        optimise=optimise,
        library=library_sources(),
        library_dirs=[LIBFMQ_INCLUDE],
        private=key is not None,
    )


def emulators_of(board: Board) -> list[str]:
    """The installed emulators that can run a board, by name."""
    return [name for name, tool in EMULATORS.items() if tool.runs(board)]


@dataclass(frozen=True)
class Running:
    """A board that runs the firmware, and what to convert its counters with."""

    device: Device
    board: Board


@contextlib.contextmanager
def run_emulated(build: Build, emulator_name: str = DEFAULT_EMULATOR) -> Iterator[Running]:
    """Start a build in an emulator and open the link to it.

    Raises:
        MissingToolError: the emulator is not installed.
        LinkError: the firmware faults or does not answer.
    """
    with emulator(emulator_name).start(build.board, build.elf) as running:
        try:
            with Device.open(
                running.url,
                baud=build.board.uart.baud,
                timeout=EMULATED_TIMEOUT_S,
                retry_interval=EMULATED_RETRY_S,
            ) as device:
                yield Running(device, build.board)
        except BaseException:
            running.check(wait_s=0.5)
            raise
