"""Boards as data: what is read, what is refused, where it is found."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from firmware_tools.boards import Board, board_folders, load_board, read_board
from firmware_tools.firmware import DENSE_STACK_SIZE, board_for
from fmq_embedded.dense.device_plan import DensePlan
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError


def changed(board: Board, folder: Path, old: str, new: str) -> Path:
    """A copy of the board with a line of its file changed."""
    copy = Path(shutil.copytree(board.folder, folder / board.id))
    text = (copy / "board.toml").read_text()
    assert old in text
    (copy / "board.toml").write_text(text.replace(old, new, 1))
    return copy


def test_board_says_its_numbers_and_files(board: Board) -> None:
    assert (board.core, board.fpu, board.clock_hz) == ("cortex-m4", True, 25_000_000)
    assert (board.memory.ram_origin, board.memory.ram_size) == (0x20000000, 4 << 20)
    assert board.linker_script.is_file()
    assert [path.name for path in board.c_sources] == [
        "start_cortex.c",
        "board_init.c",
        "uart_cmsdk.c",
        "counter_cmsdk.c",
    ]
    assert all(text.startswith("https://") for text in board.sources.values())


def test_ticks_and_instructions_convert_exactly(board: Board) -> None:
    counter = board.counter
    assert counter.ticks(5) == 128
    for count in (0, 1, 2, 3, 999, 10**9, 10**15 + 7):
        ticks = counter.ticks(count)
        assert [counter.instructions(ticks + off) for off in (0, 1)] == [count, count]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("baud =", "buad =", r"uart.*'buad'.*baud"),
        ("clock_hz =", "clok_hz =", r"'clok_hz'.*clock_hz"),
        ("[memory]", "[memry]", r"'memry'.*memory"),
        ("baud = 115_200\n", "", "lacks baud"),
        ("flash_size = 0x0040_0000", 'flash_size = "4M"', "flash_size is '4M'; expected int"),
        ("flash_size = 0x0040_0000", "flash_size = true", "flash_size is True; expected int"),
        ("flash_size = 0x0040_0000", "flash_size = -1", "flash_size is -1"),
        ("fpu = true", "fpu = 1", "fpu is 1; expected bool"),
        ('unicorn_cpu = "cortex_m4"', "unicorn_cpu = 4", "unicorn_cpu is 4; expected str"),
        ("[uart]", "uart = 3\n[urt]", "urt|uart"),
        ("fpu = true", "fpu true", "cannot be read"),
        ('id = "mps2-an386"', 'id = "mps2"', "'mps2'; expected its folder's"),
    ],
)
def test_wrong_file_is_refused(
    board: Board, tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_board(changed(board, tmp_path, old, new))


def test_emulators_may_be_left_out(board: Board, tmp_path: Path) -> None:
    folder = changed(board, tmp_path, 'qemu_machine = "mps2-an386"\n', "")
    assert read_board(folder).emulator.qemu_machine is None


def test_own_folder_is_searched_first(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = changed(board, tmp_path / "own", "115_200", "9600")
    monkeypatch.setenv("FMQ_BOARDS", f"{tmp_path / 'absent'}{os.pathsep}{tmp_path / 'own'}")
    assert load_board("mps2-an386").uart.baud == 9600
    assert board_folders()["mps2-an386"] == folder


def test_unknown_board_names_the_nearest() -> None:
    with pytest.raises(InputError, match="mps2-an386"):
        load_board("mps2-an368")


def test_dense_firmware_has_the_stack_that_its_transforms_need() -> None:
    small, large = load_board("microbit"), load_board("mps2-an386")
    plan = TensorPlan("map", (1, 4, 4, 2), "float32", dense=DensePlan(-9, 100))
    dense = Deployment("dense", "m.tflite", "0" * 64, (plan,), profile="dense")
    assert board_for(dense, small).memory.stack_size == DENSE_STACK_SIZE
    assert board_for(dense, large) == large
    other = replace(dense, tensors=(), profile="standard")
    assert board_for(other, small) == small
