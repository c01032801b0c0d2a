"""A transform over the channels of a map, calibrated: from correlated channels to few large ones.

Its matrix is that of the Karhunen–Loève transform of the calibration maps, in integers. A map's
energy then lies in the first channels; what is left of the others the coder makes dead channels
of. It pays on linear maps, whose samples are about 0, and not on those of a ReLU.

Source: H. Hotelling, "Analysis of a complex of statistical variables into principal components",
J. Educ. Psych. 24 (1933); US 2025/0267265 A1, [0107–0108].
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError
from fmq_embedded.transform import FRACTION_BITS

Numbers = npt.NDArray[np.int32]

LARGEST_CHANNELS = 64
LARGEST_SUM = (1 << 16) - 1
"""Of the magnitudes in a row or column: with numbers of 16 bits all sums then fit in 32."""
FINER_BITS = 2
"""What goes into the transform is in 1/4 of the unit of what comes out."""


@dataclass(frozen=True)
class ChannelTransform:
    """An orthonormal matrix in integers.

    Args:
        rows: C basis functions of C entries each, times 2^13, rounded; 2 ≤ C ≤ 64.

    Raises:
        InputError: another number of channels, not square, or entries so large that sums would
            not fit in 32 bits.
    """

    rows: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        count = len(self.rows)
        if not 2 <= count <= LARGEST_CHANNELS or any(len(row) != count for row in self.rows):
            raise InputError(
                f"a channel transform is a square matrix for 2..{LARGEST_CHANNELS} channels; got "
                f"{count} rows of {sorted({len(row) for row in self.rows})} entries"
            )
        sizes = np.abs(np.array(self.rows, np.int64))
        if max(sizes.sum(axis=0).max(), sizes.sum(axis=1).max()) > LARGEST_SUM:
            raise InputError(
                f"the magnitudes in a row or column of a channel transform add to {LARGEST_SUM} at "
                "most, so that 32 bits suffice; scale orthonormal rows by 2^13"
            )

    @classmethod
    def fitted(cls, covariance: npt.ArrayLike) -> ChannelTransform:
        """That of maps with this covariance of their channels: largest energy first.

        Args:
            covariance: float64 (C, C), symmetric; of the samples, not about their mean.
        """
        _, vectors = np.linalg.eigh(np.asarray(covariance, np.float64))
        basis = vectors.T[::-1]
        largest = np.take_along_axis(basis, np.abs(basis).argmax(axis=1)[:, None], axis=1)
        entries = np.rint(basis * np.sign(largest) * (1 << FRACTION_BITS)).astype(np.int64)
        return cls(tuple(tuple(row) for row in entries.tolist()))

    @cached_property
    def matrix(self) -> npt.NDArray[np.int64]:
        """The entries, (C, C)."""
        return np.array(self.rows, np.int64)

    def forward(self, samples: npt.NDArray[Any], limit: int) -> Numbers:
        """Samples of all channels, in 1/4, become those that are coded.

        z_k = (Σ A[k][c] · x_c + 2^14) >> 15, within ±limit.

        Args:
            samples: integers of 16 bits, channels last.
        """
        shift = FRACTION_BITS + FINER_BITS
        sums = samples.astype(np.int64) @ self.matrix.T
        rounded = (sums + (1 << (shift - 1))) >> shift
        coded: Numbers = np.clip(rounded, -limit, limit).astype(np.int32)
        return coded

    def inverse(self, samples: npt.NDArray[Any]) -> Numbers:
        """Decoded samples in 1/4 become those of the map's own channels, in 1/4.

        x_c = (Σ A[k][c] · y_k + 2^12) >> 13.

        Args:
            samples: integers of 16 bits, channels last.
        """
        sums = samples.astype(np.int64) @ self.matrix
        own: Numbers = ((sums + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS).astype(np.int32)
        return own

    def to_bytes(self) -> bytes:
        """The entries, int16, little-endian, row by row."""
        return self.matrix.astype("<i2").tobytes()
