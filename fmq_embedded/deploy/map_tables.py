"""A feature map's quantizers as the integer tables that a lowering builds operators from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError
from fmq_embedded.quantizers import Quantizer, SampleType
from fmq_embedded.quantizers.exact import decision_thresholds, reconstruction_values
from fmq_embedded.quantizers.samples import INFINITY_BITS, values_of_keys

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class MapTables:
    """One feature map's tables: one quantizer, or one for each class of channels.

    level = bias of the class + the number of its thresholds that the sample reaches, up to its top.

    Args:
        name: of the tensor.
        samples: their type; for integers with its scale and zero point.
        quantizers: one for each class.
        biases: what each class adds to its levels, so that all share one alphabet.
        class_of: the class of each channel; None when there is one class.
        bit_depth: of the levels, biases included.
        tops: the highest level that a sample gets in each class, without its bias; () for those
            of the quantizers.

    Raises:
        InputError: when these do not fit each other.
    """

    name: str
    samples: SampleType
    quantizers: tuple[Quantizer, ...]
    biases: tuple[int, ...]
    class_of: tuple[int, ...] | None
    bit_depth: int
    tops: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.quantizers)
        if not self.tops:
            object.__setattr__(self, "tops", tuple(q.maximum_level for q in self.quantizers))
        if self.maximum_level >= 1 << self.bit_depth or min(self.biases) < 0:
            raise InputError(
                f"levels up to {self.maximum_level} of {self.name!r} need more than "
                f"{self.bit_depth} bits"
            )
        classes = set(self.class_of or (0,))
        if not classes <= set(range(count)) or (self.class_of is None and count > 1):
            raise InputError(f"tensor {self.name!r} has {count} classes; got channels of {classes}")

    @classmethod
    def of(cls, name: str, samples: SampleType, quantizer: Quantizer) -> MapTables:
        """The tables of one quantizer."""
        return cls(name, samples, (quantizer,), (0,), None, quantizer.bit_depth)

    @classmethod
    def by_channel(
        cls,
        name: str,
        samples: SampleType,
        quantizers: Sequence[Quantizer],
        class_of: Sequence[int],
        biases: Sequence[int] | None = None,
    ) -> MapTables:
        """The tables of channel classes; without biases each class's levels start at 0."""
        shifts = tuple(biases) if biases is not None else (0,) * len(quantizers)
        top = max(b + q.maximum_level for b, q in zip(shifts, quantizers, strict=True))
        return cls(
            name, samples, tuple(quantizers), shifts, tuple(class_of), max(1, top.bit_length())
        )

    @property
    def maximum_level(self) -> int:
        """The highest level that a sample gets."""
        return max(bias + top for bias, top in zip(self.biases, self.tops, strict=True))

    @cached_property
    def thresholds(self) -> tuple[Array, ...]:
        """Of each class: int32 keys for float32, int32 codes for integers."""
        return tuple(
            decision_thresholds(quantizer, self.samples)[:top]
            for quantizer, top in zip(self.quantizers, self.tops, strict=True)
        )

    @cached_property
    def float_thresholds(self) -> tuple[npt.NDArray[np.float32], ...]:
        """Of each class as float32 values; of integer samples their codes, which are exact.

        One beyond the type is infinite.
        """
        if self.samples.is_integer:
            return tuple(codes.astype(np.float32) for codes in self.thresholds)
        return tuple(values_of_keys(np.minimum(keys, INFINITY_BITS)) for keys in self.thresholds)

    @cached_property
    def level_tables(self) -> npt.NDArray[np.int32]:
        """(classes, codes): the level of each code of an integer type, from the lowest code."""
        codes = np.arange(self.samples.lowest_code, self.samples.highest_code + 1)
        rows = [
            np.searchsorted(limits, codes, side="right") + bias
            for limits, bias in zip(self.thresholds, self.biases, strict=True)
        ]
        return np.array(rows, np.int32)

    @cached_property
    def value_tables(self) -> Array:
        """(classes, 2^bit_depth): the sample of each level; the nearest for one of no class."""
        rows = []
        for quantizer, bias, top in zip(self.quantizers, self.biases, self.tops, strict=True):
            own = np.arange(1 << self.bit_depth) - bias
            values = reconstruction_values(quantizer, self.samples)
            rows.append(values[np.clip(own, 0, top)])
        return np.stack(rows)

    def per_channel(self, values: Sequence[Any], dtype: str) -> Array:
        """A number for each class as one for each channel; a scalar when there is one class."""
        array = np.asarray(values, dtype)
        if self.class_of is None:
            return array.reshape(())
        return array[list(self.class_of)]
