"""A quantizer in a deployment's files: its fields for people, its tables as integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.quantizers import Quantizer

Array = npt.NDArray[Any]


def describe_quantizer(quantizer: Quantizer) -> dict[str, Any]:
    """What the description says; the tables of an explicit quantizer are kept apart."""
    entry: dict[str, Any] = {
        "distribution": quantizer.distribution,
        "bit_depth": quantizer.bit_depth,
    }
    if quantizer.is_explicit:
        return entry | {"explicit": True}
    return entry | {
        "step_size": quantizer.step_size,
        "rounding_offset": quantizer.rounding_offset,
        "rounding": quantizer.rounding,
        "parameters": list(quantizer.parameters),
        "span_is_fitted": quantizer.span_is_fitted,
    }


def quantizer_tables(quantizer: Quantizer, prefix: str) -> dict[str, Array]:
    """The thresholds and values of an explicit quantizer as bits of float32; else nothing."""
    if quantizer.thresholds is None or quantizer.values is None:
        return {}
    bits: dict[str, Sequence[float]] = {
        "threshold_bits": quantizer.thresholds,
        "value_bits": quantizer.values,
    }
    return {
        f"{prefix}_{name}": np.asarray(values, np.float32).view(np.uint32)
        for name, values in bits.items()
    }


def read_quantizer(entry: Mapping[str, Any], prefix: str, tables: Mapping[str, Array]) -> Quantizer:
    """The quantizer that was described.

    Raises:
        KeyError, TypeError, ValueError: the description or the tables are not what was written.
    """
    if entry.get("explicit"):
        limits = tables[f"{prefix}_threshold_bits"].view(np.float32)
        points = tables[f"{prefix}_value_bits"].view(np.float32)
        return Quantizer.explicit(limits.tolist(), points.tolist(), entry["distribution"])
    return Quantizer(
        entry["distribution"],
        entry["bit_depth"],
        entry["step_size"],
        entry["rounding_offset"],
        entry["rounding"],
        tuple(entry["parameters"]),
        entry["span_is_fitted"],
    )
