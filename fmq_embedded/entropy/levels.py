"""Levels to bytes and back: the range coder's front, and the raw packing beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fmq_embedded.entropy import contexts
from fmq_embedded.errors import BitstreamError

Bytes = npt.NDArray[np.uint8]
Levels = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Geometry:
    """How the samples of a map lie for the context model: rows × columns × channels."""

    rows: int
    columns: int
    channels: int

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> Geometry:
        """The geometry of a shape with its channels last.

        Three and more axes: the last is channels, the one before columns, all others rows. Two
        axes: rows and columns of one channel. One axis, and a single position with many
        channels: one row of columns, so that each sample has a neighbour.
        """
        if len(shape) <= 1:
            return cls(1, math.prod(shape), 1)
        if len(shape) == 2:
            return cls(shape[0], shape[1], 1)
        rows = math.prod(shape[:-2])
        if rows == 1 and shape[-2] == 1:
            return cls(1, shape[-1], 1)
        return cls(rows, shape[-2], shape[-1])

    @property
    def count(self) -> int:
        """The number of levels."""
        return self.rows * self.columns * self.channels


def encode_levels(levels: npt.ArrayLike, geometry: Geometry, centre: int, bit_depth: int) -> bytes:
    """Entropy-code levels; where that would be longer than packing them, the result is longer too.

    Args:
        levels: `geometry.count` integers in 0..2^bit_depth − 1, channels innermost.
        geometry: rows, columns and channels.
        centre: the level of the real value 0; residuals are taken from it.
        bit_depth: 1..16.

    Returns:
        The payload, with no length: a decoder that knows the geometry finds its end. At most
        one byte longer than the packed levels: then the tail is cut, for the caller packs.
    """
    source = np.ascontiguousarray(levels, dtype=np.uint16).reshape(-1)
    out = np.empty(packed_size(geometry.count, bit_depth) + 1, np.uint8)
    size = _run(False, source, geometry, centre, bit_depth, out, 0)
    return out[: min(size, out.size)].tobytes()


def decode_levels(
    data: Bytes, start: int, geometry: Geometry, centre: int, bit_depth: int
) -> tuple[Levels, int]:
    """The levels of the payload that begins at `start`, and the position behind it.

    Raises:
        BitstreamError: the payload runs past the end of `data`, or holds an impossible level.
    """
    levels = np.zeros(geometry.count, np.uint16)
    data = data if data.flags.writeable else data.copy()
    end = _run(True, levels, geometry, centre, bit_depth, data, start)
    if end < 0:
        raise BitstreamError(f"a payload at byte {start} holds a level beyond {bit_depth} bits")
    if end > data.size:
        raise BitstreamError(
            f"the stream ends inside the payload that begins at byte {start}: it is truncated"
        )
    return levels, end


def packed_size(count: int, bit_depth: int) -> int:
    """Bytes that `count` levels of `bit_depth` bits take when packed."""
    return (count * bit_depth + 7) // 8


def pack_levels(levels: npt.ArrayLike, bit_depth: int) -> bytes:
    """Levels as plain bits: the first level in the lowest bits of the first byte."""
    source = np.ascontiguousarray(levels, dtype=np.uint16).reshape(-1)
    if bit_depth in (8, 16):
        return source.astype("<u2" if bit_depth == 16 else np.uint8).tobytes()
    bits = (source[:, None] >> np.arange(bit_depth, dtype=np.uint16)) & 1
    return np.packbits(bits.astype(np.uint8).reshape(-1), bitorder="little").tobytes()


def unpack_levels(data: Bytes, start: int, count: int, bit_depth: int) -> tuple[Levels, int]:
    """The mirror of `pack_levels`, and the position behind the packed bits.

    Raises:
        BitstreamError: the packed bits run past the end of `data`, or the bits that fill the
            last byte are not 0.
    """
    end = start + packed_size(count, bit_depth)
    if end > data.size:
        raise BitstreamError(
            f"the stream ends inside the packed levels at byte {start}: {end - data.size} bytes "
            "are missing"
        )
    bits = np.unpackbits(data[start:end], bitorder="little")
    if bits[count * bit_depth :].any():
        raise BitstreamError(f"the bits after the packed levels at byte {start} are not 0")
    weights = np.left_shift(1, np.arange(bit_depth)).astype(np.uint16)
    planes = bits[: count * bit_depth].reshape(count, bit_depth)
    levels = (planes.astype(np.uint16) * weights).sum(axis=1, dtype=np.uint16)
    return levels, end


def _run(
    decoding: bool,
    levels: Levels,
    geometry: Geometry,
    centre: int,
    bit_depth: int,
    data: Bytes,
    start: int,
) -> int:
    from fmq_embedded.entropy import kernels

    coder = np.zeros(kernels.CODER_WORDS, np.int64)
    states = np.full(contexts.CONTEXT_COUNT, contexts.PROBABILITY_START << 8, np.int64)
    means = np.zeros(geometry.channels, np.int64)
    history = np.zeros((geometry.columns + 1) * geometry.channels, np.int64)
    end = kernels.code_levels(
        decoding,
        levels,
        geometry.rows,
        geometry.columns,
        geometry.channels,
        centre,
        bit_depth,
        data,
        start,
        coder,
        states,
        means,
        history,
    )
    return int(end)
