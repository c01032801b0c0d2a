"""Firmware under each emulator: bytes, exact counts, faults, and its end."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import serial

from firmware_tools.boards import Board
from firmware_tools.emulators import EMULATORS, FirmwareFaultError, emulator
from firmware_tools.toolchains import Build
from fmq_embedded.errors import InputError, LinkError, MissingToolError

pytestmark = pytest.mark.emulator

DATA = random.Random(1).randbytes(8000) + bytes(range(256))


def test_bytes_pass_both_ways_unchanged(client: Any) -> None:
    assert client.ask(b"z", "<I", len(DATA), data=DATA) == (sum(DATA),)
    client.port.write(b"e" + struct.pack("<I", len(DATA)) + DATA)
    assert client.port.read(len(DATA)) == DATA


def test_program_starts_with_its_data_its_division_and_its_copy(client: Any) -> None:
    quotient = 0x123456789ABCDEF0 // (3 * 0x10001) % 2**32
    assert client.ask(b"i", "<III", 3) == (0x12345678, quotient, 7 + ord("s"))
    assert client.ask(b"i", "<III", 3)[0] == 0x12345679


@pytest.mark.parametrize(("loop", "in_loop"), [(b"q", 4), (b"c", 7)])
def test_instruction_counts_are_exact(client: Any, loop: bytes, in_loop: int) -> None:
    """Instructions that an IT block skips count, as they take their time on the core."""
    once = client.instructions(loop, 1)
    assert client.instructions(loop, 1001) - once == 1000 * in_loop
    assert client.instructions(loop, 300_001) - once == 300_000 * in_loop


def test_count_includes_only_a_few_instructions_around_the_call(client: Any) -> None:
    assert 8 <= client.instructions(b"q", 1) <= 24


def test_client_may_leave_and_come_back(client: Any) -> None:
    before = client.instructions(b"q", 5)
    client.port.close()
    client.port = serial.serial_for_url(client.running.url, timeout=20)
    assert client.instructions(b"q", 5) == before


def test_emulators_agree_and_repeat(build: Any, board: Board, tmp_path: Path) -> None:
    firmware = build("zig", tmp_path)
    counts = set()
    names = [n for n, tool in EMULATORS.items() if "CI" in os.environ or tool.installed()]
    for name in names * 3:
        with EMULATORS[name].start(board, firmware.elf) as running:
            port = serial.serial_for_url(running.url, timeout=20)
            found = []
            for loop, count in ((b"q", 1), (b"c", 777), (b"q", 54_321), (b"c", 2)):
                port.write(loop + struct.pack("<I", count))
                found.append(board.counter.instructions(struct.unpack("<II", port.read(8))[0]))
            port.close()
        counts.add(tuple(found))
    assert len(counts) == 1


@pytest.mark.parametrize(
    ("command", "place"),
    [
        (b"r" + struct.pack("<I", 0x5000_0000), "main"),
        (b"b", "main"),
        (b"h" + struct.pack("<I", 0x6000_0001), "0x60000000"),
    ],
    ids=["read of nothing", "undefined instruction", "jump to nothing"],
)
def test_fault_is_reported_with_its_place(lost_client: Any, command: bytes, place: str) -> None:
    assert lost_client.running.fault() is None
    lost_client.port.write(command)
    report = lost_client.running.fault(10.0)
    assert report is not None
    assert place in report
    assert "mps2-an386" in report
    with pytest.raises(FirmwareFaultError, match=r"return address 0x[0-9a-f]+ \(main\+"):
        lost_client.running.check()


def test_stack_overflow_is_a_fault(firmware: Build, board: Board) -> None:
    with EMULATORS["unicorn"].start(board, firmware.elf) as running:
        port = serial.serial_for_url(running.url, timeout=20)
        port.write(b"s")
        assert "write to an address where nothing is at" in str(running.fault(10.0))
        assert "(deep+" in str(running.fault())
        port.close()


def test_lost_client_learns_of_the_fault(firmware: Build, emulator_name: str, board: Board) -> None:
    def lose() -> None:
        with EMULATORS[emulator_name].start(board, firmware.elf) as running:
            port = serial.serial_for_url(running.url, timeout=20)
            port.write(b"b")
            with contextlib.suppress(serial.SerialException):
                port.read(1)
            port.close()
            raise LinkError("no answer")

    with pytest.raises(FirmwareFaultError, match="main"):
        lose()


def test_error_of_the_caller_stays_when_the_firmware_runs(lost_client: Any) -> None:
    def fail() -> None:
        with lost_client.running:
            raise ValueError("the caller's own")

    with pytest.raises(ValueError, match="the caller's own"):
        fail()


def test_stop_ends_the_process_and_may_be_called_twice(
    firmware: Build, emulator_name: str, board: Board
) -> None:
    running = EMULATORS[emulator_name].start(board, firmware.elf)
    running.stop()
    running.stop()
    assert running.fault() is None
    with pytest.raises(serial.SerialException):
        serial.serial_for_url(running.url, timeout=1)


def test_emulator_ends_when_its_parent_is_killed(
    firmware: Build, emulator_name: str, tmp_path: Path
) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys, time\n"
        "from pathlib import Path\n"
        "from firmware_tools.boards import load_board\n"
        "from firmware_tools.emulators import emulator\n"
        "run = emulator(sys.argv[1]).start(load_board('mps2-an386'), Path(sys.argv[2]))\n"
        "print(run.url, flush=True)\n"
        "time.sleep(60)\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    with subprocess.Popen(
        [sys.executable, str(script), emulator_name, str(firmware.elf)],
        env={**os.environ, "PYTHONPATH": root},
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while _answers(url):
        assert time.monotonic() < deadline, f"{emulator_name} outlived its parent"
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        serial.serial_for_url(url, timeout=1).close()
    except serial.SerialException:
        return False
    return True


def test_unicorn_carries_a_long_count_and_a_large_load(
    build: Any, board: Board, tmp_path: Path
) -> None:
    """60 million instructions and 150 KB over the UART."""
    firmware = build("zig", tmp_path)
    data = DATA * 18
    with EMULATORS["unicorn"].start(board, firmware.elf) as running:
        port = serial.serial_for_url(running.url, timeout=60)
        port.write(b"q" + struct.pack("<I", 15_000_000))
        assert len(port.read(8)) == 8
        port.write(b"z" + struct.pack("<I", len(data)) + data)
        assert struct.unpack("<I", port.read(4)) == (sum(data),)
        port.close()


def test_unknown_emulator_names_the_nearest() -> None:
    with pytest.raises(InputError, match="unicorn"):
        emulator("unicron")


def test_missing_emulator_says_how_to_get_it(
    emulator_name: str, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(EMULATORS[emulator_name]), "installed", lambda _: False)
    with pytest.raises(MissingToolError, match="install"):
        EMULATORS[emulator_name].start(board, Path("any.elf"))
