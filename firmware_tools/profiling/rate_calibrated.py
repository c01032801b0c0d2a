"""The dense coder behind a channel transform that was calibrated on other pictures."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from firmware_tools.profiling.rate_codec import Coded, RateCodec, Setting, real_values
from firmware_tools.profiling.rate_ours import PROFILES, RATIOS
from fmq_embedded.bitstream.headers import Preamble
from fmq_embedded.codec import assemble, headers_crc
from fmq_embedded.dense import real_values as coded_values
from fmq_embedded.dense.channel_transform import LARGEST_CHANNELS
from fmq_embedded.dense.device_plan import DensePlan
from fmq_embedded.dense.encoder import prepare
from fmq_embedded.dense.targets import within_sqnr
from fmq_embedded.deploy.calibrate_channels import fitted_transform
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.quantizing import plain_header

CALIBRATED = f"{PROFILES[0]}, calibrated"
JUDGED_MAPS, JUDGED_RATIO = 3, 16.0


def calibrated_codec(seen: Sequence[FeatureMap]) -> RateCodec | None:
    """The codec for maps like those seen; None where a channel transform does not pay on them."""
    if not seen:
        return None
    count = seen[0].shape[-1]
    if not 2 <= count <= LARGEST_CHANNELS:
        return None
    maps = [coded_values(item).reshape(-1, count) for item in seen]
    if min(values.min() for values in maps) >= 0:
        return None
    transform, exponent = fitted_transform(maps)
    plan = DensePlan(exponent, 0, channels=transform)
    own = other = 0
    for item in seen[:JUDGED_MAPS]:
        own += len(within_sqnr(prepare(item), JUDGED_RATIO, "auto").payload)
        other += len(within_sqnr(plan.source(plan.numbers(item)), JUDGED_RATIO, "auto").payload)
    if other >= own:
        return None
    settings = [(ratio,) for ratio in reversed(RATIOS)]
    return RateCodec(CALIBRATED, "", lambda item: settings, functools.partial(_code, plan))


def _code(plan: DensePlan, item: FeatureMap, setting: Setting) -> Coded:
    result = within_sqnr(plan.source(plan.numbers(item)), setting[0], "auto")
    header = replace(plain_header(item), is_dense=True)
    assert plan.channels is not None
    agreed = headers_crc([header], plan.channels.to_bytes())
    stream = assemble(Preamble(1, headers_crc=agreed), [(header, result.payload)])
    numbers = plan.decode(result.tensor, item.shape)
    back = plan.samples(numbers, item.samples.dtype.name, item.zero_point)
    return Coded(
        len(stream), real_values(FeatureMap(np.asarray(back), item.scale, item.zero_point))
    )
