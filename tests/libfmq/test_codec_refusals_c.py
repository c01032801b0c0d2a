"""What libfmq's codec refuses: bad calls, bad streams."""

from __future__ import annotations

import numpy as np
import pytest

from fmq_embedded.entropy import (
    Geometry,
    pack_levels,
)
from tests.libfmq.codec_cases import (
    ARGUMENT,
    BUFFER,
    CHECKSUM,
    LIMIT,
    OK,
    SYNTAX,
    TRUNCATED,
    UNSUPPORTED,
    make_levels,
    read_in_pieces,
    small_stream,
    twin_stream,
    with_crc,
)
from tests.libfmq.codec_library import (
    CONSTANT,
    ENTROPY,
    PACKED,
    Codec,
    Tensor,
    Writer,
)


def test_a_level_beyond_the_bit_depth_is_refused() -> None:
    for bit_depth, kind in ((3, "laplace"), (3, "constant"), (10, "uniform")):
        tensor = Tensor(Geometry(4, 4, 4), 1, bit_depth)
        levels = make_levels(np.random.default_rng(5), kind, tensor)
        levels[-1] = 1 << bit_depth
        codec = Codec([tensor])
        assert codec.encode([levels]) == (ARGUMENT, b"")
        for coding in (ENTROPY, PACKED, CONSTANT):
            writer = Writer(codec)
            assert writer.begin(coding) == OK
            status, at = OK, 0
            while writer.is_busy and status == OK:
                status, taken = writer.sink(levels[at:])
                at += taken
                writer.poll(100)
            assert status == ARGUMENT
    constant = np.full(64, 8, np.uint8)
    assert Codec([Tensor(Geometry(4, 4, 4), 1, 3)]).encode([constant]) == (ARGUMENT, b"")


@pytest.mark.parametrize("kind", ["laplace", "uniform", "constant"])
def test_every_capacity_short_of_the_stream_is_refused(kind: str) -> None:
    tensor = Tensor(Geometry(5, 4, 3), 31, 6)
    levels = [make_levels(np.random.default_rng(6), kind, tensor)] * 2
    codec = Codec([tensor, tensor])
    expected = twin_stream(levels, [tensor, tensor])
    for capacity in range(len(expected)):
        assert codec.encode(levels, capacity) == (BUFFER, b"")
    assert codec.encode(levels, len(expected)) == (OK, expected)


def test_too_little_work_is_refused_and_any_alignment_will_do() -> None:
    tensor = Tensor(Geometry(5, 4, 3), 31, 6)
    levels = [make_levels(np.random.default_rng(6), "laplace", tensor)]
    codec = Codec([tensor])
    expected = twin_stream(levels, [tensor])
    for work_size in (0, 100, codec.work_size - 1):
        assert codec.encode(levels, work_size=work_size) == (BUFFER, b"")
        assert codec.decode(expected, work_size)[0] == BUFFER
    for misaligned in range(8):
        assert codec.encode(levels, misaligned=misaligned) == (OK, expected)


def test_a_writer_refuses_what_is_out_of_order() -> None:
    tensor = Tensor(Geometry(2, 2, 2), 3, 3)
    levels = np.arange(8, dtype=np.uint8)
    writer = Writer(Codec([tensor]))
    assert writer.sink(levels)[0] == ARGUMENT
    assert writer.choice()[0] == ARGUMENT
    assert writer.survey(levels[:7]) == OK
    assert writer.choice()[0] == ARGUMENT
    assert writer.survey(levels[:2]) == ARGUMENT
    assert writer.begin(3) == ARGUMENT
    for coding in (ENTROPY, PACKED, CONSTANT):
        assert writer.begin(coding) == OK
        assert writer.sink(np.zeros(9, np.uint8))[0] == ARGUMENT
    assert writer.survey(levels) == ARGUMENT
    assert writer.begin(PACKED) == OK
    data = b""
    at = 0
    while not writer.is_done:
        at += writer.sink(levels[at:])[1] if writer.is_busy else 0
        data += writer.poll(3)
    assert data == with_crc(b"preambleheader\x01" + pack_levels(levels, 3))
    assert writer.begin(PACKED) == ARGUMENT


def test_a_tensor_that_contradicts_itself_is_refused() -> None:
    tensor = Tensor(Geometry(2, 2, 2), 3, 3)
    levels = [np.arange(8, dtype=np.uint8)]
    codec = Codec([tensor])
    codec.deployment.tensors[0].rows = 3
    assert codec.encode(levels)[0] == ARGUMENT
    codec.deployment.tensors[0].count = 1 << 28
    assert Writer(codec).begin(ENTROPY) == LIMIT


@pytest.mark.parametrize("kind", ["laplace", "uniform", "constant"])
def test_every_prefix_is_refused(kind: str) -> None:
    codec, _, data = small_stream(kind)
    rng = np.random.default_rng(10)
    assert codec.decode(data)[0] == OK
    for size in range(len(data)):
        assert codec.decode(data[:size])[0] in (TRUNCATED, CHECKSUM)
        assert read_in_pieces(codec, data[:size], rng, 9)[0] != OK
        assert codec.decode(with_crc(data[:size]))[0] != OK or size == len(data) - 4
    assert codec.decode(data + b"\0")[0] == CHECKSUM
    assert codec.decode(with_crc(data))[0] == SYNTAX
    assert read_in_pieces(codec, with_crc(data), rng, 9)[0] == SYNTAX


@pytest.mark.parametrize("kind", ["laplace", "uniform", "constant"])
def test_every_flipped_bit_is_refused(kind: str) -> None:
    codec, _, data = small_stream(kind)
    rng = np.random.default_rng(11)
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert codec.decode(bytes(flipped))[0] == CHECKSUM
        assert read_in_pieces(codec, bytes(flipped), rng, 9)[0] != OK


def test_another_deployments_stream_is_refused() -> None:
    codec, _, data = small_stream()
    for old in (b"preamble", b"one", b"two"):
        for at in range(len(old)):
            new = old[:at] + b"X" + old[at + 1 :]
            other = with_crc(data[:-4].replace(old, new))
            assert codec.decode(other)[0] == UNSUPPORTED


def test_payloads_that_no_encoder_writes_are_refused() -> None:
    codec = Codec([Tensor(Geometry(1, 3, 1), 1, 3)])
    for payload, expected in (
        (b"\x09\x00", SYNTAX),  # no such coding
        (b"\x03\x00", UNSUPPORTED),  # of another profile
        (b"\x02\x08", SYNTAX),  # a constant beyond the bit depth
        (b"\x02\x83\x00", SYNTAX),  # a varint longer than needed
        (b"\x02\xff\xff\xff\xff\x10", SYNTAX),  # a varint beyond 32 bits
        (b"\x02", TRUNCATED),
        (b"\x01\x00\x02", SYNTAX),  # bits behind the packed levels
        (b"\x01\x00", TRUNCATED),
        (b"\x01\x00\x00\x00", SYNTAX),  # something behind the payload
        (b"\x01\x00\x01", OK),
        (b"", TRUNCATED),
    ):
        data = with_crc(b"preambleheader" + payload)
        assert codec.decode(data)[0] == expected, payload
        status, _ = read_in_pieces(codec, data, np.random.default_rng(0), 3)
        assert (status == OK) == (expected == OK), payload
