"""The static coder: exact round trips, its end, what it refuses, and that its stream stays."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from fmq_embedded.entropy import (
    Geometry,
    decode_static,
    encode_levels,
    encode_static,
    packed_size,
    static_tables,
)
from fmq_embedded.entropy.static_levels import plain_model
from fmq_embedded.errors import BitstreamError
from tests.entropy.test_levels import as_bytes, laplace_levels

SHAPES = [(1, 1, 1), (1, 7, 3), (7, 1, 3), (5, 7, 3), (2, 1, 40), (40, 9, 13), (2, 2, 2100)]


def relu_levels(shape: tuple[int, ...], depth: int, scale: float, seed: int = 0) -> np.ndarray:
    """Half of them 0, with neighbours alike."""
    drawn = np.random.default_rng(seed).normal(0, scale, shape)
    smooth = drawn + np.roll(drawn, 1, 0) + np.roll(drawn, 1, 1)
    return np.clip(np.rint(smooth), 0, (1 << depth) - 1).astype(np.uint16)


def assert_round_trip(levels: np.ndarray, centre: int, depth: int) -> bytes:
    geometry = Geometry.of(levels.shape)
    data = encode_static(levels, geometry, centre, depth)
    for following in (b"", b"\xff" * 9):
        back, end = decode_static(as_bytes(b"xyz" + data + following), 3, geometry, centre, depth)
        np.testing.assert_array_equal(back, levels.reshape(-1))
        assert end == 3 + len(data)
    return data


@pytest.mark.parametrize("depth", range(1, 17))
@pytest.mark.parametrize("shape", SHAPES)
def test_round_trip_for_every_bit_depth_and_centre(depth: int, shape: tuple[int, ...]) -> None:
    top = (1 << depth) - 1
    for scale in (0.1, 1.5, 1 << max(depth - 3, 0)):
        levels = laplace_levels(shape, depth, scale)
        for centre in {0, 1 << depth >> 1, top}:
            assert_round_trip(levels, centre, depth)
        assert_round_trip(relu_levels(shape, depth, scale), 0, depth)


@pytest.mark.parametrize("level", [0, 1, 200, 255])
def test_a_map_of_one_level_and_one_of_its_ends(level: int) -> None:
    assert_round_trip(np.full((6, 50, 9), level, np.uint16), 200, 8)
    ends = np.random.default_rng(level).choice([0, 65535], (9, 9, 9)).astype(np.uint16)
    assert_round_trip(ends, 1 + 250 * level, 16)


@pytest.mark.parametrize(
    "model", [static_tables.BY_NEIGHBOURS, static_tables.NARROW, static_tables.WIDE + 3]
)
def test_each_model_is_taken(model: int) -> None:
    """Neighbours alike; none; none, and large magnitudes."""
    rng = np.random.default_rng(1)
    shape = (16, 16, 20)
    levels = relu_levels(shape, 8, 1.0)
    if model != static_tables.BY_NEIGHBOURS:
        scale = 1.2 if model == static_tables.NARROW else 25.0
        levels = np.clip(np.rint(rng.normal(0, scale, shape)), 0, 255).astype(np.uint16)
    assert assert_round_trip(levels, 0, 8)[0] == model


def test_noise_takes_no_more_than_a_byte_a_block_beside_packing() -> None:
    levels = np.random.default_rng(2).integers(0, 256, (30, 30, 20)).astype(np.uint16)
    data = assert_round_trip(levels, 0, 8)
    assert len(data) <= packed_size(levels.size, 8) + 1 + 5 + -(-levels.size // 2040)


def test_bits_stay_near_those_of_the_contexts_that_learn() -> None:
    geometry = Geometry(32, 32, 32)
    levels = relu_levels((32, 32, 32), 6, 1.2)
    fast, standard = (
        len(coder(levels, geometry, 0, 6)) for coder in (encode_static, encode_levels)
    )
    assert fast < 1.15 * standard


def test_every_prefix_and_every_flipped_bit_is_refused_or_decoded_in_bounds() -> None:
    geometry = Geometry(9, 9, 5)
    for seed, (centre, depth) in enumerate([(0, 4), (8, 5), (100, 10)]):
        levels = laplace_levels((9, 9, 5), depth, 2.0, seed)
        data = encode_static(levels, geometry, centre, depth)
        for size in range(len(data)):
            with pytest.raises(BitstreamError):
                decode_static(as_bytes(data[:size]), 0, geometry, centre, depth)
        for bit in range(8 * len(data)):
            flipped = bytearray(data)
            flipped[bit >> 3] ^= 1 << (bit & 7)
            try:
                back, end = decode_static(as_bytes(bytes(flipped)), 0, geometry, centre, depth)
            except BitstreamError:
                continue
            assert back.max() < 1 << depth and end <= len(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x12\0", id="model"),
        pytest.param(b"\0\x04", id="class"),
        pytest.param(b"\0\0\xc1", id="kind"),
        pytest.param(b"\0\0\0\0\x7f\xff", id="low state"),
        pytest.param(b"\0\0\xc0\x40", id="fill"),
        pytest.param(b"\0\0\x80\x80\x01", id="left state"),
    ],
)
def test_what_cannot_be_is_refused(data: bytes) -> None:
    with pytest.raises(BitstreamError):
        decode_static(as_bytes(data), 0, Geometry(1, 2, 1), 0, 3)


def test_any_bytes_are_refused_or_decoded_in_bounds() -> None:
    rng = np.random.default_rng(4)
    for turn in range(300):
        depth = int(rng.integers(1, 17))
        data = bytes([turn % 18, turn % 4]) + rng.bytes(60)
        try:
            back, _ = decode_static(as_bytes(data), 0, Geometry(1, 25, 1), turn % 2, depth)
        except BitstreamError:
            continue
        assert int(back.max()) < 1 << depth


def test_distributions_are_whole() -> None:
    for row in static_tables.FREQUENCIES:
        assert len(row) == static_tables.SYMBOLS and min(row) >= 1
        assert sum(row) == 1 << static_tables.PRECISION


def test_the_stream_has_not_changed() -> None:
    crc = 0
    for depth, centre in ((1, 0), (4, 0), (5, 12), (8, 255), (12, 2000), (16, 0)):
        levels = laplace_levels((12, 13, 7), depth, 2.0 ** max(depth - 4, 0), depth)
        for values in (levels, relu_levels((12, 13, 17), depth, 1.5, depth)):
            crc = zlib.crc32(encode_static(values, Geometry.of(values.shape), centre, depth), crc)
    assert crc == 3878815895


def test_the_plain_model_is_the_narrowest_whose_limit_holds() -> None:
    numerator, denominator = static_tables.WIDE_LIMIT
    drawn = np.random.default_rng(3)
    for count in (1, 2, 7, 5000):
        for excess in {0, 1, *drawn.integers(0, 65534 * count, 200).tolist(), 65534 * count}:
            model = plain_model(excess, count)
            if model == static_tables.NARROW:
                assert (
                    excess * static_tables.NARROW_LIMIT[1] <= count * static_tables.NARROW_LIMIT[0]
                )
                continue
            shift = model - static_tables.WIDE
            assert denominator * excess <= numerator * count << shift
            assert shift == 0 or denominator * excess > numerator * count << (shift - 1)
            assert shift <= static_tables.LARGEST_SHIFT
