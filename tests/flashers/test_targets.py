"""Which board is meant, and what board.toml says of flashing."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from firmware_tools.boards import board_folders, load_board
from firmware_tools.flashers import target
from firmware_tools.flashers.flashing import FLASHERS, erase, flash, make_job, make_plan
from firmware_tools.flashers.plan import write_files
from firmware_tools.flashers.section import METHODS, AvrdudeKeys, FlashSection, PyocdKeys, Uf2Keys
from firmware_tools.flashers.tool import find_program
from firmware_tools.flashers.uf2_file import uf2_file
from fmq_embedded.errors import FlashError, InputError, MissingToolError, NoPortError
from tests.flashers.conftest import Bench, Usb


def test_the_only_board_is_taken(bench: Bench) -> None:
    bench.ports = [Usb("/dev/ttyACM0"), Usb("/dev/ttyUSB0", pid=0x1234)]
    assert bench.job()[1].target == target.Target("/dev/ttyACM0", "066A")


def test_two_alike_are_refused_without_port(bench: Bench) -> None:
    bench.ports = [Usb("/dev/ttyACM0", "066A"), Usb("/dev/ttyACM1", "066B")]
    with pytest.raises(
        NoPortError, match=r"2 of .* are plugged in: /dev/ttyACM0 066A; /dev/ttyACM1 066B; say"
    ) as caught:
        bench.job()
    assert caught.value.exit_status == 3
    assert bench.job("/dev/ttyACM1")[1].target.serial_number == "066B"
    assert bench.job("066A")[1].target.port == "/dev/ttyACM0"
    with pytest.raises(NoPortError, match="'066C'; plugged in: /dev/ttyACM0 066A; /dev/ttyACM1"):
        bench.job("066C")


def test_no_board(bench: Bench) -> None:
    bench.ports = []
    with pytest.raises(NoPortError, match="no nucleo-f446re is plugged in") as caught:
        bench.job()
    assert caught.value.exit_status == 3
    with pytest.raises(NoPortError, match="nothing at /dev/ttyACM7 is a debug probe"):
        bench.job("/dev/ttyACM7")


@pytest.mark.parametrize("bench", ["esptool", "stm32loader", "avrdude"], indirect=True)
def test_a_port_that_is_named_need_not_be_known(bench: Bench) -> None:
    bench.ports = []
    assert bench.job("/dev/ttyUSB7")[1].target == target.Target("/dev/ttyUSB7")


def test_a_board_that_cannot_be_flashed() -> None:
    with pytest.raises(InputError, match="mps2-an386 is only emulated"):
        make_job(load_board("mps2-an386"))
    with pytest.raises(InputError, match="no flash method of nucleo-f446re is called 'esptool'"):
        make_job(load_board("nucleo-f446re"), "esptool")


def test_every_board_s_sectors_are_its_flash() -> None:
    for name in board_folders():
        board = load_board(name)
        if board.flash is not None:
            assert board.flash.flash_bytes >= board.memory.flash_size, name
            assert set(board.flash.methods) <= set(FLASHERS) == set(METHODS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "pyocs"}, "no flash method is called 'pyocs'; the nearest are pyocd"),
        ({"method": "uf2"}, r"add \[flash.uf2\]"),
        ({"usb": ["0483-374B"]}, "usb has '0483-374B'; expected vendor:product"),
        ({"sectors": []}, "expected runs of"),
        ({"sectors": [[4, 0]]}, "expected runs of"),
        ({"sectors": [[4]]}, "expected runs of"),
        ({"erased_byte": 256}, r"expected 0\.\.255"),
        ({"identify_address": 4}, "identify_address and identify_value together"),
    ],
)
def test_sections_that_are_wrong(changes: dict[str, object], message: str) -> None:
    good = FlashSection("pyocd", [[1, 1024]], pyocd=PyocdKeys("x"))
    with pytest.raises(InputError, match=message):
        dataclasses.replace(good, **changes)


class Drive:
    """The drive of a UF2 boot loader."""

    def __init__(self, folder: Path, board_id: str = "RPI-RP2") -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        text = f"UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: {board_id}\n"
        (folder / "INFO_UF2.TXT").write_text(text)


@pytest.fixture
def drives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FMQ_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(target, "_DRIVE_ROOTS", (f"{str(tmp_path).lstrip('/')}/media/*",))
    return tmp_path / "media"


def test_uf2_is_copied_onto_the_drive(drives: Path) -> None:
    Drive(drives / "RPI-RP2")
    Drive(drives / "OTHER", "SAMD21")
    board = load_board("raspberry-pi-pico")
    plan = make_plan(*make_job(board, "uf2"), b"firmware" * 1000)
    (show, copy) = plan.commands()
    assert show == ("show", str(drives / "RPI-RP2" / "INFO_UF2.TXT"))
    assert copy == ("copy", str(plan.parts[0].file), str(drives / "RPI-RP2" / "firmware.uf2"))
    done = flash(plan, lambda _step: None)
    assert done.verified is None  # such a drive cannot be read back
    data = (drives / "RPI-RP2" / "firmware.uf2").read_bytes()
    blocks = [data[at : at + 512] for at in range(0, len(data), 512)]
    assert len(blocks) == 8192 // 256
    for index, block in enumerate(blocks):
        head = struct.unpack_from("<8I", block)
        assert head[:2] == (0x0A324655, 0x9E5D5157)
        assert head[2:] == (0x2000, 0x10000000 + 256 * index, 256, index, 32, 0xE48BFF56)
        assert block[-4:] == struct.pack("<I", 0x0AB16F30)
    image = b"".join(block[32 : 32 + 256] for block in blocks)
    assert image == b"firmware" * 1000 + b"\xff" * 192


def test_uf2_drives_that_are_not_the_board_s(drives: Path) -> None:
    board = load_board("raspberry-pi-pico")
    with pytest.raises(NoPortError, match="no drive of raspberry-pi-pico in its boot loader"):
        make_job(board, "uf2")
    Drive(drives / "OTHER", "SAMD21")
    with pytest.raises(NoPortError):
        make_job(board, "uf2")
    flasher, job = make_job(board, "uf2", str(drives / "OTHER"))
    with pytest.raises(FlashError, match="got Board-ID: SAMD21, expected Board-ID: RPI-RP2"):
        flash(make_plan(flasher, job, b"x"), lambda _step: None)
    with pytest.raises(InputError, match="a UF2 drive cannot be erased"):
        erase(flasher, job, lambda _step: None)


def test_a_drive_that_has_gone_is_the_flasher_s_failure(drives: Path) -> None:
    Drive(drives / "RPI-RP2")
    plan = make_plan(*make_job(load_board("raspberry-pi-pico"), "uf2"), b"x")
    (drives / "RPI-RP2" / "firmware.uf2").mkdir()
    with pytest.raises(FlashError, match="could not be written"):
        flash(plan, lambda _step: None)


def test_uf2_family_is_named() -> None:
    assert struct.unpack_from("<8I", uf2_file(b"x", 0, 0xADA52840))[7] == 0xADA52840
    assert Uf2Keys("x", 1).family_id == 1


def installed_flashers() -> list[str]:
    """The flashers that are here; in CI all of them, so that a missing one fails."""
    every = ["pyocd", "esptool", "stm32loader", "openocd", "avrdude"]
    if os.environ.get("CI"):
        return every
    found = []
    for method in every:
        with contextlib.suppress(MissingToolError):
            find_program(method, "")
            found.append(method)
    return found


@pytest.mark.parametrize("method", installed_flashers())
def test_the_real_flasher_takes_the_arguments(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no board there, it fails; but not because it does not know an argument."""
    program = shutil.which(find_program(method, "")) or ""
    bench = Bench(tmp_path, method, monkeypatch)
    port = "0000NOSUCHPROBE" if method in ("pyocd", "openocd") else str(tmp_path / "no-port")
    bench.ports = [Usb(str(tmp_path / "no-port"), "0000NOSUCHPROBE")]
    flasher, job = bench.job(port)
    # avrdude's "wiring" waits for minutes for a port that is not there
    keys = AvrdudeKeys("m2560", "arduino", 0x1E9801)
    job = dataclasses.replace(job, section=dataclasses.replace(job.section, avrdude=keys))
    plan = make_plan(flasher, job, bytes(40_000))
    write_files(plan)
    first = plan.parts[0]
    commands = [flasher.identify(job), plan.read(first), plan.write(first), flasher.erase(job)]
    for command in commands:
        real = (program, *command[1:])
        done = subprocess.run(real, capture_output=True, text=True, timeout=60, check=False)
        said = (done.stdout + done.stderr).lower()
        assert done.returncode != 0, said
        for complaint in ("usage:", "unrecognized", "no such option", "no such command"):
            assert complaint not in said, said
