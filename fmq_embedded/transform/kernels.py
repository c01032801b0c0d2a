"""Forward and inverse transforms of one tile, compiled by Numba; 32-bit integers alone.

Each is a matrix product over columns and one over rows. Sums are taken modulo 2^32, as signed
32-bit integers: with samples within ±4,095 none leaves that range (the largest is
46,336 · 46,331 < 2^31), and whatever a stream holds, C computes the same.
"""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.entropy.kernels import jit
from fmq_embedded.transform.matrices import FRACTION_BITS

FORWARD_FIRST_SHIFT = FRACTION_BITS - 1
FORWARD_SECOND_SHIFT = FRACTION_BITS + 1


@jit
def _over_rows(source, top, left, height, width, matrix, shift, result):  # type: ignore[no-untyped-def]
    """result[k, x] = Σ matrix[k, y] · source[top + y, left + x], rounded by `shift` bits."""
    half = np.int32(1 << (shift - 1))
    for k in range(height):
        row = result[k]
        for x in range(width):
            row[x] = half
        for y in range(height):
            factor = matrix[k, y]
            samples = source[top + y]
            for x in range(width):
                row[x] = np.int32(row[x] + factor * samples[left + x])
        for x in range(width):
            row[x] >>= shift


@jit
def _over_columns(source, height, width, matrix, shift, result, top, left):  # type: ignore[no-untyped-def]
    """result[top + y, left + k] = Σ source[y, x] · matrix[x, k], rounded by `shift` bits."""
    half = np.int32(1 << (shift - 1))
    for y in range(height):
        row = result[top + y]
        for k in range(width):
            row[left + k] = half
        for x in range(width):
            value = source[y, x]
            factors = matrix[x]
            for k in range(width):
                row[left + k] = np.int32(row[left + k] + factors[k] * value)
        for k in range(width):
            row[left + k] >>= shift


@jit
def forward(samples, top, left, height, width, table, scratch, coefficients):  # type: ignore[no-untyped-def]
    """The coefficients of a tile, rounded to integers.

    Args:
        samples: int32, within ±4,095; rows × columns.
        top, left, height, width: the tile; height and width 1..32.
        table: from `matrix_table`.
        scratch: int32 (32, 32).
        coefficients: int32, rows × columns; the tile is overwritten.
    """
    _over_rows(samples, top, left, height, width, table[0, height], FORWARD_FIRST_SHIFT, scratch)
    _over_columns(
        scratch, height, width, table[1, width], FORWARD_SECOND_SHIFT, coefficients, top, left
    )


@jit
def inverse(coefficients, top, left, height, width, table, scratch, samples):  # type: ignore[no-untyped-def]
    """The samples of a tile: the mirror of `forward`, at the scale of the coefficients."""
    _over_rows(coefficients, top, left, height, width, table[1, height], FRACTION_BITS, scratch)
    _over_columns(scratch, height, width, table[0, width], FRACTION_BITS, samples, top, left)
