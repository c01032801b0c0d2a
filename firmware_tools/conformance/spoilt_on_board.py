"""Every spoilt stream of a kit, decoded on an emulated board by libfmq."""

from __future__ import annotations

import contextlib
import struct
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from firmware_tools.boards import Board, load_board
from firmware_tools.conformance.boards import BoardResult
from firmware_tools.conformance.case_files import KeptCase, bit_depth_of, groups
from firmware_tools.conformance.cases import deployment_of
from firmware_tools.conformance.kit import RUNNER, Finding
from firmware_tools.conformance.running import Sources
from firmware_tools.emulators import emulator
from firmware_tools.emulators.qemu import Qemu
from firmware_tools.firmware import (
    APP,
    DEFAULT_BOARD,
    LIBFMQ_INCLUDE,
    board_for,
    emulators_of,
    library_sources,
)
from firmware_tools.link.port import Port
from firmware_tools.toolchains import toolchain_for
from firmware_tools.toolchains.toolchain import Build
from fmq_embedded.errors import LinkError, MissingToolError

Step = Callable[[str], None]

FIRMWARE = Path(__file__).with_name("spoiling_firmware.c")
SOURCES = (FIRMWARE, RUNNER / "spoilt.c", RUNNER / "libfmq_implementation.c")
REQUEST = struct.Struct("<64s4I")
ANSWER = struct.Struct("<2I")
SECONDS = 600.0
"""For a stream: a large one of a slow coding has millions of elements to decode."""


def spoil_on_board(
    kept: Sequence[KeptCase],
    board_id: str = DEFAULT_BOARD,
    step: Step = lambda name: None,
) -> BoardResult:
    """Spoil the streams of a kit's cases on a board, as `spoilt.h` says.

    Args:
        kept: the kit's cases.
        board_id: of a board whose memory takes all of them.
        step: called with what begins.

    Raises:
        MissingToolError: there is no emulator of the board.
    """
    board = load_board(board_id)
    names = emulators_of(board)
    if not names:
        raise MissingToolError(f"no emulator of {board.id} is installed")
    # QEMU translates what it runs, and is several times as fast as Unicorn, which counts it.
    chosen = Qemu.name if Qemu.name in names else names[0]
    checks, findings = 0, []
    for cases in groups(kept):
        step(f"spoilt {cases[0].case.profile} streams on {board.id}")
        with tempfile.TemporaryDirectory() as folder:
            build = _build(cases, board, Path(folder))
            for name, answer in _answers(cases, build, chosen):
                checks += answer[0]
                if not answer[1]:
                    what = "taken, though it cannot be, or unsafe"
                    findings.append(Finding(name, "a spoilt stream", what))
    return BoardResult(f"{board.id} ({chosen})", len(kept), checks, tuple(findings), 0)


def _build(cases: Sequence[KeptCase], board: Board, folder: Path) -> Build:
    generated = Sources(cases, folder)
    room = {
        "FMQ_STREAM_ROOM": max(len(stream) for one in cases for stream in _streams(one)),
        "FMQ_LEVELS_ROOM": max(map(_levels_size, cases)),
    }
    roomy = board_for(deployment_of([one.case for one in cases]), board)
    return toolchain_for(roomy).build(
        roomy,
        [*SOURCES, APP / "freestanding.c", generated.tables],
        [LIBFMQ_INCLUDE, RUNNER, APP, folder],
        {name: f"{size}u" for name, size in room.items()},
        folder,
        library=library_sources(),
        library_dirs=[LIBFMQ_INCLUDE],
    )


def _answers(
    cases: Sequence[KeptCase], build: Build, emulator_name: str
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Of each stream: its case, how many checks there were, and whether they hold."""
    board = build.board
    with (
        emulator(emulator_name).start(board, build.elf) as running,
        contextlib.closing(Port(running.url, board.uart.baud, SECONDS)) as port,
    ):
        for one in cases:
            for stream in _streams(one):
                yield one.case.name, _ask(port, one, stream)


def _streams(one: KeptCase) -> list[bytes]:
    return [one.results.stream, *([one.host.stream] if one.host else [])]


def _level_bytes(one: KeptCase) -> int:
    return 1 if bit_depth_of(one.case.plan) <= 8 else 2


def _levels_size(one: KeptCase) -> int:
    return _level_bytes(one) * one.results.levels.size


def _ask(port: Port, one: KeptCase, stream: bytes) -> tuple[int, int]:
    name, bit_depth = one.case.name.encode(), bit_depth_of(one.case.plan)
    head = REQUEST.pack(name, bit_depth, _level_bytes(one), _levels_size(one), len(stream))
    port.write(head + stream)
    deadline = time.monotonic() + SECONDS
    answer = b""
    while len(answer) < ANSWER.size:
        left = deadline - time.monotonic()
        if left <= 0:
            raise LinkError(f"the board gave no answer to {one.case.name} within {SECONDS:.0f} s")
        answer += port.read(left)
    checks, holds = ANSWER.unpack(answer)
    return checks, holds
