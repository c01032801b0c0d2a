"""Partial quantization: classes by channel, by region or by block, each with its own quantizer."""

from __future__ import annotations

from fmq_embedded.partition.class_map import ClassMap, decode_class_map, encode_class_map
from fmq_embedded.partition.classes import OWN, ClassQuantizer, Step, scalar_quantizer
from fmq_embedded.partition.partition import Partition

__all__ = [
    "OWN",
    "ClassMap",
    "ClassQuantizer",
    "Partition",
    "Step",
    "decode_class_map",
    "encode_class_map",
    "scalar_quantizer",
]
