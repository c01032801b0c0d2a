"""Unicorn from PyPI: the emulator that needs nothing else installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from firmware_tools.boards import Board
from firmware_tools.emulators.emulator import Emulator, RunningEmulator, end_process, spawn
from fmq_embedded.errors import InputError, LinkError, MissingToolError


class UnicornRun(RunningEmulator):
    """A program under Unicorn."""

    def describe_end(self, printed: str) -> str:
        return printed.strip() or "the emulator's process was ended from outside"


class Unicorn(Emulator):
    """Unicorn in a child process, with this package's models of the UART and the timer."""

    name = "unicorn"
    how_to_get = 'pip install "fmq-embedded[device]"'

    def installed(self) -> bool:
        return importlib.util.find_spec("unicorn") is not None

    def runs(self, board: Board) -> bool:
        return board.emulator.unicorn_cpu is not None and self.installed()

    def start(self, board: Board, elf: Path) -> RunningEmulator:
        if not self.installed():
            raise MissingToolError(f"Unicorn is not installed; get it: {self.how_to_get}")
        if board.emulator.unicorn_cpu is None:
            raise InputError(f"Unicorn has no core for {board.id}: board.toml names none")
        process = spawn(
            "firmware_tools.emulators.unicorn_process", [str(board.folder), str(elf.resolve())]
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        if not first.startswith("socket://"):
            rest = process.stdout.read()
            end_process(process)
            raise LinkError(f"the emulator did not start: {(first + rest).strip()}")
        return UnicornRun(board, elf, first.strip(), process)
