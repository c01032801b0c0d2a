"""The kit on emulated boards: its cases' tensors in firmware, as many at a time as fit."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from firmware_tools.boards import Board, board_folders, load_board
from firmware_tools.conformance.case_files import KeptCase, coded_tensor, groups
from firmware_tools.conformance.cases import deployment_of
from firmware_tools.conformance.kit import Finding, difference
from firmware_tools.firmware import build_firmware, emulators_of, run_emulated
from firmware_tools.link.device import Device
from firmware_tools.profiling.size_bars import DoesNotFitError
from firmware_tools.verifying_boards import tensors_that_fit
from fmq_embedded import codec
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.errors import FmqError

Step = Callable[[str], None]


@dataclass(frozen=True)
class BoardResult:
    """What the kit found on a board.

    Args:
        board: its id and its emulator.
        cases: that fit and were run.
        checks: their levels, samples and streams that were compared.
        findings: the differences.
        left_out: cases that the board cannot hold, or whose samples no firmware takes.
    """

    board: str
    cases: int
    checks: int
    findings: tuple[Finding, ...]
    left_out: int


def run_boards(kept: Sequence[KeptCase], step: Step = lambda name: None) -> list[BoardResult]:
    """Run a kit on every emulated board, as many boards at once as there are processors.

    Args:
        kept: the kit's cases.
        step: called with each board's name as it begins.
    """
    boards = [load_board(name) for name in sorted(board_folders())]
    boards = [board for board in boards if emulators_of(board)]

    def result_of(board: Board) -> BoardResult:
        step(board.id)
        return run_board(kept, board)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(result_of, boards))


def run_board(kept: Sequence[KeptCase], board: Board) -> BoardResult:
    """Run a kit on one board, under its first emulator."""
    emulator = emulators_of(board)[0]
    runs = [
        run
        for group in groups(kept)
        for part in _parts(group, board)
        for run in _runs(part, board, emulator)
    ]
    cases = sum(run.cases for run in runs)
    findings = tuple(finding for run in runs for finding in run.findings)
    checks = sum(3 * run.cases + 1 for run in runs)
    return BoardResult(f"{board.id} ({emulator})", cases, checks, findings, len(kept) - cases)


@dataclass(frozen=True)
class _Run:
    """A firmware that ran: how many cases it held, and what differed."""

    cases: int
    findings: tuple[Finding, ...]


def _parts(kept: Sequence[KeptCase], board: Board) -> list[list[KeptCase]]:
    """The cases of one profile whose samples a firmware takes, as many at a time as may fit."""
    taken = {one.case.name: one for one in kept if _is_taken(one)}
    parts = tensors_that_fit(deployment_of([one.case for one in taken.values()]), board)
    return [[taken[plan.name] for plan in part.tensors] for part in parts]


def _runs(held: Sequence[KeptCase], board: Board, emulator: str) -> Iterator[_Run]:
    """The cases in one firmware; in two halves if it does not fit; without the one that cannot."""
    part = deployment_of([one.case for one in held])
    with tempfile.TemporaryDirectory() as folder:
        try:
            build = build_firmware(part, Path(folder), board.id)
        except DoesNotFitError:
            half = len(held) // 2
            for some in (held[:half], held[half:]) if half else ():
                yield from _runs(some, board, emulator)
            return
        with run_emulated(build, emulator) as running:
            yield _Run(len(held), tuple(_differences(running.device, part, held)))


def _is_taken(one: KeptCase) -> bool:
    """Whether firmware takes the samples: those of wider and narrower floats it does not."""
    return one.case.samples.dtype.name == one.case.plan.dtype


def _differences(device: Device, part: Deployment, held: Sequence[KeptCase]) -> Iterator[Finding]:
    """Levels and the common stream of a part's cases, and what that stream is decoded to."""
    try:
        for index, one in enumerate(held):
            device.load_input(index, one.case.samples)
        device.quantize()
        for index, one in enumerate(held):
            yield from _compared(one, "quantize", device.read_levels(index), one.results.levels)
        stream = device.read_stream(device.encode())
        wanted = _stream_of(part, held)
        if stream != wanted:
            yield Finding("all", "encode", difference(stream, wanted))
        device.load_stream(wanted)
        device.decode(len(wanted))
        for index, one in enumerate(held):
            yield from _compared(one, "decode", device.read_levels(index), one.results.restored)
        device.dequantize()
        for index, one in enumerate(held):
            yield from _compared(one, "dequantize", device.read_samples(index), one.results.decoded)
    except FmqError as error:
        yield Finding("all", "run", str(error))


def _stream_of(part: Deployment, held: Sequence[KeptCase]) -> bytes:
    """The stream of the kit's levels of these cases, in one."""
    tensors = [coded_tensor(one.case, one.results.levels) for one in held]
    return codec.assemble(part.preamble, tensors, profile=part.profile)


def _compared(one: KeptCase, stage: str, found: Any, wanted: Any) -> Iterator[Finding]:
    what = difference(np.asarray(found).reshape(wanted.shape), wanted)
    if what:
        yield Finding(one.case.name, stage, what)
