"""The numbers of the link protocol: `firmware_tools/app/protocol.h` has the same ones."""

from __future__ import annotations

from enum import IntEnum

PROTOCOL = 1
MAX_BODY = 508
"""The largest body of a frame, in bytes; in an answer its first byte is the status."""
OVERHEAD = 6
"""Command, sequence number and CRC-32, in bytes."""
ANSWER = 0x80
"""Set in the command byte of an answer."""
WINDOW = 8
"""Requests that may be in flight together."""
ALL_TENSORS = 0xFF
ESCAPE = 0x7D
"""Stands before a byte that lines take for their own: LF, CR, XON, XOFF, and itself."""
ESCAPE_FLIP = 0x20
PROBE = b"\n\r\x11\x13\r\n"
"""Sent raw to find out what a line does to such bytes."""


class Command(IntEnum):
    """What a request asks for."""

    IDENTIFY = 0x01
    NAMES = 0x02
    DESCRIBE = 0x03
    LOAD_INPUT = 0x04
    LOAD_STREAM = 0x05
    QUANTIZE = 0x06
    ENCODE = 0x07
    DECODE = 0x08
    DEQUANTIZE = 0x09
    READ = 0x0A
    COUNTERS = 0x0B
    STACK = 0x0C
    RESET_COUNTERS = 0x0D
    LINE = 0x0E
    TABLES = 0x0F
    TABLES_ERASE = 0x10
    TABLES_LOAD = 0x11
    TABLES_COMMIT = 0x12
    TABLES_REVERT = 0x13


class Buffer(IntEnum):
    """What `Command.READ` reads."""

    LEVELS = 0
    STREAM = 1
    SAMPLES = 2


class Stage(IntEnum):
    """The stages that the device times, in the order of `Command.COUNTERS`."""

    QUANTIZE = 0
    ENCODE = 1
    DECODE = 2
    DEQUANTIZE = 3


class Status(IntEnum):
    """The status byte of an answer: the link's own above 0, the C library's below."""

    OK = 0
    UNKNOWN_COMMAND = 1
    BAD_SIZE = 2
    BAD_TENSOR = 3
    BAD_RANGE = 4
    STORAGE = 5
    BAD_TABLES = 6
    NO_STORAGE = 7
    NOT_AUTHENTIC = 8
    NOT_NEWER = 9
    ARGUMENT = -1
    NONFINITE = -2
    BUFFER = -3
    TRUNCATED = -4
    SYNTAX = -5
    CHECKSUM = -6
    UNSUPPORTED = -7
    LIMIT = -8
