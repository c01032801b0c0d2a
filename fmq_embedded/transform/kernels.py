"""Forward and inverse transforms of one tile, compiled by Numba; 32-bit integers alone.

Each is a matrix product over columns and one over rows. Sums are taken modulo 2^32, as signed
32-bit integers: with samples within ±4,095 none leaves that range (the largest is
32,760 · 65,536 < 2^31), and whatever a stream holds, C computes the same.
"""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.compiling import NOTHING, inner
from fmq_embedded.entropy.kernels import jit
from fmq_embedded.transform.matrices import FRACTION_BITS, LARGEST_SIZE

SMALL_TILE = 1024
"""Places of the largest tile whose first sums keep a bit more than its second."""


@inner
def _add_four(sums, rows, at, left, factors, first):  # type: ignore[no-untyped-def]
    """sums[x] += Σ factors[first + i] · rows[at + i, left + x], i = 0…3: one pass as vectors."""
    right = left + sums.size
    row_0, row_1 = rows[at, left:right], rows[at + 1, left:right]
    row_2, row_3 = rows[at + 2, left:right], rows[at + 3, left:right]
    factor_0, factor_1 = factors[first], factors[first + 1]
    factor_2, factor_3 = factors[first + 2], factors[first + 3]
    for x in range(sums.size):
        more = factor_0 * row_0[x] + factor_1 * row_1[x] + factor_2 * row_2[x]
        sums[x] = np.int32(sums[x] + more + factor_3 * row_3[x])


@inner
def _combine(rows, top, left, factors, count, shift, sums):  # type: ignore[no-untyped-def]
    """sums[x] = Σ factors[i] · rows[top + i, left + x] of `count` rows, rounded by `shift` bits."""
    half = np.int32(1 << (shift - 1))
    for x in range(sums.size):
        sums[x] = half
    i = NOTHING
    while i + 4 <= count:
        _add_four(sums, rows, top + i, left, factors, i)
        i += 4
    while i < count:
        row = rows[top + i, left : left + sums.size]
        for x in range(sums.size):
            sums[x] = np.int32(sums[x] + factors[i] * row[x])
        i += 1
    for x in range(sums.size):
        sums[x] >>= shift


@inner
def _fold(rows, count, width, differences):  # type: ignore[no-untyped-def]
    """rows[y] ± rows[count − 1 − y], y < count / 2: the sums stay, the differences go elsewhere."""
    for y in range(count // 2):
        low, high, apart = rows[y, :width], rows[count - 1 - y, :width], differences[y, :width]
        for x in range(width):
            apart[x] = np.int32(low[x] - high[x])
            low[x] = np.int32(low[x] + high[x])


@inner
def _transform_rows(rows, height, width, matrix, shift, scratch, result, top, left):  # type: ignore[no-untyped-def]
    """result[top + x, left + k] = Σ matrix[k, y] · rows[y, x], rounded by `shift` bits.

    Rows of a DCT-II are even or odd: so the odd ones need differences of half as many rows, and
    the even ones sums, which are a DCT-II of half the size again.

    Args:
        rows: int32 (64, 64): of no use afterwards.
        matrix: of a DCT-II or a DST-VII; of the first the first row is all the same.
        scratch: int32 (64, 64).
    """
    sums = scratch[LARGEST_SIZE // 2, :width]
    length, step = height, 1
    is_folded = matrix[0, 0] == matrix[0, height - 1]
    while is_folded and length % 2 == 0:
        _fold(rows, length, width, scratch)
        length //= 2
        for k in range(step, height, 2 * step):
            _combine(scratch, NOTHING, NOTHING, matrix[k], length, shift, sums)
            for x in range(width):
                result[top + x, left + k] = sums[x]
        step *= 2
    for k in range(0, height, step):
        _combine(rows, NOTHING, NOTHING, matrix[k], length, shift, sums)
        for x in range(width):
            result[top + x, left + k] = sums[x]


@inner
def _over_rows(source, top, left, height, width, matrix, shift, result):  # type: ignore[no-untyped-def]
    """result[k, x] = Σ matrix[k, y] · source[top + y, left + x], rounded by `shift` bits."""
    for k in range(height):
        _combine(source, top, left, matrix[k], height, shift, result[k, :width])


@inner
def _over_columns(source, height, width, matrix, shift, result, top, left):  # type: ignore[no-untyped-def]
    """result[top + y, left + k] = Σ source[y, x] · matrix[x, k], rounded by `shift` bits."""
    for y in range(height):
        _combine(
            matrix, NOTHING, NOTHING, source[y], width, shift, result[top + y, left : left + width]
        )


@jit
def forward(samples, top, left, height, width, table, scratch, coefficients):  # type: ignore[no-untyped-def]
    """The coefficients of a tile, rounded to integers.

    Args:
        samples: int32, within ±4,095; rows × columns.
        top, left, height, width: the tile; height and width 1..64.
        table: from `matrix_table`.
        scratch: int32 (3, 64, 64).
        coefficients: int32, rows × columns; the tile is overwritten.
    """
    more = 1 if height * width <= SMALL_TILE else 0
    first, second = FRACTION_BITS - more, FRACTION_BITS + more
    rows, columns, rest = scratch[0], scratch[1], scratch[2]
    for y in range(height):
        for x in range(width):
            rows[y, x] = samples[top + y, left + x]
    _transform_rows(rows, height, width, table[0, height], first, rest, columns, NOTHING, NOTHING)
    _transform_rows(columns, width, height, table[0, width], second, rest, coefficients, top, left)


@jit
def inverse(coefficients, top, left, height, width, table, scratch, samples):  # type: ignore[no-untyped-def]
    """The samples of a tile: the mirror of `forward`, at the scale of the coefficients."""
    rows, shift = scratch[0], np.int64(FRACTION_BITS)
    _over_rows(coefficients, top, left, height, width, table[1, height], shift, rows)
    _over_columns(rows, height, width, table[0, width], shift, samples, top, left)
