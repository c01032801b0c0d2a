"""A vector quantizer over the levels of a scalar one: integers, one tie rule ([0230], [0236])."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError

SMALLEST_DIMENSION, LARGEST_DIMENSION = 2, 8
LARGEST_CODEBOOK = 4096
LARGEST_COMPONENT = 65535

_CHUNK = 2048
"""Vectors whose distances are held at a time."""

Integers = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class VectorQuantizer:
    """A codebook: each vector of levels is replaced by the nearest codeword.

    Args:
        codewords: 1..4096 rows of the same 2..8 levels, each 0..65535.

    Raises:
        InputError: for other sizes or values.
    """

    codewords: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        rows = tuple(tuple(int(level) for level in row) for row in self.codewords)
        object.__setattr__(self, "codewords", rows)
        sizes = {len(row) for row in rows}
        if not 1 <= len(rows) <= LARGEST_CODEBOOK or len(sizes) != 1:
            raise InputError(
                f"a codebook has 1..{LARGEST_CODEBOOK} codewords of one size; got {len(rows)} "
                f"of sizes {sorted(sizes)}"
            )
        if not SMALLEST_DIMENSION <= self.dimension <= LARGEST_DIMENSION:
            raise InputError(
                f"a codeword has {SMALLEST_DIMENSION}..{LARGEST_DIMENSION} levels; "
                f"got {self.dimension}"
            )
        if min(map(min, rows)) < 0 or max(map(max, rows)) > LARGEST_COMPONENT:
            raise InputError(f"a codeword's levels lie in 0..{LARGEST_COMPONENT}")

    @property
    def dimension(self) -> int:
        """Levels of a codeword."""
        return len(self.codewords[0])

    @property
    def largest_level(self) -> int:
        """The largest level in any codeword."""
        return max(map(max, self.codewords))

    def nearest(self, vectors: Integers) -> npt.NDArray[np.uint16]:
        """The index of the codeword at the least sum of squared differences, ties to the lowest.

        Args:
            vectors: n × dimension levels, 0..65535.

        Returns:
            n indices.
        """
        # Every number here is a whole one below 2^37, so float64 holds it exactly.
        book = np.array(self.codewords, np.float64)
        norms = (book * book).sum(axis=1)
        indices = np.empty(len(vectors), np.uint16)
        for start in range(0, len(vectors), _CHUNK):
            rows = vectors[start : start + _CHUNK].astype(np.float64)
            indices[start : start + _CHUNK] = np.argmin(norms - 2 * rows @ book.T, axis=1)
        return indices

    def levels(self, indices: Integers) -> npt.NDArray[np.uint16]:
        """The codewords of indices, n × dimension."""
        return np.array(self.codewords, np.uint16)[indices]
