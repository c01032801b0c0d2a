"""Features of channels and positions, as integers ([0227], [0232], [0216]).

A device computes the same from its levels: sums of whole numbers, and one division at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError

Integers = npt.NDArray[np.int64]
FeatureFunction = Callable[[Integers], npt.ArrayLike]
"""Residuals, rows × columns × channels, to features: one row for each channel or position."""

FRACTION_BITS = 8
_LOG_BITS = 4


def channel_features(residuals: Integers) -> Integers:
    """Mean, variance and structural complexity of each channel.

    Args:
        residuals: level − centre, rows × columns × channels.

    Returns:
        channels × 3, in 1/256, rounded down. The complexity is the mean size of the differences to
        the neighbours to the left and above.
    """
    rows, columns, channels = residuals.shape
    flat = residuals.reshape(-1, channels)
    steps = np.zeros(channels, np.int64)
    count = 0
    for axis, size in enumerate((rows, columns)):
        if size > 1:
            gradient = np.abs(np.diff(residuals, axis=axis)).reshape(-1, channels)
            steps += gradient.sum(axis=0)
            count += len(gradient)
    return _features(flat.sum(axis=0), (flat * flat).sum(axis=0), len(flat), steps, count)


def position_features(residuals: Integers) -> Integers:
    """The same of each position, over its channels.

    Returns:
        rows·columns × 3; the complexity is over all channels of the differences to the left and
        above.
    """
    rows, columns, channels = residuals.shape
    steps = np.zeros((rows, columns), np.int64)
    steps[:, 1:] += np.abs(np.diff(residuals, axis=1)).sum(axis=2)
    steps[1:] += np.abs(np.diff(residuals, axis=0)).sum(axis=2)
    flat = residuals.reshape(-1, channels)
    return _features(
        flat.sum(axis=1), (flat * flat).sum(axis=1), channels, steps.reshape(-1), 2 * channels
    )


def image_features(image: npt.ArrayLike, rows: int, columns: int) -> Integers:
    """Features per position of the network's input, resampled to the map's resolution ([0216]).

    Args:
        image: height × width, or × colours; whole numbers, such as uint8. Pixel (y, x) counts for
            the position (y·rows // height, x·columns // width).

    Returns:
        rows·columns × 3 as `position_features`: of a position that no pixel falls on, 0.

    Raises:
        InputError: the image has another rank or is not of integers.
    """
    pixels = np.asarray(image)
    if pixels.dtype.kind not in "iu" or pixels.ndim not in (2, 3) or not pixels.size:
        raise InputError(
            f"an image is height × width (× colours) of integers; got {pixels.dtype} {pixels.shape}"
        )
    grey = pixels.astype(np.int64).reshape(*pixels.shape[:2], -1).sum(axis=2)
    steps = np.zeros_like(grey)
    steps[:, 1:] += np.abs(np.diff(grey, axis=1))
    steps[1:] += np.abs(np.diff(grey, axis=0))
    y = np.arange(grey.shape[0]) * rows // grey.shape[0]
    x = np.arange(grey.shape[1]) * columns // grey.shape[1]
    cell = (y[:, None] * columns + x).reshape(-1)
    sums = np.zeros((4, rows * columns), np.int64)
    for total, part in zip(sums, (grey, grey * grey, steps, np.ones_like(grey)), strict=True):
        np.add.at(total, cell, part.reshape(-1))
    first, second, third, count = sums
    count = np.maximum(count, 1)
    return _features(first, second, count, third, count)


def custom_features(function: FeatureFunction, residuals: Integers, count: int) -> Integers:
    """What a caller's own function says, such as another network ([0227]).

    Returns:
        count × the number of its features, in whole numbers as they are.

    Raises:
        InputError: it gives another number of rows, or no integers.
    """
    given = np.asarray(function(residuals))
    given = given[:, None] if given.ndim == 1 else given
    if given.ndim != 2 or len(given) != count or given.dtype.kind not in "iu":
        raise InputError(
            f"a feature function gives {count} rows of integers; got {given.dtype} {given.shape}"
        )
    return given.astype(np.int64)


def as_distances(features: Integers) -> Integers:
    """Features on a logarithmic scale, so that mean, variance and complexity weigh alike.

    Returns:
        sign · (16 · floor(log2(|feature|)) + the four bits below the leading one + 16), 0 for 0.
    """
    size = np.abs(features)
    exponent = np.zeros_like(size)
    for shift in (32, 16, 8, 4, 2, 1):
        exponent += np.where(size >> (exponent + shift) > 0, shift, 0)
    below = (size << _LOG_BITS) >> exponent
    logarithms: Integers = np.where(size > 0, (exponent << _LOG_BITS) + below, 0)
    return np.sign(features) * logarithms


def _features(
    first: Integers, second: Integers, count: Any, steps: Integers, step_count: Any
) -> Integers:
    mean = (first << FRACTION_BITS) // count
    variance = ((second * count - first * first) << FRACTION_BITS) // (count * count)
    complexity = (steps << FRACTION_BITS) // np.maximum(step_count, 1)
    return np.stack([mean, variance, complexity], axis=1)
