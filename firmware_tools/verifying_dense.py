"""Inputs and exact results for the checks of tensors that have a dense plan."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.dense.channel_transform import FINER_BITS
from fmq_embedded.dense.device_plan import CENTRE, DensePlan
from fmq_embedded.dense.numbers import LARGEST_SAMPLE
from fmq_embedded.dense.steps import SAMPLE_FRACTION
from fmq_embedded.deploy.tensor_plan import TensorPlan

Array = npt.NDArray[Any]

_EVERY = 37
"""Of the fixed-point samples, those whose edges are tried."""


def dense_inputs(plan: TensorPlan, dense: DensePlan) -> Array:
    """Samples at and beside the edges of fixed-point samples, and at the ends; all codes."""
    if plan.dtype != "float32":
        limits = np.iinfo(plan.dtype)
        return np.arange(limits.min, limits.max + 1).astype(plan.dtype)
    exponent, limit = _unit(dense)
    sizes = np.append(np.arange(0, LARGEST_SAMPLE, _EVERY), [1, limit - 1, limit])
    edges = np.ldexp(sizes + 0.5, exponent).astype(np.float32)
    around = np.concatenate(
        [edges, np.nextafter(edges, 0), np.nextafter(edges, np.float32(np.inf))]
    )
    largest, least = np.finfo(np.float32).max, np.finfo(np.float32).smallest_subnormal
    others = np.array([0, least, 1, largest], np.float32)
    positive = np.concatenate([around[np.isfinite(around)], others])
    return np.concatenate([positive, -positive])


def exact_numbers(plan: TensorPlan, dense: DensePlan, samples: Array) -> Array:
    """The numbers of samples, in exact arithmetic."""
    exponent, limit = _unit(dense)
    unit = Fraction(2) ** exponent
    zero = 0 if plan.dtype == "float32" else plan.zero_point
    return np.array(
        [_rounded((Fraction(float(s)) - zero) / unit, limit) + CENTRE for s in samples], np.uint16
    )


def exact_samples(plan: TensorPlan, dense: DensePlan, numbers: Array) -> Array:
    """The samples of decoded numbers, in exact arithmetic."""
    unit = Fraction(2) ** (dense.exponent - SAMPLE_FRACTION)
    values = [(int(number) - CENTRE) * unit for number in numbers]
    if plan.dtype == "float32":
        largest = Fraction(float(np.finfo(np.float32).max))
        clipped = [float(min(max(value, -largest), largest)) for value in values]
        return np.array(clipped, np.float64).astype(np.float32)
    limits = np.iinfo(plan.dtype)
    codes = [_half_away(value) + plan.zero_point for value in values]
    clipped_codes: Array = np.clip(codes, limits.min, limits.max).astype(plan.dtype)
    return clipped_codes


def some_numbers() -> Array:
    """Decoded numbers: the ends, those about the centre, and every 61st."""
    about = np.arange(CENTRE - 40, CENTRE + 41)
    return np.concatenate([about, np.arange(0, 65536, 61), [65535]]).astype(np.uint16)


def dense_map(plan: TensorPlan, dense: DensePlan, seed: int) -> Array:
    """A map whose samples are skewed, noisy over the whole range, smooth or constant, by turns."""
    generator = np.random.default_rng(seed)
    noise = generator.laplace(0, (60, 900, 4, 0)[seed % 4], plan.shape)
    axes = tuple(range(1, len(plan.shape) - 1))
    smooth = generator.normal(0, 90 * (seed % 4 == 2), plan.shape)
    for axis in axes:
        smooth = smooth.cumsum(axis)
    units = np.rint(noise + smooth + 700 * (seed % 4 == 3))
    values = np.ldexp(np.clip(units, -LARGEST_SAMPLE, LARGEST_SAMPLE), dense.exponent)
    if seed % 2 == 0:
        values = np.abs(values)
    if plan.dtype == "float32":
        floats: Array = values.astype(np.float32)
        return floats
    limits = np.iinfo(plan.dtype)
    codes = np.rint(values) + plan.zero_point
    clipped: Array = np.clip(codes, limits.min, limits.max).astype(plan.dtype)
    return clipped


def _unit(dense: DensePlan) -> tuple[int, int]:
    """The exponent of the unit of what is to be coded, and its largest magnitude."""
    if dense.stage is None:
        return dense.exponent, LARGEST_SAMPLE
    return dense.exponent - FINER_BITS, CENTRE - 1


def _rounded(value: Fraction, limit: int) -> int:
    return max(min(_half_away(value), limit), -limit)


def _half_away(value: Fraction) -> int:
    size = math.floor(abs(value) + Fraction(1, 2))
    return -size if value < 0 else size
