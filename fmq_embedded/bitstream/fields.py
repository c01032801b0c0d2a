"""Fields of the bitstream: one writer and one reader with the same methods.

A syntax function names each field once, as an attribute of a record; the writer takes its value
from there, the reader puts it there. So what is written and what is read cannot drift apart.
"""

from __future__ import annotations

import math
import struct
from typing import Any, NoReturn, Protocol

from fmq_embedded.errors import BitstreamError, InputError

VARINT_LIMIT = 1 << 32


class Fields(Protocol):
    """What a syntax function may ask for; `record` is a plain object with attributes."""

    def u8(self, record: Any, name: str) -> None:
        """One byte."""

    def varint(self, record: Any, name: str) -> None:
        """An unsigned integer below 2^32, seven bits a byte, lowest first."""

    def svarint(self, record: Any, name: str) -> None:
        """A signed integer: v as 2v, or −2v − 1 where v is negative."""

    def varints(self, record: Any, name: str, count: int) -> None:
        """A tuple of `count` varints."""

    def float32(self, record: Any, name: str) -> None:
        """A finite IEEE 754 binary32, little-endian."""

    def float32s(self, record: Any, name: str, count: int) -> None:
        """A tuple of `count` of them."""

    def u32(self, record: Any, name: str) -> None:
        """Four bytes, little-endian."""

    def sized_bytes(self, record: Any, name: str, limit: int) -> None:
        """A varint with the size, at most `limit`, and then that many bytes."""


class Writer:
    """Writes the attributes of records."""

    def __init__(self) -> None:
        self.data = bytearray()

    def u8(self, record: Any, name: str) -> None:
        self.data.append(getattr(record, name))

    def varint(self, record: Any, name: str) -> None:
        self._append_varint(getattr(record, name), name)

    def svarint(self, record: Any, name: str) -> None:
        value = getattr(record, name)
        self._append_varint(2 * value if value >= 0 else -2 * value - 1, name)

    def varints(self, record: Any, name: str, count: int) -> None:
        for value in getattr(record, name):
            self._append_varint(value, name)

    def float32(self, record: Any, name: str) -> None:
        self.data += struct.pack("<f", getattr(record, name))

    def float32s(self, record: Any, name: str, count: int) -> None:
        self.data += struct.pack(f"<{count}f", *getattr(record, name))

    def u32(self, record: Any, name: str) -> None:
        self.data += struct.pack("<I", getattr(record, name))

    def sized_bytes(self, record: Any, name: str, limit: int) -> None:
        value = getattr(record, name)
        if len(value) > limit:
            raise InputError(f"{name} takes at most {limit} bytes; got {len(value)}")
        self._append_varint(len(value), name)
        self.data += value

    def _append_varint(self, value: int, name: str) -> None:
        if not 0 <= value < VARINT_LIMIT:
            raise InputError(f"{name} must be 0..2^32 − 1 to be coded; got {value}")
        while value > 0x7F:
            self.data.append(value & 0x7F | 0x80)
            value >>= 7
        self.data.append(value)


class Reader:
    """Reads attributes into records from bytes that nobody vouches for.

    Every method raises BitstreamError when the data end or a field cannot be.
    """

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position

    def u8(self, record: Any, name: str) -> None:
        setattr(record, name, self._take(1, name)[0])

    def varint(self, record: Any, name: str) -> None:
        setattr(record, name, self._take_varint(name))

    def svarint(self, record: Any, name: str) -> None:
        value = self._take_varint(name)
        setattr(record, name, -((value + 1) >> 1) if value & 1 else value >> 1)

    def varints(self, record: Any, name: str, count: int) -> None:
        setattr(record, name, tuple(self._take_varint(name) for _ in range(count)))

    def float32(self, record: Any, name: str) -> None:
        self.float32s(record, name, 1)
        setattr(record, name, getattr(record, name)[0])

    def float32s(self, record: Any, name: str, count: int) -> None:
        values = struct.unpack(f"<{count}f", self._take(4 * count, name))
        if not all(map(math.isfinite, values)):
            self.fail(f"{name} holds a value that is not finite")
        setattr(record, name, values)

    def u32(self, record: Any, name: str) -> None:
        setattr(record, name, struct.unpack("<I", self._take(4, name))[0])

    def sized_bytes(self, record: Any, name: str, limit: int) -> None:
        size = self._take_varint(f"size of {name}")
        if size > limit:
            self.fail(f"{name} declares {size} bytes; at most {limit} are allowed")
        setattr(record, name, self._take(size, name))

    def fail(self, problem: str) -> NoReturn:
        """Raise a BitstreamError that says where."""
        raise BitstreamError(f"{problem} (at byte {self.position} of {len(self.data)})")

    def _take(self, size: int, name: str) -> bytes:
        if size > len(self.data) - self.position:
            self.fail(f"the stream ends inside {name}: it is truncated")
        self.position += size
        return bytes(self.data[self.position - size : self.position])

    def _take_varint(self, name: str) -> int:
        value, shift, byte = 0, 0, 0x80
        while byte & 0x80 and shift < 35:
            byte = self._take(1, name)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
        if byte & 0x80 or value >= VARINT_LIMIT or (shift > 7 and byte == 0):
            self.fail(f"{name} is not a varint below 2^32 in its shortest form")
        return value
