"""flash, erase, ports, monitor and update, as a user runs them."""

from __future__ import annotations

import os
import pty
import threading
import time
import tty
from pathlib import Path

import pytest

from firmware_tools.boards import load_board
from firmware_tools.firmware import build_firmware, emulators_of, run_emulated
from firmware_tools.tables.image import update_tables
from firmware_tools.verifying import standard_deployment
from fmq_embedded.deploy.deployment import Deployment
from tests.link import host_firmware
from tests.tasks.running import fmq


def test_flash_shows_what_it_would_do(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(b"x" * 40_000)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("esptool", "pyocd"):
        (tools / name).write_text("#!/bin/sh\nexit 1\n")
        (tools / name).chmod(0o755)
    search = f"{tools}{os.pathsep}{os.environ['PATH']}"
    call = ("flash", "--board", "esp32-c3", "--image", "image", "--port", "/dev/ttyUSB7")
    shown = fmq(tmp_path, *call, "--dry-run", PATH=search, FMQ_CACHE_DIR=str(tmp_path / "cache"))
    assert shown.status == 0, shown.err
    first, *commands = shown.out.splitlines()
    assert first.startswith("# esp32-c3 at /dev/ttyUSB7, image ")
    assert all(command.startswith("esptool --chip esp32c3 --port /dev/tty") for command in commands)
    assert any("write-flash" in command for command in commands)
    failed = fmq(tmp_path, *call, PATH=search, FMQ_CACHE_DIR=str(tmp_path / "cache"))
    assert failed.status == 1
    assert "identifying the board: esptool ended with status 1" in failed.err


def test_flash_and_erase_end_with_a_status_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(b"x")
    image = ("--image", "image")
    fmq(tmp_path, "flash", *image).assert_refused(3, "no board is named; give --board or FMQ_BOARD")
    fmq(tmp_path, "flash", "--board", "nucleo-f446re", *image).assert_refused(3, "is plugged in")
    fmq(tmp_path, "erase", FMQ_BOARD="esp32-c3").assert_refused(3, "no esp32-c3 is plugged in")
    fmq(tmp_path, "flash", "--board", "nucleo").assert_refused(2, "give one of --deployment")
    fmq(tmp_path, "flash", "--board", "mps2-an386", *image).assert_refused(2, "only emulated")
    fmq(tmp_path, "monitor", "--port", "/dev/none").assert_refused(3, "cannot open port")
    fmq(tmp_path, "update").assert_refused(2, "give one of --deployment and --revert")


def test_ports_are_listed(tmp_path: Path) -> None:
    rows = fmq(tmp_path, "ports", "--json").json
    assert all({"port", "usb", "serial_number", "what", "boards"} <= set(row) for row in rows)


def test_monitor_shows_a_port(tmp_path: Path) -> None:
    board, host = pty.openpty()
    tty.setraw(host)
    stop = threading.Event()

    def talk() -> None:
        while not stop.wait(0.1):
            os.write(board, b"tick\n")

    thread = threading.Thread(target=talk)
    thread.start()
    shown = fmq(tmp_path, "monitor", "--port", os.ttyname(host), "--seconds", "1")
    stop.set()
    thread.join()
    os.close(board)
    os.close(host)
    assert shown.status == 0, shown.err
    assert shown.out.startswith("tick\n")


def test_doctor_shows_settings_and_the_line(tmp_path: Path) -> None:
    program = host_firmware.build(tmp_path / "firmware")
    (tmp_path / "fmq.toml").write_text("timeout = 7.5\n")
    with host_firmware.Line(program) as line:
        line.to_host = lambda data: data.replace(b"\r", b"\n")
        shown = fmq(tmp_path, "doctor", "--port", line.url, FMQ_BAUD="57600")
    assert shown.status == 0, shown.err
    assert "FMQ_BAUD = 57600 (environment)" in shown.out
    assert f"FMQ_TIMEOUT = 7.5 ({tmp_path / 'fmq.toml'})" in shown.out
    assert f"FMQ_PORT = {line.url} (option)" in shown.out
    assert f"the line at {line.url} to the host: CR becomes LF" in shown.out


def test_a_board_that_says_nothing_ends_in_time(tmp_path: Path) -> None:
    board, host = pty.openpty()
    tty.setraw(host)
    started = time.monotonic()
    name = os.ttyname(host)
    fmq(tmp_path, "update", "--revert", "--port", name, "--timeout", "0.5").assert_refused(
        4, "expected an answer to IDENTIFY within 0.5 s"
    )
    assert time.monotonic() - started < 20
    os.close(board)
    os.close(host)


@pytest.mark.emulator
@pytest.mark.parametrize(("board", "emulator"), [("mps2-an386", "unicorn"), ("riscv-virt", "qemu")])
def test_tables_of_an_emulated_board_are_replaced_while_it_runs(
    tmp_path: Path, board: str, emulator: str
) -> None:
    """The firmware is built for one deployment; another's tables go over the link."""
    full = standard_deployment()
    half = Deployment(**{**vars(full), "name": "half", "tensors": full.tensors[:2]})
    assert load_board(board).storage is not None
    if "CI" not in os.environ and emulator not in emulators_of(load_board(board)):
        pytest.skip(f"{emulator} is not installed")
    build = build_firmware(full, tmp_path, board)
    with run_emulated(build, emulator) as running:
        device = running.device
        assert device.identity.session.deployment_crc32 == full.crc32
        assert update_tables(device, half)
        assert device.identity.deployment == "half"
        assert device.identity.session.deployment_crc32 == half.crc32
        assert len(device.identity.tensors) == 2
        assert not update_tables(device, half)  # nothing to do
        device.quantize(0)
        device.encode()
        device.revert_tables()
        assert device.identity.session.deployment_crc32 == full.crc32
