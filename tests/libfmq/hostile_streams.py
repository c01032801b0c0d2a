"""Feeds the C codec with streams that nobody should send; run under the sanitizers.

Prints how many streams were read. Each has a right CRC-32, so that the parsers see its bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.libfmq.codec_cases import read_in_pieces, small_stream, with_crc
from tests.libfmq.codec_library import Codec, Parser
from tests.libfmq.test_parser_c import streams


def spoilt(data: bytes, rng: np.random.Generator) -> Iterator[bytes]:
    """Every prefix and every flipped bit of a stream, and random bytes behind its start."""
    body = data[:-4]
    for size in range(len(body) + 1):
        yield with_crc(body[:size])
    for bit in range(8 * len(body)):
        flipped = bytearray(body)
        flipped[bit // 8] ^= 1 << bit % 8
        yield with_crc(bytes(flipped))
    for _ in range(300):
        start = body[: rng.integers(0, len(body))]
        yield with_crc(start + rng.bytes(int(rng.integers(0, 60))))


def walk(data: bytes) -> None:
    """Parses all headers, going on behind entropy coded payloads at some byte or other."""
    parser = Parser(data)
    status = parser.status
    while status == 0:
        status, tensor = parser.tensor()
        if status == 0 and parser.skip(tensor) != 0:
            parser.state.position += 5


def read(codec: Codec, data: bytes, rng: np.random.Generator) -> None:
    codec.decode(data)
    read_in_pieces(codec, data, rng, 30)


def main() -> None:
    """Read them all."""
    rng = np.random.default_rng(1)
    count = 0
    for kind in ("laplace", "uniform", "constant"):
        codec, levels, data = small_stream(kind)
        assert codec.encode(levels) == (0, data)
        for stream in spoilt(data, rng):
            read(codec, stream, rng)
            count += 1
    for data in streams():
        for stream in spoilt(data, rng):
            walk(stream)
            count += 1
    print(f"{count} streams")


if __name__ == "__main__":
    main()
