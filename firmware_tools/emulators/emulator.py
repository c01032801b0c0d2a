"""What every emulator does: run a program in a child process with its UART on a TCP port."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from firmware_tools.boards import Board
from fmq_embedded.errors import LinkError

# A fault reaches the caller as a silent port first; the process is given this long to end.
FAULT_WAIT_S = 2.0
STOP_WAIT_S = 5.0

PACKAGE_ROOT = Path(__file__).resolve().parents[2]


class FirmwareFaultError(LinkError):
    """The firmware faulted, locked up or ended; the text says where."""


class RunningEmulator(ABC):
    """A program that runs under an emulator, until `stop()` or the end of this process.

    Attributes:
        url: opens the emulated UART in pyserial: "socket://127.0.0.1:PORT". The program starts
            when the port is first opened. One client at a time; it may close it and come back.
    """

    def __init__(self, board: Board, elf: Path, url: str, process: subprocess.Popen[str]) -> None:
        self.board = board
        self.elf = elf
        self.url = url
        self._process = process
        self._report: str | None = None
        self._stopped = False

    @abstractmethod
    def describe_end(self, printed: str) -> str:
        """What ended the program, from what the emulator printed."""

    def fault(self, wait_s: float = 0.0) -> str | None:
        """What ended the program, or None while it runs and after `stop()`.

        Args:
            wait_s: seconds to wait for an end that is on its way.
        """
        if self._stopped or self._report is not None:
            return self._report
        # communicate() would close the child's input, which ends it.
        try:
            self._process.wait(wait_s)
        except subprocess.TimeoutExpired:
            return None
        assert self._process.stdout is not None
        end = self.describe_end(self._process.stdout.read())
        self._report = f"the firmware on {self.board.id} ({self.elf.name}) ended: {end}"
        return self._report

    def check(self, wait_s: float = 0.0) -> None:
        """Raise FirmwareFaultError if the program has ended."""
        report = self.fault(wait_s)
        if report is not None:
            raise FirmwareFaultError(report)

    def stop(self) -> None:
        """End the emulator; a second call does nothing."""
        if self._process.poll() is None:
            self._stopped = True
        end_process(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # A client that lost its board learns why: the fault, not "no answer".
        try:
            if isinstance(error, Exception) and not isinstance(error, FirmwareFaultError):
                report = self.fault(FAULT_WAIT_S)
                if report is not None:
                    raise FirmwareFaultError(report) from error
        finally:
            self.stop()


class Emulator(ABC):
    """Runs firmware of boards that it knows."""

    name: str
    how_to_get: str

    @abstractmethod
    def installed(self) -> bool:
        """Whether the tool is there."""

    @abstractmethod
    def runs(self, board: Board) -> bool:
        """Whether the tool is there and knows the board."""

    @abstractmethod
    def start(self, board: Board, elf: Path) -> RunningEmulator:
        """Load a program; it runs from the moment that its port is opened.

        Raises:
            MissingToolError: the emulator is not installed.
            InputError: the emulator has no such board.
        """


def spawn(
    module: str, arguments: list[str], inherit: tuple[int, ...] = ()
) -> subprocess.Popen[str]:
    """Start a module of this package as a child process that ends when this one does.

    The child holds the reading end of a pipe as its standard input, and ends with the pipe.
    What it prints, errors too, is kept for `RunningEmulator.fault`.
    """
    parts = [str(PACKAGE_ROOT), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(part for part in parts if part)
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=inherit,
        text=True,
        errors="replace",
    )


def end_process(process: subprocess.Popen[str]) -> None:
    """End a child: by closing its standard input, by force if that takes too long."""
    if process.stdin:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        process.wait(STOP_WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
