"""Levels to bytes and back by static tables: the front of the `fast` profile's coder."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from fmq_embedded.entropy import static_tables
from fmq_embedded.entropy.levels import Bytes, Geometry, Levels, packed_size
from fmq_embedded.errors import BitstreamError

Classes = npt.NDArray[np.uint8]

_SPARE_WORDS = 16
_CLASS_SHIFTS = np.arange(0, 8, static_tables.CLASS_BITS).astype(np.uint8)


def encode_static(levels: npt.ArrayLike, geometry: Geometry, centre: int, bit_depth: int) -> bytes:
    """Entropy-code levels by static tables, in one pass with few instructions.

    Args:
        levels: `geometry.count` integers in 0..2^bit_depth − 1, at least one, channels innermost.
        geometry: rows, columns and channels.
        centre: the level of the real value 0; residuals are taken from it.
        bit_depth: 1..16.

    Returns:
        The payload: the model, the classes of the channels, the blocks. A block is never more
        than a byte longer than its packed levels.
    """
    from fmq_embedded.entropy import static_kernels

    source = np.ascontiguousarray(levels, _level_dtype(levels)).reshape(-1)
    model, classes = choose_model(source, geometry.channels, centre, (1 << bit_depth) - 1)
    magnitudes = np.empty(geometry.channels + source.size, np.uint8)
    static_kernels.take_magnitudes(
        source, _magnitudes(centre, bit_depth), geometry.channels, magnitudes
    )
    positions = block_positions(geometry, bit_depth)
    block = packed_size(positions * geometry.channels, bit_depth)
    blocks = -(-geometry.rows * geometry.columns // positions)
    out = np.empty(packed_size(source.size, bit_depth) + 2 * blocks, np.uint8)
    size = static_kernels.encode(
        source,
        magnitudes,
        classes,
        _entries(model, bit_depth),
        int(model != static_tables.BY_NEIGHBOURS),
        geometry.columns,
        geometry.channels,
        centre,
        bit_depth,
        positions,
        np.empty(block // 2 + _SPARE_WORDS, np.uint16),
        out,
    )
    return bytes([model]) + _pack_classes(classes) + out[:size].tobytes()


def decode_static(
    data: Bytes, start: int, geometry: Geometry, centre: int, bit_depth: int
) -> tuple[Levels, int]:
    """The levels of the payload that begins at `start`, and the position behind it.

    Raises:
        BitstreamError: the payload runs past the end of `data`, or cannot be.
    """
    from fmq_embedded.entropy import static_decoder_kernels

    if start >= data.size:
        raise _truncated(start)
    model = int(data[start])
    if model > static_tables.WIDE + static_tables.LARGEST_SHIFT:
        raise BitstreamError(f"the static model {model} at byte {start} is unknown")
    classes, position = _unpack_classes(data, start + 1, geometry.channels)
    levels = np.zeros(geometry.count, np.uint16)
    end = static_decoder_kernels.decode(
        levels,
        np.zeros(geometry.channels + geometry.count, np.uint8),
        classes,
        _entries(model, bit_depth),
        int(model != static_tables.BY_NEIGHBOURS),
        geometry.columns,
        geometry.channels,
        centre,
        bit_depth,
        block_positions(geometry, bit_depth),
        np.concatenate([data[position:], np.zeros(2, np.uint8)]),
        0,
    )
    if position + end > data.size:
        raise _truncated(start)
    if end == static_decoder_kernels.WRONG:
        raise BitstreamError(f"a payload at byte {start} holds a block that cannot be: corrupt")
    return levels, position + int(end)


def block_positions(geometry: Geometry, bit_depth: int) -> int:
    """How many positions a block has, but for the last one."""
    levels = static_tables.BLOCK_LEVELS if bit_depth <= 8 else static_tables.WIDE_BLOCK_LEVELS
    return max(levels // geometry.channels, 1)


STATE_BYTES = 160 + 8
"""FMQ_STATIC_STATE_SIZE of libfmq's fmq/static_coder.h, and what aligns it."""


def static_work_size(geometry: Geometry, centre: int, bit_depth: int) -> int:
    """Bytes of work that libfmq needs to code a map: its FMQ_STATIC_STATE_SIZE, aligned, and its
    fmq_static_work_size.
    """
    block = block_positions(geometry, bit_depth) * geometry.channels
    magnitudes = max(geometry.columns * geometry.channels + block, 5 * geometry.channels)
    level_size = 1 if bit_depth <= 8 else 2
    levels = block * level_size + 1 if centre or level_size > 1 else 0
    buffers = 4 + magnitudes + levels + packed_size(block, bit_depth) + 5 + geometry.channels
    return STATE_BYTES + buffers


def choose_model(
    levels: npt.NDArray[np.generic], channels: int, centre: int, largest: int
) -> tuple[int, Classes]:
    """The model of a map and the class of each channel, from some of its positions.

    A class tells how many levels are not the centre. The model is by neighbours where levels have
    both signs, and where neighbours agree in that more often than by chance; else a plain one
    for the mean of the other magnitudes.

    Args:
        levels: uint8 or uint16, whole positions of `channels`.
        centre: the level that residuals are taken from.
        largest: the largest level.
    """
    from fmq_embedded.entropy import static_kernels

    is_large = levels.size >= static_tables.SAMPLING_FROM * channels
    stride = static_tables.SAMPLING_STRIDE if is_large else 1
    active = np.zeros(channels, np.int64)
    agreeing, total = map(int, static_kernels.survey(levels, channels, centre, stride, active))
    judged = levels.size // channels // stride
    classes = np.zeros(channels, np.uint8)
    for numerator, denominator in static_tables.CLASS_LIMITS:
        classes += active * denominator >= numerator * judged
    silent = judged - active
    by_chance = int(active @ active + silent @ silent)
    left_open = 2 * int(active @ silent)
    has_both_signs = 0 < centre < largest
    chance = static_tables.AGREEMENT * (agreeing * judged - by_chance)
    if has_both_signs or chance >= left_open:
        return static_tables.BY_NEIGHBOURS, classes
    count = int(active.sum())
    return plain_model(total - count, count), classes


def plain_model(excess: int, count: int) -> int:
    """The plain model for `count` magnitudes beside 0, which exceed 1 by `excess` in all."""
    numerator, denominator = static_tables.NARROW_LIMIT
    if denominator * excess <= numerator * count:
        return static_tables.NARROW
    numerator, denominator = static_tables.WIDE_LIMIT
    ratio = (denominator * excess - 1) // (numerator * count)
    return static_tables.WIDE + ratio.bit_length()


def _level_dtype(levels: npt.ArrayLike) -> type[np.uint8 | np.uint16]:
    """uint8 for levels that are bytes already, else uint16."""
    return np.uint8 if getattr(levels, "dtype", None) == np.uint8 else np.uint16


@lru_cache(32)
def _magnitudes(centre: int, bit_depth: int) -> npt.NDArray[np.uint8]:
    """|level − centre| of each level, without the low bits beyond 8."""
    residuals = np.arange(1 << bit_depth) - centre
    magnitudes: npt.NDArray[np.uint8] = (np.abs(residuals) >> max(bit_depth - 8, 0)).astype(
        np.uint8
    )
    return magnitudes


@lru_cache(32)
def _entries(model: int, bit_depth: int) -> npt.NDArray[np.uint16]:
    from fmq_embedded.entropy.static_kernels import MODEL_STRIDE

    return static_tables.entries(model, max(bit_depth - 8, 0), MODEL_STRIDE - 1).reshape(-1)


def _pack_classes(classes: Classes) -> bytes:
    """Two bits each, the first class in the lowest bits of the first byte."""
    filled = np.zeros(-(-classes.size // 4) * 4, np.uint8)
    filled[: classes.size] = classes
    first, second, third, fourth = filled.reshape(-1, 4).T
    return bytes(first | second << 2 | third << 4 | fourth << 6)


def _unpack_classes(data: Bytes, start: int, channels: int) -> tuple[Classes, int]:
    end = start + -(-channels // 4)
    if end > data.size:
        raise _truncated(start)
    classes = (data[start:end, None] >> _CLASS_SHIFTS & np.uint8(3)).reshape(-1)
    if classes[channels:].any():
        raise BitstreamError(f"the bits after the classes at byte {start} are not 0")
    return classes[:channels], end


def _truncated(start: int) -> BitstreamError:
    return BitstreamError(
        f"the stream ends inside the payload that begins at byte {start}: it is truncated"
    )
