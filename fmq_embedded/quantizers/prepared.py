"""What is made from a quantizer once: tables and integers, for it and for those equal to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

from fmq_embedded.quantizers.quantizer import Quantizer
from fmq_embedded.quantizers.samples import SampleType

KEPT = 64
"""Tables of the last quantizers: a decoder makes each stream's quantizer anew, and equal."""

Make: TypeAlias = Callable[[Quantizer, SampleType], Any]


def prepared(quantizer: Quantizer, make: Make, sample_type: SampleType) -> Any:
    """`make(quantizer, sample_type)`, made once for each quantizer and sample type."""
    key = (make, sample_type)
    if key not in quantizer._prepared:
        if quantizer.is_explicit:  # up to 131,071 numbers, which take long to compare
            quantizer._prepared[key] = make(quantizer, sample_type)
        else:
            quantizer._prepared[key] = _found(make, quantizer, sample_type)
    return quantizer._prepared[key]


@lru_cache(KEPT)
def _found(make: Make, quantizer: Quantizer, sample_type: SampleType) -> Any:
    return make(quantizer, sample_type)
