from __future__ import annotations

import random
import re
import struct
import time
from pathlib import Path

import numpy as np
import pytest

from firmware_tools.link import Device
from firmware_tools.link.protocol import ANSWER, Command
from fmq_embedded.errors import BitstreamError, FmqError, InputError, LinkError
from tests.link import host_firmware

COUNTS = (16 * 16 * 88, 8 * 8 * 96, 3)
LEVEL_BYTES = COUNTS[0] + 2 * COUNTS[1] + 4
SAMPLE_BYTES = 4 * COUNTS[0] + 4 * COUNTS[1] + 4


def library_version() -> tuple[int, ...]:
    text = (host_firmware.INCLUDE[1] / "fmq" / "version.h").read_text(encoding="utf-8")
    return tuple(int(number) for number in re.findall(r"FMQ_VERSION_M\w+ (\d+)", text))


def maps(seed: int = 1) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [
        generator.integers(-128, 128, (16, 16, 88), dtype=np.int8),
        generator.normal(size=(8, 8, 96)).astype(np.float32),
        np.array([[[1, 18, 255]]], np.uint8),
    ]


def expected_levels(samples: list[np.ndarray]) -> list[np.ndarray]:
    return [
        (samples[0].astype(np.int16) + 128).astype(np.uint8),
        (samples[1].view(np.uint32) >> 22).astype(np.uint16),
        samples[2] & 15,
    ]


def load_all(device: Device, samples: list[np.ndarray]) -> None:
    for index, array in enumerate(samples):
        device.load_input(index, array)


def test_identity(device: Device) -> None:
    identity = device.identity
    assert (identity.board, identity.deployment) == ("host", "stub-deployment")
    session = identity.session
    assert session.library_version == library_version()
    assert session.deployment_crc32 == 0xC0DE1234
    assert (session.sample_bytes, session.level_bytes) == (SAMPLE_BYTES, LEVEL_BYTES)
    assert (session.stream_bytes, session.work_bytes) == (LEVEL_BYTES + 8, 16)
    assert device.connection.window == session.window == 8
    assert [tensor.shape for tensor in identity.tensors] == [(16, 16, 88), (8, 8, 96), (1, 1, 3)]
    assert [tensor.centre for tensor in identity.tensors] == [128, 511, 0]
    assert [tensor.bit_depth for tensor in identity.tensors] == [8, 10, 4]
    assert [tensor.input_dtype.name for tensor in identity.tensors] == ["int8", "float32", "uint8"]
    assert [tensor.output_dtype.name for tensor in identity.tensors] == [
        "float32",
        "int16",
        "uint8",
    ]


def test_the_whole_way_there_and_back(device: Device) -> None:
    samples = maps()
    seen: list[tuple[int, int]] = []
    device.load_input(0, samples[0], lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (COUNTS[0], COUNTS[0])
    device.load_input(1, samples[1])
    device.load_input(2, samples[2])
    device.quantize()
    levels = expected_levels(samples)
    for index, expected in enumerate(levels):
        got = device.read_levels(index)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)

    size = device.encode()
    stream = device.read_stream(size)
    body = b"\xf3" + b"".join(array.tobytes() for array in levels)
    assert stream == body + bytes([sum(body) & 0xFF])

    load_all(device, maps(2))
    device.quantize()
    device.load_stream(stream)
    device.decode(len(stream))
    for index, expected in enumerate(levels):
        np.testing.assert_array_equal(device.read_levels(index), expected)
    device.dequantize()
    np.testing.assert_array_equal(
        device.read_samples(0).view(np.uint32), levels[0].astype(np.uint32) << 20
    )
    np.testing.assert_array_equal(device.read_samples(1), levels[1].astype(np.int16) - 512)
    np.testing.assert_array_equal(device.read_samples(2), levels[2])


def test_one_tensor_alone(device: Device) -> None:
    samples = maps()
    load_all(device, samples)
    device.quantize(2)
    np.testing.assert_array_equal(device.read_levels(2), samples[2] & 15)
    assert not device.read_levels(0).any()


def test_counters_sum_past_the_wrap_of_the_ticks(device: Device) -> None:
    load_all(device, maps())
    device.quantize()
    device.quantize(0)
    device.encode()
    counters = device.counters()
    by_name = {stage.name: stage for stage in counters.stages}
    # pieces of 6000 elements: 4 + 2 + 1 of the three maps, then 4 of the first
    assert by_name["quantize"].calls == 11
    assert by_name["quantize"].ticks == 11 * 0x60000000
    assert by_name["quantize"].ticks > 2**32
    assert by_name["quantize"].elements == sum(COUNTS) + COUNTS[0]
    assert (by_name["encode"].calls, by_name["encode"].elements) == (1, sum(COUNTS))
    assert by_name["decode"].calls == by_name["dequantize"].calls == 0
    assert counters.overhead == 0x60000000
    device.reset_counters()
    assert all(
        stage.ticks == stage.calls == stage.elements == 0 for stage in device.counters().stages
    )


def test_stack_high_water_mark(device: Device) -> None:
    assert (device.stack().used, device.stack().size) == (24 * 4, 64 * 4)


def test_a_new_session_finds_the_board_anew(line: host_firmware.PtyLine) -> None:
    with Device.open(line.url) as device:
        load_all(device, maps())
        line.inject(b"\x07half a frame of a host that died")
    with Device.open(line.url) as device:
        device.quantize()
        np.testing.assert_array_equal(device.read_levels(2), maps()[2] & 15)


def test_a_repeated_request_is_done_once(device: Device) -> None:
    connection = device.connection
    load_all(device, maps())
    for command in (Command.QUANTIZE, Command.ENCODE):
        body = b"\xff" if command is Command.QUANTIZE else b""
        answers = []
        for _ in range(3):
            connection._sequence = 77  # the same request, as when its answer was lost
            answers.append(connection.request(command, body))
        assert answers[0] == answers[1] == answers[2]
    calls = {stage.name: stage.calls for stage in device.counters().stages}
    assert (calls["quantize"], calls["encode"]) == (7, 1)


def test_sequence_numbers_wrap(device: Device) -> None:
    load_all(device, maps())
    for _ in range(600):
        device.quantize(2)
    assert device.counters().stages[0].calls == 600


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 253, 254, 255, 507, 508])
@pytest.mark.parametrize("fill", [0, 1, 255])
def test_every_body_size_reaches_the_board(device: Device, size: int, fill: int) -> None:
    body = (struct.pack("<I", 9) + bytes([fill]) * 504)[:size]
    if size < 4:
        with pytest.raises(LinkError, match="LOAD_STREAM with BAD_SIZE"):
            device.connection.request(Command.LOAD_STREAM, body)
        return
    device.load_stream(b"\xaa" * 1000)
    device.connection.request(Command.LOAD_STREAM, body)
    expected = b"\xaa" * 9 + body[4:] + b"\xaa" * (991 - size + 4)
    assert device.read_stream(1000) == expected


@pytest.mark.parametrize("size", [1, 245, 246, 247, 253, 254, 255, 507])
@pytest.mark.parametrize("fill", [0, 1])
def test_every_answer_size_reaches_the_host(device: Device, size: int, fill: int) -> None:
    device.load_stream(bytes([fill]) * 600)
    answer = device.connection.request(Command.READ, struct.pack("<BBIH", 1, 0, 0, size))
    assert answer == bytes([fill]) * size


STREAM_BYTES = LEVEL_BYTES + 8


@pytest.mark.parametrize(
    ("command", "body", "status"),
    [
        (0x7E, b"", "UNKNOWN_COMMAND"),
        (Command.IDENTIFY, b"abc", "BAD_SIZE"),
        (Command.NAMES, b"x", "BAD_SIZE"),
        (Command.ENCODE, b"x", "BAD_SIZE"),
        (Command.READ, bytes(7), "BAD_SIZE"),
        (Command.READ, bytes(9), "BAD_SIZE"),
        (Command.DESCRIBE, b"\x03", "BAD_TENSOR"),
        (Command.LOAD_INPUT, struct.pack("<BI", 3, 0), "BAD_TENSOR"),
        (Command.LOAD_INPUT, struct.pack("<BI", 255, 0) + b"x", "BAD_TENSOR"),
        (Command.LOAD_INPUT, struct.pack("<BI", 0, COUNTS[0]) + b"x", "BAD_RANGE"),
        (Command.LOAD_INPUT, struct.pack("<BI", 0, 2**32 - 1) + b"xy", "BAD_RANGE"),
        (Command.LOAD_INPUT, struct.pack("<BI", 2, 2) + b"xy", "BAD_RANGE"),
        (Command.LOAD_STREAM, struct.pack("<I", STREAM_BYTES) + b"x", "BAD_RANGE"),
        (Command.LOAD_STREAM, struct.pack("<I", 2**32 - 2) + b"wxyz", "BAD_RANGE"),
        (Command.QUANTIZE, b"\x03", "BAD_TENSOR"),
        (Command.DEQUANTIZE, b"\xfe", "BAD_TENSOR"),
        (Command.DECODE, struct.pack("<I", STREAM_BYTES + 1), "BAD_RANGE"),
        (Command.DECODE, struct.pack("<I", 2**32 - 1), "BAD_RANGE"),
        (Command.READ, struct.pack("<BBIH", 3, 0, 0, 1), "BAD_RANGE"),
        (Command.READ, struct.pack("<BBIH", 0, 3, 0, 1), "BAD_TENSOR"),
        (Command.READ, struct.pack("<BBIH", 2, 255, 0, 1), "BAD_TENSOR"),
        (Command.READ, struct.pack("<BBIH", 0, 2, 0, 4), "BAD_RANGE"),
        (Command.READ, struct.pack("<BBIH", 0, 2, 2**32 - 1, 2), "BAD_RANGE"),
        (Command.READ, struct.pack("<BBIH", 1, 0, 0, 508), "BAD_RANGE"),
        (Command.READ, struct.pack("<BBIH", 1, 0, 0, 65535), "BAD_RANGE"),
        (Command.READ, struct.pack("<BBIH", 1, 0, STREAM_BYTES - 3, 4), "BAD_RANGE"),
    ],
)
def test_bad_arguments_are_refused(device: Device, command: int, body: bytes, status: str) -> None:
    class Raw(int):
        name = "RAW"

    with pytest.raises(LinkError, match=rf"answered RAW with {status}: "):
        device.connection.request(Raw(command), body)  # type: ignore[arg-type]
    np.testing.assert_array_equal(device.read_levels(2), np.zeros((1, 1, 3)))


def test_the_last_byte_of_each_buffer_is_reached(device: Device) -> None:
    request = device.connection.request
    request(Command.LOAD_INPUT, struct.pack("<BI", 2, 2) + b"\x07")
    assert request(Command.READ, struct.pack("<BBIH", 2, 2, 2, 1)) == b"\x07"
    request(Command.LOAD_STREAM, struct.pack("<I", STREAM_BYTES - 1) + b"\x09")
    assert request(Command.READ, struct.pack("<BBIH", 1, 0, STREAM_BYTES - 1, 1)) == b"\x09"
    request(Command.LOAD_STREAM, struct.pack("<I", STREAM_BYTES))  # nothing, at the very end


def test_what_the_library_refuses_is_named(device: Device) -> None:
    bad = maps()[1]
    bad[3, 3, 3] = np.nan
    device.load_input(1, bad)
    with pytest.raises(InputError, match="QUANTIZE with NONFINITE: a sample is NaN or infinite"):
        device.quantize(1)
    with pytest.raises(BitstreamError, match="TRUNCATED"):
        device.decode(1)
    device.load_stream(b"\x00\x01")
    with pytest.raises(BitstreamError, match="SYNTAX"):
        device.decode(2)
    device.load_stream(b"\xf3\x01")
    with pytest.raises(BitstreamError, match="CHECKSUM"):
        device.decode(2)


def test_wrong_calls_are_input_errors(device: Device) -> None:
    with pytest.raises(InputError, match=r"tensors 0\.\.2; got 3"):
        device.quantize(3)
    with pytest.raises(InputError, match="takes 22528 samples of int8; got 22528 of uint8"):
        device.load_input(0, np.zeros(COUNTS[0], np.uint8))
    with pytest.raises(InputError, match="takes 3 samples of uint8; got 4"):
        device.load_input(2, np.zeros(4, np.uint8))
    with pytest.raises(InputError, match=f"at most {STREAM_BYTES} bytes"):
        device.load_stream(bytes(STREAM_BYTES + 1))
    with pytest.raises(InputError, match=f"0..{STREAM_BYTES} bytes; got -1"):
        device.decode(-1)


def test_any_layout_is_sent_in_c_order(device: Device) -> None:
    samples = maps()[0]
    device.load_input(0, np.asfortranarray(samples))
    device.load_input(1, maps()[1].astype(">f4")[::-1, ::-1])
    device.quantize()
    expected = expected_levels(maps())[1][::-1, ::-1]
    np.testing.assert_array_equal(device.read_levels(1), expected)
    np.testing.assert_array_equal(device.read_levels(0), expected_levels(maps())[0])


def test_tables_that_do_not_fit_are_refused_by_the_board(tmp_path: Path) -> None:
    program = host_firmware.build(tmp_path / "small", ["-DFMQ_MAX_INPUT_BYTES=64u"])
    with host_firmware.Line(program) as line, Device.open(line.url) as device:
        assert device.identity.session.sample_bytes == 64
        with pytest.raises(LinkError, match="QUANTIZE with BUFFER"):
            device.quantize()
        with pytest.raises(LinkError, match="LOAD_INPUT with BUFFER"):
            device.load_input(2, maps()[2])


def test_random_requests_are_answered_and_break_nothing(device: Device) -> None:
    dice = random.Random(11)
    answered = 0
    for _ in range(1500):
        command, tensor = dice.choice(list(Command)), dice.choice((0, 1, 2, 3, 255))
        offset = dice.choice((0, 1, 2, 3, COUNTS[0], STREAM_BYTES, 2**31, 2**32 - 1))
        body = struct.pack("<BI", tensor, offset) + dice.randbytes(dice.choice((0, 3, 40, 503)))
        if command is Command.READ:
            body = struct.pack("<BBIH", dice.randrange(4), tensor, offset, dice.randrange(512))
        try:
            device.connection.request(command, body[: dice.choice((1, 4, 5, 8, 508))])
            answered += 1
        except FmqError as error:
            assert "the board answered" in str(error)
    assert answered > 100


@pytest.mark.parametrize("compiler", host_firmware.compilers())
def test_the_app_compiles_without_a_warning(tmp_path: Path, compiler: str) -> None:
    host_firmware.build(tmp_path / "firmware", ["-O2"], compiler)


def test_answers_carry_the_command(device: Device) -> None:
    sequence = device.connection.send(Command.NAMES, b"")
    answer = device.connection.receive(time.monotonic() + 3)
    assert answer is not None
    assert (answer.command, answer.sequence) == (Command.NAMES | ANSWER, sequence)
