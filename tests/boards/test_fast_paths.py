"""Every way to look bytes up in a table gives the bytes of the plain C one, on every core."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import serial

from firmware_tools.boards import load_board
from firmware_tools.emulators import EMULATORS
from firmware_tools.firmware import APP, LIBFMQ_INCLUDE, emulators_of
from firmware_tools.toolchains import toolchain_for

HERE = Path(__file__).parent
TABLE = LIBFMQ_INCLUDE.parent / "src" / "quantize_table.c"
COUNTS = (0, 1, 15, 16, 17, 19, 20, 32, 35, 67)
ALIGNMENTS = 4
PLACES, UNTOUCHED = 75, 0x5A
# Cortex-M0, M4, M7, M33 and M55, and a core of another family.
BOARDS = ("microbit", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547", "riscv-virt")

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


@pytest.mark.parametrize("name", [n for n in BOARDS if emulators_of(load_board(n))])
def test_fast_path_gives_the_bytes_of_the_plain_one(name: str, tmp_path: Path) -> None:
    board = load_board(name)
    code = []
    for kind, defines in (("fast", {}), ("plain", {"FMQ_PLAIN_C": "1"})):
        build = toolchain_for(board).build(
            board,
            [HERE / "look_up_on_device.c", APP / "freestanding.c", TABLE],
            [LIBFMQ_INCLUDE, APP],
            defines,
            tmp_path / kind,
        )
        code.append(build.binary.read_bytes())
        with EMULATORS[emulators_of(board)[0]].start(board, build.elf) as running:
            port = serial.serial_for_url(running.url, timeout=60)
            port.write(b"g")
            assert port.read(len(expected())) == expected(), kind
            port.close()
    assert code[0] != code[1]  # else the fast path was not taken
