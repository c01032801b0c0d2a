"""Lines that translate, stall or take bytes; ports that go and come back; and the line's speed."""

from __future__ import annotations

import os
import pty
import random
import select
import subprocess
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from firmware_tools.link import Device, port
from firmware_tools.link.line import name_changes
from firmware_tools.link.monitor import watch
from firmware_tools.link.protocol import PROBE
from fmq_embedded.errors import LinkError, LinkTimeoutError, NoPortError
from tests.link import host_firmware
from tests.link.host_firmware import Line, damage

EVERY_BYTE = bytes(range(256)) * 8
LONG = EVERY_BYTE * 8
Translation = Callable[[bytes], bytes]
TRANSLATIONS: dict[str, Translation] = {
    "CR becomes LF": lambda data: data.replace(b"\r", b"\n"),
    "LF becomes CR": lambda data: data.replace(b"\n", b"\r"),
    "LF becomes CR LF": lambda data: data.replace(b"\n", b"\r\n"),
    "CR becomes CR LF": lambda data: data.replace(b"\r", b"\r\n"),
    "CR LF becomes LF": lambda data: data.replace(b"\r\n", b"\n"),
    "CR is taken out": lambda data: data.replace(b"\r", b""),
    "LF is taken out": lambda data: data.replace(b"\n", b""),
    "XON and XOFF are taken out (software flow control)": lambda data: data.translate(
        None, b"\x11\x13"
    ),
}


@pytest.mark.parametrize("name", TRANSLATIONS)
@pytest.mark.parametrize("direction", ["board", "host"])
def test_a_line_that_translates_does_no_harm_and_is_named(
    firmware: Path, name: str, direction: str
) -> None:
    with Line(firmware) as line:
        setattr(line, f"to_{direction}", TRANSLATIONS[name])
        with Device.open(line.url) as device:
            device.load_stream(EVERY_BYTE)
            assert device.read_stream(len(EVERY_BYTE)) == EVERY_BYTE
            assert device.line_changes() == [f"to the {direction}: {name}"]


def test_a_line_with_flow_control_put_in(firmware: Path) -> None:
    dice = random.Random(3)

    def put_in(data: bytes) -> bytes:
        return b"".join(
            bytes((byte, 0x13, 0x11)) if dice.random() < 0.1 else bytes((byte,)) for byte in data
        )

    with Line(firmware, put_in, put_in) as line, Device.open(line.url) as device:
        device.load_stream(EVERY_BYTE)
        assert device.read_stream(len(EVERY_BYTE)) == EVERY_BYTE


def test_a_transparent_line_changes_nothing(firmware: Path) -> None:
    with Line(firmware) as line, Device.open(line.url) as device:
        assert device.line_changes() == []


def test_noise_is_not_taken_for_a_translation(firmware: Path) -> None:
    with Line(firmware) as line, Device.open(line.url, timeout=20, retry_interval=0.02) as device:
        line.to_board, line.to_host = damage(0.01, 4), damage(0.01, 5)
        assert device.line_changes() == []


def test_changes_without_a_name_are_spelt() -> None:
    assert name_changes(PROBE) == []
    assert name_changes(b"\r\x11\x13") == ["LF CR CR LF becomes CR"]
    assert len(name_changes(b"")) == 2


def test_stalls_of_20_ms(firmware: Path) -> None:
    dice = random.Random(8)

    def stall(data: bytes) -> bytes:
        if dice.random() < 0.3:
            time.sleep(0.02)
        return data

    with Line(firmware, stall, stall) as line, Device.open(line.url) as device:
        device.load_stream(EVERY_BYTE * 4)
        assert device.read_stream(4 * len(EVERY_BYTE)) == EVERY_BYTE * 4


@pytest.mark.parametrize("baud", [115_200, 1_000_000])
def test_at_least_85_per_cent_of_the_line_is_data(firmware: Path, baud: int) -> None:
    """By the bytes that cross, all framing counted; the window keeps the line from waiting."""
    data = random.Random(baud).randbytes(12 * 1024 if baud < 500_000 else 32 * 1024)
    crossed = {"out": 0, "back": 0}

    def counted(direction: str) -> Callable[[bytes], bytes]:
        def count(piece: bytes) -> bytes:
            crossed[direction] += len(piece)
            return piece

        return count

    line = Line(firmware, counted("out"), counted("back"), bytes_per_second=baud / 10)
    with line, Device.open(line.url, baud=baud, retry_interval=30.0, timeout=120.0) as device:
        crossed.update(out=0, back=0)
        device.load_stream(data)
        assert len(data) / crossed["out"] >= 0.85
        crossed.update(out=0, back=0)
        assert device.read_stream(len(data)) == data
        assert len(data) / crossed["back"] >= 0.85


class Usb:
    """A serial port of a USB device, as pyserial lists it."""

    vid, pid, serial_number, description = 0x0D28, 0x0204, "9900", "a probe"

    def __init__(self, device: str) -> None:
        self.device = device

    def __lt__(self, other: Usb) -> bool:
        return self.device < other.device


class Plug:
    """The firmware behind a pseudo-terminal that can be pulled out and put in again."""

    def __init__(self, program: Path) -> None:
        self.program = program
        self.ports: list[Usb] = []
        self._stop = False
        self._name = ""
        self._master = -1
        self.switch_on()
        self.put_in()
        self._pump = threading.Thread(target=self._carry, daemon=True)
        self._pump.start()

    def switch_on(self) -> None:
        self.process = subprocess.Popen(
            [str(self.program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )

    def switch_off(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=10)

    def put_in(self) -> None:
        self._master, self._slave = -1, -1
        held = []
        master, self._slave = pty.openpty()
        while os.ttyname(self._slave) == self._name:  # it was free again already
            held += [master, self._slave]
            master, self._slave = pty.openpty()
        for descriptor in held:
            os.close(descriptor)
        self._name = os.ttyname(self._slave)
        tty.setraw(self._slave)
        self.ports = [Usb(os.ttyname(self._slave))]
        self._master = master

    def pull_out(self) -> None:
        master, self._master = self._master, -1
        self.ports = []
        time.sleep(0.05)  # the pump has let go of it
        os.close(self._slave)
        os.close(master)

    def again(self, after: float) -> None:
        """Pulls it out and puts it in again later, under another name."""
        self.pull_out()
        threading.Timer(after, self.put_in).start()

    def close(self) -> None:
        self._stop = True
        self._pump.join()
        self.switch_off()

    def _carry(self) -> None:
        while not self._stop:
            master, process = self._master, self.process
            assert process.stdin is not None and process.stdout is not None
            sources = [source for source in (master, process.stdout.fileno()) if source >= 0]
            ready, _, _ = select.select(sources, [], [], 0.01)
            try:
                for source in ready:
                    data = os.read(source, 64)
                    if source == master:
                        process.stdin.write(data)
                    elif self._master >= 0:
                        os.write(self._master, data)
            except (OSError, ValueError):
                continue


@pytest.fixture
def plug(firmware: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plug]:
    plug = Plug(firmware)
    monkeypatch.setattr(port.list_ports, "comports", lambda: list(plug.ports))
    yield plug
    plug.close()


@pytest.mark.parametrize("use", ["request", "load", "read"])
def test_a_port_that_comes_back_under_another_name(plug: Plug, use: str) -> None:
    before = plug.ports[0].device
    with Device.open(before, timeout=5.0) as device:
        samples = np.array([[[7, 21, 255]]], np.uint8)
        device.load_input(2, samples)
        device.load_stream(LONG)
        has_gone = False

        def go(done: int, total: int) -> None:
            nonlocal has_gone
            if not has_gone and done > 600:
                has_gone = True
                plug.again(0.3)

        if use == "request":
            plug.again(0.3)
            device.quantize(2)
            np.testing.assert_array_equal(device.read_levels(2), samples & 15)
        elif use == "load":
            device.load_stream(LONG[::-1], go)
            assert device.read_stream(len(LONG)) == LONG[::-1]
        else:
            assert device.read_stream(len(LONG), go) == LONG
        assert device.connection.port.url == plug.ports[0].device != before


def test_a_port_that_does_not_come_back(plug: Plug) -> None:
    with Device.open(plug.ports[0].device, timeout=0.5) as device:
        plug.pull_out()
        started = time.monotonic()
        with pytest.raises(LinkError, match="the connection broke"):
            device.stack()
        assert time.monotonic() - started < 2.0
        plug.put_in()


def test_a_board_that_restarted_meanwhile_is_found_out(plug: Plug) -> None:
    """Its buffers are lost: going on would give results of nothing."""
    with Device.open(plug.ports[0].device, timeout=3.0) as device:
        device.load_stream(EVERY_BYTE)
        plug.again(0.2)
        plug.switch_off()
        plug.switch_on()
        with pytest.raises(LinkError, match="the board has restarted, or another program has"):
            device.read_stream(len(EVERY_BYTE))


def test_another_program_that_took_the_board_meanwhile_is_found_out(firmware: Path) -> None:
    with Line(firmware) as line, Device.open(line.url, timeout=0.3) as device:
        line.to_board = lambda _data: b""
        with pytest.raises(LinkTimeoutError):
            device.stack()
        line.to_board = host_firmware.clean
        nonces = device.connection._nonces
        device.connection._nonces = set()
        device.connection.start_session()  # as another program would
        device.connection._nonces = nonces
        device.connection._is_in_doubt = True
        with pytest.raises(LinkError, match="another program has used it"):
            device.stack()


def test_a_port_that_is_opened_twice(line: host_firmware.PtyLine, device: Device) -> None:
    with pytest.raises(NoPortError, match="another program has it open") as caught:
        Device.open(line.url)
    assert caught.value.exit_status == 3
    assert device.stack().size == 256


def test_no_answer_has_a_status_of_its_own(firmware: Path) -> None:
    with Line(firmware) as line:
        line.to_host = lambda _data: b""
        started = time.monotonic()
        with pytest.raises(LinkTimeoutError) as caught:
            Device.open(line.url, timeout=0.4)
        assert time.monotonic() - started < 1.5
        assert caught.value.exit_status == 4


def test_monitor_shows_what_comes(plug: Plug, tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    plug.process.stdin.write(b"")  # the firmware says nothing unasked
    for hexadecimal, expected in ((False, b"hello\r\n"), (True, b"68 65 6c 6c 6f 0d 0a\n")):
        threading.Timer(0.2, lambda: os.write(plug._master, b"hello\r\n")).start()
        with shown.open("wb") as out:
            watch(plug.ports[0].device, 115200, out, hexadecimal=hexadecimal, seconds=0.6)
        assert shown.read_bytes() == expected
