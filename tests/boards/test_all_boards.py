"""Every board of the checkout: its file, its build by every compiler, its images, its run."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firmware_tools.boards import board_folders, load_board
from firmware_tools.firmware import build_firmware, emulators_of, run_emulated
from firmware_tools.profiling.measure import profile_boards, profile_on_board, small_case
from firmware_tools.profiling.size_bars import DoesNotFitError, size_bars
from firmware_tools.toolchains import DEFAULT_TOOLCHAIN, TOOLCHAINS, toolchain_for
from firmware_tools.toolchains.cores import core
from firmware_tools.toolchains.image_formats import intel_hex, uf2
from firmware_tools.verifying import standard_deployment
from firmware_tools.verifying_boards import board_checks, parts_that_fit
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError
from fmq_embedded.quantizers import Quantizer

BOARDS = sorted(board_folders())
EMULATED = [name for name in BOARDS if emulators_of(load_board(name))]
MOST_COUNTED = {"microbit": 7.0, "mps2-an386": 4.0, "mps3-an547": 1.5}


@pytest.mark.parametrize("name", BOARDS)
def test_each_number_has_its_source(name: str) -> None:
    board = load_board(name)
    assert {"memory", "clock_hz", "uart", "counter"} <= board.sources.keys()
    assert all(text.startswith("https://") for text in board.sources.values())
    if board.flash is not None:
        assert "flash" in board.sources
    if board.energy is not None:
        assert "energy" in board.sources
    if board.emulator.qemu_machine is not None:
        assert "emulator" in board.sources


@pytest.mark.parametrize("name", BOARDS)
def test_emulated_instruction_lasts_more_than_two_ticks(name: str) -> None:
    """Then a count of instructions is read back exactly; one tick is exact where it is all."""
    counter = load_board(name).counter
    if counter.qemu_icount_shift is None:
        return
    for count in (1, 2, 3, 999, 10**6):
        assert counter.instructions(counter.ticks(count)) == count


def one_of_each_core() -> list[Any]:
    """Every board; those after the first of their core are slow tests."""
    first = {load_board(name).core: name for name in reversed(BOARDS)}
    slow = pytest.mark.slow
    return [n if n in first.values() else pytest.param(n, marks=slow) for n in BOARDS]


@pytest.mark.parametrize("name", one_of_each_core())
def test_firmware_builds_twice_to_the_same_bytes(name: str, tmp_path: Path) -> None:
    builds_twice(name, DEFAULT_TOOLCHAIN, tmp_path)


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.slow
def test_gcc_builds_twice_to_the_same_bytes(name: str, tmp_path: Path) -> None:
    builds_twice(name, "gcc", tmp_path)


def builds_twice(name: str, tools: str, folder: Path) -> None:
    board = load_board(name)
    if "CI" not in os.environ and not toolchain_for(board, tools).installed():
        pytest.skip(f"{core(board.core).gcc} is not installed")
    deployment, _ = small_case()
    first, second = (
        build_firmware(deployment, folder / part, name, tools=tools) for part in ("a", "b/c")
    )
    for kind in ("elf", "binary", "map", "hex"):
        assert getattr(first, kind).read_bytes() == getattr(second, kind).read_bytes()


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize("tools", [DEFAULT_TOOLCHAIN, "gcc"])
@pytest.mark.slow
def test_optimising_for_size_makes_it_smaller(name: str, tools: str, tmp_path: Path) -> None:
    board = load_board(name)
    if "CI" not in os.environ and not toolchain_for(board, tools).installed():
        pytest.skip(f"{core(board.core).gcc} is not installed")
    fast, small = (
        build_firmware(small_case()[0], tmp_path / part, name, tools=tools, optimise=part)
        for part in ("-O2", "-Os")
    )
    assert small.flash_bytes < fast.flash_bytes


@pytest.mark.emulator
@pytest.mark.slow
def test_every_emulated_board_runs_and_counts_alike_each_time() -> None:
    deployment, maps = small_case()
    profiles, reasons = profile_boards(deployment, maps, EMULATED, lambda name: None)
    assert reasons == {}
    assert [profile.board for profile in profiles] == EMULATED
    streams = {profile.provenance.output_crc32 for profile in profiles if profile.provenance}
    assert len(streams) == 1
    for profile in profiles:
        for stage in profile.stages:
            assert len(set(stage.runs)) == 1, (profile.board, stage)
            # QEMU's timer of that board cannot run with counted instructions
            assert stage.is_counted == (profile.board != "arduino-mega")


@pytest.mark.emulator
@pytest.mark.skipif(
    "arduino-mega" not in EMULATED and not os.environ.get("CI"),
    reason="qemu-system-avr is not installed",
)
def test_a_core_of_8_bits_quantizes_packs_and_codes() -> None:
    """Byte tables, raw packing of a noisy map, and the coder for the others, without the loads
    of the float32 ones."""
    whole = standard_deployment()
    integers = [plan for plan in whole.tensors if plan.name in ("int8_1", "uint8_2")]
    noisy = TensorPlan("noisy", (1, 4, 4, 4), "int8", 0.05, 0, Quantizer.uniform(-6.4, 6.35, 4))
    deployment = Deployment("bytes", "", "", (*integers, noisy))
    checks = list(board_checks(deployment, load_board("arduino-mega")))
    assert [check for check in checks if check.mismatches] == []
    assert {check.stage for check in checks} == {"quantize", "bitstream", "dequantize"}


@pytest.mark.emulator
@pytest.mark.parametrize("name", [name for name in MOST_COUNTED if name in EMULATED])
def test_byte_table_is_within_its_instructions(name: str, tmp_path: Path) -> None:
    plan = TensorPlan("map", (1, 8, 8, 16), "int8", 0.05, -128, Quantizer.uniform(0.0, 12.75, 8))
    deployment = Deployment("table", "", "", (plan,))
    codes = np.arange(1024).astype(np.int8).reshape(plan.shape)
    build = build_firmware(deployment, tmp_path, name)
    profile = profile_on_board(deployment, build, {"map": codes}, emulators_of(build.board)[0], 1)
    quantize = next(stage for stage in profile.stages if stage.name == "quantize")
    assert 0.0 < quantize.per_element <= MOST_COUNTED[name]


def test_gcc_is_taken_where_zig_cannot_build() -> None:
    assert toolchain_for(load_board("arduino-mega")).name == "avr-gcc"
    assert toolchain_for(load_board("riscv-virt"), "gcc").name == "riscv64-unknown-elf-gcc"
    with pytest.raises(InputError, match="arm-none-eabi-gcc does not build for the rv32imc"):
        toolchain_for(load_board("riscv-virt"), "arm-none-eabi-gcc")
    for name in BOARDS:
        assert any(tool.supports(core(load_board(name).core)) for tool in TOOLCHAINS.values())


@pytest.mark.emulator
def test_board_outside_the_checkout_needs_its_folder_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "boards" / "my-board"
    shutil.copytree(load_board("mps2-an386").folder, own)
    text = (own / "board.toml").read_text().replace('id = "mps2-an386"', 'id = "my-board"')
    (own / "board.toml").write_text(text)
    monkeypatch.setenv("FMQ_BOARDS", str(own.parent))
    build = build_firmware(small_case()[0], tmp_path / "out", "my-board")
    with run_emulated(build) as running:
        assert running.device.identity.board == "my-board"


def test_unknown_driver_names_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "mps2-an386"
    shutil.copytree(load_board("mps2-an386").folder, own)
    text = (own / "board.toml").read_text().replace('model = "cmsdk"', 'model = "cmsd"', 1)
    (own / "board.toml").write_text(text)
    monkeypatch.setenv("FMQ_BOARDS", str(tmp_path))
    with pytest.raises(InputError, match=r"uart.*'cmsd'.*cmsdk"):
        load_board("mps2-an386")


def test_deployment_too_large_is_refused_with_bars(tmp_path: Path) -> None:
    plan = TensorPlan("map", (1, 64, 64, 8), "float32", quantizer=Quantizer.uniform(0.0, 1.0, 8))
    with pytest.raises(DoesNotFitError, match=r"microbit has 16384(.|\n)*█.* of") as caught:
        build_firmware(Deployment("large", "", "", (plan,)), tmp_path, "microbit")
    assert "sample_words" in str(caught.value)


def test_bars_say_how_full_the_memory_is(tmp_path: Path) -> None:
    build = build_firmware(small_case()[0], tmp_path, "mps2-an386")
    flash, ram = size_bars(build.board, build.sizes).splitlines()
    assert f"{build.flash_bytes:,} of" in flash
    assert f"{build.ram_bytes + build.stack_bytes:,} of" in ram
    assert flash.count("█") + flash.count("░") == 30


def test_small_boards_get_the_same_quantizers_in_smaller_maps() -> None:
    whole = standard_deployment()
    assert parts_that_fit(whole, load_board("mps2-an386")) == [whole]
    plain = Deployment(
        "plain", "", "", tuple(plan for plan in whole.tensors if plan.partition is None)
    )
    parts = parts_that_fit(plain, load_board("stm32vldiscovery"))
    found = [plan for part in parts for plan in part.tensors]
    assert [plan.quantizer for plan in found] == [plan.quantizer for plan in plain.tensors]
    assert all(np.prod(plan.shape) < 1024 for plan in found)


def test_hex_records_add_up_to_zero_and_hold_the_image() -> None:
    image = bytes(range(256)) * 3 + b"end"
    upper, found = 0, {}
    for line in intel_hex(image, 0x0800_FFF8).splitlines():
        record = bytes.fromhex(line[1:])
        assert line[0] == ":"
        assert sum(record) % 256 == 0
        size, address, kind = struct.unpack(">BHB", record[:4])
        data = record[4 : 4 + size]
        if kind == 4:
            upper = struct.unpack(">H", data)[0] << 16
        elif kind == 0:
            found.update({upper + address + index: byte for index, byte in enumerate(data)})
    assert bytes(found[0x0800_FFF8 + index] for index in range(len(image))) == image
    assert len(found) == len(image)


def test_uf2_blocks_are_numbered_and_hold_the_image() -> None:
    image = bytes(range(256)) * 2 + b"end"
    blocks = uf2(image, 0x1000_0000, 0xE48BFF56)
    assert len(blocks) == 3 * 512
    data = b""
    for index in range(3):
        block = blocks[index * 512 : (index + 1) * 512]
        words = struct.unpack("<8I", block[:32])
        assert words == (
            0x0A324655,
            0x9E5D5157,
            0x2000,
            0x1000_0000 + 256 * index,
            256,
            index,
            3,
            0xE48BFF56,
        )
        assert block[-4:] == struct.pack("<I", 0x0AB16F30)
        data += block[32 : 32 + 256]
    assert data.rstrip(b"\0") == image


def test_pico_image_begins_with_a_second_stage_that_its_rom_accepts(tmp_path: Path) -> None:
    build = build_firmware(small_case()[0], tmp_path, "raspberry-pi-pico")
    image = build.binary.read_bytes()
    bits = bytes(int(f"{byte:08b}"[::-1], 2) for byte in image[:252])
    # MPEG-2's CRC-32 is the usual one of reversed bits, reversed, without the last inversion.
    crc = int(f"{zlib.crc32(bits) ^ 0xFFFFFFFF:032b}"[::-1], 2)
    assert struct.unpack("<I", image[252:256])[0] == crc
    stack, entry = struct.unpack("<II", image[256:264])
    assert stack % 8 == 0
    assert entry % 2 == 1
    assert build.uf2 is not None
    assert build.uf2.stat().st_size == 512 * -(-len(image) // 256)
