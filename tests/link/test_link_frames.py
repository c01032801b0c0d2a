from __future__ import annotations

import re
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_tools.link import frames, protocol
from firmware_tools.link.descriptions import SAMPLE_DTYPES
from firmware_tools.link.frames import (
    LINE_CONTROLS,
    Frame,
    FrameReader,
    cobs_decode,
    cobs_encode,
    escape,
    pack,
    unescape,
    unpack,
)
from fmq_embedded.errors import InputError

FIRMWARE_TOOLS = Path(__file__).parents[2] / "firmware_tools"
PROTOCOL_HEADER = FIRMWARE_TOOLS / "app" / "protocol.h"
LIBRARY_HEADERS = FIRMWARE_TOOLS / "libfmq" / "include" / "fmq"


def run(first: int, last: int) -> bytes:
    return bytes(range(first, last + 1))


@pytest.mark.parametrize(
    ("data", "encoded"),
    [
        # the examples of the COBS paper and of its Wikipedia article
        (b"\x00", b"\x01\x01"),
        (b"\x00\x00", b"\x01\x01\x01"),
        (b"\x00\x11\x00", b"\x01\x02\x11\x01"),
        (b"\x11\x22\x00\x33", b"\x03\x11\x22\x02\x33"),
        (b"\x11\x22\x33\x44", b"\x05\x11\x22\x33\x44"),
        (b"\x11\x00\x00\x00", b"\x02\x11\x01\x01\x01"),
        (run(1, 254), b"\xff" + run(1, 254)),
        (b"\0" + run(1, 254), b"\x01\xff" + run(1, 254)),
        (run(1, 255), b"\xff" + run(1, 254) + b"\x02\xff"),
        (run(2, 255) + b"\0", b"\xff" + run(2, 255) + b"\x01\x01"),
        (run(3, 255) + b"\0\x01", b"\xfe" + run(3, 255) + b"\x02\x01"),
    ],
)
def test_cobs_known_encodings(data: bytes, encoded: bytes) -> None:
    assert cobs_encode(data) == encoded
    assert cobs_decode(encoded) == data


@given(st.lists(st.one_of(st.binary(max_size=4), st.sampled_from([b"\1" * 253, b"\2" * 254]))))
def test_cobs_round_trip(parts: list[bytes]) -> None:
    data = b"".join(parts)
    encoded = cobs_encode(data)
    assert 0 not in encoded
    assert len(encoded) <= len(data) + len(data) // 254 + 1
    assert cobs_decode(encoded) == data


@pytest.mark.parametrize("broken", [b"", b"\x02", b"\x05\x01\x02", b"\x00", b"\x03\x01\x00"])
def test_cobs_refuses_what_it_never_writes(broken: bytes) -> None:
    assert cobs_decode(broken) is None


@pytest.mark.parametrize("size", [0, 1, 253, 254, 255, 507, 508])
@pytest.mark.parametrize("fill", [0, 1, 255])
def test_frame_round_trip(size: int, fill: int) -> None:
    frame = Frame(0x0A, 255, bytes([fill]) * size)
    data = pack(frame)
    assert data.endswith(b"\0")
    assert data.count(0) == 1
    assert unpack(data[:-1]) == frame


def test_crc_is_little_endian_over_all_before_it() -> None:
    payload = cobs_decode(unescape(pack(Frame(1, 2, b"abc"))[:-1]))
    assert payload is not None
    assert payload[:-4] == b"\x01\x02abc"
    assert payload[-4:] == zlib.crc32(b"\x01\x02abc").to_bytes(4, "little")


def test_body_too_long() -> None:
    with pytest.raises(InputError, match=r"0\.\.508 bytes; got 509"):
        pack(Frame(1, 1, bytes(509)))


def test_no_frame_has_a_byte_on_the_line_that_lines_take_for_their_own() -> None:
    data = pack(Frame(0x0A, 0x0D, bytes(range(256)) + LINE_CONTROLS * 20))
    assert not set(LINE_CONTROLS) & set(data)


@given(st.lists(st.sampled_from([0x0A, 0x0D, 0x11, 0x13, 0x7D, 0x5D, 0x2A, 0x31, 0, 255])))
def test_escape_round_trip(codes: list[int]) -> None:
    data = bytes(codes)
    assert unescape(escape(data)) == data


@pytest.mark.parametrize("broken", [b"\x7d", b"\x7d\x7d", b"\x7d\x20", b"a\x7d\r"])
def test_unescape_takes_anything(broken: bytes) -> None:
    assert len(unescape(broken)) <= len(broken)


def test_line_controls_between_the_bytes_of_a_frame_are_dropped_and_kept_apart() -> None:
    frame = Frame(3, 4, b"abcdef" * 9)
    data = pack(frame)
    reader = FrameReader()
    assert reader.feed(data[:9] + b"\x13\n" + data[9:20] + b"\x11" + data[20:]) == [frame]
    assert reader.line_bytes == b"\x13\n\x11"
    assert reader.feed(pack(frame)) == [frame]
    assert reader.line_bytes == b"\x13\n\x11"


def test_unpack_refuses_a_long_payload_with_a_right_crc() -> None:
    payload = bytes(2 + 509)
    payload += zlib.crc32(payload).to_bytes(4, "little")
    assert unpack(cobs_encode(payload)) is None


@given(st.binary(max_size=40), st.data())
def test_a_flipped_byte_never_passes(body: bytes, data: st.DataObject) -> None:
    encoded = bytearray(pack(Frame(3, 4, body))[:-1])
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= data.draw(st.integers(1, 255))
    assert unpack(bytes(encoded)) is None


@given(st.lists(st.binary(max_size=30), min_size=1), st.integers(1, 7))
def test_reader_finds_frames_in_any_chunks_between_garbage(bodies: list[bytes], step: int) -> None:
    sent = [Frame(index & 0xFF, 7, body) for index, body in enumerate(bodies)]
    data = b"\0".join([b"garbage", *map(pack, sent)])
    reader = FrameReader()
    got = [frame for at in range(0, len(data), step) for frame in reader.feed(data[at : at + step])]
    assert got == sent
    assert reader.dropped == 1


def test_reader_holds_no_more_than_a_frame_of_an_endless_stream() -> None:
    reader = FrameReader()
    for _ in range(100):
        assert reader.feed(b"\x55" * 1000) == []
    assert len(reader._partial) <= frames._MAX_ESCAPED
    assert reader.feed(b"\0" + pack(Frame(1, 2, b"x"))) == [Frame(1, 2, b"x")]


def test_protocol_numbers_are_the_firmware_s() -> None:
    text = PROTOCOL_HEADER.read_text(encoding="utf-8")
    numbers = {
        name: int(value, 0)
        for name, value in re.findall(r"#define FMQ_(\w+) (0x[0-9A-F]+|\d+)u", text)
    }
    expected = {f"COMMAND_{command.name}": command.value for command in protocol.Command}
    expected |= {f"BUFFER_{buffer.name}": buffer.value for buffer in protocol.Buffer}
    expected |= {f"STAGE_{stage.name}": stage.value for stage in protocol.Stage}
    expected |= {
        f"LINK_{status.name}": status.value for status in protocol.Status if status.value >= 0
    }
    expected |= {
        "STAGE_COUNT": len(protocol.Stage),
        "LINK_PROTOCOL": protocol.PROTOCOL,
        "LINK_MAX_BODY": protocol.MAX_BODY,
        "LINK_OVERHEAD": protocol.OVERHEAD,
        "LINK_ANSWER": protocol.ANSWER,
        "LINK_WINDOW": protocol.WINDOW,
        "LINK_ALL_TENSORS": protocol.ALL_TENSORS,
        "LINK_ESCAPE": protocol.ESCAPE,
        "LINK_ESCAPE_FLIP": protocol.ESCAPE_FLIP,
    }
    assert numbers == expected
    probe = re.search(r'#define FMQ_LINK_PROBE "([^"]*)"', text)
    assert probe is not None
    assert probe[1].encode().decode("unicode_escape").encode() == protocol.PROBE


def test_types_and_statuses_are_the_library_s() -> None:
    def numbers(header: str, pattern: str) -> dict[str, int]:
        text = (LIBRARY_HEADERS / header).read_text(encoding="utf-8")
        return {name: int(value) for name, value in re.findall(pattern, text)}

    expected = {dtype.name.upper(): number for number, dtype in SAMPLE_DTYPES.items()}
    assert numbers("quantizer.h", r"#define FMQ_INPUT_(\w+) (\d+)") == expected
    assert numbers("dequantizer.h", r"#define FMQ_OUTPUT_(\w+) (\d+)") == expected
    assert numbers("status.h", r"FMQ_ERROR_(\w+) = (-\d+)") == {
        status.name: status.value for status in protocol.Status if status.value < 0
    }
