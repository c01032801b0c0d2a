"""The static coder's distributions: its numbers, once, for Numba, C and the specification.

A magnitude is coded with one of a few fixed distributions over 16 symbols: 0 … 14, and 15 for
all that is larger. Which one, follows from the sum of the magnitudes to the left and above and,
where that sum is small, from the class of the channel: how often its levels differ from the
centre. Maps whose neighbours tell nothing have plain distributions, by the class and the mean
magnitude.

The frequencies by neighbours were counted on residuals of feature maps of five networks (ReLU and
linear, three photos, steps for 10 to 26 dB), all maps weighted alike, and rounded to 1/4096, none
below 1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PRECISION = 12
"""Frequencies are in 1/2^PRECISION."""
STATE_BITS = 15
"""A state is 2^STATE_BITS at the least, and below 2^(STATE_BITS + 16)."""

ESCAPE = 15
SYMBOLS = ESCAPE + 1
SUMS = 16
"""A larger sum of neighbours is halved until it is below; the magnitude is then cut as often."""

CLASSES = 4
CLASS_BITS = 2
CLASS_LIMITS = ((1, 64), (3, 16), (1, 2))
"""A channel's class is the number of these shares that its levels beside the centre reach."""
SAMPLING_STRIDE, SAMPLING_FROM = 7, 128
"""A map of at least so many positions is judged by each seventh."""
AGREEMENT = 8
"""Neighbours tell something if they agree, in being the centre, by a share of 1/AGREEMENT of what
chance leaves open."""

BLOCK_LEVELS, WIDE_BLOCK_LEVELS = 2048, 1024
"""Levels of a block, up to 8 bits and beyond; it has whole positions, and at least one."""

BY_NEIGHBOURS, NARROW, WIDE = 0, 1, 2
"""Models of a map; the plain ones are NARROW and WIDE + s, whose symbols are cells of 2^s."""
LARGEST_SHIFT = 15
NARROW_LIMIT, WIDE_LIMIT = (12, 10), (36, 10)
"""Means of the magnitudes beside 0, less 1: below the first it is NARROW, and below the second,
times 2^s, WIDE + s."""
_ZEROS = (4064, 3750, 2700, 1300)
_DECAYS = (32, 48)
"""Of the plain distributions: the frequency of 0 in each class; each symbol's frequency beside that
of the one before, in 1/64, NARROW and WIDE."""


def _plain(zero: int, decay: int) -> tuple[int, ...]:
    """A distribution whose frequencies decay from symbol 1 on; none is below 1."""
    frequencies, rest = [zero], (1 << PRECISION) - zero
    for symbol in range(1, ESCAPE):
        share = min(max(rest * (64 - decay) >> 6, 1), rest - (ESCAPE - symbol))
        frequencies.append(share)
        rest -= share
    return (*frequencies, rest)


FREQUENCIES = (
    # a channel of class 0, sums of neighbours 0, 1, 2, 3
    (4081, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1),
    (3602, 446, 35, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1),
    (3130, 828, 47, 75, 4, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1),
    (3237, 389, 304, 93, 35, 15, 8, 4, 3, 2, 1, 1, 1, 1, 1, 1),
    # class 1
    (3875, 158, 30, 12, 6, 4, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1),
    (3000, 910, 123, 31, 10, 7, 4, 2, 2, 1, 1, 1, 1, 1, 1, 1),
    (2414, 1186, 320, 82, 37, 21, 14, 7, 4, 4, 1, 1, 1, 2, 1, 1),
    (2415, 677, 496, 237, 121, 50, 20, 23, 7, 12, 14, 4, 4, 4, 4, 8),
    # class 2
    (3495, 435, 83, 34, 18, 10, 6, 4, 3, 2, 1, 1, 1, 1, 1, 1),
    (2469, 1373, 169, 42, 18, 9, 4, 3, 2, 1, 1, 1, 1, 1, 1, 1),
    (1671, 1818, 410, 105, 39, 21, 12, 7, 4, 2, 2, 1, 1, 1, 1, 1),
    (1496, 1181, 829, 317, 124, 63, 31, 22, 11, 8, 4, 3, 3, 1, 1, 2),
    # class 3
    (2388, 1190, 263, 103, 51, 31, 20, 13, 9, 6, 4, 4, 2, 2, 2, 8),
    (1728, 1834, 363, 95, 36, 18, 8, 4, 2, 2, 1, 1, 1, 1, 1, 1),
    (977, 2202, 615, 166, 64, 31, 16, 9, 5, 4, 2, 1, 1, 1, 1, 1),
    (677, 1612, 1160, 375, 139, 60, 31, 16, 10, 6, 4, 2, 1, 1, 1, 1),
    # any class, sums 4, 5, 6 and 7, 8 and 9, 10 and 11, 12 to 15
    (632, 1057, 1345, 583, 234, 108, 56, 31, 19, 11, 7, 4, 3, 2, 1, 3),
    (544, 763, 1070, 870, 410, 200, 100, 56, 32, 19, 10, 8, 5, 3, 2, 4),
    (436, 575, 764, 942, 618, 327, 179, 100, 59, 35, 21, 12, 9, 6, 4, 9),
    (352, 414, 507, 643, 788, 555, 327, 197, 119, 71, 43, 28, 18, 11, 7, 16),
    (294, 327, 363, 454, 586, 682, 506, 331, 197, 127, 81, 53, 34, 20, 13, 28),
    (227, 244, 273, 321, 394, 485, 565, 504, 362, 238, 162, 111, 70, 45, 30, 65),
    # plain, NARROW and WIDE, of each class
    *(_plain(zero, decay) for decay in _DECAYS for zero in _ZEROS),
)
PLAIN = 22
"""The first of the plain distributions."""

_SHARED = (16, 17, 18, 18, 19, 19, 20, 20, 21, 21, 21, 21)
"""The distributions of the sums 4 … 15."""


def distributions() -> npt.NDArray[np.uint8]:
    """The distribution of each class and sum: uint8, CLASSES × SUMS."""
    rows = [(*range(4 * row, 4 * row + 4), *_SHARED) for row in range(CLASSES)]
    return np.array(rows, np.uint8)


def entries(model: int, shift: int, largest_sum: int) -> npt.NDArray[np.uint16]:
    """The distribution × 16 and the low bits of each class and sum: uint16, CLASSES × sums.

    Args:
        model: of the map.
        shift: low bits that all levels have, by their bit depth.
        largest_sum: the table ends with it.
    """
    sums = np.arange(largest_sum + 1)
    if model != BY_NEIGHBOURS:
        rows = PLAIN + CLASSES * (model >= WIDE) + np.arange(CLASSES, dtype=np.uint16)
        words = (rows << 4 | max(model - WIDE, 0)).astype(np.uint16)
        return words.repeat(sums.size).reshape(CLASSES, -1)
    halvings = np.zeros_like(sums)
    while (sums >= SUMS).any():
        halvings += sums >= SUMS
        sums = np.where(sums >= SUMS, sums >> 1, sums)
    first = distributions()[:, sums].astype(np.int64) << 4
    return (first | (halvings + shift)).astype(np.uint16)


def starts() -> npt.NDArray[np.int64]:
    """The sum of the frequencies before each symbol: distributions × SYMBOLS."""
    frequencies = np.array(FREQUENCIES, np.int64)
    return np.cumsum(frequencies, axis=1) - frequencies


def slots() -> npt.NDArray[np.uint32]:
    """What to do in each of the 2^PRECISION slots of each distribution.

    Its symbol's frequency << 16 | how far the slot lies behind the symbol's start << 4 | symbol.
    """
    symbols = np.arange(SYMBOLS, dtype=np.uint32)
    rows = []
    for frequencies, start in zip(np.array(FREQUENCIES, np.uint32), starts(), strict=True):
        offsets = np.arange(1 << PRECISION) - np.repeat(start, frequencies)
        steps = frequencies << 16 | symbols
        rows.append(np.repeat(steps, frequencies) | offsets.astype(np.uint32) << 4)
    return np.array(rows, np.uint32)


def reciprocals(shift: int) -> npt.NDArray[np.int64]:
    """floor(2^shift / frequency) + 1: distributions × SYMBOLS."""
    return (1 << shift) // np.array(FREQUENCIES, np.int64) + 1
