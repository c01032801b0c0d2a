"""Levels to bytes and back: the range coder's front, and the raw packing beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fmq_embedded.entropy import contexts
from fmq_embedded.errors import BitstreamError

Bytes = npt.NDArray[np.uint8]
Levels = npt.NDArray[np.uint16]

PIECE = 1 << 14
"""Levels whose decisions are listed at a time: the list stays in the caches."""

_LEAD = 4
"""Bytes that a decoder reads before the first decision."""
_FREE_BYTES = 2
"""Of those, how many lie behind the payload at its end."""


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
    from fmq_embedded.entropy import kernels

    source = np.ascontiguousarray(levels, dtype=np.uint16).reshape(-1)
    out = np.empty(packed_size(geometry.count, bit_depth) + 1, np.uint8)
    states, means, history = _model(geometry)
    coder = np.zeros(kernels.CODER_WORDS, np.int64)
    coder[kernels.RANGE], coder[kernels.POSITION] = kernels.FULL_RANGE, -1
    for decisions in _decision_lists(source, geometry, centre, bit_depth, means, history):
        kernels.encode_decisions(decisions, decisions.size, states, coder, out)
    low, _, position, cache, pending = (int(word) for word in coder)
    return (out[: max(position, 0)].tobytes() + _last_bytes(low, cache, pending, position))[
        : out.size
    ]


def list_decisions(
    levels: npt.ArrayLike, geometry: Geometry, centre: int, bit_depth: int
) -> npt.NDArray[np.uint16]:
    """The binary decisions that `encode_levels` codes: 2·context + bit of each.

    The context of a decision that costs one plain bit is `contexts.CONTEXT_COUNT`.
    """
    source = np.ascontiguousarray(levels, dtype=np.uint16).reshape(-1)
    _, means, history = _model(geometry)
    lists = _decision_lists(source, geometry, centre, bit_depth, means, history)
    return np.concatenate([decisions.copy() for decisions in lists])


def decode_levels(
    data: Bytes, start: int, geometry: Geometry, centre: int, bit_depth: int
) -> tuple[Levels, int]:
    """The levels of the payload that begins at `start`, and the position behind it.

    Raises:
        BitstreamError: the payload runs past the end of `data`, or holds an impossible level.
    """
    from fmq_embedded.entropy import decoder_kernels, kernels

    levels = np.zeros(geometry.count, np.uint16)
    data = data if data.flags.writeable else data.copy()
    states, means, history = _model(geometry)
    first = data[start : start + _LEAD].tobytes().ljust(_LEAD, b"\0")
    coder = np.array([int.from_bytes(first, "big"), kernels.FULL_RANGE, start + _LEAD], np.int64)
    is_possible = decoder_kernels.decode_levels(
        levels,
        geometry.columns,
        geometry.channels,
        centre,
        bit_depth,
        data,
        coder,
        states,
        means,
        history,
    )
    end = int(coder[kernels.POSITION]) - _FREE_BYTES
    if end > data.size:
        raise BitstreamError(
            f"the stream ends inside the payload that begins at byte {start}: it is truncated"
        )
    if not is_possible:
        raise BitstreamError(f"a payload at byte {start} holds a level beyond {bit_depth} bits")
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


def _model(
    geometry: Geometry,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """The states of the contexts, the running means and the history, as they begin."""
    return (
        np.full(contexts.CONTEXT_COUNT, contexts.PROBABILITY_START << 8, np.int64),
        np.zeros(geometry.channels, np.int64),
        np.zeros((geometry.columns + 1) * geometry.channels + 1, np.uint8),
    )


def _decision_lists(
    levels: Levels,
    geometry: Geometry,
    centre: int,
    bit_depth: int,
    means: npt.NDArray[np.int64],
    history: npt.NDArray[np.uint8],
) -> Iterator[npt.NDArray[np.uint16]]:
    """The binary decisions of levels, in pieces; each piece is gone when the next is asked for.

    Args:
        levels, geometry, centre, bit_depth: as in `encode_levels`.
        means, history: what the model remembers, at first 0.

    Returns:
        2·context + bit of each decision.
    """
    from fmq_embedded.entropy import kernels

    decisions = np.empty(min(levels.size, PIECE) * 2 * bit_depth, np.uint16)
    for start in range(0, levels.size, PIECE):
        position, channel = divmod(start, geometry.channels)
        count = kernels.binarise(
            levels,
            start,
            min(start + PIECE, levels.size),
            channel,
            position % geometry.columns,
            geometry.columns,
            geometry.channels,
            centre,
            bit_depth,
            means,
            history,
            decisions,
        )
        yield decisions[:count]


def _last_bytes(low: int, cache: int, pending: int, position: int) -> bytes:
    """What an encoder still holds: its cache, the waiting bytes 0xFF, and two bytes of `low`.

    Any value in [low, low + range) will do: the one taken has its last two bytes free, so that
    whatever follows the payload may stand in their place. At position −1 the cache is the byte
    that is never written.
    """
    waiting = ((cache + 1) << 8 * pending) - 1
    tail = (waiting << 16) + ((low + 0xFFFF) >> 16)
    return tail.to_bytes(pending + 3, "big")[1 if position < 0 else 0 :]
