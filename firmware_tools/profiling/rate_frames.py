"""A feature map as one 10-bit picture, as codecs of pictures and of video take it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firmware_tools.profiling.rate_codec import Real, channels_first, channels_last

BIT_DEPTH = 10
HIGHEST = (1 << BIT_DEPTH) - 1
RANGE_BYTES = 8
"""The least and the largest sample, float32, that a decoder needs to undo it."""
WIDEST = 3.0
"""The most that a grid of tiles may be longer than it is high."""

Picture = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Frame:
    """A map's channels side by side in one picture.

    Args:
        picture: uint16, 0..1023; unused tiles are 0.
        shape: the map's.
        low, high: the real values of 0 and 1023.
    """

    picture: Picture
    shape: tuple[int, ...]
    low: float
    high: float


def to_frame(samples: Real, limits: tuple[float, float] | None = None) -> Frame:
    """Scale a map from its least and largest sample to 10 bits and lay its channels out.

    Args:
        samples: (rows, columns, channels), or fewer or more axes.
        limits: in place of the map's own; what lies beyond is clipped.
    """
    low, high = limits or (float(samples.min()), float(samples.max()))
    span = high - low or 1.0
    codes = np.rint((samples.astype(np.float64) - low) / span * HIGHEST).clip(0, HIGHEST)
    return Frame(tiled(codes.astype(np.uint16)), samples.shape, low, high)


def tiled(codes: Picture) -> Picture:
    """Channels side by side in one picture; unused tiles are 0."""
    planes = channels_first(codes)
    count, height, width = planes.shape
    rows, columns = grid(count, height, width)
    tiles = np.zeros((rows * columns, height, width), np.uint16)
    tiles[:count] = planes
    picture = tiles.reshape(rows, columns, height, width).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(picture.reshape(rows * height, columns * width))


def from_frame(picture: Picture, frame: Frame) -> Real:
    """The real values of a decoded picture."""
    channels = frame.shape[-1]
    wide = channels_first(np.zeros(frame.shape, np.float32)).shape
    _, height, width = wide
    rows, columns = picture.shape[0] // height, picture.shape[1] // width
    tiles = picture.reshape(rows, height, columns, width).transpose(0, 2, 1, 3)
    planes = tiles.reshape(-1, height, width)[:channels].astype(np.float64)
    real = planes * ((frame.high - frame.low or 1.0) / HIGHEST) + frame.low
    return channels_last(real.astype(np.float32), frame.shape)


def grid(count: int, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of tiles: no tile unused where that is not too long, else nearly square."""
    for rows in range(math.isqrt(count), 0, -1):
        columns = count // rows
        if rows * columns == count and columns <= WIDEST * rows:
            return (columns, rows) if width > height else (rows, columns)
    columns = math.ceil(math.sqrt(count * height / width))
    return -(-count // columns), columns
