"""Flashers that work through a debug probe: pyOCD and OpenOCD."""

from __future__ import annotations

import shlex
from pathlib import Path

from firmware_tools.flashers.flasher import Flasher, Job, check_word
from firmware_tools.flashers.section import FlashSection
from firmware_tools.flashers.target import Target
from firmware_tools.flashers.tool import Command
from fmq_embedded.errors import NoPortError


class DebugProbe(Flasher):
    """A flasher that knows probes by their USB serial numbers."""

    def find(self, board_id: str, section: FlashSection, port: str) -> Target:
        target = super().find(board_id, section, port)
        if not target.serial_number and target.port == port:
            raise NoPortError(
                f"nothing at {port} is a debug probe of {board_id}; expected a USB device "
                f"{' or '.join(section.usb)} there; give its port or its serial number"
            )
        return target


class Pyocd(DebugProbe):
    """pyOCD, for CMSIS-DAP, ST-Link and J-Link probes."""

    name = program = "pyocd"

    def identify(self, job: Job) -> Command:
        at = job.section.identify_address
        return self._commander(job, "status" if at is None else f"read32 {at:#x}")

    def check(self, job: Job, said: str) -> None:
        check_word(job, said)

    def read(self, job: Job, address: int, file: Path, size: int) -> Command:
        return self._commander(job, f"savemem {address:#x} {size:#x} {shlex.quote(str(file))}")

    def write(self, job: Job, address: int, file: Path, size: int) -> Command:
        where = ("--erase", "sector", "--base-address", f"{address:#x}", "--format", "bin")
        return (self.ready(), "flash", *self._probe(job), *where, str(file))

    def erase(self, job: Job) -> Command:
        return (self.ready(), "erase", *self._probe(job), "--chip")

    def _commander(self, job: Job, text: str) -> Command:
        return (self.ready(), "commander", *self._probe(job), "--command", text)

    @staticmethod
    def _probe(job: Job) -> Command:
        assert job.section.pyocd is not None
        serial = job.target.serial_number
        probe = ("--uid", serial) if serial else ()
        return ("--no-wait", "--target", job.section.pyocd.target, *probe)


class Openocd(DebugProbe):
    """OpenOCD, by the configuration files of the board."""

    name = program = "openocd"
    how_to_get = "apt install openocd"

    def identify(self, job: Job) -> Command:
        at = job.section.identify_address
        return self._run(job, "targets" if at is None else f"mdw {at:#010x}")

    def check(self, job: Job, said: str) -> None:
        check_word(job, said)

    def read(self, job: Job, address: int, file: Path, size: int) -> Command:
        return self._run(job, "reset halt", f"dump_image {{{file}}} {address:#x} {size:#x}")

    def write(self, job: Job, address: int, file: Path, size: int) -> Command:
        write = f"flash write_image erase {{{file}}} {address:#x} bin"
        return self._run(job, "reset halt", write, "reset run")

    def erase(self, job: Job) -> Command:
        whole = f"flash erase_address {job.start:#x} {job.section.flash_bytes:#x}"
        return self._run(job, "reset halt", whole)

    def _run(self, job: Job, *steps: str) -> Command:
        assert job.section.openocd is not None
        files = [word for file in job.section.openocd.config for word in ("-f", file)]
        serial = job.target.serial_number
        first = (f"adapter serial {serial}",) if serial else ()
        commands = [word for step in (*first, "init", *steps, "shutdown") for word in ("-c", step)]
        return (self.ready(), *files, *commands)
