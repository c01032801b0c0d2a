"""Entropy coding of levels: an adaptive binary range coder, static tables, and plain packing."""

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
from fmq_embedded.entropy.static_levels import decode_static, encode_static, static_work_size

__all__ = [
    "Geometry",
    "decode_levels",
    "decode_static",
    "encode_levels",
    "encode_static",
    "list_decisions",
    "pack_levels",
    "packed_size",
    "static_work_size",
    "unpack_levels",
]
