"""The samples that tell a right quantizer from a wrong one: its decisions and its ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.exact import decision_thresholds
from fmq_embedded.quantizers.samples import INFINITY_BITS, SampleType, values_of_keys
from fmq_embedded.quantizers.verification import SPECIAL_BITS, decisive_samples

Array = npt.NDArray[Any]

WIDTH = 4
"""Counts are multiples of it."""


def telling_samples(quantizer: Quantizer, samples: SampleType, most: int) -> Array:
    """At most about `most` samples: the first of a level and its neighbours, ±0, subnormals, ends.

    Args:
        quantizer: whose decisions are taken; if there are more than fit, evenly spread ones.
        samples: float32 or an integer type.
        most: a bound that specials may exceed by a few.

    Returns:
        A flat array; its size is a multiple of `WIDTH`.
    """
    thresholds = decision_thresholds(quantizer, samples).astype(np.int64)
    lowest, highest = _range(samples)
    chosen = thresholds[(thresholds > lowest) & (thresholds <= highest)]
    if chosen.size > most // 3:
        chosen = chosen[np.unique(np.linspace(0, chosen.size - 1, most // 3).astype(int))]
    around = np.concatenate((chosen - 1, chosen, chosen + 1, [lowest, lowest + 1, -1, 0, 1]))
    around = np.concatenate((around, [highest - 1, highest]))
    keys = np.unique(np.clip(around, lowest, highest))
    if samples.is_integer:
        return _whole(keys.astype(samples.dtype))
    special = np.array(SPECIAL_BITS, np.uint32).view(np.float32)
    return _whole(np.concatenate((special, values_of_keys(keys.astype(np.int32)))))


def wide_samples(quantizer: Quantizer, dtype: str, most: int) -> Array:
    """Samples of float16, bfloat16 or float64, of shape (n, `WIDTH`)."""
    if dtype == "float64":
        found = decisive_samples(quantizer, SampleType("float64"))
        chosen = found[np.unique(np.linspace(0, found.size - 1, most).astype(int))]
        return _whole(chosen).reshape(-1, WIDTH)
    kind = np.dtype(dtype) if dtype == "float16" else _bfloat16()
    every = np.arange(1 << 16, dtype=np.uint32).astype(np.uint16).view(kind)
    finite = every[np.isfinite(every.astype(np.float32))]
    return _whole(finite[:: max(finite.size // most, 1)]).reshape(-1, WIDTH)


def _range(samples: SampleType) -> tuple[int, int]:
    if samples.is_integer:
        return samples.lowest_code, samples.highest_code
    return 1 - INFINITY_BITS, INFINITY_BITS - 1


def _whole(values: Array) -> Array:
    """The values, the last one repeated up to a multiple of `WIDTH`."""
    return np.pad(values, (0, -values.size % WIDTH), mode="edge")


def _bfloat16() -> np.dtype[Any]:
    import ml_dtypes

    found: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return found
