"""The engines and lowerings that grafted models are tested in here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.deploy.map_tables import MapTables
from fmq_embedded.quantizers import Quantizer, SampleType
from fmq_embedded.tflite_file import operator_name, read_model

# tflite-runtime ended with Python 3.11; the others are there for every Python.
TFLITE_ENGINES = ["litert", "litert_reference"]
if sys.version_info < (3, 12):
    TFLITE_ENGINES.insert(0, "tflite")

PAIRS = [(engine, "tflite") for engine in TFLITE_ENGINES]
PAIRS += [(engine, "npu") for engine in TFLITE_ENGINES]
PAIRS += [("micro", "micro"), ("micro", "npu")]
"""Every engine with the lowerings that it runs."""


def operators(model: bytes) -> list[str]:
    """The operators of a model, in order."""
    read = read_model(model)
    return [operator_name(read, operator) for operator in read.subgraphs[0].operators]


def tables(quantizer: Quantizer, dtype: str = "float32", *meaning: Any) -> MapTables:
    """The tables of one quantizer of a map called "map"."""
    return MapTables.of("map", SampleType(dtype, *meaning), quantizer)


def channel_tables(
    quantizers: Sequence[Quantizer], class_of: Sequence[int], dtype: str = "float32", *meaning: Any
) -> MapTables:
    """The tables of channel classes, levels shifted so that their centres meet."""
    centres = [quantizer.centre for quantizer in quantizers]
    biases = [max(centres) - centre for centre in centres]
    return MapTables.by_channel("map", SampleType(dtype, *meaning), quantizers, class_of, biases)


def random_quantizer(generator: np.random.Generator) -> Quantizer:
    """Of any distribution, rounding, depth and size of numbers."""
    kind = generator.integers(0, 4)
    depth = int(generator.integers(2, 11))
    size = float(10.0 ** generator.uniform(-6, 6))
    step, offset = float(generator.uniform(0.6, 2)), float(generator.uniform(0, 0.99))
    mean = float(generator.normal()) * size
    if kind == 0:
        return Quantizer.uniform(mean, mean + size, depth, step, offset)
    if kind == 1:
        rounding = ("floor", "centre")[int(generator.integers(0, 2))]
        return Quantizer.gaussian(mean, 1.0, depth, size, step, offset, rounding)  # type: ignore[arg-type]
    if kind == 2:
        return Quantizer.laplace(size, depth, step, offset, "centre")
    limits = np.sort(generator.normal(0, size, (1 << min(depth, 6)) - 1))
    limits[: len(limits) // 4] = limits[0]  # levels that nothing gets
    values: npt.NDArray[Any] = np.sort(generator.normal(0, size, len(limits) + 1))
    return Quantizer.explicit(limits.tolist(), values.tolist())
