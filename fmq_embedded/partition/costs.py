"""What each way to quantize costs at each sample: squared error and estimated bits, in integers.

So that an encoder chooses the same classes on every machine, nothing here is floating point but
the exact quantizers themselves. Errors are measured on a fine grid over the base's range; bits by
the entropy of magnitudes among samples with like neighbours, which is what the coder's contexts
learn. A bit's price is the slope of the base's own curve: what a coarser step saves and loses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fmq_embedded.entropy import Geometry
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.partition.classes import ClassQuantizer, Step, scalar_quantizer
from fmq_embedded.partition.integer_log import log2_fixed
from fmq_embedded.quantizers.quantizer import Quantizer
from fmq_embedded.selection.moments import moments

Integers = npt.NDArray[np.int64]

BIT = 256
"""Costs count a squared unit of the grid as 256, and bits in 1/256."""
GRID_BITS = 5
_LARGEST_GRID = 14
_SLOPE = Step(2)
_HALF_OCTAVE_DOWN = 181  # of BIT: 256 / √2
_SMALL_MAGNITUDES = 8
_SYMBOLS = 24
_BINS = 20


@dataclass(frozen=True)
class Grid:
    """A fine uniform grid on which errors are measured."""

    quantizer: Quantizer

    @classmethod
    def over(cls, item: FeatureMap, base: Quantizer) -> Grid:
        """From the lowest to the highest of the samples and of the base's values."""
        known = moments(item)
        ends = base.dequantize(np.array([0, base.maximum_level]))
        low = min(known.minimum, float(ends.min()))
        high = max(known.maximum, float(ends.max()))
        return cls(Quantizer.uniform(low, high, min(base.bit_depth + GRID_BITS, _LARGEST_GRID)))

    def place(self, samples: FeatureMap | npt.ArrayLike) -> Integers:
        """Where samples lie on the grid."""
        return self.quantizer.quantize(samples).astype(np.int64)


@dataclass(frozen=True)
class Costs:
    """The costs of ways to quantize.

    Attributes:
        candidates: the ways.
        errors, bits: candidates × rows × columns × channels; squared units of the grid, and
            bits in 1/256.
        price: of a bit, in squared units of the grid; at least 1.
    """

    candidates: tuple[ClassQuantizer, ...]
    errors: Integers
    bits: Integers
    price: int

    @property
    def totals(self) -> Integers:
        """Error and bits together, candidates × rows × columns × channels."""
        return self.errors * BIT + self.bits * self.price

    def of_bytes(self, size: int) -> int:
        """What so many bytes beside the levels cost."""
        return 8 * size * BIT * self.price


def measure(
    item: FeatureMap, base: Quantizer, centre_value: float, candidates: Sequence[ClassQuantizer]
) -> Costs:
    """The costs of scalar candidates.

    Args:
        item: finite samples.
        centre_value: where residuals are 0.
    """
    geometry = Geometry.of(item.shape)
    shape = (geometry.rows, geometry.columns, geometry.channels)
    grid = Grid.over(item, base)
    places: Integers = grid.place(item).reshape(shape)
    value = np.array([centre_value], np.float32)

    def cost(chosen: ClassQuantizer) -> tuple[Integers, Integers]:
        quantizer = scalar_quantizer(chosen, base)
        levels = quantizer.quantize(item)
        residuals = levels.astype(np.int64) - int(quantizer.quantize(value)[0])
        errors: Integers = places - grid.place(quantizer.dequantize(levels)).reshape(shape)
        return errors * errors, estimated_bits(residuals.reshape(shape))

    pairs = [cost(chosen) for chosen in candidates]
    errors: Integers = np.stack([pair[0] for pair in pairs])
    bits: Integers = np.stack([pair[1] for pair in pairs])
    price = 1 if base.is_explicit else _price(pairs[0], cost(_SLOPE))
    return Costs(tuple(candidates), errors, bits, price)


def estimated_bits(residuals: Integers) -> Integers:
    """The bits of each residual in 1/256: the entropy among samples with like neighbours.

    Args:
        residuals: rows × columns × channels.
    """
    size = np.abs(residuals)
    near = np.zeros_like(size)
    near[:, 1:] += size[:, :-1]
    near[1:] += size[:-1]
    count = size.shape[0] * size.shape[1]
    near = 4 * near + 8 * size.sum(axis=(0, 1)) // count
    context = np.minimum(log2_fixed(near + 1) >> 7, _BINS - 1)
    exponent = log2_fixed(size) >> 8
    is_small = size < _SMALL_MAGNITUDES
    symbol = np.where(is_small, size, _SMALL_MAGNITUDES + exponent - 3)
    extra = np.where(is_small, 0, exponent)
    cell = context * _SYMBOLS + np.minimum(symbol, _SYMBOLS - 1)
    counts = np.bincount(cell.reshape(-1), minlength=_BINS * _SYMBOLS).reshape(_BINS, _SYMBOLS)
    totals = log2_fixed(counts.sum(axis=1, keepdims=True) + 1)
    table = np.maximum(totals - log2_fixed(counts), 0).reshape(-1)
    sign = (size > 0) if (residuals < 0).any() and (residuals > 0).any() else np.zeros_like(size)
    bits: Integers = table[cell] + BIT * (extra + sign)
    return bits


def _price(base: tuple[Integers, Integers], coarse: tuple[Integers, Integers]) -> int:
    """The error that a coarser step adds for each bit that it saves; 1 where it does neither.

    The slope of the chord to half an octave is that of the curve a quarter octave up, √2 times the
    slope where the base stands.
    """
    lost = int(coarse[0].sum() - base[0].sum())
    saved = int(base[1].sum() - coarse[1].sum())
    return max(1, lost * _HALF_OCTAVE_DOWN // saved) if saved > 0 and lost > 0 else 1
