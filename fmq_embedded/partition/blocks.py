"""Coding trees: how to cut a map into blocks, by cost ([0218], [0219], [0233], [0234])."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

LEAF, HALF_ROWS, HALF_COLUMNS, HALF_CHANNELS, THREE, FOUR, EIGHT = range(7)
MAIN_DIAGONAL, OTHER_DIAGONAL = 7, 8
SPLITS = (HALF_ROWS, HALF_COLUMNS, HALF_CHANNELS, THREE, FOUR, EIGHT)

_SYMBOL_BITS = 2
_CLASS_BITS = 3


class Box(NamedTuple):
    """A block: where it begins and its size, along rows, columns and channels."""

    row: int
    column: int
    channel: int
    rows: int
    columns: int
    channels: int


@dataclass(frozen=True)
class TreeLimits:
    """How far a tree is searched.

    Args:
        depth: at most 8.
        smallest: samples of a block that may still be cut.
    """

    depth: int = 5
    smallest: int = 32


def parts_of(box: Box, symbol: int) -> list[Box] | None:
    """The parts of a split, in coding order; None where the box cannot have it."""
    halved = {
        HALF_ROWS: (2, 1, 1),
        HALF_COLUMNS: (1, 2, 1),
        HALF_CHANNELS: (1, 1, 2),
        THREE: (3, 1, 1) if box.rows >= box.columns else (1, 3, 1),
        FOUR: (2, 2, 1),
        EIGHT: (2, 2, 2),
    }
    counts = halved[symbol]
    if any(size < count for size, count in zip(box[3:], counts, strict=True)):
        return None
    rows, columns, channels = (
        _intervals(start, size, count)
        for start, size, count in zip(box[:3], box[3:], counts, strict=True)
    )
    return [
        Box(row, column, channel, high, wide, deep)
        for row, high in rows
        for column, wide in columns
        for channel, deep in channels
    ]


def first_triangle(rows: int, columns: int, symbol: int) -> npt.NDArray[np.bool_]:
    """Where the first of two triangles lies in a box, rows × columns."""
    down = (2 * np.arange(rows)[:, None] + 1) * columns
    right = (2 * np.arange(columns) + 1) * rows
    if symbol == MAIN_DIAGONAL:
        return down >= right
    return down + right <= 2 * rows * columns


class TreeSearch:
    """Finds the cheapest tree that a greedy search sees.

    At each block every split is judged by the cheapest classes of its parts as leaves; the best
    one is followed down, and taken back where in the end the block as one leaf is cheaper: so
    blocks are split, and merged again.
    """

    def __init__(self, costs: Integers, bit: int, limits: TreeLimits) -> None:
        """Take costs of classes × rows × columns × channels, and what a bit of the tree costs."""
        self._sums = np.zeros(tuple(size + (i > 0) for i, size in enumerate(costs.shape)), np.int64)
        self._sums[:, 1:, 1:, 1:] = costs.cumsum(axis=1).cumsum(axis=2).cumsum(axis=3)
        self._bit = bit
        self._limits = limits
        self._whole = Box(0, 0, 0, *costs.shape[1:])

    def tree(self) -> bytes:
        """The symbols of the tree; see `ClassMap`."""
        return self._searched(self._whole, 0)[1]

    def _searched(self, box: Box, depth: int) -> tuple[int, bytes]:
        cost, own = self._leaf(box)
        leaf = cost, bytes([LEAF, own])
        if depth >= self._limits.depth or box.rows * box.columns * box.channels < max(
            2, self._limits.smallest
        ):
            return leaf
        options = [self._triangles(box, symbol) for symbol in (MAIN_DIAGONAL, OTHER_DIAGONAL)]
        splits = [(symbol, parts_of(box, symbol)) for symbol in SPLITS]
        judged = [
            (sum(self._leaf(part)[0] for part in parts), symbol, parts)
            for symbol, parts in splits
            if parts is not None
        ]
        if judged:
            _, symbol, parts = min(judged, key=lambda option: option[:2])
            found = [self._searched(part, depth + 1) for part in parts]
            total = sum(cost for cost, _ in found) + _SYMBOL_BITS * self._bit
            options.append((total, bytes([symbol]) + b"".join(nodes for _, nodes in found)))
        return min([leaf, *(option for option in options if option is not None)])

    def _leaf(self, box: Box) -> tuple[int, int]:
        costs = self._box_costs(box)
        own = int(np.argmin(costs))
        return int(costs[own]) + (_SYMBOL_BITS + _CLASS_BITS) * self._bit, own

    def _box_costs(self, box: Box) -> Integers:
        planes = self._sums[:, :, :, box.channel + box.channels] - self._sums[:, :, :, box.channel]
        top, left = box.row, box.column
        bottom, right = top + box.rows, left + box.columns
        result: Integers = (
            planes[:, bottom, right]
            - planes[:, top, right]
            - planes[:, bottom, left]
            + planes[:, top, left]
        )
        return result

    def _triangles(self, box: Box, symbol: int) -> tuple[int, bytes] | None:
        if box.rows < 2 or box.columns < 2:
            return None
        planes = self._sums[:, :, :, box.channel + box.channels] - self._sums[:, :, :, box.channel]
        window = planes[
            :, box.row : box.row + box.rows + 1, box.column : box.column + box.columns + 1
        ]
        cells = np.diff(np.diff(window, axis=1), axis=2)
        is_first = first_triangle(box.rows, box.columns, symbol)
        pairs = [(cells * mask).sum(axis=(1, 2)) for mask in (is_first, ~is_first)]
        first, second = (int(np.argmin(costs)) for costs in pairs)
        if first == second:
            return None
        total = int(pairs[0][first] + pairs[1][second])
        total += (_SYMBOL_BITS + 2 * _CLASS_BITS) * self._bit
        return total, bytes([symbol, first, second])


def renumbered(tree: bytes) -> tuple[bytes, list[int]]:
    """A tree with its classes numbered from 0 in rising order, and what they were."""
    places = list(_class_places(tree))
    used = sorted({tree[place] for place in places})
    nodes = bytearray(tree)
    for place in places:
        nodes[place] = used.index(tree[place])
    return bytes(nodes), used


def _class_places(tree: bytes) -> list[int]:
    places: list[int] = []
    node = 0
    while node < len(tree):
        count = {LEAF: 1, MAIN_DIAGONAL: 2, OTHER_DIAGONAL: 2}.get(tree[node], 0)
        places += range(node + 1, node + 1 + count)
        node += 1 + count
    return places


def _intervals(start: int, size: int, count: int) -> list[tuple[int, int]]:
    """The parts of an axis: one, two with the first rounded up, or three, 1:2:1."""
    outer = (size + 1) // 4
    sizes = {
        1: [size],
        2: [(size + 1) // 2, size // 2],
        3: [outer, size - 2 * outer, outer],
    }[count]
    starts = [start + sum(sizes[:index]) for index in range(count)]
    return list(zip(starts, sizes, strict=True))
