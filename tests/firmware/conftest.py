"""The test firmware, built by each toolchain, and its far end under each emulator.

In CI every tool must be there; elsewhere the tests of a tool that is not installed are not
collected.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import serial

from firmware_tools.boards import Board, load_board
from firmware_tools.emulators import EMULATORS, RunningEmulator
from firmware_tools.toolchains import TOOLCHAINS, Build

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "firmware_tools" / "app"
SOURCES = [ROOT / "tests" / "firmware" / "echo_and_count.c", APP / "freestanding.c"]

# Compilers that do not build for the board of these tests.
OTHER_CORES = ("riscv64-unknown-elf-gcc", "avr-gcc")

Builder = Callable[..., Build]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    tables: dict[str, Mapping[str, Any]] = {
        "toolchain_name": TOOLCHAINS,
        "emulator_name": EMULATORS,
    }
    for fixture, table in tables.items():
        if fixture in metafunc.fixturenames:
            names = [n for n, tool in table.items() if "CI" in os.environ or tool.installed()]
            names = [n for n in names if n not in OTHER_CORES]
            metafunc.parametrize(fixture, names, scope="session")


@pytest.fixture(scope="session")
def board() -> Board:
    return load_board("mps2-an386")


@pytest.fixture(scope="session")
def build(board: Board) -> Builder:
    """Builds the test firmware: toolchain's name, folder, further sources and options."""

    def build_one(name: str, folder: Path, *more: Path, **options: Any) -> Build:
        return TOOLCHAINS[name].build(board, [*SOURCES, *more], [APP], {}, folder, **options)

    return build_one


@pytest.fixture(scope="session")
def firmware(
    toolchain_name: str, build: Builder, tmp_path_factory: pytest.TempPathFactory
) -> Build:
    return build(toolchain_name, tmp_path_factory.mktemp("firmware"))


class Client:
    """The far end of the test firmware's UART."""

    def __init__(self, running: RunningEmulator) -> None:
        self.running = running
        self.port = serial.serial_for_url(running.url, timeout=20)

    def ask(self, command: bytes, answer: str, *numbers: int, data: bytes = b"") -> tuple[int, ...]:
        """Send a command, its numbers and data; unpack the answer."""
        self.port.write(command + struct.pack(f"<{len(numbers)}I", *numbers) + data)
        return struct.unpack(answer, self.port.read(struct.calcsize(answer)))

    def instructions(self, loop: bytes, count: int) -> int:
        """The instructions that a loop took, the reading of the counter included."""
        ticks, _ = self.ask(loop, "<II", count)
        return self.running.board.counter.instructions(ticks)


@contextmanager
def started(firmware: Build, emulator_name: str, board: Board) -> Iterator[Client]:
    with EMULATORS[emulator_name].start(board, firmware.elf) as running:
        client = Client(running)
        yield client
        client.port.close()


@pytest.fixture(scope="session")
def client(firmware: Build, emulator_name: str, board: Board) -> Iterator[Client]:
    """One for all tests that leave the firmware running."""
    with started(firmware, emulator_name, board) as client:
        yield client


@pytest.fixture
def lost_client(firmware: Build, emulator_name: str, board: Board) -> Iterator[Client]:
    """One whose firmware the test ends."""
    with started(firmware, emulator_name, board) as client:
        yield client
