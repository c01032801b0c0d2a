"""A transform over the channels of a map, calibrated: from correlated channels to few large ones.

Its matrix is that of the Karhunen–Loève transform of the calibration maps, in integers. A map's
energy then lies in the first channels; what is left of the others the coder makes dead channels
of. It pays on linear maps, whose samples are about 0, and not on those of a ReLU.

Where the tail is known, numbers are weighed by what they matter to it, so that one step serves
all: then the matrix is not orthonormal, and it has an inverse of its own.

Source: H. Hotelling, "Analysis of a complex of statistical variables into principal components",
J. Educ. Psych. 24 (1933); US 2025/0267265 A1, [0107–0108].
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError
from fmq_embedded.transform import FRACTION_BITS

Numbers = npt.NDArray[np.int32]
Reals = npt.NDArray[np.float64]
Rows = tuple[tuple[int, ...], ...]

LARGEST_CHANNELS = 64
LARGEST_SUM = (1 << 16) - 1
"""Of the magnitudes in a row or column: with numbers of 16 bits all sums then fit in 32."""
LARGEST_ENTRY = (1 << 15) - 1
MOST_FRACTION_BITS = 15
FINER_BITS = 2
"""What goes into the transform is in 1/4 of the unit of what comes out."""


@dataclass(frozen=True)
class Matrix:
    """A square matrix in integers.

    Args:
        rows: C rows of C entries each, ±32,767; 2 ≤ C ≤ 64.
        fraction_bits: 0…15: the entries are those of the matrix times 2^fraction_bits, rounded.

    Raises:
        InputError: values outside these, another number of channels, or not square.
    """

    rows: Rows
    fraction_bits: int = FRACTION_BITS

    def __post_init__(self) -> None:
        count = len(self.rows)
        if not 2 <= count <= LARGEST_CHANNELS or any(len(row) != count for row in self.rows):
            raise InputError(
                f"a channel transform is a square matrix for 2..{LARGEST_CHANNELS} channels; got "
                f"{count} rows of {sorted({len(row) for row in self.rows})} entries"
            )
        if not 0 <= self.fraction_bits <= MOST_FRACTION_BITS:
            raise InputError(
                f"a channel transform has 0..{MOST_FRACTION_BITS} fraction bits; got "
                f"{self.fraction_bits}"
            )
        if int(np.abs(self.entries).max()) > LARGEST_ENTRY:
            raise InputError(
                f"the entries of a channel transform are within ±{LARGEST_ENTRY}; got "
                f"{int(np.abs(self.entries).max())}: take fewer fraction bits"
            )

    @cached_property
    def entries(self) -> npt.NDArray[np.int64]:
        """(C, C)."""
        return np.array(self.rows, np.int64)

    @property
    def values(self) -> Reals:
        """What it stands for, (C, C)."""
        return np.ldexp(self.entries.astype(np.float64), -self.fraction_bits)

    def sums_are_within(self, axis: int) -> bool:
        """Whether sums of 16-bit numbers along this axis fit in 32 bits."""
        return int(np.abs(self.entries).sum(axis=axis).max()) <= LARGEST_SUM

    @classmethod
    def nearest(cls, values: Reals, axis: int) -> Matrix:
        """With the most fraction bits of which sums along this axis fit.

        Raises:
            InputError: values so large that no number of fraction bits does.
        """
        sizes = np.abs(values)
        most = min(LARGEST_ENTRY / sizes.max(), (LARGEST_SUM - len(values)) / sizes.sum(axis).max())
        bits = min(math.floor(math.log2(most)), MOST_FRACTION_BITS)
        entries = np.rint(np.ldexp(values, bits)).astype(np.int64)
        return cls(tuple(tuple(row) for row in entries.tolist()), bits)


@dataclass(frozen=True)
class ChannelTransform:
    """A matrix over the channels of a place, and what undoes it.

    Args:
        matrix: C basis functions of C entries.
        back: in row k, what the k-th coded number adds to each channel; None for `matrix` itself,
            which is then orthonormal.

    Raises:
        InputError: matrices of different sizes, or entries so large that sums would not fit in
            32 bits.
    """

    matrix: Matrix
    back: Matrix | None = None

    def __post_init__(self) -> None:
        if len(self.inverse_matrix.rows) != self.channels:
            raise InputError(
                f"a channel transform for {self.channels} channels has an inverse for "
                f"{len(self.inverse_matrix.rows)}"
            )
        if not (self.matrix.sums_are_within(1) and self.inverse_matrix.sums_are_within(0)):
            raise InputError(
                "the magnitudes in a row of a channel transform, and in a column of its inverse, "
                f"add to {LARGEST_SUM} at most, so that 32 bits suffice; take fewer fraction bits"
            )

    @classmethod
    def fitted(cls, covariance: npt.ArrayLike) -> ChannelTransform:
        """The orthonormal one of maps with this covariance of channels: largest energy first.

        Args:
            covariance: float64 (C, C), symmetric; of the samples, not about their mean.
        """
        entries = np.rint(np.ldexp(principal_basis(covariance), FRACTION_BITS)).astype(np.int64)
        return cls(Matrix(tuple(tuple(row) for row in entries.tolist())))

    @classmethod
    def weighted(cls, forward: Reals) -> ChannelTransform:
        """That of any matrix (C, C) that can be inverted; its inverse is that of its integers.

        Raises:
            InputError: the matrix, or its inverse, cannot be had in 16-bit integers.
        """
        matrix = Matrix.nearest(forward, axis=1)
        try:
            inverse = np.linalg.inv(matrix.values)
        except np.linalg.LinAlgError as error:
            raise InputError("a channel transform that cannot be inverted") from error
        return cls(matrix, Matrix.nearest(inverse.T, axis=0))

    @property
    def channels(self) -> int:
        """How many it is for."""
        return len(self.matrix.rows)

    @property
    def inverse_matrix(self) -> Matrix:
        """`back`, or the matrix itself."""
        return self.matrix if self.back is None else self.back

    def forward(self, samples: npt.NDArray[Any], limit: int) -> Numbers:
        """Samples of all channels, in 1/4, become those that are coded.

        z_k = (Σ A[k][c] · x_c + 2^(s − 1)) >> s with s = fraction bits + 2, within ±limit.

        Args:
            samples: integers of 16 bits, channels last.
        """
        shift = self.matrix.fraction_bits + FINER_BITS
        sums = samples.astype(np.int64) @ self.matrix.entries.T
        coded: Numbers = np.clip(_rounded(sums, shift), -limit, limit).astype(np.int32)
        return coded

    def inverse(self, samples: npt.NDArray[Any]) -> Numbers:
        """Decoded samples in 1/4 become those of the map's own channels, in 1/4.

        x_c = (Σ B[k][c] · y_k + 2^(s − 1)) >> s with s = fraction bits; without them for s = 0.

        Args:
            samples: integers of 16 bits, channels last.
        """
        sums = samples.astype(np.int64) @ self.inverse_matrix.entries
        return _rounded(sums, self.inverse_matrix.fraction_bits).astype(np.int32)

    def to_bytes(self) -> bytes:
        """The entries, int16, little-endian, row by row; those of `back`, and the fraction bits."""
        own = self.matrix.entries.astype("<i2").tobytes()
        if self.back is None and self.matrix.fraction_bits == FRACTION_BITS:
            return own
        inverse = self.inverse_matrix
        bits = bytes([self.matrix.fraction_bits, inverse.fraction_bits])
        return own + inverse.entries.astype("<i2").tobytes() + bits

    def description(self) -> dict[str, Any]:
        """What a deployment's description says."""
        told: dict[str, Any] = {"channels": [*map(list, self.matrix.rows)]}
        if self.matrix.fraction_bits != FRACTION_BITS:
            told["channels_fraction_bits"] = self.matrix.fraction_bits
        if self.back is not None:
            told["channels_back"] = [*map(list, self.back.rows)]
            told["channels_back_fraction_bits"] = self.back.fraction_bits
        return told

    @classmethod
    def described(cls, entry: Mapping[str, Any]) -> ChannelTransform:
        """The mirror of `description`.

        Raises:
            KeyError, TypeError, ValueError: the description is not what was written.
            InputError: see `ChannelTransform`.
        """
        bits = int(entry.get("channels_fraction_bits", FRACTION_BITS))
        back = None
        if "channels_back" in entry:
            back = Matrix(_rows(entry["channels_back"]), int(entry["channels_back_fraction_bits"]))
        return cls(Matrix(_rows(entry["channels"]), bits), back)


def principal_basis(covariance: npt.ArrayLike) -> Reals:
    """The eigenvectors in rows, that of the largest value first; their largest entry is positive.

    Args:
        covariance: float64 (C, C), symmetric.
    """
    _, vectors = np.linalg.eigh(np.asarray(covariance, np.float64))
    basis = vectors.T[::-1]
    largest = np.take_along_axis(basis, np.abs(basis).argmax(axis=1)[:, None], axis=1)
    signed: Reals = basis * np.sign(largest)
    return signed


def _rounded(sums: npt.NDArray[np.int64], shift: int) -> npt.NDArray[np.int64]:
    return (sums + ((1 << shift) >> 1)) >> shift


def _rows(entries: Any) -> Rows:
    return tuple(tuple(map(int, row)) for row in entries)
