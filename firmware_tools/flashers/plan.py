"""An image in parts of whole sectors, and the commands that put it onto the board."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.flashers.flasher import Flasher, Job
from firmware_tools.flashers.tool import Command
from firmware_tools.flashers.uf2_file import uf2_file
from fmq_embedded.errors import InputError
from fmq_embedded.files import make_folder, write_atomically

PART_BYTES = 32 * 1024
"""Sectors are written together up to this size: a flasher takes about a second to connect."""


@dataclass(frozen=True)
class Part:
    """Whole sectors: their address, their bytes, the file of them and the one they are read to."""

    address: int
    data: bytes
    file: Path
    read_file: Path

    @property
    def what(self) -> str:
        """The part in words."""
        return f"{self.address:#010x}, {len(self.data)} bytes"


@dataclass(frozen=True)
class Plan:
    """What would be done with an image on a board.

    Attributes:
        image_hash: SHA-256 of the padded image, hexadecimal.
        resumed: addresses of the parts that an interrupted run has written.
    """

    flasher: Flasher
    job: Job
    parts: tuple[Part, ...]
    image_hash: str
    resumed: frozenset[int]
    verify: bool
    force: bool

    @property
    def pending(self) -> list[Part]:
        """The parts that are not known to be written."""
        return [part for part in self.parts if part.address not in self.resumed]

    @property
    def compares(self) -> bool:
        """Whether what is there is read before it is written."""
        return self.flasher.reads_back and not self.force

    @property
    def verifies(self) -> bool:
        """Whether what was written is read back."""
        return self.flasher.reads_back and self.verify

    def read(self, part: Part) -> Command:
        """Reads a part back."""
        return self.flasher.read(self.job, part.address, part.read_file, len(part.data))

    def write(self, part: Part) -> Command:
        """Erases and writes a part."""
        return self.flasher.write(self.job, part.address, part.file, len(part.data))

    def commands(self) -> list[Command]:
        """Every command of a run that finds each pending part changed, in order."""
        commands = [self.flasher.identify(self.job)]
        if self.compares:
            commands += [self.read(part) for part in self.pending]
        commands += [self.write(part) for part in self.pending]
        if self.verifies:
            commands += [self.read(part) for part in self.parts]
        last = self.flasher.finish(self.job)
        return commands + ([last] if last is not None else [])


def padded(image: bytes, job: Job) -> bytes:
    """An image up to the end of its last sector. Raises InputError if the flash is smaller."""
    if not image:
        raise InputError("the image is empty; expected the bytes of a firmware; build it again")
    ends = [end for end in job.section.sector_starts() if end >= len(image)]
    if not ends:
        raise InputError(
            f"the image has {len(image)} bytes and the flash of {job.board_id} has "
            f"{job.section.flash_bytes}; build it smaller or for another board"
        )
    return image + bytes([job.section.erased_byte]) * (ends[0] - len(image))


def split(data: bytes, job: Job, folder: Path, *, whole: bool) -> tuple[Part, ...]:
    """Parts of whole sectors; a part is larger than PART_BYTES only if a sector is."""
    bounds = [0]
    starts = [at for at in job.section.sector_starts() if at <= len(data)]
    for at, end in itertools.pairwise(starts):
        if at > bounds[-1] and end - bounds[-1] > PART_BYTES and not whole:
            bounds.append(at)
    bounds.append(len(data))
    return tuple(
        Part(
            job.start + at,
            data[at:end],
            folder / f"{job.start + at:08x}.bin",
            folder / f"{job.start + at:08x}.read",
        )
        for at, end in itertools.pairwise(bounds)
    )


def write_files(plan: Plan) -> None:
    """Write the files that the commands name."""
    for part in plan.parts:
        make_folder(part.file.parent)
        part.file.parent.chmod(0o700)  # a firmware may hold a key, which is no one else's to read
        keys = plan.job.section.uf2
        is_uf2 = plan.flasher.name == "uf2" and keys is not None
        family = keys.family_id if keys is not None else 0
        data = uf2_file(part.data, part.address, family) if is_uf2 else part.data
        write_atomically(part.file, data)


def image_hash(data: bytes) -> str:
    """What an image is known by."""
    return hashlib.sha256(data).hexdigest()
