"""Flashers that talk to a boot loader over a serial port or a drive."""

from __future__ import annotations

import re
from pathlib import Path

from firmware_tools.flashers.flasher import Flasher, Job, wrong_chip
from firmware_tools.flashers.section import FlashSection
from firmware_tools.flashers.target import DRIVE_FILE, Target, choose_target, drive_targets
from firmware_tools.flashers.tool import COPY, SHOW, Command
from fmq_embedded.errors import InputError


class Esptool(Flasher):
    """esptool, for the ROM loader of Espressif's chips; it refuses another chip itself too."""

    name = program = "esptool"

    def identify(self, job: Job) -> Command:
        return self._run(job, "flash-id")

    def check(self, job: Job, said: str) -> None:
        assert job.section.esptool is not None
        chip = job.section.esptool.chip
        if chip not in re.sub(r"[^a-z0-9]", "", said.lower()):
            raise wrong_chip(job, "another chip", chip)

    def read(self, job: Job, address: int, file: Path, size: int) -> Command:
        return self._run(job, "read-flash", f"{address:#x}", f"{size:#x}", str(file))

    def write(self, job: Job, address: int, file: Path, size: int) -> Command:
        return self._run(job, "write-flash", f"{address:#x}", str(file))

    def erase(self, job: Job) -> Command:
        return self._run(job, "erase-flash")

    def _run(self, job: Job, *arguments: str) -> Command:
        keys = job.section.esptool
        assert keys is not None
        line = ("--port", job.target.port, "--baud", str(keys.baud))
        return (self.ready(), "--chip", keys.chip, *line, *arguments)


class Stm32loader(Flasher):
    """stm32loader, for the boot loader in the ROM of ST's chips (application note 3155)."""

    name = program = "stm32loader"

    def identify(self, job: Job) -> Command:
        return self._run(job)

    def check(self, job: Job, said: str) -> None:
        assert job.section.stm32loader is not None
        found = re.search(r"chip id:\s*0x([0-9a-f]+)", said, re.IGNORECASE)
        expected = job.section.stm32loader.chip_id
        if found is None or int(found[1], 16) != expected:
            got = f"0x{found[1]}" if found else "no chip id"
            raise wrong_chip(job, got, f"{expected:#x}")

    def read(self, job: Job, address: int, file: Path, size: int) -> Command:
        place = ("--address", f"{address:#x}", "--length", f"{size:#x}")
        return self._run(job, "--read", *place, str(file))

    def write(self, job: Job, address: int, file: Path, size: int) -> Command:
        place = ("--address", f"{address:#x}", "--length", f"{size:#x}")
        return self._run(job, "--erase", "--write", *place, str(file))

    def erase(self, job: Job) -> Command:
        return self._run(job, "--erase")

    def finish(self, job: Job) -> Command:
        return self._run(job, "--go-address", f"{job.start:#x}")

    def _run(self, job: Job, *arguments: str) -> Command:
        keys = job.section.stm32loader
        assert keys is not None
        line = ("--port", job.target.port, "--baud", str(keys.baud), "--family", keys.family)
        return (self.ready(), "--no-progress", *line, *keys.options, *arguments)


class Avrdude(Flasher):
    """avrdude; it writes whole images, and erases page by page where a boot loader does so."""

    name = program = "avrdude"
    how_to_get = "apt install avrdude"
    whole = True

    def identify(self, job: Job) -> Command:
        return self._run(job, "-U", "signature:r:-:h")

    def check(self, job: Job, said: str) -> None:
        assert job.section.avrdude is not None
        expected = job.section.avrdude.signature
        found = re.search(r"0x([0-9a-f]{1,2}),\s*0x([0-9a-f]{1,2}),\s*0x([0-9a-f]{1,2})", said)
        got = int.from_bytes(bytes(int(part, 16) for part in found.groups())) if found else None
        if got != expected:
            raise wrong_chip(
                job, "no signature" if got is None else f"{got:#08x}", f"{expected:#08x}"
            )

    def read(self, job: Job, address: int, file: Path, size: int) -> Command:
        return self._run(job, "-U", f"flash:r:{file}:r")

    def write(self, job: Job, address: int, file: Path, size: int) -> Command:
        assert job.section.avrdude is not None
        boot_loader = job.section.avrdude.programmer in ("arduino", "wiring", "stk500v1")
        keep = ("-D",) if boot_loader else ()  # a boot loader cannot erase itself
        return self._run(job, *keep, "-V", "-U", f"flash:w:{file}:r")

    def erase(self, job: Job) -> Command:
        return self._run(job, "-e")

    def _run(self, job: Job, *arguments: str) -> Command:
        keys = job.section.avrdude
        assert keys is not None
        line = ("-P", job.target.port, "-b", str(keys.baud))
        return (self.ready(), "-q", "-p", keys.part, "-c", keys.programmer, *line, *arguments)


class Uf2(Flasher):
    """Copying a UF2 file onto the drive of a boot loader; such a drive cannot be read back."""

    name = "uf2"
    program = ""
    reads_back = False
    whole = True

    def ready(self) -> str:
        return ""

    def find(self, board_id: str, section: FlashSection, port: str) -> Target:
        assert section.uf2 is not None
        what = f"drive of {board_id} in its boot loader"
        return choose_target(drive_targets(section.uf2.board_id), port, what)

    def identify(self, job: Job) -> Command:
        return (SHOW, str(Path(job.target.port) / DRIVE_FILE))

    def check(self, job: Job, said: str) -> None:
        assert job.section.uf2 is not None
        expected = f"Board-ID: {job.section.uf2.board_id}"
        lines = [line for line in said.splitlines() if line.startswith("Board-ID")]
        if expected not in lines:
            raise wrong_chip(job, lines[0] if lines else "no Board-ID", expected)

    def write(self, job: Job, address: int, file: Path, size: int) -> Command:
        return (COPY, str(file), str(Path(job.target.port) / "firmware.uf2"))

    def erase(self, job: Job) -> Command:
        raise InputError(
            f"a UF2 drive cannot be erased; got --method uf2 for {job.board_id}; use another of "
            f"its methods: {', '.join(name for name in job.section.methods if name != self.name)}"
        )
