"""Vectors of a class: how its samples are grouped, and a codebook trained on them ([0236])."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError
from fmq_embedded.quantizers.vector import VectorQuantizer

Integers = npt.NDArray[np.int64]

_ITERATIONS = 32


class Grouping(NamedTuple):
    """Where each member of a class stands.

    Attributes:
        is_first: whether it begins a vector.
        vector: the number of its vector.
        place: its place in that.
    """

    is_first: npt.NDArray[np.bool_]
    vector: npt.NDArray[np.intp]
    place: npt.NDArray[np.intp]


def group(members: npt.NDArray[np.intp], channels: int, dimension: int) -> Grouping:
    """Vectors of consecutive members at one position; the last of a position may be shorter.

    Args:
        members: indices of samples in coding order, rising.
        channels: of the map.
        dimension: members of a vector.
    """
    count = np.arange(members.size)
    is_new = np.diff(members // channels, prepend=-1) != 0
    place = (count - np.maximum.accumulate(np.where(is_new, count, 0))) % dimension
    return Grouping(place == 0, np.cumsum(place == 0) - 1, place)


def vectors_of(
    levels: npt.NDArray[Any], grouping: Grouping, dimension: int, filling: int
) -> npt.NDArray[np.uint16]:
    """The vectors of members' levels, each filled up with `filling`."""
    vectors = np.full((int(grouping.is_first.sum()), dimension), filling, np.uint16)
    vectors[grouping.vector, grouping.place] = levels
    return vectors


def trained_codebook(vectors: npt.NDArray[np.integer[Any]], count: int) -> VectorQuantizer:
    """A codebook with a small squared error on vectors (Linde, Buzo and Gray), all in integers.

    Args:
        vectors: n × dimension levels, n at least 1.
        count: codewords at most; fewer where there are fewer different vectors.

    Returns:
        Codewords from the most used to the least, so that the low indices are the frequent ones.

    Raises:
        InputError: there is no vector.
    """
    rows = np.asarray(vectors, np.int64)
    if not len(rows):
        raise InputError("a codebook is trained on at least one vector; got none")
    distinct, weights = np.unique(rows, axis=0, return_counts=True)
    count = min(count, len(distinct))
    # The most frequent vector, and the others evenly along the order of their sums.
    order = np.argsort(distinct.sum(axis=1), kind="stable")
    book = distinct[order[(2 * np.arange(count) + 1) * len(order) // (2 * count)]]
    book[0] = distinct[np.argmax(weights)]
    labels = _nearest(book, distinct)
    for _ in range(_ITERATIONS):
        book = _means(distinct, weights, labels, book)
        moved = _nearest(book, distinct)
        if np.array_equal(moved, labels):
            break
        labels = moved
    used = np.bincount(labels, weights, minlength=len(book)).astype(np.int64)
    ranked = np.argsort(-used, kind="stable")
    return VectorQuantizer(tuple(map(tuple, book[ranked[used[ranked] > 0]].tolist())))


def _nearest(book: Integers, rows: Integers) -> npt.NDArray[np.uint16]:
    return VectorQuantizer(tuple(map(tuple, book.tolist()))).nearest(rows)


def _means(
    rows: Integers, weights: Integers, labels: npt.NDArray[np.uint16], before: Integers
) -> Integers:
    """The mean of the vectors of each codeword, rounded to the nearest, halves up."""
    sums = np.zeros_like(before)
    np.add.at(sums, labels, rows * weights[:, None])
    counts = np.zeros(len(before), np.int64)
    np.add.at(counts, labels, weights)
    counts = counts[:, None]
    means = (2 * sums + counts) // np.maximum(2 * counts, 1)
    return np.where(counts > 0, means, before)
