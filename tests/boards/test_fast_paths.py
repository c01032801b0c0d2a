"""Every fast path gives the bytes of the plain C one, on every core that has one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import serial

from firmware_tools.boards import load_board
from firmware_tools.emulators import EMULATORS
from firmware_tools.firmware import APP, LIBFMQ_INCLUDE, emulators_of
from firmware_tools.toolchains import toolchain_for
from firmware_tools.toolchains.toolchain import Build
from tests.boards.dsp_cases import dsp_cases

HERE = Path(__file__).parent
LIBRARY = LIBFMQ_INCLUDE.parent / "src"
TABLE = LIBRARY / "quantize_table.c"
DSP = [
    LIBRARY / f"{name}.c"
    for name in ("vector_quantizer", "quantize_estimate", "quantize_multiply_shift")
]
KINDS: tuple[tuple[str, dict[str, str]], ...] = (("fast", {}), ("plain", {"FMQ_PLAIN_C": "1"}))
COUNTS = (0, 1, 15, 16, 17, 19, 20, 32, 35, 67)
ALIGNMENTS = 4
PLACES, UNTOUCHED = 75, 0x5A
# Cortex-M0, M4, M7, M33 and M55, and a core of another family.
BOARDS = ("microbit", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547", "riscv-virt")
WITH_DSP = BOARDS[1:5]

pytestmark = pytest.mark.emulator


def expected() -> bytes:
    found = []
    for count in COUNTS:
        for both in range(ALIGNMENTS**2):
            code_offset, level_offset = divmod(both, ALIGNMENTS)
            codes = (np.arange(count) * 59 + count + code_offset) % 256
            levels = np.full(PLACES, UNTOUCHED, np.uint8)
            levels[level_offset : level_offset + count] = (codes * 37 + 11) % 256
            found.append(levels)
    return np.concatenate(found).tobytes()


def runnable(names: tuple[str, ...]) -> list[str]:
    return [name for name in names if emulators_of(load_board(name))]


def check_bytes(build: Build, right: bytes, kind: str) -> None:
    with EMULATORS[emulators_of(build.board)[0]].start(build.board, build.elf) as running:
        port = serial.serial_for_url(running.url, timeout=60)
        port.write(b"g")
        assert port.read(len(right)) == right, kind
        port.close()


@pytest.mark.parametrize("name", runnable(BOARDS))
def test_fast_path_gives_the_bytes_of_the_plain_one(name: str, tmp_path: Path) -> None:
    board = load_board(name)
    code = []
    for kind, defines in KINDS:
        build = toolchain_for(board).build(
            board,
            [HERE / "look_up_on_device.c", APP / "freestanding.c", TABLE],
            [LIBFMQ_INCLUDE, APP],
            defines,
            tmp_path / kind,
        )
        code.append(build.binary.read_bytes())
        check_bytes(build, expected(), kind)
    assert code[0] != code[1]  # else the fast path was not taken


@pytest.mark.parametrize("name", runnable(WITH_DSP))
def test_dsp_instructions_give_the_bytes_of_plain_c(name: str, tmp_path: Path) -> None:
    board = load_board(name)
    header, right = dsp_cases()
    (tmp_path / "dsp_cases.h").write_text(header, encoding="ascii")
    sizes = []
    for kind, defines in KINDS:
        build = toolchain_for(board).build(
            board,
            [HERE / "dsp_on_device.c", APP / "freestanding.c", *DSP],
            [LIBFMQ_INCLUDE, APP, tmp_path],
            defines,
            tmp_path / kind,
        )
        sizes.append(build.sizes.flash_by_source)
        check_bytes(build, right, kind)
    for source in DSP:  # else a fast path was not taken
        assert sizes[0][source.name] != sizes[1][source.name]
