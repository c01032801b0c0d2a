"""Maps to code, what the Numba path makes of them, and the C streams in pieces."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import numpy as np

from fmq_embedded.entropy import Geometry, encode_levels, pack_levels
from tests.libfmq.codec_library import (
    CONSTANT,
    ENTROPY,
    PACKED,
    Codec,
    Levels,
    Reader,
    Tensor,
    Writer,
)

OK, ARGUMENT, BUFFER, TRUNCATED, SYNTAX, CHECKSUM, UNSUPPORTED, LIMIT = (
    0,
    -1,
    -3,
    -4,
    -5,
    -6,
    -7,
    -8,
)

GEOMETRIES = [
    Geometry(1, 1, 1),
    Geometry(1, 37, 1),
    Geometry(41, 1, 1),
    Geometry(1, 1, 23),
    Geometry(3, 1, 5),
    Geometry(1, 4, 9),
    Geometry(5, 7, 3),
    Geometry(16, 16, 4),
]
KINDS = ("laplace", "uniform", "sparse", "constant", "ends", "smooth")


def make_levels(rng: np.random.Generator, kind: str, tensor: Tensor) -> Levels:
    count, largest = tensor.geometry.count, (1 << tensor.bit_depth) - 1
    if kind == "uniform":
        values = rng.integers(0, largest + 1, count)
    elif kind == "constant":
        values = np.full(count, rng.integers(0, largest + 1))
    elif kind == "ends":
        values = rng.choice([0, largest], count)
    elif kind == "sparse":
        values = tensor.centre + (rng.random(count) < 0.03) * rng.integers(-largest, largest + 1)
    elif kind == "smooth":
        values = tensor.centre + np.cumsum(rng.integers(-2, 3, count))
    else:
        scale = max(largest / 2 ** rng.integers(1, 9), 0.3)
        values = np.rint(tensor.centre + rng.laplace(0, scale, count))
    return np.clip(values, 0, largest).astype(tensor.dtype)


def twin_payload(levels: Levels, tensor: Tensor) -> tuple[int, bytes]:
    """The rule of the specification, on the functions of the Numba path."""
    if (levels == levels[0]).all():
        level = int(levels[0])
        groups = [level >> shift & 0x7F for shift in range(0, max(level.bit_length(), 1), 7)]
        return CONSTANT, bytes([g | 0x80 for g in groups[:-1]] + groups[-1:])
    packed = pack_levels(levels, tensor.bit_depth)
    coded = encode_levels(levels, tensor.geometry, tensor.centre, tensor.bit_depth)
    return (ENTROPY, coded) if len(coded) < len(packed) else (PACKED, packed)


def twin_stream(
    levels: Sequence[Levels], tensors: Sequence[Tensor], preamble: bytes = b"preamble"
) -> bytes:
    data = preamble
    for array, tensor in zip(levels, tensors, strict=True):
        data += tensor.header
        if tensor.geometry.count:
            coding, payload = twin_payload(array, tensor)
            data += bytes([coding]) + payload
    return with_crc(data)


def with_crc(data: bytes) -> bytes:
    return data + zlib.crc32(data).to_bytes(4, "little")


def centres(bit_depth: int) -> list[int]:
    largest = (1 << bit_depth) - 1
    return sorted({0, largest // 2, largest, min(3, largest)})


def cases(seed: int, bit_depth: int) -> Iterator[tuple[Tensor, Levels]]:
    rng = np.random.default_rng([seed, bit_depth])
    for geometry in GEOMETRIES:
        for centre in centres(bit_depth):
            tensor = Tensor(geometry, centre, bit_depth)
            for kind in KINDS:
                yield tensor, make_levels(rng, kind, tensor)


def write_in_pieces(
    codec: Codec, levels: Sequence[Levels], rng: np.random.Generator, largest_piece: int
) -> bytes:
    """Levels and bytes in pieces of random sizes, the choice by the size-only pass."""
    writer = Writer(codec)
    data = b""

    def piece() -> int:
        return int(rng.integers(1, largest_piece + 1))

    for array in levels:
        coding = CONSTANT
        at = 0
        while at < array.size:
            size = piece()
            assert writer.survey(array[at : at + size]) == OK
            at += size
        if array.size:
            status, coding = writer.choice()
            assert status == OK
        assert writer.begin(coding) == OK
        at = 0
        while writer.is_busy:
            status, taken = writer.sink(array[at : at + piece()])
            assert status == OK
            at += taken
            data += writer.poll(piece())
    while not writer.is_done:
        data += writer.poll(piece())
    assert writer.poll(9) == b""
    return data


def read_in_pieces(
    codec: Codec, data: bytes, rng: np.random.Generator, largest_piece: int
) -> tuple[int, list[Levels]]:
    """The status at the end and the levels; bytes and levels in pieces of random sizes."""
    reader = Reader(codec)
    levels = [tensor.empty() for tensor in codec.tensors]
    sunk = 0
    for array in levels:
        at = 0
        while at < array.size:
            sunk += reader.sink(data[sunk : sunk + int(rng.integers(1, largest_piece + 1))])
            if sunk == len(data):
                reader.end()
            piece = array[at : at + int(rng.integers(1, largest_piece + 1))]
            status, polled = reader.poll(piece)
            if status != OK:
                return status, levels
            at += polled
    while not reader.is_done:
        sunk += reader.sink(data[sunk:])
        if sunk == len(data):
            reader.end()
        status, _ = reader.poll(np.zeros(0, np.uint8))
        if status != OK:
            return status, levels
    return OK, levels


def small_stream(kind: str = "laplace") -> tuple[Codec, list[Levels], bytes]:
    tensors = [Tensor(Geometry(3, 4, 3), 7, 4, b"one"), Tensor(Geometry(2, 3, 1), 0, 9, b"two")]
    rng = np.random.default_rng(9)
    levels = [make_levels(rng, kind, tensor) for tensor in tensors]
    return Codec(tensors), levels, twin_stream(levels, tensors)
