"""Frames on a serial line: COBS (consistent overhead byte stuffing), CRC-32, delimiters.

A frame on the line is COBS(payload), escaped, followed by a zero byte. Escaping keeps LF, CR, XON
and XOFF off the line, so lines that translate or take such bytes do no harm. The payload is the
command byte, the sequence byte, the body (0..508 bytes) and the CRC-32 (IEEE 802.3,
little-endian) of all before it.

Source of COBS: S. Cheshire, M. Baker, "Consistent Overhead Byte Stuffing",
IEEE/ACM Transactions on Networking 7 (2), 1999.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from firmware_tools.link.protocol import ESCAPE, ESCAPE_FLIP, MAX_BODY, OVERHEAD
from fmq_embedded.errors import InputError

DELIMITER = b"\0"
LINE_CONTROLS = b"\n\r\x11\x13"
"""LF, CR, XON, XOFF: no frame has them on the line."""
_RUN = 254
_MAX_ENCODED = MAX_BODY + OVERHEAD + (MAX_BODY + OVERHEAD) // _RUN + 1
_MAX_ESCAPED = 2 * _MAX_ENCODED
_OTHERS = bytes(byte for byte in range(256) if byte not in LINE_CONTROLS)
_ESCAPE = bytes((ESCAPE,))


@dataclass(frozen=True)
class Frame:
    """One frame: the command byte, the sequence number (0..255) and the body."""

    command: int
    sequence: int
    body: bytes


def cobs_encode(data: bytes) -> bytes:
    """`data` with no zero byte in it: at most one byte longer for each 254, and one.

    A run of exactly 254 bytes at the end is not followed by an empty run.
    """
    out = bytearray()
    runs = data.split(b"\0")
    for index, run in enumerate(runs):
        full, rest = divmod(len(run), _RUN)
        for at in range(full):
            out.append(_RUN + 1)
            out += run[at * _RUN : (at + 1) * _RUN]
        if rest or not full or index < len(runs) - 1:
            out.append(rest + 1)
            out += run[full * _RUN :]
    return bytes(out)


def cobs_decode(data: bytes) -> bytes | None:
    """The bytes that `cobs_encode` was given, or None if `data` is no such encoding."""
    out = bytearray()
    at = 0
    while at < len(data):
        code = data[at]
        run = data[at + 1 : at + code]
        if code == 0 or len(run) != code - 1 or 0 in run:
            return None
        out += run
        at += code
        if code <= _RUN and at < len(data):
            out.append(0)
    return bytes(out) if data else None


def escape(data: bytes) -> bytes:
    """`data` with no byte in it that lines take for their own."""
    for byte in _ESCAPE + LINE_CONTROLS:
        data = data.replace(bytes((byte,)), bytes((ESCAPE, byte ^ ESCAPE_FLIP)))
    return data


def unescape(data: bytes) -> bytes:
    """What `escape` was given; raw line ends and flow control, which a line put in, are dropped."""
    first, *others = data.translate(None, LINE_CONTROLS).split(_ESCAPE)
    return first + b"".join(bytes((part[0] ^ ESCAPE_FLIP,)) + part[1:] for part in others if part)


def pack(frame: Frame) -> bytes:
    """The bytes of a frame on the line, delimiter included.

    Raises:
        InputError: the body is longer than a frame carries.
    """
    if len(frame.body) > MAX_BODY:
        raise InputError(
            f"a frame carries a body of 0..{MAX_BODY} bytes; got {len(frame.body)}; "
            "send it in parts"
        )
    payload = bytes((frame.command, frame.sequence)) + frame.body
    payload += zlib.crc32(payload).to_bytes(4, "little")
    return escape(cobs_encode(payload)) + DELIMITER


def unpack(encoded: bytes) -> Frame | None:
    """The frame between two delimiters, or None if it is not intact."""
    encoded = unescape(encoded)
    if len(encoded) > _MAX_ENCODED:
        return None
    payload = cobs_decode(encoded)
    if payload is None or not OVERHEAD <= len(payload) <= MAX_BODY + OVERHEAD:
        return None
    if zlib.crc32(payload[:-4]) != int.from_bytes(payload[-4:], "little"):
        return None
    return Frame(payload[0], payload[1], payload[2:-4])


class FrameReader:
    """Takes bytes as they come and gives the intact frames among them.

    Attributes:
        dropped: how many pieces between delimiters were no intact frame.
        line_bytes: the raw line ends and flow control of the last piece that had any.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self.line_bytes = b""
        self._partial = bytearray()
        self._is_void = False

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes, in order. Holds at most one frame's bytes."""
        frames = []
        *complete, rest = data.split(DELIMITER)
        for piece in complete:
            self._append(piece)
            self.line_bytes = bytes(self._partial.translate(None, _OTHERS)) or self.line_bytes
            frame = None if self._is_void else unpack(bytes(self._partial))
            if frame is not None:
                frames.append(frame)
            elif self._partial:
                self.dropped += 1
            self._partial.clear()
            self._is_void = False
        self._append(rest)
        return frames

    def _append(self, piece: bytes) -> None:
        room = _MAX_ESCAPED - len(self._partial)
        self._is_void = self._is_void or len(piece) > room
        self._partial += piece[:room]
