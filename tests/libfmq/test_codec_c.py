"""libfmq's codec beside the Numba path: the same bytes, the same levels."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from firmware_tools.libfmq import context_tables
from fmq_embedded.entropy import (
    Geometry,
    contexts,
    decode_levels,
    encode_levels,
    packed_size,
)
from fmq_embedded.errors import BitstreamError
from tests.libfmq.codec_cases import (
    OK,
    cases,
    make_levels,
    read_in_pieces,
    twin_stream,
    with_crc,
    write_in_pieces,
)
from tests.libfmq.codec_library import (
    CONSTANT,
    ENTROPY,
    PACKED,
    Codec,
    Tensor,
    Writer,
    library,
)


def test_context_tables_are_those_of_the_twin() -> None:
    assert context_tables.PATH.read_text(encoding="ascii") == context_tables.render()


def test_probabilities_never_reach_their_clip() -> None:
    """The C coder leaves the clip out: over all decisions a probability stays inside it."""
    rates = contexts.adaptation_rates().astype(np.int64)
    reachable = np.zeros(65537, bool)
    reachable[contexts.PROBABILITY_START] = True
    for count in [*range(contexts.COUNT_LIMIT), *[contexts.COUNT_LIMIT] * 3000]:
        p = np.flatnonzero(reachable)
        following = np.zeros_like(reachable)
        following[p + (((65536 - p) * rates[count]) >> 16)] = True
        following[p - ((p * rates[count]) >> 16)] = True
        if count == contexts.COUNT_LIMIT:
            following |= reachable
            if (following == reachable).all():
                break
        reachable = following
        p = np.flatnonzero(reachable)
        assert p[0] > contexts.PROBABILITY_MINIMUM and p[-1] < contexts.PROBABILITY_MAXIMUM
    else:
        pytest.fail("the set of probabilities has not settled")


@pytest.mark.parametrize("data", [b"", b"123456789", bytes(range(256)) * 3])
def test_crc32_is_zlibs_in_pieces_too(data: bytes) -> None:
    crc32 = library().fmq_crc32
    assert crc32(0, data, len(data)) == zlib.crc32(data)
    for cut in range(0, len(data), 7):
        assert crc32(crc32(0, data[:cut], cut), data[cut:], len(data) - cut) == zlib.crc32(data)


@pytest.mark.parametrize("bit_depth", range(1, 17))
def test_whole_maps_are_the_twins_bytes(bit_depth: int) -> None:
    chosen = set()
    for tensor, levels in cases(1, bit_depth):
        codec = Codec([tensor])
        expected = twin_stream([levels], [tensor])
        chosen.add(expected[len(b"preamble" + tensor.header)])
        assert codec.encode([levels]) == (OK, expected)
        status, (decoded,) = codec.decode(expected)
        assert status == OK
        assert (decoded == levels).all()
    assert chosen == {ENTROPY, PACKED, CONSTANT}


@pytest.mark.parametrize("bit_depth", range(1, 17))
@pytest.mark.parametrize("largest_piece", [1, 5, 1000])
def test_pieces_are_the_twins_bytes(bit_depth: int, largest_piece: int) -> None:
    rng = np.random.default_rng([bit_depth, largest_piece])
    every = list(cases(2, bit_depth))
    for index in rng.choice(len(every), 12, replace=False):
        tensor, levels = every[index]
        codec = Codec([tensor])
        expected = twin_stream([levels], [tensor])
        assert write_in_pieces(codec, [levels], rng, largest_piece) == expected
        status, (decoded,) = read_in_pieces(codec, expected, rng, largest_piece)
        assert status == OK
        assert (decoded == levels).all()


def test_many_tensors_of_all_codings_and_an_empty_one() -> None:
    rng = np.random.default_rng(3)
    tensors = [
        Tensor(Geometry(9, 8, 7), 127, 8, b"a"),
        Tensor(Geometry(0, 3, 2), 0, 8, b"nothing here"),
        Tensor(Geometry(3, 3, 3), 300, 12, bytes(300)),
        Tensor(Geometry(20, 20, 1), 0, 4, b"\xff" * 5),
        Tensor(Geometry(6, 5, 8), 32767, 16, b"z"),
        Tensor(Geometry(1, 0, 1), 0, 8, b"the end"),
    ]
    kinds = ("laplace", "uniform", "constant", "smooth", "uniform", "laplace")
    levels = [
        make_levels(rng, k, t) if t.geometry.count else t.empty()
        for k, t in zip(kinds, tensors, strict=True)
    ]
    codec = Codec(tensors, b"a longer preamble" * 9)
    expected = twin_stream(levels, tensors, b"a longer preamble" * 9)
    assert codec.encode(levels) == (OK, expected)
    for largest_piece in (1, 3, 40, 5000):
        assert write_in_pieces(codec, levels, rng, largest_piece) == expected
        for status, decoded in (
            read_in_pieces(codec, expected, rng, largest_piece),
            codec.decode(expected),
        ):
            assert status == OK
            assert all((a == b).all() for a, b in zip(decoded, levels, strict=True))


@pytest.mark.parametrize("byte", [0x00, 0xFF])
def test_long_runs_of_bytes_that_wait_for_a_carry(byte: int) -> None:
    """Levels decoded from a payload with a long run of one byte: coded again, they make it."""
    geometry, centre = Geometry(64, 8, 2), 127
    tensor = Tensor(geometry, centre, 8)
    run = bytes([byte]) * 150
    found = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        data = np.frombuffer(rng.bytes(60) + run + rng.bytes(3000), np.uint8)
        try:
            levels, _ = decode_levels(data, 0, geometry, centre, 8)
        except BitstreamError:
            continue
        payload = encode_levels(levels, geometry, centre, 8)
        if bytes([byte]) * 140 not in payload or len(payload) > packed_size(geometry.count, 8):
            continue
        found += 1
        codec = Codec([tensor])
        for largest_piece in (1, 3, 100):
            writer = Writer(codec)
            assert writer.begin(ENTROPY) == OK
            written, at = b"", 0
            while not writer.is_done:
                if writer.is_busy:
                    status, taken = writer.sink(levels.astype(np.uint8)[at:])
                    assert status == OK
                    at += taken
                written += writer.poll(int(rng.integers(1, largest_piece + 1)))
            assert written == with_crc(b"preambleheader\0" + payload)
    assert found


def test_fixed_streams_never_change() -> None:
    """Checksums of streams: neither side may drift, not even both together."""
    rng = np.random.Generator(np.random.PCG64(7))
    digests = {}
    for bit_depth in (1, 4, 8, 11, 16):
        tensor = Tensor(Geometry(12, 10, 6), (1 << bit_depth) // 2 - 1, bit_depth)
        noise = rng.integers(0, 1 << 16, (4, tensor.geometry.count)).sum(axis=0) - (2 << 16)
        levels = np.clip(tensor.centre + noise // (1 << (20 - bit_depth)), 0, (1 << bit_depth) - 1)
        status, data = Codec([tensor]).encode([levels.astype(tensor.dtype)])
        assert status == OK
        digests[bit_depth] = zlib.crc32(data[:-4])
    assert digests == {
        1: 962010967,
        4: 2101295229,
        8: 4054279899,
        11: 1854023457,
        16: 720670191,
    }
