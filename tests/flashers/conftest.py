from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path

import pytest

from firmware_tools.boards import Board, load_board
from firmware_tools.flashers import target
from firmware_tools.flashers.flasher import Flasher, Job
from firmware_tools.flashers.flashing import make_job
from firmware_tools.flashers.section import (
    AvrdudeKeys,
    EsptoolKeys,
    FlashSection,
    OpenocdKeys,
    PyocdKeys,
    Stm32loaderKeys,
)

FAKE = Path(__file__).parent / "fake_tool.py"
START = 0x0800_0000
SECTORS = [[4, 0x4000], [1, 0x10000], [1, 0x20000]]
CHIPS = {
    "pyocd": "e0042000:  10006421    |...!|",
    "openocd": "0xe0042000: 10006421 ",
    "esptool": "Chip type: ESP32-C3 (QFN32) (revision v0.4)",
    "stm32loader": "Bootloader version: 0x31\nChip id: 0x421 (STM32F446)",
    "avrdude": "0x1e,0x98,0x1",
}
OTHER_CHIPS = {
    "pyocd": "e0042000:  10006413    |....|",
    "openocd": "0xe0042000: 10006413 ",
    "esptool": "Chip type: ESP32-S3",
    "stm32loader": "Chip id: 0x413 (STM32F405)",
    "avrdude": "0x1e,0x95,0xf",
}


class Usb:
    """A serial port of a USB device, as pyserial lists it."""

    def __init__(self, device: str, serial_number: str = "066A", pid: int = 0x374B) -> None:
        self.device = device
        self.serial_number = serial_number
        self.vid, self.pid, self.description = 0x0483, pid, "STLink"

    def __lt__(self, other: Usb) -> bool:
        return self.device < other.device


class Bench:
    """A fake board with a flash, and the fake flashers on the search path."""

    def __init__(self, folder: Path, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.method = method
        self.ports = [Usb("/dev/ttyACM0")]
        tools = folder / "bin"
        tools.mkdir()
        for name in CHIPS:
            body = FAKE.read_text(encoding="utf-8")
            script = f"#!{sys.executable} -SE\n{body}"
            (tools / name).write_text(script, encoding="utf-8")
            (tools / name).chmod(0o755)
        self.set_chip(CHIPS[method])
        (folder / "flash.bin").write_bytes(bytes(sum(n * size for n, size in SECTORS)))
        monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("FAKE_FOLDER", str(folder))
        monkeypatch.setenv("FAKE_START", hex(START))
        monkeypatch.setenv("FMQ_CACHE_DIR", str(folder / "cache"))
        monkeypatch.setattr(target.list_ports, "comports", lambda: self.ports)

    @property
    def board(self) -> Board:
        return dataclasses.replace(load_board("nucleo-f446re"), flash=section(self.method))

    def job(self, port: str = "") -> tuple[Flasher, Job]:
        return make_job(self.board, self.method, port)

    @property
    def flash(self) -> bytes:
        return (self.folder / "flash.bin").read_bytes()

    @property
    def log(self) -> list[list[str]]:
        """Each call so far: the program's name and its arguments."""
        file = self.folder / "log.json"
        lines = file.read_text().splitlines() if file.exists() else []
        return [json.loads(line) for line in lines]

    def clear_log(self) -> None:
        (self.folder / "log.json").unlink(missing_ok=True)

    def set_chip(self, said: str) -> None:
        (self.folder / "chip").write_text(said)

    def fail_after(self, calls: int) -> None:
        (self.folder / "fail").write_text(str(calls))

    def mend(self) -> None:
        for name in ("fail", "worn"):
            (self.folder / name).unlink(missing_ok=True)

    def damage(self, offset: int) -> None:
        data = bytearray(self.flash)
        data[offset] ^= 0xFF
        (self.folder / "flash.bin").write_bytes(data)


def section(method: str) -> FlashSection:
    """A [flash] that every flasher can work with."""
    return FlashSection(
        method=method,
        sectors=SECTORS,
        usb=["0483:374b"],
        identify_address=0xE0042000,
        identify_mask=0xFFF,
        identify_value=0x421,
        pyocd=PyocdKeys("stm32f446re"),
        openocd=OpenocdKeys(["board/st_nucleo_f4.cfg"]),
        esptool=EsptoolKeys("esp32c3"),
        stm32loader=Stm32loaderKeys("F4", 0x421),
        avrdude=AvrdudeKeys("m2560", "wiring", 0x1E9801),
    )


@pytest.fixture
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, getattr(request, "param", "pyocd"), monkeypatch)
