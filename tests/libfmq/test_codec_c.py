"""libfmq's codec beside the Numba path: the same bytes, the same levels, the same refusals."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.libfmq.codec_device import Machine, build_image
from tests.libfmq.codec_library import CONSTANT, ENTROPY, PACKED, Codec, Levels, Reader, Tensor, Writer, library

from firmware_tools.libfmq import context_tables
from firmware_tools.toolchains import DEFAULT_TOOLCHAIN, TOOLCHAINS, sanitizer_environment
from fmq_embedded.entropy import (
    Geometry,
    contexts,
    decode_levels,
    encode_levels,
    pack_levels,
    packed_size,
)
from fmq_embedded.errors import BitstreamError

OK, ARGUMENT, BUFFER, TRUNCATED, SYNTAX, CHECKSUM, UNSUPPORTED, LIMIT = 0, -1, -3, -4, -5, -6, -7, -8

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


# ---- the numbers ----


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


# ---- the same bytes ----


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
    levels = [make_levels(rng, k, t) if t.geometry.count else t.empty() for k, t in zip(kinds, tensors, strict=True)]
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
        4: 2396140660,
        8: 1133949583,
        11: 74317092,
        16: 1345232281,
    }


# ---- bad calls ----


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


# ---- bad streams ----


def small_stream(kind: str = "laplace") -> tuple[Codec, list[Levels], bytes]:
    tensors = [Tensor(Geometry(3, 4, 3), 7, 4, b"one"), Tensor(Geometry(2, 3, 1), 0, 9, b"two")]
    rng = np.random.default_rng(9)
    levels = [make_levels(rng, kind, tensor) for tensor in tensors]
    return Codec(tensors), levels, twin_stream(levels, tensors)


@pytest.mark.parametrize("kind", ["laplace", "uniform", "constant"])
def test_every_prefix_is_refused(kind: str) -> None:
    codec, levels, data = small_stream(kind)
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
    codec, levels, data = small_stream(kind)
    rng = np.random.default_rng(11)
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert codec.decode(bytes(flipped))[0] == CHECKSUM
        assert read_in_pieces(codec, bytes(flipped), rng, 9)[0] != OK


def test_another_deployments_stream_is_refused() -> None:
    codec, levels, data = small_stream()
    for old in (b"preamble", b"one", b"two"):
        for at in range(len(old)):
            new = old[:at] + b"X" + old[at + 1 :]
            other = with_crc(data[:-4].replace(old, new))
            assert codec.decode(other)[0] == UNSUPPORTED


def test_payloads_that_no_encoder_writes_are_refused() -> None:
    codec = Codec([Tensor(Geometry(1, 3, 1), 1, 3)])
    for payload, expected in (
        (b"\x03\x00", SYNTAX),  # no such coding
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


# ---- the sanitizers, the emulator, the static checks ----


def test_hostile_streams_under_the_sanitizers() -> None:
    """Whatever the bytes: no access outside a buffer, nothing undefined, and an end."""
    environment = {
        **os.environ,
        **sanitizer_environment(),
        "FMQ_TEST_SANITIZE": "address",
        "PYTHONMALLOC": "malloc",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.libfmq.hostile_streams"],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[0]) > 2000


@pytest.mark.emulator
@pytest.mark.parametrize("name", sorted(TOOLCHAINS))
@pytest.mark.parametrize("optimise", ["-O2", "-Os"])
def test_a_cortex_m4_writes_and_reads_the_same_bytes(
    tmp_path: Path, name: str, optimise: str
) -> None:
    if not TOOLCHAINS[name].installed():
        assert name != DEFAULT_TOOLCHAIN
        return
    machine = Machine(build_image(tmp_path, name, optimise))
    rng = np.random.default_rng(13)
    for bit_depth in (1, 5, 8, 9, 16):
        tensor = Tensor(Geometry(5, 7, 3), (1 << bit_depth) // 2, bit_depth)
        for kind in KINDS:
            levels = make_levels(rng, kind, tensor)
            expected = twin_stream([levels], [tensor])
            assert machine.encode(tensor, levels) == expected
            status, decoded = machine.decode(tensor, expected)
            assert status == OK
            assert (decoded == levels).all()


@pytest.mark.emulator
@pytest.mark.parametrize("name", sorted(TOOLCHAINS))
@pytest.mark.parametrize("share", [0.5, 0.2, 0.05])
def test_instructions_per_decision_on_a_cortex_m4(tmp_path: Path, name: str, share: float) -> None:
    if not TOOLCHAINS[name].installed():
        assert name != DEFAULT_TOOLCHAIN
        return
    rng = np.random.default_rng(14)
    bits = rng.integers(0, 128, 5000) << 1 | (rng.random(5000) < share)
    cost = Machine(build_image(tmp_path, name)).decision_cost(bits.astype(np.uint8))
    print(f"{name}, {share:.0%} ones: {cost:.1f} instructions per decision")
    assert cost <= 35
