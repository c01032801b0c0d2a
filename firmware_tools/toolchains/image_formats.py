"""An image as the files that flashers and boot loaders take."""

from __future__ import annotations

import struct

HEX_BYTES = 16
UF2_DATA = 256
UF2_BLOCK = 512
UF2_MAGIC_START = (0x0A324655, 0x9E5D5157)
UF2_MAGIC_END = 0x0AB16F30
UF2_FAMILY_PRESENT = 0x2000


def intel_hex(image: bytes, address: int) -> str:
    """Intel's hexadecimal object file (revision A, 1988): data and extended linear addresses.

    Args:
        image: the bytes.
        address: of the first of them, below 2^32.
    """
    lines = []
    upper = None
    at = 0
    while at < len(image):
        place = address + at
        if place >> 16 != upper:
            upper = place >> 16
            lines.append(_hex_record(0, 4, struct.pack(">H", upper)))
        # no record crosses a line of 16 bytes, so none crosses 64 KB
        size = min(HEX_BYTES - place % HEX_BYTES, len(image) - at)
        lines.append(_hex_record(place & 0xFFFF, 0, image[at : at + size]))
        at += size
    lines.append(_hex_record(0, 1, b""))
    return "\n".join(lines) + "\n"


def _hex_record(address: int, kind: int, data: bytes) -> str:
    record = struct.pack(">BHB", len(data), address, kind) + data
    return f":{(record + bytes([-sum(record) & 0xFF])).hex().upper()}"


def uf2(image: bytes, address: int, family: int) -> bytes:
    """UF2 blocks of 512 bytes with 256 bytes of data each; the last is filled with zeros.

    Args:
        image: the bytes.
        address: of the first of them: a multiple of 256.
        family: the chip's number in the UF2 format's list of families.
    """
    count = -(-len(image) // UF2_DATA)
    blocks = []
    for index in range(count):
        data = image[index * UF2_DATA : (index + 1) * UF2_DATA].ljust(UF2_DATA, b"\0")
        head = struct.pack(
            "<8I",
            *UF2_MAGIC_START,
            UF2_FAMILY_PRESENT,
            address + index * UF2_DATA,
            UF2_DATA,
            index,
            count,
            family,
        )
        blocks.append((head + data).ljust(UF2_BLOCK - 4, b"\0") + struct.pack("<I", UF2_MAGIC_END))
    return b"".join(blocks)
