"""The parser of any stream's headers: fields and positions, and what it refuses."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from tests.libfmq.codec_cases import (
    ARGUMENT,
    CHECKSUM,
    LIMIT,
    OK,
    SYNTAX,
    TRUNCATED,
    UNSUPPORTED,
    with_crc,
)
from tests.libfmq.codec_library import CONSTANT, ENTROPY, PACKED, Parser

NONE, NO_CENTRE = 255, 0xFFFFFFFF
START = b"FQ\x01"


def f32(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def varint(value: int) -> bytes:
    groups = []
    while value >= 0x80:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def uniform(dimensions: bytes, bit_depth: int, tail: bytes) -> bytes:
    """A float32 tensor with a fixed uniform quantizer; `dimensions` below 128."""
    shape = bytes([0, bit_depth - 1])
    return bytes([len(dimensions)]) + dimensions + shape + f32(-1, 1) + tail


def streams() -> Iterator[bytes]:
    """Sound streams with every field that there is."""
    named = b"\x04conv" + bytes([0x12, 3, 5]) + f32(0.25) + b"\x13" + bytes([0x09, 0x1A])
    named += f32(2, 0.25) + f32(1, 2) + b"\x01" + bytes(range(15)) + b"\x0f\x01"[:0]
    yield with_crc(START + b"\x01\x01" + named + bytes(6))
    yield with_crc(START + b"\x00\x02" + uniform(b"\x03\x02", 8, b"\x02\x85\x01") + b"\x02\x00\x07")
    yield with_crc(START + b"\x02\x01\x03abc" + uniform(b"\x04", 4, b"\x01\x21\x43"))
    yield with_crc(START + b"\x04\x01abcd" + b"\x01\x04" + b"\x83" + b"\x05\x67" + b"\x09\x00abc")
    explicit = bytes([0x80, 1]) + f32(*range(7)) + b"\x01\x55"
    yield with_crc(START + b"\x00\x01" + b"\x01\x04" + explicit)


def test_all_fields() -> None:
    body = bytes([0x12, 3, 5]) + f32(0.25) + b"\x13"  # int8, 3 × 5, scale, zero point -10
    body += bytes([0x29, 0x5B])  # by histogram, Gaussian, centre rounding; 12 bits, step, centre
    body += f32(2, 0.25) + f32(1, 3) + varint(300) + b"\x01" + bytes(23)
    data = with_crc(START + b"\x03\x01" + b"\x03abc" + b"\x04conv" + body)
    parser = Parser(data)
    assert parser.status == OK
    state = parser.state
    assert data[state.structure :][: state.structure_size] == b"abc"
    assert (state.flags, state.tensors_left) == (3, 1)
    status, tensor = parser.tensor()
    assert status == OK
    assert data[tensor.name :][: tensor.name_size] == b"conv"
    assert (tensor.type, tensor.rank, list(tensor.dimensions[:2]), tensor.count) == (
        1,
        2,
        [3, 5],
        15,
    )
    assert (tensor.scale, tensor.zero_point) == (0x3E800000, -10)
    assert (tensor.choice, tensor.shape, tensor.bit_depth) == (0x29, 0x5B, 12)
    assert (tensor.step_size, tensor.rounding_offset) == (0x40000000, 0x3E800000)
    assert data[tensor.parameters :][: 4 * tensor.parameter_count] == f32(1, 3)
    assert (tensor.centre, tensor.coding) == (300, PACKED)
    assert tensor.payload == len(data) - 4 - 23
    assert parser.skip(tensor) == OK
    assert state.position == len(data) - 4
    assert parser.tensor()[0] == ARGUMENT


def test_what_is_not_sent_has_its_default() -> None:
    parser = Parser(with_crc(START + b"\x00\x02" + b"\x02\x03\x00" + uniform(b"\x01", 8, b"\x00")))
    status, empty = parser.tensor()
    assert (status, empty.count, empty.coding) == (OK, 0, NONE)
    assert parser.skip(empty) == OK
    status, tensor = parser.tensor()
    assert (status, tensor.coding, tensor.centre) == (OK, ENTROPY, NO_CENTRE)
    assert (tensor.step_size, tensor.rounding_offset) == (0x3F800000, 0x3F000000)
    assert parser.skip(tensor) == UNSUPPORTED


def test_walks_from_tensor_to_tensor() -> None:
    first, second = uniform(b"\x03\x02", 8, b"\x02\x85\x01"), uniform(b"\x03", 3, b"\x01\x21\x00")
    parser = Parser(with_crc(START + b"\x00\x02" + first + second))
    codings = []
    for _ in range(2):
        status, tensor = parser.tensor()
        assert status == OK
        codings.append(tensor.coding)
        assert parser.skip(tensor) == OK
    assert codings == [CONSTANT, PACKED]
    assert parser.state.position == parser.state.size


def test_explicit_parameters_are_counted_and_derived_ones_cannot_be() -> None:
    explicit = bytes([0x80, 1]) + f32(*range(7)) + b"\x01\x55"
    status, tensor = Parser(with_crc(START + b"\x00\x01\x01\x04" + explicit)).tensor()
    assert (status, tensor.parameter_count) == (OK, 7)
    laplace = bytes([0x10, 7]) + f32(1) + b"\x00"
    status, tensor = Parser(with_crc(START + b"\x00\x01\x01\x04" + laplace)).tensor()
    assert (status, tensor.parameter_count) == (OK, 1)
    derived = b"\x02\x81\x01\x07" + f32(1) + b"\x00"
    status, tensor = Parser(with_crc(START + b"\x04\x01abcd\x01\x04" + derived)).tensor()
    assert (status, tensor.layer, tensor.bit_depth) == (UNSUPPORTED, 129, 8)
    normalised = b"\x03\x05\x27\x00"
    status, tensor = Parser(with_crc(START + b"\x04\x01abcd\x01\x04" + normalised)).tensor()
    assert (status, tensor.parameter_count, tensor.coding) == (OK, 0, ENTROPY)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", TRUNCATED),
        (START + bytes(5), CHECKSUM),
        (with_crc(b"FR\x01\x00\x01"), SYNTAX),
        (with_crc(b"FQ\x02\x00\x01"), UNSUPPORTED),
        (with_crc(START + b"\x08\x01"), UNSUPPORTED),
        (with_crc(START + b"\x09\x01"), SYNTAX),
        (with_crc(START + b"\x06\x01abcd"), SYNTAX),
        (with_crc(START + b"\x00\x00"), SYNTAX),
        (with_crc(START + b"\x00" + varint(65536)), SYNTAX),
        (with_crc(START + b"\x00"), TRUNCATED),
        (with_crc(START + b"\x02\x01" + varint((1 << 20) + 1)), SYNTAX),
        (with_crc(START + b"\x02\x01\x05abc"), TRUNCATED),
        (with_crc(START + b"\x04\x01abc"), TRUNCATED),
    ],
)
def test_preambles_that_are_refused(data: bytes, expected: int) -> None:
    assert Parser(data).status == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"\x09" + bytes(9), SYNTAX),  # rank
        (b"\x41\x01", SYNTAX),  # samples
        (b"\x02" + varint(65536) * 2, LIMIT),
        (b"\x03" + varint(65536) * 2 + b"\x00", OK),
        (b"\x11\x01" + f32(0), SYNTAX),
        (b"\x11\x01" + f32(-1), SYNTAX),
        (b"\x11\x01" + f32(float("inf")), SYNTAX),
        (b"\x11\x01" + f32(1) + varint(257), SYNTAX),  # zero point -129
        (b"\x01\x01\x05\x07", SYNTAX),  # method
        (b"\x01\x01\x18\x07", SYNTAX),  # distribution
        (b"\x01\x01\x82\x00\x07", SYNTAX),  # explicit and derived
        (b"\x01\x01\x00\x87" + f32(0, 1), UNSUPPORTED),  # a partition follows
        (b"\x01\x01\x00\x27", SYNTAX),  # a fixed quantizer's parameters come from nowhere
        (b"\x01\x01\x00\x17" + f32(0, 0), SYNTAX),  # step
        (b"\x01\x01\x00\x07" + f32(0, float("nan")), SYNTAX),
        (b"\x01\x01\x00\x47" + f32(0, 1) + varint(256), SYNTAX),  # centre
        (b"\x01\x01\x00\x07" + f32(0, 1) + b"\x09", SYNTAX),  # coding
        (b"\x01\x01\x00\x07" + f32(0, 1), TRUNCATED),
        (b"\x01\x01\x80\x0f" + f32(0, 1), TRUNCATED),
    ],
)
def test_tensors_that_are_refused(body: bytes, expected: int) -> None:
    assert Parser(with_crc(START + b"\x00\x01" + body)).tensor()[0] == expected


def test_a_packed_payload_that_is_cut_off_is_not_skipped() -> None:
    parser = Parser(with_crc(START + b"\x00\x01" + uniform(b"\x09", 8, b"\x01") + bytes(8)))
    assert parser.skip(parser.tensor()[1]) == TRUNCATED
