"""Tensors with dense plans and maps of them: every search, step size, shape and type of sample."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from firmware_tools.conformance.telling_samples import Array
from fmq_embedded.dense.channel_transform import ChannelTransform, Matrix
from fmq_embedded.dense.device_plan import QUICK, DensePlan, device_exponent
from fmq_embedded.dense.encoder import PLAIN, RATE_DISTORTION, TRELLIS
from fmq_embedded.dense.search import Search
from fmq_embedded.dense.steps import nearest_step
from fmq_embedded.dense.weighting import Region, Weighting
from fmq_embedded.deploy.tensor_plan import TensorPlan

HOST_SEARCH = replace(TRELLIS, sine=True)
"""All that the format has: dependent levels, predicted channels, both transforms, points."""

SEARCHES = {
    "quick": QUICK,
    "plain": PLAIN,
    "rdo": RATE_DISTORTION,
    "spatial": replace(PLAIN, allowed=(1,)),
    "whole": replace(RATE_DISTORTION, allowed=(2,)),
    "tiled": replace(QUICK, allowed=(3,)),
}

FILLING = replace(RATE_DISTORTION, allowed=(1,))
"""Levels without a transform, and a sample for those that are 0."""

WHOLE = replace(PLAIN, allowed=(2,))

# Rows and columns that one transform takes, and those that are cut; one of each; maps above maps.
SHAPES: tuple[tuple[int, ...], ...] = (
    (1, 12, 12, 6),
    (9, 7, 5),
    (1, 1, 23),
    (2, 8, 5, 3),
    (1, 1, 1),
    (13, 1, 9),
    (1, 66, 34, 1),
)

# The type of the samples, their zero point, the step as a share of the range.
KINDS = (
    ("float32", 0, 1 / 40),
    ("float32", 0, 1 / 6),
    ("int8", -128, 1 / 30),
    ("float32", 0, 1 / 900),
    ("uint8", 120, 1 / 12),
    ("int16", 0, 1 / 60),
    ("float32", 0, 1 / 15),
)

# Two turns by the angle of a triangle 3, 4, 5, times 2^13: not its own transpose.
TURNS = (
    (4915, 6554, 0, 0),
    (-6554, 4915, 0, 0),
    (0, 0, 4915, 6554),
    (0, 0, -6554, 4915),
)
# The same turns, their numbers weighed by 2, 1, 1/2 and 4; and what undoes that.
WEIGHED = ChannelTransform(
    Matrix(((4915, 6554, 0, 0), (-3277, 2458, 0, 0), (0, 0, 1229, 1638), (0, 0, -13107, 9830)), 12),
    Matrix(
        ((4915, 6554, 0, 0), (-13107, 9830, 0, 0), (0, 0, 19661, 26214), (0, 0, -3277, 2458)), 14
    ),
)


def dense_maps(*, compact: bool) -> Iterator[tuple[TensorPlan, Array]]:
    """Plans, each with a map; the compact ones have every search, shape and kind once or twice."""
    for turn in range(len(SHAPES) * (1 if compact else len(SEARCHES))):
        name, search = list(SEARCHES.items())[(turn + turn // len(SEARCHES)) % len(SEARCHES)]
        dtype, zero_point, share = KINDS[(turn + turn // len(SHAPES)) % len(KINDS)]
        samples = _samples(SHAPES[turn % len(SHAPES)], dtype, zero_point, seed=turn)
        yield _plan(f"dense-plan-{turn}-{name}", samples, zero_point, share, search), samples
    transforms = {"": ChannelTransform(Matrix(TURNS)), "weighed-": WEIGHED}
    for name, transform in transforms.items():
        mixed = _samples((1, 9, 8, 4), "float32", 0, seed=21)
        plan = _plan(f"dense-plan-{name}channels", mixed, 0, 1 / 30, QUICK)
        assert plan.dense is not None
        dense = replace(plan.dense, exponent=plan.dense.exponent + 2 * bool(name))
        yield replace(plan, dense=replace(dense, channels=transform)), mixed
    yield from _weighted_maps()
    nothing = np.zeros((1, 4, 4, 2), np.float32)
    yield _plan("dense-plan-nothing", nothing, 0, 1 / 8, QUICK), nothing
    sparse = _sparse((1, 10, 11, 4))
    yield _plan("dense-plan-fills", sparse, 0, 1 / 5, FILLING), sparse
    last = _last_cosine(9, 8)
    yield _plan("dense-plan-last-coefficient", last, 0, 1 / 20, WHOLE), last


def _sparse(shape: tuple[int, ...]) -> Array:
    """Behind a ReLU: below the step almost everywhere, so that zeros are filled."""
    samples = np.random.default_rng(7).laplace(0, 1, shape) + 0.2
    return (np.maximum(samples, 0) * 3.7).astype(np.float32)


def _last_cosine(rows: int, columns: int) -> Array:
    """The basis function of the highest frequencies: of all coefficients the last one alone."""
    waves = [np.cos(math.pi * (np.arange(n) + 0.5) * (n - 1) / n) for n in (rows, columns)]
    samples: Array = (50 * np.outer(*waves)[np.newaxis, :, :, np.newaxis]).astype(np.float32)
    return samples


def _weighted_maps() -> Iterator[tuple[TensorPlan, Array]]:
    """Factors of channels; then a region as well, of smooth maps: an island, and nothing at all."""
    codes = _samples((2, 5, 7, 4), "int8", 3, seed=22)
    plan = _plan("dense-plan-weighted", codes, 3, 1 / 30, RATE_DISTORTION)
    yield _weighted(plan, Weighting((1025, 65535, 8192, 11585))), codes
    pooled = _plan("dense-plan-weighted-pooled", codes, 3, 1 / 90, QUICK)
    yield _weighted(pooled, Weighting((9000, 5793, 20000, 8192), is_pooled=True)), codes
    values = _samples((1, 12, 11, 4), "float32", 0, seed=23)
    for name, threshold in (("region", 3 << 18), ("region-nothing", (1 << 31) - 1)):
        region = Region((700, -300, 41, 5), threshold, 1, (32767, -32767, 0, 90))
        plan = _plan(f"dense-plan-weighted-{name}", values, 0, 1 / 30, SEARCHES["spatial"])
        yield _weighted(plan, Weighting((20000, 9000, 8192, 5793), region)), values


def _weighted(plan: TensorPlan, weighting: Weighting) -> TensorPlan:
    assert plan.dense is not None
    # Two bits to spare for the largest factor.
    spare = replace(plan.dense, exponent=plan.dense.exponent + 2, step=plan.dense.step - 32)
    return replace(plan, dense=replace(spare, weighting=weighting))


def _plan(name: str, samples: Array, zero_point: int, share: float, search: Search) -> TensorPlan:
    values = samples.astype(np.float64) - zero_point
    lowest, highest = float(values.min()), float(values.max())
    exponent = device_exponent(lowest, highest, is_integer=samples.dtype != np.float32)
    step = nearest_step(math.ldexp((highest - lowest) * share, -exponent))
    plan = DensePlan(exponent, step, search)
    return TensorPlan(name, samples.shape, samples.dtype.name, 1.0, zero_point, dense=plan)


def _samples(shape: tuple[int, ...], dtype: str, zero_point: int, *, seed: int) -> Array:
    """Smooth in space, alike from channel to channel, some of them silent; signed by turns."""
    rng = np.random.default_rng(seed)
    channels = shape[-1]
    values = rng.normal(size=shape)
    for axis in range(len(shape) - 1):
        values = np.cumsum(values, axis) / max(math.sqrt(shape[axis]) / 2, 1)
    values += values.mean(-1, keepdims=True) * rng.integers(0, 3, channels)
    values *= (np.arange(channels) % 5 != 4) * 0.5 ** rng.integers(0, 4, channels)
    if seed % 2 == 0:
        values = np.maximum(values, 0)
    if dtype == "float32":
        return (values * 3.7).astype(np.float32)
    ends = np.iinfo(dtype)
    width = (ends.max - ends.min) / max(2 * float(np.abs(values).max()), 1.0)
    codes: Array = np.clip(np.rint(values * width) + zero_point, ends.min, ends.max).astype(dtype)
    return codes
