"""Bitstreams in pieces: what arrives whole is what was sent, and damage costs its own map alone."""

from __future__ import annotations

import random
import struct

import pytest

from firmware_tools.gateway.stream_frames import PIECE_COMMAND, StreamAssembler, stream_frames
from firmware_tools.link.frames import Frame, FrameReader, pack
from firmware_tools.link.protocol import MAX_BODY

LIMIT = 5000
DICE = random.Random(4)
STREAMS = [DICE.randbytes(size) for size in (1, 499, 500, 501, 1000, 1234, LIMIT)]


def received(data: bytes, assembler: StreamAssembler, step: int = 64) -> list[bytes]:
    """The bitstreams that come out when bytes come in small pieces."""
    reader, found = FrameReader(), []
    for at in range(0, len(data), step):
        found += [assembler.feed(frame) for frame in reader.feed(data[at : at + step])]
    return [stream for stream in found if stream is not None]


def piece(begin: int, total: int, data: bytes, number: int = 0) -> bytes:
    return pack(Frame(PIECE_COMMAND, number, struct.pack("<II", begin, total) + data))


@pytest.mark.parametrize("step", [1, 7, 4096])
def test_what_was_sent_comes_out(step: int) -> None:
    line = b"".join(stream_frames(stream, number) for number, stream in enumerate(STREAMS))
    assembler = StreamAssembler(LIMIT)
    assert received(line, assembler, step) == STREAMS
    assert assembler.damaged == 0


def test_the_number_goes_round() -> None:
    line = b"".join(stream_frames(STREAMS[4], number) for number in range(254, 260))
    assert received(line, StreamAssembler(LIMIT)) == [STREAMS[4]] * 6


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_lost_piece_costs_one_map(lost: int) -> None:
    pieces = stream_frames(STREAMS[5], 1).split(b"\0")[:-1]
    assert len(pieces) == 3
    del pieces[lost]
    line = b"\0".join([*pieces, b""]) + stream_frames(STREAMS[1], 2) + stream_frames(STREAMS[0], 3)
    assembler = StreamAssembler(LIMIT)
    assert received(line, assembler) == [STREAMS[1], STREAMS[0]]
    assert assembler.damaged == 1


def test_a_device_that_starts_anew_in_the_middle() -> None:
    half = stream_frames(STREAMS[5], 0)[:700]
    assembler = StreamAssembler(LIMIT)
    assert received(half + b"\0" + stream_frames(STREAMS[5], 0), assembler) == [STREAMS[5]]
    assert assembler.damaged == 1


@pytest.mark.parametrize(
    "rubbish",
    [
        pack(Frame(PIECE_COMMAND, 0, b"")),
        pack(Frame(PIECE_COMMAND, 0, bytes(8))),
        piece(0, 0, b"x"),
        piece(0, LIMIT + 1, bytes(500)),
        piece(0, 2**32 - 1, bytes(500)),
        piece(0, 3, b"four"),
        piece(2**32 - 1, 3, b"x"),
        piece(7, 100, b"x"),
    ],
)
def test_pieces_that_cannot_be(rubbish: bytes) -> None:
    assembler = StreamAssembler(LIMIT)
    assert received(rubbish + stream_frames(STREAMS[5], 0), assembler) == [STREAMS[5]]
    assert assembler.damaged == 1


def test_a_piece_of_another_map_in_between() -> None:
    first = stream_frames(STREAMS[5], 1).split(b"\0")
    line = first[0] + b"\0" + piece(500, 1234, b"other", 2) + b"\0".join(first[1:])
    assembler = StreamAssembler(LIMIT)
    assert received(line, assembler) == []
    assert assembler.damaged == 1


def test_other_frames_are_passed_over() -> None:
    other = pack(Frame(0x81, 0, bytes(MAX_BODY)))
    pieces = stream_frames(STREAMS[5], 0).split(b"\0")
    line = (b"\0" + other).join(pieces)
    assembler = StreamAssembler(LIMIT)
    assert received(line, assembler) == [STREAMS[5]]
    assert assembler.damaged == 0
