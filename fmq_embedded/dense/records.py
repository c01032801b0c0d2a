"""The arrays and numbers that kernels share, grouped by idea.

Numba takes such tuples as they are; a number in one is the same for all of a call.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Words = npt.NDArray[np.int32]


class Coder(NamedTuple):
    """The range coder.

    Args:
        decoding: whether it reads.
        words: int64: `low`, range, position, cache, pending, and how many decisions wait.
        data: uint8: what is read, or room for what is written.
        waiting: uint32: decisions that are to be written, 2 · probability + bit.
    """

    decoding: bool
    words: Numbers
    data: npt.NDArray[np.uint8]
    waiting: npt.NDArray[np.uint32]


class Model(NamedTuple):
    """What learns.

    Args:
        states: int32, of contexts: probability · 256 + count.
        weights: int32, sets of `ZERO_MODELS` one after the other, in 1/16,384.
    """

    states: Words
    weights: Words


class History(NamedTuple):
    """What the channels of each mode have left behind.

    Args:
        planes: uint8 (modes, 3, places with a border): 2 · magnitude, up to 127, + 1 if negative,
            of the levels of the channel being coded and of the two before, which take turns; the
            border of two places all around is 0.
        stride: from one row of a plane to the next.
        means: uint8 (modes, places): of each place, in sixteenths.
        channel_means: int64, modes: the mean magnitude of the last channel, in 1/256.
        turns: int64, modes: how many channels there were.
    """

    planes: npt.NDArray[np.uint8]
    stride: int
    means: npt.NDArray[np.uint8]
    channel_means: Numbers
    turns: Numbers


class Tiles(NamedTuple):
    """Where tiles begin, and how they are transformed.

    Args:
        edges: int32 (modes, 2, most edges): of rows, of columns.
        counts: int32 (modes, 2): how many edges.
        table: int32, from `transform.matrix_table`.
        scratch: int32 (3, 64, 64).
    """

    edges: Words
    counts: Words
    table: Words
    scratch: Words


class Quantizer(NamedTuple):
    """A step, and what levels mean.

    Args:
        reciprocal, shift: what brings coefficients to 1/256 step (half step if dependent).
        mantissa, octave: of the step.
        dependent: whether quantization is.
        one_sided: whether no sample is negative.
        lossless: whether samples are levels.
        clips: whether restored samples are clipped at 0.
        points: int64 (3, 2): offsets for the spatial and for the transform domain, in 1/32 step;
            and of level 0, in 1/64.
    """

    reciprocal: int
    shift: int
    mantissa: int
    octave: int
    dependent: bool
    one_sided: bool
    lossless: bool
    clips: bool
    points: Numbers


class Rules(NamedTuple):
    """How an encoder decides; see `Search`.

    Args:
        allowed: bool, modes.
        biases: int64, modes.
        trace: int32 (places of the largest tile, 8), for the trellis.
    """

    search: int
    rounding: int
    multiplier: int
    stay: int
    allowed: npt.NDArray[np.bool_]
    biases: Numbers
    trace: Words


class Coding(NamedTuple):
    """Channels as they are coded.

    Args:
        levels: int32, channels × rows × columns.
        modes: int64, channels.
        parents, factors: int64, channels × most parents; see `Channels`.
    """

    levels: Words
    modes: Numbers
    parents: Numbers
    factors: Numbers


class Trials(NamedTuple):
    """What an encoder keeps of a channel while it decides.

    Args:
        scaled: int32 (1 + most parents, modes, rows, columns): coefficients of each mode, before
            and after each parent.
        kept: int32, channels × rows × columns: what of them was quantized.
        residuals: int32 (most parents + 1, rows, columns).
        gains: float64, slopes: int64, `PARENT_WINDOW`: of channels that may be parents.
        restored: int32, channels × rows × columns, or no channels where none is to be predicted:
            decoded samples, in 1/4.
        totals: int64, restored channels × 2: their `moments`.
    """

    scaled: Words
    kept: Words
    residuals: Words
    gains: npt.NDArray[np.float64]
    slopes: Numbers
    restored: Words
    totals: Numbers
