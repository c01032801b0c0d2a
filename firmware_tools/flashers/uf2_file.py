"""UF2 files: an image in blocks of 512 bytes that each say where they belong.

Source: https://github.com/microsoft/uf2, "File format".
"""

from __future__ import annotations

import struct

_BLOCK = struct.Struct("<8I476sI")
_MAGIC = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
_HAS_FAMILY = 0x2000
PAYLOAD = 256


def uf2_file(image: bytes, address: int, family_id: int) -> bytes:
    """The blocks of an image that begins at an address; the last payload is padded with 0xFF."""
    image += b"\xff" * (-len(image) % PAYLOAD)
    count = len(image) // PAYLOAD
    return b"".join(
        _BLOCK.pack(
            _MAGIC[0],
            _MAGIC[1],
            _HAS_FAMILY,
            address + index * PAYLOAD,
            PAYLOAD,
            index,
            count,
            family_id,
            image[index * PAYLOAD : (index + 1) * PAYLOAD],
            _MAGIC[2],
        )
        for index in range(count)
    )
