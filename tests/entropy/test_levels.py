"""The entropy coder: exact round trips, its end, and the worst case."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmq_embedded.entropy import (
    Geometry,
    contexts,
    decode_levels,
    encode_levels,
    pack_levels,
    packed_size,
    unpack_levels,
)
from fmq_embedded.errors import BitstreamError


def laplace_levels(shape: tuple[int, ...], depth: int, scale: float, seed: int = 0) -> np.ndarray:
    """Levels about the middle of the range."""
    drawn = np.random.default_rng(seed).laplace(0, scale, shape)
    centre = (1 << depth) // 2
    return np.clip(np.rint(drawn) + centre, 0, (1 << depth) - 1).astype(np.uint16)


def as_bytes(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8)


@pytest.mark.parametrize("depth", range(1, 17))
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 7, 3), (7, 1, 3), (5, 7, 3), (2, 1, 40)])
def test_round_trip_for_every_bit_depth_and_centre(depth: int, shape: tuple[int, ...]) -> None:
    levels = laplace_levels(shape, depth, 1.5 * (1 << max(depth - 6, 0)))
    geometry = Geometry.of(shape)
    for centre in {0, (1 << depth) // 2, (1 << depth) - 1}:
        data = encode_levels(levels, geometry, centre, depth)
        if len(data) > packed_size(levels.size, depth):
            continue
        for following in (b"\x00" * 4, b"\xff" * 4):
            back, end = decode_levels(
                as_bytes(b"xyz" + data + following), 3, geometry, centre, depth
            )
            np.testing.assert_array_equal(back, levels.reshape(-1))
            assert end == 3 + len(data)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_round_trip_of_any_levels(data: st.DataObject) -> None:
    depth = data.draw(st.integers(1, 16))
    shape = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 5)))
    top = (1 << depth) - 1
    level = st.one_of(st.integers(0, top), st.just(top // 2))
    levels = data.draw(st.lists(level, min_size=math.prod(shape), max_size=math.prod(shape)))
    centre = data.draw(st.integers(0, top))
    coded = encode_levels(levels, Geometry(*shape), centre, depth)
    assert len(coded) <= packed_size(len(levels), depth) + 1
    if len(coded) <= packed_size(len(levels), depth):
        back, end = decode_levels(as_bytes(coded + b"\x5a" * 4), 0, Geometry(*shape), centre, depth)
        assert back.tolist() == levels
        assert end == len(coded)


def test_a_map_coded_in_pieces_is_the_same_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    geometry = Geometry(5, 4, 7)
    coded = laplace_levels((5, 4, 7), 8, 3.0)
    whole = encode_levels(coded, geometry, 128, 8)
    for piece in (1, 3, 7, 13, 28, 64):
        monkeypatch.setattr("fmq_embedded.entropy.levels.PIECE", piece)
        assert encode_levels(coded, geometry, 128, 8) == whole


def test_a_carry_runs_through_waiting_bytes() -> None:
    # Long runs of the likelier symbol drive low towards its top: some of these streams hold a
    # byte 0xFF followed by a carry, which only a right carry chain decodes.
    seen = 0
    for seed in range(300):
        levels = (np.random.default_rng(seed).random(600) < 0.02).astype(np.uint16)
        coded = encode_levels(levels, Geometry(1, 600, 1), 0, 1)
        seen += b"\x00\x00" in coded or b"\xff" in coded
        back, _ = decode_levels(as_bytes(coded + b"\x00" * 4), 0, Geometry(1, 600, 1), 0, 1)
        np.testing.assert_array_equal(back, levels)
    assert seen > 10


def test_a_dead_map_costs_next_to_nothing() -> None:
    levels = np.zeros(100_000, np.uint16)
    assert len(encode_levels(levels, Geometry(100, 100, 10), 0, 8)) < 40


def test_bits_stay_near_the_entropy_of_independent_levels() -> None:
    levels = laplace_levels((40, 40, 16), 8, 2.0)
    counts = np.bincount(levels.reshape(-1))
    probabilities = counts[counts > 0] / levels.size
    entropy_bytes = -(probabilities * np.log2(probabilities)).sum() * levels.size / 8
    assert len(encode_levels(levels, Geometry(40, 40, 16), 128, 8)) < 1.04 * entropy_bytes


def test_a_truncated_payload_never_reaches_past_its_end() -> None:
    # Zeros stand in for what is missing; they may decode to fewer bytes than were there, which
    # the stream's checksum finds. What needs more than there is must be refused here.
    levels = laplace_levels((6, 6, 4), 6, 3.0)
    coded = encode_levels(levels, Geometry(6, 6, 4), 32, 6)
    refused = 0
    for size in range(len(coded)):
        try:
            _, end = decode_levels(as_bytes(coded[:size]), 0, Geometry(6, 6, 4), 32, 6)
        except BitstreamError:
            refused += 1
        else:
            assert end <= size
    assert refused > len(coded) // 2


def test_random_bytes_never_give_a_level_out_of_range() -> None:
    generator = np.random.default_rng(1)
    for depth in (1, 3, 8, 12, 16):
        for _ in range(50):
            data = generator.integers(0, 256, 200, dtype=np.uint8)
            try:
                levels, end = decode_levels(data, 0, Geometry(3, 3, 3), 1, depth)
            except BitstreamError:
                continue
            assert levels.max() < 1 << depth
            assert end <= data.size


def test_a_huge_geometry_over_few_bytes_stops_early() -> None:
    with pytest.raises(BitstreamError, match="truncated"):
        decode_levels(as_bytes(b"\x12\x34\x56\x78"), 0, Geometry(1, 1 << 24, 1), 128, 8)


@pytest.mark.parametrize("depth", range(1, 17))
def test_packed_bits(depth: int) -> None:
    levels = np.random.default_rng(depth).integers(0, 1 << depth, 77).astype(np.uint16)
    data = pack_levels(levels, depth)
    number = sum(int(level) << (depth * i) for i, level in enumerate(levels))
    assert int.from_bytes(data, "little") == number
    assert len(data) == packed_size(77, depth) == -(-77 * depth // 8)
    back, end = unpack_levels(as_bytes(b"ab" + data + b"c"), 2, 77, depth)
    np.testing.assert_array_equal(back, levels)
    assert end == 2 + len(data)


def test_packed_levels_refuse_what_cannot_be() -> None:
    with pytest.raises(BitstreamError, match="bytes are missing"):
        unpack_levels(as_bytes(b"\x01"), 0, 9, 1)
    with pytest.raises(BitstreamError, match="are not 0"):
        unpack_levels(as_bytes(b"\xff"), 0, 7, 1)


def test_geometry_of_shapes() -> None:
    expected = {
        (): (1, 1, 1),
        (9,): (1, 9, 1),
        (4, 9): (4, 9, 1),
        (4, 5, 6): (4, 5, 6),
        (2, 4, 5, 6): (8, 5, 6),
        (1, 1, 6): (1, 6, 1),
        (1, 1, 1, 6): (1, 6, 1),
        (2, 1, 6): (2, 1, 6),
    }
    for shape, triple in expected.items():
        assert Geometry.of(shape) == Geometry(*triple)


def test_context_layout_has_no_gap_and_no_overlap() -> None:
    assert contexts.SIGN_CONTEXTS == 17 * 9
    assert contexts.SILENT_CONTEXT == 153 + 9 + 136 + 63
    assert contexts.CONTEXT_COUNT == contexts.SILENT_CONTEXT + 1
    assert contexts.adaptation_rates()[0] == 32768
    assert contexts.estimate_bins()[[0, 5, 6, 7, 220]].tolist() == [0, 5, 5, 6, 16]
