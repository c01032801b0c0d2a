"""The records that kernels work in, for a map of a layout."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fmq_embedded.dense import contexts
from fmq_embedded.dense.layout import Layout
from fmq_embedded.dense.prior import Prior
from fmq_embedded.dense.records import (
    Coder,
    Coding,
    History,
    Model,
    Numbers,
    Quantizer,
    Rules,
    Tiles,
    Trials,
)
from fmq_embedded.dense.search import Search
from fmq_embedded.dense.steps import MANTISSAS, scaling
from fmq_embedded.transform import COSINE, LARGEST_SIZE, SINE, matrix_table

POINTS_SHAPE = (3, 2)
"""Of reconstruction points: for the spatial modes and the transform modes, what levels 1 and above
are moved by in 1/32 step; and what a level 0 of a sample becomes, in 1/64 step, where its eight
neighbours are 0 and elsewhere."""


def coder(decoding: bool, first: list[int], data: npt.NDArray[np.uint8]) -> Coder:
    """A coder that begins with its first words."""
    from fmq_embedded.dense import coder_kernels

    words = np.zeros(coder_kernels.WAITING + 1, np.int64)
    words[: len(first)] = first
    room = 0 if decoding else coder_kernels.WAITING_LIMIT + coder_kernels.MOST_OF_A_LEVEL
    return Coder(decoding, words, data, np.zeros(room, np.uint32))


def model(prior: Prior) -> Model:
    """What has learnt nothing yet."""
    return Model(prior.states.copy(), prior.weights.reshape(-1).copy())


def history(layout: Layout) -> History:
    """That of no channel."""
    g, modes = layout.geometry, contexts.MODE_COUNT
    stride = g.columns + 4
    return History(
        np.zeros((modes, 3, (g.rows + 4) * stride), np.uint8),
        stride,
        np.zeros((modes, g.rows * g.columns), np.uint8),
        np.zeros(modes, np.int64),
        np.zeros(modes, np.int64),
    )


def tiles(layout: Layout, sine: bool) -> Tiles:
    """Tiles of each mode; `sine`: of the DST-VII."""
    edges, counts = layout.tile_edges()
    scratch = np.zeros((3, LARGEST_SIZE, LARGEST_SIZE), np.int32)
    return Tiles(edges, counts, matrix_table(SINE if sine else COSINE), scratch)


def quantizer(
    step: int,
    *,
    dependent: bool,
    one_sided: bool,
    lossless: bool = False,
    points: Numbers | None = None,
) -> Quantizer:
    """The quantizer of a step; points as `POINTS_SHAPE` says, by default 0."""
    reciprocal, shift = scaling(step, dependent)
    if points is None:
        points = np.zeros(POINTS_SHAPE, np.int64)
    return Quantizer(
        reciprocal,
        shift,
        MANTISSAS[step % 16],
        step // 16,
        dependent,
        one_sided,
        lossless,
        one_sided and bool(points.any()),
        points,
    )


def rules(search: Search, layout: Layout) -> Rules:
    """The rules of a search for maps of a layout."""
    allowed = np.array([m in search.allowed for m in range(contexts.MODE_COUNT)])
    allowed[contexts.TILED] &= layout.has_small_tiles()
    places = layout.geometry.rows * layout.geometry.columns if search.search == 2 else 0
    return Rules(
        search.search,
        search.rounding,
        search.multiplier,
        search.stay,
        allowed,
        np.array(search.biases, np.int64),
        np.zeros((places, 8), np.int32),
    )


def coding(layout: Layout) -> Coding:
    """All channels dead, without parents."""
    g = layout.geometry
    shape = (g.channels, contexts.MOST_PARENTS)
    return Coding(
        np.zeros((g.channels, g.rows, g.columns), np.int32),
        np.zeros(g.channels, np.int64),
        np.full(shape, contexts.NO_PARENT, np.int64),
        np.zeros(shape, np.int64),
    )


def trials(layout: Layout, predicts: bool) -> Trials:
    """Room for an encoder; `predicts`: whether channels may be predicted from others."""
    g, most = layout.geometry, contexts.MOST_PARENTS
    plane = (g.rows, g.columns)
    predicted = g.channels if predicts else 0
    return Trials(
        np.zeros((1 + most, contexts.MODE_COUNT, *plane), np.int32),
        np.zeros((g.channels, *plane), np.int32),
        np.zeros((most + 1, *plane), np.int32),
        np.zeros(contexts.PARENT_WINDOW),
        np.zeros(contexts.PARENT_WINDOW, np.int64),
        np.zeros((predicted, *plane), np.int32),
        np.zeros((predicted, 2), np.int64),
    )
