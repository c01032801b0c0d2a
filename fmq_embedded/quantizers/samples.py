"""What samples are: their type, their exact real value, and an integer that keeps their order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError, unknown_name
from fmq_embedded.feature_map import INTEGER_DTYPES, FeatureMap, dtype_name

THRESHOLD_DTYPES = ("float32", "float64", *INTEGER_DTYPES)
INFINITY_BITS = 0x7F800000
"""The bits of +Inf as a float32; with the sign bit off, anything above is a NaN."""

AnyArray = npt.NDArray[Any]


@dataclass(frozen=True)
class SampleType:
    """A type of sample, and for integer codes what they mean.

    Real value = (code − zero_point) × scale, `scale` being a float32; for floating point the
    scale is 1 and the zero point 0. float16 and bfloat16 samples are float32 samples, for each
    of their values is a float32.

    Args:
        dtype: "float32", "float64", "int8", "uint8" or "int16".

    Raises:
        InputError: for another dtype, or a scale or zero point that the dtype cannot have.
    """

    dtype: str = "float32"
    scale: float = 1.0
    zero_point: int = 0

    def __post_init__(self) -> None:
        if self.dtype not in THRESHOLD_DTYPES:
            raise unknown_name("sample type", str(self.dtype), THRESHOLD_DTYPES)
        empty = FeatureMap(np.empty(0, self.dtype), self.scale, self.zero_point)
        object.__setattr__(self, "scale", empty.scale)
        object.__setattr__(self, "zero_point", int(self.zero_point))

    @property
    def is_integer(self) -> bool:
        """Whether samples are integer codes."""
        return self.dtype in INTEGER_DTYPES

    @property
    def lowest_code(self) -> int:
        """The lowest code of an integer type."""
        return int(np.iinfo(self.dtype).min)

    @property
    def highest_code(self) -> int:
        """The highest code of an integer type."""
        return int(np.iinfo(self.dtype).max)


def read_samples(samples: Any, scale: float, zero_point: int) -> tuple[AnyArray, SampleType]:
    """The samples as a native, C-contiguous array of a threshold dtype, and their type.

    Args:
        samples: an array of a feature map's dtypes, any shape and strides, or a `FeatureMap`.
        scale, zero_point: for integer arrays; a `FeatureMap` brings its own.

    Raises:
        InputError: for a dtype that is not a feature map's, or a scale that does not suit it,
            or a scale or zero point given beside a `FeatureMap`.
    """
    if isinstance(samples, FeatureMap):
        if scale != 1.0 or zero_point != 0:
            raise InputError("a FeatureMap brings its own scale and zero_point; leave them out")
        feature_map = samples
    else:
        feature_map = FeatureMap(np.asarray(samples), scale, zero_point)
    array = feature_map.samples
    name = dtype_name(array.dtype)
    if name in ("float16", "bfloat16"):
        array, name = array.astype(np.float32), "float32"
    contiguous = np.asarray(array, dtype=name, order="C")
    return contiguous, known_sample_type(name, feature_map.scale, feature_map.zero_point)


@lru_cache(64)
def known_sample_type(dtype: str, scale: float, zero_point: int) -> SampleType:
    """As `SampleType`, made and checked once."""
    return SampleType(dtype, scale, zero_point)


def order_keys(samples: AnyArray) -> AnyArray:
    """Integers in the order of the samples: −0 and +0 are both 0, codes are themselves.

    Args:
        samples: float32, float64, or integers.

    Returns:
        int32 for float32 (from its bits u: u below 2^31, else −(u − 2^31)), int64 for float64,
        int32 for integers; the same shape.
    """
    if samples.dtype == np.float32:
        bits = samples.view(np.int32)
        magnitude = bits & np.int32(0x7FFFFFFF)
    elif samples.dtype == np.float64:
        bits = samples.view(np.int64)
        magnitude = bits & np.int64(0x7FFFFFFFFFFFFFFF)
    else:
        return samples.astype(np.int32)
    keys: AnyArray = np.where(bits < 0, -magnitude, magnitude)
    return keys


def values_of_keys(keys: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
    """The float32 samples that have these keys; the inverse of `order_keys`, +0 for 0."""
    magnitude = np.abs(keys).astype(np.uint32)
    sign = (keys < 0).astype(np.uint32) << np.uint32(31)
    return (magnitude | sign).view(np.float32)
