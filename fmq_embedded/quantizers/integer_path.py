"""Quantize and dequantize on the CPU, by integer arithmetic alone."""

from __future__ import annotations

from dataclasses import dataclass
from sys import byteorder
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import unknown_name
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.quantizers.arguments import (
    NONFINITE_RULES,
    check_levels,
    checked_out,
    output_type,
    replace_nonfinite,
)
from fmq_embedded.quantizers.estimate import UNCERTAIN, fixed_point_estimate, prove_estimate
from fmq_embedded.quantizers.exact import decision_thresholds, reconstruction_values
from fmq_embedded.quantizers.prepared import prepared
from fmq_embedded.quantizers.quantizer import Quantizer
from fmq_embedded.quantizers.samples import (
    INFINITY_BITS,
    AnyArray,
    SampleType,
    order_keys,
    read_samples,
)

STREAMED_BYTES = 1 << 23
"""From here on a result is stored past the caches."""
DOUBLE_INFINITY_BITS = 0x7FF0000000000000


@dataclass(frozen=True)
class Float32Plan:
    """What the float32 kernels need: the estimate's integers as their types, and the bounds."""

    fields: tuple[Any, ...]
    beyond: int
    lower_bounds: npt.NDArray[np.int32]
    has_dead_zone: bool


def quantize(
    quantizer: Quantizer,
    samples: npt.ArrayLike | FeatureMap,
    *,
    scale: float,
    zero_point: int,
    nonfinite: str,
    nan_level: int | None,
    out: AnyArray | None,
) -> AnyArray:
    """As `Quantizer.quantize`."""
    array, sample_type = read_samples(samples, scale, zero_point)
    if nonfinite not in NONFINITE_RULES:
        raise unknown_name("rule for NaN and infinities", str(nonfinite), NONFINITE_RULES)
    levels = checked_out(out, array.shape, quantizer.level_dtype)
    flat, flat_levels = array.reshape(-1), levels.reshape(-1)
    if sample_type.is_integer:
        _lookup(_unsigned(flat), prepared(quantizer, level_table, sample_type), flat_levels)
        return levels
    if not _quantize_floats(quantizer, flat, sample_type, flat_levels):
        _, replace = replace_nonfinite(quantizer, array, nonfinite, nan_level)
        replace(levels)
    return levels


def dequantize(
    quantizer: Quantizer,
    levels: npt.ArrayLike,
    dtype: npt.DTypeLike,
    *,
    scale: float,
    zero_point: int,
    out: AnyArray | None,
) -> AnyArray:
    """As `Quantizer.dequantize`."""
    output = output_type(dtype, scale, zero_point)
    array = check_levels(quantizer, levels)
    samples = checked_out(out, array.shape, np.dtype(output.dtype))
    indices = array.reshape(-1).astype(quantizer.level_dtype, copy=False)
    _lookup(indices, prepared(quantizer, reconstruction_values, output), samples.reshape(-1))
    return samples


def level_table(quantizer: Quantizer, samples: SampleType) -> AnyArray:
    """The level of each code of an integer type, indexed by the code's bits as unsigned."""
    codes = np.arange(samples.highest_code - samples.lowest_code + 1)
    codes = codes.astype(f"uint{codes.size.bit_length() - 1}").view(samples.dtype)
    thresholds = prepared(quantizer, decision_thresholds, samples)
    levels = np.searchsorted(thresholds, order_keys(codes), side="right")
    return levels.astype(quantizer.level_dtype)


def float32_plan(quantizer: Quantizer, samples: SampleType) -> Float32Plan | None:
    """The proven estimate as the kernels take it; None where thresholds must be searched."""
    from numba import config

    if config.DISABLE_JIT:
        return None  # the estimate's loop exists as instructions only
    estimate = fixed_point_estimate(quantizer)
    if estimate is None:
        return None
    prove_estimate(quantizer, estimate)
    has_dead_zone = quantizer.rounding == "centre"
    fields: tuple[Any, ...] = (
        np.uint32(estimate.exponent),
        np.uint32(estimate.multiplier),
        np.int32(estimate.base),
        np.int32(UNCERTAIN),
        np.uint32((1 << estimate.fraction_bits) - 1),
        np.uint32(estimate.fraction_bits),
        np.int32(quantizer.maximum_level),
    )
    if has_dead_zone:
        fields += (np.int32(estimate.pivot), np.int32(estimate.dead_zone))
    return Float32Plan(fields, estimate.beyond, estimate.lower_bounds, has_dead_zone)


def _quantize_floats(
    quantizer: Quantizer, flat: AnyArray, sample_type: SampleType, levels: AnyArray
) -> bool:
    """Writes the levels; whether every sample is finite."""
    from fmq_embedded.quantizers import kernels

    if sample_type.dtype == "float64":
        thresholds = prepared(quantizer, decision_thresholds, sample_type)
        found = kernels.search_float64(flat.view(np.uint64), thresholds, levels)
        return int(found) < DOUBLE_INFINITY_BITS
    bits = flat.view(np.uint32)
    plan = prepared(quantizer, float32_plan, sample_type)
    if plan is not None:
        return kernels.estimate_float32(plan, bits, levels) < INFINITY_BITS
    thresholds = prepared(quantizer, decision_thresholds, sample_type)
    return int(kernels.search_float32(bits, thresholds, levels)) < INFINITY_BITS


def _unsigned(codes: AnyArray) -> AnyArray:
    return codes.view(f"uint{8 * codes.dtype.itemsize}")


def _lookup(indices: AnyArray, table: AnyArray, out: AnyArray) -> None:
    from fmq_embedded.quantizers import kernels

    done = 0
    if _streams(indices, table, out):
        firsts = table.view(np.uint32).astype(np.uint64)
        done = indices.size - indices.size % 8
        words, pairs = indices[:done].view(np.uint64), out[:done].view(np.uint64)
        kernels.lookup_pairs(words, firsts, firsts << np.uint64(32), pairs)
    kernels.lookup(indices[done:], table, out[done:])


def _streams(indices: AnyArray, table: AnyArray, out: AnyArray) -> bool:
    """Whether `lookup_pairs` takes it: bytes to 4-byte values, too many for the caches."""
    has_sizes = indices.itemsize == 1 and table.itemsize == 4
    is_aligned = (indices.ctypes.data | out.ctypes.data) % 8 == 0
    return has_sizes and is_aligned and out.nbytes >= STREAMED_BYTES and byteorder == "little"
