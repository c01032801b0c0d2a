"""Payloads: a tensor's levels, in whichever coding takes the fewest bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded import dense, entropy
from fmq_embedded.bitstream import syntax
from fmq_embedded.bitstream.fields import Reader, Writer
from fmq_embedded.bitstream.headers import TensorHeader
from fmq_embedded.entropy import Geometry
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.exact import FLOAT32
from fmq_embedded.quantizers.prepared import prepared
from fmq_embedded.quantizers.samples import SampleType
from fmq_embedded.selection.moments import occurrences
from fmq_embedded.settings import Profile

CODINGS = {
    syntax.ENTROPY_CODED: "entropy coded",
    syntax.PACKED: "packed",
    syntax.CONSTANT: "constant",
    syntax.STATIC_CODED: "static coded",
    syntax.DENSE_CODED: "dense coded",
}

ENCODERS = {
    "standard": (syntax.ENTROPY_CODED, entropy.encode_levels),
    "fast": (syntax.STATIC_CODED, entropy.encode_static),
    "dense": (syntax.DENSE_CODED, dense.encode_dense),
}
DECODERS = {
    syntax.ENTROPY_CODED: entropy.decode_levels,
    syntax.STATIC_CODED: entropy.decode_static,
    syntax.DENSE_CODED: dense.decode_dense,
}

Levels = npt.NDArray[np.uint16]

_PIECE = 1 << 17
"""Levels compared at a time: what is made of them stays in the caches."""


def centre_of(header: TensorHeader) -> int:
    """The level that residuals are taken from: sent, or else that of the real value 0."""
    if header.partition is not None:
        return header.partition.joint_centre
    assert header.quantizer is not None
    return zero_level(header.quantizer) if header.centre is None else header.centre


def level_bits(header: TensorHeader) -> int:
    """The bit depth of a tensor's levels, joint ones where it has a partition."""
    if header.partition is not None:
        return header.partition.bit_depth
    assert header.quantizer is not None
    return header.quantizer.bit_depth


def zero_level(quantizer: Quantizer) -> int:
    """The level of the real value 0."""
    level: int = prepared(quantizer, _level_of_zero, FLOAT32)
    return level


def _level_of_zero(quantizer: Quantizer, _: SampleType) -> int:
    return int(quantizer.quantize(np.zeros(1, np.float32))[0])


def best_centre(levels: npt.NDArray[np.generic], quantizer: Quantizer) -> int | None:
    """As `fitted_centre`, of levels that are there: uint8 or uint16, C-contiguous."""
    flat, zero = levels.reshape(-1), zero_level(quantizer)
    pieces = (flat[start : start + _PIECE] for start in range(0, flat.size, _PIECE))
    if 3 * sum(np.count_nonzero(piece == zero) for piece in pieces) >= flat.size:
        return None  # the others together are at most twice as many
    return fitted_centre(occurrences(flat, 1 << quantizer.bit_depth), quantizer)


def fitted_centre(counts: npt.NDArray[np.integer[Any]], quantizer: Quantizer) -> int | None:
    """The most frequent level, where it is worth sending instead of the level of 0.

    Args:
        counts: how often each level occurs.
        quantizer: that of the levels.
    """
    mode = int(np.argmax(counts))
    return mode if counts[mode] > 2 * counts[zero_level(quantizer)] else None


def encode_payload(
    levels: npt.NDArray[np.generic],
    header: TensorHeader,
    *,
    entropy_coding: bool = True,
    profile: Profile = "standard",
) -> bytes:
    """The `coding` byte and the payload: constant, coded by the profile or packed, the shortest."""
    depth = level_bits(header)
    flat = np.ascontiguousarray(levels).reshape(-1)
    if entropy_coding and _is_constant(flat):
        return bytes([syntax.CONSTANT]) + _varint(int(flat[0]))
    limit = entropy.packed_size(flat.size, depth)
    if entropy_coding:
        geometry = Geometry.of(header.shape)
        coding, encode_levels = ENCODERS[profile]
        coded = encode_levels(flat, geometry, centre_of(header), depth)
        if len(coded) < limit:
            return bytes([coding]) + coded
    return bytes([syntax.PACKED]) + entropy.pack_levels(flat, depth)


def read_payload(reader: Reader, header: TensorHeader) -> tuple[str, Levels]:
    """The name of the coding, and the levels, of the header's shape.

    Args:
        reader: stands at the `coding` byte; stands behind the payload afterwards.
        header: of a tensor that is not empty.

    Raises:
        BitstreamError: a coding or levels that cannot be, or truncated.
    """
    depth = level_bits(header)
    record = _Payload()
    reader.u8(record, "coding")
    body = np.frombuffer(reader.data, np.uint8)
    if record.coding == syntax.CONSTANT:
        reader.varint(record, "level")
        if record.level >> depth:
            reader.fail(f"the constant level {record.level} is beyond {depth} bits")
        levels = np.full(header.count, record.level, np.uint16)
    elif record.coding == syntax.PACKED:
        levels, reader.position = entropy.unpack_levels(body, reader.position, header.count, depth)
    elif record.coding in DECODERS:
        levels, reader.position = DECODERS[record.coding](
            body, reader.position, Geometry.of(header.shape), centre_of(header), depth
        )
    else:
        reader.fail(f"the coding {record.coding} is not one of version {syntax.VERSION}")
    return CODINGS[record.coding], levels.reshape(header.shape)


def _is_constant(flat: npt.NDArray[np.generic]) -> bool:
    """Whether all levels are the same; the ends mostly tell."""
    return bool(flat[0] == flat[flat.size // 2]) and bool((flat == flat[0]).all())


@dataclass
class _Payload:
    """The fields between a tensor's header and its payload."""

    coding: int = 0
    level: int = 0


def _varint(value: int) -> bytes:
    writer = Writer()
    writer.varint(_Payload(level=value), "level")
    return bytes(writer.data)
