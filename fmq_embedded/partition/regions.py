"""Regions: connected positions of one class, merged when small and split when large ([0233])."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Limits:
    """What a region should be.

    Args:
        smallest: positions; a region with fewer joins the neighbour that suits it best.
        shortest: a region that is narrower or lower joins likewise.
        longest: a region that is wider or higher is halved across, and each half may take another
            class.
    """

    smallest: int = 2
    shortest: int = 1
    longest: int = 1 << 30


def connected(class_of: Integers) -> Integers:
    """The region of each position: 4-connected, numbered by first position in raster order."""
    rows, columns = class_of.shape
    region = np.arange(rows * columns).reshape(rows, columns)
    below = class_of[1:] == class_of[:-1]
    beside = class_of[:, 1:] == class_of[:, :-1]
    while True:
        before = region.copy()
        lowest = np.minimum(region[1:], region[:-1])
        np.copyto(region[1:], lowest, where=below)
        np.copyto(region[:-1], np.minimum(region[:-1], region[1:]), where=below)
        np.copyto(region[:, 1:], np.minimum(region[:, 1:], region[:, :-1]), where=beside)
        np.copyto(region[:, :-1], np.minimum(region[:, 1:], region[:, :-1]), where=beside)
        region = region.reshape(-1)[region]  # each position jumps to where its root points
        if np.array_equal(region, before):
            numbered: Integers = np.unique(region, return_inverse=True)[1]
            return numbered.reshape(rows, columns)


def tidied(class_of: Integers, costs: Integers, limits: Limits) -> Integers:
    """The class map with its regions split and merged.

    Args:
        class_of: rows × columns.
        costs: classes × rows × columns, of giving each position each class.
    """
    return _merged(_split(class_of, costs, limits), costs, limits)


def _split(class_of: Integers, costs: Integers, limits: Limits) -> Integers:
    result = class_of.copy()
    waiting = _members(connected(class_of))
    columns = class_of.shape[1]
    while waiting:
        cells = waiting.pop()
        rows, across = np.divmod(cells, columns)
        longer = rows if np.ptp(rows) >= np.ptp(across) else across
        if np.ptp(longer) < limits.longest:
            continue
        is_first = longer < (int(longer.min()) + int(longer.max()) + 1) // 2
        for half in (cells[is_first], cells[~is_first]):
            best = int(np.argmin(costs.reshape(len(costs), -1)[:, half].sum(axis=1)))
            result.reshape(-1)[half] = best
            waiting.append(half)
    return result


def _merged(class_of: Integers, costs: Integers, limits: Limits) -> Integers:
    result = class_of.copy()
    rows, columns = class_of.shape
    flat, flat_costs = result.reshape(-1), costs.reshape(len(costs), -1)
    for cells in sorted(_members(connected(class_of)), key=len):
        y, x = np.divmod(cells, columns)
        shortest = 1 + min(np.ptp(y), np.ptp(x))
        if len(cells) >= limits.smallest and shortest >= limits.shortest:
            continue
        around = [
            (cells[y > 0] - columns),
            (cells[y + 1 < rows] + columns),
            (cells[x > 0] - 1),
            (cells[x + 1 < columns] + 1),
        ]
        nearby = np.unique(flat[np.setdiff1d(np.concatenate(around), cells)])
        if nearby.size:
            flat[cells] = nearby[np.argmin(flat_costs[nearby][:, cells].sum(axis=1))]
    return result


def _members(region: Integers) -> list[Integers]:
    """The positions of each region, as flat indices."""
    flat = region.reshape(-1)
    order = np.argsort(flat, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(flat[order])) + 1)
