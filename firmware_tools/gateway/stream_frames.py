"""Bitstreams that a device sends on its own: in pieces, each a frame of the link.

A piece is a frame (see `firmware_tools.link.frames`) with the command 0x40, the number of the map
modulo 256 as its sequence number, and the body: where the piece begins and how long the bitstream
is, each 4 bytes, little-endian, and up to 500 bytes of it. The pieces of a map come in order.
"""

from __future__ import annotations

import struct
from typing import Final

from firmware_tools.link.frames import Frame, pack
from firmware_tools.link.protocol import MAX_BODY

PIECE_COMMAND: Final = 0x40
_HEADER: Final = struct.Struct("<II")
PIECE_BYTES: Final = MAX_BODY - _HEADER.size


def stream_frames(stream: bytes, number: int) -> bytes:
    """A bitstream as a device sends it, delimiters included.

    Args:
        stream: at least one byte.
        number: of the map.
    """
    return b"".join(
        pack(
            Frame(
                PIECE_COMMAND,
                number & 0xFF,
                _HEADER.pack(begin, len(stream)) + stream[begin : begin + PIECE_BYTES],
            )
        )
        for begin in range(0, len(stream), PIECE_BYTES)
    )


class StreamAssembler:
    """Puts the pieces of bitstreams together; holds one bitstream at most.

    Args:
        limit: bytes of the longest bitstream that is taken.

    Attributes:
        damaged: bitstreams that were begun and not ended, and pieces without a beginning.
    """

    def __init__(self, limit: int) -> None:
        self.damaged = 0
        self._limit = limit
        self._begun: tuple[int, int] | None = None  # the number and size of what is held
        self._is_lost = False  # pieces of what was counted as damaged may still come
        self._held = bytearray()

    def feed(self, frame: Frame) -> bytes | None:
        """The bitstream that a frame completes. Frames of other commands are passed over."""
        if frame.command != PIECE_COMMAND:
            return None
        piece = frame.body[_HEADER.size :]
        begin, total = _HEADER.unpack_from(frame.body) if piece else (-1, 0)
        if begin == 0:
            if self._begun:
                self._drop()
            self._begun, self._is_lost = (frame.sequence, total), False
        goes_on = (frame.sequence, total) == self._begun and begin == len(self._held)
        if not goes_on or total > self._limit or begin + len(piece) > total:
            self._drop()
            return None
        self._held += piece
        if len(self._held) < total:
            return None
        stream, self._begun = bytes(self._held), None
        self._held.clear()
        return stream

    def _drop(self) -> None:
        """Count a bitstream as damaged once, however many of its pieces are still to come."""
        self.damaged += not self._is_lost
        self._begun, self._is_lost = None, True
        self._held.clear()
