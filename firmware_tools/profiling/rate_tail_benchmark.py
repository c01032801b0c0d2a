"""The suite "rate-tail": bits of linear maps where the tail's outputs keep a ratio.

Channel transforms of calibration maps, plain and weighed by what matters to the tail, beside the
channels as they are and x265. Tests are of other pictures.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.partial_benchmark import Point
from firmware_tools.profiling.partial_cases import PartialCase, linear_case, samples_of
from firmware_tools.profiling.rate_codec import Coded, RateCodec, Setting, real_values
from firmware_tools.profiling.rate_maps import signed, unit
from firmware_tools.profiling.rate_ours import MARGIN
from firmware_tools.profiling.rate_task_benchmark import fixed_peers, task_point
from fmq_embedded.bitstream.headers import Preamble
from fmq_embedded.codec import assemble, headers_crc
from fmq_embedded.dense.channel_transform import ChannelTransform
from fmq_embedded.dense.device_plan import DensePlan, device_exponent
from fmq_embedded.dense.encoder import PLAIN
from fmq_embedded.dense.steps import STEP_COUNT, nearest_step
from fmq_embedded.deploy.calibrate_channels import (
    TailSensitivity,
    fitted_transform,
    weighted_transforms,
)
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.quantizing import plain_header

UNIT: Final = "bits/element"
RATIOS: Final = (10.0, 15.0, 20.0)
"""Of the tail's outputs, in dB."""
OCTAVES: Final = np.arange(-5.0, 4.0, 0.5)
CASES: Final = {
    "BlazeFace 32×32×32": ("blazeface_short_range", "add_2__", signed(128)),
    "SSD 19×19×64": (
        "ssd_mobilenet_v2",
        "FeatureExtractor/MobilenetV2/expanded_conv_9/add",
        signed(300),
    ),
    "hand 14×14×48": ("hand_landmark_lite", "model_1/model/add_4/add", unit(224)),
}


def figures(quick: bool) -> list[Figure]:
    """The suite "rate-tail"."""
    counts = (12, 4) if quick else (24, 48)
    names = list(CASES)[:1] if quick else list(CASES)
    found = []
    for name in names:
        found += case_figures(linear_case(name, *CASES[name], *counts))
    return found


def case_figures(case: PartialCase) -> list[Figure]:
    """Bits with each transform, beside x265 where it is installed, else beside no transform."""
    codecs = [*fixed_peers(case)[:1], *transform_codecs(case)]
    curves = {codec.name: _curve(case, codec) for codec in codecs}
    peer = next(iter(curves))
    return [
        _figure(case, name, curve, ratio, peer, curves[peer])
        for name, curve in curves.items()
        for ratio in RATIOS
    ]


def transform_codecs(case: PartialCase) -> list[RateCodec]:
    """The dense coder with plain rounding, behind each transform that calibration tries."""
    ((name, item),) = case.calibration[0].items()
    tensor = TensorPlan(name, item.shape, item.samples.dtype.name, item.scale, item.zero_point)
    judged = [samples_of(maps) for maps in case.calibration]
    maps = [real_values(one[name]).astype(np.float64) for one in case.calibration]
    rows = [one.reshape(-1, item.shape[-1]) for one in maps]
    plain, exponent = fitted_transform(rows)
    transforms: Mapping[str, ChannelTransform | None] = {
        "channels": None,
        "components": plain,
        **weighted_transforms(tensor, rows, TailSensitivity(case.tail, judged)),
    }
    largest = MARGIN * max(float(np.abs(one).max()) for one in maps)
    exponent = max(exponent, device_exponent(-largest, largest, is_integer=False))
    root_mean_square = math.sqrt(float(np.mean([np.square(one).mean() for one in maps])))
    settings = [(root_mean_square * 2.0**octave,) for octave in OCTAVES]
    return [
        RateCodec(
            f"dense, {made}",
            "",
            lambda item: settings,
            functools.partial(_code, DensePlan(exponent, 0, PLAIN, transform)),
        )
        for made, transform in transforms.items()
    ]


def _code(plan: DensePlan, item: FeatureMap, setting: Setting) -> Coded:
    step = min(nearest_step(math.ldexp(setting[0], -plan.exponent)), STEP_COUNT - 1)
    stepped = DensePlan(plan.exponent, step, plan.search, plan.channels)
    numbers = stepped.numbers(item)
    payload = stepped.encode(numbers)
    header = plain_header(item)
    stream = assemble(Preamble(1, headers_crc=headers_crc([header])), [(header, payload)])
    _, back = stepped.through(numbers)
    return Coded(len(stream), np.asarray(stepped.samples(back, "float32", 0)))


def _curve(case: PartialCase, codec: RateCodec) -> Sequence[Point]:
    settings = codec.settings(next(iter(case.calibration[0].values())))
    return [task_point(case, codec, setting) for setting in settings]


def _bits_at(curve: Sequence[Point], ratio: float) -> float:
    ordered = sorted(curve, key=lambda point: point.tail_ratio)
    ratios = [point.tail_ratio for point in ordered]
    return float(np.exp(np.interp(ratio, ratios, np.log([point.bits for point in ordered]))))


def _figure(
    case: PartialCase,
    name: str,
    curve: Sequence[Point],
    ratio: float,
    peer: str,
    beside: Sequence[Point],
) -> Figure:
    bits = _bits_at(curve, ratio)
    told = f"{case.name}, {name}: bits where the tail keeps {ratio:g} dB"
    if name == peer:
        return Figure(told, bits, UNIT)
    other = _bits_at(beside, ratio)
    return Figure(told, bits, UNIT, peer, other, bits / other)
