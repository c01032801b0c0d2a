"""Quantizers: one definition each, the float reference, exact thresholds, integer kernels."""

from fmq_embedded.quantizers import exact, reference
from fmq_embedded.quantizers.quantizer import Quantizer
from fmq_embedded.quantizers.samples import SampleType

__all__ = ["Quantizer", "SampleType", "exact", "reference"]
