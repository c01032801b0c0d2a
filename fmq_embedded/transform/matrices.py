"""Integer matrices of the DCT-II and the DST-VII.

Row k holds the k-th basis function, orthonormal, times 2^13 and rounded to the nearest integer.
So an entry fits 16 bits, and size 1 is the factor 8192 alone.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError

LARGEST_SIZE = 64
LARGEST_SINE = 32
FRACTION_BITS = 13
COSINE, SINE = 0, 1
"""The kinds: DCT-II (ITU-T T.81 A.3.3) and DST-VII (H.266 8.7.4.3)."""
LARGEST_SIZES = (LARGEST_SIZE, LARGEST_SINE)


@functools.cache
def matrix(kind: int, size: int) -> npt.NDArray[np.int16]:
    """The matrix of a transform, int16 (size, size), read-only.

    Args:
        kind: `COSINE` or `SINE`.
        size: 1..64, of the DST-VII 1..32.

    Raises:
        InputError: another kind or size.
    """
    if kind not in (COSINE, SINE) or not 1 <= size <= LARGEST_SIZES[kind]:
        raise InputError(
            f"a transform is of kind 0 (DCT-II) and of size 1..{LARGEST_SIZE}, or of kind 1 "
            f"(DST-VII) and of size 1..{LARGEST_SINE}; got kind {kind}, size {size}"
        )
    entry = _cosine if kind == COSINE else _sine
    rows = [
        [math.floor(entry(size, k, n) * 2**FRACTION_BITS + 0.5) for n in range(size)]
        for k in range(size)
    ]
    result = np.array(rows, np.int16)
    result.flags.writeable = False
    return result


@functools.cache
def matrix_table(kind: int) -> npt.NDArray[np.int32]:
    """The matrices of all sizes, and transposed, for the kernels.

    The DST-VII is for sizes up to 32: above, there is the DCT-II in its place.

    Returns:
        int32 (2, 65, 64, 64): as they are, transposed; by size; padded with 0. All callers share
        it, and nobody writes to it: that it could be written to spares kernels a second type.
    """
    table = np.zeros((2, LARGEST_SIZE + 1, LARGEST_SIZE, LARGEST_SIZE), np.int32)
    for size in range(1, LARGEST_SIZE + 1):
        own = matrix(kind if size <= LARGEST_SINE else COSINE, size)
        table[0, size, :size, :size] = own
        table[1, size, :size, :size] = own.T
    return table


def _cosine(size: int, k: int, n: int) -> float:
    scale = math.sqrt((1 if k == 0 else 2) / size)
    return scale * math.cos(math.pi * (2 * n + 1) * k / (2 * size))


def _sine(size: int, k: int, n: int) -> float:
    if size == 1:
        return 1.0
    angle = math.pi * (2 * k + 1) * (n + 1) / (2 * size + 1)
    return math.sin(angle) * 2 / math.sqrt(2 * size + 1)
