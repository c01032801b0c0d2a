from __future__ import annotations

import errno
import os
import random
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import serial
from serial import rfc2217

from firmware_tools.link import Connection, Device, port
from firmware_tools.link.frames import Frame, FrameReader, pack
from firmware_tools.link.protocol import ANSWER, Command
from fmq_embedded.errors import LinkError
from tests.link import host_firmware
from tests.link.host_firmware import Line, damage

FAST = {"baud": 4_000_000, "retry_interval": 0.01}


def disturb(line: Line, rate: float, seed: int) -> None:
    line.to_board = damage(rate, seed)
    line.to_host = damage(rate, seed + 1)


@pytest.mark.parametrize("seed", [1, 2])
def test_five_per_cent_of_damaged_bytes_both_ways(firmware: Path, seed: int) -> None:
    small = np.array([[[7, 21, 255]]], np.uint8)
    stream = random.Random(seed).randbytes(300)
    with Line(firmware) as line:
        disturb(line, 0.05, seed)
        with Device.open(line.url, timeout=30, stage_timeout=30, **FAST) as device:
            device.load_input(2, small)
            device.quantize(2)
            np.testing.assert_array_equal(device.read_levels(2), small & 15)
            device.load_stream(stream)
            assert device.read_stream(len(stream)) == stream
            line.to_board = line.to_host = host_firmware.clean
            assert device.counters().stages[0].calls == 1  # retries did not do the work again


@pytest.mark.parametrize("rate", [0.0005, 0.005])
def test_long_transfers_over_a_poor_line(firmware: Path, rate: float) -> None:
    samples = np.random.default_rng(3).integers(-128, 128, (16, 16, 88), dtype=np.int8)
    with Line(firmware) as line, Device.open(line.url, timeout=10, **FAST) as device:
        disturb(line, rate, 5)
        device.load_input(0, samples)
        device.quantize(0)
        np.testing.assert_array_equal(
            device.read_levels(0), (samples.astype(np.int16) + 128).astype(np.uint8)
        )
        size = device.encode()
        assert device.read_stream(size)[0] == 0xF3


def test_a_clean_line_carries_each_piece_once(firmware: Path) -> None:
    requests: list[int] = []
    with Line(firmware) as line, Device.open(line.url) as device:
        reader = FrameReader()

        def count(data: bytes) -> bytes:
            requests.extend(frame.command for frame in reader.feed(data))
            return data

        line.to_board = count
        device.load_stream(bytes(20_000))
        device.read_stream(20_000)
    assert requests.count(Command.LOAD_STREAM) == 40  # pieces of 504 bytes
    assert requests.count(Command.READ) == 40


def test_a_line_far_slower_than_the_retries(firmware: Path) -> None:
    """Late answers must not pass for those of requests whose numbers came round."""
    data = random.Random(4).randbytes(4000)
    with (
        Line(firmware, bytes_per_second=2e6, latency=0.1) as line,
        Device.open(line.url, baud=100_000_000, retry_interval=0.002) as device,
    ):
        device.load_stream(data)
        assert device.read_stream(len(data)) == data


def test_lost_answers_do_not_repeat_the_work(firmware: Path) -> None:
    with Line(firmware) as line, Device.open(line.url, **FAST) as device:
        answers = 0

        def swallow(data: bytes) -> bytes:
            nonlocal answers
            answers += 1
            return b"" if answers <= 3 else data

        line.to_host = swallow
        device.quantize(2)
        assert answers >= 4
        line.to_host = host_firmware.clean
        assert device.counters().stages[0].calls == 1


@pytest.mark.parametrize(
    ("command", "use"),
    [
        ("STACK", lambda device: device.stack()),
        ("LOAD_STREAM", lambda device: device.load_stream(bytes(2000))),
        ("READ", lambda device: device.read_stream(2000)),
    ],
)
def test_a_line_that_destroys_everything_ends_in_time(
    firmware: Path, command: str, use: Callable[[Device], object]
) -> None:
    with Line(firmware) as line, Device.open(line.url, timeout=0.5, **FAST) as device:
        line.to_host = lambda data: bytes(byte ^ 0x55 for byte in data)
        started = time.monotonic()
        with pytest.raises(LinkError, match=rf"to {command} within 0\.5 s; .* line is disturbed"):
            use(device)
        assert 0.4 < time.monotonic() - started < 2.0


def test_after_a_failure_the_next_request_starts_a_new_session(
    firmware: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sequence number of the work done last may come round in the meantime."""
    with Line(firmware) as line, Device.open(line.url, timeout=0.3, **FAST) as device:
        device.quantize(2)
        sequence = device.connection._sequence
        line.to_board = lambda _data: b""
        with pytest.raises(LinkError):
            device.load_stream(bytes(2000))
        line.to_board = host_firmware.clean
        start_session = device.connection.start_session

        def start_at_the_same_number() -> bytes:
            answer = start_session()
            device.connection._sequence = sequence - 1
            return answer

        monkeypatch.setattr(device.connection, "start_session", start_at_the_same_number)
        device.quantize(2)
        assert device.counters().stages[0].calls == 2


def test_garbage_before_and_between_frames_is_dropped(firmware: Path) -> None:
    dice = random.Random(9)
    with Line(firmware) as line:
        line.inject(dice.randbytes(3000))
        line.to_board = lambda data: dice.randbytes(40) + b"\0" + data
        line.to_host = lambda data: dice.randbytes(40) + b"\0" + data
        with Device.open(line.url, **FAST) as device:
            device.load_stream(b"\x42" * 3000)
            assert device.read_stream(3000) == b"\x42" * 3000


def test_stale_answers_are_no_answers_of_the_session(firmware: Path) -> None:
    """Answers of an earlier session, with every sequence number, lie on the line."""
    stale = b"".join(
        pack(Frame(command | ANSWER, sequence, b"\0" + b"stale" * 7))
        for sequence in range(256)
        for command in (Command.IDENTIFY,)
    )
    with Line(firmware) as line:
        first = True

        def prepend(data: bytes) -> bytes:
            nonlocal first
            first, was_first = False, first
            return stale + data if was_first else data

        line.to_host = prepend
        with Device.open(line.url, **FAST) as device:
            assert device.identity.board == "host"


def test_a_port_that_is_not_there_names_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    class Present:
        device, description = "/dev/ttyACM7", "ST-Link"

    monkeypatch.setattr(port.list_ports, "comports", lambda: [Present()])
    with pytest.raises(LinkError, match=r"'/dev/none'.*the ports here are /dev/ttyACM7 \(ST-Link"):
        Connection.open("/dev/none")
    monkeypatch.setattr(port.list_ports, "comports", lambda: [])
    with pytest.raises(LinkError, match=r"'nonsense://x'.*this machine has no serial port"):
        Connection.open("nonsense://x")


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(LinkError, match=f"cannot open port '{url}'"):
        Device.open(url)


def test_a_board_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(LinkError, match=r"IDENTIFY within 0.3 s; sent \d+ requests, nothing"):
            Device.open(url, timeout=0.3, retry_interval=0.05)
        assert time.monotonic() - started < 2.0


def test_a_line_that_breaks(firmware: Path) -> None:
    with Line(firmware) as line, Device.open(line.url) as device:
        assert line._client is not None
        line._client.shutdown(socket.SHUT_RDWR)
        with pytest.raises(LinkError, match=r"the connection broke: .*; check that the board"):
            device.stack()


def answering(respond: bytes) -> str:
    """A board that answers IDENTIFY with its nonce and then these bytes."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = server.accept()
        reader = FrameReader()
        with server, client:
            while data := client.recv(4096):
                for frame in reader.feed(data):
                    body = b"\0" + frame.body + respond
                    client.sendall(pack(Frame(frame.command | ANSWER, frame.sequence, body)))

    threading.Thread(target=serve, daemon=True).start()
    return f"socket://127.0.0.1:{server.getsockname()[1]}"


def test_another_protocol_version() -> None:
    with pytest.raises(LinkError, match="protocol version 9; expected 1; build the firmware"):
        Device.open(answering(bytes([9]) + bytes(31)))


def test_an_answer_of_another_size() -> None:
    with pytest.raises(LinkError, match="an answer has 5 bytes; expected 32"):
        Device.open(answering(bytes([1, 0, 1, 8, 0])))


def test_a_status_without_a_meaning(firmware: Path) -> None:
    with Line(firmware) as line, Device.open(line.url) as device:
        connection = device.connection
        reader = FrameReader()

        def rewrite(data: bytes) -> bytes:
            return b"".join(
                pack(Frame(frame.command, frame.sequence, b"\x55")) for frame in reader.feed(data)
            )

        line.to_host = rewrite
        with pytest.raises(LinkError, match="answered STACK with status 0x55; expected one of OK"):
            connection.request(Command.STACK)


def test_a_board_that_names_too_many_tensors() -> None:
    session = struct.pack("<BBBBIIIIIII", 1, 0, 1, 8, 0, 255, 0, 0, 0, 0, 0)
    with pytest.raises(LinkError, match="names 255 tensors; expected fewer than 255"):
        Device.open(answering(session))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:serial")
def test_a_terminal_server(firmware: Path) -> None:
    """RFC 2217: a serial port over the network that takes its settings from the client."""
    with Line(firmware) as board, socket.create_server(("127.0.0.1", 0)) as server:
        local = serial.serial_for_url(board.url, timeout=0)

        def serve() -> None:
            client, _ = server.accept()
            client.settimeout(0.01)
            manager = rfc2217.PortManager(local, client.makefile("wb", buffering=0))
            with client:
                while True:
                    client.sendall(b"".join(manager.escape(local.read(4096))))
                    try:
                        data = client.recv(4096)
                    except TimeoutError:
                        continue
                    if not data:
                        return
                    local.write(b"".join(manager.filter(data)))

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"rfc2217://127.0.0.1:{server.getsockname()[1]}"
        with Device.open(url) as device:
            data = bytes(range(256)) * 8
            device.load_stream(data)
            assert device.read_stream(len(data)) == data
        thread.join()
        local.close()


def test_closing_a_port_whose_other_end_is_gone() -> None:
    class Gone:
        def fileno(self) -> int:
            return 0

        def close(self) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    opened = port.Port("loop://", 115200, 1.0)
    opened._serial = Gone()
    opened.close()


def test_a_port_without_a_descriptor_is_polled() -> None:
    opened = port.Port("loop://", 115200, 1.0)
    assert opened.read(0.01) == b""
    opened.write(b"abc")
    assert opened.read(1.0)[:1] == b"a"
    opened.close()
