"""What the profile dense costs on an emulated Cortex-M4: instructions, flash and RAM."""

from __future__ import annotations

import contextlib
import struct
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from firmware_tools.boards import load_board
from firmware_tools.emulators import DEFAULT_EMULATOR, emulator
from firmware_tools.firmware import APP, DEFAULT_BOARD, LIBFMQ_INCLUDE, library_sources
from firmware_tools.link.port import Port
from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.synthetic_maps import relu_map
from firmware_tools.toolchains import DEFAULT_TOOLCHAIN, toolchain
from firmware_tools.toolchains.toolchain import Build
from fmq_embedded.dense import prepare
from fmq_embedded.dense.device_plan import CENTRE, QUICK
from fmq_embedded.dense.encoder import PLAIN, DenseMap, encode_map
from fmq_embedded.dense.search import Search
from fmq_embedded.errors import LinkError, MismatchError
from fmq_embedded.feature_map import FeatureMap

LOOP = Path(__file__).with_name("dense_loop.c")
ANSWER = struct.Struct("<6I")
SECONDS = 120.0
BIT_DEPTH = 4
WORK_WORDS = 8192
FIELDS = 3
"""Bytes before a payload: `coding`, the exponent, the step."""


@dataclass(frozen=True)
class Measured:
    """Ticks and bytes of a map on the device."""

    encoding: int
    decoding: int
    size: int
    crc32: int
    encoder_work: int
    decoder_work: int


def dense_figures(shape: tuple[int, int, int], folder: Path) -> list[Figure]:
    """Instructions per element, flash and RAM of the dense coder.

    Args:
        shape: of a ReLU map of `BIT_DEPTH` bits.
        folder: gets the firmware.

    Raises:
        MismatchError: the board's stream is not this machine's.
    """
    source = prepare(FeatureMap(relu_map(*shape, 0)))
    fast, small = (build_loop(source, folder / o, o) for o in ("-O2", "-Os"))
    quick, searched = measure(fast, source)
    _check(source, quick, QUICK)
    _check(source, searched, replace(PLAIN, predicts=False))
    counter, count = load_board(DEFAULT_BOARD).counter, source.planes.size
    per_element = "instructions/element"
    size = f"{shape[0]}×{shape[1]}"
    return [
        Figure("dense, encode, quick", counter.instructions(quick.encoding) / count, per_element),
        Figure(
            "dense, encode, searched", counter.instructions(searched.encoding) / count, per_element
        ),
        Figure("dense, decode", counter.instructions(searched.decoding) / count, per_element),
        Figure("dense, quick choice, stream", 8 * quick.size / count, "bits/element"),
        Figure("dense, searched, stream", 8 * searched.size / count, "bits/element"),
        Figure("dense, flash, -Os", _own(small.sizes.flash_by_source), "bytes"),
        Figure(f"dense, RAM to encode {size}", searched.encoder_work, "bytes"),
        Figure(f"dense, RAM to decode {size}", searched.decoder_work, "bytes"),
    ]


def build_loop(source: DenseMap, folder: Path, optimise: str) -> Build:
    """The firmware that encodes and decodes a map of this shape."""
    g = source.layout.geometry
    defines = {
        "FMQ_ROWS": f"{g.rows}u",
        "FMQ_COLUMNS": f"{g.columns}u",
        "FMQ_CHANNELS": f"{g.channels}u",
        "FMQ_STEP": f"{source.step_of_depth(BIT_DEPTH)}u",
        "FMQ_ROUNDING": f"{PLAIN.rounding}u",
        "FMQ_STAY": f"{PLAIN.stay}u",
        "FMQ_MULTIPLIER": f"{PLAIN.multiplier}u",
        "FMQ_BIASES": "{" + ",".join(map(str, PLAIN.biases)) + "}",
        "FMQ_QUICK_BIASES": "{" + ",".join(map(str, QUICK.biases)) + "}",
        "FMQ_WORK_WORDS": f"{WORK_WORDS}u",
    }
    return toolchain(DEFAULT_TOOLCHAIN).build(
        load_board(DEFAULT_BOARD),
        [*_sources(), LOOP, APP / "freestanding.c"],
        [LIBFMQ_INCLUDE, APP],
        defines,
        folder,
        optimise=optimise,
    )


def measure(build: Build, source: DenseMap) -> tuple[Measured, Measured]:
    """A map with the quick choice of modes, and with costs compared."""
    board = load_board(DEFAULT_BOARD)
    samples = (source.layout.interleaved(source.planes) + CENTRE).astype("<u2").tobytes()
    with (
        emulator(DEFAULT_EMULATOR).start(board, build.elf) as running,
        contextlib.closing(Port(running.url, board.uart.baud, SECONDS)) as port,
    ):
        quick, searched = (_ask(port, bytes([flag]) + samples) for flag in (1, 0))
    return quick, searched


def _ask(port: Port, request: bytes) -> Measured:
    deadline = time.monotonic() + SECONDS
    answer = b""
    port.write(request)
    while len(answer) < ANSWER.size:
        left = deadline - time.monotonic()
        if left <= 0:
            raise LinkError(f"the board gave no answer within {SECONDS:.0f} s; run inv verify")
        answer += port.read(left)
    return Measured(*ANSWER.unpack(answer))


def _check(source: DenseMap, measured: Measured, search: Search) -> None:
    expected = encode_map(source, source.step_of_depth(BIT_DEPTH), search).payload[FIELDS:]
    if (measured.size, measured.crc32) != (len(expected), zlib.crc32(expected)):
        raise MismatchError(
            f"the board's dense stream of {measured.size} bytes differs from this machine's of "
            f"{len(expected)}; run inv verify"
        )


def _sources() -> list[Path]:
    own = ("dense_", "transform", "range_coder", "crc32", "bitstream_window")
    return [
        path
        for path in library_sources()
        if path.name.startswith(own) and path.stem != "dense_coding"
    ]


def _own(by_source: Mapping[str, int]) -> int:
    return sum(
        size
        for source, size in by_source.items()
        if Path(source).name.startswith(("dense_", "transform")) and Path(source).name != LOOP.name
    )
