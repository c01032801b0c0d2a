"""Weightings as the suite "rate-task" takes codecs: factors of channels, a region of interest."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.profiling.partial_cases import PartialCase, samples_of
from firmware_tools.profiling.rate_codec import Coded, RateCodec, Setting, real_values
from fmq_embedded.bitstream.headers import Preamble
from fmq_embedded.codec import assemble, headers_crc
from fmq_embedded.dense import real_values as coded_values
from fmq_embedded.dense.device_plan import DensePlan, device_exponent
from fmq_embedded.dense.encoder import PLAIN
from fmq_embedded.dense.steps import nearest_step
from fmq_embedded.dense.weighting import FACTOR_BITS, FINER_BITS
from fmq_embedded.deploy.calibrate_dense import SPATIAL_PLAIN
from fmq_embedded.deploy.calibrate_weighting import (
    REGION_ODDS,
    RegionFit,
    channel_factors,
    learned_regions,
    means_of,
    weighting_of,
)
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.quantizing import plain_header

WITH_TRANSFORMS = "factors and transforms"
ASKED, POOLING_SHARE = 40, 0.9

Settings = Callable[[FeatureMap], Sequence[Setting]]


def weighted_codecs(
    case: PartialCase, exponents: npt.NDArray[np.int64], settings: Settings
) -> Iterator[RateCodec]:
    """Means where the tail pools; factors by importance, then with a region for each odds where the
    task tells of places.

    Args:
        exponents: of the steps of the channels; see `step_exponents`.
        settings: steps, in real values.
    """
    (name,) = case.calibration[0]
    items = [maps[name] for maps in case.calibration]
    ways: list[tuple[str, float, RegionFit | None]] = [
        ("factors by importance", 1.0, None),
        (WITH_TRANSFORMS, 1.0, None),
    ]
    if case.found is not None:
        references = [case.tail(samples_of(maps)) for maps in case.calibration]
        maps = {name: [coded_values(item)[0] for item in items]}
        fit = learned_regions(maps, references, case.found)[name]
        ways += [(f"region of interest, odds {odds:g}", odds, fit) for odds in REGION_ODDS]
    exponent = _exponent(items, exponents)
    if _is_pooling(case):
        plan = DensePlan(exponent, 0, PLAIN, weighting=means_of(items[0].shape))
        yield RateCodec("dense, means of channels", "", settings, functools.partial(_code, plan))
    for told, odds, learned in ways:
        weighting = weighting_of(exponents, learned, odds, math.ldexp(1.0, exponent - FINER_BITS))
        search = PLAIN if told == WITH_TRANSFORMS else SPATIAL_PLAIN
        plan = DensePlan(exponent, 0, search, weighting=weighting)
        yield RateCodec(f"dense, {told}", "", settings, functools.partial(_code, plan))


def _is_pooling(case: PartialCase) -> bool:
    """Whether outputs nearly always stay if channels become their means."""
    same = 0
    asked = case.calibration[:ASKED]
    for maps in asked:
        samples = samples_of(maps)
        means = {name: _means(one) for name, one in samples.items()}
        same += case.agrees(case.tail(samples), case.tail(means))
    return same >= POOLING_SHARE * len(asked)


def _means(samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    means = samples.mean(axis=tuple(range(samples.ndim - 1)), keepdims=True)
    if samples.dtype != np.float32:
        means = np.rint(means)
    return np.broadcast_to(means, samples.shape).astype(samples.dtype)


def _exponent(items: Sequence[FeatureMap], exponents: npt.NDArray[np.int64]) -> int:
    """In which what the largest factor makes of the samples fits."""
    largest = max(float(np.abs(coded_values(item)).max()) for item in items)
    moved = max(math.ceil(math.log2(max(channel_factors(exponents)))) - FACTOR_BITS, 0)
    return device_exponent(-largest, largest, is_integer=False) + moved


def _code(plan: DensePlan, item: FeatureMap, setting: Setting) -> Coded:
    """As a deployment does whose headers are agreed on."""
    weighting = plan.weighting
    assert weighting is not None
    plan = replace(plan, step=nearest_step(setting[0] / math.ldexp(item.scale, plan.exponent)))
    header = replace(plain_header(item), is_dense=True)
    numbers = plan.numbers(item)
    coded = plan.coded(numbers)
    agreed = headers_crc([header], weighting.to_bytes())
    stream = assemble(Preamble(1, headers_crc=agreed), [(header, coded.payload)])
    back = plan.samples(plan.decode(coded.tensor, numbers.shape), header.dtype, item.zero_point)
    return Coded(
        len(stream), real_values(FeatureMap(np.asarray(back), item.scale, item.zero_point))
    )
