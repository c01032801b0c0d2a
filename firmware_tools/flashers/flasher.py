"""What every flasher can do: a command for each step, and nothing run here."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.flashers.section import FlashSection
from firmware_tools.flashers.target import Target, choose_target, usb_targets
from firmware_tools.flashers.tool import Command, find_program
from fmq_embedded.errors import FlashError

EXTRA = "pip install 'fmq-embedded[flash]'"


@dataclass(frozen=True)
class Job:
    """A board to flash.

    Attributes:
        board_id, section: of its board.toml.
        start: the address of its flash, as the flasher counts.
        target: which one of those that are plugged in.
    """

    board_id: str
    section: FlashSection
    start: int
    target: Target


class Flasher(ABC):
    """A program that puts images onto boards.

    Attributes:
        name: of the method, in board.toml.
        program: the command's name.
        how_to_get: what to do if it is not installed.
        reads_back: whether it can read the flash.
        whole: whether it writes only whole images.
    """

    name: str
    program: str
    how_to_get: str = EXTRA
    reads_back: bool = True
    whole: bool = False

    def find(self, board_id: str, section: FlashSection, port: str) -> Target:
        """The board that is meant. Raises NoPortError."""
        return choose_target(usb_targets(section.usb), port, board_id)

    def ready(self) -> str:
        """The program's path. Raises MissingToolError."""
        return find_program(self.program, self.how_to_get)

    @abstractmethod
    def identify(self, job: Job) -> Command:
        """Asks which chip it is; changes nothing."""

    @abstractmethod
    def check(self, job: Job, said: str) -> None:
        """Raises FlashError if what was said is not of this board's chip."""

    @abstractmethod
    def write(self, job: Job, address: int, file: Path, size: int) -> Command:
        """Erases the sectors that `size` bytes at an address lie in and writes them."""

    @abstractmethod
    def erase(self, job: Job) -> Command:
        """Erases the whole flash."""

    def read(self, job: Job, address: int, file: Path, size: int) -> Command:
        """Reads `size` bytes at an address into a file."""
        raise NotImplementedError

    def finish(self, _job: Job) -> Command | None:
        """Starts the firmware, where the flasher does not do so by itself."""
        return None


def check_word(job: Job, said: str) -> None:
    """Look for the chip's identity in a print-out of memory, such as "e0042000: 10006413".

    Raises:
        FlashError: the word is not there or is another chip's.
    """
    section = job.section
    if section.identify_address is None or section.identify_value is None:
        return
    pattern = rf"(?:0x)?{section.identify_address:08x}:?\s+(?:0x)?([0-9a-f]{{8}})\b"
    found = re.search(pattern, said, re.IGNORECASE)
    word = int(found[1], 16) & section.identify_mask if found else None
    if word != section.identify_value:
        raise wrong_chip(
            job,
            "no answer" if word is None else f"{word:#x}",
            f"{section.identify_value:#x} at {section.identify_address:#x}",
        )


def wrong_chip(job: Job, got: str, expected: str) -> FlashError:
    """The error for a chip that is not the board's."""
    return FlashError(
        f"what is at {job.target} is not {job.board_id}: got {got}, expected {expected}; nothing "
        "was erased; choose the board with --board and the port with --port"
    )
