"""Tables over the link: whenever the power fails, the board runs the old ones or the new ones."""

from __future__ import annotations

import dataclasses
import os
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from firmware_tools.link import Device
from firmware_tools.link.descriptions import TablesInUse
from firmware_tools.link.protocol import Command
from firmware_tools.tables.image import build_image
from firmware_tools.toolchains.compile import Compiler
from fmq_embedded.errors import FmqError, InputError, LinkError
from tests.link import host_firmware

SLOT = 8192
RECORD = 16
SLOTS_AT = 0x1000_0000
POWER_CUT = 9
OLD, NEW = 0xC0DE1234, 0x0BADCAFE


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return host_firmware.build(tmp_path_factory.mktemp("tables") / "firmware")


def link(compiler: Compiler, arguments: Sequence[str], folder: Path) -> None:
    compiler.run(["-nostdlib", "-static", *arguments], folder, "linking the tables")


def host_image(folder: Path, tables: TablesInUse, crc: int = NEW) -> bytes:
    """The other tables for a slot of the host's board."""
    folder.mkdir(exist_ok=True)
    source = folder / "other_tables.c"
    text = (Path(__file__).parent / "other_tables.c").read_text(encoding="utf-8")
    source.write_text(f"#define OTHER_CRC {crc:#x}u\n{text}", encoding="utf-8")
    shutil.copyfile(host_firmware.INCLUDE[2] / "fmq_tables.h", folder / "fmq_tables.h")
    compiler = Compiler((host_firmware.compilers()[0],), ("-fno-pic",))
    return build_image(compiler, link, folder, source, tables)


class Flash:
    """A board whose memory for tables is a file."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program = program
        self.file = folder / "flash"
        self.file.write_bytes(bytes(2 * SLOT))

    def run(
        self, action: Callable[[Device], object], monkeypatch: pytest.MonkeyPatch, cut: int = -1
    ) -> int:
        """Switches the board on, does something, and gives its exit status."""
        monkeypatch.setenv("FMQ_FLASH", str(self.file))
        monkeypatch.setenv("FMQ_CUT", str(cut))
        line = host_firmware.Line(self.program)
        try:
            with Device.open(line.url, timeout=0.5, stage_timeout=0.5) as device:
                action(device)
            assert line.process.stdin is not None
            line.process.stdin.close()
        finally:
            status = line.process.wait(timeout=10)
            line._listener.close()
        return status


@pytest.fixture
def flash(program: Path, tmp_path: Path) -> Flash:
    return Flash(program, tmp_path)


def put(image_folder: Path, crc: int = NEW) -> Callable[[Device], None]:
    def update(device: Device) -> None:
        tables = device.tables()
        image = host_image(image_folder, tables, crc)
        device.update_tables(tables.next_slot, image, zlib.crc32(image))

    return update


def test_an_update_is_used_at_once_and_after_a_restart(
    flash: Flash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def update(device: Device) -> None:
        assert device.identity.session.deployment_crc32 == OLD
        assert device.tables().slot is None
        put(tmp_path / "new")(device)
        assert device.identity.deployment == "other"
        use(device)

    def use(device: Device) -> None:
        assert device.identity.session.deployment_crc32 == NEW
        assert [tensor.shape for tensor in device.identity.tensors] == [(1, 2, 3)]
        assert (device.tables().slot, device.tables().generation) == (0, 1)
        samples = np.arange(13, 19, dtype=np.uint8).reshape(1, 2, 3)
        device.load_input(0, samples)
        device.quantize()
        np.testing.assert_array_equal(device.read_levels(0), samples & 15)

    assert flash.run(update, monkeypatch) == 0
    assert flash.run(use, monkeypatch) == 0


def test_updates_alternate_between_the_slots_and_can_be_taken_back(
    flash: Flash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def update(device: Device) -> None:
        for generation in range(1, 5):
            put(tmp_path / "new", NEW + generation)(device)
            tables = device.tables()
            assert (tables.slot, tables.generation) == ((generation - 1) % 2, generation)
            assert device.identity.session.deployment_crc32 == NEW + generation
        device.revert_tables()
        assert device.identity.session.deployment_crc32 == OLD

    assert flash.run(update, monkeypatch) == 0


def test_the_power_fails_at_every_byte(program: Path, tmp_path: Path) -> None:
    """The same functions of the firmware, in one process that stops at each byte in turn."""
    tables = TablesInUse(0, 1, 0, SLOT - RECORD, 0, SLOTS_AT)
    images = []
    for slot, crc in ((0, NEW), (1, NEW + 1)):
        there = dataclasses.replace(
            tables, address=SLOTS_AT + slot * SLOT, next_slot=slot, layout=layout_of(tmp_path)
        )
        images.append(host_image(tmp_path / "images", there, crc))
    for name, image in zip(("first", "second"), images, strict=True):
        (tmp_path / name).write_bytes(image)
    checker = build_checker(tmp_path)
    command = [str(checker), str(tmp_path / "first"), str(tmp_path / "second")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    cuts, old, new = map(int, done.stdout.split())
    # erasing a slot, writing the image and its record: one cut before each byte
    assert cuts == SLOT + len(images[1]) + RECORD
    assert old + new == cuts
    assert old >= cuts - 1  # only the last byte's loss may leave the record whole, if it is 0xFF


@pytest.mark.parametrize("cut", [0, 1, SLOT - 1, SLOT, SLOT + 100, -2, -1])
def test_the_power_fails_during_an_update_over_the_link(
    flash: Flash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    seen: list[int] = []
    sizes: list[int] = []

    def measure(device: Device) -> None:
        sizes.append(len(host_image(tmp_path / "new", device.tables())))

    flash.run(measure, monkeypatch)
    total = SLOT + sizes[0] + RECORD
    with pytest.raises(FmqError):
        flash.run(put(tmp_path / "new"), monkeypatch, cut if cut >= 0 else total + cut)
    flash.run(lambda device: seen.append(device.identity.session.deployment_crc32), monkeypatch)
    assert seen == [OLD]
    assert flash.run(put(tmp_path / "new"), monkeypatch) == 0
    flash.run(lambda device: seen.append(device.identity.session.deployment_crc32), monkeypatch)
    assert seen == [OLD, NEW]


def test_what_the_board_refuses_leaves_the_old_tables(
    flash: Flash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(device: Device) -> None:
        tables = device.tables()
        image = host_image(tmp_path / "new", tables)
        with pytest.raises(LinkError, match="TABLES_COMMIT with BAD_TABLES"):
            device.update_tables(0, image, zlib.crc32(image) ^ 1)
        elsewhere = host_image(tmp_path / "new", dataclasses.replace(tables, address=SLOTS_AT * 2))
        with pytest.raises(LinkError, match="TABLES_COMMIT with BAD_TABLES"):
            device.update_tables(0, elsewhere, zlib.crc32(elsewhere))
        greedy = image[:8] + struct.pack("<I", 2**31) + image[12:]
        with pytest.raises(LinkError, match="TABLES_COMMIT with BUFFER"):
            device.update_tables(0, greedy, zlib.crc32(greedy))
        request = device.connection.request
        with pytest.raises(LinkError, match="BAD_TABLES"):
            request(Command.TABLES_COMMIT, struct.pack("<BII", 0, 2**32 - 1, 0))
        with pytest.raises(LinkError, match="BAD_RANGE"):
            request(Command.TABLES_ERASE, b"\x02")
        with pytest.raises(LinkError, match="BAD_RANGE"):
            request(Command.TABLES_LOAD, struct.pack("<BI", 0, SLOT - RECORD) + b"x")
        with pytest.raises(LinkError, match="BAD_RANGE"):
            request(Command.TABLES_LOAD, struct.pack("<BI", 0, 2**32 - 1) + b"xy")
        request(Command.TABLES_ERASE, b"\x00")
        request(Command.TABLES_LOAD, struct.pack("<BI", 0, 0) + b"\x0f")
        request(Command.TABLES_LOAD, struct.pack("<BI", 0, 0) + b"\x0f")  # there already
        with pytest.raises(LinkError, match="STORAGE"):
            request(Command.TABLES_LOAD, struct.pack("<BI", 0, 0) + b"\xf0")
        assert device.tables().slot is None
        device.update_tables(0, image, zlib.crc32(image))
        with pytest.raises(LinkError, match="BAD_RANGE"):  # the slot in use is not touched
            request(Command.TABLES_ERASE, b"\x00")

    assert flash.run(refuse, monkeypatch) == 0


def test_images_that_do_not_fit_or_are_of_another_version(
    flash: Flash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(device: Device) -> None:
        tables = device.tables()
        with pytest.raises(InputError, match="a slot takes 64"):
            host_image(tmp_path / "new", dataclasses.replace(tables, capacity=64))
        with pytest.raises(LinkError, match="reads tables of layout 0x0000002a"):
            host_image(tmp_path / "new", dataclasses.replace(tables, layout=42))

    assert flash.run(refuse, monkeypatch) == 0


def test_a_board_without_memory_for_tables(device: Device) -> None:
    assert device.tables().capacity == 0
    with pytest.raises(LinkError, match="TABLES_ERASE with NO_STORAGE: it keeps no tables"):
        device.update_tables(0, b"x", 0)
    with pytest.raises(LinkError, match="NO_STORAGE"):
        device.revert_tables()


def layout_of(folder: Path) -> int:
    source = folder / "layout.c"
    source.write_text(
        '#include <stdio.h>\n#include "table_image.h"\n'
        'int main(void) { printf("%lu", (unsigned long)TABLE_IMAGE_LAYOUT); return 0; }\n'
    )
    return int(subprocess.check_output([str(compile_host(folder / "layout", [source]))]))


def build_checker(folder: Path) -> Path:
    app = host_firmware.APP
    sources = [Path(__file__).parent / "power_cuts.c", app / "tables.c", app / "table_commands.c"]
    sources += [
        app / "authentication.c",
        app / "frame.c",
        app.parent / "libfmq" / "src" / "crc32.c",
    ]
    return compile_host(folder / "power_cuts", [*sources, host_firmware.HERE / "stub_library.c"])


def compile_host(target: Path, sources: Sequence[Path]) -> Path:
    command = [host_firmware.compilers()[0], "-O2", *map(str, sources), "-o", str(target)]
    command += [f"-I{path}" for path in host_firmware.INCLUDE]
    subprocess.run(command, check=True, env={**os.environ})
    return target


@pytest.fixture
def device(program: Path) -> Iterator[Device]:
    with host_firmware.PtyLine(program) as line, Device.open(line.url, timeout=3.0) as opened:
        yield opened
