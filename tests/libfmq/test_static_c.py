"""libfmq's static coder beside the Numba path: the same bytes, the same levels, nothing beyond."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firmware_tools.libfmq import static_tables
from fmq_embedded.entropy import (
    Geometry,
    decode_static,
    encode_static,
    pack_levels,
    static_work_size,
)
from fmq_embedded.errors import BitstreamError
from tests.libfmq.codec_cases import (
    ARGUMENT,
    BUFFER,
    GEOMETRIES,
    KINDS,
    OK,
    SYNTAX,
    TRUNCATED,
    make_levels,
    read_in_pieces,
    with_crc,
    write_in_pieces,
)
from tests.libfmq.codec_library import PACKED, Codec, Levels, Tensor, Writer

STATIC = 3
FAST = 1
STATE_SIZE = 1856
LARGE = [Geometry(16, 16, 88), Geometry(40, 30, 7), Geometry(2, 2, 2100), Geometry(1, 5000, 1)]


def tensor_of(geometry: Geometry, centre: int, bit_depth: int) -> Tensor:
    return Tensor(geometry, centre, bit_depth, profile=FAST)


def static_stream(levels: Levels, tensor: Tensor) -> bytes:
    payload = encode_static(levels, tensor.geometry, tensor.centre, tensor.bit_depth)
    return with_crc(b"preamble" + tensor.header + bytes([STATIC]) + payload)


def some_cases(geometry: Geometry, seed: int) -> list[tuple[Tensor, Levels]]:
    rng = np.random.default_rng(seed)
    found = []
    for bit_depth in range(1, 17):
        top = (1 << bit_depth) - 1
        tensor = tensor_of(geometry, (0, top // 2, top)[bit_depth % 3], bit_depth)
        for kind in KINDS:
            levels = make_levels(rng, kind, tensor)
            if (levels != levels[0]).any():
                found.append((tensor, levels))
    return found


def test_tables_are_those_of_the_twin() -> None:
    for name, text in static_tables.render().items():
        assert (static_tables.FOLDER / name).read_text(encoding="ascii") == text


@pytest.mark.parametrize("geometry", GEOMETRIES + LARGE, ids=str)
def test_whole_maps_give_the_same_bytes_and_levels(geometry: Geometry) -> None:
    for tensor, levels in some_cases(geometry, geometry.count):
        codec = Codec([tensor])
        stream, packed = static_stream(levels, tensor), pack_levels(levels, tensor.bit_depth)
        plain = with_crc(b"preamble" + tensor.header + bytes([PACKED]) + packed)
        expected = min(stream, plain, key=len) if len(stream) != len(plain) else plain
        assert codec.encode([levels], misaligned=tensor.bit_depth % 4) == (OK, expected)
        for data in (stream, plain):
            status, back = codec.decode(data)
            assert status == OK
            np.testing.assert_array_equal(back[0], levels)


@pytest.mark.parametrize("geometry", [*GEOMETRIES, Geometry(9, 20, 30)], ids=str)
@pytest.mark.parametrize("largest_piece", [1, 40, 5000])
def test_pieces_of_any_size_give_the_same(geometry: Geometry, largest_piece: int) -> None:
    rng = np.random.default_rng(largest_piece)
    cases = some_cases(geometry, largest_piece)
    for tensor, levels in cases[:: 1 if geometry.count < 300 else 17]:
        codec = Codec([tensor])
        stream = static_stream(levels, tensor)
        assert write_in_pieces(codec, [levels], rng, largest_piece) == stream
        status, back = read_in_pieces(codec, stream, rng, largest_piece)
        assert status == OK
        np.testing.assert_array_equal(back[0], levels)


def test_every_prefix_and_every_flipped_bit_is_judged_as_by_the_twin() -> None:
    for centre, bit_depth in ((0, 4), (8, 5), (100, 10)):
        tensor = tensor_of(Geometry(4, 5, 6), centre, bit_depth)
        levels = make_levels(np.random.default_rng(bit_depth), "laplace", tensor)
        codec = Codec([tensor])
        payload = encode_static(levels, tensor.geometry, centre, bit_depth)
        start = b"preamble" + tensor.header + bytes([STATIC])
        for size in range(len(payload)):
            status, _ = codec.decode(with_crc(start + payload[:size]))
            assert status in (TRUNCATED, SYNTAX)
        for bit in range(8 * len(payload)):
            flipped = bytearray(payload)
            flipped[bit >> 3] ^= 1 << (bit & 7)
            data = np.frombuffer(flipped, np.uint8)
            try:
                expected, end = decode_static(data, 0, tensor.geometry, centre, bit_depth)
            except BitstreamError:
                assert codec.decode(with_crc(start + flipped))[0] in (TRUNCATED, SYNTAX)
                continue
            status, back = codec.decode(with_crc(start + flipped[:end]))
            assert status == OK
            np.testing.assert_array_equal(back[0], expected)


def test_any_bytes_are_judged_as_by_the_twin() -> None:
    rng = np.random.default_rng(7)
    for turn in range(400):
        bit_depth = int(rng.integers(1, 17))
        tensor = tensor_of(Geometry(2, 5, 3), turn % 2, bit_depth)
        payload = bytes([turn % 18]) + rng.bytes(1 + turn % 50)
        data = np.frombuffer(payload, np.uint8)
        try:
            expected, end = decode_static(data, 0, tensor.geometry, tensor.centre, bit_depth)
        except BitstreamError:
            expected, end = None, len(payload)
        start = b"preamble" + tensor.header + bytes([STATIC])
        status, back = Codec([tensor]).decode(with_crc(start + payload[:end]))
        assert (status == OK) == (expected is not None)
        if expected is not None:
            np.testing.assert_array_equal(back[0], expected)


def test_a_level_beyond_the_bit_depth_is_refused() -> None:
    for centre, bit_depth in ((0, 3), (1, 3), (0, 6), (5, 10)):
        tensor = tensor_of(Geometry(4, 4, 4), centre, bit_depth)
        levels = make_levels(np.random.default_rng(5), "laplace", tensor)
        levels[-1] = 1 << bit_depth
        assert Codec([tensor]).encode([levels]) == (ARGUMENT, b"")


def test_a_writer_codes_statically_only_what_it_surveyed() -> None:
    tensor = tensor_of(Geometry(4, 4, 4), 0, 5)
    levels = make_levels(np.random.default_rng(6), "laplace", tensor)
    for profile in (FAST, 0):
        writer = Writer(Codec([replace(tensor, profile=profile)]))
        assert writer.begin(STATIC) == ARGUMENT
    writer = Writer(Codec([tensor, tensor]))
    for _ in range(2):
        assert writer.survey(levels) == OK and writer.choice() == (OK, STATIC)
        assert writer.begin(STATIC) == OK
        at = 0
        while writer.is_busy:
            status, taken = writer.sink(levels[at:])
            assert status == OK
            at += taken
            writer.poll(3)
        assert writer.is_done or writer.begin(STATIC) == ARGUMENT


@pytest.mark.parametrize("bit_depth", [1, 8, 9, 16])
@pytest.mark.parametrize("centre", [0, 1])
def test_the_work_is_what_the_twin_says_and_no_less_will_do(bit_depth: int, centre: int) -> None:
    for geometry in (*GEOMETRIES, *LARGE):
        tensor = tensor_of(geometry, centre, bit_depth)
        codec = Codec([tensor])
        assert codec.work_size == STATE_SIZE + static_work_size(geometry, centre, bit_depth)
    levels = make_levels(np.random.default_rng(8), "ends", tensor)
    stream = static_stream(levels, tensor)
    assert codec.encode([levels], work_size=codec.work_size - 1) == (BUFFER, b"")
    assert codec.decode(stream, codec.work_size - 1)[0] == BUFFER
