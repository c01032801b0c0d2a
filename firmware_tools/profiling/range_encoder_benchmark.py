"""The range encoder alone on an emulated Cortex-M4: no choice of contexts, no binarisation."""

from __future__ import annotations

import contextlib
import struct
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from firmware_tools.boards import load_board
from firmware_tools.emulators import DEFAULT_EMULATOR, emulator
from firmware_tools.firmware import APP, DEFAULT_BOARD, LIBFMQ_INCLUDE, library_sources
from firmware_tools.link.port import Port
from firmware_tools.toolchains import DEFAULT_TOOLCHAIN, toolchain
from fmq_embedded.entropy import contexts
from fmq_embedded.errors import LinkError

LOOP = Path(__file__).with_name("range_encoder_loop.c")
ANSWER = struct.Struct("<II")
SECONDS = 60.0
MOST = 1 << 14
"""Decisions that are coded at most."""


def instructions_per_decision(listed: npt.NDArray[np.uint16], out_dir: Path) -> float:
    """What coding one modelled decision takes: contexts, carry and output included.

    Args:
        listed: as `entropy.list_decisions` gives them; those of one plain bit are left out.
        out_dir: gets the firmware.
    """
    modelled = listed[listed >> 1 < contexts.CONTEXT_COUNT][:MOST]
    board = load_board(DEFAULT_BOARD)
    sources = [path for path in library_sources() if path.name == "range_coder.c"]
    build = toolchain(DEFAULT_TOOLCHAIN).build(
        board,
        [*sources, LOOP, APP / "freestanding.c"],
        [LIBFMQ_INCLUDE, sources[0].parent, APP],
        {"FMQ_DECISIONS": f"{modelled.size}u"},
        out_dir,
        optimise="-O2",
    )
    with emulator(DEFAULT_EMULATOR).start(board, build.elf) as running:
        answer = _ask(running.url, board.uart.baud, modelled.astype("<u2").tobytes())
    coding, loop = ANSWER.unpack(answer)
    return board.counter.instructions(coding - loop) / modelled.size


def _ask(url: str, baud: int, data: bytes) -> bytes:
    """What the firmware answers to the decisions."""
    deadline = time.monotonic() + SECONDS
    answer = b""
    with contextlib.closing(Port(url, baud, SECONDS)) as port:
        port.write(data)
        while len(answer) < ANSWER.size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise LinkError(f"{url}: no answer within {SECONDS:.0f} s; run inv verify")
            answer += port.read(left)
    return answer
