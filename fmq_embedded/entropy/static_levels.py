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

    source = np.ascontiguousarray(levels, dtype=np.uint16).reshape(-1)
    model, classes = choose_model(
        source.reshape(-1, geometry.channels), centre, (1 << bit_depth) - 1
    )
    magnitudes = np.zeros(geometry.channels + source.size, np.uint8)
    static_kernels.take_magnitudes(source, centre, max(bit_depth - 8, 0), magnitudes)
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


def choose_model(levels: Levels, centre: int, largest: int) -> tuple[int, Classes]:
    """The model of a map and the class of each channel, from some of its positions.

    A class tells how many levels are not the centre. The model is by neighbours where levels have
    both signs, and where neighbours agree in that more often than by chance; else a plain one
    for the mean of the other magnitudes.

    Args:
        levels: positions × channels.
        centre: the level that residuals are taken from.
        largest: the largest level.
    """
    is_large = len(levels) >= static_tables.SAMPLING_FROM
    stride = static_tables.SAMPLING_STRIDE if is_large else 1
    judged = levels[stride - 1 :: stride]
    is_active = judged != centre
    active = np.count_nonzero(is_active, axis=0)
    classes = np.zeros(levels.shape[1], np.uint8)
    for numerator, denominator in static_tables.CLASS_LIMITS:
        classes += active * denominator >= numerator * len(judged)
    before = levels[stride - 2 :: stride][: len(judged)] != centre if is_large else is_active[:-1]
    agreeing = int(np.count_nonzero(is_active[len(judged) - len(before) :] == before))
    agreeing += 0 if is_large else int(np.count_nonzero(~is_active[0]))
    silent = len(judged) - active
    by_chance = int((active * active + silent * silent).sum())
    left_open = int((2 * active * silent).sum())
    has_both_signs = 0 < centre < largest
    chance = static_tables.AGREEMENT * (agreeing * len(judged) - by_chance)
    if has_both_signs or chance >= left_open:
        return static_tables.BY_NEIGHBOURS, classes
    residuals = judged.astype(np.int64) - centre
    count = int(active.sum())
    return plain_model(int(np.abs(residuals).sum()) - count, count), classes


def plain_model(excess: int, count: int) -> int:
    """The plain model for `count` magnitudes beside 0, which exceed 1 by `excess` in all."""
    numerator, denominator = static_tables.NARROW_LIMIT
    if denominator * excess <= numerator * count:
        return static_tables.NARROW
    numerator, denominator = static_tables.WIDE_LIMIT
    ratio = (denominator * excess - 1) // (numerator * count)
    return static_tables.WIDE + ratio.bit_length()


@lru_cache(32)
def _entries(model: int, bit_depth: int) -> npt.NDArray[np.uint16]:
    from fmq_embedded.entropy.static_kernels import MODEL_STRIDE

    return static_tables.entries(model, max(bit_depth - 8, 0), MODEL_STRIDE - 1).reshape(-1)


def _pack_classes(classes: Classes) -> bytes:
    """Two bits each, the first class in the lowest bits of the first byte."""
    filled = np.zeros(-(-classes.size // 4) * 4, np.uint8)
    filled[: classes.size] = classes
    weights = np.array([1, 4, 16, 64], np.uint8)
    return bytes((filled.reshape(-1, 4) * weights).sum(axis=1).astype(np.uint8))


def _unpack_classes(data: Bytes, start: int, channels: int) -> tuple[Classes, int]:
    end = start + -(-channels // 4)
    if end > data.size:
        raise _truncated(start)
    pairs = data[start:end, None] >> np.array([0, 2, 4, 6], np.uint8) & 3
    classes = pairs.reshape(-1).astype(np.uint8)
    if classes[channels:].any():
        raise BitstreamError(f"the bits after the classes at byte {start} are not 0")
    return classes[:channels], end


def _truncated(start: int) -> BitstreamError:
    return BitstreamError(
        f"the stream ends inside the payload that begins at byte {start}: it is truncated"
    )
