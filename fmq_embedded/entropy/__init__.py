"""Entropy coding of levels: an adaptive binary range coder, and plain packing."""

from __future__ import annotations

from fmq_embedded.entropy.levels import (
    Geometry,
    decode_levels,
    encode_levels,
    list_decisions,
    pack_levels,
    packed_size,
    unpack_levels,
)

__all__ = [
    "Geometry",
    "decode_levels",
    "encode_levels",
    "list_decisions",
    "pack_levels",
    "packed_size",
    "unpack_levels",
]
